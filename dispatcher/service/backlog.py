"""Use case: what waits on a channel, how it flows, and when it will be through."""

from __future__ import annotations

from datetime import datetime, timedelta

from dispatcher.outbox.batching import forms_at
from dispatcher.outbox.forecast import Backlog, Flow, Forecast, forecast
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.service.batch import waiting_on
from dispatcher.service.channel import Channel

LATELY = timedelta(minutes=10)
"""Over how long the flow is measured."""
LEAST = timedelta(minutes=1)
"""Below that a measure says nothing."""


def through(uow: UnitOfWork, channel: Channel, counts: dict[State, int], now: datetime) -> Forecast:
    """The forecast of one channel. ``counts``: its dispatches by state."""
    stopped = uow.batches.stopped(channel.name)
    backlog = Backlog(
        queued=max(0, counts[State.QUEUED] + counts[State.SENDING] - stopped),
        ready=counts[State.READY],
        forms_at=forms_of(uow, channel, now) if counts[State.READY] else None,
        deferred=counts[State.DEFERRED],
        due_at=uow.dispatches.last_due(channel.name) if counts[State.DEFERRED] else None,
        stopped=stopped,
    )
    if not backlog.total:
        return Forecast()
    wait = uow.pace.wait(channel.scope, channel.limit)
    used = channel.limit.burst - 1 if wait else 0  # no burst is left, only the mean rate
    paused = uow.pace.paused(channel.scope, now) is not None
    flow = Flow(
        seconds_for=lambda count: wait + channel.limit.seconds_for(count + used),
        measured=_measured(uow, channel.name, now) if backlog.queued and not paused else None,
        paused=paused,
        tries_at=uow.pace.tries_at(channel.scope, now),
    )
    return forecast(backlog, flow, now)


def forms_of(uow: UnitOfWork, channel: Channel, now: datetime) -> datetime | None:
    """When what is ready on a channel will be in a batch at the latest; None: its hours never come."""
    latest = uow.batches.latest(channel.name, channel.batch.counts_from)
    last = latest.created_at if latest is not None else None
    return forms_at(waiting_on(uow, channel.name), channel.batch, last, now)


def _measured(uow: UnitOfWork, channel: str, now: datetime) -> float | None:
    """Hand-overs a second since the oldest queued mail is in its batch, or of ten minutes: something always waited."""
    oldest = next(iter(uow.dispatches.list(DispatchFilter(states=(State.QUEUED,), channel=channel, limit=1))), None)
    batch = uow.batches.get(oldest.batch_id) if oldest is not None and oldest.batch_id else None
    if batch is None:
        return None
    since = max(now - LATELY, batch.created_at)
    sent = uow.dispatches.sent_since(channel, since) if now - since >= LEAST else 0
    return sent / (now - since).total_seconds() if sent else None
