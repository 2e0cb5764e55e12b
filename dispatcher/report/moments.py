"""Days and moments compared to the precision both have. A moment without offset is Europe/Paris, as in every reader."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from dispatcher.report.model import When

PARIS = ZoneInfo("Europe/Paris")


def aware(moment: datetime) -> datetime:
    """The moment with its offset; Europe/Paris when it has none."""
    return moment if moment.tzinfo else moment.replace(tzinfo=PARIS)


def day_of(when: When) -> date:
    """The day people in France call it."""
    return aware(when).astimezone(PARIS).date() if isinstance(when, datetime) else when


def compare(one: When | None, other: When | None) -> int:
    """-1 earlier, 1 later; 0 when equal, when one is unknown, or when only one of two on the same day has an hour."""
    if one is None or other is None:
        return 0
    if isinstance(one, datetime) and isinstance(other, datetime):
        return (aware(one) > aware(other)) - (aware(one) < aware(other))
    return (day_of(one) > day_of(other)) - (day_of(one) < day_of(other))
