"""Working hours, days and public holidays, for batches and for unread mail. Pure: the holidays are handed in.

Hours are those of the clock on the wall in Europe/Paris. A period is turned into UTC at both ends, so that a day with a
change of clocks is an hour longer or shorter and nothing else. An end at or before the beginning is on the next day
(20:00-06:00); such a night belongs to the day on which it begins. An hour that comes twice opens the first time and
closes the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
EVERY_DAY = frozenset(range(7))
HORIZON = 400
"""Days looked ahead: no calendar with one working day a week is closed for longer."""

Holidays = Callable[[int], frozenset[date]]
"""Public holidays of a year."""


def no_holidays(year: int) -> frozenset[date]:
    """Every day counts."""
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When batches may be formed. Without hours: all day; ``days``: 0 is Monday."""

    opens: time | None = None
    closes: time | None = None
    days: frozenset[int] = EVERY_DAY
    holidays: Holidays = field(default=no_holidays, compare=False)

    def __post_init__(self) -> None:
        if (self.opens is None) != (self.closes is None):
            raise ValueError("working hours need a beginning and an end")
        if not self.days or self.days - EVERY_DAY:
            raise ValueError("working days are 0 (Monday) to 6")

    def is_open(self, now: datetime) -> bool:
        """Batches may be formed at ``now`` (aware)."""
        return any(start <= now < end for start, end in self._around(now))

    def next_open(self, now: datetime) -> datetime | None:
        """``now`` when it is open, else when it opens next (UTC); None: never within a year."""
        for start, end in self._around(now):
            if now < end:
                return max(now, start)
        return None

    def after(self, start: datetime, span: timedelta) -> datetime | None:
        """When ``span`` of open time has passed since ``start`` (UTC); None: never within a year."""
        at, left = start.astimezone(UTC), span
        for opens, closes in self._around(start):
            at = max(at, opens)
            if closes - at >= left:
                return at + left
            left -= max(closes - at, timedelta())
            at = max(at, closes)
        return None

    def _around(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Open periods from the day before ``now`` on, in order."""
        today = now.astimezone(PARIS).date()
        for ahead in range(-1, HORIZON):
            day = today + timedelta(days=ahead)
            if self.works(day):
                yield self._period(day)

    def works(self, day: date) -> bool:
        """A working day that is no public holiday."""
        return day.weekday() in self.days and day not in self.holidays(day.year)

    def _period(self, day: date) -> tuple[datetime, datetime]:
        opens, closes = self.opens or time(), self.closes or time()
        last = day + timedelta(days=1) if closes <= opens else day
        return _utc(day, opens), max(_utc(last, closes), _utc(last, closes, fold=1))


def _utc(day: date, at: time, fold: int = 0) -> datetime:
    """An hour that comes twice: the first time; one that does not exist: an hour later. ``fold``: PEP 495."""
    return datetime.combine(day, at.replace(fold=fold), PARIS).astimezone(UTC)


ALWAYS = Calendar()
