"""Contract of what several nodes share: the time of leases, things owned by name, and who is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.clock import FrozenClock, SystemClock
from dispatcher.outbox.states import State
from dispatcher.ports import Cipher
from dispatcher.store.engine import SqlStore
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
