"""A machine whose clock stood a year ahead and was set right: what it put off then is not put off for that year."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

from apscheduler.schedulers.background import BackgroundScheduler

from dispatcher.clock import STEADY, Steadiness
from dispatcher.daemon import steps
from dispatcher.daemon.run import bring_ticks_back
from dispatcher.errors import OurFault, TryLater
from dispatcher.outbox.longest import Longest
from dispatcher.outbox.states import State
from dispatcher.ports import NodeRow
from dispatcher.service import nodes
from dispatcher.service.pause import pause
from dispatcher.service.recover import recover
from dispatcher.wiring import Office
from tests.fakes import Killed
from tests.service.bench import Bench
from tests.service.samples import oru

YEAR = timedelta(days=365)
BUSY = TryLater("Occupé.", reply=450, status="4.3.0", stage="rcpt")
LOGIN = OurFault("Identification refusée.", reply=535, status="5.7.8", stage="login", hint="Vérifier.")


def put_off(bench: Bench, *endings: TryLater | OurFault) -> None:
    """Three mails, tried while the clock was a year ahead."""
    bench.clock.at += YEAR
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}") for number in range(3)))
    bench.batch()
    bench.transport.endings = list(endings)
    bench.send()
    bench.clock.at -= YEAR


def evenly(bench: Bench, steadiness: Steadiness | None = None) -> None:
    """What the recover tick does while the clock goes evenly for long enough."""
    steadiness = steadiness or Steadiness()
    recover(bench.store, bench.clock, steadiness=steadiness)
    bench.clock.advance(STEADY)
    recover(bench.store, bench.clock, steadiness=steadiness)


def test_refused_for_now_in_the_future_leaves_today(bench: Bench) -> None:
    put_off(bench, BUSY, BUSY, BUSY)
    assert bench.states() == [State.DEFERRED] * 3
    assert bench.send().total == 0
    evenly(bench)
    assert bench.send().counts == {State.SENT: 3}


def test_a_channel_paused_in_the_future_is_tried_today(bench: Bench) -> None:
    put_off(bench, LOGIN)
    assert bench.send().paused
    evenly(bench)
    assert bench.send().counts == {State.SENT: 3}


def test_a_clock_behind_for_a_moment_brings_nothing_back(bench: Bench) -> None:
    """A machine without a battery starts years back, and is set right once it reaches a time server."""
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}") for number in range(3)))
    bench.batch()
    bench.transport.endings = [BUSY, BUSY, BUSY]
    bench.send()
    written = [one.due_at for one in bench.dispatches()]
    steadiness = Steadiness()
    for years, seconds in ((0, 2 * STEADY), (-5, STEADY - 1), (5, 60.0)):
        bench.clock.step(years * YEAR.total_seconds())
        for _ in range(2):
            recover(bench.store, bench.clock, steadiness=steadiness)
            bench.clock.advance(seconds / 2)
    assert [one.due_at for one in bench.dispatches()] == written


def test_a_look_of_one_process_alone_brings_nothing_back(bench: Bench) -> None:
    put_off(bench, BUSY, BUSY, BUSY)
    for steadiness in (None, Steadiness()):
        recover(bench.store, bench.clock, steadiness=steadiness)
    assert bench.send().total == 0


def test_the_service_remembers_how_the_clock_went(bench: Bench) -> None:
    put_off(bench, BUSY, BUSY, BUSY)
    office = SimpleNamespace(store=bench.store, clock=bench.clock, longest=Longest(), steadiness=Steadiness())
    steps.recover_all(cast(Office, office))
    bench.clock.advance(STEADY)
    steps.recover_all(cast(Office, office))
    assert bench.send().counts == {State.SENT: 3}


def test_the_pause_of_a_person_stays(bench: Bench) -> None:
    pause(bench.store, bench.channel, reason="travaux", actor="operator:eve")
    put_off(bench)
    evenly(bench)
    assert "travaux" in bench.send().paused


def test_what_died_in_hand_in_the_future_comes_back_today(bench: Bench) -> None:
    def killed(mail: object) -> None:
        raise Killed

    bench.transport.during = killed
    try:
        put_off(bench)
    except Killed:
        bench.clock.at -= YEAR
    assert State.SENDING in bench.states()
    steadiness = Steadiness()
    evenly(bench, steadiness)
    evenly(bench, steadiness)
    assert State.SENDING not in bench.states() and bench.states().count(State.UNKNOWN) == 1


def test_the_ticks_of_the_service_go_on() -> None:
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone=UTC)
    now = datetime.now(UTC)
    scheduler.add_job(ran.set, "interval", seconds=3600, id="recover", next_run_time=now + YEAR)
    scheduler.add_job(print, "interval", seconds=3600, id="soon", next_run_time=now + timedelta(hours=1))
    scheduler.start()
    try:
        soon = scheduler.get_job("soon").next_run_time
        bring_ticks_back(scheduler, now)
        assert ran.wait(30)
        assert scheduler.get_job("soon").next_run_time == soon
    finally:
        scheduler.shutdown(wait=True)


def test_a_node_that_died_in_the_future_is_not_taken_for_living(bench: Bench) -> None:
    bench.clock.at += YEAR
    moment = bench.clock.now()
    row = NodeRow(
        id="N1", name="sud", host="sud", pid=1, version="1", revision="1", workers=1, started_at=moment, seen_at=moment
    )
    nodes.join(bench.real, row)
    assert nodes.view(bench.real).alarms == ()
    bench.clock.at -= YEAR
    (told,) = nodes.view(bench.real).alarms
    assert "« sud » ne donne plus signe de vie" in told
