"""Answers of LDAP servers about certificates, kept on disk: what was there for an address, and when it was asked.

One small SQLite file shared by all workers of a machine. It may be deleted at any time, and a damaged one is begun
anew: it only saves questions. No patient's address ever gets here (``remote.py``).
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

FORGET_AFTER = timedelta(days=400)
"""Answers nobody asked for again go after this long."""
_TABLE = """
CREATE TABLE IF NOT EXISTS answer (
    source TEXT NOT NULL, address TEXT NOT NULL, asked_at TEXT NOT NULL, number INTEGER NOT NULL,
    attribute TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (source, address, number)
) WITHOUT ROWID
"""
"""Number 0 stands for the answer itself, with no value; the values follow."""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One answer."""

    source: str
    """Name of the server and what it is asked (``LdapCertificates.key``)."""
    address: str
    asked_at: datetime
    """Aware UTC."""
    values: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    """Attribute and value as the server sent it; empty: there was none."""


class AnswerCache:
    """The file at ``path``. Its faults are logged and cost a question, never a mail."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, source: str, address: str) -> Kept | None:
        """The last answer of ``source`` about ``address``, however old."""
        nothing: list[Kept] = []
        found = self._do(lambda db: _read(db, "WHERE source = ? AND address = ?", (source, address)), nothing)
        return found[0] if found else None

    def everything(self) -> tuple[Kept, ...]:
        """All answers, by source and address."""
        return tuple(self._do(lambda db: _read(db, "", ()), []))

    def put(self, kept: Kept) -> None:
        """In the place of the answer before."""
        moment = kept.asked_at.astimezone(UTC).isoformat()
        rows = [(kept.source, kept.address, moment, 0, "", b"")]
        rows += [(kept.source, kept.address, moment, n, *value) for n, value in enumerate(kept.values, start=1)]
        old = (kept.asked_at.astimezone(UTC) - FORGET_AFTER).isoformat()

        def write(database: sqlite3.Connection) -> None:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("DELETE FROM answer WHERE source = ? AND address = ?", (kept.source, kept.address))
                database.execute("DELETE FROM answer WHERE asked_at < ?", (old,))
                database.executemany("INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?)", rows)

        self._do(write, None)

    def _do(self, work: Callable[[sqlite3.Connection], _Result], otherwise: _Result) -> _Result:
        for attempt in (1, 2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as database:
                    database.execute(_TABLE)
                    return work(database)
            except (sqlite3.Error, OSError, ValueError) as error:
                log.warning("kept certificate answers %s: %s", self._path.name, type(error).__name__)
                damaged = isinstance(error, (sqlite3.DatabaseError, ValueError))
                if attempt == 2 or not damaged or isinstance(error, sqlite3.OperationalError):
                    return otherwise
                self._path.unlink(missing_ok=True)
        return otherwise


def _read(database: sqlite3.Connection, which: str, values: Sequence[str]) -> list[Kept]:
    rows = database.execute(
        f"SELECT source, address, asked_at, number, attribute, value FROM answer {which} "  # noqa: S608 - our own text
        "ORDER BY source, address, number",
        values,
    ).fetchall()
    return list(_grouped(rows))


def _grouped(rows: Sequence[tuple[str, str, str, int, str, bytes]]) -> Iterator[Kept]:
    answers: dict[tuple[str, str], tuple[datetime, list[tuple[str, bytes]]]] = {}
    for source, address, asked_at, number, attribute, value in rows:
        moment, found = answers.setdefault((source, address), (datetime.fromisoformat(asked_at), []))
        if number:
            found.append((attribute, bytes(value)))
    for (source, address), (moment, found) in answers.items():
        yield Kept(source=source, address=address, asked_at=moment, values=tuple(found))
