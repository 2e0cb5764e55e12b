"""One database transaction as the parts of the store see it: statements in, rows out, foreign errors translated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Executable, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.clock import SystemClock
from dispatcher.store import faults
from dispatcher.store.turns import Turns

if TYPE_CHECKING:
    from dispatcher.clock import Clock
    from dispatcher.feedback.events import Telling
    from dispatcher.ports import Cipher
    from dispatcher.store.answers import SqlAnswers
    from dispatcher.store.journal import SqlJournal
    from dispatcher.store.tallies import SqlTallies

Params = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_ADVISORY = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))
_TRY_ADVISORY = select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))

_DATABASE_NOW = select(func.clock_timestamp())


class Session:
    """A transaction that is open on one connection, in one thread."""

    __slots__ = (
        "_shift",
        "answers",
        "cipher",
        "clock",
        "connection",
        "journal",
        "postgresql",
        "tallies",
        "telling",
        "turns",
        "work_made",
        "writing",
    )

    answers: SqlAnswers
    journal: SqlJournal
    tallies: SqlTallies

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        cipher: Cipher,
        *,
        writing: bool,
        turns: Turns | None = None,
        telling: Telling = MappingProxyType({}),
    ) -> None:
        """``telling``: which source is told of what."""
        self.connection = connection
        self.clock = clock
        self.cipher = cipher
        self.writing = writing
        self.turns = turns or Turns()
        self.work_made = False
        self.telling = telling
        self.postgresql = connection.dialect.name == "postgresql"
        self._shift: timedelta | None = None

    def read(self, statement: Executable, params: Params | None = None) -> CursorResult[*tuple[Any, ...]]:
        """Run a SELECT. Raises :class:`dispatcher.errors.StoreError`."""
        try:
            return self.connection.execute(statement, params)
        except SQLAlchemyError as error:
            raise faults.translate(error) from error

    def read_locked(self, statement: Executable, params: Params | None = None) -> CursorResult[*tuple[Any, ...]]:
        """Run a SELECT … FOR UPDATE: only where writing is allowed."""
        return self.write(statement, params)

    def write(self, statement: Executable, params: Params | None = None) -> CursorResult[*tuple[Any, ...]]:
        """Run an INSERT, UPDATE or DELETE. Raises :class:`dispatcher.errors.StoreError`; also in a reading view."""
        if not self.writing:
            raise faults.fault(faults.READ_ONLY)
        return self.read(statement, params)

    def lock(self, name: str) -> None:
        """Until the end of this transaction, nobody else passes the lock of that name.

        SQLite writers are alone already; on PostgreSQL it is an advisory lock. Nothing in a reading view.
        """
        if self.writing and self.postgresql:
            self.read(_ADVISORY, {"name": name})

    def try_lock(self, name: str) -> bool:
        """As :meth:`lock`, without waiting; False: somebody else has it."""
        if self.writing and self.postgresql:
            return bool(self.read(_TRY_ADVISORY, {"name": name}).scalar_one())
        return True

    def now(self) -> datetime:
        """Wall time, UTC."""
        return self.clock.now().astimezone(UTC)

    def shared_time(self, moment: datetime) -> datetime:
        """``moment`` of this node's clock, as the clock all nodes share has it: that of PostgreSQL.

        Leases are set and compared in that time only: a node whose clock is ahead would steal those of the living.
        On SQLite, and with a clock that a test moves, nothing is shifted.
        """
        return moment + self.shift()

    def shift(self) -> timedelta:
        """How far the shared clock is ahead of this node's, asked once a transaction."""
        if self._shift is None:
            self._shift = timedelta()
            if self.postgresql and isinstance(self.clock, SystemClock):
                before = self.now()
                shared = self.read(_DATABASE_NOW).scalar_one()
                after = self.now()
                self._shift = shared - before - (after - before) / 2
        return self._shift

    def hash_path(self, path: str) -> str:
        """Keyed hash of a path; any file name the system can hold, surrogates too."""
        return self.cipher.hash("path:" + json.dumps(path))
