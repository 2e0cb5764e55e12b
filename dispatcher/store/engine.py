"""The store: opens the database and hands out units of work.

Threads share one store. Each transaction has its own connection; on SQLite, which has one writer, a gate lets the
writers of this process in one after the other: waiting on a lock costs microseconds, SQLite's own retry milliseconds.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.clock import Clock
from dispatcher.errors import StoreError
from dispatcher.feedback.events import Telling
from dispatcher.ports import Cipher
from dispatcher.store import faults, ids, schema
from dispatcher.store.connect import BUSY_SECONDS, make_engine, parse_url, reading_engine
from dispatcher.store.hints import Hints
from dispatcher.store.journal import Head
from dispatcher.store.pace_memory import PaceMemory
from dispatcher.store.session import Session
from dispatcher.store.tidying import tidy
from dispatcher.store.turns import Turns
from dispatcher.store.unit import SqlUnit


def open_store(
    url: str,
    cipher: Cipher,
    clock: Clock,
    *,
    create: bool = True,
    upgrade: bool = True,
    folder: Path | None = None,
    telling: Telling = MappingProxyType({}),
) -> SqlStore:
    """Open the database at ``url`` (SQLAlchemy URL; relative SQLite paths are relative to ``folder``).

    ``create`` makes the file and the schema, and upgrades an older schema; without it a missing, empty or older one
    is refused. Without ``upgrade`` an older one is refused also then. ``telling``: what which source is told of. Raises
    :class:`StoreError` with codes ``url``, ``driver``, ``missing``, ``unavailable``, ``no-wal``,
    ``schema-newer``, ``schema-older``, ``schema-missing``.
    """
    engine = make_engine(parse_url(url, folder), create=create)
    try:
        with reading_engine(engine).connect() as connection:
            current = schema.check(connection) == schema.REVISIONS[-1]
        if not current:
            with engine.connect() as connection:
                if create and (upgrade or schema.revision(connection) is None):
                    schema.upgrade_connection(connection)
                else:
                    schema.require_current(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        raise faults.translate(error) from error
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine, cipher, clock, telling)


class SqlStore:
    """See :class:`dispatcher.ports.Store`."""

    def __init__(self, engine: Engine, cipher: Cipher, clock: Clock, telling: Telling = MappingProxyType({})) -> None:
        self._engine = engine
        self._telling = telling
        self._reader = reading_engine(engine)
        self._cipher = cipher
        self._clock = clock
        self._networked = engine.dialect.name == "postgresql"
        self._turn: AbstractContextManager[None] = nullcontext() if self._networked else _Gate()
        self._inside = threading.local()
        self._head: Head | None = None
        self._turns = Turns()
        self._memory = PaceMemory()
        self._hints = Hints()
        self._told_commit: Callable[[float], object] = lambda _seconds: None

    @contextmanager
    def transaction(self) -> Iterator[SqlUnit]:
        """Begin; commit at the end, roll back on an exception.

        Raises :class:`StoreError`; code ``commit-unknown`` when the connection was lost while committing, ``nested``
        when this thread has one open already.
        """
        with self._once_a_thread(), self._turn, self._connection(self._engine) as connection:
            session = Session(
                connection, self._clock, self._cipher, writing=True, turns=self._turns, telling=self._telling
            )
            unit = SqlUnit(session, self._head, self._memory)
            yield unit
            unit.finish()
            begun = time.perf_counter()
            try:
                connection.commit()
            except SQLAlchemyError as error:
                raise faults.translate_commit(error, networked=self._networked) from error
            self._told_commit(time.perf_counter() - begun)
            self._head = unit.journal.head
        if unit.work_made:
            self.hint()

    @contextmanager
    def reading(self) -> Iterator[SqlUnit]:
        """A read-only view that takes no write lock; a write in it raises StoreError ``read-only``.

        Within another view of the same thread it is that one: a use case opens one round many small looks.
        """
        open_already: SqlUnit | None = getattr(self._inside, "view", None)
        if open_already is not None:
            yield open_already
            return
        with self._connection(self._reader) as connection:
            session = Session(connection, self._clock, self._cipher, writing=False)
            self._inside.view = SqlUnit(session, memory=self._memory)
            try:
                yield self._inside.view
            finally:
                self._inside.view = None

    def hint(self) -> None:
        """Wake the threads of this process that wait for work."""
        self._hints.give()

    def hints(self) -> int:
        """A number that grows with every hint, for :meth:`wait_hint`."""
        return self._hints.count

    def wait_hint(self, seen: int, seconds: float) -> None:
        """Until there was a hint since ``seen``, at most so long: files taken in, or mails queued, by this process."""
        self._hints.wait(seen, seconds)

    def on_commit(self, tell: Callable[[float], object]) -> None:
        """``tell`` is given the seconds each commit of this process takes from now on."""
        self._told_commit = tell

    def new_id(self, prefix: str) -> str:
        """``prefix`` + 9 characters of Crockford's base 32 (no I, L, O, U)."""
        return ids.new_id(prefix)

    def tidy(self, *, compact: bool = False) -> bool:
        """See :mod:`dispatcher.store.tidying`."""
        with self._turn:
            return tidy(self._engine, compact=compact)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _once_a_thread(self) -> Iterator[None]:
        """A transaction inside another one of the same thread would wait for itself."""
        if getattr(self._inside, "yes", False):
            raise StoreError("Transaction ouverte dans une transaction du même fil.", code="nested")
        self._inside.yes = True
        try:
            yield
        finally:
            self._inside.yes = False

    @contextmanager
    def _connection(self, engine: Engine) -> Iterator[Connection]:
        """A connection with an open transaction, rolled back at the end unless it was committed."""
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise faults.translate(error) from error
        try:
            try:
                connection.begin()
            except SQLAlchemyError as error:
                raise faults.translate(error) from error
            except sqlite3.Error as error:  # BEGIN is said to the driver itself
                raise faults.translate_sqlite(error) from error
            yield connection
        finally:
            with suppress(SQLAlchemyError):  # the first error is the one to tell
                if connection.in_transaction():
                    connection.rollback()
                connection.close()


class _Gate:
    """Lets one writer of this process in at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise faults.fault(faults.BUSY)

    def __exit__(self, *exc: object) -> None:
        self._lock.release()
