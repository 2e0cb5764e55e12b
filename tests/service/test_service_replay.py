"""Replay: the preview is the set, a second click does nothing, a stop loses nothing, and it can be undone in time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.service import replay as room
from dispatcher.service.changed import Changed
from dispatcher.service.explain import explain
from dispatcher.service.operate import hold
from dispatcher.service.release import release
from dispatcher.service.replay import ReplayPlan, plan_replay, replay, undo
from tests.fakes import FaultyStore, Killed
from tests.service.bench import DURAND, PETIT, Bench
from tests.service.samples import OTHER_VALUE, dsn, oru
from tests.service.test_service_send import BUSY, FULL, GONE, LOST, queue

EVE = "operator:eve"


def failed(bench: Bench, count: int = 1) -> list[str]:
    bench.transport.endings = [GONE] * count
    found = queue(bench, count)
    bench.send()
    return [dispatch.id for dispatch in found]


def go(bench: Bench, plan: ReplayPlan, actor: str = EVE) -> Changed:
    return replay(bench.store, bench.clock, plan, reason="adresses corrigées", actor=actor)


def members(bench: Bench, batch: str) -> set[str]:
    return {dispatch.id for dispatch in bench.dispatches(batch_id=batch)}


def kept(bench: Bench, batch: str) -> Batch:
    with bench.real.reading() as uow:
        found = uow.batches.get(batch)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------ twice


def test_a_stale_page_is_refused_though_the_mail_failed_again(on_both: Bench) -> None:
    (one,) = failed(on_both)
    plan = plan_replay(on_both.store, ids=[one])
    first = go(on_both, plan)
    assert (first.done, len(first.batches)) == ((one,), 1)
    on_both.transport.endings = [GONE]
    on_both.send()
    assert on_both.get(one).state is State.FAILED
    second = go(on_both, plan)
    assert second.done == second.batches == ()
    assert second.refused == ((one, room.AGAIN.format(batch=first.batches[0])),)
    assert on_both.get(one).attempts == 2
    assert go(on_both, plan_replay(on_both.store, ids=[one])).done == (one,), "a new look is a new wish"


def test_a_row_that_failed_again_meanwhile_is_another_row(on_both: Bench) -> None:
    """Two people look at the same failure; the second one acts after the first one's replay failed again."""
    one, other = failed(on_both, 2)
    stale = plan_replay(on_both.store, ids=[one, other])
    go(on_both, plan_replay(on_both.store, ids=[one]))
    on_both.transport.endings = [GONE]
    on_both.send()
    changed = go(on_both, stale, "operator:max")
    assert changed.done == (other,)
    assert changed.refused == ((one, room.CHANGED),)


def test_clicks_at_the_same_time_make_one_batch(on_both: Bench) -> None:
    ids = failed(on_both, 6)
    plan = plan_replay(on_both.store, ids=ids)
    start, answers, faults = threading.Barrier(4), list[Changed](), list[BaseException]()

    def click() -> None:
        start.wait()
        try:
            answers.append(go(on_both, plan))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sorted(len(answer.done) for answer in answers) == [0, 0, 0, 6]
    (batch,) = {batch for answer in answers for batch in answer.batches}
    assert (members(on_both, batch), kept(on_both, batch).count) == (set(ids), 6)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_in_a_large_replay_loses_and_doubles_nothing(
    on_both: Bench, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(room, "CHUNK", 2)
    ids = failed(on_both, 5)
    plan = plan_replay(on_both.store, wanted=DispatchFilter(channel="pro"))
    on_both.use(FaultyStore(on_both.real, lambda number, at: Killed() if (number, at) == (2, when) else None))
    with pytest.raises(Killed):
        go(on_both, plan)
    on_both.use(on_both.real)
    assert Counter(on_both.states())[State.QUEUED] == (2 if when == "before" else 4)
    rest = go(on_both, plan)
    assert len(rest.done) == (3 if when == "before" else 1)
    (batch,) = {on_both.get(one).batch_id for one in ids}
    assert rest.batches == (batch,)
    made = kept(on_both, batch)
    assert (made.count, members(on_both, batch)) == (5, set(ids)), "one batch, whatever stopped it"
    assert made.size == sum(on_both.get(one).sealed_bytes for one in ids)
    on_both.send()
    assert Counter(handed.message_id for handed in on_both.transport.accepted) == {
        on_both.get(one).message_id: 1 for one in ids
    }


def test_what_a_newer_version_replaced_while_the_page_was_open_stays(on_both: Bench) -> None:
    (one,) = failed(on_both)
    plan = plan_replay(on_both.store, ids=[one])
    on_both.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000"))
    assert go(on_both, plan).done == ()


# ------------------------------------------------------------------------------------------------ which


def test_the_preview_holds_all_of_a_large_set(on_both: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CHUNK", 3)
    ids = failed(on_both, 8)
    plan = plan_replay(on_both.store, wanted=DispatchFilter(channel="pro", limit=2))
    assert {one.id for one in plan.dispatches} == set(ids)
    assert len(plan.dispatches) == 8
    assert set(go(on_both, plan).done) == set(ids)


def test_an_old_batch_still_finds_its_members_after_a_replay(on_both: Bench) -> None:
    ids = failed(on_both, 2)
    (first,) = {on_both.get(one).batch_id for one in ids}
    on_both.transport.endings = [GONE, GONE]
    done = go(on_both, plan_replay(on_both.store, ids=ids))
    on_both.send()
    plan = plan_replay(on_both.store, wanted=DispatchFilter(batch_id=first))
    assert {one.id for one in plan.dispatches} == set(ids)
    assert members(on_both, first) == members(on_both, done.batches[0]) == set(ids)


def found(bench: Bench, states: Sequence[State] = (State.FAILED,), **wanted: object) -> set[str]:
    plan = plan_replay(bench.store, wanted=DispatchFilter(**wanted), states=states)  # type: ignore[arg-type]
    return {one.id for one in plan.dispatches}


def test_by_code_of_the_fault_recipient_and_period(on_both: Bench) -> None:
    on_both.transport.endings = [GONE, FULL, LOST]
    on_both.bring(oru("R1"), oru("R2", to="D002^PETIT^Sophie"))
    on_both.clock.advance(3600)
    on_both.bring(oru("R3"))
    on_both.batch()
    on_both.send()
    by_state = {dispatch.state: dispatch for dispatch in on_both.dispatches()}
    gone, full, lost = (by_state[state] for state in (State.FAILED, State.DEFERRED, State.UNKNOWN))
    every = tuple(room.REPLAYABLE)
    assert (gone.fault, full.fault, lost.fault) == ("5.1.1", "4.2.2", "unknown")
    assert found(on_both, fault="5.1.1") == found(on_both, fault="5.1") == {gone.id}
    assert found(on_both, fault="4.2.2") == set(), "only failed by default"
    assert found(on_both, every, fault="4.2.2") == {full.id}
    assert found(on_both, every, recipient="petit") == {d.id for d in on_both.dispatches() if d.address == PETIT}
    assert lost.created_at is not None
    assert found(on_both, every, since=lost.created_at) == {lost.id}
    assert found(on_both, every, until=lost.created_at) == {gone.id, full.id}


def test_a_refusal_told_by_notice_is_found_by_its_code(bench: Bench) -> None:
    queue(bench)
    bench.send()
    (dispatch,) = bench.dispatches()
    bench.mailbox.arrive(dsn(dispatch.message_id, DURAND, "failed"))
    bench.collect()
    code = bench.get(dispatch.id).fault
    assert code.startswith("5.")
    assert found(bench, fault=code) == {dispatch.id}
    go(bench, plan_replay(bench.store, ids=[dispatch.id]))
    bench.send()
    assert bench.get(dispatch.id).fault == "", "accepted: nothing is wrong any more"


def test_patience_begins_anew_with_a_replay(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    refuse(bench, dispatch.id, 4)
    go(bench, plan_replay(bench.store, ids=[dispatch.id], states=(State.DEFERRED,)))
    as_after_a_first_refusal(bench, dispatch.id)


def test_patience_begins_anew_with_a_release(bench: Bench) -> None:
    """Held by a person after four refusals, released as it was: its next refusal is no fifth."""
    (dispatch,) = queue(bench)
    refuse(bench, dispatch.id, 4)
    hold(bench.store, [dispatch.id], reason="à voir", actor="operator:eve")
    assert release(bench.desk, dispatch.id, reason="vu", actor="operator:eve").released
    bench.batch()
    as_after_a_first_refusal(bench, dispatch.id)


def refuse(bench: Bench, dispatch_id: str, times: int) -> None:
    """So often, for the moment, and the last wait is over."""
    for _ in range(times):
        bench.transport.endings = [BUSY]
        bench.send()
        due = bench.get(dispatch_id).due_at
        assert due is not None
        bench.clock.advance((due - bench.clock.now()).total_seconds() + 1)
    assert bench.get(dispatch_id).attempts == times


def as_after_a_first_refusal(bench: Bench, dispatch_id: str) -> None:
    bench.transport.endings = [BUSY]
    bench.send()
    again = bench.get(dispatch_id)
    assert again.due_at is not None
    assert again.due_at - bench.clock.now() <= timedelta(minutes=2)
    assert again.attempts == 5, "the proof counts them all"


# ------------------------------------------------------------------------------------------------ undo


@pytest.mark.parametrize(("ending", "state"), [(GONE, State.FAILED), (LOST, State.UNKNOWN), (BUSY, State.DEFERRED)])
def test_undone_before_it_left_it_stands_as_before(on_both: Bench, ending: StoreError, state: State) -> None:
    on_both.transport.endings = [ending]  # type: ignore[list-item]
    (dispatch,) = queue(on_both)
    on_both.send()
    before = on_both.get(dispatch.id)
    assert before.state is state
    changed = go(on_both, plan_replay(on_both.store, ids=[dispatch.id], states=(state,)))
    undone = undo(on_both.store, on_both.clock, changed.batches[0], reason="trop tôt", actor="operator:max")
    assert (undone.done, undone.refused) == ((dispatch.id,), ())
    after = on_both.get(dispatch.id)
    assert (after.state, after.reason, after.due_at) == (state, before.reason, before.due_at)
    assert (after.attempts, after.message_id) == (before.attempts, before.message_id)
    assert (after.unknown_since is not None) == (state is State.UNKNOWN)
    on_both.send()
    assert len(on_both.transport.handed) == 1
    (line,) = [line for line in lines(on_both, changed.batches[0]) if line[0] == "batch.undone"]
    assert line == ("batch.undone", "operator:max", "trop tôt")
    told = explain(on_both.store, on_both.channels, dispatch.id)
    assert told is not None
    assert any(text.startswith("Rejeu annulé par max") for text in told.lines)


def lines(bench: Bench, subject: str) -> list[tuple[str, str, object]]:
    with bench.real.reading() as uow:
        return [(line.event, line.actor, line.detail.get("reason")) for line in uow.journal.of_subject(subject)]


def test_what_was_taken_up_already_is_told_as_left(on_both: Bench) -> None:
    ids = failed(on_both, 3)
    changed = go(on_both, plan_replay(on_both.store, ids=ids))
    with on_both.real.transaction() as uow:
        (claimed,) = uow.dispatches.claim("pro", "w", 1, timedelta(minutes=1), on_both.clock.now())
    undone = undo(on_both.store, on_both.clock, changed.batches[0], reason="x", actor=EVE)
    assert set(undone.done) == set(ids) - {claimed.id}
    assert [item for item, _why in undone.refused] == [claimed.id]
    again = undo(on_both.store, on_both.clock, changed.batches[0], reason="x", actor=EVE)
    assert again.done == ()
    refused = dict(again.refused)
    assert "déjà pris en charge" in refused.pop(claimed.id) and set(refused.values()) == {"déjà annulé"}


def test_what_was_claimed_and_given_back_is_not_undone(on_both: Bench) -> None:
    """Who claimed it since may still write: only an untouched row goes back."""
    (one,) = failed(on_both)
    batch = go(on_both, plan_replay(on_both.store, ids=[one])).batches[0]
    with on_both.real.transaction() as uow:
        (claimed,) = uow.dispatches.claim("pro", "w", 1, timedelta(minutes=1), on_both.clock.now())
        uow.dispatches.release_claim(claimed.id, claimed.fence)
    assert on_both.get(one).state is State.QUEUED
    assert undo(on_both.store, on_both.clock, batch, reason="x", actor=EVE).done == ()
    on_both.send()
    assert on_both.get(one).state is State.SENT


def test_a_page_from_before_the_undo_is_stale(on_both: Bench) -> None:
    (one,) = failed(on_both)
    plan = plan_replay(on_both.store, ids=[one])
    batch = go(on_both, plan).batches[0]
    undo(on_both.store, on_both.clock, batch, reason="x", actor=EVE)
    assert go(on_both, plan).refused == ((one, room.AGAIN.format(batch=batch)),)
    fresh = go(on_both, plan_replay(on_both.store, ids=[one]))
    assert fresh.done == (one,)
    assert fresh.batches != (batch,)


def test_only_a_replay_is_undone(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    for number in (bench.get(dispatch.id).batch_id, "L000000000"):
        with pytest.raises(StoreError) as error:
            undo(bench.store, bench.clock, number, reason="x", actor=EVE)
        assert error.value.code == "not-found"


def test_who_and_why_stand_with_the_batch(bench: Bench) -> None:
    (one,) = failed(bench)
    batch = go(bench, plan_replay(bench.store, ids=[one])).batches[0]
    made = kept(bench, batch)
    assert (made.actor, made.why, made.reason) == (EVE, "adresses corrigées", "replay")
    assert lines(bench, batch)[0] == ("batch.made", EVE, "replay")


def test_the_token_depends_on_nothing_but_what_is_shown(bench: Bench) -> None:
    ids = failed(bench, 3)
    one, other = (plan_replay(bench.store, ids=wanted).token for wanted in (ids, list(reversed(ids))))
    assert one == other
    assert plan_replay(bench.store, ids=ids[:2]).token != one
    assert plan_replay(bench.store).token == ""
