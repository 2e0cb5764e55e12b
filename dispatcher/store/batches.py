"""Batches (lots): the rows, who is in which, and their life (open, paused, done)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, case, exists, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.batching import DONE, OPEN, PAUSED
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.statement import PENDING, Statement
from dispatcher.outbox.states import State
from dispatcher.store.columns import NOT_DONE
from dispatcher.store.rows import BATCH
from dispatcher.store.search import counts_of_batch
from dispatcher.store.session import Session
from dispatcher.store.tables import batch_members, dispatches
from dispatcher.store.tables import batches as table

_PENDING_MEMBER = exists().where(
    batch_members.c.batch_id == table.c.id,
    batch_members.c.dispatch_id == dispatches.c.id,
    dispatches.c.state.in_(sorted(PENDING)),
)

_FINISHED = BATCH.select.where(text(NOT_DONE), ~_PENDING_MEMBER)

_ADD = insert(table)
_DONE = (
    update(table).where(table.c.id == bindparam("of_id")).values(state=bindparam("new"), ended_at=bindparam("moment"))
)

_STOPPED = select(func.count()).where(
    dispatches.c.batch_id.in_(
        select(table.c.id).where(text(NOT_DONE), table.c.state == PAUSED, table.c.channel == bindparam("of_channel"))
    ),
    dispatches.c.state == State.QUEUED,
)


class SqlBatches:
    """See :class:`dispatcher.ports.Batches`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, batch: Batch) -> None:
        """Insert, with its journal line."""
        self._session.write(_ADD, BATCH.row(batch))
        told = {"why": batch.why} if batch.why else {}
        self._session.journal.write(
            batch.id,
            "batch.made",
            actor=batch.actor or "daemon",
            channel=batch.channel,
            reason=batch.reason,
            count=batch.count,
            size=batch.size,
            **told,
        )

    def join(self, batch_id: str, ids: Iterable[str], now: datetime) -> None:
        """These dispatches belong to the batch from now on, and stay in every batch they were in before.

        The journal tells it with the move that names the batch. Twice is once.
        """
        join(self._session, batch_id, ids, now)

    def get(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        row = self._session.read(BATCH.select.where(table.c.id == batch_id)).first()
        return None if row is None else BATCH.value(row)

    def with_token(self, token: str) -> Batch | None:
        """The batch a replay with this token made; None for an empty one."""
        row = self._session.read(BATCH.select.where(table.c.token == token, table.c.token != "")).first()
        return None if row is None else BATCH.value(row)

    def grow(self, batch_id: str, count: int, size: int) -> None:
        """Add to its sums, with its journal line: a large replay fills its batch in several transactions.

        One that ended in between, as what it held had all left, is open again.
        """
        grown = {
            "count": table.c.count + count,
            "size": table.c.size + size,
            "state": case((table.c.state == DONE, OPEN), else_=table.c.state),
            "ended_at": None,
        }
        self._session.write(update(table).where(table.c.id == batch_id).values(grown))
        self._session.journal.write(batch_id, "batch.grown", count=count, size=size)

    def list(self, *, channel: str = "", limit: int = 50) -> tuple[Batch, ...]:
        """Batches, newest first."""
        wanted = BATCH.select.order_by(table.c.created_at.desc(), table.c.id).limit(max(limit, 0))
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        return BATCH.values(self._session.read(wanted))

    def alone(self, channel: str) -> None:
        """Until the end of this transaction nobody else forms batches of that channel."""
        self._session.lock(f"batches:{channel}")

    def latest(self, channel: str, reasons: Iterable[str]) -> Batch | None:
        """The channel's newest batch made for one of these reasons, or None."""
        wanted = BATCH.select.where(table.c.channel == channel, table.c.reason.in_(sorted(reasons)))
        row = self._session.read(wanted.order_by(table.c.created_at.desc(), table.c.id).limit(1)).first()
        return None if row is None else BATCH.value(row)

    def pause(self, batch_id: str, *, reason: str, actor: str = "daemon") -> Batch:
        """Its queued dispatches wait. Raises IllegalMove when it is over, StoreError ``not-found``."""
        batch = self._locked(batch_id)
        if batch.state == DONE:
            raise IllegalMove(
                f"Le lot {batch_id} est terminé : il n'y a plus rien à suspendre.",
                hint="« dispatcher batches show » montre ce que sont devenus ses envois.",
            )
        return self._live(batch, PAUSED, reason, actor, "batch.paused")

    def resume(self, batch_id: str, *, reason: str, actor: str = "daemon") -> Batch:
        """They leave again. Raises IllegalMove when it is not paused, StoreError ``not-found``."""
        batch = self._locked(batch_id)
        if batch.state != PAUSED:
            raise IllegalMove(
                f"Le lot {batch_id} n'est pas suspendu.",
                hint="« dispatcher batches list » montre leur état.",
            )
        return self._live(batch, OPEN, "", actor, "batch.resumed", reason)

    def paused(self) -> tuple[Batch, ...]:
        """Those that wait for a person, the oldest first."""
        wanted = BATCH.select.where(table.c.state == PAUSED).order_by(table.c.created_at, table.c.id)
        return BATCH.values(self._session.read(wanted))

    def stopped(self, channel: str) -> int:
        """How many queued dispatches of the channel stand in a paused batch."""
        return int(self._session.read(_STOPPED, {"of_channel": channel}).scalar_one())

    def any_finished(self) -> bool:
        """Some batch that is not ``done`` has nothing pending any more."""
        return self._session.read(_FINISHED.limit(1)).first() is not None

    def end_finished(self, now: datetime, limit: int = 200) -> tuple[Batch, ...]:
        """Batches with nothing pending any more are over: ``done``, with the statement in the journal."""
        wanted = _FINISHED.order_by(table.c.id).limit(limit).with_for_update(skip_locked=True, of=table)
        ended = (self._end(batch, now) for batch in BATCH.values(self._session.read_locked(wanted).all()))
        return tuple(batch for batch in ended if batch is not None)

    def _end(self, batch: Batch, now: datetime) -> Batch | None:
        statement = Statement.of(counts_of_batch(self._session, batch.id), batch.count)
        if statement.pending:  # it grew between the look and the lock
            return None
        self._session.write(_DONE, {"of_id": batch.id, "new": DONE, "moment": now})
        told: dict[str, Any] = {**statement.as_json()}
        self._session.journal.write(batch.id, "batch.done", **told)
        self._session.answers.batch_ended(batch.id, now)
        return replace(batch, state=DONE, ended_at=now)

    def _live(self, batch: Batch, state: str, reason: str, actor: str, event: str, told: str = "") -> Batch:
        values: dict[str, Any] = {"state": state, "pause_reason": reason}
        self._session.write(update(table).where(table.c.id == batch.id).values(values))
        self._session.journal.write(batch.id, event, actor=actor, reason=told or reason)
        return replace(batch, **values)

    def _locked(self, batch_id: str) -> Batch:
        row = self._session.read_locked(BATCH.select.where(table.c.id == batch_id).with_for_update()).first()
        if row is None:
            raise StoreError(f"Lot inconnu : {batch_id}.", hint="« dispatcher batches list ».", code="not-found")
        return BATCH.value(row)


def join(session: Session, batch_id: str, ids: Iterable[str], now: datetime) -> None:
    """See :meth:`SqlBatches.join`."""
    rows = [{"batch_id": batch_id, "dispatch_id": one, "joined_at": now} for one in ids]
    if rows:
        session.write(_join(session.postgresql), rows)


@cache
def _join(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(batch_members)
    return statement.on_conflict_do_nothing()
