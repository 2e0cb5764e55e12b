"""The journal: append-only, hash-chained, written in the same transaction as what it tells.

Line *n* carries ``digest = SHA-256(previous + "\\n" + line)``, lower-case hex, where ``previous`` is the digest of line
*n* - 1 (64 zeros before the first) and ``line`` is one JSON object in UTF-8 with sorted keys and no blanks:
``{"actor":…,"at":"2026-03-11T09:00:00.000000+00:00","detail":{…},"event":…,"number":…,"subject":…}``.
So anybody can check it without this program. A one-row table keeps the number and digest of the last line; it orders
concurrent writers and shows a cut end.

Lines are kept back and written at the end of the transaction: the head, which every writer needs, is locked as late
and as shortly as possible, and always after all other rows, so that two writers cannot wait for each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Text, bindparam, insert, select, type_coerce, update
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import JournalLine
from dispatcher.ports import Happened
from dispatcher.store import faults
from dispatcher.store.session import Session
from dispatcher.store.tables import GENESIS, dispatches, journal, journal_head
from dispatcher.store.types import canonical, storable

MAX_TEXT = 300
"""Characters of one text in ``detail``."""

Head = tuple[int, str]

_HEAD = select(journal_head.c.number, journal_head.c.digest).where(journal_head.c.id == 1)
_LOCKED_HEAD = _HEAD.with_for_update()
_APPEND = insert(journal)
_ADVANCE = (
    update(journal_head)
    .where(
        journal_head.c.id == 1,
        journal_head.c.number == bindparam("old_number"),
        journal_head.c.digest == bindparam("old_digest"),
    )
    .values(number=bindparam("new_number"), digest=bindparam("new_digest"))
)
_REST = (
    journal.c.subject,
    journal.c.event,
    journal.c.actor,
    journal.c.detail,
    journal.c.previous,
    journal.c.digest,
)
_LINES = select(journal.c.number, journal.c.at, *_REST).order_by(journal.c.number)
_AS_KEPT = select(journal.c.number, type_coerce(journal.c.at, Text), *_REST).order_by(journal.c.number)
"""SQLite keeps a moment as the digest covers it: reading a million back and forth would take half of the time."""
_DIGESTS = select(journal.c.digest).order_by(journal.c.number)

_AFTER = (
    select(
        journal.c.number,
        journal.c.event,
        journal.c.subject,
        journal.c.actor,
        journal.c.detail,
        dispatches.c.channel,
    )
    .select_from(journal.outerjoin(dispatches, dispatches.c.id == journal.c.subject))
    .where(journal.c.number > bindparam("after"))
    .order_by(journal.c.number)
    .limit(bindparam("most"))
)

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def text_of(number: int, at: datetime | str, subject: str, event: str, actor: str, detail: str) -> str:
    """A line as its digest covers it; ``detail`` is its canonical JSON text, ``at`` may be as SQLite keeps it."""
    moment = at if isinstance(at, str) else at.astimezone(UTC).isoformat(timespec="microseconds")
    return (
        f'{{"actor":{_quoted(actor)},"at":"{moment}","detail":{detail},'
        f'"event":{_quoted(event)},"number":{number},"subject":{_quoted(subject)}}}'
    )


def digest_of(previous: str, number: int, at: datetime | str, subject: str, event: str, actor: str, detail: str) -> str:
    """Digest of a line."""
    line = text_of(number, at, subject, event, actor, detail)
    return hashlib.sha256(f"{previous}\n{line}".encode()).hexdigest()


def plain(detail: Mapping[str, object]) -> dict[str, Any]:
    """``detail`` as the journal keeps it: text cut at 300 characters, moments as ISO 8601, numbers, booleans, None.

    Raises :class:`StoreError` for anything else: a nested value is where a patient's identity would slip in unseen.
    """
    return {key: _plain(key, value) for key, value in detail.items()}


def _plain(key: str, value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return storable(value[:MAX_TEXT])
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and value - value == 0:  # finite
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise StoreError(
        f"Le journal refuse la valeur de « {key} » ({type(value).__name__}).",
        hint="Attendu : texte, nombre, booléen, date ou rien.",
        code="journal-detail",
    )


class SqlJournal:
    """See :class:`dispatcher.ports.Journal`."""

    def __init__(self, session: Session, head: Head | None = None) -> None:
        self._session = session
        self._pending: list[tuple[datetime, str, str, str, str]] = []
        self.head = head
        """Number and digest of the last line as this process last saw them: a guess, proved when it is used."""

    def write(self, subject: str, event: str, *, actor: str = "daemon", **detail: object) -> None:
        """Add a line; it is numbered and chained when the transaction ends."""
        text = canonical(plain(detail))
        self._pending.append((self._session.now(), storable(subject), storable(event), storable(actor), text))

    def flush(self) -> None:
        """Write the lines kept back. Called before the commit and before any reading of the journal."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        rows = self._advance(pending, self.head) if self.head is not None else []
        if not rows:  # the first line of this process, or somebody else wrote since
            number, digest = self._session.read_locked(_LOCKED_HEAD).one()
            rows = self._advance(pending, (number, digest))
        self._session.write(_APPEND, rows)
        self.head = (rows[-1]["number"], rows[-1]["digest"])

    def _advance(self, pending: list[tuple[datetime, str, str, str, str]], head: Head) -> list[dict[str, Any]]:
        """Chain ``pending`` to ``head`` and move the head to their end; empty when that is not the head any more."""
        rows = list(_chained(pending, head))
        old_number, old_digest = head
        moved = self._session.write(
            _ADVANCE,
            {
                "old_number": old_number,
                "old_digest": old_digest,
                "new_number": rows[-1]["number"],
                "new_digest": rows[-1]["digest"],
            },
        )
        return rows if moved.rowcount == 1 else []

    def of_subject(self, subject: str) -> tuple[JournalLine, ...]:
        """Lines about one file, report, dispatch or batch, oldest first."""
        self.flush()
        rows = self._session.read(_LINES.where(journal.c.subject == subject))
        return tuple(
            JournalLine(
                number=row.number,
                at=row.at,
                subject=row.subject,
                event=row.event,
                actor=row.actor,
                detail=json.loads(row.detail),
                previous=row.previous,
                digest=row.digest,
                text=text_of(row.number, row.at, row.subject, row.event, row.actor, row.detail),
            )
            for row in rows
        )

    def after(self, number: int, most: int) -> tuple[Happened, ...]:
        """At most so many lines behind that one, in order, each with the channel of its dispatch."""
        self.flush()
        return tuple(
            Happened(
                number=row.number,
                event=row.event,
                subject=row.subject,
                actor=row.actor,
                detail=json.loads(row.detail),
                channel=row.channel or "",
            )
            for row in self._session.read(_AFTER, {"after": number, "most": most})
        )

    def last(self) -> tuple[int, str]:
        """Number and digest of the last line; (0, 64 zeros) before the first."""
        self.flush()
        number, digest = self._session.read(_HEAD).one()
        return int(number), str(digest)

    def digests(self, first: int, last: int) -> Iterable[str]:
        """Those of the lines ``first`` to ``last``, in order; streams."""
        wanted = _DIGESTS.where(journal.c.number >= first, journal.c.number <= last)
        with self._session.read(wanted.execution_options(yield_per=1000)) as rows:
            yield from rows.scalars()

    def verify(
        self, seen: Callable[[int, str], None] | None = None, *, after: tuple[int, str] = (0, GENESIS)
    ) -> tuple[int, str]:
        """Read every line and compute its digest again: (lines checked, French description of the first break).

        ``seen`` is told number and digest of each good line; ``after``: only what follows this line. Streams: memory
        does not grow with the journal.
        """
        self.flush()
        try:
            last, head = self._session.read(_HEAD).one()
        except SQLAlchemyError:
            return after[0], "La tête du journal est illisible dans la base."
        checked, previous = after
        wanted = _LINES if self._session.postgresql else _AS_KEPT
        lines = wanted.where(journal.c.number > checked, journal.c.number <= last)
        try:
            with self._session.read(lines.execution_options(yield_per=1000)) as rows:
                for row in rows:
                    fault = _broken(row, checked + 1, previous)
                    if fault:
                        return checked, fault
                    checked, previous = checked + 1, row[-1]
                    if seen is not None:
                        seen(checked, previous)
        except SQLAlchemyError as error:
            return self._unreadable(checked, previous, wanted, error)
        if checked != last:
            return checked, f"Fin du journal coupée : la tête annonce {last} lignes, {checked} sont présentes."
        if previous != head:
            return checked, f"La tête du journal ne correspond pas à la ligne {last}."
        extra = self._session.read(select(journal.c.number).where(journal.c.number > last).limit(1)).first()
        if extra is not None and self._session.read(_HEAD).one().number == last:  # else: written meanwhile by others
            return checked, f"Ligne {extra.number} ajoutée hors du programme : la tête s'arrête à {last}."
        return checked, ""

    def _unreadable(self, checked: int, previous: str, wanted: Any, error: SQLAlchemyError) -> tuple[int, str]:
        """Which line the database cannot give: they were read many at a time."""
        while True:
            try:
                row = self._session.connection.execute(wanted.where(journal.c.number == checked + 1)).first()
            except SQLAlchemyError:
                return checked, f"Ligne {checked + 1} : illisible dans la base."
            if row is None:
                raise faults.translate(error) from error
            fault = _broken(row, checked + 1, previous)
            if fault:
                return checked, fault
            checked, previous = checked + 1, row[-1]


def _chained(pending: list[tuple[datetime, str, str, str, str]], head: Head) -> Iterator[dict[str, Any]]:
    number, previous = head
    for at, subject, event, actor, detail in pending:
        number += 1
        digest = digest_of(previous, number, at, subject, event, actor, detail)
        yield {
            "number": number,
            "at": at,
            "subject": subject,
            "event": event,
            "actor": actor,
            "detail": detail,
            "previous": previous,
            "digest": digest,
        }
        previous = digest


def _broken(row: Any, expected: int, previous: str) -> str:
    number, at, subject, event, actor, detail, before, digest = row
    if number != expected:
        return f"Ligne {expected} absente : la suivante porte le numéro {number}."
    if before != previous:
        return f"Ligne {expected} : elle n'est pas chaînée à la précédente."
    try:
        right = digest_of(previous, number, at, subject, event, actor, detail) == digest
    except (TypeError, AttributeError, UnicodeError):  # SQLite takes any kind of value in any column
        right = False
    return "" if right else f"Ligne {expected} : son contenu a été changé."
