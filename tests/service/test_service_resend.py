"""A retry keeps bytes and identity; other bytes or another address are a new mail, and the old row stays as proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, RecipientCertificate
from dispatcher.service import operate
from dispatcher.service import release as release_module
from dispatcher.service.force import standing
from dispatcher.service.release import CHANGED, Released, release
from dispatcher.service.renewal import (
    DOUBTED,
    NEVER_LEFT,
    NOT_IN_FORCE,
    RESENT_SINCE,
    Begin,
    RenewalPlan,
    plan_resend,
    resend,
)
from dispatcher.service.replay import AGAIN, RESENT, undo
from dispatcher.service.settle_by_hand import settle_by_hand
from tests.fakes import FaultyStore, Killed
from tests.pki import BOB
from tests.service.bench import DURAND, LEASE, PETIT, Bench, channel_settings, local
from tests.service.samples import OTHER_VALUE, dsn, oru
from tests.service.test_service_send import GONE, LOST, queue

EVE = "operator:eve"
MOMENT = datetime(2026, 3, 11, tzinfo=UTC)
MEMBERS = ("id", "message_id", "envid", "sealed_sha256")


def once(bench: Bench, ending: Exception | None = None, *contents: bytes) -> Dispatch:
    """One mail, handed over once."""
    bench.transport.endings = [ending] if ending is not None else []  # type: ignore[list-item]
    bench.bring(*(contents or (oru("R000"),)))
    for channel in bench.channels:
        bench.batch(channel)
        bench.send(channel)
    bench.transport.endings = []
    (dispatch,) = bench.dispatches()
    return dispatch


def others(bench: Bench, old: Dispatch) -> Dispatch:
    (new,) = [dispatch for dispatch in bench.dispatches() if dispatch.id != old.id]
    return new


def go(bench: Bench, plan: RenewalPlan) -> operate.Changed:
    return resend(bench.desk, plan, reason="jamais reçu", actor=EVE)


# ------------------------------------------------------------------------------------------------ release


def test_released_to_another_address_after_a_try_it_is_another_mail(on_both: Bench) -> None:
    old = once(on_both, GONE)
    bytes_then = on_both.payload(old.id, "sealed")
    operate.hold(on_both.store, [old.id], reason="chercher l'adresse", actor=EVE)
    released = release(on_both.desk, old.id, to=PETIT, reason="bonne adresse", actor=EVE, despite_name=True)
    new = others(on_both, old)
    assert (released.released, released.as_id) == (True, new.id)
    assert (new.resend_of, new.state, new.address, new.attempts) == (old.id, State.READY, PETIT, 0)
    assert all(getattr(new, name) != getattr(old, name) for name in MEMBERS)
    proof = on_both.get(old.id)
    assert (proof.state, proof.address, proof.attempts) == (State.CLOSED, DURAND, 1)
    assert new.id in proof.reason
    assert all(getattr(proof, name) == getattr(old, name) for name in MEMBERS)
    assert on_both.payload(old.id, "sealed") == bytes_then
    with on_both.real.reading() as uow:
        assert uow.dispatches.find_message(message_id=old.message_id) == proof
        (line,) = [line for line in uow.journal.of_subject(new.id) if line.event == "dispatch.resent"]
    assert (line.actor, line.detail) == (EVE, {"reason": "bonne adresse", "resend_of": old.id})
    on_both.batch()
    on_both.send()
    assert [(h.mail.recipient, h.message_id) for h in on_both.transport.accepted] == [(PETIT, new.message_id)]


def test_released_as_it_was_after_a_try_it_is_the_same_mail(bench: Bench) -> None:
    old = once(bench, GONE)
    operate.hold(bench.store, [old.id], reason="x", actor=EVE)
    assert release(bench.desk, old.id, reason="boîte rouverte", actor=EVE).as_id == ""
    (same,) = bench.dispatches()
    assert all(getattr(same, name) == getattr(old, name) for name in MEMBERS)


def test_a_hand_over_begun_by_a_process_that_died_counts_as_a_try(on_both: Bench) -> None:
    """Else other bytes would leave to another address under the Message-ID the operator may have taken."""
    on_both.bring(oru("R000"))
    old = on_both.one()
    on_both.batch()
    with on_both.store.transaction() as uow:
        (claimed,) = uow.dispatches.claim(old.channel, "dead", 5, LEASE, on_both.clock.now())
    with on_both.store.transaction() as uow:
        uow.dispatches.begin_submission(claimed.id, claimed.fence, on_both.clock.now())
    on_both.clock.advance(2 * LEASE.total_seconds())
    on_both.recover()
    assert (on_both.one().state, on_both.one().attempts) == (State.UNKNOWN, 1)
    settle_by_hand(on_both.store, [old.id], arrived=False, reason="r", actor=EVE)
    operate.hold(on_both.store, [old.id], reason="x", actor=EVE)
    released = release(on_both.desk, old.id, to=PETIT, reason="x", actor=EVE, despite_name=True)
    assert released.as_id
    assert on_both.get(released.as_id).message_id != on_both.get(old.id).message_id == old.message_id


@pytest.mark.parametrize("then", ["nothing", "a try", "held again"])
@pytest.mark.parametrize("first_to", ["", PETIT])
def test_two_persons_release_one_dispatch_the_second_is_told(
    on_both: Bench, monkeypatch: pytest.MonkeyPatch, then: str, first_to: str
) -> None:
    """Else both were told « released », and one choice was written over, even under a Message-ID already offered."""
    on_both.bring(oru("R000"))
    held = on_both.one()
    operate.hold(on_both.store, [held.id], reason="x", actor=EVE)
    first: list[Released] = []
    seal = release_module._make_again

    def slowly(*given: Any) -> Any:
        made = seal(*given)
        if first:
            return made
        first.append(Released(id="", released=False))
        first[0] = release(on_both.desk, held.id, to=first_to, reason="1", actor=EVE, despite_name=True)
        if then == "a try":
            on_both.transport.endings = [GONE]
            on_both.batch()
            on_both.send()
            on_both.transport.endings = []
        if then != "nothing":
            operate.hold(on_both.store, [held.id], reason="y", actor=EVE)
        return made

    monkeypatch.setattr(release_module, "_make_again", slowly)
    second_to = "" if first_to else PETIT
    second = release(on_both.desk, held.id, to=second_to, reason="2", actor="operator:bob", despite_name=True)
    assert first[0].released
    assert (second.released, second.why) == (False, CHANGED)
    row = on_both.one()
    assert row.address == (first_to or DURAND)
    assert row.state is (State.READY if then == "nothing" else State.HELD)


def test_released_elsewhere_before_any_try_it_stays_one_row(bench: Bench) -> None:
    bench.bring(oru("R000"))
    old = bench.one()
    operate.hold(bench.store, [old.id], reason="x", actor=EVE)
    assert release(bench.desk, old.id, to=PETIT, reason="x", actor=EVE, despite_name=True).as_id == ""
    assert bench.one().id == old.id


def test_a_mail_a_notice_came_back_for_keeps_its_identity_to_itself(bench: Bench) -> None:
    """Held after a restore: we never saw it leave, and its delivery notice says that it did."""
    bench.bring(oru("R000"))
    old = bench.one()
    bench.mailbox.arrive(dsn(old.message_id, old.address, "delivered"))
    bench.collect()
    assert bench.get(old.id).state is State.HELD
    assert release(bench.desk, old.id, to=PETIT, reason="x", actor=EVE, despite_name=True).as_id
    assert bench.get(old.id).message_id == old.message_id


def test_the_next_version_follows_the_resend_and_asks_nobody(bench: Bench) -> None:
    """The old row is closed without ever having left: that is no person's end of this recipient."""
    old = once(bench, GONE)
    operate.hold(bench.store, [old.id], reason="x", actor=EVE)
    release(bench.desk, old.id, to=PETIT, reason="x", actor=EVE, despite_name=True)
    bench.bring(oru("R000", to="D002^PETIT^Sophie", value=OTHER_VALUE, status="C", at="20260311100000"))
    states = [(d.version, d.address, d.state) for d in bench.dispatches()]
    assert (2, PETIT, State.READY) in states
    assert (1, PETIT, State.WITHDRAWN) in states


@pytest.mark.parametrize("first", ["D1", "D9"])
def test_a_followed_row_stands_for_nobody_unless_it_left(first: str) -> None:
    row = Dispatch(
        id=first, report_id="C1", chain="c", version=1, state=State.CLOSED, recipient_key="k", role="prescriber"
    )
    new = replace(row, id="D5", resend_of=first, state=State.FAILED)
    assert standing([row, new]) == (new,)
    assert standing([row]) == (row,), "closed by a person"
    gone = replace(row, sent_at=MOMENT)
    assert standing([gone, new]) == (gone, new)
    unknown = replace(row, state=State.DELIVERED)
    assert standing([unknown, new]) == (unknown, new), "late good news"


# ------------------------------------------------------------------------------------------------ resend


@pytest.mark.parametrize("begin", Begin)
@pytest.mark.parametrize("state", [State.SENT, State.DELIVERED, State.READ, State.CLOSED, State.FAILED, State.UNKNOWN])
def test_what_left_is_sent_again_as_a_new_mail(bench: Bench, state: State, begin: Begin) -> None:
    old = once(bench, {State.FAILED: GONE, State.UNKNOWN: LOST}.get(state))
    if state in {State.DELIVERED, State.READ, State.CLOSED}:
        with bench.real.transaction() as uow:
            uow.dispatches.move(old.id, state)
    plan = plan_resend(bench.desk, begin=begin, ids=[old.id])
    (item,) = plan.items
    assert item.was == item.now == (DURAND, old.format, "", "pro", "proxy")
    done = go(bench, plan)
    new = others(bench, old)
    assert done.done == (new.id,)
    assert (new.resend_of, new.state, new.batch_id) == (old.id, State.QUEUED, done.batches[0])
    assert all(getattr(new, name) != getattr(old, name) for name in MEMBERS)
    asks = state in {State.FAILED, State.UNKNOWN}
    assert bench.get(old.id).state is (State.CLOSED if asks else state)
    bench.send()
    assert bench.get(new.id).state is State.SENT
    assert {d.id for d in bench.dispatches(batch_id=done.batches[0])} == {new.id}


def test_a_second_click_and_a_stop(on_both: Bench) -> None:
    on_both.bring(oru("R1"), oru("R2"), oru("R3"))
    on_both.batch()
    on_both.send()
    ids = [dispatch.id for dispatch in on_both.dispatches()]
    plan = plan_resend(on_both.desk, begin=Begin.SEALING, ids=ids)
    on_both.use(FaultyStore(on_both.real, lambda number, at: Killed() if (number, at) == (2, "after") else None))
    with pytest.raises(Killed):
        go(on_both, plan)
    on_both.use(on_both.real)
    rest = go(on_both, plan)
    assert len(rest.done) == 1
    again = go(on_both, plan)
    assert again.done == ()
    assert [why for _id, why in again.refused] == [AGAIN.format(batch=rest.batches[0])] * 3
    assert sorted(d.resend_of for d in on_both.dispatches() if d.resend_of) == sorted(ids)
    assert len(on_both.dispatches(batch_id=rest.batches[0])) == 3
    fresh = plan_resend(on_both.desk, begin=Begin.SEALING, ids=ids)
    assert all(item.before for item in fresh.items), "a new preview says that it was sent again"


@pytest.mark.parametrize("other", [Begin.FORMATS, Begin.ROUTING])
def test_two_persons_send_one_mail_again_the_second_is_told(on_both: Bench, other: Begin) -> None:
    """Also when their lists differ, in what else they hold or where they begin: the recipient gets it once."""
    on_both.bring(oru("R1"), oru("R2"))
    on_both.batch()
    on_both.send()
    one, two = [dispatch.id for dispatch in on_both.dispatches()]
    first = plan_resend(on_both.desk, begin=Begin.FORMATS, ids=[one])
    second = plan_resend(on_both.desk, begin=other, ids=[one, two])
    (new,) = go(on_both, first).done
    done = go(on_both, second)
    assert done.refused == ((one, RESENT_SINCE.format(ids=new)),)
    assert [d.resend_of for d in on_both.dispatches() if d.resend_of] == [one, two]


def test_a_second_deliberate_resend_is_no_second_click(on_both: Bench) -> None:
    """Else what was sent again once could never be sent again."""
    old = once(on_both)
    for number in (1, 2, 3):
        plan = plan_resend(on_both.desk, begin=Begin.FORMATS, ids=[old.id])
        assert len(plan.items[0].before) == number - 1
        assert len(go(on_both, plan).done) == 1
        assert go(on_both, plan).done == ()


def test_routing_follows_the_table_of_today_and_shows_it_first(bench: Bench) -> None:
    old = once(bench)
    bench.directory.lines = [local("D001", "nouvelle@dest.test", label="Dr DURAND Pierre")]
    assert plan_resend(bench.desk, begin=Begin.FORMATS, ids=[old.id]).items[0].now[0] == DURAND
    plan = plan_resend(bench.desk, begin=Begin.ROUTING, ids=[old.id])
    assert (plan.items[0].was[0], plan.items[0].now[0]) == (DURAND, "nouvelle@dest.test")
    bench.directory.lines = [local("D001", "ailleurs@dest.test", label="Dr DURAND Pierre")]
    ((refused, why),) = go(bench, plan).refused
    assert refused == old.id
    assert "ailleurs@dest.test" in why, "what was not shown does not leave"
    assert len(bench.dispatches()) == 1


def test_another_channel_is_shown_and_what_was_not_shown_does_not_leave(bench: Bench) -> None:
    old = once(bench)
    bench.set_channel("bis", channel_settings("apicrypt"))
    bench.restart()
    before = plan_resend(bench.desk, begin=Begin.ROUTING, ids=[old.id])
    bench.directory.lines = [local("D001", DURAND, label="Dr DURAND Pierre", channel="bis")]
    plan = plan_resend(bench.desk, begin=Begin.ROUTING, ids=[old.id])
    assert (plan.items[0].was.channel, plan.items[0].now.channel) == ("pro", "bis")
    ((refused, why),) = go(bench, before).refused
    assert refused == old.id
    assert "canal « bis »" in why
    assert len(go(bench, plan).done) == 1


def test_sealing_takes_todays_certificate_and_the_kept_document(bench: Bench) -> None:
    old = once(bench, None, oru("R000", to="S001^BOB"))
    kept = {k: bench.payload(old.id, k) for k in ("rendition:cda", "rendition:pdf")}
    newer: RecipientCertificate = replace(bench.tools.certificate, fingerprint="neuf" * 16)
    bench.certificates.certificates[BOB] = newer
    bench.clock.advance(86_400)
    plan = plan_resend(bench.desk, begin=Begin.SEALING, ids=[old.id])
    assert (plan.items[0].was[2], plan.items[0].now[2]) == (old.certificate, newer.fingerprint)
    go(bench, plan)
    new = others(bench, old)
    assert new.certificate == newer.fingerprint
    assert {k: bench.payload(new.id, k) for k in kept} == kept


def test_formats_writes_the_document_anew(bench: Bench) -> None:
    old = once(bench, None, oru("R000", to="S001^BOB"))
    bench.clock.advance(86_400)
    go(bench, plan_resend(bench.desk, begin=Begin.FORMATS, ids=[old.id]))
    assert bench.payload(others(bench, old).id, "rendition:cda") != bench.payload(old.id, "rendition:cda")


@pytest.mark.parametrize("begin", Begin)
def test_the_last_looks_hold_for_a_resend_too(bench: Bench, begin: Begin) -> None:
    old = once(bench, None, oru("R000", to="M001^CABINET"))
    bench.domains = replace(bench.domains, refused=frozenset({"dest.test"}))
    bench.restart()
    plan = plan_resend(bench.desk, begin=begin, ids=[old.id])
    assert plan.items == ()
    assert plan.left_out[0][0] == old.id


def test_what_waits_or_is_replaced_is_not_sent_again(bench: Bench) -> None:
    (waiting,) = queue(bench)
    assert plan_resend(bench.desk, begin=Begin.ROUTING, ids=[waiting.id, "D000000000"]).items == ()
    bench.send()
    bench.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000"))
    plan = plan_resend(bench.desk, begin=Begin.ROUTING, wanted=DispatchFilter(channel="pro"), states=(State.SENT,))
    assert plan.items == ()
    assert "plus récente" in plan.left_out[0][1]


@pytest.mark.parametrize("begin", Begin)
def test_what_a_person_closed_before_it_left_is_not_sent_again(bench: Bench, begin: Begin) -> None:
    """Closing it was the decision that it does not leave; a resend would withdraw the right version."""
    bench.bring(oru("R000"))
    bench.batch()
    bench.bring(oru("R000", OTHER_VALUE, status="C", at="20260301100000"))  # older than the one that waits
    late = next(one for one in bench.dispatches() if one.version == 2)
    assert late.state is State.HELD
    operate.close(bench.store, [late.id], reason="ancienne, ne pas envoyer", actor=EVE)
    plan = plan_resend(bench.desk, begin=begin, ids=[late.id])
    assert plan.items == ()
    assert plan.left_out == ((late.id, NEVER_LEFT.format(reason="ancienne, ne pas envoyer")),)
    bench.send()
    assert [(one.version, one.state) for one in bench.dispatches()] == [(1, State.SENT), (2, State.CLOSED)]


def test_a_version_not_in_force_is_not_sent_again(bench: Bench) -> None:
    bench.bring(oru("R000"))
    bench.batch()
    bench.bring(oru("R000", OTHER_VALUE, status="C", at="20260301100000"))
    late = next(one for one in bench.dispatches() if one.version == 2)
    operate.to_paper(bench.store, [late.id], reason="x", actor=EVE)
    plan = plan_resend(bench.desk, begin=Begin.FORMATS, ids=[late.id])
    assert plan.left_out == ((late.id, NOT_IN_FORCE.format(version=1)),)


def test_a_cancellation_nobody_needed_is_not_sent_again(bench: Bench) -> None:
    bench.bring(oru("R000"), oru("R000", status="X", at="20260311120000"))
    ids = [one.id for one in bench.dispatches()]
    assert bench.states() == [State.WITHDRAWN, State.WITHDRAWN]
    assert plan_resend(bench.desk, begin=Begin.FORMATS, ids=ids).items == ()


@pytest.mark.parametrize("late", [False, True], ids=["at the preview", "at the commit"])
def test_while_the_patient_is_in_question_nothing_is_sent_again(bench: Bench, late: bool) -> None:
    old = once(bench)
    shown_before = plan_resend(bench.desk, begin=Begin.FORMATS, ids=[old.id])
    with bench.real.transaction() as uow:
        doubt = replace(old, id="D000000001", message_id="", envid="", state=State.HELD, hold_code="patient-changed")
        uow.dispatches.add(doubt)
    plan = shown_before if late else plan_resend(bench.desk, begin=Begin.FORMATS, ids=[old.id])
    told = go(bench, plan).refused if late else plan.left_out
    assert told == ((old.id, DOUBTED),)


def test_what_was_offered_and_closed_may_be_sent_again(bench: Bench) -> None:
    old = once(bench, GONE)
    operate.close(bench.store, [old.id], reason="appelé", actor=EVE)
    (item,) = plan_resend(bench.desk, begin=Begin.FORMATS, ids=[old.id]).items
    assert item.planned.reason == "appelé", "what the preview shows"


def test_a_resend_is_withdrawn_not_undone(bench: Bench) -> None:
    old = once(bench)
    done = go(bench, plan_resend(bench.desk, begin=Begin.ROUTING, ids=[old.id]))
    undone = undo(bench.store, bench.clock, done.batches[0], reason="x", actor=EVE)
    assert undone.refused == ((done.done[0], RESENT),)
    assert operate.withdraw(bench.store, done.done, reason="x", actor=EVE).done == done.done
