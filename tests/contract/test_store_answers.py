"""Rows of answers: noted with moves, found by their indexes, once by token; figures by state and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.feedback.events import Event, Format
from dispatcher.outbox.states import State
from dispatcher.ports import AnswerRow, AnswerState
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import Database, Seed, make_cipher
from tests.contract.test_store_schema import plans_of, statements

ALL = dict.fromkeys(Event, (Format.CSV,))


def row(clock: FrozenClock, **changes: Any) -> AnswerRow:
    now = clock.now()
    values: dict[str, Any] = {"id": "R1", "source": "sil", "format": "csv", "event": "day", "subject": "2026-03-10"}
    return AnswerRow(**values | {"at": now, "due_at": now} | changes)


def test_a_token_is_noted_once_and_rows_without_one_as_often_as_wanted(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        assert uow.answers.note(row(clock, token="t"))
        assert not uow.answers.note(row(clock, id="R2", token="t"))
        assert uow.answers.note(row(clock, id="R3")) and uow.answers.note(row(clock, id="R4"))
    with store.reading() as uow:
        assert [one.id for one in uow.answers.list()] == ["R4", "R3", "R1"]


def test_what_is_due_by_source_format_and_time(store: SqlStore, clock: FrozenClock) -> None:
    later = clock.now() + timedelta(minutes=1)
    with store.transaction() as uow:
        uow.answers.note(row(clock, id="R1"))
        uow.answers.note(row(clock, id="R2", format="hl7"))
        uow.answers.note(row(clock, id="R3", source="autre"))
        uow.answers.note(row(clock, id="R4", due_at=later))
        uow.answers.note(row(clock, id="R5"))
        uow.answers.given(["R5"], clock.now())
        uow.answers.put_off("R2", later, "pas maintenant")

    def due(now: datetime, *formats: str) -> list[str]:
        with store.reading() as uow:
            return [one.id for one in uow.answers.due("sil", formats, now, 10)]

    assert due(clock.now(), "csv", "hl7") == ["R1"]
    assert due(later, "csv", "hl7") == ["R1", "R2", "R4"] and due(later, "hl7") == ["R2"]
    with store.reading() as uow:
        assert uow.answers.waiting() == {"sil": (3, clock.now()), "autre": (1, clock.now())}
        (put_off,) = uow.answers.list(subject="2026-03-10", states=(AnswerState.DUE,), limit=1)
        assert uow.answers.list(states=(AnswerState.SENT,))[0].sent_at == clock.now()
    assert put_off.id == "R4"


@pytest.mark.parametrize("state", [State.SENT, State.DELIVERED, State.READ, State.FAILED, State.PAPER, State.CLOSED])
def test_a_move_notes_its_answer_in_its_own_transaction(database: Database, clock: FrozenClock, state: State) -> None:
    store = database.open(make_cipher(), clock, telling={"sil": ALL})
    seed = Seed(store, clock)
    dispatch = seed.dispatch(State.UNKNOWN)
    at = datetime(2026, 3, 11, 8, 59, tzinfo=UTC)
    moment = {"sent_at": at, "delivered_at": at, "read_at": at} if state not in {State.PAPER} else {}
    try:
        with store.transaction() as uow:
            if state is State.SENT or state in {State.DELIVERED, State.READ, State.FAILED, State.PAPER, State.CLOSED}:
                uow.dispatches.move(dispatch.id, state, reason="motif", **moment)
            (noted,) = uow.answers.list(subject=dispatch.id)
            assert noted.event == OF[state] and noted.source == "sil"
            raise KeyError
    except KeyError:
        pass
    with store.reading() as uow:
        assert uow.answers.list(subject=dispatch.id) == ()
    with store.transaction() as uow:
        uow.dispatches.move(dispatch.id, state, reason="motif", actor="operator:eve")
    with store.reading() as uow:
        (kept,) = uow.answers.list(subject=dispatch.id)
        assert (kept.detail["reason"], kept.detail["by"]) == ("", "operator")
    store.close()


OF = {
    State.SENT: "sent",
    State.DELIVERED: "delivered",
    State.READ: "read",
    State.FAILED: "failed",
    State.PAPER: "paper",
    State.CLOSED: "closed",
}


def test_the_looks_of_the_service_use_their_indexes(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "plan.sqlite3"
    store = open_store(f"sqlite:///{path}", make_cipher(), clock, telling={"sil": ALL})
    Seed(store, clock).dispatch(State.SENT)
    with statements(store) as seen, store.transaction() as uow:
        uow.answers.due("sil", ["csv"], clock.now(), 10)
        uow.answers.in_bundle("b")
        uow.answers.last_day("sil", "2026-03-11")
        uow.answers.long_held("sil", clock.now())
        uow.answers.of_period("sil", clock.now(), clock.now())
        uow.answers.of_batch("L1", "sil")
        list(uow.figures.lives(clock.now(), clock.now()))
        uow.figures.span()
        uow.figures.touched(0, 10)
        list(uow.figures.of_domains("a", "b"))
        uow.figures.recipients("a", "b", "b")
    plans = plans_of(path, seen)
    text = "\n".join(plan for _, plan in plans)
    for index in (
        "ix_answers_due (source=?)",
        "ix_answers_bundle (bundle=?)",
        "ix_answers_source (source=? AND event=? AND subject<?)",
    ):
        assert index in text, text
    assert "ix_dispatches_state (state=? AND created_at>? AND created_at<?)" in text
    assert [plan for _, plan in plans if "SCAN " in plan and "SCAN journal_head" not in plan] == [], text
    store.close()
