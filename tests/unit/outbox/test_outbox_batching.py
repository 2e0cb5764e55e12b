"""When a batch is due: urgent at once, full at once, else at the end of a window; and nothing waits for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.batching import BatchDecision, BatchRule, Waiting, due

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
