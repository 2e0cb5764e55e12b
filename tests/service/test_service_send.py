"""Sending: at most one hand-over whose end is unknown, our faults pause, theirs defer or fail (promises 2 and 3)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.errors import (
    KeyringError,
    OurFault,
    OutcomeUnknown,
    Refused,
    StoreError,
    TransportError,
    TryLater,
)
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Mail
from dispatcher.service import operate
from dispatcher.service.recover import recover
from dispatcher.service.release import release
from dispatcher.service.send import send_due
from dispatcher.settings import PaceSettings
from dispatcher.store.suspects import MOST
from tests.fakes import OK, EverybodyAllowed, FaultyStore, Killed, RecordingTransport, ReplyLost
from tests.service.bench import LEASE, Bench, channel_settings
from tests.service.conftest import Watch
from tests.service.samples import OTHER_VALUE, ZOE, oru

FULL = TryLater("Boîte pleine.", reply=452, status="4.2.2", stage="rcpt")
BUSY = TryLater("Occupé.", reply=450, status="4.3.0", stage="rcpt")
GONE = Refused("Inconnu.", reply=550, status="5.1.1", stage="rcpt")
LOGIN = OurFault("Identification refusée.", reply=535, status="5.7.8", stage="login", hint="Vérifier.")
LOST = OutcomeUnknown("Connexion perdue après le point final.", stage="final-dot")
CUT = TryLater("Connexion coupée.", stage="data")
NO_LINE = TryLater("Serveur injoignable.", stage="connect")


def queue(bench: Bench, count: int = 1) -> tuple[Dispatch, ...]:
    """So many mails in one batch, oldest first."""
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}") for number in range(count)))
    bench.batch()
    return tuple(sorted(bench.dispatches(), key=lambda d: (str(d.created_at), d.id)))


def accepted(bench: Bench) -> Counter[str]:
    return Counter(handed.message_id for handed in bench.transport.accepted)


def paused(bench: Bench) -> str | None:
    with bench.real.reading() as uow:
        return uow.pace.paused(bench.channel.scope, bench.clock.now())


def test_one_mail_leaves_with_its_sealed_bytes(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    sent = bench.send()
    assert sent.counts == {State.SENT: 1}
    (handed,) = bench.transport.accepted
    assert handed.mail.content == bench.payload(dispatch.id, "sealed")
    assert (handed.mail.sender, handed.mail.recipient) == ("resultats@labo.test", dispatch.address)
    assert (handed.mail.message_id, handed.mail.envid) == (dispatch.message_id, dispatch.envid)
    now = bench.get(dispatch.id)
    assert (now.state, now.attempts, now.sent_at) == (State.SENT, 1, bench.clock.now())
    assert now.reply == "250 2.0.0 Ok: queued"
    with bench.real.reading() as uow:
        (receipt,) = uow.receipts.of_dispatch(dispatch.id)
    assert (receipt.kind, receipt.action) == ("smtp", "accepted")
    assert bench.transport.opened == bench.transport.closed == 1


def test_one_commit_a_mail(bench: Bench) -> None:
    """The outcome of one and the start of the next are written together."""
    queue(bench, 10)
    store = FaultyStore(bench.real)
    bench.use(store)  # type: ignore[arg-type]
    assert bench.send().counts == {State.SENT: 10}
    assert store.number == 1 + 10 + 1, "claim, ten mails, the last outcome with an empty claim"


# ------------------------------------------------------------------------------------------------ trust space


def test_a_queued_mail_does_not_leave_for_a_domain_that_has_left_the_trust_space_since(bench: Bench) -> None:
    bench.bring(oru("R1", to="M001^CABINET"), oru("R2", who=ZOE))
    bench.batch("mss")
    bench.batch("pro")
    outside = next(d for d in bench.dispatches() if d.channel == "mss")
    inside = next(d for d in bench.dispatches() if d.channel == "pro")
    bench.domains = EverybodyAllowed(refused=frozenset({outside.domain}))
    for name in ("mss", "pro"):
        bench.send(name)
    assert [handed.message_id for handed in bench.transport.accepted] == [inside.message_id]
    held = bench.get(outside.id)
    assert (held.state, held.hold_code) == (State.HELD, "untrusted-domain")
    assert outside.domain in held.reason
    bench.domains = EverybodyAllowed()
    assert release(bench.desk, outside.id, reason="revenu", actor="eve").released


def test_a_channel_waits_when_the_list_has_grown_too_old_and_no_mail_is_held(bench: Bench) -> None:
    """Ours to mend (design D9): the next list lets everything go, nobody releases anything."""
    bench.bring(oru("R1", to="M001^CABINET"))
    bench.batch("mss")
    (dispatch,) = bench.dispatches()
    assert dispatch.channel == "mss"
    bench.clock.advance(60 * 86_400)
    bench.send("mss")
    assert bench.transport.accepted == []
    assert (bench.get(dispatch.id).state, bench.get(dispatch.id).hold_code) == (State.QUEUED, "")
    with bench.store.reading() as uow:
        paused = uow.pace.paused("channel:mss", bench.clock.now())
    assert paused is not None
    bench.domains = EverybodyAllowed(generated=bench.clock.now())
    bench.clock.advance(86_400)
    bench.send("mss")
    assert [handed.message_id for handed in bench.transport.accepted] == [dispatch.message_id]


# ------------------------------------------------------------------------------------------------ stops

UNKNOWN_AFTER = {
    (1, "before"): 0,  # nothing claimed
    (1, "after"): 0,  # claimed, not begun
    (2, "before"): 0,  # the start of the first is not written, so nothing was handed over
    (2, "after"): 1,  # the first began
    (3, "before"): 1,  # the first was accepted, nobody wrote it down
    (3, "after"): 1,  # the second began
    (4, "before"): 1,
    (4, "after"): 1,  # the third began
    (5, "before"): 1,  # the third was accepted; nothing more to claim
    (5, "after"): 0,
}


@pytest.mark.parametrize(("point", "unknown"), UNKNOWN_AFTER.items())
def test_a_kill_at_any_commit_hands_nothing_over_twice(bench: Bench, point: tuple[int, str], unknown: int) -> None:
    queue(bench, 3)
    bench.use(FaultyStore(bench.real, lambda number, when: Killed() if (number, when) == point else None))  # type: ignore[arg-type]
    with pytest.raises(Killed):
        bench.send()
    _come_back(bench)
    states = Counter(bench.states())
    assert states == Counter({State.SENT: 3 - unknown} | ({State.UNKNOWN: unknown} if unknown else {}))
    assert set(accepted(bench).values()) == {1}
    sent = {dispatch.message_id for dispatch in bench.dispatches(states=(State.SENT,))}
    assert sent <= set(accepted(bench))


@pytest.mark.parametrize("mail", [1, 2, 3])
@pytest.mark.parametrize("arrived", [False, True])
def test_a_kill_during_a_hand_over_leaves_exactly_that_mail_unknown(bench: Bench, mail: int, arrived: bool) -> None:
    mails = queue(bench, 3)
    bench.transport.endings = [OK] * (mail - 1) + [ReplyLost(Killed()) if arrived else Killed()]
    with pytest.raises(Killed):
        bench.send()
    _come_back(bench)
    unknown = mails[mail - 1]
    assert [bench.get(d.id).state is State.UNKNOWN for d in mails] == [d is unknown for d in mails]
    assert "trancher à la main" in bench.get(unknown.id).reason
    assert accepted(bench)[unknown.message_id] == (1 if arrived else 0)
    assert max(accepted(bench).values()) == 1
    _replay(bench, unknown)
    assert accepted(bench)[unknown.message_id] == (2 if arrived else 1), "only because a person asked"
    assert bench.states() == [State.SENT] * 3


def _come_back(bench: Bench) -> None:
    """A new process, long after; it sends whatever may be sent."""
    bench.use(bench.real)
    bench.recover()
    bench.send()
    bench.send()


def _replay(bench: Bench, *dispatches: Dispatch, states: tuple[State, ...] = (State.UNKNOWN,)) -> None:
    plan = operate.plan_replay(bench.real, ids=[d.id for d in dispatches], states=states)
    assert len(plan.dispatches) == len(dispatches), plan.left_out
    operate.replay(bench.real, bench.clock, plan, reason="essai", actor="operator:eve")
    bench.send()


def test_a_store_that_fails_to_write_an_outcome_never_queues_the_mail_again(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    store = FaultyStore(
        bench.real, lambda number, when: StoreError("Disque plein.") if number >= 3 and when == "before" else None
    )
    bench.use(store)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        bench.send()
    assert bench.get(dispatch.id).state is State.SENDING
    _come_back(bench)
    assert bench.get(dispatch.id).state is State.UNKNOWN
    assert accepted(bench)[dispatch.message_id] == 1


def test_an_orderly_stop_gives_back_what_has_not_begun(bench: Bench) -> None:
    queue(bench, 5)
    bench.send(stop=lambda: len(bench.transport.handed) == 2)
    assert Counter(bench.states()) == {State.SENT: 2, State.QUEUED: 3}
    bench.send()
    assert bench.states() == [State.SENT] * 5
    assert set(accepted(bench).values()) == {1}


def test_deaths_before_a_hand_over_are_no_fault_of_the_mail(bench: Bench) -> None:
    """Right after the claim, each time of the same mail: fewer than what sets aside one that kills who opens it."""
    (dispatch,) = queue(bench)
    for _ in range(MOST - 1):
        bench.use(FaultyStore(bench.real, lambda number, when: Killed() if (number, when) == (1, "after") else None))  # type: ignore[arg-type]
        with pytest.raises(Killed):
            bench.send()
        bench.use(bench.real)
        bench.recover()
        assert bench.get(dispatch.id).state is State.QUEUED
    assert bench.send().counts == {State.SENT: 1}


# ------------------------------------------------------------------------------------------------ outcomes


def test_a_lost_reply_is_unknown_and_not_sent_again(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    bench.transport.endings = [ReplyLost(LOST)]
    assert bench.send().counts == {State.UNKNOWN: 1}
    for _ in range(5):
        bench.clock.advance(3600)
        bench.recover()
        bench.batch()
        bench.send()
    assert bench.get(dispatch.id).state is State.UNKNOWN
    assert len(bench.transport.handed) == 1


def test_a_temporary_refusal_waits_longer_each_time_then_gives_up(bench: Bench) -> None:
    retry = RetryPolicy(first=timedelta(minutes=1), factor=2, maximum=timedelta(minutes=10), give_up=timedelta(hours=1))
    bench.set_channel("pro", channel_settings(), retry)
    bench.restart()
    (dispatch,) = queue(bench)
    bench.transport.otherwise = lambda mail: BUSY
    waits: list[float] = []
    while bench.get(dispatch.id).state is not State.FAILED:
        bench.send()
        now = bench.get(dispatch.id)
        if now.state is State.DEFERRED:
            assert now.due_at is not None
            waits.append((now.due_at - bench.clock.now()).total_seconds())
            bench.clock.advance(waits[-1] - 1)
            bench.send()
            assert bench.get(dispatch.id).attempts == now.attempts, "not a second before"
            bench.clock.advance(1)
    assert all(abs(wait - mean) <= mean / 10 for wait, mean in zip(waits, [60, 120, 240, 480, 600], strict=False))
    assert waits[0] != 60, "a thousand mails refused together do not come back together"
    assert "abandon" in bench.get(dispatch.id).reason
    assert {handed.message_id for handed in bench.transport.handed} == {dispatch.message_id}
    assert len({handed.mail.content for handed in bench.transport.handed}) == 1, "the same bytes every time"


def test_a_mail_released_after_days_has_its_whole_patience_before_it(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    operate.hold(bench.real, [dispatch.id], reason="congés", actor="operator:eve")
    bench.clock.advance(timedelta(days=5).total_seconds())
    assert release(bench.desk, dispatch.id, reason="retour", actor="operator:eve").released
    bench.batch()
    bench.transport.endings = [BUSY]
    assert bench.send().counts == {State.DEFERRED: 1}


def test_a_full_mailbox_uses_an_attempt_and_does_not_pause(bench: Bench) -> None:
    queue(bench, 2)
    bench.transport.endings = [FULL]
    assert bench.send().counts == {State.DEFERRED: 1, State.SENT: 1}
    assert paused(bench) is None
    assert bench.transport.opened == 1, "a refusal of one recipient says nothing against the connection"


def test_a_refusal_fails_and_the_next_one_leaves_by_the_same_line(bench: Bench) -> None:
    first, second = queue(bench, 2)
    bench.transport.endings = [GONE]
    assert bench.send().counts == {State.FAILED: 1, State.SENT: 1}
    failed = bench.get(first.id)
    assert (failed.attempts, failed.reply) == (1, "550 5.1.1 rcpt")
    assert "release --to" in failed.reason
    assert bench.get(second.id).state is State.SENT
    assert bench.transport.opened == 1


@pytest.mark.parametrize("cut", [CUT, TryLater("Au revoir.", reply=421, stage="rcpt")])
def test_a_cut_line_is_opened_again(bench: Bench, cut: TransportError) -> None:
    queue(bench, 2)
    bench.transport.endings = [cut]
    assert bench.send().counts == {State.DEFERRED: 1, State.SENT: 1}
    assert bench.transport.opened == 2


def test_replaying_a_failure_sends_the_same_bytes_under_the_same_message_id(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    bench.transport.endings = [GONE]
    bench.send()
    _replay(bench, dispatch, states=(State.FAILED,))
    refused, taken = bench.transport.handed
    assert refused.mail == taken.mail
    assert bench.get(dispatch.id).state is State.SENT


@pytest.mark.parametrize(
    "fault",
    [
        LOGIN,
        OurFault("Adresse d'expédition refusée.", reply=553, stage="mail"),
        Refused("5.7.0 Authentication required", reply=530, status="5.7.0", stage="mail"),
        Refused("Sender rejected", reply=550, status="5.1.8", stage="mail"),
        TryLater("Temporary authentication failure", reply=535, stage="mail"),
    ],
    ids=lambda fault: f"{type(fault).__name__}-{fault.reply}-{fault.stage}",
)
def test_our_own_fault_pauses_the_channel_and_uses_no_attempt(bench: Bench, fault: TransportError) -> None:
    """Whatever class the transport gave it: what concerns every mail of the channel stops the channel."""
    first, *rest = queue(bench, 4)
    bench.transport.endings = [fault]
    sent = bench.send()
    assert sent.paused
    assert paused(bench) == sent.paused
    assert len(bench.transport.handed) == 1, "no other mail is spent on it"
    assert bench.transport.opened == 1
    assert (bench.get(first.id).state, bench.get(first.id).attempts) == (State.DEFERRED, 0)
    assert [bench.get(d.id).state for d in rest] == [State.QUEUED] * 3
    assert "channel.paused" in bench.events("channel:pro")
    assert bench.send().total == 0, "still paused"
    bench.clock.advance(bench.channel.retry.pause.total_seconds() + 1)
    assert bench.send().counts == {State.SENT: 4}
    assert bench.get(first.id).attempts == 1


def test_a_pause_set_by_a_person_is_not_cut_short_by_a_fault(bench: Bench) -> None:
    queue(bench, 2)

    def pause_now(mail: Mail) -> None:
        with bench.real.transaction() as uow:
            uow.pace.pause(bench.channel.scope, None, "Maintenance.")

    bench.transport.during = pause_now
    bench.transport.endings = [LOGIN]
    bench.send()
    bench.clock.advance(86_400)
    assert paused(bench) == "Maintenance."


@pytest.mark.parametrize(
    ("fault", "wait"),
    [(NO_LINE, RetryPolicy().pause), (LOGIN, RetryPolicy().pause), (ValueError("QUATREPATTES"), RetryPolicy().pause)],
)
def test_no_connection_pauses_the_channel_and_touches_no_mail(
    bench: Bench, fault: Exception, wait: timedelta, watch: Watch
) -> None:
    queue(bench, 3)
    bench.transport.at_open = [fault]
    sent = bench.send()
    assert sent.paused
    assert bench.transport.handed == []
    assert {(d.state, d.attempts) for d in bench.dispatches()} == {(State.QUEUED, 0)}
    bench.clock.advance(wait.total_seconds() - 1)
    assert bench.send().paused
    bench.clock.advance(2)
    assert bench.send().counts == {State.SENT: 3}
    assert "paused" in watch.text


def test_a_line_lost_between_two_mails_keeps_the_outcome_of_the_first(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(mails_per_connection=1))
    bench.restart()
    queue(bench, 3)
    second = RecordingTransport.open

    def then_no_more(transport: RecordingTransport) -> Any:
        if transport.opened == 1:
            transport.at_open = [Killed()]
        return second(transport)

    RecordingTransport.open = then_no_more  # type: ignore[method-assign]
    try:
        with pytest.raises(Killed):
            bench.send()
    finally:
        RecordingTransport.open = second  # type: ignore[method-assign]
    assert Counter(bench.states())[State.SENT] == 1, "written down before the next connection was tried"


def test_an_exception_nobody_foresaw_during_a_hand_over_is_unknown(bench: Bench, watch: Watch) -> None:
    first, second = queue(bench, 2)
    bench.transport.endings = [RuntimeError(f"Bad mail about {ZOE.family}")]
    assert bench.send().counts == {State.UNKNOWN: 1, State.SENT: 1}
    assert bench.get(first.id).state is State.UNKNOWN
    assert bench.get(second.id).state is State.SENT
    assert "RuntimeError at" in watch.text
    assert ZOE.family not in watch.text


# ------------------------------------------------------------------------------------------------ sealed bytes


@pytest.mark.parametrize("how", ["missing", "unreadable"])
def test_sealed_bytes_that_cannot_be_had_hold_that_mail_and_stop_no_other(
    bench: Bench, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue(bench, 2)
    import dispatcher.store.payloads as room

    get = room.SqlPayloads.get

    def broken(self: Any, owner: str, kind: str) -> bytes | None:
        if (owner, kind) != (first.id, "sealed"):
            return get(self, owner, kind)
        if how == "missing":
            return None
        raise KeyringError("Charge illisible.", code="payload")

    monkeypatch.setattr(room.SqlPayloads, "get", broken)
    sent = bench.send()
    assert sent.counts == {State.HELD: 1, State.SENT: 1}
    assert not sent.paused
    held = bench.get(first.id)
    assert (held.state, held.hold_code, held.attempts) == (State.HELD, "payload-missing", 0)
    assert "libérer" in held.reason
    assert bench.get(second.id).state is State.SENT


# ------------------------------------------------------------------------------------------------ versions


def test_a_newer_version_never_overtakes_one_that_is_being_sent(bench: Bench) -> None:
    queue(bench, 1)
    seen: list[list[State]] = []

    def correction_arrives(mail: Mail) -> None:
        if len(seen):
            return
        bench.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000"))
        bench.batch()
        with bench.real.transaction() as uow:
            claimed = uow.dispatches.claim("pro", "another", 10, LEASE, bench.clock.now())
        assert claimed == ()
        seen.append(bench.states())

    bench.transport.during = correction_arrives
    bench.send()
    bench.send()
    assert seen == [[State.SENDING, State.QUEUED]]
    assert bench.states() == [State.SENT, State.SENT]
    assert [handed.message_id for handed in bench.transport.accepted] == [d.message_id for d in bench.dispatches()]


@pytest.mark.parametrize("ending", [BUSY, GONE, LOGIN])
def test_superseded_while_it_was_being_sent_and_not_taken_is_withdrawn(bench: Bench, ending: TransportError) -> None:
    queue(bench, 1)
    bench.transport.endings = [ending]
    bench.transport.during = lambda mail: (
        None
        if len(bench.dispatches()) > 1
        else void(bench.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000")))
    )
    bench.send()
    bench.transport.during = lambda mail: None
    assert bench.states() == [State.WITHDRAWN, State.READY]
    bench.clock.advance(600)
    bench.run()
    assert bench.states() == [State.WITHDRAWN, State.SENT]
    assert len(bench.transport.accepted) == 1


def void(value: object) -> None:
    del value


def test_a_version_claimed_but_not_begun_is_withdrawn_when_a_newer_one_comes(bench: Bench) -> None:
    """Even when the newer one waits for a person: what the laboratory corrected does not leave any more."""
    _, corrected = queue(bench, 2)
    with bench.real.reading() as uow:
        report = uow.reports.get(corrected.report_id)
    assert report is not None
    order = report.order_filler

    def correction_arrives(mail: Mail) -> None:
        if len(bench.files(FileState.DONE)) == 2:
            bench.bring(oru(order, value=OTHER_VALUE, to="ZZZ^INCONNU", status="C", at="20260311100000"))

    bench.transport.during = correction_arrives
    bench.send()
    assert bench.get(corrected.id).state is State.WITHDRAWN
    assert "Remplacé" in bench.get(corrected.id).reason
    assert accepted(bench)[corrected.message_id] == 0
    assert Counter(bench.states()) == {State.SENT: 1, State.WITHDRAWN: 1, State.HELD: 2}
    assert {d.hold_code for d in bench.dispatches(states=(State.HELD,))} == {"unknown-recipient", "recipient-dropped"}


def test_a_newer_version_waits_behind_an_unknown_one(bench: Bench) -> None:
    queue(bench, 1)
    bench.transport.endings = [ReplyLost(LOST)]
    bench.send()
    bench.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000"))
    bench.batch()
    bench.send()
    assert bench.states() == [State.UNKNOWN, State.QUEUED]
    operate.close(bench.real, [bench.dispatches()[0].id], reason="reçu, dit au téléphone", actor="operator:eve")
    bench.send()
    assert bench.states() == [State.CLOSED, State.SENT]


# ------------------------------------------------------------------------------------------------ leases


def take_over(bench: Bench) -> Callable[[Mail], None]:
    """While a mail is being handed over, its lease runs out and is taken back."""

    def during(mail: Mail) -> None:
        bench.transport.during = lambda mail: None
        bench.recover()

    return during


@pytest.mark.parametrize(("ending", "state"), [(OK, State.SENT), (GONE, State.FAILED), (LOST, State.UNKNOWN)])
def test_a_hand_over_longer_than_its_lease_settles_what_it_can(bench: Bench, ending: Any, state: State) -> None:
    (dispatch,) = queue(bench)
    bench.transport.endings = [ending]
    bench.transport.during = take_over(bench)
    bench.send()
    assert bench.get(dispatch.id).state is state
    assert len(bench.transport.handed) == 1


def test_the_rest_of_a_lost_lease_is_left_to_its_new_owner(bench: Bench) -> None:
    mails = queue(bench, 3)
    bench.transport.during = take_over(bench)
    bench.send()
    assert bench.get(mails[0].id).state is State.SENT
    assert [bench.get(d.id).state for d in mails[1:]] == [State.QUEUED] * 2
    bench.send()
    assert bench.states() == [State.SENT] * 3
    assert set(accepted(bench).values()) == {1}


def test_an_acceptance_that_comes_after_a_replay_stops_the_second_sending(bench: Bench) -> None:
    (dispatch,) = queue(bench)

    def taken_back_and_replayed(mail: Mail) -> None:
        bench.transport.during = lambda mail: None
        bench.recover()
        plan = operate.plan_replay(bench.real, ids=[dispatch.id], states=(State.UNKNOWN,))
        operate.replay(bench.real, bench.clock, plan, reason="trop long", actor="operator:eve")

    bench.transport.during = taken_back_and_replayed
    bench.send()
    bench.send()
    assert (bench.get(dispatch.id).state, bench.get(dispatch.id).hold_code) == (State.HELD, "accepted-late")
    assert accepted(bench)[dispatch.message_id] == 1


def test_leases_are_renewed_while_the_line_waits_for_its_pace(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(pace=PaceSettings(per_minute=2, burst=1)))
    bench.restart()
    queue(bench, 8)
    naps = bench.clock.sleep

    def sleep(seconds: float) -> None:
        naps(seconds)
        recover(bench.real, bench.clock)  # the tick that takes back what dead workers held

    bench.clock.sleep = sleep  # type: ignore[method-assign]
    sent = bench.send(wait=90)
    assert sent.counts == {State.SENT: 8}
    assert bench.clock.elapsed > LEASE.total_seconds() + 60
    assert not any("dispatch.lease-expired" in bench.events(d.id) for d in bench.dispatches())


# ------------------------------------------------------------------------------------------------ several lines


def test_several_connections_share_the_work_and_double_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.set_channel("pro", channel_settings(connections=4, pace=PaceSettings(per_minute=60_000)))
    bench.restart()
    monkeypatch.setattr("dispatcher.service.line.CLAIM", 3)
    queue(bench, 40)
    names: set[str] = set()
    meet = threading.Barrier(4)

    def during(mail: Mail) -> None:
        name = threading.current_thread().name
        if name not in names:
            names.add(name)
            meet.wait(timeout=10)  # every line has a mail in hand

    bench.transport.during = during
    sent = bench.send()
    assert sent.counts == {State.SENT: 40}
    assert set(accepted(bench).values()) == {1}
    assert len(names) == 4
    assert bench.transport.opened == bench.transport.closed == 4


def test_a_fault_of_ours_on_one_line_stops_all_of_them(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(connections=4, pace=PaceSettings(per_minute=60_000)))
    bench.restart()
    queue(bench, 60)
    bench.transport.otherwise = lambda mail: LOGIN
    sent = bench.send()
    assert sent.paused
    assert len(bench.transport.handed) <= 4
    assert Counter(bench.states())[State.QUEUED] >= 56
    assert all(d.attempts == 0 for d in bench.dispatches())


def test_two_processes_on_one_channel_double_nothing(bench: Bench) -> None:
    queue(bench, 40)
    results: list[int] = []

    def work(owner: str) -> None:
        results.append(send_due(bench.channel, bench.real, bench.clock, owner, lambda: False).total)

    threads = [threading.Thread(target=work, args=(f"process-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(results) == 40
    assert set(accepted(bench).values()) == {1}
    assert bench.states() == [State.SENT] * 40
