"""Leases on dispatches: how work is shared between threads, processes and nodes, and taken back from dead ones.

A claim is one UPDATE: who locks a row first has it, others pass over locked rows (PostgreSQL; SQLite has one writer).
Every claim raises the row's ``fence``; a worker that wakes up late holds an old one and can write nothing. A lease runs
by the clock all nodes share (:meth:`dispatcher.store.session.Session.shared_time`).

Versions keep their order at this gate (promise 3), whatever happened before: a row is not claimed while an older
version for the same recipient, or to the same box, is ``sending`` or ``unknown``, nor when a newer one is on its way or
gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Text, Update, bindparam, or_, select, text, type_coerce, update

from dispatcher.errors import IllegalMove
from dispatcher.outbox.breaker import CHANNEL
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State, check_move
from dispatcher.store.claims import Chosen, Queue, circuit_of_channel, may_leave, newer_under_way, win_probe
from dispatcher.store.moves import DispatchMoves, lease_lost
from dispatcher.store.rows import DISPATCH
from dispatcher.store.suspects import CODE, MOST, REASON, next_suspect
from dispatcher.store.tables import dispatches as table
from dispatcher.store.tables import in_state

LOST = (
    "Le programme s'est arrêté pendant la remise : accepté ou non par l'opérateur, impossible à dire d'ici. "
    "Un accusé le dira ; sinon, trancher à la main (rejouer ou clore)."
)
OVERTAKEN = "Une version plus récente du compte rendu est partie ou en route : celle-ci ne part plus."

ROUNDS = 3
"""Times a claim looks again for what others took in between (PostgreSQL)."""
DUE_AT_ONCE = 500
"""Deferred rows queued again by one claim."""

_DUE = (
    DISPATCH.select.where(
        table.c.channel == bindparam("of_channel"),
        in_state(table, State.DEFERRED),
        table.c.due_at <= bindparam("now"),
    )
    .order_by(table.c.due_at, table.c.id)
    .limit(DUE_AT_ONCE)
    .with_for_update(skip_locked=True)
)
_BEGIN = (
    update(table)
    .where(
        table.c.id == bindparam("of_id"),
        table.c.fence == bindparam("of_fence"),
        table.c.state == State.SENDING,
    )
    .values(submitting_since=bindparam("moment"), returns=0)
)
_OPENED = (
    update(table)
    .where(
        table.c.id == bindparam("of_id"),
        table.c.fence == bindparam("of_fence"),
        table.c.state == State.SENDING,
    )
    .values(returns=0)
)
_NOT_BEGUN = (
    update(table)
    .where(
        table.c.id == bindparam("of_id"),
        table.c.fence == bindparam("of_fence"),
        table.c.state == State.SENDING,
    )
    .values(submitting_since=None)
)
_EXTEND = (
    update(table)
    .where(
        table.c.id.in_(
            select(
                select(table.c.id)
                .where(in_state(table, State.SENDING), table.c.lease_owner == bindparam("of_owner"))
                .with_for_update(skip_locked=True)
                .cte("held")
                .c.id
            )
        )
    )
    .values(lease_until=bindparam("until"))
)
"""What its own line is writing to at this moment is passed over, else the two wait for each other in a circle."""
_EXPIRED = (
    DISPATCH.select.where(
        in_state(table, State.SENDING), or_(table.c.lease_until.is_(None), table.c.lease_until <= bindparam("now"))
    )
    .order_by(table.c.created_at, table.c.id)
    .with_for_update(skip_locked=True)
)


class DispatchLeases(DispatchMoves):
    """The part of :class:`dispatcher.ports.Dispatches` that shares out work."""

    def claim(
        self, channel: str, owner: str, limit: int, lease: timedelta, now: datetime, *, lane: Lane | None = None
    ) -> tuple[Dispatch, ...]:
        """``queued`` and due ``deferred`` rows become ``sending`` under a lease: urgent lane first, then in turn.

        Of both lanes unless one is given. Left out and in what turn: see :mod:`dispatcher.store.claims`. What may be
        killing workers is claimed alone, and first: :mod:`dispatcher.store.suspects`.
        """
        state, probe_at = circuit_of_channel(self._session, channel)
        if state and (probe_at is None or probe_at > now):
            return ()
        self._queue_due(channel, now)
        if limit < 1:
            return ()
        if self._session.postgresql:
            self._session.read(_ONE_PLAN)
        queue = Queue(self._session, channel, now, self._session.turns)
        params = {"owner": owner, "until": self._session.shared_time(now) + lease}
        suspect = next_suspect(self._session, channel, lane, now)
        claimed: list[Dispatch] = []
        for _ in range(ROUNDS):
            chosen = suspect or queue.of_lanes(lane, 1 if state else limit - len(claimed))
            ids = self._through(channel, chosen, now, now + lease, whole=bool(state))
            rows = self._session.write(_claim(), params | {"ids": ids}).all() if ids else []
            claimed += DISPATCH.values(rows)
            if state or suspect or len(rows) == len(chosen) or len(claimed) >= limit:
                break  # else somebody else was faster with some of them
        for dispatch in sorted(claimed, key=_turn):
            self._count(channel, State.QUEUED, dispatch)
            told: dict[str, Any] = {"from": State.QUEUED, "owner": owner, "fence": dispatch.fence}
            self._session.journal.write(dispatch.id, "dispatch.sending", **told)
        return tuple(sorted(claimed, key=_turn))

    def _through(
        self, channel: str, chosen: Sequence[Chosen], now: datetime, until: datetime, *, whole: bool
    ) -> list[str]:
        """Those that may be claimed: what would pass an open circuit first wins its one probe."""
        if whole and chosen and not win_probe(self._session, channel, CHANNEL, chosen[0].id, now, until):
            return []
        return [
            one.id
            for one in chosen
            if one.guard is None or win_probe(self._session, channel, one.guard.domain, one.id, now, until)
        ]

    def _queue_due(self, channel: str, now: datetime) -> None:
        """Deferred rows that are due stand in the queue again, the longest due first."""
        params = {"of_channel": channel, "now": now}
        for old in DISPATCH.values(self._session.read_locked(_DUE, params).all()):
            check_move(old.state, State.QUEUED)
            self._write(old, {"state": State.QUEUED}, "daemon", "dispatch.due", {"from": old.state})

    def withdraw_overtaken(self) -> int:
        """Queued and deferred rows with a newer version under way are ``withdrawn``; gives how many.

        Registering a newer version does the same at once; this finds what came back to the queue after it.
        """
        overtaken = DISPATCH.values(self._session.read_locked(_overtaken()).all())
        for old in overtaken:
            check_move(old.state, State.WITHDRAWN)
            values = {"state": State.WITHDRAWN, "reason": OVERTAKEN}
            self._write(old, values, "daemon", "dispatch.withdrawn", {"from": old.state})
        return len(overtaken)

    def clear_pauses(self, channel: str, *, but: str) -> None:
        """Nobody but ``but`` paused the channel in a row."""
        others = table.c.channel == channel, table.c.pauses > 0, table.c.id != but
        waiting = or_(in_state(table, State.QUEUED), in_state(table, State.DEFERRED))
        self._session.write(update(table).where(waiting, *others).values(pauses=0))

    def begin_submission(self, dispatch_id: str, fence: int, now: datetime) -> None:
        """Write ``submitting_since``; commit before the first byte goes out. Raises LeaseLost."""
        params = {"of_id": dispatch_id, "of_fence": fence, "moment": now}
        if self._session.write(_BEGIN, params).rowcount != 1:
            raise lease_lost(dispatch_id)

    def not_begun(self, dispatch_id: str, fence: int) -> None:
        """Wipe ``submitting_since`` out: no byte of this claim has left. Raises LeaseLost."""
        if self._session.write(_NOT_BEGUN, {"of_id": dispatch_id, "of_fence": fence}).rowcount != 1:
            raise lease_lost(dispatch_id)

    def opened(self, dispatch_id: str, fence: int) -> None:
        """Its mail was opened and its holder lives: it is not what killed the others."""
        self._session.write(_OPENED, {"of_id": dispatch_id, "of_fence": fence})

    def release_claim(self, dispatch_id: str, fence: int) -> None:
        """Back to ``queued`` untouched. Raises LeaseLost; IllegalMove when its hand-over has begun."""
        old = self._locked(dispatch_id)
        if old.fence != fence or old.state is not State.SENDING:
            raise lease_lost(dispatch_id)
        if old.submitting_since is not None:
            raise IllegalMove(
                f"L'envoi {dispatch_id} a commencé à partir : il ne peut pas retourner dans la file.",
                hint="Écrire l'issue de la remise, ou « unknown ».",
            )
        self._write(old, {"state": State.QUEUED}, "daemon", "dispatch.released", {"from": old.state})

    def expire_leases(self, now: datetime) -> tuple[Dispatch, ...]:
        """Rows whose lease ran out by ``now``, as they are now: begun ones become ``unknown``, others ``queued``.

        One that came back too often is ``held``: opening it is what kills the workers.
        """
        expired = DISPATCH.values(self._session.read_locked(_EXPIRED, {"now": self._session.shared_time(now)}).all())
        return tuple(self._take_back(old) for old in expired)

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all rows this owner holds and nobody writes to just now; beat twice a lease at least."""
        self._session.write(_EXTEND, {"of_owner": owner, "until": self._session.shared_time(until)})

    def _take_back(self, old: Dispatch) -> Dispatch:
        event, values = "dispatch.lease-expired", dict[str, Any]()
        if old.submitting_since is not None:
            values = {"state": State.UNKNOWN, "reason": LOST, "unknown_since": self._session.now()}
            values["attempts"] = old.attempts + 1  # the operator may have been offered it: its identity is spent
        elif old.returns + 1 < MOST:
            values = {"state": State.QUEUED, "returns": old.returns + 1}
        else:  # a person who releases it gives it as many tries again
            event, values = "dispatch.held", {"state": State.HELD, "hold_code": CODE, "returns": 0}
            values["reason"] = REASON
        check_move(old.state, values["state"])
        detail = {"from": old.state, "owner": old.lease_owner}
        return self._write(old, values, "daemon", event, detail | {"to": values["state"]})


def _turn(dispatch: Dispatch) -> tuple[Any, ...]:
    return (dispatch.lane is not Lane.URGENT, dispatch.created_at, dispatch.id)


_ONE_PLAN = text("SET LOCAL plan_cache_mode = force_generic_plan")
"""Some twenty statements a claim, all by key: planned anew each time, planning was most of what a claim cost."""


@cache
def _claim() -> Update:
    """One UPDATE … RETURNING. The choice stands in a CTE so that PostgreSQL runs it, and locks rows, exactly once.

    The rows are found by their keys. Said plainly, ``queued`` would let PostgreSQL take the index of all that is queued
    instead, which it holds for empty when its statistics are of a quiet hour: each claim then read the whole backlog.
    """
    still_queued = type_coerce(table.c.state, Text).concat("") == State.QUEUED.value
    picked = (
        select(table.c.id)
        .where(table.c.id.in_(bindparam("ids", expanding=True)), still_queued, may_leave(table))
        .with_for_update(skip_locked=True, of=table)
        .cte("picked")
    )
    return (
        update(table)
        .where(table.c.id.in_(select(picked.c.id)))
        .values(
            state=State.SENDING,
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until"),
            fence=table.c.fence + 1,
            submitting_since=None,
        )
        .returning(*DISPATCH.columns)
    )


@cache
def _overtaken() -> Select[Any]:
    waiting = or_(in_state(table, State.QUEUED), in_state(table, State.DEFERRED))
    return (
        DISPATCH.select.where(waiting, newer_under_way(table))
        .order_by(table.c.id)
        .with_for_update(skip_locked=True, of=table)
    )
