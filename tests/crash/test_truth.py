"""The eyes of the kill run see: each kind of fault, put in by hand, is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.feed import Version, message
from tests.crash.truth import Mail, Operator, Truth

A, B = "paul.durand@sandbox.mssante.test", "amina.benali@cabinets.mssante.test"
Found = dict[str, list[list[Any]]]


def version(serial: int, order: str = "K1", status: str = "F", recipients: tuple[str, ...] = (A,)) -> Version:
    return Version(serial, order, status, recipients, False, message(serial, order, status, recipients, False))


FIRST, SECOND = version(1), version(2, status="C")


def store(state: str = "read", *, second: str = "read") -> Found:
    """Two versions of one report for one recipient, each in a batch of its own."""
    return {
        "files": [["F1", FIRST.sha256, "done"], ["F2", SECOND.sha256, "done"]],
        "reports": [["C1", "F1", "c", 1, True], ["C2", "F2", "c", 2, False]],
        "dispatches": [["D1", "C1", "c", 1, state, A, "<1>"], ["D2", "C2", "c", 2, second, A, "<2>"]],
        "members": [["L1", 1, state, 1], ["L2", 1, second, 1]],
        "tallies": [["file", "done", 2]]
        + ([["dispatch", state, 2]] if state == second else [["dispatch", state, 1], ["dispatch", second, 1]]),
    }


MAILS = [Mail(1, "<1>", A, 1), Mail(2, "<2>", A, 2)]


def faults(found: Found, mails: list[Mail], here: frozenset[str] = frozenset(), *, end: bool = False) -> list[str]:
    truth = Truth(Operator(None))  # type: ignore[arg-type]
    truth.compare([FIRST, SECOND], 2, set(here), mails, found)
    if end:
        truth.at_the_end([FIRST, SECOND], mails)
    return [fault.partition(":")[0] for fault in truth.faults]


def test_two_versions_that_arrived_in_their_order_are_no_fault() -> None:
    assert faults(store(), MAILS, end=True) == []


def without(found: Found, table: str, *places: int) -> Found:
    rows = found[table]
    return found | {table: [row for place, row in enumerate(rows) if place not in places]}


@pytest.mark.parametrize(
    ("found", "mails", "kind"),
    [
        (without(store(), "files", 1), MAILS, "lost"),
        (without(store(), "reports", 1), MAILS, "lost"),
        (without(store(), "dispatches", 1), MAILS, "lost"),
        (store() | {"members": [["L1", 2, "read", 1]]}, MAILS, "lost"),
        (store() | {"members": [["L1", 1, None, 0]]}, MAILS, "lost"),
        (store() | {"tallies": [["file", "done", 2], ["dispatch", "read", 1]]}, MAILS, "other"),
        (store(), [*MAILS, Mail(3, "<2>", A, 2)], "doubled"),
        (store(), [*MAILS, Mail(3, "<9>", A, 2)], "doubled"),
        (store(), MAILS[::-1], "disordered"),
        (store(second="queued"), MAILS, "other"),
        (store() | {"files": [["F1", FIRST.sha256, "quarantined"], ["F2", SECOND.sha256, "done"]]}, MAILS, "other"),
    ],
)
def test_a_fault_is_seen_at_any_moment(found: Found, mails: list[Mail], kind: str) -> None:
    assert kind in faults(found, mails)


def test_a_file_still_in_the_folder_is_not_lost() -> None:
    found = store() | {
        "files": [["F1", FIRST.sha256, "done"]],
        "tallies": [["file", "done", 1], ["dispatch", "read", 2]],
    }
    assert faults(found, MAILS, frozenset({SECOND.name})) == []


def test_what_was_in_the_store_and_is_no_more_is_lost() -> None:
    truth = Truth(Operator(None))  # type: ignore[arg-type]
    truth.compare([FIRST, SECOND], 2, set(), MAILS, store())
    shrunk = without(store(), "files", 0) | {"tallies": [["file", "done", 1], ["dispatch", "read", 2]]}
    truth.compare([FIRST, SECOND], 2, {FIRST.name}, MAILS, shrunk)
    assert truth.faults == ["lost: F1 was in the store, and is no more"]


@pytest.mark.parametrize(("mails", "found"), [(MAILS[:1], store()), (MAILS, store(second="unknown"))])
def test_at_the_end_everybody_has_the_last_word_and_no_row_is_open(mails: list[Mail], found: Found) -> None:
    assert faults(found, mails, end=True) != []


def test_a_cancellation_of_what_never_left_needs_no_mail() -> None:
    gone = version(2, status="X")
    truth = Truth(Operator(None))  # type: ignore[arg-type]
    truth.at_the_end([FIRST, gone], [])
    assert truth.faults == []
