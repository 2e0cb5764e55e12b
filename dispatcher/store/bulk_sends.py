"""Bulk sends (envois groupés): durable, so that one that was stopped goes on and sends nobody twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, exists, func, insert, select

from dispatcher.errors import StoreError
from dispatcher.ports import BulkSend
from dispatcher.store.bulk_tables import bulk_items as items
from dispatcher.store.bulk_tables import bulk_sends as table
from dispatcher.store.rows import BULK_SEND
from dispatcher.store.session import Session
from dispatcher.store.tables import files, payloads

NAMED = "title"
"""Kind of the payload that stands as long as the order names its documents."""
_NAMED = exists().where(payloads.c.owner == table.c.id, payloads.c.kind == NAMED)
_TAKEN_IN = select(func.count()).where(items.c.send_id == table.c.id).scalar_subquery() == table.c.files
_CONTENTS = exists().where(items.c.send_id == table.c.id, files.c.id == items.c.file_id, files.c.purged_at.is_(None))
"""A file of it is unfinished, unreadable, or kept a while longer."""


class SqlBulkSends:
    """See :class:`dispatcher.ports.BulkSends`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, send: BulkSend) -> BulkSend:
        """Insert, with its journal line; the one there is when the same order was given before."""
        self._session.lock(f"bulk-send:{send.digest}")
        known = self._one(table.c.digest == send.digest)
        if known is not None:
            return known
        self._session.write(insert(table), BULK_SEND.row(send))
        self._session.journal.write(send.id, "bulk.ordered", actor=send.actor, files=send.files, count=send.count)
        return send

    def get(self, send_id: str) -> BulkSend | None:
        """The send, or None."""
        return self._one(table.c.id == send_id)

    def by_digest(self, digest: str) -> BulkSend | None:
        """The same order, given before."""
        return self._one(table.c.digest == digest)

    def last_from(self, place: str) -> BulkSend | None:
        """The newest from that place."""
        return self._one(table.c.place == place)

    def list(self, limit: int = 20) -> tuple[BulkSend, ...]:
        """Newest first."""
        wanted = BULK_SEND.select.order_by(table.c.made_at.desc(), table.c.id.desc()).limit(limit)
        return BULK_SEND.values(self._session.read(wanted))

    def alone(self, send_id: str) -> None:
        """Nobody else takes files in for this send until the end of the transaction. Raises ``not-found``."""
        self._session.lock(f"bulk-items:{send_id}")
        if self.get(send_id) is None:
            raise StoreError(
                f"Envoi groupé inconnu : {send_id}.", hint="« dispatcher send --list » les montre.", code="not-found"
            )

    def items(self, send_id: str) -> dict[int, str]:
        """File of each document taken in, by position."""
        wanted = select(items.c.position, items.c.file_id).where(items.c.send_id == send_id)
        return {row.position: row.file_id for row in self._session.read(wanted.order_by(items.c.position))}

    def put_item(self, send_id: str, position: int, file_id: str) -> None:
        """The document became this file; in place of an earlier one that could not be read."""
        mine = (items.c.send_id == send_id, items.c.position == position)
        self._session.write(delete(items).where(*mine))
        self._session.write(insert(items), {"send_id": send_id, "position": position, "file_id": file_id})

    def named(self, before: datetime, limit: int) -> tuple[str, ...]:
        """Oldest first."""
        wanted = select(table.c.id).where(table.c.made_at < before, _NAMED, _TAKEN_IN, ~_CONTENTS)
        return tuple(self._session.read(wanted.order_by(table.c.made_at, table.c.id).limit(limit)).scalars())

    def drop_payload(self, send_id: str, kind: str) -> None:
        """One of its payloads goes."""
        self._session.write(delete(payloads).where(payloads.c.owner == send_id, payloads.c.kind == kind))

    def drop(self, before: datetime, limit: int) -> int:
        """Oldest first; one that still names its documents stays. How many."""
        old = select(table.c.id).where(table.c.made_at < before, ~_NAMED)
        old = old.order_by(table.c.made_at, table.c.id).limit(limit)
        ids = tuple(self._session.read(old).scalars())
        for column in (payloads.c.owner, items.c.send_id, table.c.id):
            self._session.write(delete(column.table).where(column.in_(ids)))
        return len(ids)

    def _one(self, condition: object) -> BulkSend | None:
        wanted = BULK_SEND.select.where(condition)  # type: ignore[arg-type]
        row = self._session.read(wanted.order_by(table.c.made_at.desc(), table.c.id.desc()).limit(1)).first()
        return None if row is None else BULK_SEND.value(row)
