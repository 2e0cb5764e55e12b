"""Of a mail sent by a second way, the reading of one copy ends the other's: alarm, letter, reminder, what waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.receipts.ladder import Rung, Step
from dispatcher.service import operate, overview, print_run
from dispatcher.service.answer import _missed
from tests.service.bench import DURAND, PETIT, Bench
from tests.service.samples import mdn, oru
from tests.service.test_service_ladder import SECOND_NOW, entry, go, rules, sent, steps
from tests.unit.receipts.test_ladder import STEPS

CABINET = "durand.cabinet@dest.test"
CALL = Step(rung=Rung.PERSON, wait=timedelta(hours=1), whom="Dr Garde")
PAPER = Step(rung=Rung.PAPER, wait=timedelta(hours=1))
TO = "99700000013^DURAND^Pierre^^^^^^RPPS&1.2.250.1.71.4.2.1&ISO^^^^RPPS"


@pytest.fixture(autouse=True)
def two_boxes(bench: Bench) -> None:
    bench.directory.entries = [entry(DURAND, 1), entry(CABINET, 2)]


def twice(bench: Bench, *after: Step, leave: bool = True) -> tuple[Dispatch, Dispatch]:
    """Nobody read the first, so there is a second copy; then the rungs after it."""
    one = sent(bench, oru(to=TO))
    wanted = rules(SECOND_NOW, *after)
    while not bench.dispatches(resend_of=one.id):
        go(bench, wanted, 0.5)
    (copy,) = bench.dispatches(resend_of=one.id)
    if leave:
        bench.batch()
        bench.send()
    go(bench, wanted, 24 * 5)
    return bench.get(one.id), bench.get(copy.id)


def correction(to: str = TO) -> bytes:
    return oru(to=to, status="C", control="M2", sent="20260312090500", at="20260312090000")


def of_version(bench: Bench, version: int) -> list[Dispatch]:
    return [one for one in bench.dispatches() if one.version == version]


def read(bench: Bench, one: Dispatch) -> None:
    bench.mailbox.arrive(mdn(one.message_id, one.address))
    bench.collect()
    assert bench.get(one.id).state is State.READ


def test_reading_the_copy_ends_the_alarm_and_the_reminder_and_is_told(bench: Bench) -> None:
    one, copy = twice(bench, STEPS[0], CALL)
    assert [row.rung for row in steps(bench, one.id)][-1] == "person"
    view = overview.status(bench.real, bench.clock, bench.channels)
    assert [call.id for call in view.calling] == [one.id] and view.unread == 1
    read(bench, copy)
    view = overview.status(bench.real, bench.clock, bench.channels)
    assert view.calling == () and view.unread == 0
    found = bench.get(one.id)
    assert found.state is State.SENT and found.climb_at is None
    assert found.reason == f"La seconde copie {copy.id} a été lue."
    assert bench.events(one.id)[-1] == "dispatch.second-read"
    with bench.real.reading() as uow:
        assert uow.ladder.unread() == () and uow.ladder.over([one.id]) == {one.id}
        version = uow.reports.get(one.report_id)
        assert version is not None and _missed(uow, [(found, version)]) == frozenset()


def test_the_letter_of_the_ladder_is_not_printed_any_more(bench: Bench) -> None:
    one, copy = twice(bench, PAPER)
    assert one.state is State.PAPER
    read(bench, copy)
    found = bench.get(one.id)
    assert (found.state, found.reason) == (State.CLOSED, f"La seconde copie {copy.id} a été lue.")
    with bench.real.reading() as uow:
        assert print_run.waiting(uow) == () and uow.prints.count_waiting() == 0


def test_the_letter_a_person_asked_for_stays(bench: Bench) -> None:
    one, copy = twice(bench)
    operate.to_paper(bench.real, [one.id], reason="il veut une lettre", actor="operator:eve")
    read(bench, copy)
    assert bench.get(one.id).state is State.PAPER
    with bench.real.reading() as uow:
        assert [each.dispatch.id for each in print_run.waiting(uow)] == [one.id]


def test_the_copy_that_still_waits_is_withdrawn_when_the_first_is_read(bench: Bench) -> None:
    one, copy = twice(bench, leave=False)
    assert copy.state is State.READY
    read(bench, one)
    assert bench.get(copy.id).state is State.WITHDRAWN
    bench.batch()
    bench.send()
    assert bench.get(copy.id).state is State.WITHDRAWN


def test_a_correction_follows_to_the_box_he_opens_too(bench: Bench) -> None:
    _one, copy = twice(bench)
    read(bench, copy)
    bench.bring(correction())
    new = {each.address: each for each in of_version(bench, 2)}
    assert set(new) == {DURAND, CABINET} and {each.state for each in new.values()} == {State.READY}
    assert new[CABINET].resend_of == new[DURAND].id
    bench.run()
    sealed = bench.get(new[CABINET].id)
    assert sealed.state is State.SENT and sealed.message_id not in {copy.message_id, new[DURAND].message_id}
    read(bench, new[CABINET])
    assert go(bench, rules(STEPS[0], PAPER), 24 * 5).total() == 0, "reading it ends the ladder of the correction"
    bench.bring(oru(to=TO, value="9.9", status="C", control="M3", sent="20260313090500", at="20260313090000"))
    assert {each.address for each in of_version(bench, 3)} == {DURAND, CABINET}


def test_a_correction_goes_only_where_it_was_read(bench: Bench) -> None:
    one, _copy = twice(bench)
    read(bench, one)
    bench.bring(correction())
    assert [each.address for each in of_version(bench, 2)] == [DURAND]


def test_the_stand_in_gets_the_correction_by_itself(bench: Bench) -> None:
    bench.directory.entries = []
    one = sent(bench)
    go(bench, rules(SECOND_NOW, seconds={"sil": {"D001": "D002"}}), 4)
    bench.batch()
    bench.send()
    (copy,) = bench.dispatches(resend_of=one.id)
    read(bench, copy)
    bench.bring(correction("D001^DURAND^Pierre"))
    new = of_version(bench, 2)
    assert sorted(each.address for each in new) == sorted([DURAND, PETIT]), "once each"
    assert {each.state for each in new} == {State.READY}
