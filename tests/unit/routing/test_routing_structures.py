"""Structures of like names: one filler word in common is no agreement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.report.identifiers import finess_ok
from dispatcher.report.model import IdType
from tests.unit.routing.routing_desk import FINESS, IN, decided, org, wanted

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
    ],
)
def test_another_structure(text: str, known: str) -> None:
    assert code(text, known) == "name-disagrees"
    assert code(known, text) == "name-disagrees"


def test_a_part_of_the_name_needs_the_key_and_the_whole_does_not() -> None:
    assert not finess_ok(WRONG_KEY)
    assert code("EHPAD LES JARDINS", "EHPAD LES JARDINS DU LAC") == "send"
    assert code("EHPAD LES JARDINS", "EHPAD LES JARDINS DU LAC", WRONG_KEY) == "unverified-identifier"
    assert code("Résidence les Lilas", "EHPAD LES LILAS", WRONG_KEY) == "send"
