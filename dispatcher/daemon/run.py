"""The service process: ticks (scan, batch, collect, recover), workers, clean stop within 30 seconds.

APScheduler holds only coarse ticks with fixed ids (decision D7): it says when to look, the store knows what is due.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.context import SpawnProcess
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from dispatcher.daemon import alarming, anchoring, answering, mailboxes, processes, purging, steps
from dispatcher.daemon.lasting import Lasting
from dispatcher.daemon.listening import Listening
from dispatcher.daemon.membership import Membership
from dispatcher.daemon.rounds import Rounds
from dispatcher.daemon.troubles import Ticks, Troubles
from dispatcher.daemon.vitals import Vitals
from dispatcher.daemon.worker import SENDER, Worker, leave, worker_process
from dispatcher.errors import DispatcherError
from dispatcher.intake.watcher import Watcher
from dispatcher.service import nodes
from dispatcher.service.answer import Way
from dispatcher.service.batch import end_batches
from dispatcher.service.internal import place
from dispatcher.service.recount import recount
from dispatcher.service.statistics import refresh
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

STOP_SECONDS = 24.0
"""Time everything gets to end; the promise is 30. Mails in hand get :data:`dispatcher.service.keeper.GRACE` of it, then
their lines are broken.
"""
PULSE = "pulse"
"""A thread of its own: that other ticks wait for a disk does not mean that the scheduler hangs."""
ANSWERS = "answers"
"""Threads of their own: a LIS that hangs holds up no other tick, nor the answers to another."""
MAILBOXES = "mailboxes"
"""Threads of their own: mail servers that hang hold up no other tick."""
BATCH_SECONDS = 2.0
END_SECONDS = 15.0
"""How often is asked which batches are over."""
URGENT_SECONDS = 10.0
"""How often is asked which urgent mail is late."""
LADDER_SECONDS = 15.0
"""How often is asked which unread mail is due for its next rung."""
GOODBYE_SECONDS = 3.0
"""Time to let go of what this node owns by name."""
ANCHOR_SECONDS = 8.0
"""Time to sign the journal at the end: a million lines take six."""
HEALTH_SECONDS = 5.0
FIGURES_SECONDS = 3600.0
"""How often the figures of the days that changed are made anew."""
NODES_SECONDS = 10.0
"""How often one of the nodes looks whether the others live."""
SYNC_SECONDS = 15.0
"""How often is asked which directory is due; the answer stands beside each snapshot."""
DRIFT_SECONDS = 600.0
"""How often is asked whether recipients are to be compared again."""

RECOUNT_SECONDS = 6 * 3600.0
"""How often the numbers that ``status`` shows are compared with the rows: that reads every row's state."""


CLOCK_SECONDS = 5.0
"""How often is asked whether the clock was set back, and whether a tick hangs."""


def bring_ticks_back(scheduler: BaseScheduler, now: datetime) -> None:
    """The scheduler waits for moments of the wall clock: set back by a year, it would do nothing for that year."""
    for job in scheduler.get_jobs():
        due, every = job.next_run_time, job.trigger.interval
        if due is not None and due - now > every + timedelta(seconds=CLOCK_SECONDS):
            log.warning("the clock was set back: %s is due now", job.id)
            job.modify(next_run_time=now)


class Daemon:
    """Runs until :meth:`stop` (SIGTERM, SIGINT)."""

    def __init__(self, office: Office, config: Path, workers: int) -> None:
        self._office = office
        self._config = config
        self._workers = workers
        self._member = Membership(office, workers)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._rounds = Rounds(office, self._member)
        self._listening = Listening(office, self._member, self._listened)
        self._answer_ways = office.answer_ways()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(10),
                ANSWERS: ThreadPoolExecutor(max(1, len(self._answer_ways))),
                MAILBOXES: ThreadPoolExecutor(self._rounds.most),
                PULSE: ThreadPoolExecutor(1),
            },
        )
        self._watcher = Watcher(self._wake)
        self._lasting = Lasting()
        self._local: Worker | None = None
        self._processes: dict[int, SpawnProcess] = {}
        self._spools = office.spools()
        self._care = threading.Lock()
        """Held while workers are started or ended."""
        self._ticks, self._alarming = Ticks(), alarming.Alarming(office)
        self._troubles = Troubles(office.store, office.clock, self._member.name)
        self._vitals = Vitals(office, working=self._working, hanging=lambda: self._troubles.hangs)
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it tells of every tick, and of each one left out

    def run(self, started: Callable[[], object] = lambda: None) -> None:
        """Start everything, tell it by ``started``, wait for the stop signal, end cleanly. Raises NameTaken.

        What hangs for longer than :data:`STOP_SECONDS` is left behind with the process: exit code 1 when it was a
        worker (its leases give its work back), 0 when nothing was in hand.
        """
        if (
            threading.current_thread() is threading.main_thread()
        ):  # a Windows service runs in another, and is told by it
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        with self._lasting.installed():
            if self._member.enter(self._stop.is_set):
                started()
                with self._vitals.served(self._workers):
                    self._run()

    def _run(self) -> None:
        steps.recover_all(self._office)
        for source in self._office.settings.sources.values():
            self._watcher.watch(source.folder, source.watch)
        self._schedule()
        self._start_workers()
        self._scheduler.start()
        self._listening.start()
        log.info("service started with %d worker(s)", self._workers)
        self._vitals.at_work()
        try:
            self._wait()
        finally:
            self._end()

    def stop(self) -> None:
        """Ask for the end; safe in a signal handler."""
        self._stop.set()
        self._wake.set()

    # ------------------------------------------------------------------------------------------ ticks

    def _schedule(self) -> None:
        """What the nodes share out (folders, mailboxes, ``once_for_all``) and what each does for itself."""
        service, office, member = self._office.settings.service, self._office, self._member
        beat = min(nodes.BEAT.total_seconds(), service.lease_seconds / 4)
        once_for_all: dict[str, tuple[float, Callable[[], object]]] = {
            "batch": (BATCH_SECONDS, lambda: steps.batch_all(office)),
            "end": (END_SECONDS, lambda: end_batches(office.store, office.clock)),
            "recover": (service.lease_seconds / 4, lambda: steps.recover_all(office)),
            "urgent": (URGENT_SECONDS, lambda: steps.escalate_all(office)),
            "ladder": (LADDER_SECONDS, lambda: steps.climb_all(office)),
            "recount": (RECOUNT_SECONDS, lambda: recount(office.store)),
            "drift": (DRIFT_SECONDS, lambda: steps.count_drift(office)),
            "learn": (mailboxes.LEARN_SECONDS, lambda: mailboxes.learn_all(office)),
            "anchor": (anchoring.SECONDS, lambda: anchoring.anchor_due(office)),
            "nodes": (NODES_SECONDS, lambda: nodes.watch(office.store, processes.runs)),
            "figures": (FIGURES_SECONDS, lambda: refresh(office.store, lambda: not self._stop.is_set())),
            "purge": (purging.SECONDS, lambda: purging.purge_due(office, self._stop)),
            "answer-notes": (answering.NOTE_SECONDS, lambda: answering.note_all(office)),
        }
        ticks: dict[str, tuple[float, Callable[[], object]]] = {
            "scan": (service.scan_seconds, lambda: steps.scan(office, self._spools, member)),
            "beat": (beat, self._beat),
            "health": (HEALTH_SECONDS, self._look_after),
            "sync": (SYNC_SECONDS, lambda: steps.sync_due(office, self._stop.is_set)),
            "watch": (SYNC_SECONDS, lambda: steps.watch_sources(office)),
        }
        for name, (seconds, job) in once_for_all.items():
            ticks[name] = (seconds, partial(member.elected, name, seconds, job))
        ticks |= self._vitals.ticks() | self._alarming.ticks(member, lambda: self._troubles.well)
        for name, (seconds, job) in ticks.items():
            self._every(seconds, name, job)
        self._every(HEALTH_SECONDS, PULSE, self._vitals.pulse.beat, executor=PULSE)
        for name, (seconds, job) in self._rounds.ticks().items():
            self._every(seconds, name, job, executor=MAILBOXES)
        for way in self._answer_ways:
            self._every(answering.SECONDS, way.name, self._answering(way), executor=ANSWERS)

    def _every(self, seconds: float, name: str, job: Callable[[], object], *, executor: str = "default") -> None:
        self._ticks.expect(name, seconds)
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=seconds,
            id=name,
            executor=executor,
            args=(name, job),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )

    def _listened(self, name: str) -> None:
        """The server told of new mail in the mailbox of a channel."""
        self._tick(f"listen:{name}", self._rounds.told(name))

    def _answering(self, way: Way) -> Callable[[], object]:
        return lambda: answering.answer_way(self._office, way, self._member, self._stop.is_set)

    def _beat(self) -> None:
        """This node lives; and takes nothing new while it is asked to drain."""
        draining = self._member.beat()
        if self._local is not None:
            self._local.rest(draining)

    def _tick(self, name: str, job: Callable[[], object]) -> None:
        """One run of a job, in a round of its own. Never raises."""
        if self._stop.is_set():
            return
        self._ticks.begin(name)
        try:
            with self._lasting.round(name):
                _guarded(name, job)
        finally:
            self._ticks.end(name)

    def _wait(self) -> None:
        """Folder events bring the next scan forward."""
        while not self._stop.is_set():
            woken = self._wake.wait(CLOCK_SECONDS)
            self._wake.clear()
            if self._stop.is_set():
                return
            bring_ticks_back(self._scheduler, datetime.now(UTC))
            self._troubles.ticks(self._ticks)
            self._troubles.look()
            self._vitals.alive()
            if not woken:
                continue
            self._stop.wait(0.2)  # a burst of events is one scan
            self._scheduler.modify_job("scan", next_run_time=datetime.now(UTC))

    # ------------------------------------------------------------------------------------------ workers

    def _start_workers(self) -> None:
        if self._workers == 1:
            self._local = self._worker()
            self._local.start()
            return
        for number in (SENDER, *range(1, self._workers + 1)):
            self._spawn(number)

    def _worker(self) -> Worker:
        worker = Worker(self._office, lasting=self._lasting)
        worker.rest(self._member.draining)
        return worker

    def _spawn(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        level = logging.getLogger().level
        process = context.Process(target=worker_process, args=(str(self._config), number, level), daemon=True)
        process.start()
        self._processes[number] = process

    def _look_after(self) -> None:
        """Start dead workers again; tell when the watching of folders died (the scans go on)."""
        with self._care:
            if not self._stop.is_set():
                self._revive()
        steps.look_at_table(self._office, self._member.name)
        self._troubles.watcher(self._watcher.alive())
        if not self._watcher.alive():
            log.warning("folder watching died; scans go on")

    def _working(self) -> int:
        """Processes that prepare or send, and live."""
        if self._local is not None:
            return int(self._local.alive())
        return sum(process.is_alive() for process in list(self._processes.values()))

    def _revive(self) -> None:
        for number, process in list(self._processes.items()):
            if not process.is_alive():
                log.error("worker %d ended (%s); started again", number, process.exitcode)
                self._troubles.worker_died()
                self._spawn(number)
        if self._local is not None and not self._local.alive():
            log.error("a thread of the worker died; started again")
            self._troubles.worker_died()
            self._local.stop(1.0)
            self._local = self._worker()
            self._local.start()

    def _end(self) -> None:
        """Everything at once, bounded: workers, ticks, watching. The store is closed only when nobody uses it."""
        log.info("stopping")
        self._vitals.stopping()
        deadline = self._office.clock.monotonic() + STOP_SECONDS
        self._stop.set()
        self._scheduler.shutdown(wait=False)
        with self._care:
            processes = list(self._processes.values())
            for process in processes:
                process.terminate()
        self._watcher.stop()
        self._listening.stop(0.0)
        clean = self._local.stop(self._left(deadline)) if self._local is not None else True
        for process in processes:
            process.join(self._left(deadline))
            if process.is_alive():
                process.kill()
            clean = clean and process.exitcode in {0, -signal.SIGTERM}
        goodbye = threading.Thread(target=self._member.leave, name="goodbye", daemon=True)
        goodbye.start()  # a database that does not answer holds no stop back
        goodbye.join(min(GOODBYE_SECONDS, self._left(deadline)))
        if not clean:
            log.error("stopped with work in hand; leases will give it back")
            leave(1)
        with self._ticks.idle:
            quiet = self._ticks.idle.wait_for(lambda: not self._ticks.running, self._left(deadline))
        if not quiet:
            log.warning("stopped while %s still ran; nothing is half done", ", ".join(sorted(self._ticks.running)))
            leave(0)
        self._anchor(deadline)
        self._office.close()
        log.info("stopped")

    def _anchor(self, deadline: float) -> None:
        """Sign the journal up to here. What takes too long is left: the next start signs it."""
        job = partial(anchoring.anchor_due, self._office, stopping=True)
        last = threading.Thread(target=_guarded, args=("anchor", job), name="anchor", daemon=True)
        last.start()
        last.join(min(ANCHOR_SECONDS, self._left(deadline)))
        if last.is_alive():
            log.warning("stopped before the journal was signed; the next start signs it")
            leave(0)

    def _left(self, deadline: float) -> float:
        return max(0.1, deadline - self._office.clock.monotonic())


def _guarded(name: str, job: Callable[[], object]) -> None:
    """Never raises: the scheduler would log the text of the exception, and whom it quotes."""
    try:
        job()
    except DispatcherError as error:
        log.error("%s: %s", name, error.code)
    except Exception as error:
        log.error("%s: unexpected %s", name, place(error))
