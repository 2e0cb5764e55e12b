"""One bad mail cannot stop a channel, nor one destination the others; after a pause one mail tries."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from dispatcher.errors import OurFault, OutcomeUnknown, Refused, TransportError, TryLater
from dispatcher.outbox.breaker import CHANNEL, Breaker
from dispatcher.outbox.dispatch import Accepted, Batch, Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import Mail
from dispatcher.service import overview
from dispatcher.service.circuits import pause
from dispatcher.store.destinations import SqlDestinations
from tests.contract.store_kit import Seed
from tests.fakes import OK
from tests.service.bench import Bench, channel_settings
from tests.service.samples import dsn

RELAY = OurFault("554 Relay access denied", reply=554, status="5.7.1", stage="rcpt", hint="Vérifier le canal.")
LOGIN = OurFault("Identification refusée.", reply=535, status="5.7.8", stage="login", hint="Vérifier.")
DOWN = TryLater("Serveur du destinataire muet.", reply=451, status="4.4.1", stage="rcpt")
LOST = OutcomeUnknown("Connexion perdue.", stage="final-dot")
GONE = Refused("Inconnu.", reply=550, status="5.1.1", stage="rcpt")


def queued(bench: Bench, *addresses: str, lane: Lane = Lane.ROUTINE) -> list[Dispatch]:
    """A mail to each, as prepared."""
    seed = Seed(bench.real, bench.clock)
    seed._count = 1000 * len(bench.dispatches())
    made = []
    for address in addresses:
        domain = address.rpartition("@")[2]
        made.append(seed.dispatch(channel="pro", address=address, domain=domain, recipient_key=address, lane=lane))
        with bench.real.transaction() as uow:
            uow.payloads.put(made[-1].id, "sealed", b"sealed")
    return made


def always(bench: Bench, endings: dict[str, TransportError]) -> None:
    """What the operator says to mail for these addresses; all others are accepted."""

    def end(mail: Mail) -> Accepted | TransportError:
        return endings.get(mail.recipient, OK)

    bench.transport.otherwise = end


def minutes(bench: Bench, count: int) -> list[int]:
    """So many minutes pass; gives those in which the operator was spoken to."""
    spoken = []
    for minute in range(count):
        before = bench.transport.opened
        bench.send()
        if bench.transport.opened > before:
            spoken.append(minute)
        bench.clock.advance(60)
    return spoken


def test_one_mail_that_pauses_its_channel_is_held_and_the_others_leave(bench: Bench) -> None:
    bad, *rest = queued(bench, "mal@dest.test", *(f"bien{n}@dest.test" for n in range(4)))
    always(bench, {bad.address: RELAY})
    minutes(bench, 10)
    assert {bench.get(d.id).state for d in rest} == {State.SENT}
    held = bench.get(bad.id)
    assert (held.state, held.hold_code, held.pauses, held.attempts) == (State.HELD, "policy", 0, 1)
    assert "2 fois de suite" in held.reason
    tries = Counter(handed.mail.recipient for handed in bench.transport.handed)
    assert tries[bad.address] == 3 and set(tries.values()) == {1, 3}
    (late,) = queued(bench, "tard@dest.test")
    bench.send()
    assert bench.get(late.id).state is State.SENT, "the channel is not paused any more"


def test_a_fault_of_ours_that_every_mail_meets_holds_none_of_them(bench: Bench) -> None:
    mails = queued(bench, *(f"d{n}@dest.test" for n in range(3)))
    always(bench, dict.fromkeys((d.address for d in mails), RELAY))
    minutes(bench, 40)
    assert State.HELD not in bench.states()
    always(bench, {})
    minutes(bench, 40)
    assert bench.states() == [State.SENT] * 3


def test_the_only_mail_of_a_channel_is_tried_again_and_never_held(bench: Bench) -> None:
    (only,) = queued(bench, "seul@dest.test")
    always(bench, {only.address: RELAY})
    minutes(bench, 120)
    assert bench.get(only.id).state is State.DEFERRED
    always(bench, {})
    minutes(bench, 40)
    assert bench.get(only.id).state is State.SENT


def test_pauses_grow_and_one_line_of_one_worker_tries(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(connections=4))
    bench.restart()
    queued(bench, *(f"d{n}@dest.test" for n in range(30)))
    bench.transport.at_open = [LOGIN] * 100
    spoken = minutes(bench, 100)
    assert spoken == [0, 1, 3, 7, 15, 31, 61, 91]
    assert bench.transport.opened <= 4 + len(spoken) - 1, "one connection after each pause"
    bench.transport.at_open = []
    minutes(bench, 31)
    assert set(bench.states()) == {State.SENT}
    bench.transport.at_open = [LOGIN]
    (late,) = queued(bench, "tard@dest.test")
    assert minutes(bench, 3)[:2] == [0, 1], "after a success the first pause is short again"
    assert bench.get(late.id).state is State.SENT


def test_an_operator_that_cannot_be_reached_is_tried_every_five_minutes_at_least(bench: Bench) -> None:
    queued(bench, "a@dest.test")
    bench.transport.at_open = [TryLater("Injoignable.", stage="connect")] * 100
    assert minutes(bench, 20) == [0, 1, 3, 7, 12, 17]


def test_a_destination_that_does_not_answer_rests_and_the_others_leave(bench: Bench) -> None:
    down = queued(bench, *(f"d{n}@muet.test" for n in range(20)))
    up = queued(bench, *(f"d{n}@dest.test" for n in range(20)))
    bench.domains.refused = frozenset()
    bench.set_channel("pro", channel_settings(domains=["dest.test", "muet.test"]))
    bench.restart()
    bench.transport.otherwise = lambda mail: DOWN if mail.recipient.endswith("muet.test") else OK
    bench.send()
    assert {bench.get(d.id).state for d in up} == {State.SENT}
    tried = [h for h in bench.transport.handed if h.mail.recipient.endswith("muet.test")]
    assert len(tried) < 20
    with bench.real.reading() as uow:
        (row,) = uow.destinations.open("pro")
    assert row.domain == "muet.test" and "ne répond pas" in row.reason
    assert bench.events("destination:pro/muet.test") == ["destination.rests"]
    before = len(bench.transport.handed)
    bench.clock.advance(61)
    bench.send()
    assert len(bench.transport.handed) == before + 1, "one probe"
    bench.transport.otherwise = lambda mail: OK
    minutes(bench, 10)
    assert {bench.get(d.id).state for d in down} == {State.SENT}
    assert bench.events("destination:pro/muet.test")[-1] == "destination.open-again"


def test_mailboxes_that_do_not_exist_say_nothing_of_their_domain(bench: Bench) -> None:
    mails = queued(bench, *(f"d{n}@dest.test" for n in range(12)))
    always(bench, dict.fromkeys((d.address for d in mails), GONE))
    bench.send()
    assert len(bench.transport.handed) == 12
    with bench.real.reading() as uow:
        assert uow.destinations.open("pro") == []


def test_notices_of_a_domain_that_cannot_be_reached_make_it_rest(bench: Bench) -> None:
    mails = queued(bench, *(f"d{n}@dest.test" for n in range(5)))
    bench.send()
    for number, mail in enumerate(mails):
        bench.mailbox.arrive(dsn(mail.message_id, mail.address, "failed", number=number).replace(b"5.1.1", b"5.4.4"))
    bench.collect()
    (late,) = queued(bench, "d9@dest.test")
    bench.send()
    assert bench.get(late.id).state is State.QUEUED
    bench.clock.advance(timedelta(minutes=1).total_seconds())
    bench.send()
    assert bench.get(late.id).state is State.SENT


def test_an_urgent_mail_nobody_takes_is_told_before_the_day_is_over(bench: Bench) -> None:
    (urgent,), (routine,) = queued(bench, "u@dest.test", lane=Lane.URGENT), queued(bench, "r@dest.test")
    full = TryLater("Pleine.", reply=452, status="4.2.2", stage="rcpt")
    always(bench, {urgent.address: full, routine.address: full})
    for _ in range(30):
        bench.send()
        bench.clock.advance(1800)
    assert (bench.get(urgent.id).state, bench.get(routine.id).state) == (State.FAILED, State.DEFERRED)
    assert "abandon" in bench.get(urgent.id).reason


def test_a_batch_of_which_too_much_fails_waits_for_a_person(bench: Bench) -> None:
    with bench.real.transaction() as uow:
        uow.batches.add(Batch(id="L1", channel="pro", created_at=bench.clock.now(), reason="tick", count=40))
    mails = queued(bench, *(f"d{n}@dest.test" for n in range(60)))
    with bench.real.transaction() as uow:
        for mail in mails:
            uow.dispatches.update(mail.id, event="dispatch.queued", batch_id="L1")
        uow.batches.join("L1", [mail.id for mail in mails], bench.clock.now())
    bench.transport.otherwise = lambda mail: GONE
    bench.send()
    counts = Counter(bench.states())
    assert counts[State.FAILED] == 20 and counts[State.QUEUED] == 40
    with bench.real.reading() as uow:
        batch = uow.batches.get("L1")
    assert batch is not None and batch.state == "paused" and "20" in batch.pause_reason
    assert bench.send().total == 0
    assert bench.events("L1").count("batch.paused") == 1
    assert [one.id for one in overview.status(bench.real, bench.clock, bench.channels).paused_batches] == ["L1"]
    with bench.real.transaction() as uow:
        uow.batches.resume("L1", reason="Vu.", actor="eve")
    assert overview.status(bench.real, bench.clock, bench.channels).paused_batches == ()
    assert bench.send().total == 40, "who resumed it has seen the failures"


def test_an_operator_that_never_answers_the_final_dot_leaves_few_mails_in_doubt(bench: Bench) -> None:
    queued(bench, *(f"d{n}@dest.test" for n in range(40)))
    bench.transport.otherwise = lambda mail: LOST
    paused = bench.send().paused
    assert "3 remises de suite" in paused and Counter(bench.states()) == {State.UNKNOWN: 3, State.QUEUED: 37}
    assert minutes(bench, 10) == [1, 3, 7], "one mail after each pause, and longer pauses"
    assert Counter(bench.states()) == {State.UNKNOWN: 6, State.QUEUED: 34}
    bench.transport.otherwise = lambda mail: OK
    minutes(bench, 10)
    assert Counter(bench.states()) == {State.UNKNOWN: 6, State.SENT: 34}


def test_a_few_unknown_ends_between_acceptances_brake_nothing(bench: Bench) -> None:
    queued(bench, *(f"d{n:02}@dest.test" for n in range(30)))
    ends = [LOST, LOST, OK] * 10
    bench.transport.otherwise = lambda mail: ends.pop(0)
    assert bench.send().counts == {State.UNKNOWN: 20, State.SENT: 10}


def test_a_pause_that_came_while_waiting_for_the_lock_is_not_doubled(
    on_both: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, until = on_both, on_both.clock.now() + timedelta(minutes=7)
    look = SqlDestinations.breaker
    with bench.real.transaction() as uow:

        def waits(self: SqlDestinations, channel: str, domain: str) -> Breaker:
            uow.pace.pause(bench.channel.scope, until, "Une autre ligne.")
            return look(self, channel, domain)

        monkeypatch.setattr(SqlDestinations, "breaker", waits)
        assert pause(uow, bench.channel, LOGIN, "La seconde.", bench.clock.now()) is None
        monkeypatch.undo()
        assert uow.pace.paused(bench.channel.scope, bench.clock.now()) == "Une autre ligne."
        assert uow.destinations.breaker("pro", CHANNEL) == Breaker()
