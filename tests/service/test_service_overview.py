"""What ``status`` shows: numbers kept with every move, compared with the rows, mended and told when they differ."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from dispatcher.outbox.forecast import Forecast
from dispatcher.outbox.states import FileState, State
from dispatcher.report.model import Severity
from dispatcher.service import overview
from dispatcher.service.check import check_tallies
from dispatcher.service.recount import recount
from dispatcher.settings import PaceSettings
from tests.service.bench import Bench, channel_settings
from tests.service.conftest import Watch
from tests.service.samples import oru


def spoil(bench: Bench) -> None:
    """Somebody changes the database by hand."""
    connection = sqlite3.connect(bench.database)
    connection.execute("UPDATE tallies SET count = count + 5 WHERE kind = 'dispatch' AND state = 'sent'")
    connection.commit()
    connection.close()


def test_the_numbers_follow_the_whole_way(bench: Bench) -> None:
    bench.drop("un.hl7", oru())
    bench.run()
    view = overview.status(bench.store, bench.clock, bench.channels)
    assert {state: count for state, count in view.dispatches.items() if count} == {
        state: bench.states().count(state) for state in set(bench.states())
    }
    assert view.files[FileState.DONE] == 1
    assert recount(bench.store) == ()


def test_wrong_numbers_are_mended_and_told(bench: Bench, watch: Watch) -> None:
    bench.drop("un.hl7", oru())
    bench.run()
    sent = bench.states().count(State.SENT)
    assert [finding.severity for finding in check_tallies(bench.store)] == [Severity.INFO]
    spoil(bench)
    (finding,) = check_tallies(bench.store)
    assert finding.severity is Severity.WARNING
    assert f"« envoyé » : {sent + 5} au lieu de {sent}" in finding.text
    assert bench.events("tally:dispatch") == ["tally.repaired"]
    assert "tally of dispatch pro sent" in watch.text
    assert overview.status(bench.store, bench.clock, bench.channels).dispatches[State.SENT] == sent
    assert recount(bench.store) == ()


# ------------------------------------------------------------------------------------------------ forecast


def told(bench: Bench) -> overview.ChannelStatus:
    view = overview.status(bench.store, bench.clock, bench.channels)
    return next(channel for channel in view.channels if channel.name == "pro")


def test_the_forecast_follows_the_backlog(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(pace=PaceSettings(per_minute=1, burst=1)))
    assert told(bench).forecast == Forecast()
    bench.bring(*(oru(f"R{n}") for n in range(3)))
    bench.batch(why="once")
    now = bench.clock.now()
    assert told(bench).through_at == now + timedelta(minutes=2)  # one at once, two more a minute each
    bench.send(wait=0.0)
    assert bench.states().count(State.SENT) == 1
    left = told(bench).forecast
    assert left.through_at is not None and timedelta(minutes=1.8) < left.through_at - bench.clock.now() < timedelta(
        minutes=2.2
    )


def test_a_paused_batch_and_a_paused_channel_are_told(bench: Bench) -> None:
    bench.bring(oru())
    bench.batch(why="once")
    batch = bench.one().batch_id
    with bench.store.transaction() as uow:
        uow.batches.pause(batch, reason="essai")
    assert (told(bench).waiting, told(bench).forecast) == (1, Forecast(reason="stopped", stopped=1))
    with bench.store.transaction() as uow:
        uow.batches.resume(batch, reason="essai")
        uow.pace.pause("channel:pro", None, "mot de passe refusé")
    assert (told(bench).through_at, told(bench).forecast.reason) == (None, "paused")


def test_a_slow_operator_is_measured_while_something_waits(bench: Bench) -> None:
    """Ten minutes with a backlog, and few mails accepted: the pace would promise too much."""
    bench.bring(*(oru(f"R{n}") for n in range(6)))
    bench.batch(why="once")
    with bench.store.transaction() as uow:
        first, second = uow.dispatches.claim("pro", "w", 2, timedelta(hours=1), bench.clock.now())
    bench.clock.advance(300)
    with bench.store.transaction() as uow:
        for dispatch in (first, second):
            uow.dispatches.move(dispatch.id, State.SENT, fence=dispatch.fence)
    view = told(bench)
    assert view.forecast.reason == "slow"
    assert view.through_at is not None
    assert abs(view.through_at - bench.clock.now() - timedelta(seconds=600)) < timedelta(seconds=5)
    until = bench.clock.now() + timedelta(minutes=5)
    with bench.store.transaction() as uow:
        uow.pace.pause("channel:pro", until, "serveur absent")
    paused = told(bench).forecast
    assert (paused.reason, paused.tries_at) == ("paused", until)
    assert paused.takes < timedelta(minutes=1), "the time of a pause says nothing of how fast mails leave"
