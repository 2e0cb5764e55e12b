"""Structures of like names: one filler word in common is no agreement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.report.identifiers import finess_ok
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import LocalEntry
from tests.unit.routing.routing_desk import FINESS, IN, OTHER_FINESS, decided, doctor, org, per, wanted

WRONG_KEY = "990004013"


def code(text: str, known: str, number: str = FINESS) -> str:
    """``send`` or the code of the hold."""
    who = wanted(id=number, id_type=IdType.FINESS, label=text, family=text)
    decision = decided(who, replace(org(f"s@{IN}", number), structure_name=known))
    return decision.hold.code if decision.hold else "send"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("CLINIQUE SAINT-LOUIS", "EHPAD SAINT-JOSEPH"),
        ("EHPAD SAINT-LOUIS", "EHPAD SAINT-JOSEPH"),
        ("EHPAD NOTRE-DAME DE PITIE", "EHPAD NOTRE-DAME DU LAC"),
        ("EHPAD LES JARDINS DE BRIE", "EHPAD LES JARDINS DU LAC"),
        ("CLINIQUE JEAN MERMOZ", "CLINIQUE JEAN MOULIN"),
        ("EHPAD VILLA DES ROSES", "EHPAD VILLA DES PINS"),
        ("EHPAD LES LILAS", "CLINIQUE LES LILAS"),
        ("CLINIQUE", "EHPAD LES LILAS"),
        ("CHU NORD", "CHU SUD"),
        ("CLINIQUE DU LAC EST", "CLINIQUE DU LAC OUEST"),
        ("CLINIQUE 1", "CLINIQUE 2"),
        ("CLINIQUE DU PARC I", "CLINIQUE DU PARC 2"),
        ("HAD 29", "HAD 35"),
        ("MAISON DE SANTE DU LAC", "PHARMACIE DU LAC"),
    ],
)
def test_another_structure(text: str, known: str) -> None:
    assert code(text, known) == "name-disagrees"
    assert code(known, text) == "name-disagrees"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("CHU NORD", "CHU"),
        ("EHPAD LES LILAS 2EME ETAGE", "EHPAD LES LILAS"),
        ("CLINIQUE PASTEUR II", "CLINIQUE PASTEUR 2"),
        ("MAISON DE SANTE DU LAC", "CABINET DU LAC"),
    ],
)
def test_what_only_one_side_says_tells_no_sister_apart(text: str, known: str) -> None:
    assert code(text, known) == "send"
    assert code(known, text) == "send"


def test_a_part_of_the_name_needs_the_key_and_the_whole_does_not() -> None:
    assert not finess_ok(WRONG_KEY)
    assert code("EHPAD LES JARDINS", "EHPAD LES JARDINS DU LAC") == "send"
    assert code("EHPAD LES JARDINS", "EHPAD LES JARDINS DU LAC", WRONG_KEY) == "unverified-identifier"
    assert code("Résidence les Lilas", "EHPAD LES LILAS", WRONG_KEY) == "send"


LILAS, LAC = f"lilas@{IN}", f"lac@{IN}"
HOMES = (
    replace(org(LILAS), structure_name="EHPAD LES LILAS"),
    replace(org(LAC, OTHER_FINESS), structure_name="CLINIQUE DU LAC"),
)


@pytest.mark.parametrize(
    ("address", "number", "label", "expected"),
    [
        (LILAS, FINESS, "EHPAD LES LILAS", "send"),
        (LAC, FINESS, "EHPAD LES LILAS", "identifier-disagrees"),
        (LAC, FINESS, "CLINIQUE DU LAC", "identifier-disagrees"),
        (LAC, "", "EHPAD LES LILAS", "name-disagrees"),
        (LAC, "", "CLINIQUE DU LAC", "send"),
        (LAC, "", "Dr BERNARD Luc", "send"),
        (LAC, "", "CABINET DR BERNARD", "send"),
        (f"inconnue@{IN}", FINESS, "EHPAD LES LILAS", "send"),
    ],
)
def test_the_address_of_another_structure(address: str, number: str, label: str, expected: str) -> None:
    """Beside a number or a name in the file, and on a line of the table."""
    kind = IdType.FINESS if number else IdType.LOCAL
    decision = decided(wanted(id=number, id_type=kind, label=label, address=address), *HOMES)
    assert (decision.hold.code if decision.hold else "send") == expected
    line = LocalEntry(code="D001", id_type=kind if number else None, identifier=number, address=address)
    decision = decided(wanted(id="D001", id_type=IdType.LOCAL, label=label), *HOMES, lines=[line])
    assert (decision.hold.code if decision.hold else "send") == expected


def test_a_structure_at_the_box_of_somebody_who_works_elsewhere() -> None:
    home = wanted(id=FINESS, id_type=IdType.FINESS, label="", address=LAC)
    for place, expected in ((FINESS, ""), (OTHER_FINESS, "identifier-disagrees")):
        decision = decided(home, per(LAC, structure_id=place))
        assert (decision.hold.code if decision.hold else "") == expected


def test_the_name_written_on_the_line_confirms_its_address() -> None:
    line = LocalEntry(code="D001", address=LAC, label="EHPAD LES LILAS")
    home = wanted(id="D001", id_type=IdType.LOCAL, label="EHPAD LES LILAS")
    assert decided(home, *HOMES, lines=[line]).route is not None
    assert decided(doctor(address=LAC), *HOMES).route is not None
    renamed = wanted(id=FINESS, id_type=IdType.FINESS, label="RESIDENCE DES TILLEULS", address=LILAS)
    assert decided(renamed, *HOMES).route is not None, "number and address agree"
