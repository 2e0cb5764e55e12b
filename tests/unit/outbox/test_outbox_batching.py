"""When a batch is due: urgent at once, full at once, else at the end of a window; and nothing waits for ever."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.batching import BatchDecision, BatchRule, Waiting, due, forms_at
from dispatcher.outbox.calendar import ALWAYS, Calendar

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
EVERY = timedelta(minutes=5)
RULE = BatchRule(every=EVERY, max_count=10, max_bytes=1000)
TICK, FULL = BatchDecision(reason="tick"), BatchDecision(reason="full")
URGENT = BatchDecision(reason="urgent", urgent_only=True)
SECOND = timedelta(seconds=1)


def waiting(count: int = 1, size: int = 10, age: timedelta = SECOND, urgent: int = 0) -> Waiting:
    return Waiting(count=count, size=size, oldest=NOW - age, urgent=urgent)


@pytest.mark.parametrize(
    ("what", "last", "expected"),
    [
        (Waiting(), None, None),
        (Waiting(), NOW - EVERY, None),
        (waiting(), None, TICK),
        (waiting(), NOW - EVERY, TICK),
        (waiting(), NOW - EVERY + SECOND, None),
        (waiting(9, 999), NOW - SECOND, None),
        (waiting(10, 10), NOW - SECOND, FULL),
        (waiting(2, 1000), NOW - SECOND, FULL),
        (waiting(urgent=1), NOW - SECOND, URGENT),
        (waiting(10, 1000, urgent=1), NOW - EVERY, URGENT),
        (waiting(age=EVERY), NOW - SECOND, TICK),
        (waiting(), NOW + SECOND, TICK),
        (waiting(), NOW + timedelta(days=365), TICK),
    ],
    ids=[
        "nothing waits",
        "nothing waits, window over",
        "first batch ever",
        "window just over",
        "window not over",
        "just below both ceilings",
        "full by count",
        "full by bytes",
        "urgent at once",
        "urgent before full and tick",
        "left behind by a ceiling",
        "clock set back a little",
        "clock set back a year",
    ],
)
def test_due(what: Waiting, last: datetime | None, expected: BatchDecision | None) -> None:
    assert due(what, RULE, last, NOW) == expected


@pytest.mark.parametrize(
    "wrong", [{"every": timedelta(0)}, {"max_count": 0}, {"max_bytes": 0}], ids=lambda w: next(iter(w))
)
def test_a_rule_that_would_never_send(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        BatchRule(**{"every": EVERY, "max_count": 1, "max_bytes": 1} | wrong)


moments = st.integers(0, 86_400_000_000).map(lambda microseconds: NOW + timedelta(microseconds=microseconds))
summaries = st.builds(
    Waiting,
    count=st.integers(1, 50),
    size=st.integers(0, 5000),
    oldest=moments,
    urgent=st.integers(0, 1),
)


@given(what=summaries, last=st.none() | moments, now=moments)
def test_nothing_waits_longer_than_one_window(what: Waiting, last: datetime | None, now: datetime) -> None:
    assert what.oldest is not None
    if now - what.oldest >= EVERY:
        assert due(what, RULE, last, now) is not None


# ------------------------------------------------------------------------------------------------ hours and cron

OFFICE = Calendar(opens=time(8), closes=time(18), days=frozenset(range(5)))
"""NOW is a Wednesday, 10:00 in Paris."""
NIGHT = NOW.replace(hour=22)


def hourly(moment: datetime) -> datetime:
    """0 * * * *"""
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


CRON = BatchRule(fires=hourly, max_count=10, max_bytes=1000)


def at(now: datetime, age: timedelta = SECOND, count: int = 1, urgent: int = 0) -> Waiting:
    return Waiting(count=count, size=10, oldest=now - age, urgent=urgent)


def test_outside_the_hours_only_urgent_mail_forms_a_batch() -> None:
    rule = BatchRule(every=EVERY, max_count=10, max_bytes=1000, calendar=OFFICE)
    assert due(at(NOW), rule, None, NOW) == TICK
    assert due(at(NIGHT), rule, None, NIGHT) is due(at(NIGHT, count=10), rule, None, NIGHT) is None
    assert due(at(NIGHT, count=10, urgent=1), rule, None, NIGHT) == URGENT
    morning = datetime(2026, 3, 12, 7, 0, tzinfo=UTC)
    assert forms_at(at(NIGHT), rule, None, NIGHT) == forms_at(at(NIGHT, count=99), rule, None, NIGHT) == morning
    assert due(at(NIGHT), rule, None, morning) == TICK
    assert forms_at(at(NIGHT, urgent=1), rule, None, NIGHT) == NIGHT


@pytest.mark.parametrize(
    ("now", "age", "last", "expected"),
    [
        ("09:00", 1, None, TICK),
        ("09:00", 60, "08:00", TICK),
        ("09:20", 10, "09:00", None),
        ("09:20", 30, None, TICK),
        ("09:59", 50, "09:00", None),
        ("10:00", 50, "09:00", TICK),
        ("10:30", 240, "09:00", TICK),
        ("09:20", 240, "09:00", None),
        ("09:20", 240, "23:00", TICK),
    ],
    ids=[
        *("at the hour", "at the hour, again", "came after it", "missed by a stop", "before the next"),
        *("at the next", "missed since the last batch", "left out of that hour's batch", "clock set back"),
    ],
)
def test_a_cron_line_forms_one_batch_an_hour(
    now: str, age: int, last: str | None, expected: BatchDecision | None
) -> None:
    def moment(text: str) -> datetime:
        return NOW.replace(hour=int(text[:2]), minute=int(text[3:]))

    waits = at(moment(now), timedelta(minutes=age))
    assert due(waits, CRON, moment(last) if last else None, moment(now)) == expected


def test_full_counts_for_a_window_and_not_for_a_cron_line() -> None:
    """What a full batch of that hour leaves behind would wait for the next one."""
    assert RULE.counts_from - CRON.counts_from == {"full", "urgent", "replay"}
    assert CRON.counts_from == {"tick", "once", "send"}


def test_a_rule_has_a_window_or_a_cron_line() -> None:
    for wrong in ({}, {"every": EVERY, "fires": hourly}):
        with pytest.raises(ValueError, match="not both"):
            BatchRule(max_count=1, max_bytes=1, **wrong)


@given(st.integers(0, 600), st.integers(0, 600), st.booleans(), st.booleans())
def test_what_is_due_when_it_was_told(age: int, since: int, cron: bool, closed: bool) -> None:
    rule = BatchRule(
        every=None if cron else EVERY,
        fires=hourly if cron else None,
        max_count=10,
        max_bytes=1000,
        calendar=OFFICE if closed else ALWAYS,
    )
    waits, last = at(NOW, timedelta(minutes=age)), NOW - timedelta(minutes=since)
    told = forms_at(waits, rule, last, NOW)
    assert told is not None and told >= NOW
    assert due(waits, rule, last, told) is not None
    if told > NOW:
        assert due(waits, rule, last, told - SECOND) is None
