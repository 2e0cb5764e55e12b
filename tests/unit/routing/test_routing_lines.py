"""The table against the file: what kind of number a code is, lines that ended, addresses that differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.route import Decision, RecipientRole
from tests.unit.routing.routing_desk import (
    FINESS,
    IN,
    OTHER_FINESS,
    OTHER_RPPS,
    RPPS,
    decided,
    doctor,
    org,
    per,
    wanted,
)

NINE = "990004012"
"""An ADELI, a FINESS or a code of the laboratory's own."""
MARTIN, BERNARD = f"martin@{IN}", f"bernard@{IN}"
BOOK = (per(MARTIN, RPPS, "MARTIN", "Paul"), per(BERNARD, OTHER_RPPS, "BERNARD", "Luc"))


def line(**values: Any) -> LocalEntry:
    return LocalEntry(**{"code": "D1", "line": 7, **values})


def end(decision: Decision) -> str:
    if decision.route is not None:
        return decision.route.address
    return "paper" if decision.paper or decision.hold is None else decision.hold.code


# ---------------------------------------------------------------------------------- what kind of number

OF_MARTIN = {"address": MARTIN}
TYPED = {"id_type": IdType.ADELI, "identifier": NINE, "address": BERNARD}
TO_RPPS = {"id_type": IdType.RPPS, "identifier": RPPS}


@pytest.mark.parametrize(
    ("kind", "lines", "expected"),
    [
        (IdType.LOCAL, [OF_MARTIN], MARTIN),
        (IdType.ADELI, [OF_MARTIN], "ambiguous-recipient"),
        (IdType.FINESS, [OF_MARTIN], "ambiguous-recipient"),
        (IdType.ADELI, [{"delivery": "paper"}], "ambiguous-recipient"),
        (IdType.LOCAL, [{"delivery": "paper"}], "paper"),
        (IdType.ADELI, [OF_MARTIN, TYPED], BERNARD),
        (IdType.FINESS, [OF_MARTIN, TYPED], "ambiguous-recipient"),
        (IdType.FINESS, [TYPED], "unknown-recipient"),
        (IdType.ADELI, [{"id_type": IdType.FINESS, "identifier": OTHER_FINESS}], "ambiguous-recipient"),
        (IdType.ADELI, [{"id_type": IdType.FINESS, "identifier": NINE, "address": MARTIN}], "unknown-recipient"),
        (IdType.ADELI, [TO_RPPS], "identifier-disagrees"),
        (IdType.LOCAL, [TO_RPPS], MARTIN),
    ],
)
def test_nine_characters_are_not_taken_for_a_code_of_the_laboratory(
    kind: IdType, lines: list[dict[str, Any]], expected: str
) -> None:
    who = wanted(id=NINE, id_type=kind, label="SECRETARIAT")
    assert end(decided(who, *BOOK, lines=[line(code=NINE, **one) for one in lines])) == expected


def test_the_reason_says_what_to_write_on_the_line() -> None:
    decision = decided(wanted(id=NINE, id_type=IdType.ADELI), *BOOK, lines=[line(code=NINE, **OF_MARTIN)])
    assert decision.hold is not None
    assert "ligne 7" in decision.hold.reason
    assert f"type « ADELI » et identifiant {NINE}" in decision.hold.reason


def test_an_operators_choice_is_not_asked_what_the_number_is() -> None:
    who = wanted(id=NINE, id_type=IdType.ADELI)
    assert end(decided(who, *BOOK, lines=[line(code=NINE, **OF_MARTIN)], chosen=BERNARD)) == BERNARD


# ---------------------------------------------------------------------------------- one number into another


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], MARTIN),
        ([(NINE, RPPS)], MARTIN),
        ([(NINE, OTHER_RPPS)], "identifier-disagrees"),
        ([(NINE, OTHER_RPPS), (NINE, RPPS)], MARTIN),
        ([("751234560", RPPS)], "identifier-disagrees"),
    ],
)
def test_an_adeli_becomes_the_rpps_of_the_same_person(pairs: list[tuple[str, str]], expected: str) -> None:
    who = wanted(id=NINE, id_type=IdType.ADELI, family="MARTIN", given="Paul")
    assert end(decided(who, *BOOK, lines=[line(code=NINE, **TO_RPPS)], pairs=pairs)) == expected


@pytest.mark.parametrize("kind", [IdType.RPPS, IdType.LOCAL])
def test_an_rpps_never_becomes_another_one(kind: IdType) -> None:
    """Not even a namesake's: the name could not tell them apart."""
    book = (*BOOK, per(f"autre@{IN}", OTHER_RPPS, "MARTIN", "Paul"))
    who = doctor(id_type=kind, family="MARTIN", given="Paul", label="MARTIN Paul")
    lines = [line(code=RPPS, id_type=IdType.RPPS, identifier=OTHER_RPPS)]
    decision = decided(who, *book, lines=lines)
    assert end(decision) == "identifier-disagrees"
    assert decision.hold is not None
    assert "deux personnes" in decision.hold.reason
    assert end(decided(who, *book, lines=lines, chosen=MARTIN)) == MARTIN
    assert end(decided(replace(who, address=MARTIN), *book, lines=lines)) == "identifier-disagrees"


def test_a_person_may_be_written_to_at_a_structure() -> None:
    lines = [line(code=RPPS, id_type=IdType.FINESS, identifier=FINESS)]
    assert end(decided(doctor(family="", given="", label=""), org(MARTIN), lines=lines)) == MARTIN


# ---------------------------------------------------------------------------------- lines that ended

ENDED = {"source": "lis", "address": MARTIN, "valid_to": date(2026, 11, 20), "line": 2}
COMING = {"source": "lis", "address": MARTIN, "valid_from": date(2026, 12, 1), "line": 3}
FOR_ALL = {"address": BERNARD, "line": 9}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([ENDED, FOR_ALL], "unknown-recipient"),
        ([ENDED, COMING, FOR_ALL], "unknown-recipient"),
        ([COMING, FOR_ALL], BERNARD),
        ([{**ENDED, "valid_to": date(2026, 11, 21)}, FOR_ALL], MARTIN),
        ([ENDED, {**ENDED, "valid_to": None}, FOR_ALL], MARTIN),
        ([{**ENDED, "source": "autre"}, FOR_ALL], BERNARD),
    ],
)
def test_a_line_that_ended_is_not_replaced_by_the_one_for_all_sources(
    lines: list[dict[str, Any]], expected: str
) -> None:
    assert end(decided(wanted(id="D1"), lines=[line(**one) for one in lines])) == expected


def test_the_reason_says_that_the_line_for_all_is_not_followed() -> None:
    decision = decided(wanted(id="D1"), lines=[line(**ENDED), line(**FOR_ALL)])
    assert decision.hold is not None
    assert "ligne 2 : jusqu'au 20/11/2026" in decision.hold.reason
    assert "la ligne 9, pour toutes les sources, n'est pas suivie" in decision.hold.reason


# ---------------------------------------------------------------------------------- the file's address and the line

SECOND = per(f"second@{IN}", RPPS, "MARTIN", "Paul")
NUMBERLESS = per(BERNARD, "", "BERNARD", "Luc", id_type=None)
HOME, ANNEX = org(f"ehpad@{IN}"), org(f"annexe@{IN}")


@pytest.mark.parametrize(
    ("address", "told", "expected"),
    [
        (BERNARD, {"id_type": IdType.RPPS, "identifier": RPPS}, "identifier-disagrees"),
        (BERNARD, {"address": MARTIN}, "identifier-disagrees"),
        (BERNARD, {"id_type": IdType.RPPS, "identifier": RPPS, "address": MARTIN}, "identifier-disagrees"),
        (BERNARD, {"address": f"inconnue@{IN}"}, "identifier-disagrees"),
        (f"inconnue@{IN}", {"address": MARTIN}, "identifier-disagrees"),
        (MARTIN, {"id_type": IdType.RPPS, "identifier": RPPS}, MARTIN),
        (SECOND.address, {"address": MARTIN}, SECOND.address),
        (SECOND.address, {"id_type": IdType.RPPS, "identifier": RPPS, "address": f"inconnue@{IN}"}, SECOND.address),
        (MARTIN, {"address": MARTIN.upper()}, MARTIN),
        (f"inconnue@{IN}", {"id_type": IdType.RPPS, "identifier": RPPS}, f"inconnue@{IN}"),
        (HOME.address, {"id_type": IdType.RPPS, "identifier": RPPS}, HOME.address),
        (HOME.address, {"id_type": IdType.FINESS, "identifier": FINESS}, HOME.address),
        (HOME.address, {"id_type": IdType.FINESS, "identifier": OTHER_FINESS}, "identifier-disagrees"),
        (BERNARD, {"id_type": IdType.FINESS, "identifier": FINESS}, "identifier-disagrees"),
        (ANNEX.address, {"address": HOME.address}, ANNEX.address),
        (HOME.address, {"address": MARTIN}, "identifier-disagrees"),
        (BERNARD, {"format": "hprim-medecins"}, BERNARD),
    ],
)
def test_an_address_in_the_file_is_compared_with_the_line(address: str, told: dict[str, Any], expected: str) -> None:
    book = (*BOOK, SECOND, HOME, ANNEX)
    who = wanted(id="D1", label="SECRETARIAT", address=address)
    assert end(decided(who, *book, lines=[line(**told)])) == expected
    added = replace(who, role=RecipientRole.ADDED)
    assert end(decided(added, *book, lines=[line(**told)])) == address, "a person asked for it"
    assert end(decided(who, *book, lines=[line(**told)], chosen=address)) == address


@pytest.mark.parametrize(
    ("entry", "label", "expected"),
    [
        (NUMBERLESS, "", "identifier-disagrees"),
        (NUMBERLESS, "Dr BERNARD Luc", BERNARD),
        (replace(NUMBERLESS, family="MARTIN", given="P."), "", BERNARD),
    ],
)
def test_where_the_box_has_no_number_the_names_are_compared(entry: Entry, label: str, expected: str) -> None:
    lines = [line(id_type=IdType.RPPS, identifier=RPPS, label=label)]
    who = wanted(id="D1", label="SECRETARIAT", address=BERNARD)
    assert end(decided(who, BOOK[0], entry, lines=lines)) == expected
    on_line = [replace(lines[0], address=BERNARD)]
    assert end(decided(wanted(id="D1", label="SECRETARIAT"), BOOK[0], entry, lines=on_line)) == expected


def test_the_box_of_the_one_the_file_names_stands_beside_an_address_nobody_knows() -> None:
    """A network's own address on the line, the MSSanté one in the file: nothing says that they are two people's."""
    lines = [line(address=f"inconnue@{IN}")]
    who = wanted(id="D1", family="BERNARD", given="Luc", address=BERNARD)
    assert end(decided(who, *BOOK, lines=lines)) == BERNARD
    assert end(decided(who, *BOOK, lines=[line(address=MARTIN)])) == "identifier-disagrees"
