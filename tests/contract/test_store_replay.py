"""What a replay asks of the store, on both engines: members of batches, tokens, pages, locked rows, codes of faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Batch, Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed


def batch(store: SqlStore, clock: FrozenClock, number: str, **more: Any) -> Batch:
    made = Batch(id=number, channel="mss", created_at=clock.now(), reason="replay", **more)
    with store.transaction() as uow:
        uow.batches.add(made)
    return made


def found(store: SqlStore, **wanted: Any) -> list[str]:
    with store.reading() as uow:
        return [dispatch.id for dispatch in uow.dispatches.list(DispatchFilter(**wanted))]


def test_a_member_stays_in_every_batch_it_ever_was_in(
    store: SqlStore, seed: Seed, clock: FrozenClock, raw: Callable[[str], list[Any]]
) -> None:
    ids = [seed.dispatch(State.FAILED).id for _ in range(3)]
    for number in ("L1", "L2"):
        batch(store, clock, number)
    with store.transaction() as uow:
        uow.batches.join("L1", ids, clock.now())
    clock.advance(60)
    with store.transaction() as uow:
        uow.batches.join("L2", [ids[0], ids[0]], clock.now())
        uow.batches.join("L1", ids, clock.now())  # again: nothing new
        uow.batches.join("L1", [], clock.now())
    assert sorted(found(store, batch_id="L1")) == sorted(ids)
    assert found(store, batch_id="L2") == [ids[0]]
    assert found(store, batch_id="L404") == []
    joined = raw("SELECT COUNT(*), COUNT(DISTINCT joined_at) FROM batch_members WHERE batch_id = 'L1'")
    assert [int(one) for one in joined[0]] == [3, 1], "who was there already stays as he is"


def test_many_join_at_once(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    batch(store, clock, "L1")
    with store.transaction() as uow:
        uow.batches.join("L1", [f"D{number}" for number in range(1201)], clock.now())
        uow.batches.join("L1", [f"D{number}" for number in range(1100, 1300)], clock.now())
    assert found(store, batch_id="L1") == [], "none of these exists"


def test_a_token_makes_one_batch_only(store: SqlStore, clock: FrozenClock) -> None:
    made = batch(store, clock, "L1", token="t1", actor="operator:eve", why="adresses corrigées")
    batch(store, clock, "L2")
    batch(store, clock, "L3")  # an empty one is no token
    with pytest.raises(StoreError) as error:
        batch(store, clock, "L4", token="t1")
    assert error.value.code == "conflict"
    with store.reading() as uow:
        assert uow.batches.with_token("t1") == made
        assert uow.batches.with_token("t2") is None
        assert uow.batches.with_token("") is None


def test_a_batch_grows_with_its_journal(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    batch(store, clock, "L1", count=2, size=20)
    with store.transaction() as uow:
        uow.batches.grow("L1", 3, 30)
    with store.reading() as uow:
        grown = uow.batches.get("L1")
    assert grown is not None
    assert (grown.count, grown.size) == (5, 50)
    assert seed.events("L1") == ["batch.made", "batch.grown"]


def pages(store: SqlStore, size: int) -> list[list[Dispatch]]:
    read: list[list[Dispatch]] = []
    after = None
    with store.reading() as uow:
        while page := list(uow.dispatches.list(DispatchFilter(channel="mss", limit=size, after=after))):
            read.append(page)
            assert page[-1].created_at is not None
            after = (page[-1].created_at, page[-1].id)
    return read


def test_pages_leave_nobody_out_and_double_nobody_at_one_moment(
    store: SqlStore, seed: Seed, clock: FrozenClock
) -> None:
    made = {seed.dispatch(created_at=clock.now()).id for _ in range(5)} | {seed.dispatch().id for _ in range(4)}
    read = pages(store, 2)
    assert [len(page) for page in read] == [2, 2, 2, 2, 1]
    assert sorted(one.id for page in read for one in page) == sorted(made)


def test_a_fault_is_found_by_its_code_its_class_or_the_hold(store: SqlStore, seed: Seed) -> None:
    full = seed.dispatch(State.FAILED, fault="5.2.2").id
    unknown = seed.dispatch(State.FAILED, fault="5.1.10").id
    reply = seed.dispatch(State.FAILED, fault="550").id
    held = seed.dispatch(State.HELD, hold_code="report-check").id
    assert found(store, fault="5.2.2") == [full]
    assert found(store, fault="5.1") == [unknown]
    assert found(store, fault="5.1.1") == []
    assert found(store, fault="5") == [full, unknown]
    assert found(store, fault="550") == [reply]
    assert found(store, fault="report-check") == [held]
    assert found(store, fault="%") == []


def test_rows_are_locked_by_id_and_only_for_a_writer(store: SqlStore, seed: Seed) -> None:
    ids = [seed.dispatch(State.FAILED).id for _ in range(3)]
    with store.transaction() as uow:
        assert [one.id for one in uow.dispatches.locked([*reversed(ids), "D404"])] == sorted(ids)
        assert uow.dispatches.locked([]) == ()
    with store.reading() as uow, pytest.raises(StoreError):
        uow.dispatches.locked(ids)


def test_the_resends_of_a_dispatch_are_found(store: SqlStore, seed: Seed) -> None:
    first = seed.dispatch(State.CLOSED).id
    again = seed.dispatch(State.QUEUED, resend_of=first).id
    assert found(store, resend_of=first) == [again]


def test_which_versions_are_superseded(store: SqlStore, seed: Seed) -> None:
    old, new = seed.report("c", 1), seed.report("c", 2)
    with store.transaction() as uow:
        uow.reports.supersede("c", 2)
    with store.reading() as uow:
        assert uow.reports.superseded([old.id, new.id, "C404"]) == {old.id}
        assert uow.reports.superseded([]) == frozenset()
