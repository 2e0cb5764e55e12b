"""What is no name confirms nothing; what may be somebody's name is compared."""

from __future__ import annotations

import pytest

from dispatcher.report.identifiers import rpps_ok
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import LocalEntry
from tests.unit.routing.routing_desk import IN, RPPS, decided, doctor, per, wanted

BOX = f"luc.bernard@{IN}"
WRONG_KEY = "99700000014"


def code(family: str, number: str, given: str = "", label: str = "") -> str:
    """``send`` or the code of the hold, for a box of BERNARD Luc."""
    who = doctor(id=number, family=family, given=given, label=label)
    decision = decided(who, per(BOX, number, "BERNARD", "Luc"))
    return decision.hold.code if decision.hold else "send"


@pytest.mark.parametrize("family", [".", "DR", "Dr", "MME", "?", "-", "0", "12", ""])
def test_what_is_no_name_leaves_the_key_to_judge(family: str) -> None:
    assert not rpps_ok(WRONG_KEY)
    assert code(family, WRONG_KEY, label=family) == "unverified-identifier"
    assert code(family, RPPS, label=family) == "send"


def test_a_name_with_a_figure_is_still_a_name() -> None:
    assert code("M4RTIN", WRONG_KEY) == "name-disagrees"
    assert code("M4RTIN", RPPS, "Luc") == "name-disagrees"
    assert code("MARTIN 2", RPPS, "Luc") == "name-disagrees"
    assert code("BERNARD 2", RPPS, "Luc") == "send"


def test_a_given_name_alone_may_stop_and_confirms_nothing() -> None:
    assert code("", RPPS, "Jean") == "name-disagrees"
    assert code("", WRONG_KEY, "Luc") == "unverified-identifier"
    assert code("", RPPS, "Luc") == "send"


def test_a_directory_without_a_real_name_confirms_nothing() -> None:
    decision = decided(doctor(id=WRONG_KEY), per(BOX, WRONG_KEY, ".", ""))
    assert decision.hold is not None
    assert decision.hold.code == "unverified-identifier"


NOT_HIM = (
    "Dr MAS Pierre",
    "Dr MAISON Paul",
    "Dr MAS",
    "CHU Li",
    "Dr CENTRE Paul",
    "Dr LOCAL Jean",
    "MARTIN Paul SUD",
    "CABINET DR MARTIN",
    "MEDECINE DR MARTIN PAUL",
    "Dr MARTIN Paul 29",
    "M4RTIN Paul",
    "MAS BERNARD",
)
HIM = ("CABINET DR BERNARD", "Dr BERNARD Luc 29", "BERNARD Luc SUD", "SECRETARIAT", "CABINET MEDICAL", "D12", "EHPAD")


@pytest.mark.parametrize("label", NOT_HIM + HIM)
def test_a_label_is_compared_unless_nothing_in_it_may_be_a_person(label: str) -> None:
    for who in (wanted(id=RPPS, id_type=IdType.RPPS, label=label), wanted(address=BOX, label=label)):
        decision = decided(who, per(BOX, RPPS, "BERNARD", "Luc"))
        if label in HIM:
            assert decision.route is not None, decision.hold
        else:
            assert decision.hold is not None
            assert decision.hold.code == "name-disagrees"


def test_a_name_that_is_a_word_for_a_structure_agrees_with_itself() -> None:
    who = wanted(id=RPPS, id_type=IdType.RPPS, label="Dr MAS Pierre")
    assert decided(who, per(BOX, RPPS, "MAS", "Pierre")).route is not None


@pytest.mark.parametrize("number", ["", RPPS])
@pytest.mark.parametrize(
    ("family", "label", "code_of_hold"),
    [
        ("MARTIN", "", "name-disagrees"),
        ("MARTIN", "Dr BERNARD Luc", "name-disagrees"),
        ("BERNARD", "", ""),
        ("MARTIN", "Dr MARTIN", ""),
        ("", "", ""),
    ],
)
def test_an_address_of_the_table_is_compared_too(number: str, family: str, label: str, code_of_hold: str) -> None:
    """With the directory's name and with the name the laboratory wrote on the line; without names it goes."""
    line = LocalEntry(
        code="D001", id_type=IdType.RPPS if number else None, identifier=number, address=BOX, label=label, line=2
    )
    decision = decided(wanted(id="D001", family=family), per(BOX, RPPS, "BERNARD", "Luc"), lines=[line])
    assert (decision.hold.code if decision.hold else "") == code_of_hold
