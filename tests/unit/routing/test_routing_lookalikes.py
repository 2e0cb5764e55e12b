"""Over 200 homonyms and look-alikes: nobody ever gets somebody else's result, and every hold says why."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.unit.routing.lookalikes import Case, boxes_of, cases, directory, pairs, run, table

NEEDLESS = 37
"""Cases whose number, line or address leads to the person meant and that are held all the same, whatever the reason."""
TODO = ("Vérifier", "Ajouter", "Choisir", "Demander", "Corriger", "Importer", "La lui demander", "N'en garder")
CATEGORIES = {
    "same name",
    "look-alike names",
    "accents",
    "double first names",
    "swapped, joined or cut",
    "ADELI and RPPS",
    "one digit changed",
    "moved doctor",
    "retired, successor",
    "same family, same practice",
    "maiden and married",
    "title in the name",
    "particles and hyphens",
    "structure in the person's field",
    "a letter mistyped",
    "misrouted code or address",
    "free labels",
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.label)
def test_case(case: Case) -> None:
    decision = run(case)
    if decision.route is not None:
        assert decision.route.address in boxes_of(case.meant), f"WRONG SEND: {case.why}"
        assert case.expected == "send", case.why
        return
    assert decision.hold is not None
    assert decision.hold.code == case.expected, (case.why, decision.hold.reason)
    reason = decision.hold.reason
    assert reason.endswith(".")
    assert any(word in reason for word in TODO), "what to do"
    assert len(reason) > 60
    assert decision.trace[-1].text == reason


def test_there_are_enough_of_every_kind() -> None:
    counted = Counter(case.category for case in cases())
    assert len(cases()) >= 200
    assert set(counted) == CATEGORIES
    assert min(counted.values()) >= 8, counted


def right_and_held(case: Case) -> bool:
    """Its number, line or address leads to the person meant (the name in the file is his), and it is held."""
    if not case.meant or run(case).route is not None:
        return False
    numbers = {case.meant, *(adeli for adeli, rpps in pairs() if rpps == case.meant)}
    lines = {one.identifier for one in table() if one.code == case.wanted.id and case.wanted.id}
    return case.wanted.id in numbers or bool(lines & numbers) or case.wanted.address in boxes_of(case.meant)


def test_the_figures() -> None:
    """Wrong sends: none. Right ones held: as many as the decision record says (docs/adr/0012)."""
    decisions = [(case, run(case).route) for case in cases()]
    wrong = [case.label for case, route in decisions if route and route.address not in boxes_of(case.meant)]
    assert wrong == []
    assert sum(route is not None for _, route in decisions) >= 100
    held = [case.label for case in cases() if right_and_held(case)]
    assert len(held) == NEEDLESS, held
    assert {case.label for case in cases() if "needlessly" in case.why} <= set(held)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_directory_never_matters(seed: int) -> None:
    shuffled = list(directory())
    random.Random(seed).shuffle(shuffled)
    for case in cases():
        assert run(case, tuple(shuffled)) == run(case), case.label


def test_without_the_directory_nobody_else_gets_anything() -> None:
    """Dropping the directory turns a route into a hold, or leaves one that needs none; never another address."""
    for case in cases():
        before, after = run(case), run(case, ())
        if after.route is not None:
            assert after.route.address == case.wanted.address or before.route is None
            assert before.route is None or before.route.address == after.route.address
