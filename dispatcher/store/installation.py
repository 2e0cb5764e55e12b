"""The one row about the database itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update

from dispatcher.ports import InstallationRow
from dispatcher.store.engine_tables import installation as table
from dispatcher.store.ids import new_id
from dispatcher.store.session import Session

_ROW = select(table.c.store_id, table.c.backup_at, table.c.restored_at, table.c.journal_number)
_SIZE_POSTGRESQL = text("SELECT pg_database_size(current_database())")
_PAGES, _PAGE_SIZE = text("PRAGMA page_count"), text("PRAGMA page_size")
SUBJECT = "store"


class SqlInstallation:
    """See :class:`dispatcher.ports.Installation`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def row(self) -> InstallationRow | None:
        """None: never saved nor restored."""
        row = self._session.read(_ROW).first()
        return None if row is None else InstallationRow(**row._mapping)

    def store_id(self) -> str:
        """The identifier of this database, made at the first call."""
        self._session.lock("installation")
        row = self.row()
        if row is not None:
            return row.store_id
        made = new_id("I")
        self._session.write(table.insert(), {"id": 1, "store_id": made, "journal_number": 0})
        return made

    def size(self) -> int:
        """Bytes of the database."""
        if self._session.postgresql:
            return int(self._session.read(_SIZE_POSTGRESQL).scalar_one())
        return int(self._session.read(_PAGES).scalar_one()) * int(self._session.read(_PAGE_SIZE).scalar_one())

    def saved(self, at: datetime, journal_number: int, *, actor: str) -> None:
        """A backup was made."""
        self._set(backup_at=at, journal_number=journal_number)
        self._session.journal.write(SUBJECT, "store.saved", actor=actor, journal_number=journal_number)

    def restored(self, at: datetime, backup_at: datetime, journal_number: int, *, actor: str) -> None:
        """This database came back from a backup."""
        self._set(restored_at=at, backup_at=backup_at, journal_number=journal_number)
        self._session.journal.write(
            SUBJECT, "store.restored", actor=actor, backup_at=backup_at, journal_number=journal_number
        )

    def resumed(self) -> None:
        """The restore is over."""
        self._set(restored_at=None)

    def _set(self, **changes: Any) -> None:
        self.store_id()
        self._session.write(update(table).values(changes))
