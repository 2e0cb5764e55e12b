"""Records of the API as rows: identifiers by system, mailboxes in both shapes, and nothing that identifies nobody."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.directory.fhir.boxes import LEFT
from dispatcher.directory.fhir.records import in_force, record_of
from tests import fhir_people as people
from tests.fhir_people import MAIL_TYPE, Json, mailbox, organization, practitioner, role
from tests.unit.directory.fhir.shelf import boxes_of, rows_of, sample

ZOE = {
    "id_type": "RPPS",
    "identifier": "99700000013",
    "title": "DR",
    "family": "LE GOFF-ESSAI",
    "given": "Zoé Anne",
    "profession": "Infirmier",
    "box_type": "PER",
}
HOUSE = {
    "structure_type": "FINESS",
    "structure_id": "990000010",
    "structure_name": "MAISON DE SANTE D'ESSAI",
    "postcode": "29000",
    "town": "QUIMPER",
}


def test_the_samples_as_rows() -> None:
    odd = Counter[str]()
    names = ("practitioner", "practitioner_role", "organization", "healthcare_service", "device")
    found = rows_of(map(sample, names), odd)
    person, place = "Practitioner/003-997001-997101", "Organization/001-997301"
    siret = {**HOUSE, "structure_type": "SIRET", "structure_id": "99000000000018"}
    secretary = {
        "record": place,
        "address": "secretariat@maison.mssante.test",
        "box_type": "ORG",
        "service": "Biologie",
        "paperless": 1,
        "red_list": 0,
    }
    heart = {
        "record": "HealthcareService/004-997401",
        "address": "cardiologie@maison.mssante.test",
        "box_type": "ORG",
        "service": "Cardiologie",
        "red_list": 0,
    }
    assert found == [
        {**ZOE, "record": person, "address": "zoe.legoff@medecin.mssante.test", "red_list": 0},
        {**ZOE, "record": person, "address": "zoe.legoff@second.mssante.test", "rank": 2, "red_list": 1},
        {
            **ZOE,
            **HOUSE,
            "record": "PractitionerRole/005-997001-997201",
            "address": "zoe.legoff@cabinet.mssante.test",
            "paperless": 0,
            "rank": 1,
            "red_list": 0,
        },
        {**HOUSE, **secretary},
        {**siret, **secretary},
        {**HOUSE, **heart},
        {**siret, **heart},
    ]
    assert not odd


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ([("urn:oid:1.2.250.1.71.4.2.1", "899700000013")], ("RPPS", "99700000013")),
        ([("https://rpps.esante.gouv.fr", "99700000013")], ("RPPS", "99700000013")),
        ([("https://rpps.esante.gouv.fr", "899700000013")], ("RPPS", "99700000013")),
        ([("http://rpps.fr/", "99700000013")], ("RPPS", "99700000013")),
        ([("urn:oid:1.2.250.1.71.4.2.1", "0991234567")], ("ADELI", "991234567")),
        ([("urn:oid:1.2.250.1.71.4.2.1", "02A1234567")], ("ADELI", "2A1234567")),
        ([("urn:oid:1.2.250.1.71.4.2.1", "0991234567"), ("https://rpps.fr", "99700000013")], ("RPPS", "99700000013")),
    ],
)
def test_a_person_is_known_by_the_system_of_the_identifier(
    identifiers: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    record = practitioner(1, mailbox("a@medecin.test"))
    record["identifier"] = [{"system": system, "value": value} for system, value in identifiers]
    (row,) = boxes_of([record])
    assert (row["id_type"], row["identifier"]) == expected


@pytest.mark.parametrize(
    "identifiers",
    [
        [],
        None,
        [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "3990000010/0001"}],
        [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "8997000000131"}],
        [{"system": "https://rpps.esante.gouv.fr", "value": "9970000001x"}],
        [{"system": "https://exemple.test", "value": "99700000013"}],
        [{"value": "99700000013"}],
        [{"system": "https://rpps.esante.gouv.fr", "value": 99700000013}],
        [{"system": "https://rpps.esante.gouv.fr", "value": "99700000013", "use": "old"}],
    ],
)
def test_a_person_without_a_national_identifier_gives_no_row(identifiers: object) -> None:
    record = practitioner(1, mailbox("a@medecin.test")) | {"identifier": identifiers}
    odd = Counter[str]()
    assert rows_of([record, role(1, 1, None, mailbox("b@medecin.test"))], odd) == []
    assert odd == {"professionnel sans RPPS ni ADELI : laissé": 1}


def test_a_person_under_two_numbers_is_nobody_for_certain() -> None:
    record = practitioner(1, mailbox("a@medecin.test"))
    record["identifier"][1]["value"] = people.rpps(2)
    odd = Counter[str]()
    assert rows_of([record], odd) == []
    assert odd == {"professionnel sous deux identifiants nationaux différents : laissé": 1}


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ([("urn:oid:1.2.250.1.71.4.2.2", "1990000010")], [("FINESS", "990000010")]),
        ([("urn:oid:1.2.250.1.71.4.2.2", "12A0000010")], [("FINESS", "2A0000010")]),
        ([("https://finess.esante.gouv.fr", "990000010")], [("FINESS", "990000010")]),
        ([("urn:oid:1.2.250.1.71.4.2.2", "399000000000018")], [("SIRET", "99000000000018")]),
        ([("https://sirene.fr", "99000000000018")], [("SIRET", "99000000000018")]),
        (
            [("https://sirene.fr", "99000000000018"), ("https://finess.esante.gouv.fr", "990000010")],
            [("FINESS", "990000010"), ("SIRET", "99000000000018")],
        ),
        ([("urn:oid:1.2.250.1.71.4.2.2", "2990000000")], []),
        ([("https://sirene.fr", "990000000")], []),
        ([("urn:oid:1.2.250.1.71.4.2.2", "499700000013001")], []),
    ],
)
def test_a_structure_is_found_by_each_of_its_national_numbers(
    identifiers: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    record = organization(1, mailbox("a@cabinet.test", "ORG"))
    record["identifier"] = [{"system": system, "value": value} for system, value in identifiers]
    assert [(row["structure_type"], row["structure_id"]) for row in boxes_of([record])] == expected


MSSANTE = {"url": people.MAIL_TYPE, "valueCoding": {"code": "MSSANTE"}}


def metadata(*parts: Json) -> Json:
    return {"url": people.METADATA, "extension": list(parts)}


@pytest.mark.parametrize(
    ("telecom", "kept"),
    [
        ({"system": "email", "value": "a@b.test"}, False),
        ({"system": "email", "value": "a@b.test", "extension": []}, False),
        ({"system": "email", "value": "a@b.test", "extension": [MSSANTE]}, True),
        ({"system": "email", "value": "a@b.test", "extension": MSSANTE}, True),
        ({"system": "email", "value": "mailto:A@B.test", "extension": [MSSANTE]}, True),
        ({"system": "email", "value": "a@b.test", "extension": [metadata()]}, True),
        ({"system": "email", "value": "a@b.test", "extension": [{**MSSANTE, "valueCoding": {"code": "AUTRE"}}]}, False),
        (
            {
                "system": "email",
                "value": "a@b.test",
                "extension": [{"url": people.MAIL_TYPE, "valueCode": "APICRYPT"}, metadata()],
            },
            False,
        ),
        ({"system": "phone", "value": "a@b.test", "extension": [MSSANTE]}, False),
        ({"system": "email", "value": "a@b.test", "extension": [MSSANTE], "use": "old"}, False),
        ({"system": "email", "value": "pas une adresse", "extension": [MSSANTE]}, False),
        ({"system": "email", "value": ["a@b.test"], "extension": [MSSANTE]}, False),
        ({"system": "email", "extension": [MSSANTE]}, False),
    ],
)
def test_only_secure_mailboxes_are_kept(telecom: Json, kept: bool) -> None:
    assert [row["address"] for row in boxes_of([practitioner(1, telecom)])] == (["a@b.test"] if kept else [])


@pytest.mark.parametrize(
    "said",
    [
        {"valueCodeableConcept": {"coding": [{"code": "ORG"}]}},
        {"valueCodeableConcept": {"coding": {"code": "org"}}},
        {"valueCode": "ORG"},
        {"valueCoding": {"code": "ORG"}},
        {"valueString": "ORG"},
    ],
)
def test_the_type_of_a_box_in_every_shape(said: Json) -> None:
    box = {"system": "email", "value": "a@b.test", "extension": [metadata({"url": "type", **said})]}
    assert [row["box_type"] for row in boxes_of([practitioner(1, box)])] == ["ORG"]


def test_a_box_of_an_unknown_type_is_left_and_told() -> None:
    odd = Counter[str]()
    assert boxes_of([practitioner(1, mailbox("a@b.test", "XYZ"))], odd) == []
    assert odd == {"type de boîte inconnu (attendu PER, ORG, APP ou CAB) : boîte laissée": 1}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"url": "digitization", "valueBoolean": True}, {"paperless": 1}),
        ({"url": "digitization", "valueBoolean": False}, {"paperless": 0}),
        ({"url": "dematerialisation", "valueString": "N"}, {"paperless": 0}),
        ({"url": "Dématérialisation", "valueCode": "O"}, {"paperless": 1}),
        ({"url": "digitization", "valueString": "peut-être"}, {"paperless": 0}),
        ({"url": "listeRouge", "valueBoolean": True}, {"red_list": 1}),
        ({"url": "liste-rouge", "valueString": "oui"}, {"red_list": 1}),
        ({"url": "listeRouge", "valueString": "?"}, {"red_list": 1}),
        ({"url": "publication", "valueBoolean": False}, {"red_list": 1}),
        ({"url": "publication", "valueBoolean": True}, {}),
        ({"url": "service", "valueString": "Biologie"}, {"service": "Biologie"}),
    ],
)
def test_what_the_metadata_say(part: Json, expected: Json) -> None:
    box = {"system": "email", "value": "a@b.test", "extension": [MSSANTE, metadata(part)]}
    (row,) = boxes_of([practitioner(1, box)])
    assert {name: row[name] for name in ("paperless", "red_list", "service") if row.get(name, 0) != 0} == {
        name: value for name, value in expected.items() if value != 0
    }
    assert (row.get("paperless") == 0) is (expected.get("paperless") == 0)


def test_an_indication_nobody_knows_is_told() -> None:
    odd = Counter[str]()
    boxes_of([practitioner(1, mailbox("a@b.test", inventée=True))], odd)
    assert odd == {"indication inconnue d'une boîte : « inventee »": 1}


def test_a_box_told_twice_is_one_with_the_stricter_word() -> None:
    twice = [
        mailbox("a@b.test", digitization=True),
        mailbox("A@b.test", digitization=False, listeRouge=True),
    ]
    (row,) = boxes_of([practitioner(1, *twice)])
    assert (row["paperless"], row["red_list"]) == (0, 1)


def test_control_characters_and_half_characters_are_no_part_of_a_name() -> None:
    (row,) = rows_of([practitioner(1, family="DU\x00RAND\n\ud800", given="x" * 1000)])
    assert row["family"] == "DU RAND"
    assert len(str(row["given"])) == 200


def test_people_and_structures_without_a_box_are_known_by_name() -> None:
    found = rows_of([practitioner(1), practitioner(2), role(1, 1, 1), organization(1)])
    assert [(row["record"], row.get("identifier"), row.get("structure_id")) for row in found] == [
        ("Practitioner/003-2-1", people.rpps(2), None),
        ("PractitionerRole/005-1", people.rpps(1), people.finess(1)),
        ("Organization/001-1", None, people.finess(1)),
    ]
    assert all("address" not in row for row in found)


def test_what_is_over_is_not_in_force() -> None:
    assert not in_force(practitioner(1) | {"active": False})
    assert in_force(practitioner(1))
    assert not in_force({"resourceType": "Device", "id": "1", "status": "inactive"})


def test_a_closed_structure_leaves_the_person_s_box() -> None:
    found = boxes_of([practitioner(1), role(1, 1, 7, mailbox("a@b.test"))])
    assert [(row["address"], row.get("structure_id")) for row in found] == [("a@b.test", None)]


def test_both_identifiers_of_a_person_are_a_pair() -> None:
    import sqlite3

    from dispatcher.directory.fhir.holding import Holding

    record = practitioner(1)
    record["identifier"].append({"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "0991234567"})
    holding = Holding(sqlite3.connect(":memory:"))
    found = record_of(record, Counter())
    assert found is not None
    holding.put([found])
    assert list(holding.pairs()) == [("ADELI", "991234567", "RPPS", people.rpps(1))]
    holding._database.close()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=10), below, max_size=4),
    max_leaves=12,
)
KEYS = (
    *("resourceType", "id", "identifier", "active", "name", "telecom", "qualification", "practitioner", "organization"),
    *("system", "value", "extension", "url", "valueCoding", "valueCode", "valueCodeableConcept", "coding", "code"),
    *("family", "given", "suffix", "use", "rank", "address", "reference", "providedBy", "owner", "valueBoolean"),
)
WORDS = (
    *("Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "email", "MSSANTE", "type"),
    *("urn:oid:1.2.250.1.71.4.2.1", "899700000013", people.MAIL_TYPE, people.METADATA, "a@b.test", "PER", "old"),
    *("https://finess.esante.gouv.fr", "990000010", "Practitioner/1", "Organization/1", "1", "\ud800", "a\x00b"),
)
NEARLY = st.recursive(
    st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=5),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(KEYS), below, max_size=8),
    max_leaves=40,
)


def _changed(record: Json, where: list[int], new: Any) -> Json:
    """``record`` with one value, somewhere inside, replaced."""
    if not where or not isinstance(record, (dict, list)) or not record:
        return new  # type: ignore[no-any-return]
    keys = list(record) if isinstance(record, dict) else list(range(len(record)))
    key = keys[where[0] % len(keys)]
    copy = dict(record) if isinstance(record, dict) else list(record)
    copy[key] = _changed(copy[key], where[1:], new)  # type: ignore[index,call-overload]
    return copy  # type: ignore[return-value]


SAMPLES = ("practitioner", "practitioner_role", "organization", "healthcare_service")


@given(
    st.one_of(
        st.dictionaries(st.text(max_size=10), ANYTHING, max_size=6),
        st.dictionaries(st.sampled_from(KEYS), NEARLY, max_size=20),
        st.builds(
            _changed,
            st.sampled_from(SAMPLES).map(sample),
            st.lists(st.integers(0, 50), min_size=1, max_size=7),
            st.one_of(ANYTHING, NEARLY),
        ),
    )
)
def test_any_json_gives_no_fault_and_no_row_without_an_identifier(resource: object) -> None:
    if not isinstance(resource, dict):
        return
    whole = [sample(name) for name in SAMPLES]
    for row in rows_of([*whole, resource]):
        assert row.get("identifier") or row.get("structure_id"), row
        for value in row.values():
            if isinstance(value, str):
                value.encode("utf-8")
                assert value.isprintable()
        assert row.get("address") != "zoe@ordinaire.test"


@pytest.mark.parametrize(
    "telecom",
    [
        {"system": "email", "value": "a@cabinet.mssante.test"},  # neither type nor metadata any more
        {"system": "email", "value": "a@dest.test", "extension": [{"url": MAIL_TYPE, "valueReference": "MSSANTE"}]},
        {"system": "email", "value": "a@dest.test", "extension": [{"url": "https://x/as-ext-boite-mssante"}]},
        {"system": "url", "value": "mailto:a@dest.test", "extension": mailbox("a@dest.test")["extension"]},
        {
            "system": "email",
            "value": "a@dest.test",
            "extension": [{"url": MAIL_TYPE, "valueCode": "MSS2"}, *mailbox("a@dest.test")["extension"][1:]],
        },
    ],
)
def test_a_mailbox_in_a_shape_nobody_foresaw_is_counted(telecom: Json) -> None:
    """A directory that changes how it writes mailboxes would else lose them all without a word."""
    odd = Counter[str]()
    assert boxes_of([practitioner(1, telecom)], odd) == []
    assert odd == {LEFT: 1}


@pytest.mark.parametrize(
    "telecom",
    [
        {"system": "email", "value": "a@messagerie.test"},
        {"system": "phone", "value": "0200000000", "extension": [{"url": "https://x/mssante"}]},
        {**mailbox("a@cabinet.mssante.test"), "use": "old"},
    ],
)
def test_what_is_no_mailbox_is_not_counted_as_one(telecom: Json) -> None:
    odd = Counter[str]()
    assert boxes_of([practitioner(1, telecom)], odd) == []
    assert not odd
