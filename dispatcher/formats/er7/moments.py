"""First and last of several moments, days among them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time

from dispatcher.report.model import When


def _instant(when: When) -> datetime:
    """A day counts as its last second, UTC: a moment of the same day goes before it."""
    return when if isinstance(when, datetime) else datetime.combine(when, time(23, 59, 59), UTC)


def first_of(moments: Iterable[When]) -> When | None:
    """The earliest, or None."""
    return min(moments, key=_instant, default=None)


def last_of(moments: Iterable[When]) -> When | None:
    """The latest, or None."""
    return max(moments, key=_instant, default=None)
