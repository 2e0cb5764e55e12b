"""What an LDAP entry becomes in the copy, by the attribute map of the settings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatcher.directory.ldap.link import Record
from dispatcher.directory.ldap.mapping import AttributeMap, Unusable
from dispatcher.directory.snapshots.tables import FIELDS
from dispatcher.settings.ldap import LdapSettings

MAP: dict[str, Any] = {
    "address": "mail",
    "identifier": "employeeNumber",
    "structure": "departmentNumber",
    "family": "sn",
    "given": "givenName",
    "structure_name": "o",
    "paperless": "carLicense",
    "rank": "roomNumber",
}


def settings(attributes: dict[str, Any] | None = None, **changes: Any) -> LdapSettings:
    plain = {"url": "ldaps://annuaire.test", "base": "dc=test", "attributes": attributes or MAP}
    return LdapSettings.model_validate({**plain, **changes})


def record(**values: str | bytes | list[str]) -> Record:
    found: dict[str, tuple[bytes, ...]] = {}
    for name, value in values.items():
        many = value if isinstance(value, list) else [value]
        found[name.lower()] = tuple(one.encode() if isinstance(one, str) else one for one in many)
    return Record(dn="uid=x,dc=test", values=found)


def rows(attributes: dict[str, Any] | None = None, **values: str | bytes | list[str]) -> list[dict[str, Any]]:
    mapped = AttributeMap(settings(attributes)).read(record(**values))
    return [dict(zip(FIELDS, row, strict=True)) for row in mapped.rows]


def test_an_entry_of_a_doctor() -> None:
    (row,) = rows(
        mail="Paul.DURAND@Cabinet.Test",
        employeeNumber="899700000013",
        departmentNumber="1990003014",
        sn="DURAND",
        givenName="Paul",
        o="CENTRE  HOSPITALIER",
        carLicense="N",
        roomNumber="2",
    )
    assert (row["address"], row["id_type"], row["identifier"]) == ("paul.durand@cabinet.test", "RPPS", "99700000013")
    assert (row["structure_type"], row["structure_id"]) == ("FINESS", "990003014")
    assert (row["family"], row["given"], row["structure_name"]) == ("DURAND", "Paul", "CENTRE HOSPITALIER")
    assert (row["paperless"], row["rank"], row["box_type"], row["record"]) == (0, 2, "PER", "uid=x,dc=test")


def test_every_address_is_a_row_of_the_same_person() -> None:
    found = rows(mail=["b@cabinet.test", "a@cabinet.test", "A@cabinet.test"], employeeNumber="899700000013")
    assert {row["address"] for row in found} == {"a@cabinet.test", "b@cabinet.test"}
    assert {row["identifier"] for row in found} == {"99700000013"}


def test_one_address_in_several_structures_but_never_a_guess_which_box_is_whose() -> None:
    both = ["1990003014", "1990004012"]
    assert {row["structure_id"] for row in rows(mail="a@c.test", departmentNumber=both)} == {"990003014", "990004012"}
    assert {row["structure_id"] for row in rows(mail=["a@c.test", "b@c.test"], departmentNumber=both)} == {""}


def test_a_person_without_a_box_is_kept_for_the_check_of_names() -> None:
    (row,) = rows(employeeNumber="899700000013", sn="DURAND")
    assert (row["address"], row["identifier"]) == ("", "99700000013")


def test_attributes_of_their_own_and_the_same_text_for_all() -> None:
    (row,) = rows(
        {"address": "mail", "finess": "ou", "box_type": {"value": "ORG"}}, mail="urgences@ch.test", ou="990003014"
    )
    assert (row["box_type"], row["structure_type"], row["structure_id"]) == ("ORG", "FINESS", "990003014")


def test_rpps_and_adeli_of_one_person_stand_for_each_other() -> None:
    mapped = AttributeMap(settings({"address": "mail", "rpps": "r", "adeli": "a"})).read(
        record(mail="a@c.test", r="99700000013", a="990010001")
    )
    assert mapped.pairs == (("ADELI", "990010001", "RPPS", "99700000013"),)
    assert {row[FIELDS.index("identifier")] for row in mapped.rows} == {"99700000013", "990010001"}


def test_a_pattern_cuts_the_type_digit_and_the_identifier() -> None:
    cut = {"address": "mail", "identifier": {"attribute": "id", "pattern": r"^PS-(?P<type>\d)/(?P<id>\d+)$"}}
    (row,) = rows(cut, mail="a@c.test", id="PS-8/99700000013")
    assert (row["id_type"], row["identifier"]) == ("RPPS", "99700000013")
    (row,) = rows(cut, mail="a@c.test", id="PS-0/990010001")
    assert row["id_type"] == "ADELI"
    for other in ("PS-5/99700000013", "99700000013", "PS-1/990003014"):
        with pytest.raises(Unusable):
            rows(cut, mail="a@c.test", id=other)


def test_a_pattern_takes_the_address_out_of_a_longer_value() -> None:
    proxy = {"address": {"attribute": "proxyAddresses", "pattern": r"^mssante:(?P<value>.+)$"}}
    found = rows(proxy, proxyAddresses=["smtp:perso@ailleurs.test", "mssante:a@c.test"])
    assert [row["address"] for row in found] == ["a@c.test"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"sn": "DURAND"}, "ni adresse, ni identifiant"),
        ({"mail": "pas une adresse"}, "adresse mal formée"),
        ({"mail": "a@c.test", "employeeNumber": "99700000013"}, "forme nationale"),
        ({"mail": "a@c.test", "employeeNumber": "8997000000"}, "forme nationale"),
        ({"mail": "a@c.test", "employeeNumber": ["899700000013", "899700000021"]}, "plusieurs identifiants"),
        ({"mail": "a@c.test", "sn": b"DUR\xc9"}, "UTF-8"),
    ],
)
def test_what_cannot_be_read_for_certain_is_left_out(values: dict[str, Any], why: str) -> None:
    with pytest.raises(Unusable, match=why):
        rows(**values)


@given(st.dictionaries(st.sampled_from(sorted(MAP.values())), st.lists(st.binary(max_size=20), max_size=3)))
def test_any_bytes_give_rows_or_a_reason(values: dict[str, list[bytes]]) -> None:
    entry = Record(dn="x", values={name.lower(): tuple(many) for name, many in values.items()})
    try:
        mapped = AttributeMap(settings()).read(entry)
    except Unusable as reason:
        assert str(reason)
    else:
        assert all(len(row) == len(FIELDS) for row in mapped.rows)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"url": "ldap://ailleurs.test", "start_tls": False}, "start_tls"),
        ({"url": "ldap://127.0.0.1:x@ailleurs.test", "start_tls": False}, "start_tls"),
        ({"url": "ldap://[::1", "start_tls": False}, "start_tls"),
        ({"url": "http://ailleurs.test"}, "url"),
        ({"bind_dn": "cn=x"}, "password_file"),
        ({"client_cert": "x.pem"}, "client_key"),
        ({"filter": "mail=*"}, "parenthèses"),
        ({"attributes": {"family": "sn"}}, "attributes.address"),
        ({"attributes": {"address": {"value": "a@c.test"}}}, "attributes.address"),
        ({"attributes": {"address": "mail", "nom": "sn"}}, "nom"),
        ({"attributes": {"address": {"attribute": "mail", "pattern": "("}}}, "expression régulière"),
        ({"attributes": {"address": {"attribute": "mail", "pattern": "x"}}}, "doit nommer"),
    ],
)
def test_wrong_settings_are_refused(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        settings(**changes)
    for url in ("ldap://127.0.0.1:1389", "ldap://[::1]:1389/", "ldap://localhost"):
        assert settings(url=url, start_tls=False).start_tls is False
