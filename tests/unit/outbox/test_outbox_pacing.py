"""The pace is never exceeded in any sliding window (promise 4), and hardly any of it is left unused."""

from __future__ import annotations

import itertools
import json
from bisect import bisect_right
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.outbox.ledger import SLOTS, Ledger, Track, from_json
from dispatcher.outbox.pacing import DAY, HASTE, PaceLimit, Shares, Window, per_minute

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

limits = st.builds(
    lambda most, share, seconds, hour, jitter: PaceLimit(
        per_window=most,
        burst=max(1, int(most * share)),
        window=timedelta(seconds=seconds),
        longer=() if hour is None else (Window(hour, timedelta(seconds=seconds * 7)),),
        jitter=jitter,
    ),
    st.integers(1, 60),
    st.floats(0, 1),
    st.integers(10, 120),
    st.none() | st.integers(1, 300),
    st.sampled_from([0.0, 0.2, 0.5]),
)


def most_in(moments: list[int], window: timedelta) -> int:
    """The most hand-overs in any window ``[start, start + window)``; moments in milliseconds, rising."""
    length = window.total_seconds() * 1000
    return max((n + 1 - bisect_right(moments, at - length) for n, at in enumerate(moments)), default=0)


def saturated(limit: PaceLimit, seconds: float, *, late: int = 0) -> list[int]:
    """Moments of the grants to somebody who always wants one more, and comes ``late`` ms after he may."""
    ledger, now, moments = Ledger("x"), 0, []
    while now < seconds * 1000:
        wait = ledger.wait(limit, now, now / 1000)
        if wait:
            now += wait + late
            continue
        ledger = ledger.granted(limit, now, now / 1000)
        moments.append(now)
    return moments


@given(limit=limits, asks=st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 80)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_window_ever_holds_more_than_the_limit(limit: PaceLimit, asks: list[tuple[int, int]]) -> None:
    ledger, now, moments = Ledger("x"), 0, []
    for pause, wanted in asks:
        now += pause
        for _ in range(wanted):
            if ledger.wait(limit, now):
                break
            ledger = ledger.granted(limit, now)
            moments.append(now)
        ledger = from_json(json.loads(json.dumps(ledger.as_json())))
    for window in limit.windows:
        assert most_in(moments, window.length) <= window.most
    assert max((moments.count(at) for at in moments), default=0) <= limit.burst


@given(limit=limits, seed=st.lists(st.integers(0, 20_000), max_size=40))
@settings(max_examples=200, deadline=None)
def test_after_the_wait_one_more_is_granted_and_not_before(limit: PaceLimit, seed: list[int]) -> None:
    ledger, now = Ledger("x"), 0
    for pause in seed:
        now += pause
        if not ledger.wait(limit, now):
            ledger = ledger.granted(limit, now)
    wait = ledger.wait(limit, now)
    assert ledger.wait(limit, now + wait) == 0
    assert wait == 0 or ledger.wait(limit, now + wait - 1) > 0


@pytest.mark.parametrize("jitter", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 60, 600, 3000])
def test_at_least_97_percent_of_the_rate_is_used(count: int, jitter: float) -> None:
    """With a line that comes five milliseconds late to each of its waits, as a commit makes it."""
    minutes = 50 if count < 100 else 8
    moments = saturated(per_minute(count, None, jitter=jitter), minutes * 60, late=5)
    whole = len([at for at in moments if at >= 60_000])
    assert most_in(moments, MINUTE) <= count
    assert whole >= 0.97 * count * (minutes - 1) - 1


def test_all_windows_hold_together() -> None:
    limit = per_minute(10, longer=(Window(100, HOUR), Window(1000, DAY)), jitter=0.2)
    moments = saturated(limit, 3 * 86_400)
    assert most_in(moments, MINUTE) == 10
    assert most_in(moments, HOUR) == 100
    assert most_in(moments, DAY) == 1000
    assert len(moments) >= 2_950


def test_a_window_is_spread_over_its_time() -> None:
    """Not 60 mails in the first second and then a minute of silence."""
    moments = saturated(per_minute(60, 15), 600)
    assert most_in(moments, timedelta(seconds=15 * HASTE)) == 15
    gaps = [b - a for a, b in itertools.pairwise(moments)]
    assert max(gaps) < 18_000


@given(jitter=st.sampled_from([0.1, 0.3, 0.5]))
def test_jitter_leaves_gaps_of_chance(jitter: float) -> None:
    moments = saturated(per_minute(60, jitter=jitter), 600)
    gaps = [b - a for a, b in itertools.pairwise(moments)]
    assert len(set(gaps)) > len(gaps) / 4
    assert 0.6 * jitter < sum(gap for gap in gaps if gap <= 2000 * jitter) / 1000 / len(gaps)
    assert max(moments.count(at) for at in moments) <= 2


def test_a_new_account_warms_up() -> None:
    limit = per_minute(60, warm_up=((1, 50), (3, 200)), longer=(Window(1000, DAY),))
    days = [0] * 6
    for at in (moments := saturated(limit, 6 * 86_400)):
        days[at // 86_400_000] += 1
    assert days[0] == 50
    assert most_in([at for at in moments if at < 3 * 86_400_000], DAY) <= 200
    assert days[1] + days[2] >= 390
    assert most_in(moments, DAY) == 1000
    assert [limit.warming(day * 86_400.0) for day in (0, 0.99, 1, 2.99, 3, 400)] == [50, 50, 200, 200, None, None]


# ------------------------------------------------------------------------------------------------ several who count


@given(
    limit=limits,
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 25_000), st.sampled_from(["ask", "ask", "look", "restart"])),
        max_size=60,
    ),
    offsets=st.tuples(*[st.integers(-(10**9), 10**9)] * 3),
)
@settings(max_examples=300, deadline=None)
def test_nodes_that_share_no_clock_never_exceed_it_together(
    limit: PaceLimit, steps: list[tuple[int, int, str]], offsets: tuple[int, int, int]
) -> None:
    """The row holds what its last writer knew, in his time; each node adds what it saw itself (``store/pace.py``)."""
    true, moments = 0, []
    row, written_by, written_at = Ledger("x"), 0, offsets[0]
    memory: list[Ledger | None] = [None, None, None]
    for node, pause, what in steps:
        true += pause
        now = true + offsets[node]
        if what == "restart":
            memory[node] = None
        ledger = row if written_by == node and what != "restart" else row.moved(now - written_at)
        own = memory[node]
        ledger = ledger if own is None else ledger.joined(own)
        memory[node] = ledger
        while what == "ask" and not ledger.wait(limit, now):
            ledger = ledger.granted(limit, now)
            row, written_by, written_at = ledger, node, now
            moments.append(true)
            if len(moments) % 7 == 0:
                break
    for window in limit.windows:
        assert most_in(moments, window.length) <= window.most


def test_what_another_node_wrote_ages_from_when_it_was_written() -> None:
    limit = PaceLimit(per_window=2, window=MINUTE, burst=2)
    there = Ledger("x").granted(limit, 5_000).granted(limit, 25_000)
    here = there.moved(1_000_000 - 45_000)  # written at 45 s there; how long ago, nobody here knows
    assert here.wait(limit, 1_000_000) == limit.windows[0].span - 40_000 + 1
    seen = here.joined(here)
    assert seen.wait(limit, 1_010_000) == here.wait(limit, 1_000_000) - 10_000


def test_facts_of_two_are_joined_by_the_earlier_proof() -> None:
    mine, theirs = Track(2, ((100, 3), (300, 5))), Track(1, ((90, 2), (120, 4), (400, 5)))
    both = Track(2, ((100, 3), (120, 4), (300, 5)))
    assert mine.joined(theirs, 1_000) == theirs.joined(mine, 1_000) == both


def test_the_ledger_stays_short() -> None:
    limit = per_minute(3000, longer=(Window(100_000, HOUR), Window(10**6, DAY)), jitter=0.3)
    ledger, now = Ledger("x"), 0
    for step in range(20_000):
        now += ledger.wait(limit, now) + step % 40
        ledger = ledger.granted(limit, now)
    assert all(len(track.facts) <= 2 * SLOTS + 2 for track in ledger.tracks.values())
    assert len(json.dumps(ledger.as_json())) < 5_000


@given(steps=st.lists(st.tuples(st.integers(0, 120), st.booleans(), st.integers(0, 500)), min_size=200, max_size=600))
@settings(max_examples=50, deadline=None)
def test_it_stays_short_also_when_what_was_seen_is_joined_again_and_again(steps: list[tuple[int, bool, int]]) -> None:
    """What is left out costs no more than a slot, however often it is joined."""
    kept, now, grants = 5_000, 0, list[int]()
    here, seen = Track(), Track()
    there, known = Track(), Track()
    for pause, look, by in steps:
        now += pause
        if look:
            here = seen = here.joined(seen, kept)
            there = known = there.moved(by).joined(known, kept)  # written by somebody whose clock shows ``by`` more
        grants.append(now)
        here, there = here.noted(now, len(grants), kept), there.noted(now, len(grants), kept)
        assert max(len(here.facts), len(there.facts)) <= 2 * SLOTS + 2
        for at in (now - kept // 2, now):
            assert there.by(at) <= bisect_right(grants, at)
            assert bisect_right(grants, at - kept // SLOTS) <= here.by(at) <= bisect_right(grants, at)


def test_a_window_that_was_not_asked_about_before_knows_what_the_others_know() -> None:
    limit, longer = per_minute(10), per_minute(10, longer=(Window(12, HOUR),))
    ledger = Ledger("x")
    for _ in range(10):
        ledger = ledger.granted(limit, ledger.wait(limit, 0))
    now = 60_000 + ledger.wait(longer, 60_000)
    for _ in range(2):
        now += ledger.wait(longer, now)
        ledger = ledger.granted(longer, now)
    assert ledger.wait(longer, now) > 3_400_000


def test_an_unwritten_past_counts_as_a_full_minute() -> None:
    limit = per_minute(60, 60, longer=(Window(100, HOUR),))
    ledger = Ledger("x").charged(limit, 1000)
    assert ledger.wait(limit, 1000) > 60_000
    assert ledger.wait(limit, 62_000) == 0


def test_idle_is_when_nothing_counts_any_more() -> None:
    limit = per_minute(10, longer=(Window(12, HOUR),))
    ledger = Ledger("x").granted(limit, 0)
    assert Ledger("x").idle(0)
    assert [ledger.idle(ms) for ms in (0, 61_000, 3_600_000, 3_604_000)] == [False, False, False, True]


# ------------------------------------------------------------------------------------------------ the limits


@pytest.mark.parametrize(("count", "burst", "expected"), [(60, None, 15), (1, None, 1), (3, None, 1), (60, 100, 60)])
def test_the_default_burst_is_a_quarter(count: int, burst: int | None, expected: int) -> None:
    assert per_minute(count, burst).burst == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_window": 0, "burst": 0},
        {"burst": 6},
        {"burst": 0},
        {"jitter": 0.6},
        {"jitter": -0.1},
        {"warm_up": ((2, 5), (1, 5))},
        {"warm_up": ((1, 5), (1, 6))},
        {"warm_up": ((1, 0),)},
        {"window": timedelta(0)},
    ],
)
def test_a_limit_that_cannot_be(wrong: dict[str, object]) -> None:
    values: dict[str, object] = {"per_window": 5, "burst": 5, "window": MINUTE}
    with pytest.raises(ValueError):
        _ = PaceLimit(**(values | wrong)).windows  # type: ignore[arg-type]


@given(limit=limits, history=st.lists(st.integers(0, 20_000), max_size=40), within=st.integers(0, 9_000))
@settings(max_examples=200, deadline=None)
def test_the_room_is_what_may_leave_until_then(limit: PaceLimit, history: list[int], within: int) -> None:
    limit = replace(limit, jitter=0)
    ledger, now = Ledger("x"), 0
    for pause in history:
        now += pause
        if not ledger.wait(limit, now):
            ledger = ledger.granted(limit, now)
    room, left, shortest = ledger.room(limit, now, within), 0, min(rule.span for rule in limit.rules(0, 0))
    exact = within < shortest
    while (wait := ledger.wait(limit, now)) <= within and left <= room:
        now, within = now + wait, within - wait
        ledger = ledger.granted(limit, now)
        left += 1
    assert left == room if exact else left <= room


def test_how_long_a_backlog_takes() -> None:
    limit = per_minute(60, 15, longer=(Window(600, HOUR),))
    assert [limit.seconds_for(count) for count in (0, 15, 75, 600)] == [0, 0, 60, 585]
    assert limit.seconds_for(1200) == 3600
    assert limit.per_second == 600 / 3600
    assert limit.longest == HOUR and per_minute(1, warm_up=((1, 5),)).longest == DAY


def test_a_domain_may_have_its_own_limit() -> None:
    shares = Shares(domain=per_minute(10), domains={"grand.test": per_minute(30)})
    assert shares.of_domain("grand.test") == per_minute(30)
    assert shares.of_domain("autre.test") == per_minute(10)
    assert Shares().of_domain("autre.test") is None
