"""Who objects to electronic mail: keyed hashes of numbers, never the numbers. The journal keeps who and when."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, insert, select

from dispatcher.ports import OppositionRow
from dispatcher.store.rows import OPPOSITION
from dispatcher.store.session import Session
from dispatcher.store.tables import oppositions as table

_SCOPES = select(table.c.scope).where(table.c.key.in_(bindparam("keys", expanding=True)))
_KINDS = select(table.c.kind).distinct()


class SqlOppositions:
    """See :class:`dispatcher.ports.Oppositions`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kinds: frozenset[str] | None = None
        """As this transaction knows them: they are asked for every recipient, and mostly there are none."""

    def add(self, row: OppositionRow) -> bool:
        """False, and nothing written, when the same one stands already."""
        same = select(table.c.id).where(table.c.key == row.key, table.c.scope == row.scope)
        if self._session.read(same).first() is not None:
            return False
        self._session.write(insert(table), OPPOSITION.row(row))
        self._kinds = None
        self._session.journal.write(row.id, "opposition.added", actor=row.actor, scope=row.scope, kind=row.kind)
        return True

    def remove(self, opposition_id: str, *, actor: str) -> bool:
        """False when there is none of that number."""
        known = self._session.read(OPPOSITION.select.where(table.c.id == opposition_id)).first()
        if known is None:
            return False
        row = OPPOSITION.value(known)
        self._session.write(delete(table).where(table.c.id == opposition_id))
        self._kinds = None
        self._session.journal.write(row.id, "opposition.removed", actor=actor, scope=row.scope, kind=row.kind)
        return True

    def scopes(self, keys: Iterable[str]) -> frozenset[str]:
        """What is objected to under any of these hashes."""
        asked = sorted(set(keys))
        if not asked or not self.kinds():
            return frozenset()
        return frozenset(row.scope for row in self._session.read(_SCOPES, {"keys": asked}))

    def kinds(self) -> frozenset[str]:
        """Every kind that occurs."""
        if self._kinds is None:
            self._kinds = frozenset(row.kind for row in self._session.read(_KINDS))
        return self._kinds

    def list(self) -> tuple[OppositionRow, ...]:
        """All, oldest first."""
        return OPPOSITION.values(self._session.read(OPPOSITION.select.order_by(table.c.added_at, table.c.id)))
