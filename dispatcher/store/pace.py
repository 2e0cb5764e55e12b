"""The pace book: one row per scope, locked while it is read and written, so that all nodes share one bucket.

The rules are those of :mod:`dispatcher.outbox.pacing`; here they only meet the row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.outbox.pacing import Bucket, PaceLimit, fresh, grant, next_at
from dispatcher.store.session import Session
from dispatcher.store.tables import pace as table


@dataclass(frozen=True, slots=True)
class _Row:
    tokens: float | None = None
    updated: datetime | None = None
    paused: bool = False
    paused_until: datetime | None = None
    pause_reason: str = ""

    def bucket(self, limit: PaceLimit, now: datetime) -> Bucket:
        """Never above the burst, whatever was given back after the bucket had filled up again, and at once when the
        settings make the burst smaller.
        """
        if self.tokens is None or self.updated is None:
            return fresh(limit, now)
        return Bucket(tokens=min(self.tokens, float(limit.burst)), updated=self.updated)


_ROW = select(table.c.tokens, table.c.updated, table.c.paused, table.c.paused_until, table.c.pause_reason).where(
    table.c.scope == bindparam("scope")
)
_LOCKED = _ROW.with_for_update()
_SPEND = (
    update(table)
    .where(table.c.scope == bindparam("of_scope"))
    .values(tokens=bindparam("new_tokens"), updated=bindparam("new_updated"))
)


class SqlPaceBook:
    """See :class:`dispatcher.ports.PaceBook`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[str, _Row] = {}
        """Rows this transaction has locked: they cannot change under it."""

    def take(self, scope: str, wanted: int, limit: PaceLimit, now: datetime) -> int:
        """Grant up to ``wanted`` hand-overs now; 0 when the pace is used up. A grant is for now, not for later."""
        row = self._locked(scope)
        granted, bucket = grant(row.bucket(limit, now), wanted, limit, now)
        self._spend(scope, replace(row, tokens=bucket.tokens, updated=bucket.updated))
        return granted

    def give_back(self, scope: str, count: int) -> None:
        """Unused grants."""
        row = self._locked(scope)
        if row.tokens is not None and count > 0:
            self._spend(scope, replace(row, tokens=row.tokens + count))

    def empty(self, scope: str, now: datetime) -> None:
        """Start again from nothing, as of ``now``."""
        row = self._locked(scope)
        self._spend(scope, replace(row, tokens=0.0, updated=now))

    def next_at(self, scope: str, limit: PaceLimit, now: datetime) -> datetime:
        """When one more would be granted."""
        return next_at(self._row(scope).bucket(limit, now), limit, now)

    def pause(self, scope: str, until: datetime | None, reason: str) -> None:
        """Pause a channel; ``until`` None: until :meth:`resume`."""
        self._locked(scope)
        self._set(scope, paused=True, paused_until=until, pause_reason=reason)

    def paused(self, scope: str, now: datetime) -> str | None:
        """Reason of the pause in force, or None."""
        row = self._row(scope)
        in_force = row.paused and (row.paused_until is None or now < row.paused_until)
        return row.pause_reason if in_force else None

    def resume(self, scope: str) -> None:
        """End the pause, if there is one."""
        if self._row(scope).paused:
            self._locked(scope)
            self._set(scope, paused=False, paused_until=None, pause_reason="")

    def _row(self, scope: str) -> _Row:
        if scope in self._held:
            return self._held[scope]
        row = self._session.read(_ROW, {"scope": scope}).first()
        return _Row() if row is None else _Row(*row)

    def _locked(self, scope: str) -> _Row:
        if scope not in self._held:
            row = self._session.read_locked(_LOCKED, {"scope": scope}).first()
            if row is None:
                self._session.write(_insert_new(self._session.postgresql), _EMPTY | {"scope": scope})
                row = self._session.read_locked(_LOCKED, {"scope": scope}).one()
            self._held[scope] = _Row(*row)
        return self._held[scope]

    def _spend(self, scope: str, row: _Row) -> None:
        params = {"of_scope": scope, "new_tokens": row.tokens, "new_updated": row.updated}
        self._session.write(_SPEND, params)
        self._held[scope] = row

    def _set(self, scope: str, **changes: Any) -> None:
        self._session.write(update(table).where(table.c.scope == scope).values(changes))
        self._held[scope] = replace(self._held[scope], **changes)


_EMPTY: dict[str, Any] = {
    "tokens": None,
    "updated": None,
    "paused": False,
    "paused_until": None,
    "pause_reason": "",
}


@cache
def _insert_new(on_postgresql: bool) -> Any:
    """INSERT of a row that another node may insert at the same moment."""
    if on_postgresql:
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
