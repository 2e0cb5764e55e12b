"""The pace is never exceeded in any sliding window (promise 4), whatever is asked and whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.outbox.pacing import MAX_BACKWARD, Bucket, PaceLimit, fresh, grant, next_at, per_minute

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)

limits = st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 120)).map(
    lambda t: PaceLimit(per_window=max(t[0], t[1]), burst=min(t[0], t[1]), window=timedelta(seconds=t[2]))
)


@given(limit=limits, asks=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 80)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_window_ever_holds_more_than_the_limit(limit: PaceLimit, asks: list[tuple[float, int]]) -> None:
    bucket, now, given_out = fresh(limit, NOW), NOW, []
    for seconds, wanted in asks:
        now += timedelta(seconds=seconds)
        granted, bucket = grant(bucket, wanted, limit, now)
        assert 0 <= granted <= wanted
        given_out.append((now, granted))
    for start, _ in given_out:
        inside = sum(count for at, count in given_out if start <= at < start + limit.window)
        assert inside <= limit.per_window


@given(
    limit=limits, steps=st.lists(st.tuples(st.floats(0, 30), st.floats(-7200, 7200), st.integers(0, 80)), max_size=40)
)
@settings(max_examples=200, deadline=None)
def test_a_clock_set_back_never_lets_more_through(limit: PaceLimit, steps: list[tuple[float, float, int]]) -> None:
    """Real time only goes on; the wall clock also jumps backward. Jumps forward look like time gone by and are not
    tried: no program can tell them apart.
    """
    bucket, real, wall, given_out = fresh(limit, NOW), NOW, NOW, []
    for seconds, jump, wanted in steps:
        real += timedelta(seconds=seconds)
        wall += timedelta(seconds=seconds + min(jump, 0))
        granted, bucket = grant(bucket, wanted, limit, wall)
        given_out.append((real, granted))
    for start, _ in given_out:
        inside = sum(count for at, count in given_out if start <= at < start + limit.window)
        assert inside <= limit.per_window


@given(limit=limits, wanted=st.integers(1, 100))
def test_next_at_is_when_one_more_is_granted(limit: PaceLimit, wanted: int) -> None:
    _, bucket = grant(fresh(limit, NOW), wanted, limit, NOW)
    at = next_at(bucket, limit, NOW)
    assert at >= NOW
    if limit.per_window > limit.burst:
        assert grant(bucket, 1, limit, at + timedelta(milliseconds=1))[0] == 1


def test_a_clock_set_back_far_starts_again_empty() -> None:
    limit = per_minute(60)
    granted, bucket = grant(fresh(limit, NOW), 1, limit, NOW - MAX_BACKWARD - timedelta(seconds=1))
    assert granted == 0 and bucket == Bucket(tokens=0.0, updated=NOW - MAX_BACKWARD - timedelta(seconds=1))


@pytest.mark.parametrize(("count", "burst", "expected"), [(60, None, 15), (1, None, 1), (3, None, 1), (60, 100, 60)])
def test_the_default_burst_is_a_quarter(count: int, burst: int | None, expected: int) -> None:
    assert per_minute(count, burst).burst == expected


@pytest.mark.parametrize(("per_window", "burst"), [(0, 0), (5, 6), (5, 0)])
def test_a_limit_that_cannot_be(per_window: int, burst: int) -> None:
    with pytest.raises(ValueError):
        PaceLimit(per_window=per_window, window=timedelta(minutes=1), burst=burst)
