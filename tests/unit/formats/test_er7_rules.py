"""People, status, requests, antibiograms: rules both dialects share."""

from __future__ import annotations

import pytest

from dispatcher.formats.er7.documents import damage, from_base64, from_hex, media_type
from dispatcher.formats.er7.microbiology import parents
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import OID_PROFESSIONALS, OID_STRUCTURES, identify, merge
from dispatcher.formats.er7.requests import Request, by_report
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.er7.status import report_status
from dispatcher.formats.er7.values import bounds
from dispatcher.report.model import Code, IdType, Observation, Practitioner, Severity, Status, ValueType


@pytest.mark.parametrize(
    ("value", "hints", "expected"),
    [
        ("10003456786", (), ("10003456786", IdType.RPPS)),
        ("99700000013", (), ("99700000013", IdType.RPPS)),
        ("10003456781", (), ("10003456781", IdType.LOCAL)),  # wrong key and nobody says RPPS
        ("10003456781", ("RPPS",), ("10003456781", IdType.RPPS)),
        ("1000 3456 786", (OID_PROFESSIONALS,), ("10003456786", IdType.RPPS)),
        ("810003456786", (OID_PROFESSIONALS,), ("10003456786", IdType.RPPS)),
        ("810003456786", ("IDNPS",), ("10003456786", IdType.RPPS)),
        ("0751234567", (OID_PROFESSIONALS,), ("751234567", IdType.ADELI)),
        ("751234567", (OID_PROFESSIONALS,), ("751234567", IdType.ADELI)),
        ("2A1234567", ("ADELI",), ("2A1234567", IdType.ADELI)),
        ("751234567", (), ("751234567", IdType.LOCAL)),  # ADELI and FINESS look alike
        ("990004012", (OID_STRUCTURES,), ("990004012", IdType.FINESS)),
        ("1990004012", ("IDNST",), ("990004012", IdType.FINESS)),
        ("990004012", ("FINEG",), ("990004012", IdType.FINESS)),
        ("D-01.2", (), ("D-01.2", IdType.LOCAL)),
        ("", ("RPPS",), ("", IdType.LOCAL)),
    ],
)
def test_numbers_are_known_by_authority_or_key(
    value: str, hints: tuple[str, ...], expected: tuple[str, IdType]
) -> None:
    assert identify(value, hints) == expected


def test_a_person_given_twice_is_one_with_the_better_number() -> None:
    local = Practitioner(id="D1", family="DURAND", given="Paul", phone="02")
    national = Practitioner(id="99700000013", id_type=IdType.RPPS, family="Durand", given="PAUL")
    assert merge([local, national], by_name=True) == (
        Practitioner(id="99700000013", id_type=IdType.RPPS, family="Durand", given="PAUL", phone="02"),
    )
    assert len(merge([local, national], by_name=False)) == 2, "namesakes in a list of copies stay apart"
    assert len(merge([local, local], by_name=False)) == 1


@pytest.mark.parametrize(
    ("orders", "expected", "codes"),
    [
        ([("F", ["F", "F"])], Status.FINAL, []),
        ([("F", ["F", "X", "N"])], Status.FINAL, []),
        ([("", ["F"])], Status.FINAL, []),
        ([("F", []), ("P", ["P"])], Status.PARTIAL, []),
        ([("A", ["F"])], Status.PARTIAL, []),
        ([("", ["F", "I"])], Status.PARTIAL, []),
        ([("C", ["F"])], Status.CORRECTED, []),
        ([("F", ["F", "C"])], Status.CORRECTED, []),
        ([("F", ["F", "D"])], Status.CORRECTED, []),
        ([("F", ["D", "W"])], Status.CANCELLED, []),
        ([("X", [])], Status.CANCELLED, []),
        ([("X", ["X"])], Status.CANCELLED, []),
        ([("F", ["F", "P"])], Status.PARTIAL, ["mixed-status"]),
        ([("C", ["I"])], Status.PARTIAL, ["mixed-status"]),
        ([("", [""])], Status.FINAL, ["missing-status"]),
        ([("F", ["ok"])], Status.PARTIAL, ["unknown-status"]),
    ],
)
def test_status_of_a_report(orders: list[tuple[str, list[str]]], expected: Status, codes: list[str]) -> None:
    notes = Notes()
    assert report_status(orders, "ligne 1, OBR-25", "", notes) is expected
    assert [problem.code for problem in notes.problems] == codes


def test_contradictory_status_holds_the_report() -> None:
    notes = Notes()
    report_status([("F", ["P"])], "ligne 4, OBR-25", "", notes)
    assert [(p.severity, p.where) for p in notes.problems] == [(Severity.ERROR, "ligne 4, OBR-25")]


def person(number: str) -> Practitioner:
    return Practitioner(id=number, family=f"NOM{number}")


def numbers(requests: list[Request[str]]) -> list[list[str]]:
    return [[one.order for one in report] for report in by_report(requests)]


def test_several_numbers_of_one_request_are_one_report() -> None:
    one = Request(order="a", placer="1", filler="B-1", prescribers=(person("D1"),))
    other = Request(order="b", placer="2", filler="B-2", prescribers=(person("D1"),))
    bare = Request(order="c", filler="B-3")
    assert numbers([one, other, bare]) == [["a", "b", "c"]]


def test_two_prescribers_never_share_a_report_unless_the_order_is_the_same() -> None:
    one = Request(order="a", filler="B-1", prescribers=(person("D1"),))
    other = Request(order="b", filler="B-2", prescribers=(person("D2"),))
    again = Request(order="c", filler="B-1", prescribers=(person("D1"),))
    same = Request(order="d", filler="B-1", prescribers=(person("D2"),))
    assert numbers([one, other, again]) == [["a", "c"], ["b"]]
    assert numbers([one, same]) == [["a", "d"]]


def test_two_sets_of_copies_and_two_groups_are_two_reports() -> None:
    one = Request(order="a", filler="1", copies=(person("C1"),))
    other = Request(order="b", filler="2", copies=(person("C2"),))
    silent = Request(order="c", filler="3")
    assert numbers([one, other, silent]) == [["a", "c"], ["b"]]
    assert numbers([Request(order="a", group="G1"), Request(order="b", group="G2")]) == [["a"], ["b"]]


def test_a_child_battery_follows_its_parent() -> None:
    one = Request(order="a", filler="1", group="G1")
    child = Request(order="b", filler="2", group="G2", parents=frozenset({"1"}))
    assert numbers([one, child]) == [["a", "b"]]


def seen(text: str, value: str, sub: str = "", flags: tuple[str, ...] = (), loinc: str | None = None) -> Observation:
    kind = ValueType.CODED if text == "GERME" else ValueType.TEXT
    return Observation(code=Code(code=text), value=value, sub_id=sub, flags=flags, loinc=loinc, type=kind)


def test_dotted_sub_ids_point_at_their_organism() -> None:
    lines = [
        seen("GERME", "E. coli", "1"),
        seen("AMX", "8", "1.1"),
        seen("GERME", "E. faecalis", "2"),
        seen("VA", "S", "2.1", ("S",)),
    ]
    assert parents([(None, lines)]) == {1: 0, 3: 2}


def test_one_sub_id_groups_organism_count_and_antibiogram() -> None:
    lines = [
        seen("LEU", "10000"),
        seen("GERME", "E. coli", "1"),
        seen("NUM", "10^6", "1"),
        seen("AMX", "R", "1", ("R",)),
        seen("CFM", "S", "1"),
    ]
    assert parents([(None, lines)]) == {3: 1, 4: 1}


def test_a_child_order_names_its_organism() -> None:
    parent = Segment("OBR|1|P1|F1|CULT", 1, Separators())
    child = Segment("OBR|2|P2|F2|ATB" + "|" * 22 + "GERME&Germe&L^2^E. faecalis|||P1^F1", 5, Separators())
    cultures = [seen("GERME", "E. coli", "1"), seen("GERME", "E. faecalis", "2")]
    assert parents([(parent, cultures), (child, [seen("AMX", "4"), seen("VA", "S", "", ("S",))])]) == {2: 1, 3: 1}


def test_the_only_organism_is_the_parent_two_are_not() -> None:
    first = seen("GERME", "E. coli", "1", (), "630-4")
    line = seen("AMX", "R", "7", ("R",))
    assert parents([(None, [first]), (None, [line])]) == {1: 0}
    second = seen("GERME", "E. faecalis", "2", (), "630-4")
    assert parents([(None, [first, second]), (None, [line])]) == {}


def test_ordinary_results_have_no_parent() -> None:
    assert parents([(None, [seen("ASPECT", "limpide"), seen("COULEUR", "jaune")])]) == {}


def test_ranges_the_wrong_way_round_are_words() -> None:
    assert bounds("7-5.7", "") == ("", "")
    assert bounds("[3,5-5,0]", "g/L") == ("3.5", "5.0")


@pytest.mark.parametrize(
    ("content", "declared", "kind"),
    [
        (b"%PDF-1.4", "", "application/pdf"),
        (b"\n{\\rtf1 x}", "PDF", "application/rtf"),
        (b"<?xml version='1.0'?><ClinicalDocument/>", "TEXT", "text/xml"),
        (b"bonjour", "TXT", "text/plain"),
        (b"bonjour", "", "application/octet-stream"),
    ],
)
def test_content_says_what_it_is_before_the_declaration(content: bytes, declared: str, kind: str) -> None:
    assert media_type(content, declared) == kind


def test_base64_as_people_write_it() -> None:
    assert from_base64("JVBE Ri0x\nLjQ") == b"%PDF-1.4"
    assert from_base64("8J-YgA==") == "😀".encode()
    assert from_base64("JVBERi0x*") is None
    assert from_base64("JVBER") is None
    assert from_hex("25 50 44 46") == b"%PDF"
    assert from_hex("2") is None


def test_damage_is_seen() -> None:
    assert damage(b"%PDF-1.4 ... %%EOF\n", "application/pdf") == ""
    assert "%%EOF" in damage(b"%PDF-1.4 ...", "application/pdf")
    assert damage(b"bonjour", "application/pdf")
    assert damage(b"", "text/plain")
