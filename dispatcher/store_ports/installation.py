"""The installation itself: which database this is, when it was saved, and whether it came back from a backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationRow:
    """One row for the life of a database; a backup carries it along."""

    store_id: str
    """Made once: tells the backups of two databases apart."""
    backup_at: datetime | None = None
    """Of the last backup; after a restore, of the one that came back."""
    restored_at: datetime | None = None
    """Set by a restore until a person lets everything leave again."""
    journal_number: int = 0
    """Last line of the journal at ``backup_at``."""


class Installation(Protocol):
    """See :class:`InstallationRow`."""

    def row(self) -> InstallationRow | None:
        """None: never saved nor restored."""

    def store_id(self) -> str:
        """The identifier of this database, made at the first call."""

    def size(self) -> int:
        """Bytes of the database."""

    def saved(self, at: datetime, journal_number: int, *, actor: str) -> None:
        """A backup was made, journalled."""

    def restored(self, at: datetime, backup_at: datetime, journal_number: int, *, actor: str) -> None:
        """This database came back from a backup, journalled."""

    def resumed(self) -> None:
        """A person looked at what may have left already: the restore is over."""
