"""Figures: right against a plain count of the dispatches, always up to date, the same on both engines."""

from __future__ import annotations

import math
import statistics as plain
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.figures import STEPS, WIDTH, Figures, Life, bucket, middle, quantile
from dispatcher.outbox.states import State
from dispatcher.service.statistics import Report, refresh, statistics
from tests.contract.store_kit import Seed
from tests.service.bench import Bench

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Town:
    """Dispatches with any life, and what a plain count says of them."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.seed = bench, Seed(bench.real, bench.clock)
        self.lives: list[tuple[str, dict[str, float]]] = []

    def one(
        self, address: str = "a@un.test", state: State = State.SENT, day: int = 0, fault: str = "", **after: float
    ) -> str:
        """``after``: seconds from the file to ``sent``, ``delivered``, ``read``."""
        received = T0 + timedelta(days=day)
        file = self.seed.file(received_at=received)
        report = self.seed.report(file_id=file.id)
        moments: dict[str, Any] = {
            f"{step}_at": received + timedelta(seconds=seconds) for step, seconds in after.items()
        }
        made = self.seed.dispatch(
            state,
            report=report,
            address=address,
            domain=address.partition("@")[2],
            label=f"Dr {address[0].upper()}",
            created_at=received + timedelta(seconds=1),
            due_at=received if state is State.DEFERRED else None,
            fault=fault,
            **moments,
        )
        return made.id

    def told(self, **wanted: Any) -> Report:
        since, until = wanted.pop("since", date(2026, 2, 1)), wanted.pop("until", date(2026, 3, 31))
        return statistics(self.bench.store, since=since, until=until, today=date(2026, 3, 31), **wanted)


def near(found: float | None, wanted: float) -> bool:
    return found is not None and math.isclose(found, wanted, rel_tol=0.03, abs_tol=0.03)


# ------------------------------------------------------------------------------------------------ pure


@given(st.floats(min_value=0, max_value=10**8))
def test_a_bucket_holds_its_time_to_two_and_a_half_percent(seconds: float) -> None:
    assert math.isclose(middle(bucket(seconds)) + 1, seconds + 1, rel_tol=(WIDTH - 1) / 2 + 0.001)


@given(st.lists(st.floats(min_value=0, max_value=10**6), min_size=1, max_size=50), st.sampled_from([0.5, 0.9]))
def test_a_quantile_is_one_of_the_values(values: list[float], share: float) -> None:
    found = quantile(Counter(map(bucket, values)), share)
    wanted = sorted(values)[math.ceil(share * len(values)) - 1]
    assert found is not None and math.isclose(found + 1, wanted + 1, rel_tol=0.026)


def test_no_time_is_no_quantile_and_a_step_back_is_no_time() -> None:
    assert quantile({}, 0.5) is None
    assert bucket(-3600) == bucket(0) == 0


def test_figures_add_up_and_are_kept() -> None:
    def life(state: State, seconds: float, fault: str = "") -> Life:
        sent = T0 + timedelta(seconds=seconds)
        return Life(
            channel="m",
            domain="d",
            address="a",
            label="",
            state=state,
            fault=fault,
            received_at=T0,
            sent_at=sent,
            delivered_at=None,
            read_at=None,
        )

    one, other = Figures(), Figures()
    one.add(life(State.SENT, 10))
    other.add(life(State.FAILED, 100, "5.1.1"))
    one.absorb(other.as_json())
    assert one.count == one.reached("sent") == 2 and one.faults == {"5.1.1": 1}
    assert near(one.quantile("sent", 0.9), 100)


# ------------------------------------------------------------------------------------------------ from the store


def test_times_by_recipient_domain_and_day(on_both: Bench) -> None:
    town = Town(on_both)
    waits = [60, 120, 180, 240, 300, 900, 1800]
    for number, wait in enumerate(waits):
        town.one(f"{'ab'[number % 2]}@un.test", State.READ, number % 3, sent=wait, delivered=wait * 2, read=wait * 10)
    town.one("c@deux.test", State.DELIVERED, 5, sent=30, delivered=60)
    told = town.told()
    assert [group.key for group in told.groups] == ["un.test", "deux.test"]
    figures = told.groups[0].figures
    for step, factor in zip(STEPS, (1, 2, 10), strict=True):
        assert near(figures.quantile(step, 0.5), plain.median(waits) * factor), step
        assert near(figures.quantile(step, 0.9), 1800 * factor)
    by_person = {group.key: group for group in town.told(by="recipient").groups}
    assert {key: group.figures.count for key, group in by_person.items()} == {
        "a@un.test": 4,
        "b@un.test": 3,
        "c@deux.test": 1,
    }
    assert by_person["a@un.test"].label == "Dr A"
    days = town.told(by="day").groups
    assert [(group.key, group.figures.count) for group in days] == [
        ("2026-03-01", 3),
        ("2026-03-02", 2),
        ("2026-03-03", 2),
        ("2026-03-06", 1),
    ]
    assert town.told(since=date(2026, 3, 2), until=date(2026, 3, 3)).whole.figures.count == 4


def test_states_faults_and_unread_share(on_both: Bench) -> None:
    town = Town(on_both)
    for _ in range(3):
        town.one(state=State.READ, sent=10, read=100)
    town.one(state=State.DELIVERED, sent=10, delivered=20)
    town.one(state=State.DELIVERED, day=28, sent=10, delivered=20)  # too young to be called unread
    town.one(state=State.PAPER)
    town.one(state=State.FAILED, fault="5.1.1")
    town.one(state=State.FAILED, fault="5.2.2")
    town.one(state=State.FAILED, fault="5.1.1")
    whole = town.told().whole
    assert whole.figures.states == {"read": 3, "delivered": 2, "paper": 1, "failed": 3}
    assert (whole.unread, whole.old, whole.unread_share) == (1, 4, 0.25)
    assert whole.figures.faults.most_common() == [("5.1.1", 2), ("5.2.2", 1)]


def test_whom_to_phone(on_both: Bench) -> None:
    town = Town(on_both)
    for number in range(4):
        town.one("lit@un.test", State.READ, number, sent=10, read=100)
        town.one("jamais@un.test", State.DELIVERED, number, sent=10, delivered=20)
        town.one("muet@sourd.test", State.DELIVERED, number, sent=10, delivered=20)
    town.one("parti@un.test", State.FAILED, fault="5.1.1")
    town.one("recent@un.test", State.SENT, 29, sent=10)
    told = town.told()
    assert [(one.address, one.failed, one.unread) for one in told.to_phone] == [
        ("jamais@un.test", 0, 4),
        ("parti@un.test", 1, 0),
    ]
    assert told.to_phone[1].faults == ("5.1.1",) and told.to_phone[0].label == "Dr J"
    assert told.silent_domains == ("sourd.test",), "nobody there ever says that he read: silence says nothing"


def test_figures_follow_every_move_and_are_made_again_only_where_something_moved(on_both: Bench) -> None:
    town = Town(on_both)
    first, _ = town.one(sent=10), town.one(day=2, sent=10)
    assert town.told().whole.figures.states == {"sent": 2}
    with on_both.real.transaction() as uow:
        uow.dispatches.move(first, State.READ, read_at=T0 + timedelta(seconds=500))
    assert refresh(on_both.store) == 1, "one day of two"
    assert refresh(on_both.store) == 0
    figures = town.told().whole.figures
    assert figures.states == {"sent": 1, "read": 1} and near(figures.quantile("read", 0.5), 500)


def test_an_interrupted_refresh_is_gone_on_with(on_both: Bench) -> None:
    town = Town(on_both)
    for day in range(4):
        town.one(day=day, sent=10)
    asked = iter([True, True, False])
    assert refresh(on_both.store, lambda: next(asked)) == 2
    with on_both.real.reading() as uow:
        assert uow.figures.head() is None
    assert town.told().whole.figures.count == 4


def test_a_day_worked_out_from_an_old_head_is_not_kept(on_both: Bench) -> None:
    town = Town(on_both)
    town.one(sent=10)
    refresh(on_both.store)
    with on_both.real.transaction() as uow:
        head = uow.figures.head()
        assert head is not None
        assert not uow.figures.put("2026-03-02", [], [], before=None)
        assert not uow.figures.put("2026-03-02", [], [], before=head - 1)
    assert town.told().whole.figures.count == 1, "what the faster one wrote stands"
    with on_both.real.transaction() as uow:
        assert uow.figures.put("2026-03-02", [], [], before=head)


def test_two_that_refresh_at_once_agree(on_both: Bench) -> None:
    town = Town(on_both)
    town.one(sent=10)
    refresh(on_both.store)
    town.one(day=1, sent=10)
    other: list[int] = []

    def meanwhile() -> bool:
        if not other:
            other.append(refresh(on_both.store))
        return True

    refresh(on_both.store, meanwhile)
    assert other == [1]
    assert town.told().whole.figures.count == 2
    with on_both.real.reading() as uow:
        assert uow.figures.head() == uow.figures.journal_number()


def test_a_day_is_that_of_paris_and_of_the_making(bench: Bench) -> None:
    town = Town(bench)
    seed = town.seed
    report = seed.report(file_id=seed.file(received_at=datetime(2026, 3, 28, 22, 0, tzinfo=UTC)).id)
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # the 29th in Paris, the day the clocks change
    seed.dispatch(State.SENT, report=report, created_at=late, sent_at=late)
    (day,) = town.told(by="day").groups
    assert day.key == "2026-03-29" and near(day.figures.quantile("sent", 0.5), 5400)


def test_an_empty_store_has_no_figures(on_both: Bench) -> None:
    told = Town(on_both).told()
    assert told.whole.figures.count == 0 and told.whole.unread_share is None and told.groups == told.to_phone == ()


@pytest.mark.parametrize("lines", [0, 10])
def test_with_too_many_lines_every_day_is_made_anew(
    on_both: Bench, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    town = Town(on_both)
    town.one(sent=10)
    town.one(day=1, sent=10)
    refresh(on_both.store)
    town.one(day=2, sent=10)
    monkeypatch.setattr("dispatcher.store.figures.MOST_LINES", lines)
    assert refresh(on_both.store) == (3 if lines == 0 else 1)
    assert town.told().whole.figures.count == 3
