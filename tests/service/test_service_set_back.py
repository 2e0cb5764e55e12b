"""A machine whose clock stood a year ahead and was set right: what it put off then is not put off for that year."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from dispatcher.daemon.run import bring_ticks_back
from dispatcher.errors import OurFault, TryLater
from dispatcher.outbox.states import State
from dispatcher.ports import NodeRow
from dispatcher.service import nodes
from dispatcher.service.pause import pause
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


def test_refused_for_now_in_the_future_leaves_today(bench: Bench) -> None:
    put_off(bench, BUSY, BUSY, BUSY)
    assert bench.states() == [State.DEFERRED] * 3
    assert bench.send().total == 0
    bench.recover()
    assert bench.send().counts == {State.SENT: 3}


def test_a_channel_paused_in_the_future_is_tried_today(bench: Bench) -> None:
    put_off(bench, LOGIN)
    assert bench.send().paused
    bench.recover()
    assert bench.send().counts == {State.SENT: 3}


def test_the_pause_of_a_person_stays(bench: Bench) -> None:
    pause(bench.store, bench.channel, reason="travaux", actor="operator:eve")
    put_off(bench)
    bench.recover()
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
    bench.recover()
    bench.recover()
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
