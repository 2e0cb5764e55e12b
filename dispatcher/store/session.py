"""One database transaction as the parts of the store see it: statements in, rows out, foreign errors translated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Executable, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.store import faults

if TYPE_CHECKING:
    from dispatcher.clock import Clock
    from dispatcher.ports import Cipher
    from dispatcher.store.journal import SqlJournal

Params = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_ADVISORY = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))


class Session:
    """A transaction that is open on one connection, in one thread."""

    __slots__ = ("cipher", "clock", "connection", "journal", "postgresql", "writing")

    journal: SqlJournal

    def __init__(self, connection: Connection, clock: Clock, cipher: Cipher, *, writing: bool) -> None:
        self.connection = connection
        self.clock = clock
        self.cipher = cipher
        self.writing = writing
        self.postgresql = connection.dialect.name == "postgresql"

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

    def now(self) -> datetime:
        """Wall time, UTC."""
        return self.clock.now().astimezone(UTC)

    def hash_path(self, path: str) -> str:
        """Keyed hash of a path; any file name the system can hold, surrogates too."""
        return self.cipher.hash("path:" + json.dumps(path))
