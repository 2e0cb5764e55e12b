"""Leases on dispatches: how work is shared between threads, processes and nodes, and taken back from dead ones.

A claim is one UPDATE: who locks a row first has it, others pass over locked rows (PostgreSQL; SQLite has one writer).
Every claim raises the row's ``fence``; a worker that wakes up late holds an old one and can write nothing. A lease runs
by the clock all nodes share (:meth:`dispatcher.store.session.Session.shared_time`).

Versions keep their order at this gate (promise 3), whatever happened before: a row is not claimed while an older
version for the same recipient, or to the same box, is ``sending`` or ``unknown``, nor when a newer one is on its way or
gone; such a late row is withdrawn instead.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, and_, bindparam, exists, or_, select, text, update

from dispatcher.errors import IllegalMove
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import BLOCKING, State, check_move
from dispatcher.store.moves import DispatchMoves, lease_lost
from dispatcher.store.rows import DISPATCH
from dispatcher.store.tables import DUE, in_state
from dispatcher.store.tables import dispatches as table

UNDER_WAY = (State.READY, State.QUEUED, *BLOCKING, State.DEFERRED, State.SENT, State.DELIVERED, State.READ)
"""A newer version in one of these makes the older one pointless."""

LOST = (
    "Le programme s'est arrêté pendant la remise : accepté ou non par l'opérateur, impossible à dire d'ici. "
    "Un accusé le dira ; sinon, trancher à la main (rejouer ou clore)."
)
OVERTAKEN = "Une version plus récente du compte rendu est partie ou en route : celle-ci ne part plus."

_BEGIN = (
    update(table)
    .where(
        table.c.id == bindparam("of_id"),
        table.c.fence == bindparam("of_fence"),
        table.c.state == State.SENDING,
    )
    .values(submitting_since=bindparam("moment"))
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
    .where(in_state(table, State.SENDING), table.c.lease_owner == bindparam("of_owner"))
    .values(lease_until=bindparam("until"))
)
_EXPIRED = (
    DISPATCH.select.where(
        in_state(table, State.SENDING), or_(table.c.lease_until.is_(None), table.c.lease_until <= bindparam("now"))
    )
    .order_by(table.c.created_at, table.c.id)
    .with_for_update(skip_locked=True)
)


class DispatchLeases(DispatchMoves):
    """The part of :class:`dispatcher.ports.Dispatches` that shares out work."""

    def claim(self, channel: str, owner: str, limit: int, lease: timedelta, now: datetime) -> tuple[Dispatch, ...]:
        """``queued`` and due ``deferred`` rows become ``sending`` under a lease, urgent lane first, then oldest.

        Left out: see the head of this module.
        """
        if limit < 1:
            return ()
        params = {"of_channel": channel, "now": now, "owner": owner}
        params["until"] = self._session.shared_time(now) + lease
        rows = self._session.write(_claim(), params | {"most": limit}).all()
        if len(rows) < limit:  # the whole queue was looked at
            self._withdraw_overtaken(channel)
        claimed = sorted(((DISPATCH.value(row[:-1]), row[-1]) for row in rows), key=lambda one: _turn(one[0]))
        for dispatch, before in claimed:
            self._count(channel, before, dispatch)
            told = {"from": before, "owner": owner, "fence": dispatch.fence}
            self._session.journal.write(dispatch.id, "dispatch.sending", **told)
        return tuple(dispatch for dispatch, _ in claimed)

    def begin_submission(self, dispatch_id: str, fence: int, now: datetime) -> None:
        """Write ``submitting_since``; commit before the first byte goes out. Raises LeaseLost."""
        params = {"of_id": dispatch_id, "of_fence": fence, "moment": now}
        if self._session.write(_BEGIN, params).rowcount != 1:
            raise lease_lost(dispatch_id)

    def not_begun(self, dispatch_id: str, fence: int) -> None:
        """Wipe ``submitting_since`` out: no byte of this claim has left. Raises LeaseLost."""
        if self._session.write(_NOT_BEGUN, {"of_id": dispatch_id, "of_fence": fence}).rowcount != 1:
            raise lease_lost(dispatch_id)

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
        """Rows whose lease ran out by ``now``: begun ones become ``unknown``, others ``queued``, as they are now.

        Nothing of a dispatch is opened before its hand-over begins, so one that was only claimed cannot be what
        killed the worker, however often it comes back; one that was begun is ``unknown`` and is never begun again.
        """
        expired = DISPATCH.values(self._session.read_locked(_EXPIRED, {"now": self._session.shared_time(now)}).all())
        return tuple(self._take_back(old) for old in expired)

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all rows this owner holds."""
        self._session.write(_EXTEND, {"of_owner": owner, "until": self._session.shared_time(until)})

    def _take_back(self, old: Dispatch) -> Dispatch:
        values: dict[str, Any]
        if old.submitting_since is not None:
            values = {"state": State.UNKNOWN, "reason": LOST, "unknown_since": self._session.now()}
        else:
            values = {"state": State.QUEUED}
        check_move(old.state, values["state"])
        detail = {"from": old.state, "owner": old.lease_owner}
        return self._write(old, values, "daemon", "dispatch.lease-expired", detail | {"to": values["state"]})

    def _withdraw_overtaken(self, channel: str) -> None:
        for old in DISPATCH.values(self._session.read_locked(_overtaken(), {"of_channel": channel}).all()):
            check_move(old.state, State.WITHDRAWN)
            values = {"state": State.WITHDRAWN, "reason": OVERTAKEN}
            self._write(old, values, "daemon", "dispatch.withdrawn", {"from": old.state})


def _turn(dispatch: Dispatch) -> tuple[Any, ...]:
    return (dispatch.lane is not Lane.URGENT, dispatch.created_at, dispatch.id)


def _same_recipient(other: Any) -> Any:
    """Under the same key, or in the same box: a file may name one person by two codes."""
    return or_(
        other.c.recipient_key == table.c.recipient_key, and_(other.c.address == table.c.address, table.c.address != "")
    )


def _older_in_doubt() -> Any:
    older = table.alias("older")
    return exists().where(
        older.c.chain == table.c.chain,
        _same_recipient(older),
        older.c.version < table.c.version,
        older.c.state.in_(BLOCKING),
    )


def _newer_under_way() -> Any:
    newer = table.alias("newer")
    return exists().where(
        newer.c.chain == table.c.chain,
        _same_recipient(newer),
        newer.c.version > table.c.version,
        newer.c.state.in_(UNDER_WAY),
    )


@cache
def _claim() -> Update:
    """One UPDATE … RETURNING. The choice stands in a CTE so that PostgreSQL runs it, and locks rows, exactly once."""
    due = or_(table.c.state == State.QUEUED, table.c.due_at.is_(None), table.c.due_at <= bindparam("now"))
    picked = (
        select(table.c.id)
        .where(
            table.c.channel == bindparam("of_channel"),
            text(DUE),
            due,
            and_(~_older_in_doubt(), ~_newer_under_way()),
        )
        .order_by(table.c.lane, table.c.created_at, table.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=table)
        .cte("picked")
    )
    return (
        update(table)
        .where(table.c.id.in_(select(picked.c.id)))
        .values(
            state=State.SENDING,
            claimed_from=table.c.state,
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until"),
            fence=table.c.fence + 1,
            submitting_since=None,
        )
        .returning(*DISPATCH.columns, table.c.claimed_from)
    )


@cache
def _overtaken() -> Select[Any]:
    return (
        DISPATCH.select.where(table.c.channel == bindparam("of_channel"), text(DUE), _newer_under_way())
        .order_by(table.c.id)
        .with_for_update(skip_locked=True, of=table)
    )
