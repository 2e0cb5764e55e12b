"""Looking at dispatches: lists, counts, what is oldest, what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, or_, select, text

from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import NOT_YET_LEFT, UNFINISHED, State
from dispatcher.ports import DispatchFilter, RecipientUse
from dispatcher.report.folding import fold
from dispatcher.store.moves import DispatchMoves
from dispatcher.store.rows import DISPATCH
from dispatcher.store.session import Session
from dispatcher.store.tables import EVERY_LANE, batch_members, in_state, journal, journal_head, reports
from dispatcher.store.tables import dispatches as table

_KNOWN_PATIENT = text("reports.patient_hash <> ''")
"""In the words of the partial index."""
_OLDEST = (
    DISPATCH.select.where(table.c.state == bindparam("of_state")).order_by(table.c.created_at, table.c.id).limit(1)
)
_NEXT_DUE = select(func.min(table.c.due_at)).where(
    table.c.channel == bindparam("of_channel"), in_state(table, State.DEFERRED)
)
_IN_DOUBT = select(func.count(), func.min(func.coalesce(table.c.unknown_since, table.c.created_at))).where(
    table.c.channel == bindparam("of_channel"), in_state(table, State.UNKNOWN)
)
_ANY_QUEUED = (
    select(table.c.domain)
    .where(
        table.c.channel == bindparam("of_channel"), table.c.lane == bindparam("of_lane"), in_state(table, State.QUEUED)
    )
    .limit(1)
)
_ANY_DUE = (
    select(table.c.domain)
    .where(
        table.c.channel == bindparam("of_channel"),
        table.c.due_at <= bindparam("now"),
        table.c.lane == bindparam("of_lane"),
        in_state(table, State.DEFERRED),
    )
    .limit(1)
)
_ANY_CLAIMED = (
    select(table.c.id)
    .where(
        in_state(table, State.SENDING),
        table.c.channel == bindparam("of_channel"),
        table.c.lane == bindparam("of_lane"),
        table.c.submitting_since.is_(None),
    )
    .limit(1)
)
_BATCHABLE = select(
    func.count(),
    func.coalesce(func.sum(table.c.sealed_bytes), 0),
    func.min(table.c.created_at),
    func.count().filter(table.c.lane == Lane.URGENT),
).where(table.c.channel == bindparam("of_channel"), in_state(table, State.READY), EVERY_LANE)

_MEMBER = batch_members.c
_OF_BATCH = (
    select(table.c.state, func.count())
    .join(batch_members, _MEMBER.dispatch_id == table.c.id)
    .where(_MEMBER.batch_id == bindparam("of_batch"))
    .group_by(table.c.state)
)
_UNSETTLED = DISPATCH.select.where(
    table.c.chain == bindparam("of_chain"),
    table.c.version < bindparam("below_version"),
    table.c.state.in_(sorted(UNFINISHED)),
).order_by(table.c.version, table.c.created_at, table.c.id)
_UNSETTLED_LOCKED = _UNSETTLED.with_for_update()
_EQUAL = ("channel", "report_id", "chain", "resend_of")
"""Fields of a filter that are compared as they are."""
_LAST_DUE = select(func.max(table.c.due_at)).where(
    table.c.channel == bindparam("of_channel"), in_state(table, State.DEFERRED)
)
_SENT_LATELY = (
    select(func.count())
    .select_from(journal.join(table, table.c.id == journal.c.subject))
    .where(
        journal.c.number > select(journal_head.c.number - 5000).scalar_subquery(),
        journal.c.event == "dispatch.sent",
        journal.c.at >= bindparam("since"),
        table.c.channel == bindparam("of_channel"),
    )
)
_COUNTS_SINCE = (
    select(table.c.state, func.count())
    .where(table.c.state.in_(list(State)), table.c.created_at >= bindparam("since"))
    .group_by(table.c.state)
)
_USE = tuple(field.name for field in fields(RecipientUse))


class DispatchSearch(DispatchMoves):
    """The part of :class:`dispatcher.ports.Dispatches` that only looks."""

    def list(self, wanted: DispatchFilter) -> tuple[Dispatch, ...]:
        """Dispatches that match every field given, by creation time; ``since`` ≤ created_at < ``until``."""
        return DISPATCH.values(self._session.read(*_search(wanted)))

    def locked(self, ids: Sequence[str]) -> tuple[Dispatch, ...]:
        """Those that exist, by id, as they are now, locked to the end of the transaction."""
        wanted = DISPATCH.select.where(table.c.id.in_(list(ids))).order_by(table.c.id).with_for_update()
        return DISPATCH.values(self._session.read_locked(wanted))

    def in_doubt(self, channel: str) -> tuple[int, datetime | None]:
        """``unknown`` rows of a channel: how many, and since when the oldest is."""
        count, oldest = self._session.read(_IN_DOUBT, {"of_channel": channel}).one()
        return int(count), oldest

    def counts(self, *, channel: str = "", batch_id: str = "") -> dict[State, int]:
        """Number of dispatches in each state; every state is there. ``batch_id``: all that ever were in that batch."""
        if batch_id:
            return counts_of_batch(self._session, batch_id)
        kept = self._session.tallies.counts("dispatch", channel)
        return {state: kept.get(state, 0) for state in State}

    def counts_since(self, since: datetime) -> dict[State, int]:
        """Of those made since then: a look into the index by state and time."""
        return {State(state): number for state, number in self._session.read(_COUNTS_SINCE, {"since": since})}

    def recipients(self, since: datetime) -> tuple[RecipientUse, ...]:
        """Every address mails were made for since then, by recipient and channel, the most used first."""
        one = (table.c.address, table.c.recipient_key, table.c.channel)
        rows = (
            select(
                *(table.c[name] for name in ("address", "domain", "recipient_key", "role", "channel")),
                func.count().over(partition_by=one).label("count"),
                func.sum(case((table.c.state.in_(sorted(NOT_YET_LEFT)), 1), else_=0))
                .over(partition_by=one)
                .label("waiting"),
                func.min(table.c.created_at).over(partition_by=one).label("first_at"),
                table.c.created_at.label("last_at"),
                table.c.id.label("last_id"),
                func.row_number()
                .over(partition_by=one, order_by=(table.c.created_at.desc(), table.c.id.desc()))
                .label("place"),
            )
            .where(table.c.state.in_(list(State)), table.c.created_at >= since, table.c.address != "")
            .subquery()
        )
        found = select(rows).where(rows.c.place == 1).order_by(rows.c.count.desc(), rows.c.address, rows.c.channel)
        return tuple(RecipientUse(**{name: row._mapping[name] for name in _USE}) for row in self._session.read(found))

    def oldest_unfinished(self) -> Dispatch | None:
        """The oldest dispatch that still asks something of the program or of a person (``states.UNFINISHED``)."""
        oldest: list[Dispatch] = []
        for state in sorted(UNFINISHED):  # one look into the index a state, instead of sorting a whole backlog
            oldest += DISPATCH.values(self._session.read(_OLDEST, {"of_state": state}))
        return min(oldest, key=lambda dispatch: (dispatch.created_at, dispatch.id), default=None)

    def any_queued(self, channel: str, lane: Lane, now: datetime) -> bool:
        """Whether a claim of that lane may find something, queued or due again: a look into the index each."""
        params = {"of_channel": channel, "of_lane": lane}
        if self._session.read(_ANY_QUEUED, params).first() is not None:
            return True
        return self._session.read(_ANY_DUE, params | {"now": now}).first() is not None

    def any_claimed(self, channel: str, lane: Lane) -> bool:
        """Whether mail of that lane is claimed and only waits for its place."""
        return self._session.read(_ANY_CLAIMED, {"of_channel": channel, "of_lane": lane}).first() is not None

    def next_due(self, channel: str) -> datetime | None:
        """When the first ``deferred`` dispatch of the channel is due again, or None."""
        moment: datetime | None = self._session.read(_NEXT_DUE, {"of_channel": channel}).scalar_one()
        return moment

    def last_due(self, channel: str) -> datetime | None:
        """When the last ``deferred`` dispatch of the channel is due again, or None."""
        moment: datetime | None = self._session.read(_LAST_DUE, {"of_channel": channel}).scalar_one()
        return moment

    def sent_since(self, channel: str, since: datetime) -> int:
        """How many the operator accepted since then, among what the last 5,000 lines of the journal tell."""
        return int(self._session.read(_SENT_LATELY, {"of_channel": channel, "since": since}).scalar_one())

    def batchable(self, channel: str) -> tuple[int, int, datetime | None, int]:
        """``ready`` rows of a channel: (count, bytes, oldest created_at, how many are urgent)."""
        count, size, oldest, urgent = self._session.read(_BATCHABLE, {"of_channel": channel}).one()
        return int(count), int(size), oldest, int(urgent)

    def unsettled_of_chain(self, chain: str, *, below_version: int) -> tuple[Dispatch, ...]:
        """Dispatches of older versions not at an end, oldest version first.

        An end is a state that asks nothing any more, sent ones included; paper is none until a person closes it. In a
        transaction the rows stay locked until its end, so that they are still in that state when the caller moves them.
        """
        wanted = _UNSETTLED_LOCKED if self._session.writing else _UNSETTLED
        return DISPATCH.values(self._session.read(wanted, {"of_chain": chain, "below_version": below_version}))


def counts_of_batch(session: Session, batch_id: str) -> dict[State, int]:
    """Present states of all that ever were in that batch; every state is there."""
    found = session.read(_OF_BATCH, {"of_batch": batch_id})
    return dict.fromkeys(State, 0) | {state: int(count) for state, count in found}


def _search(wanted: DispatchFilter) -> tuple[Select[Any], dict[str, Any]]:
    """The statement, and what to bind."""
    equal = tuple(name for name in _EQUAL if getattr(wanted, name))
    params = {f"of_{name}": getattr(wanted, name) for name in equal} | {"most": max(wanted.limit, 0)}
    found, conditions = _found(equal, wanted.oldest_first), _conditions(wanted)
    return found.where(*conditions) if conditions else found, params


@cache
def _found(equal: tuple[str, ...], oldest_first: bool) -> Select[Any]:
    """What most searches ask, made once: rows that equal some fields, in order."""
    found = DISPATCH.select.where(*(table.c[name] == bindparam(f"of_{name}") for name in equal))
    if oldest_first:
        return found.order_by(table.c.created_at, table.c.id).limit(bindparam("most"))
    return found.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(bindparam("most"))


def _conditions(wanted: DispatchFilter) -> list[Any]:
    conditions: list[Any] = []
    if wanted.batch_id:
        conditions.append(table.c.id.in_(select(_MEMBER.dispatch_id).where(_MEMBER.batch_id == wanted.batch_id)))
    if wanted.not_domains:
        conditions.append(func.lower(table.c.domain).not_in(wanted.not_domains))
    if wanted.unprinted:
        conditions.append(table.c.printed_at.is_(None))
    if wanted.states:
        conditions.append(table.c.state.in_(wanted.states))
    if wanted.fault:
        below = table.c.fault.startswith(f"{wanted.fault}.", autoescape=True)
        conditions.append(or_(table.c.fault == wanted.fault, below, table.c.hold_code == wanted.fault))
    if wanted.after is not None:
        at, last = wanted.after
        conditions.append(or_(table.c.created_at > at, and_(table.c.created_at == at, table.c.id > last)))
    if wanted.file_id:
        conditions.append(table.c.report_id.in_(select(reports.c.id).where(reports.c.file_id == wanted.file_id)))
    if wanted.order:
        named = or_(reports.c.order_filler == wanted.order, reports.c.order_placer == wanted.order)
        conditions.append(table.c.report_id.in_(select(reports.c.id).where(named)))
    if wanted.patient:
        about = select(reports.c.id).where(reports.c.patient_hash == wanted.patient, _KNOWN_PATIENT)
        conditions.append(table.c.report_id.in_(about))
    if wanted.recipient:
        conditions.append(
            and_(*(table.c.search.contains(word, autoescape=True) for word in fold(wanted.recipient).split()))
        )
    if wanted.since is not None:
        conditions.append(table.c.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(table.c.created_at < wanted.until)
    return conditions
