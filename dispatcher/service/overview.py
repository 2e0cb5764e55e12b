"""Use case: what is the state of things? Read-only views for the command line and the console; no patient data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Batch, Dispatch, JournalLine, ReportVersion, SourceFile
from dispatcher.outbox.forecast import Forecast
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DigestRow, DispatchFilter, ReceiptRow, Store, UnitOfWork
from dispatcher.receipts.ladder import Rung
from dispatcher.receipts.support import Expected
from dispatcher.service.backlog import through
from dispatcher.service.channel import Channel
from dispatcher.service.support import expectation, oldest_silent, quiet_domains
from dispatcher.service.waits import waits_for


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatus:
    """One channel: what waits, and when the backlog will be through at the present pace."""

    name: str
    waiting: int
    paused: str
    """Why; empty: it is open."""
    tries_at: datetime | None
    """When a channel that a fault paused is tried again by itself."""
    per_minute: int
    through_at: datetime | None
    forecast: Forecast
    unknown: int
    """Dispatches of unknown outcome."""
    unknown_since: datetime | None
    """Since when the oldest of them is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """One glance: is all well?"""

    dispatches: dict[State, int]
    files: dict[FileState, int]
    oldest: Dispatch | None
    oldest_age: timedelta | None
    channels: tuple[ChannelStatus, ...]
    unmatched: int
    oldest_file: SourceFile | None
    """The oldest file that still grows, waits for a worker, or is in quarantine."""
    paused_batches: tuple[Batch, ...]
    """By the program, for too many failures, or by a person; the oldest first."""
    late: tuple[Dispatch, ...]
    """Urgent mail for which an alarm stands, the oldest first."""
    oldest_silent: Dispatch | None
    """The oldest mail accepted by the operator that nothing came back for, where something was to be expected."""
    quiet_domains: int
    """Domains that send no delivery notices, as learned: silence from there is told of by nobody."""
    unread: int
    """Sent or delivered, reminded of, and still not read."""
    calling: tuple[Dispatch, ...]
    """Unread, a person was called, and nobody took them over yet; urgent ones first."""
    called: Mapping[str, str]
    """Whom, by dispatch, as the ladder names them."""
    digest: DigestRow | None
    """The last reminder about unread mail."""
    to_print: int
    """On paper, and nobody has printed it."""


def status(store: Store, clock: Clock, channels: Mapping[str, Channel]) -> StatusView:
    """Counts, the oldest unfinished dispatch, and a forecast per channel."""
    now = clock.now()
    with store.reading() as uow:
        calling = uow.ladder.calling()
        oldest = uow.dispatches.oldest_unfinished()
        quiet = {name: quiet_domains(uow, name) for name in channels}
        return StatusView(
            dispatches=uow.dispatches.counts(),
            files=uow.files.counts(),
            oldest=oldest,
            oldest_age=now - oldest.created_at if oldest is not None and oldest.created_at is not None else None,
            channels=tuple(_channel(uow, name, channel, now) for name, channel in channels.items()),
            unmatched=len(uow.receipts.unmatched(limit=1000)),
            oldest_file=uow.files.oldest_open(),
            paused_batches=uow.batches.paused(),
            late=uow.dispatches.alarmed(left=False),
            oldest_silent=oldest_silent(uow, quiet),
            quiet_domains=sum(map(len, quiet.values())),
            unread=uow.ladder.count_unread(),
            calling=calling,
            called={one.id: _called(uow, one.id) for one in calling},
            digest=uow.ladder.last_digest(),
            to_print=uow.prints.count_waiting(),
        )


def _channel(uow: UnitOfWork, name: str, channel: Channel, now: datetime) -> ChannelStatus:
    counts = uow.dispatches.counts(channel=name)
    unknown, unknown_since = uow.dispatches.in_doubt(name)
    told = through(uow, channel, counts, now)
    return ChannelStatus(
        name=name,
        waiting=sum(counts.get(state, 0) for state in (State.READY, State.QUEUED, State.SENDING, State.DEFERRED)),
        paused=uow.pace.paused(channel.scope, now) or "",
        tries_at=uow.pace.tries_at(channel.scope, now),
        per_minute=channel.limit.per_window,
        through_at=told.through_at,
        forecast=told,
        unknown=unknown,
        unknown_since=unknown_since,
    )


def _called(uow: UnitOfWork, dispatch_id: str) -> str:
    """Who was called last; empty when the ladder names nobody."""
    steps = reversed(uow.ladder.steps(dispatch_id))
    return next((step.note for step in steps if step.rung == Rung.PERSON), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchView:
    """Everything about one dispatch."""

    dispatch: Dispatch
    report: ReportVersion | None
    file: SourceFile | None
    batch: Batch | None
    receipts: tuple[ReceiptRow, ...]
    timeline: tuple[JournalLine, ...]
    siblings: tuple[Dispatch, ...]
    """Other dispatches of the same report chain."""
    waits_for: tuple[Dispatch, ...] = ()
    """Older versions whose outcome it waits for."""
    expects: Expected | None = None
    """Which receipts may be expected of its recipient; None before it has one."""


def show(store: Store, dispatch_id: str) -> DispatchView | None:
    """One dispatch with its report, file, batch, receipts and timeline; None when there is no such id."""
    with store.reading() as uow:
        dispatch = uow.dispatches.get(dispatch_id)
        if dispatch is None:
            return None
        report = uow.reports.get(dispatch.report_id)
        file = uow.files.get(report.file_id) if report is not None else None
        others = uow.dispatches.list(DispatchFilter(chain=dispatch.chain, limit=200))
        return DispatchView(
            dispatch=dispatch,
            report=report,
            file=file,
            batch=uow.batches.get(dispatch.batch_id) if dispatch.batch_id else None,
            receipts=uow.receipts.of_dispatch(dispatch_id),
            timeline=uow.journal.of_subject(dispatch_id),
            siblings=tuple(d for d in others if d.id != dispatch_id),
            waits_for=waits_for(uow, dispatch),
            expects=expectation(uow, dispatch) if dispatch.address and dispatch.channel else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """Everything about one source file."""

    file: SourceFile
    reports: tuple[ReportVersion, ...]
    dispatches: tuple[Dispatch, ...]
    timeline: tuple[JournalLine, ...]


def show_file(store: Store, file_id: str) -> FileView | None:
    """One source file with what became of it."""
    with store.reading() as uow:
        file = uow.files.get(file_id)
        if file is None:
            return None
        return FileView(
            file=file,
            reports=uow.reports.of_file(file_id),
            dispatches=uow.dispatches.list(DispatchFilter(file_id=file_id, limit=1000)),
            timeline=uow.journal.of_subject(file_id),
        )
