"""The only place that asks the time. Tests hand in another clock.

Three kinds of time (decision D13, ADR 0015): :meth:`Clock.now` is wall time, aware UTC, for what is written down;
:meth:`Clock.monotonic` is seconds that never step back, for waiting; :meth:`Clock.boot` is the same for all processes
of a machine until it starts again, for what they count together.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds from an unknown origin, never going back."""

    def boot(self) -> tuple[str, float]:
        """Name of this run of the machine, and seconds since an origin that all who give that name share.

        The seconds never go back. Where the system has no such thing the name is this process's own.
        """

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_OFFSETS = Path("/proc/self/timens_offsets")
"""How far the clocks of this time namespace are off the machine's (time_namespaces(7)): a container may have one."""


def _boot_name() -> str:
    """Linux: the boot id (random(4)), with the offset of CLOCK_BOOTTIME when the namespace has one. Else empty."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return ""
    try:
        name = _BOOT_ID.read_text(encoding="ascii").strip()
        lines = _OFFSETS.read_text(encoding="ascii").splitlines() if _OFFSETS.exists() else []
    except (OSError, ValueError):
        return ""
    offset = next(("/".join(line.split()[1:]) for line in lines if line.startswith(("boottime", "7"))), "0/0")
    return name if offset == "0/0" or not name else f"{name}+{offset}"


class SystemClock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._boot = _boot_name()
        self._own = f"process-{secrets.token_hex(8)}"

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boot(self) -> tuple[str, float]:
        if self._boot:
            return self._boot, time.clock_gettime(time.CLOCK_BOOTTIME)
        return self._own, time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class FrozenClock:
    """A clock that moves only when told; for tests and rehearsals."""

    at: datetime = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
    elapsed: float = field(default=0.0)
    boot_name: str = "frozen"
    boot_origin: float = 0.0
    """``elapsed`` when the machine started."""

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    def boot(self) -> tuple[str, float]:
        return self.boot_name, self.elapsed - self.boot_origin

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move both times forward by ``seconds``."""
        self.at += timedelta(seconds=seconds)
        self.elapsed += seconds

    def step(self, seconds: float) -> None:
        """Move wall time alone, as an NTP correction or an operator would (may be negative)."""
        self.at += timedelta(seconds=seconds)


STEADY = 600.0
"""Seconds for which a clock must have gone evenly before what it makes of moments written down counts."""
STEP = timedelta(seconds=5)
"""A clock that is turned slowly moves far less between two looks."""


class Steadiness:
    """Whether wall time has gone along with monotonic time for :data:`STEADY`, by the looks of one process.

    A machine that lost its battery starts years back and jumps as soon as it reaches a time server: until then nobody
    may conclude from its clock that others stood ahead. Not thread-safe.
    """

    def __init__(self) -> None:
        self._origin: datetime | None = None
        self._since = 0.0
        self.jump = timedelta()
        """How far wall time jumped last; zero: never since the first look."""

    def look(self, now: datetime, monotonic: float) -> bool:
        """Both times, read together."""
        origin = now - timedelta(seconds=monotonic)
        if self._origin is None or abs(origin - self._origin) > STEP:
            self.jump = origin - self._origin if self._origin is not None else timedelta()
            self._origin, self._since = origin, monotonic
        return monotonic - self._since >= STEADY


def paris(moment: datetime) -> datetime:
    """The same moment as people in France read it."""
    return moment.astimezone(PARIS)
