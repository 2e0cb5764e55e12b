"""Stops and slow operators: what is known is written down, what is not begun goes back, nobody waits for ever."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dispatcher.clock import SystemClock
from dispatcher.daemon import membership, steps
from dispatcher.daemon.lasting import Lasting
from dispatcher.daemon.run import Daemon
from dispatcher.daemon.troubles import Ticks, Troubles
from dispatcher.daemon.worker import SENDER, Worker
from dispatcher.errors import KeyringError, OutcomeUnknown, Refused, StoreError, TransportError, TryLater
from dispatcher.outbox.retry import RetryKind, RetryPolicy, decide
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Mail
from dispatcher.service import prepare
from dispatcher.service.keeper import Keeper
from dispatcher.store.files import SqlFiles
from tests.fakes import OK, FakeSpool, FaultyStore, MemoryMailbox
from tests.service.bench import LEASE, Bench, channel_settings
from tests.service.conftest import Watch
from tests.service.samples import ZOE, oru

BUSY = TryLater("Occupé.", reply=451, status="4.3.0", stage="final-dot")
POLICY = Refused("Refusé.", reply=550, status="5.7.1", stage="final-dot")


def queue(bench: Bench, count: int = 1) -> None:
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}") for number in range(count)))
    bench.batch()


# ------------------------------------------------------------------------------------------------ the store fails


@pytest.mark.parametrize("failures", [1, 5])
def test_a_known_acceptance_survives_a_store_that_fails_for_seconds(bench: Bench, failures: int) -> None:
    queue(bench)
    store = FaultyStore(
        bench.real,
        lambda number, when: StoreError("Occupée.") if 3 <= number < 3 + failures and when == "before" else None,
    )
    bench.use(store)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        bench.send()
    assert bench.one().state is State.SENT
    assert len(bench.transport.accepted) == 1


def test_a_store_that_stays_away_is_not_waited_for_without_end(bench: Bench) -> None:
    queue(bench)
    store = FaultyStore(bench.real, lambda number, when: StoreError("Morte.") if number >= 3 else None)
    bench.use(store)  # type: ignore[arg-type]
    before = bench.clock.elapsed
    with pytest.raises(StoreError):
        bench.send()
    assert bench.clock.elapsed - before <= 15


# ------------------------------------------------------------------------------------------------ leases


@pytest.mark.parametrize(("ending", "state"), [(BUSY, State.QUEUED), (POLICY, State.HELD)])
def test_a_no_that_comes_after_the_lease_is_no_unknown(bench: Bench, ending: TransportError, state: State) -> None:
    queue(bench)
    stop: list[bool] = []

    def taken_back(mail: Mail) -> None:
        bench.recover()
        assert bench.one().state is State.UNKNOWN
        stop.append(True)

    bench.transport.during = taken_back
    bench.transport.endings = [ending]
    bench.send(stop=lambda: bool(stop))
    dispatch = bench.one()
    assert (dispatch.state, dispatch.attempts) == (state, 1)
    assert str(ending.reply) in dispatch.reason
    assert "impossible à dire" not in dispatch.reason
    bench.transport.during = lambda mail: None
    if state is State.QUEUED:
        bench.send()
        assert bench.one().state is State.SENT


def test_a_hand_over_longer_than_the_lease_keeps_it(bench: Bench) -> None:
    """Real seconds: a thread beside the line extends the lease while the operator is silent."""
    queue(bench)
    bench.clock = SystemClock()  # type: ignore[assignment]
    bench.channels["pro"] = replace(bench.channel, lease=timedelta(seconds=0.6))

    def silent(mail: Mail) -> None:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            time.sleep(0.1)
            with bench.real.transaction() as uow:
                assert uow.dispatches.expire_leases(bench.clock.now()) == ()

    bench.transport.during = silent
    assert bench.send().counts == {State.SENT: 1}


# ------------------------------------------------------------------------------------------------ stop


def test_a_stop_breaks_lines_that_wait_after_its_grace(bench: Bench) -> None:
    queue(bench)
    broken, stop = threading.Event(), threading.Event()
    bench.transport.abort = broken.set  # type: ignore[method-assign]
    started = time.monotonic()
    with Keeper(bench.channel, bench.real, bench.clock, stop.is_set, grace=0.3) as keeper:
        keeper.hold("w/0")
        assert not broken.wait(0.5), "nobody asked to stop"
        stop.set()
        assert broken.wait(5)
    assert time.monotonic() - started < 5


def test_the_mail_in_hand_of_a_broken_line_is_unknown_and_the_rest_goes_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.service.send.Keeper", lambda *given: Keeper(*given, grace=0.3))
    bench.set_channel("pro", channel_settings(connections=2))
    bench.restart()
    queue(bench, 6)
    stop, cut = threading.Event(), threading.Event()
    bench.transport.abort = cut.set  # type: ignore[method-assign]

    def mute(mail: Mail) -> None:
        stop.set()
        assert cut.wait(20)
        raise OutcomeUnknown("Connexion perdue après le point final.", stage="final-dot")

    bench.transport.during = mute
    bench.send(stop=stop.is_set)
    assert sorted(bench.states()) in (
        [State.QUEUED] * 4 + [State.UNKNOWN] * 2,
        [State.QUEUED] * 5 + [State.UNKNOWN],
    )


def test_a_node_that_drains_lets_its_operator_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody hurries: a line that waits is broken by a stop only, else mails end unknown for nothing."""
    monkeypatch.setattr("dispatcher.service.send.Keeper", lambda *given: Keeper(*given, grace=0.3))
    monkeypatch.setattr("dispatcher.daemon.worker.node_name", lambda settings: "nord")
    office = SimpleNamespace(settings=None, store=bench.real, clock=bench.clock, channels=bench.channels)
    worker = Worker(office)  # type: ignore[arg-type]
    queue(bench, 3)
    broken = threading.Event()
    bench.transport.abort = broken.set  # type: ignore[method-assign]

    def slow(mail: Mail) -> None:
        worker.rest(True)
        assert not broken.wait(1.5), "the drain broke the line"

    bench.transport.during = slow
    worker._sender(bench.channel)()
    assert sorted(bench.states()) == [State.QUEUED, State.QUEUED, State.SENT]


def test_no_thread_of_a_pass_is_joined_at_exit(bench: Bench) -> None:
    """The interpreter waits for every thread that is no daemon, however long it hangs."""
    bench.set_channel("pro", channel_settings(connections=3))
    bench.restart()
    queue(bench, 3)
    seen: list[bool] = []
    bench.transport.during = lambda mail: seen.extend(
        thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()
    )
    bench.transport.otherwise = lambda mail: OK
    bench.send()
    assert seen and all(seen)


def test_a_stop_is_heard_while_a_line_waits_for_its_pace(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(pace=channel_settings().pace.model_copy(update={"per_minute": 2})))
    bench.restart()
    queue(bench, 3)
    stop: list[bool] = []
    nap = bench.clock.sleep

    def sleep(seconds: float) -> None:
        nap(seconds)
        stop.append(True)

    bench.clock.sleep = sleep  # type: ignore[method-assign]
    before = bench.clock.elapsed
    bench.send(wait=600, stop=lambda: bool(stop))
    assert bench.clock.elapsed - before < 2
    assert State.SENDING not in bench.states()


# ------------------------------------------------------------------------------------------------ our own checks


@pytest.mark.parametrize(("stage", "status"), [("rcpt", "5.1.3"), ("content", "5.6.3"), ("mail", "5.6.3")])
def test_our_own_check_of_one_mail_does_not_pause_the_channel(stage: str, status: str) -> None:
    decision = decide(Refused("Impossible.", status=status, stage=stage), 1, timedelta(0), RetryPolicy())
    assert (decision.kind, decision.state) == (RetryKind.HOLD, State.HELD)


def test_a_server_that_refuses_our_sender_still_pauses_it() -> None:
    said = Refused("Non.", reply=553, status="5.1.0", stage="mail")
    assert decide(said, 1, timedelta(0), RetryPolicy()).kind is RetryKind.PAUSE


# ------------------------------------------------------------------------------------------------ one file, one source


def test_a_file_we_stumble_over_waits_with_a_reason_and_the_others_are_taken(bench: Bench) -> None:
    bench.drop("a.hl7", oru("R1"))
    bench.drop("b.hl7", oru("R2"))
    bench.scan()
    bench.clock.advance(2)
    box = bench.spools["sil"]
    take = box.take
    box.take = lambda found: (_ for _ in ()).throw(ValueError(ZOE.family)) if found.name == "a.hl7" else take(found)  # type: ignore[method-assign]
    received = bench.scan()
    assert (received.taken, received.waiting) == (1, 1)
    (waiting,) = bench.files(FileState.WAITING)
    assert "Défaut interne du programme (ValueError)" in waiting.reason
    bench.restart()
    assert bench.take().taken == 1


def test_a_file_the_store_stumbles_over_holds_its_group_not_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatcher.service import receive

    whole = receive.record

    def stumble(uow: Any, store: Any, source: str, taken: Any, clock: Any) -> Any:
        if taken.found.name == "a.hl7":
            raise KeyringError("Clé absente.")
        return whole(uow, store, source, taken, clock)

    monkeypatch.setattr(receive, "record", stumble)
    bench.drop("a.hl7", oru("R1"))
    bench.drop("b.hl7", oru("R2"))
    received = bench.take()
    assert (received.taken, received.waiting) == (1, 1)
    assert [path.name for path in bench.inbox.iterdir()] == ["a.hl7"]


def test_a_source_and_a_mailbox_that_fail_unforeseen_stop_no_other(bench: Bench, watch: Watch) -> None:
    bad, good = FakeSpool("mauvaise"), FakeSpool("sil")
    good.drop("a.hl7", oru())
    bad.scan = lambda: (_ for _ in ()).throw(KeyError(ZOE.family))  # type: ignore[method-assign]
    total = steps.scan(office(bench), cast(Any, [bad, good]))
    assert total.taken == 1
    assert "« mauvaise »" in total.faults[0]
    opened: list[str] = []

    def open_mailbox(name: str) -> MemoryMailbox:
        opened.append(name)
        if name == "pro":
            raise KeyError(ZOE.family)
        return MemoryMailbox()

    steps.collect_all(office(bench, open_mailbox=open_mailbox))
    assert len(opened) == len(bench.channels)
    assert "KeyError at" in watch.text


# ------------------------------------------------------------------------------------------- preparing under a lease


def office(bench: Bench, **more: Any) -> Any:
    return SimpleNamespace(
        store=bench.store,
        clock=bench.clock,
        desk=bench.desk,
        channels=bench.channels,
        settings=SimpleNamespace(service=SimpleNamespace(node="n", lease_seconds=LEASE.total_seconds())),
        **more,
    )


def lease_of(bench: Bench) -> Any:
    with sqlite3.connect(bench.database) as connection:
        (row,) = connection.execute("SELECT lease_owner, lease_until, returns FROM files").fetchall()
    connection.close()
    return row


def test_a_long_file_keeps_its_lease(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.drop("r.hl7", oru("R1") + oru("R2", control="M2") + oru("R3", control="M3"))
    bench.take()
    stolen: list[int] = []
    whole = prepare.register

    def slow(*given: Any, **more: Any) -> Any:
        bench.clock.advance(LEASE.total_seconds() * 0.6)
        stolen.append(len(bench.claim(1, owner="thief")))
        return whole(*given, **more)

    monkeypatch.setattr(prepare, "register", slow)
    assert steps.prepare_some(office(bench), "w", lambda: False) == 1
    assert stolen == [0, 0, 0]
    assert bench.file_states() == [FileState.DONE]


def test_a_stop_between_two_reports_gives_the_file_back(bench: Bench) -> None:
    bench.drop("r.hl7", oru("R1") + oru("R2", control="M2"))
    bench.take()
    steps.prepare_some(office(bench), "w", lambda: bool(bench.dispatches()))
    assert bench.file_states() == [FileState.RECEIVED]
    assert lease_of(bench) == ("", None, 0)
    steps.prepare_some(office(bench), "w", lambda: False)
    assert bench.file_states() == [FileState.DONE]
    assert len({dispatch.chain for dispatch in bench.dispatches()}) == 2


def test_a_claim_that_fails_does_not_undo_the_end_of_the_file_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        bench.drop(f"{name}.hl7", oru(f"R{name}", control=f"M{name}"))
    bench.take()
    whole, calls = SqlFiles.claim, []

    def claim(*given: Any) -> Any:
        calls.append(whole(*given))
        if len(calls) == 2:
            raise RuntimeError("nobody foresaw it")
        return calls[-1]

    monkeypatch.setattr(SqlFiles, "claim", claim)
    assert steps.prepare_some(office(bench), "w", lambda: False) == 1
    assert sorted(bench.file_states()) == [FileState.DONE, FileState.RECEIVED]
    assert steps.prepare_some(office(bench), "w", lambda: False) == 1, "what the failed claim leased was given back"
    assert bench.file_states() == [FileState.DONE, FileState.DONE]
    assert [file.returns for file in bench.files()] == [0, 0]


def test_a_store_that_fails_is_no_return_of_the_file(bench: Bench) -> None:
    bench.drop("r.hl7", oru())
    bench.take()
    bench.use(FaultyStore(bench.real, lambda number, when: StoreError("Occupée.") if number == 2 else None))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        steps.prepare_some(office(bench), "w", lambda: False)
    assert lease_of(bench) == ("", None, 0)


def test_every_start_of_a_process_has_an_owner_of_its_own() -> None:
    """In a container the new process has the host and the number of the dead one."""
    code = "from dispatcher.daemon import membership as m; import os; os.getpid = lambda: 1; print(m.owner_name('n'))"
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "12"
    }
    assert len(told) == 2
    assert membership.owner_name("n") == membership.owner_name("n")


def test_a_tick_that_fails_is_told_by_its_place_only(bench: Bench, watch: Watch) -> None:
    daemon = object.__new__(Daemon)
    daemon._stop, daemon._ticks = threading.Event(), Ticks()
    daemon._lasting = Lasting()

    def quoting() -> None:
        raise ValueError(ZOE.family)

    daemon._tick("scan", quoting)
    assert "scan: unexpected ValueError at" in watch.text
    assert not daemon._ticks.running


@pytest.mark.parametrize(
    ("roles", "threads"),
    [
        ({}, {"prepare", "send", "urgent"}),
        ({"sends": False}, {"prepare"}),
        ({"prepares": False}, {"send", "urgent"}),
    ],
)
def test_a_worker_prepares_or_sends_or_does_both(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, roles: dict[str, bool], threads: set[str]
) -> None:
    monkeypatch.setattr(Worker, "_loop", lambda self, name, job: None)
    worker = Worker(office(bench), **roles)
    worker.start()
    assert {thread.name.partition("-")[0] for thread in worker._threads} == threads


def test_several_workers_leave_the_sending_to_one_more_process() -> None:
    daemon, spawned = Daemon.__new__(Daemon), []
    daemon._workers = 2
    daemon._spawn = spawned.append  # type: ignore[method-assign]
    daemon._start_workers()
    assert spawned == [SENDER, 1, 2]


def test_a_worker_that_fails_is_told_by_its_place_only(bench: Bench, watch: Watch) -> None:
    worker = Worker(office(bench))

    def quoting() -> int:
        worker._stop.set()
        raise ValueError(ZOE.family)

    worker._loop("send", quoting)
    assert "send: unexpected ValueError at" in watch.text


def test_a_tick_that_hangs_is_told_once_and_its_end_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubles, ticks = Troubles(bench.store, bench.clock, "un"), Ticks()
    ticks.running.update({"scan": 0.0, "sync": 0.0, "batch": 1000.0})
    now = iter((800.0, 901.0, 1500.0, 1900.5, 1901.0))
    monkeypatch.setattr("dispatcher.daemon.troubles.time.monotonic", lambda: next(now))
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        troubles.ticks(ticks)
    assert [record.message.split()[1] for record in caplog.records] == ["scan"]
    assert not troubles.well
    del ticks.running["scan"]
    troubles.ticks(ticks)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "WARNING"]
    assert "batch" in caplog.records[1].message and "scan hangs no more" in caplog.records[2].message
