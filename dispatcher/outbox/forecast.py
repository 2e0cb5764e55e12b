"""When the backlog of a channel will be through, at the present limits. Pure: what waits, how it flows are arguments.

What is queued leaves at the pace, or as fast as mails really left lately when that is slower; what is ready joins when
its batch is formed; what was refused for now joins when it is due. What a person stopped is left out, and said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits on one channel. Held, failed and unknown dispatches wait for somebody, not for the channel."""

    queued: int = 0
    """In a batch that is not paused, or on its way."""
    ready: int = 0
    forms_at: datetime | None = None
    """When what is ready will be in a batch; None: never, as the calendar stands."""
    deferred: int = 0
    due_at: datetime | None = None
    """When the last of the deferred is due."""
    stopped: int = 0
    """In paused batches."""

    @property
    def total(self) -> int:
        """All that waits."""
        return self.queued + self.ready + self.deferred + self.stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How fast mails leave."""

    seconds_for: Callable[[int], float]
    """At the pace: seconds that so many take, from now."""
    measured: float | None = None
    """Hand-overs a second lately, while something was always queued; None: not known."""
    paused: bool = False
    """The channel is; nothing leaves before it is resumed."""
    tries_at: datetime | None = None
    """When a paused channel is tried again by itself; None: a person resumes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The answer. ``through_at`` None: nothing waits, or nobody can say (:attr:`reason`)."""

    through_at: datetime | None = None
    takes: timedelta = timedelta()
    """How long it takes from now, or, of a paused channel, from its resumption."""
    reason: str = ""
    """``paused``, ``closed`` (the calendar never opens), ``stopped`` (all that is left is in paused batches), ``slow``
    (mails leave more slowly than the pace allows), ``hours`` (waits for a batch to be formed), ``due`` (waits for the
    next tries); empty: the pace decides."""
    stopped: int = 0
    """Left out: in paused batches."""
    tries_at: datetime | None = None
    """Of a paused channel: when it is tried again by itself; None: a person resumes it."""


def forecast(backlog: Backlog, flow: Flow, now: datetime) -> Forecast:
    """When the last one leaves."""
    if backlog.ready and backlog.forms_at is None:
        return Forecast(reason="closed", stopped=backlog.stopped)
    if backlog.total == backlog.stopped:
        return Forecast(reason="stopped" if backlog.stopped else "", stopped=backlog.stopped)
    arrivals = [
        (now, backlog.queued, ""),
        (max(now, backlog.forms_at or now), backlog.ready, "hours"),
        (max(now, backlog.due_at or now), backlog.deferred, "due"),
    ]
    moment, through, reason = now, 0, ""
    for at, count, why in sorted((one for one in arrivals if one[1]), key=lambda one: one[0]):
        if at > moment:
            moment, through, reason = at, 0, why
        moment += timedelta(seconds=_seconds(flow, through + count) - _seconds(flow, through))
        through += count
    if not reason and flow.measured and through / flow.measured > flow.seconds_for(through):
        reason = "slow"
    if flow.paused:
        return Forecast(takes=moment - now, reason="paused", stopped=backlog.stopped, tries_at=flow.tries_at)
    return Forecast(through_at=moment, takes=moment - now, reason=reason, stopped=backlog.stopped)


def _seconds(flow: Flow, count: int) -> float:
    paced = flow.seconds_for(count) if count else 0.0
    return max(paced, count / flow.measured) if flow.measured else paced
