"""Contract of transactions: all or nothing, read-only views, threads, and what a lost database is told as."""

from __future__ import annotations

import errno
import sqlite3
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.store import connect, turnstile
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import LEASE, Database, Seed, make_cipher


class Stop(BaseException):
    """As a signal would: not an Exception."""


def everything(uow: UnitOfWork, seed: Seed, dispatch_id: str) -> None:
    """Writes to every part."""
    now = seed.clock.now()
    uow.dispatches.move(dispatch_id, State.HELD)
    uow.payloads.put(dispatch_id, "sealed", b"x")
    uow.batches.add(Batch(id="L1", channel="mss", created_at=now, reason="tick"))
    uow.pace.pause("channel:mss", None, "x")
    uow.reference.put("list", "1", b"x", now)
    uow.journal.write("X", "y")


def contents(store: SqlStore) -> tuple[Any, ...]:
    with store.reading() as uow:
        return (
            uow.dispatches.list(DispatchFilter()),
            uow.payloads.kinds("D3"),
            uow.batches.list(),
            uow.pace.paused("channel:mss", FrozenClock().now()),
            uow.reference.newest("list"),
            uow.journal.verify(),
        )


@pytest.mark.parametrize("fault", [RuntimeError, Stop])
def test_an_abandoned_transaction_leaves_nothing(
    seed: Seed, store: SqlStore, database: Database, fault: type[BaseException]
) -> None:
    dispatch = seed.dispatch()
    before = contents(store)
    with pytest.raises(fault), store.transaction() as uow:
        everything(uow, seed, dispatch.id)
        raise fault
    assert contents(store) == before
    with store.transaction() as uow:  # and the next one goes through
        everything(uow, seed, dispatch.id)
    other = database.open(make_cipher(), seed.clock)
    assert contents(other) == contents(store) != before
    other.close()


def test_a_process_that_dies_in_a_transaction_leaves_nothing(seed: Seed, store: SqlStore, database: Database) -> None:
    """The connection is dropped without commit or roll back, as the kernel does for a killed process."""
    dispatch = seed.dispatch()
    before = contents(store)
    dying = database.open(make_cipher(), seed.clock)
    entered = dying.transaction()
    uow = entered.__enter__()
    everything(uow, seed, dispatch.id)
    uow._session.connection.connection.dbapi_connection.close()
    with store.transaction() as other:
        assert other.dispatches.get(dispatch.id) == dispatch
    assert contents(store) == before
    with pytest.raises(StoreError):
        entered.__exit__(None, None, None)
    dying.close()


def test_a_view_writes_nothing(seed: Seed, store: SqlStore) -> None:
    dispatch = seed.dispatch()
    before = contents(store)
    with store.reading() as uow:
        for write in (
            lambda: uow.dispatches.claim("mss", "w", 1, LEASE, seed.clock.now()),
            lambda: uow.dispatches.move(dispatch.id, State.HELD),
            lambda: uow.payloads.put("D1", "sealed", b"x"),
            lambda: uow.files.mark_removed("F1"),
            lambda: uow.pace.resume("channel:mss") or uow.pace.pause("channel:mss", None, "x"),
        ):
            with pytest.raises(StoreError) as raised:
                write()
            assert raised.value.code == "read-only"
    assert contents(store) == before


def test_a_view_does_not_wait_for_a_writer(seed: Seed, store: SqlStore) -> None:
    dispatch = seed.dispatch()
    with store.transaction() as writer:
        writer.dispatches.move(dispatch.id, State.HELD)
        with store.reading() as reader:
            assert reader.dispatches.get(dispatch.id) == dispatch
    with store.reading() as reader:
        assert reader.dispatches.get(dispatch.id) != dispatch


def test_a_transaction_in_a_transaction_is_a_mistake_told_at_once(store: SqlStore) -> None:
    with store.transaction() as uow:
        with pytest.raises(StoreError) as raised, store.transaction():
            pass
        assert raised.value.code == "nested"
        uow.journal.write("X", "y")
    with store.transaction() as uow:
        assert len(uow.journal.of_subject("X")) == 1


def test_threads_share_one_store(seed: Seed, store: SqlStore) -> None:
    """Every increment counts: nobody reads what another is about to change."""
    dispatch = seed.dispatch(State.HELD)

    def work() -> None:
        for _ in range(15):
            with store.transaction() as uow:
                uow.payloads.put(f"T{threading.get_ident()}", "sealed", b"x" * 1000)
                now = uow.dispatches.update(dispatch.id, event="x")
                uow.dispatches.update(dispatch.id, event="y", attempts=now.attempts + 1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seed.get(dispatch.id).attempts == 90
    with store.reading() as uow:
        assert uow.journal.verify()[1] == ""


def test_two_programs_share_one_database(seed: Seed, store: SqlStore, database: Database) -> None:
    """As above with a second store: another process would see the same."""
    dispatch = seed.dispatch(State.HELD)
    other = database.open(make_cipher(), seed.clock)

    def work(one: SqlStore) -> None:
        for _ in range(15):
            with one.transaction() as uow:
                now = uow.dispatches.update(dispatch.id, event="x")
                uow.dispatches.update(dispatch.id, event="y", attempts=now.attempts + 1)

    threads = [threading.Thread(target=work, args=(one,)) for one in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seed.get(dispatch.id).attempts == 30
    other.close()


# ---------------------------------------------------------------------------------- a database that is gone


def test_no_message_shows_a_value(seed: Seed, store: SqlStore) -> None:
    """What is logged of an error names neither the row nor its contents."""
    dispatch = seed.dispatch(label="Dr Secret")
    with pytest.raises(StoreError) as raised, store.transaction() as uow:
        uow.dispatches.add(dispatch)
    assert "Secret" not in str(raised.value) and "Secret" not in str(raised.value.__cause__)
    assert raised.value.__cause__ is not None


on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
"""SQLite has no connection to lose."""


@on_postgresql
def test_a_connection_lost_before_the_commit(seed: Seed, store: SqlStore, database: Database) -> None:
    dispatch = seed.dispatch()
    with pytest.raises(StoreError) as raised, store.transaction() as uow:
        uow.dispatches.get(dispatch.id)
        database.server.cut_clients(database.name)
        uow.dispatches.get(dispatch.id)
    assert raised.value.code == "unavailable"
    assert seed.get(dispatch.id) == dispatch  # the next one connects again


@on_postgresql
def test_a_connection_lost_at_the_commit_is_neither_yes_nor_no(seed: Seed, store: SqlStore, database: Database) -> None:
    dispatch = seed.dispatch()
    with pytest.raises(StoreError, match="impossible à dire") as raised, store.transaction() as uow:
        uow.pace.pause("channel:mss", None, "x")
        database.server.cut_clients(database.name)
    assert raised.value.code == "commit-unknown"
    assert seed.get(dispatch.id) == dispatch


@on_postgresql
def test_an_idle_connection_that_died_is_nobodys_fault(seed: Seed, store: SqlStore, database: Database) -> None:
    dispatch = seed.dispatch()
    database.server.cut_clients(database.name)
    assert seed.get(dispatch.id) == dispatch


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(StoreError, match="ne répond pas") as raised:
        open_store("postgresql://nobody@127.0.0.1:1/x", make_cipher(), FrozenClock())
    assert raised.value.code == "unavailable"


@on_postgresql
def test_postgresql_settings_of_the_session(store: SqlStore, database: Database) -> None:
    with store._engine.connect() as connection:
        show = {n: connection.exec_driver_sql(f"SHOW {n}").scalar() for n in ("TimeZone", "lock_timeout")}
        assert show == {"TimeZone": "UTC", "lock_timeout": "30s"}
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        parameters = connection.connection.dbapi_connection.info.get_parameters()
    assert parameters["tcp_user_timeout"] == "10000" and parameters["keepalives_idle"] == "5"


# ------------------------------------------------------------------------------------------------ SQLite


def sqlite_store(tmp_path: Path, name: str = "a/b/store.sqlite3", **options: Any) -> SqlStore:
    return open_store(f"sqlite:///{name}", make_cipher(), FrozenClock(), folder=tmp_path, **options)


def test_sqlite_is_set_up_to_be_durable_and_private(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    path = tmp_path / "a/b/store.sqlite3"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    with store._engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
    store.close()


def test_a_busy_database_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.05)
    store = sqlite_store(tmp_path)
    blocker = sqlite3.connect(tmp_path / "a/b/store.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="occupée") as raised, store.transaction():
        pass
    assert raised.value.code == "busy"
    with store.reading() as uow:
        assert uow.files.list() == ()
    blocker.execute("COMMIT")
    blocker.close()
    with store.transaction() as uow:
        uow.journal.write("X", "y")
    store.close()


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    with store.transaction() as uow:
        uow.payloads.put("D1", "sealed", b"x")
    with store._engine.connect() as connection:  # the pool hands the same connection out again
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreError, match="place") as raised, store.transaction() as uow:
        uow.payloads.put("D2", "sealed", bytes(range(256)) * 40000)
        uow.payloads.put("D3", "sealed", __import__("os").urandom(1_000_000))
    assert raised.value.code == "disk-full"
    with store.reading() as uow:
        assert uow.payloads.kinds("D1") == ("sealed",)
        assert uow.payloads.kinds("D2") == ()
    store.close()


def test_writers_wait_for_each_other_without_losing_time(tmp_path: Path) -> None:
    """Four threads together are not much slower than one alone: the gate hands over at once."""
    store = sqlite_store(tmp_path)
    begun = time.monotonic()

    def work() -> None:
        for _ in range(25):
            with store.transaction() as uow:
                uow.journal.write("X", "y")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.reading() as uow:
        assert uow.journal.verify() == (100, "")
    assert time.monotonic() - begun < 30  # a stall would be; a slow machine is not
    store.close()


def test_a_writer_of_another_process_is_not_passed_over(tmp_path: Path) -> None:
    """SQLite alone sleeps longer and longer beside a process that writes without a pause."""
    busy, other = sqlite_store(tmp_path), sqlite_store(tmp_path)
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            with busy.transaction() as uow:
                uow.journal.write("X", "busy")
            written[0] += 1

    writers = [threading.Thread(target=write, daemon=True) for _ in range(2)]
    for writer in writers:
        writer.start()
    passed = []
    for _ in range(10):
        before = written[0]
        while written[0] < before + 3:
            threading.Event().wait(0.001)
        before = written[0]
        with other.transaction() as uow:
            passed.append(written[0] - before)
            uow.journal.write("Y", "other")
    stop.set()
    for writer in writers:
        writer.join()
    assert sum(passed) <= 4 * len(passed), passed
    busy.close()
    other.close()


def test_a_disk_that_cannot_lock_the_turnstile_costs_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.2)
    asked: list[int] = []

    def no_locks(_file: int, operation: int) -> None:
        asked.append(operation)
        raise OSError(errno.ENOLCK, "No locks available")

    store = sqlite_store(tmp_path)
    monkeypatch.setattr(turnstile, "fcntl", SimpleNamespace(flock=no_locks, LOCK_EX=2, LOCK_NB=4, LOCK_UN=8))
    with store.transaction() as uow:
        uow.journal.write("X", "y")
    store.close()
    assert asked.count(2 | 4) == 1, "asked once, not until the patience is over"
