"""A worker: one thread prepares files, threads of each channel send. Workers meet only in the store (decision D5).

Several processes share the two out: those that prepare, and one that sends. Beside a thread that computes, each
statement of a line waits for the interpreter, with the database's one write lock in its hands: nobody could write.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from dispatcher.daemon import logs, steps
from dispatcher.daemon.lasting import Lasting
from dispatcher.daemon.measuring import attach_worker
from dispatcher.daemon.membership import node_name, owner_name
from dispatcher.errors import DispatcherError, StoreError
from dispatcher.outbox.dispatch import Lane
from dispatcher.ports import DRAIN
from dispatcher.service.channel import Channel
from dispatcher.service.internal import place
from dispatcher.service.send import send_due
from dispatcher.service.staying import Stay
from dispatcher.service.warm import warm_up
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

IDLE_SHORTEST = 0.05
IDLE_LONGEST = 1.0
"""Seconds between two looks at an empty store; doubles while nothing is found. What this very process takes in or
queues is seen at once."""
URGENT, URGENT_LONGEST = "urgent", 0.25
"""Name of the threads that send urgent mail only, and the longest they do not look what other processes queued."""
SENDER = 0
"""Number of the process that sends; all others prepare."""
WORKER_STOP = 20.0
"""Seconds a worker process gives its threads: the keeper of each sending pass breaks silent lines after 10."""
ORDERS = 2
"""Looks of a worker process at its parent, a second apart, before it asks the store whether to drain."""
AFTER_FAULT = 5.0
"""Seconds to wait when the store is out of reach."""


class Worker:
    """Threads that prepare and send until told to stop."""

    def __init__(
        self,
        office: Office,
        number: int = 0,
        *,
        prepares: bool = True,
        sends: bool = True,
        lasting: Lasting | None = None,
    ) -> None:
        self._office = office
        self._lasting = lasting or Lasting()
        self._prepares, self._sends = prepares, sends
        self._owner = f"{owner_name(node_name(office.settings))}/{number}"
        self._stop = threading.Event()
        self._resting = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start all threads."""
        jobs: list[tuple[str, Callable[[], int]]] = [("prepare", self._prepare)] if self._prepares else []
        for channel in self._office.channels.values() if self._sends else ():
            jobs += [
                (f"send-{channel.name}", self._sender(channel)),
                (f"{URGENT}-{channel.name}", self._urgent(channel)),
            ]
        for name, job in jobs:
            thread = threading.Thread(target=self._loop, args=(name, job), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def rest(self, wanted: bool) -> None:
        """Claim nothing more, finish the mails in hand and give back the rest; or go on. What a drained node does."""
        if wanted != self._resting.is_set():
            log.info("worker %s", "drains" if wanted else "goes on")
        (self._resting.set if wanted else self._resting.clear)()
        if wanted:
            self._office.store.hint()

    def _halt(self) -> bool:
        return self._stop.is_set() or self._resting.is_set()

    def stop(self, patience: float) -> bool:
        """Ask all threads to end after the mail in hand; True when they did within ``patience`` seconds."""
        self._stop.set()
        self._office.store.hint()
        deadline = self._office.clock.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._office.clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def alive(self) -> bool:
        """No thread died."""
        return all(thread.is_alive() for thread in self._threads)

    def _prepare(self) -> int:
        return steps.prepare_some(self._office, f"{self._owner}/prepare", self._halt)

    def _sender(self, channel: Channel) -> Callable[[], int]:
        owner = f"{self._owner}/send"
        return lambda: self._send(channel, owner, Lane.ROUTINE)

    def _send(self, channel: Channel, owner: str, lane: Lane) -> int:
        """A node that drains lets its operator answer; only a stop hurries."""
        office, hurry = self._office, self._stop.is_set
        stay = Stay(longest=URGENT_LONGEST if lane is Lane.URGENT else IDLE_LONGEST)
        sent = send_due(channel, office.store, office.clock, owner, self._halt, lane=lane, hurry=hurry, stay=stay)
        return sent.total

    def _urgent(self, channel: Channel) -> Callable[[], int]:
        """A line that is never busy with anything else."""
        owner = f"{self._owner}/{URGENT}"
        return lambda: self._send(channel, owner, Lane.URGENT)

    def _warm_up(self) -> None:
        try:
            warm_up(self._office.desk)
        except DispatcherError as error:
            log.error("an invented report cannot be written: %s", error.code)
        except Exception as error:  # preparing will say it, file by file
            log.error("an invented report cannot be written: %s", place(error))

    def _loop(self, name: str, job: Callable[[], int]) -> None:
        if name == "prepare":
            self._warm_up()
        idle, longest = IDLE_SHORTEST, URGENT_LONGEST if name.startswith(URGENT) else IDLE_LONGEST
        while not self._stop.is_set():
            seen = self._office.store.hints()
            if self._resting.is_set():
                self._stop.wait(IDLE_LONGEST)
                continue
            with self._lasting.round(name):
                worked = self._once(name, job)
            if worked is None:
                self._stop.wait(AFTER_FAULT)
                continue
            idle = IDLE_SHORTEST if worked else min(idle * 2, longest)
            if not worked and not self._stop.is_set():
                self._office.store.wait_hint(seen, idle)

    def _once(self, name: str, job: Callable[[], int]) -> int | None:
        """How much was done; None: a fault, told."""
        try:
            return job()
        except StoreError as error:
            log.error("%s: store out of reach (%s)", name, error.code)
        except DispatcherError as error:
            log.error("%s: %s", name, error.code)
        except Exception as error:
            log.error("%s: unexpected %s, going on", name, place(error))
        return None


class Orders:
    """What is asked of this node, for a process that has no heartbeat of its own: looked up every few calls."""

    def __init__(self, office: Office) -> None:
        self._store, self._name = office.store, node_name(office.settings)
        self._calls, self._draining = 0, False

    def draining(self) -> bool:
        """Never raises: without an answer the last one stands."""
        if self._calls % ORDERS == 0:
            with contextlib.suppress(StoreError), self._store.reading() as uow:
                self._draining = uow.nodes.wanted(self._name) == DRAIN
        self._calls += 1
        return self._draining


def leave(code: int) -> NoReturn:
    """End the process now, whatever still hangs in a thread or a library's exit handler; logs are written out."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def worker_process(config: str, number: int, level: int) -> None:
    """Body of a worker process: builds its own parts, works until SIGTERM. Must be importable (spawn)."""
    from dispatcher.settings import load
    from dispatcher.wiring import build

    settings = load(Path(config))
    logs.configure(settings.log, first=False, level=level)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    office = build(settings)
    attach_worker(office)
    lasting = Lasting()
    worker = Worker(office, number, prepares=number != SENDER, sends=number == SENDER, lasting=lasting)
    orders = Orders(office)
    worker.rest(orders.draining())
    with lasting.installed():
        worker.start()
        while not done.wait(1.0):
            worker.rest(orders.draining())
            if os.getppid() != parent:
                log.error("the daemon is gone; worker %d stops", number)
                break
            if not worker.alive():
                log.error("a thread of worker %d died; the process ends and is started again", number)
                break
        if not worker.stop(WORKER_STOP):
            leave(1)  # a thread still hangs: what it holds goes back with its lease
    office.close()
