"""When a mail of unknown outcome may be sent again: never by default, late, and not often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.doubt import REPLAYED, RESENT, DoubtPolicy, resends
from dispatcher.outbox.states import State

NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)
DAY = DoubtPolicy(resend_after=timedelta(hours=24))


def dispatch(since: datetime | None, state: State = State.UNKNOWN) -> Dispatch:
    return Dispatch(
        id="D1", report_id="r", chain="c", version=1, state=state, recipient_key="k", role="x", unknown_since=since
    )


def test_never_by_default() -> None:
    assert not DoubtPolicy().due(dispatch(NOW - timedelta(days=3650)), NOW)


@pytest.mark.parametrize(("hours", "due"), [(0, False), (23.99, False), (24, True), (500, True)])
def test_not_before_its_time(hours: float, due: bool) -> None:
    assert DAY.due(dispatch(NOW - timedelta(hours=hours)), NOW) is due


def test_a_clock_set_back_makes_nothing_due() -> None:
    assert not DAY.due(dispatch(NOW + timedelta(hours=30)), NOW)


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNKNOWN])
def test_only_what_is_in_doubt(state: State) -> None:
    assert not DAY.due(dispatch(NOW - timedelta(days=9), state), NOW)


def test_a_doubt_without_a_beginning_waits_for_a_person() -> None:
    assert not DAY.due(dispatch(None), NOW)


@pytest.mark.parametrize(
    ("events", "most", "may"),
    [
        ([], 1, True),
        (["dispatch.sending", RESENT, "dispatch.unknown"], 1, False),
        ([RESENT], 2, True),
        ([RESENT, RESENT], 2, False),
        ([RESENT, REPLAYED, "dispatch.unknown"], 1, True),
        ([RESENT, REPLAYED, RESENT], 1, False),
    ],
)
def test_a_person_begins_the_count_anew(events: list[str], most: int, may: bool) -> None:
    policy = DoubtPolicy(resend_after=timedelta(hours=1), max_resends=most)
    assert policy.may_resend(dispatch(NOW - timedelta(hours=2)), events, NOW) is may
    assert resends(events) <= 2


def test_it_alarms_at_its_age() -> None:
    policy = DoubtPolicy(alarm_after=timedelta(hours=4))
    assert not policy.alarms(None, NOW)
    assert not policy.alarms(NOW - timedelta(hours=3.9), NOW)
    assert policy.alarms(NOW - timedelta(hours=4), NOW)
