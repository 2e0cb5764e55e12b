"""The service process: ticks (scan, batch, collect, recover), workers, clean stop within 30 seconds.

APScheduler holds only coarse ticks with fixed ids (decision D7): it says when to look, the store knows what is due.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from datetime import UTC, datetime
from multiprocessing.context import SpawnProcess
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from dispatcher.daemon import steps
from dispatcher.daemon.worker import Worker, worker_process
from dispatcher.intake.watcher import Watcher
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

STOP_SECONDS = 25.0
"""Time the threads get to finish the mail in hand; the promise is 30."""
BATCH_SECONDS = 2.0
HEALTH_SECONDS = 5.0


class Daemon:
    """Runs until :meth:`stop` (SIGTERM, SIGINT)."""

    def __init__(self, office: Office, config: Path, workers: int) -> None:
        self._office = office
        self._config = config
        self._workers = workers
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._watcher = Watcher(self._wake)
        self._local: Worker | None = None
        self._processes: dict[int, SpawnProcess] = {}
        self._spools = office.spools()

    def run(self) -> None:
        """Start everything, wait for the stop signal, end cleanly."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        steps.recover_all(self._office)
        for source in self._office.settings.sources.values():
            self._watcher.watch(source.folder, source.watch)
        self._schedule()
        self._start_workers()
        self._scheduler.start()
        log.info("service started with %d worker(s)", self._workers)
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
        service = self._office.settings.service
        ticks = {
            "scan": (service.scan_seconds, lambda: steps.scan(self._office, self._spools)),
            "batch": (BATCH_SECONDS, lambda: steps.batch_all(self._office)),
            "collect": (service.collect_seconds, lambda: steps.collect_all(self._office)),
            "recover": (service.lease_seconds / 4, lambda: steps.recover_all(self._office)),
            "health": (HEALTH_SECONDS, self._look_after),
        }
        for name, (seconds, job) in ticks.items():
            self._scheduler.add_job(
                job,
                "interval",
                seconds=seconds,
                id=name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),
            )

    def _wait(self) -> None:
        """Folder events bring the next scan forward."""
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stop.is_set():
                return
            self._stop.wait(0.2)  # a burst of events is one scan
            self._scheduler.modify_job("scan", next_run_time=datetime.now(UTC))

    # ------------------------------------------------------------------------------------------ workers

    def _start_workers(self) -> None:
        if self._workers == 1:
            self._local = Worker(self._office)
            self._local.start()
            return
        for number in range(self._workers):
            self._spawn(number)

    def _spawn(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        level = logging.getLogger().level
        process = context.Process(target=worker_process, args=(str(self._config), number, level), daemon=True)
        process.start()
        self._processes[number] = process

    def _look_after(self) -> None:
        """Start dead workers again; tell when the watching of folders died (the scans go on)."""
        if self._stop.is_set():
            return
        for number, process in list(self._processes.items()):
            if not process.is_alive():
                log.error("worker %d ended (%s); started again", number, process.exitcode)
                self._spawn(number)
        if self._local is not None and not self._local.alive():
            log.error("a thread of the worker died; started again")
            self._local.stop(1.0)
            self._local = Worker(self._office)
            self._local.start()
        if not self._watcher.alive():
            log.warning("folder watching died; scans go on")

    def _end(self) -> None:
        log.info("stopping")
        self._watcher.stop()
        for process in self._processes.values():
            process.terminate()
        clean = self._local.stop(STOP_SECONDS) if self._local is not None else True
        self._scheduler.shutdown(wait=False)
        deadline = self._office.clock.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            process.join(max(0.1, deadline - self._office.clock.monotonic()))
            if process.is_alive():
                process.kill()
                clean = False
        self._office.close()
        log.info("stopped%s", "" if clean else " with work in hand; leases will give it back")
