"""What the rules look at, gathered by ``service/alarm_facts.py`` and ``wiring/alarms.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.outbox.calendar import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a fact becomes an alarm. Zero switches a rule off."""

    calendar: Calendar
    """Working hours of the laboratory."""
    silence: timedelta
    """Working hours without a file."""
    silence_of: Mapping[str, timedelta] = field(default_factory=dict)
    """By source, where it is otherwise."""
    oldest: timedelta
    held_count: int
    held: timedelta
    """Working hours."""
    failed: timedelta
    """Working hours."""
    failure_percent: float
    failure_least: int
    """Endings of a channel below which its share says nothing."""
    quarantine: timedelta
    """Working hours."""
    paper: timedelta
    """Working hours."""
    pause: timedelta
    backup: timedelta
    expiry_days: tuple[int, ...]
    """Falling: 60, 30, 7, 1."""

    def silence_for(self, source: str) -> timedelta:
        """Of one source."""
        return self.silence_of.get(source, self.silence)


@dataclass(frozen=True, slots=True)
class Heap:
    """Things in one state: how many, and when the oldest of them was made."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFact:
    """One source: when its last file came."""

    name: str
    last: datetime
    """Of its newest file; without any, since when it is watched."""
    ever: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFact:
    """One channel: how its last mails ended, and a pause by a person."""

    name: str
    ended: int = 0
    failed: int = 0
    """Of these."""
    paused_since: datetime | None = None
    """By a person; None: not paused, or by a fault of ours, which has its own alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something with an end: a key, a certificate, data that grows old."""

    code: str
    what: str
    """French, begins a sentence; unique within its code."""
    until: datetime
    hint: str
    span: timedelta | None = None
    """How long it lasts when new; steps of more than half of that say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something found wrong that needs no threshold."""

    code: str
    subject: str
    text: str
    since: datetime | None = None
    hint: str = ""
    outside: str = ""
    notice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFacts:
    """What the database knows."""

    oldest_id: str = ""
    oldest: datetime | None = None
    held: Heap = Heap(0, None)
    failed: Heap = Heap(0, None)
    quarantine: Heap = Heap(0, None)
    paper: Heap = Heap(0, None)
    sources: tuple[SourceFact, ...] = ()
    channels: tuple[ChannelFact, ...] = ()
    all_paused_since: datetime | None = None
    backup_at: datetime | None = None
    """Of the last backup; without any, since when this is watched."""
    ever_saved: bool = False
