"""When a batch (lot) is due. Pure: what waits, the rule and the time are arguments; ``service/batch.py`` makes it.

Three reasons, in this order:

- ``urgent``: an urgent dispatch never waits for a window; the batch takes the urgent ones only;
- ``full``: the count or the bytes that wait have reached a ceiling;
- ``tick``: the window is over. It counts from the last batch of the channel; nothing waits longer than one window,
  so what a ceiling left behind goes out as soon as its own window is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

OPEN, PAUSED, DONE = "open", "paused", "done"
"""Life of a batch: done when nothing in it is pending any more (:mod:`dispatcher.outbox.statement`); it stays so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRule:
    """Window and ceilings of a channel's batches."""

    every: timedelta
    max_count: int
    max_bytes: int
    """Sum of the sealed mails, in bytes."""

    def __post_init__(self) -> None:
        if self.every <= timedelta(0) or self.max_count < 1 or self.max_bytes < 1:
            raise ValueError("a batch needs a window and ceilings above zero")


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
    """The batch to make now, or None. ``last_batch_at``: creation of the channel's newest batch, None if there is none.

    A last batch in the future means that the clock was set back: the window then counts as over, since waiting for
    the old time could take hours.
    """
    if waiting.count <= 0:
        return None
    if waiting.urgent > 0:
        return BatchDecision(reason="urgent", urgent_only=True)
    if waiting.count >= rule.max_count or waiting.size >= rule.max_bytes:
        return BatchDecision(reason="full")
    if _window_over(waiting, rule, last_batch_at, now):
        return BatchDecision(reason="tick")
    return None


def _window_over(waiting: Waiting, rule: BatchRule, last_batch_at: datetime | None, now: datetime) -> bool:
    if last_batch_at is None or last_batch_at > now or now - last_batch_at >= rule.every:
        return True
    return waiting.oldest is not None and now - waiting.oldest >= rule.every
