"""The clock of urgent mail: what has not left within its time, and for what an alarm stands (``service/escalate.py``).

``escalate_at`` is when somebody must hear of it; wiped out once nobody has to. ``escalation`` counts the steps taken.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, update

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import NOT_SENT
from dispatcher.store.moves import DispatchMoves
from dispatcher.store.rows import DISPATCH
from dispatcher.store.tables import dispatches as table

_HERE = table.c.state.in_(sorted(NOT_SENT))
_LATE = (
    DISPATCH.select.where(table.c.escalate_at <= bindparam("now"), table.c.escalation == 0, _HERE)
    .order_by(table.c.escalate_at, table.c.id)
    .limit(bindparam("most"))
)
_ALARMED = (
    DISPATCH.select.where(table.c.escalate_at.is_not(None), table.c.escalation > 0)
    .order_by(table.c.escalate_at, table.c.id)
    .limit(bindparam("most"))
)
_IN_TIME = (
    update(table)
    .where(table.c.escalate_at <= bindparam("now"), table.c.escalation == 0, ~_HERE)
    .values(escalate_at=None)
)


class DispatchEscalations(DispatchMoves):
    """The part of :class:`dispatcher.ports.Dispatches` that watches over urgent mail."""

    def late(self, now: datetime, limit: int = 100) -> tuple[Dispatch, ...]:
        """Those not left at their time, for which no alarm stands yet, the longest late first."""
        return DISPATCH.values(self._session.read(_LATE, {"now": now, "most": limit}))

    def alarmed(self, *, left: bool, limit: int = 100) -> tuple[Dispatch, ...]:
        """Those for which an alarm stands, the oldest first: ``left`` meanwhile or ended, or not yet."""
        wanted = _ALARMED.where(~_HERE if left else _HERE)
        return DISPATCH.values(self._session.read(wanted, {"most": limit}))

    def forget_in_time(self, now: datetime) -> None:
        """The clock of those that had left at their time stops."""
        self._session.write(_IN_TIME, {"now": now})
