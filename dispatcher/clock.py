"""The only place that asks the time. Tests hand in another clock.

Two kinds of time (decision D13): :meth:`Clock.now` is wall time, aware UTC, for what is written down;
:meth:`Clock.monotonic` is seconds that never step back, for waiting.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds from an unknown origin, never going back."""

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class FrozenClock:
    """A clock that moves only when told; for tests and rehearsals."""

    at: datetime = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
    elapsed: float = field(default=0.0)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move both times forward by ``seconds``."""
        self.at += timedelta(seconds=seconds)
        self.elapsed += seconds

    def step(self, seconds: float) -> None:
        """Move wall time alone, as an NTP correction or an operator would (may be negative)."""
        self.at += timedelta(seconds=seconds)


def paris(moment: datetime) -> datetime:
    """The same moment as people in France read it."""
    return moment.astimezone(PARIS)
