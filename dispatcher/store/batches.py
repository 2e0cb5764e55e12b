"""Batches (lots)."""

from __future__ import annotations

from sqlalchemy import insert

from dispatcher.outbox.dispatch import Batch
from dispatcher.store.rows import BATCH
from dispatcher.store.session import Session
from dispatcher.store.tables import batches as table


class SqlBatches:
    """See :class:`dispatcher.ports.Batches`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, batch: Batch) -> None:
        """Insert, with its journal line."""
        self._session.write(insert(table), BATCH.row(batch))
        self._session.journal.write(
            batch.id, "batch.made", channel=batch.channel, reason=batch.reason, count=batch.count, size=batch.size
        )

    def get(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        row = self._session.read(BATCH.select.where(table.c.id == batch_id)).first()
        return None if row is None else BATCH.value(row)

    def list(self, *, channel: str = "", limit: int = 50) -> tuple[Batch, ...]:
        """Batches, newest first."""
        wanted = BATCH.select.order_by(table.c.created_at.desc(), table.c.id).limit(max(limit, 0))
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        return BATCH.values(self._session.read(wanted))
