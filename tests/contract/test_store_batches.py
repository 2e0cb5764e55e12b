"""Contract of ``Batches``: who is in which, and the life of a batch, on both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.statement import PENDING, Statement
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.service.batch import end_batches, form_batches
from dispatcher.service.channel import Channel
from dispatcher.store import batches
from dispatcher.store.engine import SqlStore
from dispatcher.store.rows import BATCH
from tests.contract.store_kit import Database, Seed, make_cipher


def make(store: SqlStore, clock: FrozenClock, batch_id: str, *members: str) -> Batch:
    batch = Batch(id=batch_id, channel="mss", created_at=clock.now(), reason="tick", count=len(members))
    with store.transaction() as uow:
        uow.batches.add(batch)
        uow.batches.join(batch_id, members, clock.now())
    return batch


def statement(store: SqlStore, batch: Batch) -> Statement:
    with store.reading() as uow:
        return Statement.of(uow.dispatches.counts(batch_id=batch.id), batch.count)


def test_forming_a_batch_makes_its_members(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    first, second = seed.dispatch(State.READY), seed.dispatch(State.READY)
    seed.dispatch(State.READY, channel="autre")
    batch = Batch(id="L1", channel="mss", created_at=clock.now(), reason="tick")
    with store.transaction() as uow:
        formed = uow.dispatches.assign_batch(batch, max_count=10, max_bytes=10**9)
        uow.batches.add(formed)
    assert statement(store, formed).check().as_json() == {**Statement(incoming=2, pending=2).as_json()}
    with store.reading() as uow:
        assert [d.id for d in uow.dispatches.list(DispatchFilter(batch_id="L1"))] == [first.id, second.id]


def test_a_dispatch_stays_in_every_batch_it_was_in(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    one, two = seed.dispatch(State.FAILED), seed.dispatch(State.READ)
    first = make(store, clock, "L1", one.id, two.id)
    again = make(store, clock, "L2", one.id)
    with store.transaction() as uow:
        uow.batches.join("L2", [one.id], clock.now())  # a second click
        uow.dispatches.move(one.id, State.QUEUED, batch_id="L2")
    assert statement(store, first).check().words() == Statement(incoming=2, read=1, pending=1).words()
    assert statement(store, again).check().pending == 1
    assert seed.get(one.id).batch_id == "L2"


def test_a_member_that_is_gone_shows(
    store: SqlStore, seed: Seed, clock: FrozenClock, raw: Callable[[str], list[Any]]
) -> None:
    batch = make(store, clock, "L1", seed.dispatch(State.SENT).id, seed.dispatch(State.SENT).id)
    raw("DELETE FROM dispatches WHERE id = (SELECT MIN(dispatch_id) FROM batch_members)")
    with pytest.raises(StoreError, match=r"2 entré.*1 retrouvé"):
        statement(store, batch).check()


@pytest.mark.parametrize("state", sorted(State))
def test_a_batch_is_over_when_nothing_in_it_is_pending(
    store: SqlStore, seed: Seed, clock: FrozenClock, state: State
) -> None:
    make(store, clock, "L1", seed.dispatch(State.READ).id, seed.dispatch(state).id)
    clock.advance(60)
    with store.transaction() as uow:
        ended = uow.batches.end_finished(clock.now())
    with store.reading() as uow:
        batch = uow.batches.get("L1")
        lines = uow.journal.of_subject("L1")
    assert batch is not None
    if state in PENDING:
        assert ended == () and (batch.state, batch.ended_at) == ("open", None)
        return
    assert ended == (batch,) and (batch.state, batch.ended_at) == ("done", clock.now())
    assert lines[-1].event == "batch.done"
    assert lines[-1].detail["in"] == 2 == sum(v for k, v in lines[-1].detail.items() if k != "in")
    with store.transaction() as uow:
        assert uow.batches.end_finished(clock.now()) == ()


def test_a_batch_that_is_over_stays_so(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    one = seed.dispatch(State.FAILED)
    make(store, clock, "L1", one.id)
    with store.transaction() as uow:
        uow.batches.end_finished(clock.now())
        uow.dispatches.move(one.id, State.QUEUED, batch_id="L2")
        uow.batches.end_finished(clock.now())
    with store.reading() as uow:
        batch = uow.batches.get("L1")
    assert batch is not None and batch.state == "done"


@pytest.mark.parametrize("paused", [False, True])
def test_a_batch_that_ends_while_it_is_filled_goes_on(
    store: SqlStore, seed: Seed, clock: FrozenClock, paused: bool
) -> None:
    """A large replay fills its batch in pieces: the first may have left before the second comes."""
    one, two = seed.dispatch(State.SENT), seed.dispatch(State.QUEUED)
    make(store, clock, "L1", one.id)
    with store.transaction() as uow:
        if paused:
            uow.batches.pause("L1", reason="x")
        else:
            uow.batches.end_finished(clock.now())
        uow.batches.grow("L1", 1, two.sealed_bytes)
        uow.batches.join("L1", [two.id], clock.now())
    with store.reading() as uow:
        batch = uow.batches.get("L1")
    assert batch is not None
    assert (batch.state, batch.ended_at, batch.count) == ("paused" if paused else "open", None, 2)
    with store.transaction() as uow:
        uow.dispatches.move(two.id, State.WITHDRAWN)
        (ended,) = uow.batches.end_finished(clock.now())
    assert statement(store, ended).check().as_json() == Statement(incoming=2, sent=1, withdrawn=1).as_json()


def test_what_grows_between_the_look_and_the_lock_does_not_end(
    store: SqlStore, seed: Seed, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL gives the row as it is once locked, though its members were looked at before."""
    make(store, clock, "L1", seed.dispatch(State.QUEUED).id)
    monkeypatch.setattr(batches, "_FINISHED", BATCH.select)
    with store.transaction() as uow:
        assert uow.batches.end_finished(clock.now()) == ()
    with store.reading() as uow:
        assert [(batch.state, batch.ended_at) for batch in uow.batches.list()] == [("open", None)]


def test_a_batch_is_paused_and_goes_on(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    make(store, clock, "L1", seed.dispatch().id)
    with store.transaction() as uow:
        paused = uow.batches.pause("L1", reason="Trop de refus", actor="operator:eve")
    with store.reading() as uow:
        assert uow.batches.get("L1") == paused
    assert (paused.state, paused.pause_reason) == ("paused", "Trop de refus")
    with store.transaction() as uow:
        resumed = uow.batches.resume("L1", reason="Réglé", actor="operator:eve")
    assert (resumed.state, resumed.pause_reason) == ("open", "")
    with store.reading() as uow:
        told = [(line.event, line.actor, line.detail.get("reason")) for line in uow.journal.of_subject("L1")][1:]
    assert told == [
        ("batch.paused", "operator:eve", "Trop de refus"),
        ("batch.resumed", "operator:eve", "Réglé"),
    ]


def test_only_a_live_batch_is_paused_and_only_a_paused_one_resumed(
    store: SqlStore, seed: Seed, clock: FrozenClock
) -> None:
    make(store, clock, "L1", seed.dispatch(State.CLOSED).id)
    with pytest.raises(IllegalMove, match="L1"), store.transaction() as uow:
        uow.batches.resume("L1", reason="x")
    with store.transaction() as uow:
        uow.batches.end_finished(clock.now())
    with pytest.raises(IllegalMove, match="terminé"), store.transaction() as uow:
        uow.batches.pause("L1", reason="x")
    with pytest.raises(StoreError, match="L404"), store.transaction() as uow:
        uow.batches.pause("L404", reason="x")


def test_a_paused_batch_ends_too(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    one = seed.dispatch()
    make(store, clock, "L1", one.id)
    with store.transaction() as uow:
        uow.batches.pause("L1", reason="x")
        uow.dispatches.move(one.id, State.WITHDRAWN)
        assert [batch.state for batch in uow.batches.end_finished(clock.now())] == ["done"]


def channel(**rule: Any) -> Channel:
    wanted = BatchRule(**{"every": timedelta(minutes=5), "max_count": 500, "max_bytes": 10**9} | rule)
    return cast(Channel, SimpleNamespace(name="mss", batch=wanted))


def test_processes_that_look_together_make_one_batch_of_one_tick(
    store: SqlStore, seed: Seed, clock: FrozenClock, database: Database
) -> None:
    """Between the look and the making the other one has made its batch; and one more mail has become ready since."""
    seed.dispatch(State.READY)
    other = database.open(make_cipher(), clock)
    entered = store.transaction()
    uow = entered.__enter__()
    uow.batches.alone("mss")
    late = threading.Thread(target=form_batches, args=(channel(), other, clock))
    late.start()
    late.join(0.5)  # it has looked, and waits for its turn
    assert late.is_alive()
    batch = Batch(id="L1", channel="mss", created_at=clock.now(), reason="tick")
    uow.batches.add(uow.dispatches.assign_batch(batch, max_count=500, max_bytes=10**9))
    uow.dispatches.move(seed_in(uow, clock), State.READY)
    entered.__exit__(None, None, None)
    late.join(30)
    other.close()
    with store.reading() as uow:
        assert [made.id for made in uow.batches.list()] == ["L1"]
        assert uow.dispatches.counts()[State.READY] == 1


def seed_in(uow: Any, clock: FrozenClock) -> str:
    """A held dispatch, made inside the open transaction."""
    (first,) = uow.dispatches.list(DispatchFilter(limit=1))
    held = replace(
        first, id="D99", state=State.HELD, message_id="<m99@labo.test>", envid="env99", created_at=clock.now()
    )
    uow.dispatches.add(held)
    return "D99"


def test_what_ceilings_leave_behind_goes_in_the_same_pass(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    for _ in range(5):
        seed.dispatch(State.READY)
    hour = clock.now() + timedelta(minutes=1)
    rule = {"every": None, "fires": lambda moment: hour if moment < hour else hour + timedelta(hours=12)}
    clock.advance(60)
    formed = form_batches(channel(max_count=2, **rule), store, clock).batches
    assert [(batch.count, batch.reason) for batch in formed] == [(2, "full"), (2, "full"), (1, "tick")]


def test_over_is_over_by_the_tick_too(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    one = seed.dispatch()
    make(store, clock, "L1", one.id)
    assert end_batches(store, clock) == ()
    with store.transaction() as uow:
        uow.dispatches.move(one.id, State.PAPER)
    assert [batch.id for batch in end_batches(store, clock)] == ["L1"]
    assert end_batches(store, clock) == ()
