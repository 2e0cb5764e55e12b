"""When a batch (lot) is due. Pure: what waits, the rule and the time are arguments; ``service/batch.py`` makes it.

Three reasons, in this order:

- ``urgent``: an urgent dispatch never waits for a window or an opening; the batch takes the urgent ones only;
- ``full``: the count or the bytes that wait have reached a ceiling;
- ``tick``: the window is over, or an hour of the cron line has come. A window counts from the last batch; nothing waits
  longer than one, so what a ceiling left behind goes out as soon as its own window is over.

The last two are for the hours in which batches are formed (:mod:`dispatcher.outbox.calendar`). What is in a batch
leaves at any hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.outbox.calendar import ALWAYS, Calendar

OPEN, PAUSED, DONE = "open", "paused", "done"
"""Life of a batch: done when nothing in it is pending any more (:mod:`dispatcher.outbox.statement`); it stays so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRule:
    """Window and ceilings of a channel's batches."""

    every: timedelta | None = None
    fires: Callable[[datetime], datetime] | None = field(default=None, compare=False)
    """Instead of ``every``: the first hour of a cron line after an aware moment."""
    max_count: int
    max_bytes: int
    """Sum of the sealed mails, in bytes."""
    calendar: Calendar = ALWAYS

    def __post_init__(self) -> None:
        if (self.every is None) == (self.fires is None):
            raise ValueError("a batch needs a window or a cron line, not both")
        if (self.every is not None and self.every <= timedelta(0)) or self.max_count < 1 or self.max_bytes < 1:
            raise ValueError("a batch needs a window and ceilings above zero")

    @property
    def counts_from(self) -> frozenset[str]:
        """Reasons of batches that :func:`due` counts from.

        A window counts from any batch. An hour of a cron line is used up only by what was formed for it: a full batch
        leaves its remainder to that same hour; urgent ones and replays say nothing about the others.
        """
        scheduled = frozenset({"tick", "once", "send"})
        return scheduled if self.fires is not None else scheduled | {"full", "urgent", "replay"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is ``ready`` on a channel (:meth:`dispatcher.ports.Dispatches.batchable`)."""

    count: int = 0
    size: int = 0
    """Bytes."""
    oldest: datetime | None = None
    """When the oldest one was created (aware)."""
    urgent: int = 0
    """How many are urgent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDecision:
    """Make a batch now."""

    reason: str
    """``urgent``, ``full`` or ``tick``; kept with the batch."""
    urgent_only: bool = False


def due(waiting: Waiting, rule: BatchRule, last_batch_at: datetime | None, now: datetime) -> BatchDecision | None:
    """The batch to make now, or None. ``last_batch_at``: creation of the channel's newest batch of those that count
    (:attr:`BatchRule.counts_from`), None if there is none.

    A last batch in the future means that the clock was set back: the window then counts as over, since waiting for
    the old time could take hours.
    """
    if waiting.count <= 0:
        return None
    if waiting.urgent > 0:
        return BatchDecision(reason="urgent", urgent_only=True)
    if not rule.calendar.is_open(now):
        return None
    if waiting.count >= rule.max_count or waiting.size >= rule.max_bytes:
        return BatchDecision(reason="full")
    if _next_tick(waiting, rule, last_batch_at, now) <= now:
        return BatchDecision(reason="tick")
    return None


def forms_at(waiting: Waiting, rule: BatchRule, last_batch_at: datetime | None, now: datetime) -> datetime | None:
    """When what waits will be in a batch at the latest, as far as one can tell; None: the calendar never opens."""
    if waiting.urgent >= waiting.count:
        return now
    full = waiting.count >= rule.max_count or waiting.size >= rule.max_bytes
    moment = now if full else max(now, _next_tick(waiting, rule, last_batch_at, now))
    return rule.calendar.next_open(moment)


def _next_tick(waiting: Waiting, rule: BatchRule, last_batch_at: datetime | None, now: datetime) -> datetime:
    """The end of the window, or the hour of the cron line, that what waits has to see; in the past: it is due."""
    if last_batch_at is not None and last_batch_at > now:
        last_batch_at = None
    if rule.fires is not None:
        since = max(filter(None, (waiting.oldest, last_batch_at)), default=now)
        return rule.fires(min(since, now))
    assert rule.every is not None
    if last_batch_at is None:
        return now
    return min(last_batch_at, waiting.oldest or last_batch_at) + rule.every
