"""A box found by a number that somebody else is behind: another number, none, or one of the other register."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.owners import numbers_of
from dispatcher.routing.route import Decision
from tests.unit.routing.routing_desk import IN, OTHER_RPPS, RPPS, decided, doctor, org, per, wanted

BOX = f"m@{IN}"
ADELI, OTHER_ADELI = "751234560", "990010001"
MARTIN = per(BOX, RPPS, "MARTIN", "Paul")


def other(family: str, given: str = "", identifier: str = "", kind: IdType | None = None, **more: Any) -> Entry:
    """What a second source says of the same box."""
    return per(BOX, identifier, family, given, **{"id_type": kind, "source": "ldap-x", **more})


def by_number(*entries: Entry, **more: Any) -> Decision:
    named = {"family": "MARTIN", "given": "Paul", "label": "MARTIN Paul"}
    return decided(doctor(**{**named, **more.pop("who", {})}), *(entries or (MARTIN,)), **more)


def code(decision: Decision) -> str:
    return decision.hold.code if decision.hold else ""


BERNARDS = {
    "without a number": other("BERNARD", "Luc"),
    "with an ADELI": other("BERNARD", "Luc", ADELI, IdType.ADELI),
    "with another RPPS": other("BERNARD", "Luc", OTHER_RPPS, IdType.RPPS),
    "a brother": other("MARTIN", "Jean"),
    "a homonym by number": other("MARTIN", "Paul", OTHER_RPPS, IdType.RPPS),
    "no name, the other register": other("", "", ADELI, IdType.ADELI),
}
SAME = {
    "the same name without a number": other("Martin", "P."),
    "the same name, an ADELI nobody ties to him": other("MARTIN", "Paul", ADELI, IdType.ADELI),
    "both names, one of them his": other("MARTIN-LEROY", "Paul"),
    "his number under another name": other("LEROY", "Paul", RPPS, IdType.RPPS),
    "nobody named": other("", structure_name="CABINET MEDICAL"),
    "a secretariat": other("SECRETARIAT"),
    "the secretariat of his": other("SECRETARIAT", "Dr MARTIN"),
}


@pytest.mark.parametrize("case", BERNARDS)
def test_a_box_another_source_gives_to_somebody_else_waits(case: str) -> None:
    for entries in ((MARTIN, BERNARDS[case]), (BERNARDS[case], MARTIN)):
        decision = by_number(*entries)
        assert code(decision) == "sources-disagree"
        assert decision.hold is not None
        assert BOX in decision.hold.reason
        assert BERNARDS[case].label in decision.hold.reason


@pytest.mark.parametrize("case", SAME)
def test_the_same_person_told_twice_is_no_dispute(case: str) -> None:
    decision = by_number(MARTIN, SAME[case])
    assert decision.route is not None, decision.hold
    assert decision.route.address == BOX


def test_the_adeli_of_the_very_person_is_no_dispute_whatever_its_name() -> None:
    leroy = other("LEROY", "Paul", ADELI, IdType.ADELI)
    assert by_number(MARTIN, leroy, pairs=[(ADELI, RPPS)]).route is not None
    assert code(by_number(MARTIN, leroy)) == "sources-disagree"


def test_a_structures_box_is_shared_by_right() -> None:
    shared = per(BOX, RPPS, "MARTIN", "Paul", box_type="ORG")
    assert by_number(shared, other("BERNARD", "Luc"), org(BOX)).route is not None


def test_without_a_name_at_the_number_the_files_name_is_compared() -> None:
    nameless = per(BOX, RPPS, "", "")
    assert code(by_number(nameless, other("BERNARD", "Luc"))) == "sources-disagree"
    assert by_number(nameless, other("MARTIN", "Paul")).route is not None


# ---------------------------------------------------------------------------------- an ADELI two RPPS share

SHARED = [(ADELI, RPPS), (ADELI, OTHER_RPPS)]
OF_ADELI = per(BOX, ADELI, "MARTIN", "Paul", id_type=IdType.ADELI)


def test_a_shared_adeli_is_followed_from_neither_side() -> None:
    assert code(by_number(OF_ADELI, who={"id": ADELI, "id_type": IdType.ADELI}, pairs=SHARED)) == (
        "ambiguous-correspondence"
    )
    for number in (RPPS, OTHER_RPPS):
        decision = by_number(OF_ADELI, who={"id": number}, pairs=SHARED)
        assert code(decision) == "unknown-recipient"
        assert any("aussi celui d'un autre RPPS" in step.text for step in decision.trace)
    assert by_number(OF_ADELI, pairs=SHARED[:1]).route is not None


def test_by_the_table_a_shared_adeli_is_not_followed_either() -> None:
    line = LocalEntry(code="D1", id_type=IdType.RPPS, identifier=RPPS, line=2)
    who = wanted(id="D1", family="MARTIN", given="Paul")
    assert code(decided(who, OF_ADELI, lines=[line], pairs=SHARED)) == "unknown-recipient"


def test_an_opposition_under_a_shared_adeli_is_obeyed() -> None:
    """Rather one mail too few: it may be his."""
    assert by_number(MARTIN, pairs=SHARED, opposed={f"ADELI:{ADELI}"}).paper


def test_an_own_box_is_found_though_the_adeli_is_shared() -> None:
    assert by_number(MARTIN, pairs=SHARED).route is not None


def test_an_address_with_a_number_is_not_confirmed_by_a_shared_adeli() -> None:
    jean = per(BOX, ADELI, "MARTIN", "Jean", id_type=IdType.ADELI)
    found = numbers_of((IdType.RPPS, RPPS), lambda one: _pairs(one, SHARED))
    assert found == ((IdType.RPPS, RPPS),)
    assert code(by_number(jean, who={"address": BOX}, pairs=SHARED)) == "identifier-disagrees"


def test_one_rpps_with_two_adeli_is_found_from_each_of_them() -> None:
    """Both belong to him alone: nobody else's box can be taken."""
    two = [(ADELI, RPPS), (OTHER_ADELI, RPPS)]
    assert numbers_of((IdType.ADELI, ADELI), lambda one: _pairs(one, two)) == (
        (IdType.ADELI, ADELI),
        (IdType.RPPS, RPPS),
    )
    assert numbers_of((IdType.RPPS, RPPS), lambda one: _pairs(one, two)) == ((IdType.RPPS, RPPS),)


def _pairs(one: tuple[IdType, str], pairs: list[tuple[str, str]]) -> tuple[tuple[IdType, str], ...]:
    if one[0] is IdType.ADELI:
        return tuple((IdType.RPPS, rpps) for adeli, rpps in pairs if adeli == one[1])
    return tuple((IdType.ADELI, adeli) for adeli, rpps in pairs if rpps == one[1])


@pytest.mark.parametrize("label", ["DURAND Paul", "Dr PETIT Sophie", ""])
@pytest.mark.parametrize("typed", [True, False])
def test_no_line_answers_for_a_number_the_directory_gives_to_another_name(label: str, typed: bool) -> None:
    """Durand's name under Petit's RPPS, and a line that gives Petit's box for it."""
    petit = per(BOX, OTHER_RPPS, "PETIT", "Sophie")
    line = LocalEntry(code=OTHER_RPPS, address=BOX, label=label, added_by="eve", line=7)
    who = doctor(id=OTHER_RPPS, id_type=IdType.RPPS if typed else IdType.LOCAL)
    decision = decided(who, petit, lines=[line])
    assert code(decision) == "name-disagrees"
    assert decision.hold is not None and "PETIT Sophie" in decision.hold.reason and "ligne 7" in decision.hold.reason
    her = doctor(id=OTHER_RPPS, family="PETIT", given="Sophie", label="PETIT Sophie")
    assert decided(her, petit, lines=[line]).route is not None


def test_a_name_a_line_confirms_is_told_with_the_line_and_the_directory_s_name() -> None:
    line = LocalEntry(code="D1", address=BOX, label="LEROY Paule", added_by="eve", line=7)
    who = wanted(id="D1", id_type=IdType.LOCAL, family="LEROY", given="Paule", label="LEROY Paule")
    (step,) = (one for one in decided(who, MARTIN, lines=[line]).trace if one.rule == "same-person")
    assert "ligne 7" in step.text and "LEROY Paule" in step.text and "autre nom : MARTIN Paul" in step.text


def test_one_candidate_a_person_with_his_box() -> None:
    """The file of persons and that of boxes tell of one man: who is chosen by his number has a box."""
    durand = per(BOX)
    twice = [per("", structure_name="CABINET A"), per("", structure_name="CABINET B"), durand]
    boxless = [per("", OTHER_RPPS, "DURAND", "Paul", structure_name=name) for name in ("A", "B")]
    who = wanted(id="D9", id_type=IdType.LOCAL, family="DURAND", given="Paul", label="DURAND Paul")
    hold = decided(who, *twice, *boxless).hold
    assert hold is not None
    assert [(one.identifier, one.address) for one in hold.candidates] == [(OTHER_RPPS, ""), (RPPS, BOX)]
