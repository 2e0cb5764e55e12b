"""A channel as the use cases see it: one sending account with its transport, pace and retry policy."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.breaker import BreakerRule
from dispatcher.outbox.doubt import DoubtPolicy
from dispatcher.outbox.pacing import PaceLimit
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.ports import Transport
from dispatcher.routing.trust import Gate
from dispatcher.settings import ChannelSettings

JUMP = 1.0
"""Seconds by which wall time may run ahead of monotonic time before it counts as set forward."""


class Pulse:
    """Notices that the clock was set forward while we run: minutes that nobody lived through earn no pace (promise 4).

    Thread-safe; one per channel and process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: float | None = None

    def jumped(self, now: datetime, moment: float) -> bool:
        """Wall time ran ahead since the last :meth:`accept` (or first look). ``moment``: monotonic seconds."""
        ahead = now.timestamp() - moment
        with self._lock:
            if self._ahead is None or ahead < self._ahead:
                self._ahead = ahead
            return ahead - self._ahead > JUMP

    def accept(self, now: datetime, moment: float) -> None:
        """The new time holds from here on."""
        with self._lock:
            self._ahead = now.timestamp() - moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Everything needed to send by one account."""

    name: str
    settings: ChannelSettings
    transport: Transport
    limit: PaceLimit
    retry: RetryPolicy
    batch: BatchRule
    lease: timedelta
    gate: Gate
    """Asked right before a mail leaves."""
    doubt: DoubtPolicy = field(default_factory=DoubtPolicy)
    breaker: BreakerRule = field(default_factory=BreakerRule)
    pulse: Pulse = field(default_factory=Pulse, compare=False, repr=False)

    @property
    def scope(self) -> str:
        """Name of this channel's row in the pace book."""
        return f"channel:{self.name}"
