"""What the terminology tables did not know, counted: the list a biologist works through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.ports import GapRow
from dispatcher.store.rows import GAP
from dispatcher.store.session import Session
from dispatcher.store.tables import gaps as table
from dispatcher.terminology.entries import Missing


class SqlGaps:
    """See :class:`dispatcher.ports.Gaps`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def note(self, source: str, missing: Iterable[Missing], now: datetime) -> None:
        """Count what one report brought; the same gap twice in a report counts once."""
        rows: dict[str, dict[str, Any]] = {}
        for item in missing:
            gap = GapRow(
                kind=item.kind.value,
                source=item.source or source,
                code=item.code,
                label=item.label,
                unit=item.unit,
                specimen=item.specimen,
                text=item.text,
                reason=item.reason,
                first_at=now,
                last_at=now,
            )
            rows[_id(gap)] = GAP.row(gap) | {"id": _id(gap)}
        if rows:  # in one order for all, so that two workers cannot wait for each other
            self._session.write(_upsert(self._session.postgresql), [rows[key] for key in sorted(rows)])

    def list(self, *, source: str = "", limit: int = 1000) -> tuple[GapRow, ...]:
        """Most frequent first."""
        wanted = GAP.select.order_by(table.c.count.desc(), table.c.last_at.desc(), table.c.id).limit(max(limit, 0))
        if source:
            wanted = wanted.where(table.c.source == source)
        return GAP.values(self._session.read(wanted))

    def forget(self, gap: GapRow) -> None:
        """It is in the tables now; nothing happens when it is not listed."""
        self._session.write(delete(table).where(table.c.id == _id(gap)))


def _id(gap: GapRow) -> str:
    fields = [gap.kind, gap.source, gap.code, gap.label, gap.unit, gap.specimen, gap.text]
    return hashlib.sha256(json.dumps(fields).encode("ascii")).hexdigest()


@cache
def _upsert(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(table)
    return statement.on_conflict_do_update(
        index_elements=[table.c.id],
        set_={
            "count": table.c.count + statement.excluded.count,
            "last_at": statement.excluded.last_at,
            "reason": statement.excluded.reason,
        },
    )
