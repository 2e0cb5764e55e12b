"""Contract of the tallies: whatever is written, they say what the rows say; what drifted is told and mended."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.states import FILE_MOVES, MOVES, OPEN_FILES, FileState, State
from dispatcher.ports import DispatchFilter, Drifted, Found
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import LEASE, Database, Seed, make_cipher


def scanned(raw: Callable[[str], list[Any]], channel: str) -> dict[str, int]:
    return dict(raw(f"SELECT state, COUNT(*) FROM dispatches WHERE channel = '{channel}' GROUP BY state"))


def agree(store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    with store.reading() as uow:
        assert uow.tallies.drift() == ()
        for channel in ("mss", "autre"):
            kept = uow.dispatches.counts(channel=channel)
            assert {str(state): count for state, count in kept.items() if count} == scanned(raw, channel)
        files = {str(state): count for state, count in uow.files.counts().items() if count}
    assert files == dict(raw("SELECT state, COUNT(*) FROM files GROUP BY state"))


class Walk:
    """Random work on the store, every way a row is added, moved or taken away."""

    def __init__(self, seed: Seed) -> None:
        self.seed, self.store, self.clock = seed, seed.store, seed.clock
        self.rng = random.Random(7)
        self.steps = [self.add, self.move, self.claim, self.outcome, self.give_back, self.expire, self.batch, self.file]
        self.steps += [self.growing, self.elsewhere]

    def step(self) -> None:
        self.clock.advance(1)
        self.rng.choice(self.steps)()

    def some(self, *states: State) -> str | None:
        with self.store.reading() as uow:
            found = uow.dispatches.list(DispatchFilter(states=states, limit=500))
        return self.rng.choice(found).id if found else None

    def add(self) -> None:
        state = self.rng.choice([State.READY, State.HELD, State.PAPER, State.QUEUED, State.DEFERRED])
        self.seed.dispatch(state, channel=self.rng.choice(["mss", "autre"]))

    def move(self) -> None:
        old = self.rng.choice([state for state in State if MOVES[state] and state is not State.SENDING])
        chosen = self.some(old)
        if chosen:
            with self.store.transaction() as uow:
                uow.dispatches.move(chosen, self.rng.choice(sorted(MOVES[old])))

    def elsewhere(self) -> None:
        chosen = self.some(State.HELD)
        if chosen:
            with self.store.transaction() as uow:
                uow.dispatches.move(chosen, State.READY, channel=self.rng.choice(["mss", "autre"]))

    def claim(self) -> None:
        self.seed.claim(limit=3, channel=self.rng.choice(["mss", "autre"]))

    def outcome(self) -> None:
        chosen = self.some(State.SENDING)
        if chosen:
            changes: dict[str, Any] = {} if self.rng.random() < 0.8 else {"channel": "autre"}
            with self.store.transaction() as uow:
                state = self.rng.choice([State.SENT, State.FAILED, State.DEFERRED, State.UNKNOWN])
                uow.dispatches.move(chosen, state, fence=self.seed.get(chosen).fence, **changes)

    def give_back(self) -> None:
        chosen = self.some(State.SENDING)
        if chosen:
            with self.store.transaction() as uow:
                uow.dispatches.release_claim(chosen, self.seed.get(chosen).fence)

    def expire(self) -> None:
        chosen = self.some(State.SENDING)
        with self.store.transaction() as uow:
            if chosen:
                uow.dispatches.begin_submission(chosen, self.seed.get(chosen).fence, self.clock.now())
            uow.dispatches.expire_leases(self.clock.now() + LEASE * 2)

    def batch(self) -> None:
        batch = Batch(id=self.store.new_id("L"), channel="mss", created_at=self.clock.now(), reason="tick")
        with self.store.transaction() as uow:
            uow.batches.add(uow.dispatches.assign_batch(batch, max_count=3, max_bytes=10**9))

    def file(self) -> None:
        file = self.seed.file()
        state = self.rng.choice(sorted(FILE_MOVES[file.state]))
        with self.store.transaction() as uow:
            uow.files.move(file.id, state)
            if FILE_MOVES[state]:
                uow.files.move(file.id, self.rng.choice(sorted(FILE_MOVES[state])))

    def growing(self) -> None:
        path = f"/entree/{self.rng.randrange(3)}"
        found = Found(path=path, name="x", size=self.rng.randrange(9), mtime_ns=1, whole=False, why="grandit")
        with self.store.transaction() as uow:
            if self.rng.random() < 0.5:
                uow.files.note_waiting("sil", found, self.clock.now())
            else:
                uow.files.forget_waiting("sil", path)


def test_they_say_what_the_rows_say_whatever_is_written(
    seed: Seed, store: SqlStore, raw: Callable[[str], list[Any]]
) -> None:
    walk = Walk(seed)
    for number in range(250):
        walk.step()
        if number % 25 == 24:
            agree(store, raw)


def test_a_claim_knows_what_it_found(seed: Seed, store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    seed.dispatch(State.DEFERRED, due_at=seed.clock.now())
    seed.dispatch(State.QUEUED)
    first, second = seed.claim()
    agree(store, raw)
    with store.reading() as uow:
        counts = uow.dispatches.counts()
        told = {line.detail.get("from") for one in (first, second) for line in uow.journal.of_subject(one.id)} - {None}
    assert (counts[State.SENDING], counts[State.QUEUED], counts[State.DEFERRED]) == (2, 0, 0)
    assert told == {"deferred", "queued"}


def test_a_transaction_sees_its_own_and_an_abandoned_one_counts_nothing(seed: Seed, store: SqlStore) -> None:
    one = seed.dispatch(State.READY)
    with pytest.raises(RuntimeError), store.transaction() as uow:
        uow.dispatches.move(one.id, State.HELD)
        assert uow.dispatches.counts()[State.HELD] == uow.dispatches.counts(channel="mss")[State.HELD] == 1
        assert uow.dispatches.counts(channel="autre")[State.HELD] == uow.dispatches.counts()[State.READY] == 0
        raise RuntimeError
    with store.reading() as uow:
        assert uow.dispatches.counts()[State.READY] == 1
        assert uow.tallies.drift() == ()


def test_writers_together_lose_no_count(
    seed: Seed, store: SqlStore, database: Database, raw: Callable[[str], list[Any]]
) -> None:
    ids = [seed.dispatch(State.QUEUED).id for _ in range(60)]
    faults: list[BaseException] = []

    def work(mine: list[str], opened: SqlStore) -> None:
        try:
            for number, dispatch_id in enumerate(mine):
                with opened.transaction() as uow:
                    states = (State.HELD, State.READY) if number % 2 else (State.DEFERRED, State.HELD)
                    for state in states:
                        uow.dispatches.move(dispatch_id, state)
        except BaseException as error:
            faults.append(error)

    others = [database.open(make_cipher(), FrozenClock()) for _ in range(2)]
    threads = [threading.Thread(target=work, args=(ids[n::4], others[n % 2])) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for other in others:
        other.close()
    assert faults == []
    agree(store, raw)


def test_what_drifted_is_told_and_mended(seed: Seed, store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    seed.dispatch(State.READY)
    seed.dispatch(State.SENT)
    file = seed.file()
    raw("DELETE FROM tallies WHERE state = 'ready'")
    raw("INSERT INTO tallies VALUES ('dispatch', 'mss', 'sent', 15, 4)")
    raw("INSERT INTO tallies VALUES ('dispatch', 'disparu', 'sent', 0, 2)")
    with store.reading() as uow:
        found = uow.tallies.drift()
        assert uow.dispatches.counts()[State.SENT] == 7
    assert found == (
        Drifted(kind="dispatch", channel="disparu", state="sent", counted=0, kept=2),
        Drifted(kind="dispatch", channel="mss", state="ready", counted=1, kept=0),
        Drifted(kind="dispatch", channel="mss", state="sent", counted=1, kept=5),
    )
    with store.transaction() as uow:
        assert uow.tallies.repair() == found
    with store.transaction() as uow:
        uow.files.move(file.id, FileState.READ)
        assert uow.tallies.repair() == ()
    agree(store, raw)
    with store.reading() as uow:
        lines = [line for line in uow.journal.of_subject("tally:dispatch") if line.event == "tally.repaired"]
    assert [(line.detail["state"], line.detail["counted"], line.detail["kept"]) for line in lines] == [
        ("sent", 0, 2),
        ("ready", 1, 0),
        ("sent", 1, 5),
    ]


def test_the_oldest_open_file(seed: Seed, store: SqlStore) -> None:
    now = seed.clock.now()
    for number, state in enumerate(OPEN_FILES):
        seed.file(state=state, received_at=now - timedelta(days=number))
    for state in (FileState.DONE, FileState.DUPLICATE):
        seed.file(state=state, received_at=now - timedelta(days=99))
    with store.reading() as uow:
        oldest = uow.files.oldest_open()
    assert oldest is not None and oldest.state is OPEN_FILES[-1]


def test_an_empty_store_has_no_oldest_file(store: SqlStore, tmp_path: Path) -> None:
    with store.reading() as uow:
        assert uow.files.oldest_open() is None
        assert set(uow.files.counts().values()) == set(uow.dispatches.counts().values()) == {0}
