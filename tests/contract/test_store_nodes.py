"""Contract of what several nodes share: the time of leases, things owned by name, and who is there."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.clock import FrozenClock, SystemClock
from dispatcher.errors import LeaseLost
from dispatcher.outbox.states import State
from dispatcher.ports import DRAIN, Cipher, NodeRow
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import LEASE, Database, Seed
from tests.servers.postgresql import PostgreSql


class WrongClock(SystemClock):
    """The clock of a machine that is ``ahead`` of the others."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def node(postgresql_server: PostgreSql, cipher: Cipher) -> Iterator[Callable[[float], SqlStore]]:
    """Opens the store as a node whose clock is that many hours ahead would."""
    database = Database(engine="postgresql", url=postgresql_server.url(postgresql_server.create()))
    with ExitStack() as opened:

        def opener(hours: float) -> SqlStore:
            store = database.open(cipher, WrongClock(timedelta(hours=hours)))
            opened.callback(store.close)
            return store

        yield opener


def clock_of(store: SqlStore) -> FrozenClock:
    return store._clock  # type: ignore[return-value]


@pytest.mark.parametrize("ahead", [2.0, -2.0])
def test_leases_run_by_the_clock_of_the_database(node: Callable[[float], SqlStore], ahead: float) -> None:
    right, wrong = node(0), node(ahead)
    seed = Seed(right, clock_of(right))
    file = seed.file()
    held = seed.dispatch(report=seed.report(file_id=file.id))
    for mine, yours in ((right, wrong), (wrong, right)):
        with mine.transaction() as uow:
            assert [d.id for d in uow.dispatches.claim("mss", "w1", 9, LEASE, mine._clock.now())] == [held.id]
            assert file.id in {f.id for f in uow.files.claim("w1", 99, LEASE, mine._clock.now())}
        with mine.transaction() as uow:
            uow.dispatches.extend_lease("w1", mine._clock.now() + LEASE)
            uow.files.extend_lease("w1", mine._clock.now() + LEASE)
        with yours.transaction() as uow:
            assert uow.dispatches.expire_leases(yours._clock.now()) == (), "the lease of somebody alive"
            assert uow.files.claim("w2", 99, LEASE, yours._clock.now()) == (), "the file of somebody alive"
        with mine.transaction() as uow:
            uow.dispatches.extend_lease("w1", mine._clock.now() - LEASE)
            uow.files.extend_lease("w1", mine._clock.now() - LEASE)
        with yours.transaction() as uow:
            (back,) = uow.dispatches.expire_leases(yours._clock.now())
            assert back.state is State.QUEUED
            assert len(uow.files.claim("w2", 1, LEASE, yours._clock.now())) == 1
            uow.files.release("w2")


# ------------------------------------------------------------------------------------------------ leases by name


def take(store: SqlStore, owner: str = "a", name: str = "source:sil") -> int | None:
    with store.transaction() as uow:
        return uow.leases.take(name, owner, owner, LEASE)


def test_one_owner_a_name(store: SqlStore, clock: FrozenClock) -> None:
    assert take(store) == 1
    assert take(store, "b") is None
    assert take(store, "b", "source:autre") == 1, "another name is another lease"
    clock.advance(60)
    assert take(store) == 1, "the same owner prolongs, under the same fence"
    clock.advance(119)
    assert take(store, "b") is None
    clock.advance(1)
    assert take(store, "b") == 2, "who takes it over has a fence of his own"
    assert take(store) is None
    with store.reading() as uow:
        held = {row.name: (row.owner, row.fence) for row in uow.leases.list()}
    assert held == {"source:sil": ("b", 2), "source:autre": ("b", 1)}


def test_a_lease_that_is_fresh_is_not_written_again(store: SqlStore, clock: FrozenClock) -> None:
    """Ticks ask every two seconds: that must not be a commit on the disk each time, nor let the lease run out."""

    def until() -> datetime | None:
        with store.reading() as uow:
            return uow.leases.list()[0].until

    take(store)
    first = until()
    clock.advance(59)
    assert (take(store), until()) == (1, first)
    clock.advance(1)
    assert take(store) == 1
    assert until() == clock.now() + LEASE


def test_a_shorter_lease_of_the_owner_takes_nothing_away(store: SqlStore, clock: FrozenClock) -> None:
    take(store)
    with store.transaction() as uow:
        uow.leases.take("source:sil", "a", "a", LEASE / 10)
    clock.advance(60)
    assert take(store, "b") is None


def test_what_is_let_go_is_free_at_once(store: SqlStore) -> None:
    take(store)
    take(store, name="tick:batch")
    with store.transaction() as uow:
        uow.leases.let_go("b")
        uow.leases.let_go("a", "source:sil")
    assert (take(store, "b"), take(store, "b", "tick:batch")) == (2, None)
    with store.transaction() as uow:
        uow.leases.let_go("a")
    assert take(store, "b", "tick:batch") == 2


def test_an_owner_that_slept_can_confirm_nothing(store: SqlStore, clock: FrozenClock) -> None:
    fence = take(store)
    assert fence is not None
    clock.advance(500)
    with store.transaction() as uow:
        uow.leases.confirm("source:sil", "a", fence, LEASE)  # late, but nobody took it meanwhile
    assert take(store, "b") is None
    clock.advance(500)
    assert take(store, "b") == fence + 1
    with store.reading() as uow:
        assert not uow.leases.holds("source:sil", "a", fence)
        assert uow.leases.holds("source:sil", "b", fence + 1)
    with pytest.raises(LeaseLost), store.transaction() as uow:
        uow.leases.confirm("source:sil", "a", fence, LEASE)
    clock.advance(500)
    assert take(store) == fence + 2
    with pytest.raises(LeaseLost), store.transaction() as uow:
        uow.leases.confirm("source:sil", "a", fence, LEASE)  # ours again, but not under that fence


def test_a_confirmed_lease_is_not_taken_before_the_commit(node: Callable[[float], SqlStore]) -> None:
    """The owner is late, the other node asks in the middle of the owner's transaction: it waits, and gets nothing."""
    first, second = node(0), node(0)
    with first.transaction() as uow:
        fence = uow.leases.take("source:sil", "a", "a", timedelta(milliseconds=1))
        assert fence == 1
    answers: list[int | None] = []
    other = threading.Thread(target=lambda: answers.append(take(second, "b")))
    with first.transaction() as uow:
        uow.leases.confirm("source:sil", "a", fence, LEASE)
        other.start()
        other.join(0.3)
        assert answers == [], "it waits for the end of the transaction that confirmed"
    other.join(10)
    assert answers == [None]


def test_twenty_threads_and_one_owner(store: SqlStore) -> None:
    fences: list[int | None] = []
    threads = [threading.Thread(target=lambda n=n: fences.append(take(store, f"w{n}"))) for n in range(20)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(fences, key=str) == [1] + [None] * 19


# ------------------------------------------------------------------------------------------------ who is there


def row(name: str, number: str = "N1", **changes: Any) -> NodeRow:
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    values: dict[str, Any] = {
        "id": number,
        "name": name,
        "host": "h",
        "pid": 7,
        "version": "1",
        "revision": "0004",
        "workers": 2,
        "started_at": moment,
        "seen_at": moment,
    }
    return NodeRow(**values | changes)


def join(store: SqlStore, *rows: NodeRow) -> None:
    for one in rows:
        with store.transaction() as uow:
            uow.nodes.join(one)


def nodes(store: SqlStore) -> list[NodeRow]:
    with store.reading() as uow:
        return list(uow.nodes.list())


def test_a_node_joins_lives_and_leaves(store: SqlStore, clock: FrozenClock) -> None:
    join(store, row("b", "N2"), row("a"))
    assert [one.name for one in nodes(store)] == ["a", "b"]
    assert {one.seen_at for one in nodes(store)} == {clock.now()}
    clock.advance(5)
    with store.transaction() as uow:
        lives = uow.nodes.beat("N1", {"local": "x"})
    assert lives is not None and (lives.seen_at, lives.digests, lives.wanted) == (clock.now(), {"local": "x"}, "")
    take(store, "a")
    with store.transaction() as uow:
        uow.nodes.leave("N1")
    assert [one.name for one in nodes(store)] == ["b"]
    assert take(store, "b") == 2, "what it held by name is free"
    with store.transaction() as uow:
        assert uow.nodes.beat("N1", {}) is None


def test_who_starts_again_under_its_name_replaces_itself(store: SqlStore) -> None:
    join(store, row("a"))
    assert take(store, "a:1") == 1
    with store.transaction() as uow:
        uow.leases.take("tick:batch", "other", "c", LEASE)
        assert uow.nodes.want("a", DRAIN, actor="operator:eve")
    with store.transaction() as uow:
        uow.leases.take("source:deux", "a:1", "a", LEASE)
    join(store, row("a", "N9"))
    assert [(one.id, one.wanted) for one in nodes(store)] == [("N9", DRAIN)]
    with store.transaction() as uow:
        assert uow.nodes.beat("N1", {}) is None
        assert uow.leases.take("source:deux", "b", "b", LEASE) == 2
        assert uow.leases.take("tick:batch", "b", "b", LEASE) is None, "another node's stays"


def test_drain_resume_and_forget_are_journalled(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    join(store, row("nord"))
    with store.transaction() as uow:
        assert not uow.nodes.want("sud", DRAIN, actor="operator:eve")
        assert not uow.nodes.forget("sud", actor="operator:eve")
        assert uow.nodes.want("nord", DRAIN, actor="operator:eve")
        assert (uow.nodes.wanted("nord"), uow.nodes.wanted("sud")) == (DRAIN, "")
        assert uow.nodes.want("nord", "", actor="operator:eve")
        assert uow.nodes.forget("nord", actor="operator:eve")
    assert seed.events("node:nord") == ["node.drain", "node.resume", "node.forgotten"]
    assert nodes(store) == []


def test_what_a_forgotten_node_held_comes_back_now(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    join(store, row("nord"), row("nord_2", "N2"))
    file = seed.file()
    mine = seed.dispatch(report=seed.report(file_id=file.id))
    begun, other = (
        seed.dispatch(report=seed.report(file_id=file.id, position=1)),
        seed.dispatch(report=seed.report(file_id=file.id, position=2)),
    )
    with store.transaction() as uow:
        uow.dispatches.claim("mss", "nord:1:ab/send", 2, LEASE, clock.now())
        uow.dispatches.begin_submission(begun.id, 1, clock.now())
        uow.dispatches.claim("mss", "nord_2:1:ab/send", 1, LEASE, clock.now())
        uow.files.claim("nord:1:ab/prepare", 1, LEASE, clock.now())
        uow.leases.take("source:sil", "nord:1:ab", "nord", LEASE)
    with store.transaction() as uow:
        assert uow.nodes.forget("nord", actor="operator:eve")
    with store.transaction() as uow:
        back = {d.id: d.state for d in uow.dispatches.expire_leases(clock.now())}
        assert back == {mine.id: State.QUEUED, begun.id: State.UNKNOWN}
        assert [f.id for f in uow.files.claim("nord_2:1:ab/prepare", 1, LEASE, clock.now())] == [file.id]
        assert uow.leases.take("source:sil", "nord_2:1:ab", "nord_2", LEASE) == 2
    assert seed.get(other.id).state is State.SENDING


def test_how_wrong_a_clock_is_stands_with_the_node(node: Callable[[float], SqlStore]) -> None:
    right, ahead = node(0), node(1)
    join(right, row("a"))
    join(ahead, row("b", "N2"))
    measured = {one.name: one for one in nodes(right)}
    assert abs(measured["a"].skew) < 1 and abs(measured["b"].skew - 3600) < 1
    assert abs((measured["a"].seen_at - measured["b"].seen_at).total_seconds()) < 60


SLEEPER = """
import sys, time
from dispatcher.clock import SystemClock
from dispatcher.store.engine import open_store
from tests.contract.store_kit import make_cipher

store = open_store(sys.argv[1], make_cipher(), SystemClock())
with store.transaction() as uow:
    uow.journal.write("x", "probe")
    uow.journal.flush()  # the head of the journal is locked
    print("locked", flush=True)
    time.sleep(600)
"""


def test_a_node_frozen_in_mid_transaction_loses_its_locks(postgresql_server: PostgreSql, cipher: Cipher) -> None:
    """The others wait for the head of the journal, and have it, without a fault, before their patience ends."""
    url = postgresql_server.url(postgresql_server.create())
    store = open_store(url, cipher, SystemClock())
    frozen = subprocess.Popen([sys.executable, "-c", SLEEPER, url], stdout=subprocess.PIPE, text=True)
    try:
        assert frozen.stdout is not None and frozen.stdout.readline() == "locked\n"
        frozen.send_signal(signal.SIGSTOP)
        with store.transaction() as uow:
            uow.journal.write("y", "probe")
        with store.reading() as uow:
            assert [len(uow.journal.of_subject(subject)) for subject in "xy"] == [0, 1]
            assert uow.journal.verify() == (1, "")
    finally:
        frozen.kill()
        frozen.wait(10)
        frozen.stdout.close()  # type: ignore[union-attr]
        store.close()
