"""Dispatches: the durable rows (decision D1). The parts stand in ``moves``, ``leases``, ``search``, ``escalations``."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam

from dispatcher.outbox.dispatch import Batch, Dispatch, Lane
from dispatcher.outbox.states import State, check_move
from dispatcher.store.batches import join
from dispatcher.store.escalations import DispatchEscalations
from dispatcher.store.leases import DispatchLeases
from dispatcher.store.rows import DISPATCH
from dispatcher.store.search import DispatchSearch
from dispatcher.store.tables import EVERY_LANE, in_state
from dispatcher.store.tables import dispatches as table

_READY = (
    DISPATCH.select.where(table.c.channel == bindparam("of_channel"), in_state(table, State.READY), EVERY_LANE)
    .order_by(table.c.lane, table.c.created_at, table.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_READY_URGENT = _READY.where(table.c.lane == Lane.URGENT)


class SqlDispatches(DispatchLeases, DispatchSearch, DispatchEscalations):
    """See :class:`dispatcher.ports.Dispatches`."""

    def assign_batch(self, batch: Batch, *, max_count: int, max_bytes: int, urgent_only: bool = False) -> Batch:
        """Move ``ready`` rows to ``queued`` in this batch, urgent lane first, then oldest, up to the ceilings.

        One mail larger than ``max_bytes`` makes a batch of its own, else it would never leave. Gives the batch with
        its sums; keeping it is :meth:`dispatcher.ports.Batches.add`.
        """
        members: list[str] = []
        size = 0
        for dispatch in self._ready(batch.channel, max_count, urgent_only):
            if members and size + dispatch.sealed_bytes > max_bytes:
                break
            check_move(dispatch.state, State.QUEUED)
            self._write(
                dispatch,
                {"state": State.QUEUED, "batch_id": batch.id},
                "daemon",
                "dispatch.queued",
                {"from": dispatch.state},
            )
            members.append(dispatch.id)
            size += dispatch.sealed_bytes
        self._session.work_made = self._session.work_made or bool(members)
        join(self._session, batch.id, members, batch.created_at)
        return replace(batch, count=len(members), size=size)

    def _ready(self, channel: str, limit: int, urgent_only: bool) -> tuple[Dispatch, ...]:
        params = {"of_channel": channel, "most": max(limit, 0)}
        rows = self._session.read_locked(_READY_URGENT if urgent_only else _READY, params)
        return DISPATCH.values(rows.all())
