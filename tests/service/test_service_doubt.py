"""What becomes of ``unknown``: found in the Sent folder, sent again by policy, settled by a person; not silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.clock import STEADY, Steadiness
from dispatcher.daemon import doubt, steps
from dispatcher.daemon.membership import Membership
from dispatcher.errors import OutcomeUnknown, TryLater
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.doubt import DoubtPolicy
from dispatcher.outbox.states import STATES, State
from dispatcher.service import alarms, operate, overview
from dispatcher.service.collect import FULL
from dispatcher.service.recover import recover
from dispatcher.service.settle_by_hand import settle_by_hand
from dispatcher.service.settle_doubt import Doubts, settle_doubt
from dispatcher.settings import MailboxSettings
from dispatcher.settings.service import ServiceSettings
from tests.fakes import OK, ReplyLost
from tests.service.bench import Bench, channel_settings
from tests.service.samples import OTHER_VALUE, dsn, oru

LOST = OutcomeUnknown("Connexion perdue après le point final.", stage="final-dot")
EVE = "operator:eve"
DAY = 24 * 3600
RESEND = DoubtPolicy(resend_after=timedelta(hours=24))


def policy(bench: Bench, wanted: DoubtPolicy = RESEND, *, sent: str = "") -> None:
    mailbox = MailboxSettings(kind="maildir", path=bench.folder, sent=sent)
    bench.set_channel("pro", channel_settings(mailbox=mailbox))
    bench.channels["pro"] = replace(bench.channels["pro"], doubt=wanted)
    bench.restart()


def lose(bench: Bench, *contents: bytes) -> Dispatch:
    """A mail whose answer was lost."""
    bench.bring(*(contents or (oru("R1"),)))
    bench.batch()
    bench.transport.endings = [ReplyLost(LOST)]
    bench.send()
    return bench.one(states=(State.UNKNOWN,))


def look(bench: Bench) -> Doubts:
    return settle_doubt(bench.channel, bench.store, bench.clock, lambda: bench.mailbox)


def test_nothing_is_sent_again_without_a_policy(bench: Bench) -> None:
    policy(bench, DoubtPolicy())
    dispatch = lose(bench)
    for _ in range(40):
        bench.clock.advance(DAY)
        assert look(bench).resent == 0
        bench.send()
    assert bench.get(dispatch.id).state is State.UNKNOWN
    assert len(bench.transport.handed) == 1


def test_after_its_time_the_same_bytes_leave_once_more_and_no_more(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    bench.clock.advance(DAY - 60)
    assert look(bench).resent == 0
    bench.clock.advance(61)
    assert look(bench).resent == 1
    queued = bench.get(dispatch.id)
    assert (queued.state, queued.unknown_since) == (State.QUEUED, None)
    assert "renvoyés selon le réglage" in queued.reason
    assert bench.events(dispatch.id)[-1] == "dispatch.resent-unknown"
    bench.transport.endings = [ReplyLost(LOST)]
    bench.send()
    first, second = bench.transport.handed
    assert first.mail == second.mail
    for _ in range(5):
        bench.clock.advance(2 * DAY)
        assert look(bench).resent == 0, "once is enough; a person decides now"
    assert bench.get(dispatch.id).state is State.UNKNOWN


def test_a_person_who_replays_begins_the_count_anew(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    for expected in (1, 0):
        bench.clock.advance(2 * DAY)
        assert look(bench).resent == expected
        bench.transport.endings = [ReplyLost(LOST)]
        bench.send()
    plan = operate.plan_replay(bench.store, ids=[dispatch.id], states=(State.UNKNOWN,))
    assert operate.replay(bench.store, bench.clock, plan, reason="essai", actor=EVE).done
    bench.transport.endings = [ReplyLost(LOST)]
    bench.send()
    bench.clock.advance(2 * DAY)
    assert look(bench).resent == 1


def test_a_notice_that_waits_in_the_mailbox_is_read_first(bench: Bench) -> None:
    """The mail had arrived, and its notice came while nobody read the mailbox."""
    policy(bench)
    dispatch = lose(bench)
    bench.clock.advance(DAY + 1)
    bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address))
    assert look(bench).resent == 0
    assert bench.get(dispatch.id).state is State.DELIVERED
    bench.send()
    assert len(bench.transport.handed) == 1


def test_a_mailbox_that_cannot_be_read_sends_nothing_again(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    bench.clock.advance(9 * DAY)
    bench.mailbox.unread = TryLater("Serveur IMAP injoignable.", stage="connect")
    done = look(bench)
    assert (done.resent, bench.get(dispatch.id).state) == (0, State.UNKNOWN)
    assert "injoignable" in done.fault
    bench.mailbox.unread = None
    assert look(bench).resent == 1


def test_a_mailbox_not_read_to_its_end_sends_nothing_again(bench: Bench) -> None:
    """The notice stands behind as many mails as one reading takes."""
    policy(bench)
    dispatch = lose(bench)
    for number in range(FULL):
        bench.mailbox.arrive(f"From: x@dest.test\r\nSubject: {number}\r\n\r\nbonjour {number}\r\n".encode())
    bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address))
    bench.clock.advance(DAY + 1)
    assert look(bench).resent == 0
    assert bench.get(dispatch.id).state is State.UNKNOWN
    assert look(bench).resent == 0
    assert bench.get(dispatch.id).state is State.DELIVERED


def test_without_a_mailbox_nothing_is_sent_again(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    bench.clock.advance(9 * DAY)
    assert settle_doubt(bench.channel, bench.store, bench.clock, lambda: None).resent == 0
    assert bench.get(dispatch.id).state is State.UNKNOWN


def test_superseded_meanwhile_it_is_withdrawn_and_the_newer_one_leaves(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    bench.bring(oru("R1", value=OTHER_VALUE, status="C", at="20260311100000"))
    bench.batch()
    bench.send()
    assert [d.state for d in bench.dispatches()] == [State.UNKNOWN, State.QUEUED], "the newer one waits"
    bench.clock.advance(DAY + 1)
    done = look(bench)
    assert (done.resent, done.withdrawn) == (0, 1)
    old = bench.get(dispatch.id)
    assert (old.state, old.unknown_since) == (State.WITHDRAWN, None)
    assert "version plus récente" in old.reason
    bench.send()
    assert [d.state for d in bench.dispatches()] == [State.WITHDRAWN, State.SENT]


def test_what_changed_while_the_mailbox_was_read_is_left_alone(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    bench.clock.advance(DAY + 1)
    inner = bench.mailbox.fetch

    def fetch(limit: int = FULL):  # type: ignore[no-untyped-def]
        operate.close(bench.store, [dispatch.id], reason="vu au téléphone", actor=EVE)
        return inner(limit)

    bench.mailbox.fetch = fetch  # type: ignore[method-assign]
    assert look(bench).resent == 0
    assert bench.get(dispatch.id).state is State.CLOSED


# ------------------------------------------------------------------------------------------------ the Sent folder


def test_a_copy_in_the_sent_folder_proves_it(bench: Bench) -> None:
    policy(bench, DoubtPolicy(), sent="Sent")
    dispatch = lose(bench)
    since = bench.get(dispatch.id).unknown_since
    assert look(bench).found == 0
    assert bench.get(dispatch.id).state is State.UNKNOWN, "no copy proves nothing"
    bench.mailbox.copies = {dispatch.message_id, "<other@labo.test>"}
    bench.clock.advance(60)
    assert look(bench).found == 1
    now = bench.get(dispatch.id)
    assert (now.state, now.sent_at, now.unknown_since) == (State.SENT, since, None)
    with bench.real.reading() as uow:
        assert [row.kind for row in uow.receipts.of_dispatch(dispatch.id)] == ["sent-copy"]
    assert look(bench).found == 0
    bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address))
    bench.collect()
    assert bench.get(dispatch.id).state is State.DELIVERED


def test_the_folder_is_not_asked_without_the_setting(bench: Bench) -> None:
    policy(bench, DoubtPolicy())
    dispatch = lose(bench)
    bench.mailbox.copies = {dispatch.message_id}
    assert look(bench).found == 0


def test_a_folder_that_cannot_be_asked_sends_nothing_again(bench: Bench) -> None:
    policy(bench, sent="Sent")
    dispatch = lose(bench)
    bench.clock.advance(DAY + 1)

    def broken(message_ids: object, *, since: object) -> frozenset[str]:
        raise TryLater("IMAP : connexion perdue.", stage="connect")

    asked = bench.mailbox.sent
    bench.mailbox.sent = broken  # type: ignore[method-assign, assignment]
    for _ in range(3):
        assert look(bench).resent == 0
    assert bench.get(dispatch.id).state is State.UNKNOWN
    assert "connexion perdue" in alarms.standing(bench.store, alarms.sent_folder("pro"))
    bench.mailbox.sent = asked  # type: ignore[method-assign]
    assert look(bench).resent == 1
    assert bench.events(alarms.sent_folder("pro")) == [alarms.STARTED, alarms.ENDED]


# ------------------------------------------------------------------------------------------------ several nodes


def node(bench: Bench, name: str) -> tuple[Any, Membership]:
    """A service on the bench's store; the mailbox may stand on one node's own disk."""
    office: Any = SimpleNamespace(
        store=bench.real,
        clock=bench.clock,
        settings=SimpleNamespace(service=ServiceSettings(node=name, lease_seconds=120, collect_seconds=30)),
        directory=SimpleNamespace(versions=dict),
        channels={"pro": bench.channel},
        open_mailbox=lambda channel: bench.mailbox,
    )
    member = Membership(office)
    member.owner = f"{name}:1:token"
    return office, member


def test_the_node_that_cares_for_the_mailbox_looks_into_doubts(bench: Bench) -> None:
    policy(bench)
    dispatch = lose(bench)
    bench.clock.advance(DAY + 1)
    (one, first), (two, second) = node(bench, "un"), node(bench, "deux")
    steps.collect_all(one, first)
    assert doubt.settle_all(two, second).resent == 0
    assert bench.get(dispatch.id).state is State.UNKNOWN
    assert doubt.settle_all(one, first).resent == 1
    assert bench.get(dispatch.id).state is State.QUEUED


def test_when_that_node_is_gone_another_does(bench: Bench) -> None:
    policy(bench)
    lose(bench)
    bench.clock.advance(DAY + 1)
    (one, first), (two, second) = node(bench, "un"), node(bench, "deux")
    steps.collect_all(one, first)
    bench.clock.advance(121)
    assert doubt.settle_all(two, second).resent == 1


# ------------------------------------------------------------------------------------------------ a person


def test_a_person_says_it_arrived(bench: Bench) -> None:
    dispatch = lose(bench)
    since = dispatch.unknown_since
    bench.clock.advance(3600)
    assert settle_by_hand(bench.store, [dispatch.id], arrived=True, reason="vu au téléphone", actor=EVE).done
    now = bench.get(dispatch.id)
    assert (now.state, now.sent_at, now.delivered_at) == (State.DELIVERED, since, bench.clock.now())
    with bench.real.reading() as uow:
        line = uow.journal.of_subject(dispatch.id)[-1]
    assert (line.event, line.actor, line.detail["reason"]) == ("dispatch.settled-arrived", EVE, "vu au téléphone")


def test_a_person_says_it_was_never_accepted_and_replays_it(bench: Bench) -> None:
    dispatch = lose(bench)
    assert settle_by_hand(bench.store, [dispatch.id], arrived=False, reason="absent du journal", actor=EVE).done
    assert bench.get(dispatch.id).state is State.FAILED
    plan = operate.plan_replay(bench.store, ids=[dispatch.id])
    operate.replay(bench.store, bench.clock, plan, reason="renvoi", actor=EVE)
    bench.transport.endings = [OK]
    bench.send()
    assert bench.get(dispatch.id).state is State.SENT


def test_never_accepted_and_superseded_is_withdrawn(bench: Bench) -> None:
    dispatch = lose(bench)
    bench.bring(oru("R1", value=OTHER_VALUE, status="C", at="20260311100000"))
    bench.batch()
    settle_by_hand(bench.store, [dispatch.id], arrived=False, reason="absent du journal", actor=EVE)
    bench.send()
    assert [d.state for d in bench.dispatches()] == [State.WITHDRAWN, State.SENT]


@pytest.mark.parametrize("arrived", [True, False])
def test_only_doubt_is_settled(bench: Bench, arrived: bool) -> None:
    dispatch = lose(bench)
    wanted = [dispatch.id, dispatch.id, "D-nobody"]
    first = settle_by_hand(bench.store, wanted, arrived=arrived, reason="vu", actor=EVE)
    assert (first.done, first.refused) == ((dispatch.id,), (("D-nobody", "Aucun envoi ne porte ce numéro."),))
    state = bench.get(dispatch.id).state
    (again,) = settle_by_hand(bench.store, [dispatch.id], arrived=not arrived, reason="vu", actor=EVE).refused
    assert STATES[state] in again[1]
    assert bench.get(dispatch.id).state is state


# ------------------------------------------------------------------------------------------------ never silent


def test_an_old_doubt_alarms_once_and_ends_once(bench: Bench) -> None:
    policy(bench, DoubtPolicy(alarm_after=timedelta(hours=4)))
    dispatch = lose(bench)
    subject = alarms.doubt("pro")
    look(bench)
    assert alarms.standing(bench.store, subject) == ""
    bench.clock.advance(4 * 3600)
    for _ in range(3):
        look(bench)
    assert "1 envoi à l'issue inconnue sur le canal « pro »" in alarms.standing(bench.store, subject)
    settle_by_hand(bench.store, [dispatch.id], arrived=True, reason="vu", actor=EVE)
    for _ in range(2):
        look(bench)
    assert bench.events(subject) == [alarms.STARTED, alarms.ENDED]


def test_a_clock_behind_for_a_moment_sends_no_doubt_again(bench: Bench) -> None:
    """It starts years back, for as long as it likes; set right, the doubt is as old as it is."""
    policy(bench)
    dispatch = lose(bench)
    steadiness = Steadiness()
    bench.clock.step(-5 * 365 * DAY)
    for _ in range(3):
        recover(bench.store, bench.clock, steadiness=steadiness)
        bench.clock.advance(STEADY)
    bench.clock.step(5 * 365 * DAY)
    assert look(bench).resent == 0 and bench.get(dispatch.id).unknown_since == dispatch.unknown_since
    bench.clock.advance(DAY)
    assert look(bench).resent == 1


def test_a_doubt_of_the_future_alarms_and_waits_for_a_person(bench: Bench) -> None:
    policy(bench)
    lose(bench)
    bench.clock.step(-365 * DAY)
    for _ in range(2):
        assert look(bench).resent == 0
        bench.clock.advance(2 * DAY)
    assert "daté de l'avenir (l'horloge a été reculée)" in alarms.standing(bench.store, alarms.doubt("pro"))


def test_status_tells_how_many_and_since_when(bench: Bench) -> None:
    dispatch = lose(bench)
    bench.clock.advance(7200)
    (channel,) = [c for c in overview.status(bench.store, bench.clock, bench.channels).channels if c.name == "pro"]
    assert (channel.unknown, channel.unknown_since) == (1, dispatch.unknown_since)
