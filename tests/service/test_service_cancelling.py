"""Cancellations and paper: everyone who got a version hears of it, by the way it reached him, and nobody else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.service import operate, overview
from dispatcher.service import register as room
from dispatcher.service.cancelling import Fate, fates
from dispatcher.service.explain import explain
from dispatcher.service.force import by_recipient
from dispatcher.service.prepare import prepare_file
from dispatcher.service.release import release
from dispatcher.service.renewal import Begin, plan_resend, resend
from dispatcher.service.replay import plan_replay, replay
from dispatcher.service.settle_by_hand import settle_by_hand
from dispatcher.service.waits import waits_for
from dispatcher.service.wanted import CANCELLED
from dispatcher.settings import SourceSettings
from tests.service.bench import DURAND, LEASE, PETIT, Bench, local
from tests.service.samples import OTHER_VALUE, THIRD_VALUE, dsn, oru
from tests.service.test_service_send import GONE, LOST

EVE = "operator:eve"
COPY = "D002^PETIT^Sophie"
V1 = oru("R1", copies=COPY)
V2 = oru("R1", OTHER_VALUE, status="C", at="20260311100000", copies=COPY)
CANCEL = oru("R1", status="X", at="20260311120000", copies=COPY)
BARE = oru("R1", status="X", at="20260311120000")


def leave(bench: Bench, *endings: object) -> None:
    bench.transport.endings = list(endings)  # type: ignore[arg-type]
    bench.batch()
    bench.send()
    bench.transport.endings = []


def of(bench: Bench, address: str, version: int) -> Dispatch:
    (found,) = [one for one in bench.dispatches() if (one.address, one.version) == (address, version)]
    return found


def seen(bench: Bench, version: int) -> dict[str, State]:
    return {one.address: one.state for one in bench.dispatches() if one.version == version}


def subjects(bench: Bench) -> list[tuple[str, bool]]:
    """Who was handed what: a cancellation?"""
    return [(one.mail.recipient, b"annul" in one.mail.content.lower()) for one in bench.transport.accepted]


def test_it_follows_to_everyone_who_got_a_version_and_to_nobody_else(on_both: Bench) -> None:
    on_both.bring(V1)
    leave(on_both, GONE)  # one of the two is refused
    refused = next(one for one in on_both.dispatches() if one.state is State.FAILED)
    on_both.bring(CANCEL)
    got = ({DURAND, PETIT} - {refused.address}).pop()
    assert seen(on_both, 2) == {got: State.READY, refused.address: State.WITHDRAWN}
    assert on_both.get(refused.id).state is State.WITHDRAWN
    leave(on_both)
    assert [one.mail.recipient for one in on_both.transport.accepted] == [got, got]
    old, new = of(on_both, got, 1), of(on_both, got, 2)
    assert new.message_id != old.message_id
    assert new.format == old.format


def test_also_to_one_the_cancellation_does_not_name(bench: Bench) -> None:
    bench.bring(V1)
    leave(bench)
    bench.bring(BARE)
    assert seen(bench, 2) == {DURAND: State.READY, PETIT: State.READY}


def _replayed(bench: Bench, old: Dispatch) -> None:
    plan = plan_replay(bench.store, ids=[old.id], states=(State.UNKNOWN,))
    assert replay(bench.store, bench.clock, plan, reason="x", actor=EVE).done == (old.id,)


def _refused_then(bench: Bench, old: Dispatch) -> None:
    _replayed(bench, old)
    bench.transport.endings = [GONE]
    bench.send()
    bench.transport.endings = []


def _told_then(bench: Bench, old: Dispatch) -> None:
    _replayed(bench, old)
    bench.mailbox.arrive(dsn(old.message_id, old.address, "delivered"))
    bench.collect()
    assert bench.get(old.id).state is State.HELD


def _resent_elsewhere(bench: Bench, old: Dispatch) -> None:
    bench.directory.lines = [local("D001", "nouvelle@dest.test", label="Dr DURAND Pierre")]
    plan = plan_resend(bench.desk, begin=Begin.ROUTING, ids=[old.id])
    assert resend(bench.desk, plan, reason="x", actor=EVE).done
    bench.send()


def _closed_by_a_person(bench: Bench, old: Dispatch) -> None:
    assert operate.close(bench.store, [old.id], reason="x", actor=EVE).done


@pytest.mark.parametrize(
    "then", [_replayed, _refused_then, _told_then, _resent_elsewhere, _closed_by_a_person], ids=lambda one: one.__name__
)
def test_a_doubt_is_not_forgotten_when_the_dispatch_goes_on(on_both: Bench, then: Callable[..., None]) -> None:
    """It may be in the box since the first try: what comes after says nothing about that one."""
    on_both.bring(oru("R1"))
    leave(on_both, LOST)
    (old,) = on_both.dispatches()
    assert old.state is State.UNKNOWN
    then(on_both, old)
    on_both.bring(BARE)
    assert seen(on_both, 2)[DURAND] is State.READY
    if then is _resent_elsewhere:
        assert seen(on_both, 2)["nouvelle@dest.test"] is State.READY
    leave(on_both)
    assert subjects(on_both)[-1][1]


def test_printed_paper_is_not_forgotten_when_it_is_sent_again_by_mail(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    leave(on_both, GONE)
    (old,) = on_both.dispatches()
    operate.to_paper(on_both.store, [old.id], reason="x", actor=EVE)
    operate.printed(on_both.store, on_both.clock, [old.id], actor=EVE)
    resend(on_both.desk, plan_resend(on_both.desk, begin=Begin.FORMATS, ids=[old.id]), reason="x", actor=EVE)
    leave(on_both)
    on_both.bring(BARE)
    assert sorted(one.state for one in on_both.dispatches() if one.version == 2) == [State.PAPER, State.READY]


@pytest.mark.parametrize("notice", ["delivered", "delayed"])
@pytest.mark.parametrize("state", [State.HELD, State.READY, State.WITHDRAWN])
def test_good_news_of_what_was_never_seen_leaving_is_not_forgotten(on_both: Bench, state: State, notice: str) -> None:
    """After a restore the rows of the gap stand as before it; what cancels them follows to the box all the same."""
    on_both.bring(oru("R1"))
    (old,) = on_both.dispatches()
    if state is State.HELD:
        operate.hold(on_both.store, [old.id], reason="x", actor=EVE)
    if state is State.WITHDRAWN:
        operate.withdraw(on_both.store, [old.id], reason="x", actor=EVE)
    for _ in range(2):
        on_both.mailbox.arrive(dsn(old.message_id, old.address, notice))
        on_both.collect()
    row = on_both.get(old.id)
    assert row.state is (State.HELD if (state, notice) == (State.READY, "delivered") else state)
    assert row.doubted_at is not None
    assert row.reason.count("vérifier avant") == (row.state is State.HELD)
    on_both.bring(BARE)
    assert seen(on_both, 2) == {DURAND: State.READY}


def test_bad_news_of_what_was_never_seen_leaving_makes_no_doubt(bench: Bench) -> None:
    bench.bring(oru("R1"))
    (old,) = bench.dispatches()
    bench.mailbox.arrive(dsn(old.message_id, old.address, "failed"))
    bench.collect()
    assert bench.get(old.id).doubted_at is None


def test_a_doubt_that_somebody_ended_is_over(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    leave(on_both, LOST)
    (old,) = on_both.dispatches()
    assert settle_by_hand(on_both.store, [old.id], arrived=False, reason="x", actor=EVE).done
    on_both.bring(BARE)
    assert seen(on_both, 2) == {DURAND: State.WITHDRAWN}


def test_a_doubt_that_a_notice_ended_is_over(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    leave(on_both, LOST)
    (old,) = on_both.dispatches()
    on_both.mailbox.arrive(dsn(old.message_id, old.address, "failed"))
    on_both.collect()
    on_both.bring(BARE)
    assert seen(on_both, 2) == {DURAND: State.WITHDRAWN}


def test_one_it_names_who_never_had_a_version_gets_none(bench: Bench) -> None:
    bench.bring(oru("R1"))
    leave(bench)
    bench.bring(CANCEL)
    assert seen(bench, 2) == {DURAND: State.READY, PETIT: State.WITHDRAWN}


def test_to_the_box_that_got_it_though_the_table_has_another_now(bench: Bench) -> None:
    bench.bring(oru("R1"))
    leave(bench)
    bench.directory.lines = [local("D001", "nouvelle@dest.test", label="Dr DURAND Pierre")]
    bench.bring(BARE)
    assert bench.dispatches()[-1].address == DURAND


def test_to_both_boxes_when_a_correction_went_to_another(bench: Bench) -> None:
    bench.bring(oru("R1"))
    leave(bench)
    bench.directory.lines = [local("D001", "nouvelle@dest.test", label="Dr DURAND Pierre")]
    bench.bring(oru("R1", OTHER_VALUE, status="C", at="20260311100000"))
    leave(bench)
    bench.bring(BARE)
    assert seen(bench, 3) == {DURAND: State.READY, "nouvelle@dest.test": State.READY}


def test_behind_an_unknown_one_it_waits_and_says_for_what(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    leave(on_both, LOST)
    on_both.bring(BARE)
    old, new = on_both.dispatches()
    leave(on_both)
    assert on_both.get(new.id).state is State.QUEUED, "the gate of the claims"
    view, told = overview.show(on_both.store, new.id), explain(on_both.store, on_both.channels, new.id)
    assert view is not None and told is not None
    assert [(one.id, one.state) for one in view.waits_for] == [(old.id, State.UNKNOWN)]
    assert any(old.id in line and "Attend l'issue de la version 1" in line for line in told.lines)
    assert told.as_json()["waits_for"] == [{"id": old.id, "state": State.UNKNOWN}]
    operate.close(on_both.store, [old.id], reason="réglé au téléphone", actor=EVE)
    on_both.send()
    assert on_both.get(new.id).state is State.SENT
    after = explain(on_both.store, on_both.channels, new.id)
    assert after is not None
    assert after.waits_for == ()


@pytest.mark.parametrize(("version", "key", "waits"), [(1, "", True), (2, "", False), (3, "", False), (1, "x", False)])
def test_it_waits_for_an_older_version_to_the_same_recipient_only(
    bench: Bench, version: int, key: str, waits: bool
) -> None:
    bench.bring(oru("R1"), oru("R1", OTHER_VALUE, status="C", at="20260311100000"))
    mine = bench.dispatches()[1]
    other = replace(mine, id="D1", version=version, state=State.UNKNOWN, message_id="", envid="")
    if key:
        other = replace(other, recipient_key=key, address="autre@dest.test")
    with bench.real.transaction() as uow:
        uow.dispatches.add(other)
    with bench.real.reading() as uow:
        assert [one.id for one in waits_for(uow, mine)] == (["D1"] if waits else [])
        assert waits_for(uow, replace(mine, state=State.SENT)) == ()


def test_an_older_unknown_that_turns_out_refused_is_withdrawn_when_replaced(bench: Bench) -> None:
    bench.bring(oru("R1"))
    leave(bench, LOST)
    bench.bring(oru("R1", OTHER_VALUE, status="C", at="20260311100000"))
    old, new = bench.dispatches()
    bench.mailbox.arrive(dsn(old.message_id, old.address, "failed"))
    bench.collect()
    assert bench.get(old.id).state is State.WITHDRAWN
    leave(bench)
    assert bench.get(new.id).state is State.SENT


def test_an_unknown_that_nothing_replaced_stays_failed(bench: Bench) -> None:
    bench.bring(oru("R1"))
    leave(bench, LOST)
    (old,) = bench.dispatches()
    bench.mailbox.arrive(dsn(old.message_id, old.address, "failed"))
    bench.collect()
    assert bench.get(old.id).state is State.FAILED


def test_closed_before_it_left_a_person_is_asked(bench: Bench) -> None:
    bench.bring(oru("R1"))
    operate.close(bench.store, [bench.one().id], reason="faxé", actor=EVE)
    bench.bring(BARE)
    held = bench.dispatches()[1]
    assert (held.state, held.hold_code) == (State.HELD, "cancelled-report")


def test_closed_after_it_left_it_follows(bench: Bench) -> None:
    bench.bring(oru("R1"))
    leave(bench)
    operate.close(bench.store, [bench.one().id], reason="vu au téléphone", actor=EVE)
    bench.bring(BARE)
    assert bench.states() == [State.CLOSED, State.READY]


def test_where_it_may_not_go_any_more_a_person_is_told(bench: Bench) -> None:
    bench.bring(oru("R1", to="M001^CABINET"))
    bench.batch("mss")
    bench.send("mss")
    bench.domains = replace(bench.domains, refused=frozenset({"dest.test"}))
    bench.restart()
    bench.bring(oru("R1", to="M001^CABINET", status="X", at="20260311120000"))
    held = bench.dispatches()[1]
    assert (held.state, held.hold_code) == (State.HELD, "cancelled-report")
    assert "dest.test" in held.reason


def test_what_leaves_while_the_cancellation_is_made_is_seen(bench: Bench) -> None:
    """Queued at the first look, accepted by the commit: that recipient must hear of it."""
    bench.bring(oru("R1"))
    bench.batch()
    bench.drop("x.hl7", BARE)
    bench.take()
    once = iter([True])

    look = room.make_cancelled

    def slow(*args: object, **named: object) -> object:
        made = look(*args, **named)  # type: ignore[arg-type]
        if next(once, False):
            bench.send()
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "make_cancelled", slow)
        bench.prepare()
    assert bench.states() == [State.SENT, State.READY]


def test_send_is_the_setting_when_nothing_is_said() -> None:
    assert SourceSettings.model_fields["cancellations"].default == "send"


# ------------------------------------------------------------------------------------------------ paper


def printed(bench: Bench, address: str = "") -> Dispatch:
    """Version 1 was put on paper by a person, and printed."""
    first = bench.dispatches()[0]
    operate.to_paper(bench.store, [first.id], reason="boîte fermée", actor=EVE)
    assert operate.printed(bench.store, bench.clock, [first.id], actor=EVE).done == (first.id,)
    return bench.get(first.id)


def test_unprinted_paper_is_withdrawn_by_what_follows(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    operate.to_paper(on_both.store, [on_both.one().id], reason="x", actor=EVE)
    on_both.bring(oru("R1", OTHER_VALUE, status="C", at="20260311100000"))
    assert on_both.states() == [State.WITHDRAWN, State.READY]
    on_both.bring(oru("R1", THIRD_VALUE, status="X", at="20260311120000"))
    assert on_both.states() == [State.WITHDRAWN, State.WITHDRAWN, State.WITHDRAWN]


def test_printed_paper_counts_as_left_and_what_follows_goes_on_paper(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    first = printed(on_both)
    assert first.printed_at == on_both.clock.now()
    on_both.bring(oru("R1", OTHER_VALUE, status="C", at="20260311100000"))
    assert on_both.states() == [State.PAPER, State.PAPER]
    assert "papier" in on_both.dispatches()[1].reason
    on_both.bring(oru("R1", THIRD_VALUE, status="X", at="20260311120000"))
    assert on_both.states() == [State.PAPER, State.WITHDRAWN, State.PAPER], "version 2 was never printed"
    leave(on_both)
    assert on_both.transport.handed == []


def test_printed_and_closed_is_still_on_paper(bench: Bench) -> None:
    bench.bring(oru("R1"))
    first = printed(bench)
    operate.close(bench.store, [first.id], reason="posté", actor=EVE)
    bench.bring(BARE)
    assert bench.states() == [State.CLOSED, State.PAPER]


def test_one_dropped_from_the_new_version_is_asked_about_though_his_paper_is_withdrawn(bench: Bench) -> None:
    bench.bring(V1)
    durand = of(bench, DURAND, 1)
    operate.to_paper(bench.store, [durand.id], reason="x", actor=EVE)
    bench.bring(oru("R1", OTHER_VALUE, to=COPY, status="C", at="20260311100000"))
    assert bench.get(durand.id).state is State.WITHDRAWN
    assert of(bench, DURAND, 2).hold_code == "recipient-dropped"


def test_printed_is_said_of_paper_only_and_once(bench: Bench) -> None:
    bench.bring(oru("R1"))
    dispatch = bench.one()
    changed = operate.printed(bench.store, bench.clock, [dispatch.id, "D000000000"], actor=EVE)
    assert changed.done == ()
    assert [item for item, _why in changed.refused] == [dispatch.id, "D000000000"]
    first = printed(bench)
    bench.clock.advance(60)
    operate.printed(bench.store, bench.clock, [first.id], actor="operator:max")
    assert bench.get(first.id).printed_at == first.printed_at
    assert bench.events(first.id).count("dispatch.printed") == 1


def test_a_person_may_still_release_what_a_cancellation_holds(bench: Bench) -> None:
    bench.set_source(cancellations="hold")
    bench.bring(oru("R1"))
    leave(bench)
    bench.bring(BARE)
    held = bench.dispatches()[1]
    assert release(bench.desk, held.id, reason="prévenu aussi", actor=EVE).released
    leave(bench)
    assert subjects(bench) == [(DURAND, False), (DURAND, True)]


# ------------------------------------------------------------------------------------------------ whatever happened

MOMENT = datetime(2026, 3, 11, tzinfo=UTC)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(list(State)),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "x@dest.test", "y@dest.test"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
NUMBER = itertools.count()


def row(version: int, state: State, key: str, address: str, sent: bool, delivered: bool, on_paper: bool) -> Dispatch:
    return Dispatch(
        id=f"D{next(NUMBER)}",
        report_id="C1",
        chain="c",
        version=version,
        state=state,
        recipient_key=key,
        role="prescriber",
        address=address,
        sent_at=MOMENT if sent or state in {State.SENT, State.DELIVERED, State.READ} else None,
        delivered_at=MOMENT if delivered or state is State.DELIVERED else None,
        printed_at=MOMENT if on_paper else None,
    )


Row = tuple[int, State, str, str, bool, bool, bool]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the watch over the logs
@given(rows=ROWS)
def test_nobody_who_may_have_it_is_forgotten_and_nobody_else_is_told(rows: list[Row]) -> None:
    older = [row(*values) for values in rows]
    follows = fates(older)
    for one in older:
        (mine,) = (group for group in by_recipient(older) if one in group)
        assert any(follow.old in mine for follow in follows), "every recipient has a fate"
        if one.state in {State.SENDING, State.SENT, State.DELIVERED, State.READ, State.UNKNOWN}:
            assert any(follow.fate is Fate.SEND and follow.old.address == one.address for follow in follows)
        if one.printed_at is not None:
            assert any(follow.fate is Fate.PAPER for follow in follows)
    for follow in follows:
        if follow.fate is Fate.SEND:
            assert follow.old.sent_at or follow.old.delivered_at or follow.old.state in {State.SENDING, State.UNKNOWN}
    told = [(follow.fate, follow.old.id) for follow in follows]
    assert len(told) == len(set(told)), "and nothing twice"


@pytest.mark.parametrize("copies", ["", "D002^PETIT^Sophie"])
def test_read_before_the_report_it_takes_back_it_asks_nobody(on_both: Bench, copies: str) -> None:
    """An urgent file is prepared before those that came first; and two workers are not in step."""
    bench = on_both
    bench.drop("a.hl7", oru(control="M1", copies=copies))
    bench.take()
    bench.clock.advance(60)
    bench.drop("b.hl7", oru(status="X", at="20260311093000", control="M2", urgent=True))
    bench.take()
    bench.prepare()
    assert set(bench.states()) == {State.WITHDRAWN}
    assert {one.reason for one in bench.dispatches() if one.version == 1} == {CANCELLED}
    bench.run()
    assert bench.transport.handed == []


def test_what_a_person_released_of_it_stays(bench: Bench) -> None:
    bench.drop("a.hl7", oru(control="M1"))
    bench.take()
    bench.clock.advance(60)
    bench.drop("b.hl7", oru(status="X", at="20260311093000", control="M2", urgent=True))
    bench.take()
    (first,) = bench.claim(1)
    prepare_file(bench.desk, first)
    assert release(bench.desk, bench.one().id, reason="prévenu", actor=EVE).released
    bench.clock.advance(LEASE.total_seconds() + 1)
    bench.prepare()
    told, late = bench.dispatches()
    assert {told.version: told.state, late.version: late.state} == {1: State.READY, 2: State.WITHDRAWN}
