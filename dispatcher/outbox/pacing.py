"""The pace of a channel: a token bucket that can never let more than the limit through in any sliding window.

A bucket of capacity ``burst`` refilled at ``(per_window - burst) / window`` grants at most ``burst + rate × window =
per_window`` hand-overs in *any* window (promise 4), with one number to keep instead of a log of every mail. Pure: the
time is an argument and the bucket a value; ``store/pace.py`` keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_BACKWARD = timedelta(minutes=5)
"""A clock set back by more than this starts the bucket again, empty: waiting for the old time could take hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceLimit:
    """At most ``per_window`` hand-overs in any ``window``; at most ``burst`` at one instant."""

    per_window: int
    window: timedelta
    burst: int

    def __post_init__(self) -> None:
        if not 1 <= self.burst <= self.per_window:
            raise ValueError("burst must be between 1 and per_window")

    @property
    def per_second(self) -> float:
        """Refill rate, hand-overs per second."""
        return (self.per_window - self.burst) / self.window.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """``tokens`` hand-overs may leave, as of ``updated`` (aware)."""

    tokens: float
    updated: datetime


def per_minute(count: int, burst: int | None = None) -> PaceLimit:
    """``count`` in any 60 seconds; the default burst is a quarter of it."""
    return PaceLimit(per_window=count, window=timedelta(minutes=1), burst=min(count, burst or max(1, count // 4)))


def fresh(limit: PaceLimit, now: datetime) -> Bucket:
    """A bucket never used: full."""
    return Bucket(tokens=float(limit.burst), updated=now)


def refill(bucket: Bucket, limit: PaceLimit, now: datetime) -> Bucket:
    """The bucket as it stands at ``now``. A clock that went back gives nothing."""
    elapsed = (now - bucket.updated).total_seconds()
    if elapsed < -MAX_BACKWARD.total_seconds():
        return Bucket(tokens=0.0, updated=now)
    if elapsed <= 0:
        return bucket
    if limit.per_second == 0:  # the burst is all there is: full again a whole window after the last grant
        full = elapsed >= limit.window.total_seconds()
        return Bucket(tokens=float(limit.burst), updated=now) if full else bucket
    return Bucket(tokens=min(float(limit.burst), bucket.tokens + elapsed * limit.per_second), updated=now)


def grant(bucket: Bucket, wanted: int, limit: PaceLimit, now: datetime) -> tuple[int, Bucket]:
    """How many of ``wanted`` may leave at ``now``, and the bucket after that."""
    current = refill(bucket, limit, now)
    granted = max(0, min(wanted, int(current.tokens + 1e-9)))
    updated = max(now, current.updated) if granted and limit.per_second == 0 else current.updated
    return granted, Bucket(tokens=current.tokens - granted, updated=updated)


def next_at(bucket: Bucket, limit: PaceLimit, now: datetime) -> datetime:
    """When one more may leave: ``now`` when a whole token is there."""
    current = refill(bucket, limit, now)
    missing = 1 - current.tokens
    if missing <= 1e-9:
        return now
    if limit.per_second == 0:
        return max(now, current.updated + limit.window)
    return max(now, current.updated) + timedelta(seconds=missing / limit.per_second)
