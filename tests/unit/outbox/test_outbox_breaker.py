"""The circuit breaker: opens after failures in a row, lets one probe through, never rests for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.breaker import Breaker, BreakerRule, Circuit, notice_says_destination, says_destination

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
RULE = BreakerRule()


def after(*events: str, rule: BreakerRule = RULE, now: datetime = NOW) -> Breaker:
    breaker = Breaker()
    for event in events:
        breaker = happen(breaker, event, rule, now)
    return breaker


def happen(breaker: Breaker, event: str, rule: BreakerRule, now: datetime) -> Breaker:
    match event:
        case "failed":
            return breaker.failed(rule, now)
        case "noticed":
            return breaker.noticed(rule, now)
        case "probe" if breaker.state is Circuit.OPEN:
            return replace(breaker, state=Circuit.HALF)
        case "probe":
            return breaker
        case "passed":
            return breaker.passed()
        case _:
            return breaker.reached()


def test_it_opens_after_five_failures_in_a_row() -> None:
    assert after(*["failed"] * 4).state is Circuit.CLOSED
    opened = after(*["failed"] * 5)
    assert (opened.state, opened.probe_at) == (Circuit.OPEN, NOW + timedelta(minutes=1))
    assert after(*["failed"] * 4, "passed", *["failed"] * 4).state is Circuit.CLOSED


def test_a_probe_that_fails_makes_it_rest_twice_as_long_up_to_half_an_hour() -> None:
    breaker, waits = after(*["failed"] * 5), []
    for _ in range(7):
        assert breaker.probe_at is not None
        waits.append((breaker.probe_at - NOW) / timedelta(minutes=1))
        assert breaker.failed(RULE, NOW).probe_at == breaker.probe_at, "one of those under way before it opened"
        breaker = replace(breaker, state=Circuit.HALF).failed(RULE, NOW)
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert breaker.passed() == Breaker(), "one mail through, and all is forgotten"


def test_notices_of_failure_open_it_though_the_operator_accepts_everything() -> None:
    events = ["noticed", "passed", "passed"] * 5
    opened = after(*events[:13])
    assert opened.state is Circuit.OPEN
    assert opened.passed().state is Circuit.CLOSED
    again = opened.passed().noticed(RULE, NOW)
    assert again.state is Circuit.OPEN and again.probe_at == NOW + timedelta(minutes=2)
    assert again.reached() == Breaker(), "a mail in a mailbox there"


def test_more_notices_while_it_rests_do_not_make_it_rest_longer() -> None:
    """They speak of mails handed over before it opened."""
    opened = after(*["noticed"] * 5)
    assert opened.noticed(RULE, NOW).probe_at == opened.probe_at


@given(
    st.lists(st.sampled_from(["failed", "probe", "noticed", "passed", "reached"]), max_size=60),
    st.integers(1, 8),
)
def test_whatever_happens_it_can_be_tried_again_within_the_longest_rest(events: list[str], failures: int) -> None:
    rule = BreakerRule(failures=failures)
    breaker = after(*events, rule=rule)
    if breaker.state is Circuit.CLOSED:
        assert breaker.failures < failures or breaker.failures == 0
        assert breaker.probe_at is None
    else:
        assert breaker.probe_at is not None
        assert rule.first <= breaker.probe_at - NOW <= rule.maximum
    if events[-1:] and events[-1] in {"passed", "reached"}:
        assert breaker.state is Circuit.CLOSED


@pytest.mark.parametrize(
    ("reply", "status", "speaks"),
    [
        (451, "4.4.1", True),
        (450, "4.7.1", True),
        (451, "4.3.0", True),
        (450, "", True),
        (452, "4.2.2", False),
        (452, "", False),
        (422, "", False),
        (450, "4.1.1", False),
        (421, "4.3.2", False),
        (None, "", False),
    ],
)
def test_what_a_server_says_of_one_mailbox_or_of_our_line_is_not_the_destination(
    reply: int | None, status: str, speaks: bool
) -> None:
    assert says_destination(reply, status) is speaks


@pytest.mark.parametrize(
    ("status", "speaks"),
    [("5.4.4", True), ("4.4.7", True), ("5.1.2", True), ("5.1.1", False), ("5.2.2", False), ("", False), ("x", False)],
)
def test_what_a_notice_says_of_a_destination(status: str, speaks: bool) -> None:
    assert notice_says_destination(status) is speaks


def test_a_rule_that_cannot_be() -> None:
    for wrong in ({"failures": 0}, {"first": timedelta(0)}, {"factor": 0.5}):
        with pytest.raises(ValueError, match="at least"):
            BreakerRule(**wrong)  # type: ignore[arg-type]
