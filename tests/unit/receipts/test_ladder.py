"""The ladder as a rule: working hours, holidays, both changes of clocks, the turn of the year; and what stops it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.calendar import PARIS, Calendar
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import State
from dispatcher.receipts.ladder import CLIMBING, Ladder, Next, Rung, Step, next_step
from dispatcher.settings.ladder import ChannelLadderSettings, LadderSettings, StepSettings
from dispatcher.wiring.schedule import ladders, public_holidays

OFFICE = Calendar(opens=time(8), closes=time(18), days=frozenset(range(5)), holidays=public_holidays("metropole"))
STEPS = (
    Step(rung=Rung.REMIND, wait=timedelta(hours=10)),
    Step(rung=Rung.SECOND, wait=timedelta(hours=10)),
    Step(rung=Rung.PAPER, wait=timedelta(hours=5)),
    Step(rung=Rung.PERSON, wait=timedelta(minutes=90), working=False, whom="Dr Essai"),
)
LADDER = Ladder(steps=STEPS, calendar=OFFICE)


def paris(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


def after(since: str, taken: int = 0, **more: object) -> Next | None:
    facts = {"state": State.SENT, "expects_read": True} | more
    return next_step(LADDER, since=paris(since), taken=taken, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("since", "hours", "at"),
    [
        ("2026-03-11T10:00", 10, "2026-03-12T10:00"),
        ("2026-03-11T07:00", 10, "2026-03-11T18:00"),
        ("2026-03-13T17:00", 2, "2026-03-16T09:00"),  # over a weekend
        ("2026-04-30T17:00", 2, "2026-05-04T09:00"),  # 1 May is a Friday
        ("2026-05-13T17:00", 2, "2026-05-15T09:00"),  # Ascension, a Thursday
        ("2026-12-31T17:00", 2, "2027-01-04T09:00"),  # the turn of the year
        ("2026-03-27T17:30", 1, "2026-03-30T08:30"),  # summer time began in between
        ("2026-10-23T17:30", 1, "2026-10-26T08:30"),  # and ended
    ],
)
def test_working_hours(since: str, hours: int, at: str) -> None:
    assert OFFICE.after(paris(since), timedelta(hours=hours)) == paris(at)


def test_a_night_with_a_change_of_clocks_is_an_hour_shorter_or_longer() -> None:
    night = Calendar(opens=time(20), closes=time(6))
    assert night.after(paris("2026-03-28T20:00"), timedelta(hours=9)) == paris("2026-03-29T06:00")
    assert night.after(paris("2026-10-24T20:00"), timedelta(hours=11)) == paris("2026-10-25T06:00")


@given(
    start=st.integers(0, 426 * 1440).map(
        lambda minutes: datetime(2025, 12, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    hours=st.floats(0.1, 200),
)
def test_open_time_between_is_what_was_asked(start: datetime, hours: float) -> None:
    """Counted minute by minute, another way."""
    span = timedelta(hours=round(hours * 60) / 60)
    end = OFFICE.after(start, span)
    assert end is not None and end.tzinfo is UTC
    at, count = start, timedelta()
    while at < end:
        step = timedelta(minutes=1)
        if not OFFICE.is_open(at):
            following = OFFICE.next_open(at)
            assert following is not None
            at = following
            continue
        count += step
        at += step
    assert count == span
    assert OFFICE.is_open(end - timedelta(minutes=1))


def test_rungs_follow_each_other() -> None:
    found = after("2026-03-11T10:00")
    assert found == Next(number=1, step=STEPS[0], at=paris("2026-03-12T10:00").astimezone(UTC))
    late = after("2026-03-25T09:00", taken=1)  # the service stood still for two weeks, and has just climbed the first
    assert late is not None and late.number == 2 and late.at == paris("2026-03-26T09:00")


@pytest.mark.parametrize(
    "facts",
    [
        {"state": State.READ},
        {"state": State.CLOSED},
        {"state": State.FAILED},
        {"acknowledged": True},
        {"superseded": True},
        {"expects_read": False},
        {"state": State.PAPER, "printed": True, "taken": 3},
        {"taken": 4},
        {"state": State.PAPER},
    ],
)
def test_what_stops_the_climb(facts: dict[str, object]) -> None:
    assert after("2026-03-11T10:00", **facts) is None


def test_where_no_receipt_can_be_hoped_for_only_rungs_set_so_are_climbed() -> None:
    ladder = Ladder(steps=(STEPS[0], Step(rung=Rung.PERSON, wait=timedelta(hours=1), working=False, always=True)))
    since = paris("2026-03-11T10:00")
    found = next_step(ladder, state=State.DELIVERED, since=since, taken=0, expects_read=False)
    assert found is not None and (found.number, found.step.rung) == (2, Rung.PERSON)


def test_on_paper_only_a_person_is_called() -> None:
    ladder = Ladder(steps=(STEPS[2], STEPS[0], STEPS[1], STEPS[3]), calendar=OFFICE)
    found = next_step(ladder, state=State.PAPER, since=paris("2026-03-11T10:00"), taken=1, expects_read=True)
    assert found is not None and found.number == 4


steps = st.lists(
    st.builds(
        Step,
        rung=st.sampled_from(Rung),
        wait=st.timedeltas(timedelta(minutes=1), timedelta(hours=60)),
        working=st.booleans(),
        always=st.booleans(),
    ),
    max_size=6,
)


@given(
    steps=steps,
    since=st.floats(0, 1094).map(lambda days: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days)),
    expects=st.booleans(),
    delays=st.lists(st.timedeltas(timedelta(), timedelta(days=9)), min_size=6, max_size=6),
)
def test_whatever_the_ladder_each_rung_once_in_order_and_never_early(
    steps: list[Step], since: datetime, expects: bool, delays: list[timedelta]
) -> None:
    """As the program climbs: looked at late, by any delay, with the state that rungs bring."""
    ladder = Ladder(steps=tuple(steps), calendar=OFFICE)
    state, taken, climbed = State.SENT, 0, list[int]()
    for delay in delays:
        found = next_step(ladder, state=state, since=since, taken=taken, expects_read=expects)
        if found is None:
            break
        assert found.number > taken and found.step is steps[found.number - 1]
        assert found.at >= since + found.step.wait
        assert not found.step.working or OFFICE.is_open(found.at - timedelta(microseconds=1))
        assert expects or found.step.always
        assert state is not State.PAPER or found.step.rung is Rung.PERSON
        since, taken = found.at + delay, found.number
        climbed.append(found.number)
        if found.step.rung is Rung.PAPER:
            state = State.PAPER
    assert climbed == sorted(set(climbed))
    left = [n for n, step in enumerate(steps, 1) if n > taken and (expects or step.always)]
    assert state is State.PAPER or not left or len(climbed) == len(delays), "no rung is left out"


@given(state=st.sampled_from(State), taken=st.integers(0, 5))
def test_no_other_state_climbs(state: State, taken: int) -> None:
    found = next_step(LADDER, state=state, since=paris("2026-03-11T10:00"), taken=taken, expects_read=True)
    assert found is None or state in CLIMBING


def test_settings_make_a_ladder_per_urgency_and_a_channel_may_have_its_own() -> None:
    whole = LadderSettings(person="Dr Garde")
    usual = ladders(whole, ChannelLadderSettings())
    assert [step.rung for step in usual[Lane.ROUTINE].steps] == [Rung.REMIND]
    assert [step.whom for step in usual[Lane.URGENT].steps] == ["Dr Garde", "Dr Garde"]
    assert all(not step.working for step in usual[Lane.URGENT].steps)
    own = ladders(whole, ChannelLadderSettings(routine=[], urgent=[StepSettings(do="paper", working_hours=2)]))
    assert own[Lane.ROUTINE].steps == () and own[Lane.URGENT].steps[0].rung is Rung.PAPER


@pytest.mark.parametrize("wrong", [{}, {"working_hours": 1, "minutes": 1}, {"minutes": 5, "whom": "x"}])
def test_a_rung_waits_one_way_and_only_people_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"whom|working_hours"):
        StepSettings(do="remind", **wrong)  # type: ignore[arg-type]
