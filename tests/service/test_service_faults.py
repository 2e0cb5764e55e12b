"""The table of faults with a scripted operator and a clock of the test; and the page that shows it."""

from __future__ import annotations

from collections import Counter

import pytest

from dispatcher.errors import StoreError, TransportError, TryLater
from dispatcher.outbox.states import State
from tests.fakes import FaultyStore, ReplyLost
from tests.service.bench import Bench
from tests.service.faulty import CHANNEL, check_wait, expected, go_on, pause, told, waiting
from tests.service.samples import dsn
from tests.tools.fault_table import FAULTS, PAGE, STORE_FAULTS, Fault, page

BY_NAME = {fault.name: fault for fault in (*FAULTS, *STORE_FAULTS)}


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.tools.fault_table"


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(FAULTS) + len(STORE_FAULTS)


def arrange(bench: Bench, fault: Fault) -> None:
    error = fault.raised
    if error is None:
        return
    if fault.at_open:
        bench.transport.at_open = [error]
    else:
        bench.transport.endings = [ReplyLost(error) if fault.kept else error]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_becomes_of_the_mail(bench: Bench, fault: Fault) -> None:
    (dispatch,) = waiting(bench)
    arrange(bench, fault)
    bench.send(CHANNEL)
    assert told(bench, dispatch) == expected(fault)
    assert bool(bench.transport.accepted) is fault.kept
    check_wait(bench, dispatch, fault)
    if fault.state is State.SENT and fault.after is State.FAILED:
        bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address, "failed"))
        bench.collect()
    go_on(bench, fault)
    assert bench.get(dispatch.id).state is fault.after
    assert Counter(one.message_id for one in bench.transport.accepted)[dispatch.message_id] <= 1


@pytest.mark.parametrize("fault", [one for one in FAULTS if not one.paused], ids=lambda fault: fault.name)
def test_the_others_leave_all_the_same(bench: Bench, fault: Fault) -> None:
    """A fault of one mail is no fault of the next."""
    first, *others = waiting(bench, count=3)
    arrange(bench, fault)
    bench.send(CHANNEL)
    bench.send(CHANNEL)
    assert bench.get(first.id).state is fault.state
    assert {bench.get(other.id).state for other in others} == {State.SENT}


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.paused], ids=lambda fault: fault.name)
def test_no_other_mail_is_spent_on_a_fault_of_the_channel(bench: Bench, fault: Fault) -> None:
    mails = waiting(bench, count=3)
    arrange(bench, fault)
    bench.send(CHANNEL)
    assert len(bench.transport.handed) <= 1
    assert {bench.get(mail.id).attempts for mail in mails} == {0}
    assert bench.transport.opened == 1
    bench.send(CHANNEL)
    assert bench.transport.opened == 1, "nobody knocks while it waits"


def test_our_own_disk_is_full_while_an_outcome_waits(bench: Bench) -> None:
    (dispatch,) = waiting(bench)
    back_at = bench.clock.elapsed + 3600

    def fault(number: int, when: str) -> StoreError | None:
        full = number > 2 and when == "before" and bench.clock.elapsed < back_at
        return StoreError("Plus de place.", code="disk-full") if full else None

    bench.use(FaultyStore(bench.real, fault))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        bench.send(CHANNEL)
    assert told(bench, dispatch) == expected(BY_NAME["own-disk-full"])
    assert len(bench.transport.handed) == 1


def test_the_database_is_lost_while_it_notes_a_start(bench: Bench) -> None:
    (dispatch,) = waiting(bench)
    lost = StoreError("Perdue.", code="commit-unknown")
    bench.use(FaultyStore(bench.real, lambda number, when: lost if (number, when) == (2, "after") else None))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        bench.send(CHANNEL)
    assert told(bench, dispatch) == expected(BY_NAME["own-commit-in-doubt"])
    assert bench.transport.handed == []
    bench.use(bench.real)
    go_on(bench, BY_NAME["own-commit-in-doubt"])
    assert bench.get(dispatch.id).state is State.SENT


@pytest.mark.parametrize(
    "away",
    [
        TryLater("Serveur injoignable.", stage="connect"),
        BY_NAME["wrong-password"].raised,
    ],
    ids=["server-away", "wrong-password"],
)
def test_six_hours_away_cost_nothing_but_time(bench: Bench, away: TransportError) -> None:
    """Tried again by itself; then all of it leaves, no attempt used up, and the journal is not full of it."""
    mails = waiting(bench, count=20)
    with bench.real.reading() as uow:
        before = uow.journal.verify()[0]
    back_at = bench.clock.elapsed + 6 * 3600
    while bench.clock.elapsed < back_at:
        bench.transport.at_open = [away]
        bench.send(CHANNEL)
        assert pause(bench)
        bench.clock.advance(5)
        bench.recover() if bench.clock.elapsed % 600 < 5 else None
    with bench.real.reading() as uow:
        during = uow.journal.verify()[0] - before
    assert {(bench.get(mail.id).state, bench.get(mail.id).attempts) for mail in mails} == {(State.QUEUED, 0)}
    assert during <= 300, "lines of journal"
    assert bench.transport.handed == []
    bench.transport.at_open = []
    tried = bench.transport.opened
    for _ in range(400):
        bench.clock.advance(5)
        bench.send(CHANNEL)
    assert {bench.get(mail.id).state for mail in mails} == {State.SENT}
    assert {bench.get(mail.id).attempts for mail in mails} == {1}
    assert [one.message_id for one in bench.transport.accepted] == [mail.message_id for mail in mails]
    assert tried <= 6 * 60 / 5 + 5, "a knock every five minutes, but for the first ones"
