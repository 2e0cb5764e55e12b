"""Working hours of Europe/Paris: holidays, nights, and the two Sundays on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.calendar import ALWAYS, PARIS, Calendar

WEEK = frozenset(range(5))
OFFICE = Calendar(opens=time(8), closes=time(18, 30), days=WEEK)
HOLIDAY = Calendar(
    opens=time(8), closes=time(18, 30), days=WEEK, holidays=lambda year: frozenset({date(year, 5, 1), date(year, 5, 8)})
)
NIGHT = Calendar(opens=time(20), closes=time(6), days=WEEK)
SMALL_HOURS = Calendar(opens=time(2, 30), closes=time(2, 45))


def paris(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


@pytest.mark.parametrize(
    ("calendar", "now", "opens"),
    [
        (ALWAYS, "2026-05-01T03:00", "2026-05-01T03:00"),
        (OFFICE, "2026-03-11T07:59", "2026-03-11T08:00"),
        (OFFICE, "2026-03-11T08:00", "2026-03-11T08:00"),
        (OFFICE, "2026-03-11T18:29", "2026-03-11T18:29"),
        (OFFICE, "2026-03-11T18:30", "2026-03-12T08:00"),
        (OFFICE, "2026-03-13T19:00", "2026-03-16T08:00"),
        (HOLIDAY, "2026-04-30T19:00", "2026-05-04T08:00"),
        (HOLIDAY, "2026-05-08T10:00", "2026-05-11T08:00"),
        (NIGHT, "2026-03-11T12:00", "2026-03-11T20:00"),
        (NIGHT, "2026-03-12T05:59", "2026-03-12T05:59"),
        (NIGHT, "2026-03-14T05:00", "2026-03-14T05:00"),
        (NIGHT, "2026-03-14T21:00", "2026-03-16T20:00"),
        (Calendar(days=frozenset({6})), "2026-03-11T12:00", "2026-03-15T00:00"),
    ],
    ids=[
        *("always", "before the hour", "at the hour", "last minute", "closed at the minute", "weekend"),
        *("holiday before a weekend", "on a holiday", "before the night", "in the night"),
        *("the night of Friday, on Saturday", "no night of Saturday", "days without hours"),
    ],
)
def test_opening(calendar: Calendar, now: str, opens: str) -> None:
    moment = paris(now)
    assert calendar.next_open(moment) == paris(opens)
    assert calendar.is_open(moment) is (now == opens)


def test_the_wall_clock_decides_on_both_sides_of_a_change() -> None:
    for day, hour in (("2026-03-27", 7), ("2026-03-30", 6), ("2026-10-23", 6), ("2026-10-26", 7)):
        opens = OFFICE.next_open(paris(f"{day}T00:00"))
        assert opens is not None and opens.astimezone(UTC).hour == hour


def test_an_hour_that_does_not_exist_and_one_that_comes_twice() -> None:
    spring = SMALL_HOURS.next_open(paris("2026-03-29T00:00"))
    assert spring == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 2:30 is 3:30 that day
    assert SMALL_HOURS.is_open(paris("2026-10-25T02:35", fold=0))
    assert SMALL_HOURS.is_open(paris("2026-10-25T02:35", fold=1))
    assert not SMALL_HOURS.is_open(paris("2026-10-25T02:50", fold=1))


def test_a_calendar_that_never_opens_says_so() -> None:
    never = Calendar(holidays=lambda year: frozenset(date(year, 1, 1) + timedelta(days=n) for n in range(366)))
    assert never.next_open(paris("2026-03-11T12:00")) is None
    assert not never.is_open(paris("2026-03-11T12:00"))


@pytest.mark.parametrize("wrong", [{"opens": time(8)}, {"closes": time(8)}, {"days": frozenset()}, {"days": {7}}])
def test_half_a_calendar_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="working"):
        Calendar(**wrong)  # type: ignore[arg-type]


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from([OFFICE, HOLIDAY, NIGHT, SMALL_HOURS]),
)
def test_it_is_open_when_it_says_it_opens_and_not_before(now: datetime, calendar: Calendar) -> None:
    opens = calendar.next_open(now)
    assert opens is not None and opens >= now and calendar.is_open(opens)
    if opens > now:
        step = (opens - now) / 7
        assert not any(calendar.is_open(now + n * step) for n in range(7))
