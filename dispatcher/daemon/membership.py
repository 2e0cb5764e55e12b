"""What this process is among the services on one database: its name, its heartbeat, what it owns by name.

On one machine alone everything is always its own, and the cost is a row written now and then.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from dispatcher import __version__
from dispatcher.daemon import processes
from dispatcher.errors import LeaseLost, StoreError
from dispatcher.ports import DRAIN, NodeRow, UnitOfWork
from dispatcher.service import nodes
from dispatcher.service.owned import Held
from dispatcher.settings import Settings
from dispatcher.store.schema import REVISIONS
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

TOKEN = secrets.token_hex(4)
"""New at every start of a process."""
SHORTEST = 10.0
"""Seconds a tick's lease lasts at least (never longer than the lease of work): a pause of one node moves nothing."""
LOOK = 0.5
"""Seconds between two looks at whoever bears the name of this node."""


def node_name(settings: Settings) -> str:
    """``[service] node``, else the name of the machine in the letters a node may have."""
    host = re.sub(r"[^a-z0-9._-]", "-", socket.gethostname().lower()).strip("-._")
    return settings.service.node or host[:63] or "poste"


def owner_name(node: str) -> str:
    """Who holds a lease: node, process, and a token of this very start.

    In a container every process has the same host and number as the dead one before it, and must not keep alive what
    that one held. The store finds by its beginning what a node holds (``Nodes.forget``).
    """
    return f"{node}:{os.getpid()}:{TOKEN}"


class Membership:
    """One process; thread-safe. Until :meth:`join` it owns things by name, but is no service that others see."""

    def __init__(self, office: Office, workers: int = 0) -> None:
        self._office = office
        self._store = office.store
        self._lease = timedelta(seconds=office.settings.service.lease_seconds)
        self._workers = workers
        self.name = node_name(office.settings)
        self.owner = owner_name(self.name)
        self._row: NodeRow | None = None
        self._lock = threading.Lock()
        self._owned: set[str] = set()
        self._busy: dict[str, Held] = {}
        self._draining = False
        self._told = False

    # ------------------------------------------------------------------------------------------ being there

    def enter(self, stop: Callable[[], bool]) -> bool:
        """Stand among the nodes; False: stopped before. Raises NameTaken when another living service bears the name.

        One that was killed on this machine is seen to be dead, and replaced at once. Of one elsewhere, or in another
        container, only its life sign tells: it is waited for until it is renewed, or for as long as makes it silent.
        """
        row, clock = self._fresh(), self._office.clock
        began, first = clock.monotonic(), None
        while not stop():
            silent = first if clock.monotonic() - began > nodes.SILENT.total_seconds() else None
            before = nodes.enter(self._store, row, processes.runs, silent)
            if before is None:
                self._stand(row)
                return True
            if processes.runs(before.pid, before.process) or not nodes.same_sign(before, first or before):
                raise nodes.name_taken(before)
            if first is None:
                first = before
                log.warning("a service of this name was seen on %s lately; waiting whether it lives", before.host)
            clock.sleep(LOOK)
        return False

    def join(self) -> None:
        """Stand among the nodes, in the place of whoever bore this name before. Raises StoreError."""
        row = self._fresh()
        nodes.join(self._store, row)
        self._stand(row)

    def _stand(self, row: NodeRow) -> None:
        self._row = row
        with self._store.reading() as uow:
            self._draining = uow.nodes.wanted(self.name) == DRAIN

    def _fresh(self) -> NodeRow:
        now = self._office.clock.now()
        return NodeRow(
            id=self._store.new_id("N"),
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            revision=REVISIONS[-1],
            workers=self._workers,
            started_at=now,
            seen_at=now,
            process=processes.mark(),
            digests=self._digests(),
        )

    def beat(self) -> bool:
        """Tell that it lives, prolong what is in use; gives whether it is to drain. Raises StoreError."""
        if self._row is None:
            return False
        with self._lock:
            busy = list(self._busy.values())
        with self._store.transaction() as uow:
            row = uow.nodes.beat(self._row.id, self._digests())
            twin = row is None and self._has_twin(uow)
        for held in busy:
            try:
                held.prolong(self._store)
            except LeaseLost:
                log.warning("%s was taken over by another node while in use here", held.name)
        if row is None:
            self._unseated(twin)
            return self._draining
        self._told = False
        self._draining = row.wanted == DRAIN
        if self._draining:
            self._let_go_idle()
            nodes.watch_when_all_drain(self._store)
        return self._draining

    def _has_twin(self, uow: UnitOfWork) -> bool:
        """Another living service stands under this name; the lease says so for as long as it is true."""
        now = uow.nodes.now()
        if not any(row.name == self.name and nodes.lives(row, now) for row in uow.nodes.list()):
            return False
        uow.leases.take(nodes.twins(self.name), self.owner, self.name, nodes.SILENT)
        return True

    def leave(self) -> None:
        """An orderly end: everything is free at once, nothing is taken any more. Never raises: leases end anyway."""
        self._draining = True
        try:
            with self._store.transaction() as uow:
                uow.leases.let_go(self.owner)
            if self._row is not None:
                nodes.leave(self._store, self._row)
        except StoreError as error:
            log.warning("node %s could not say goodbye (%s); its leases will end", self.name, error.code)

    @property
    def draining(self) -> bool:
        """Asked to take nothing new, as of the last heartbeat."""
        return self._draining

    def _unseated(self, twin: bool) -> None:
        if not twin:
            log.warning("node %s stood there no more while it lived; it stands again", self.name)
            self.join()
        elif not self._told:
            self._told = True
            log.error("another service bears the name %s: give each its own ([service] node)", self.name)

    def _digests(self) -> dict[str, str]:
        return {"local": self._office.directory.versions().get("local", "")}

    # ------------------------------------------------------------------------------------------ owning

    def take(self, name: str, every: float = 0.0) -> Held | None:
        """The lease of that name, for something done again after ``every`` seconds; None: another node has it, or this
        one drains. Raises StoreError."""
        if self._draining:
            return None
        span = min(self._lease, timedelta(seconds=max(SHORTEST, 2 * every))) if every else self._lease
        with self._store.transaction() as uow:
            fence = uow.leases.take(name, self.owner, self.name, span)
        if fence is None:
            with self._lock:
                self._owned.discard(name)
            return None
        with self._lock:
            if name not in self._owned:
                log.info("node %s takes care of %s", self.name, name)
            self._owned.add(name)
        return Held(name=name, owner=self.owner, fence=fence, lease=span)

    def owns(self, name: str) -> bool:
        """Whether it was this node's when it was last taken; costs nothing."""
        with self._lock:
            return name in self._owned and not self._draining

    @contextmanager
    def using(self, held: Held) -> Iterator[None]:
        """Prolonged by the heartbeat for as long as it is used. Not for folders: a share that hangs is let go."""
        with self._lock:
            self._busy[held.name] = held
        try:
            yield
        finally:
            with self._lock:
                self._busy.pop(held.name, None)
            if self._draining:
                self._let_go_idle()

    def elected(self, name: str, every: float, job: Callable[[], object]) -> None:
        """Do ``job`` when the tick of that name is this node's."""
        held = self.take(f"tick:{name}", every)
        if held is not None:
            with self.using(held):
                job()

    def _let_go_idle(self) -> None:
        with self._lock:
            idle = self._owned - self._busy.keys()
            self._owned -= idle
        if idle:
            with self._store.transaction() as uow:
                for name in sorted(idle):
                    uow.leases.let_go(self.owner, name)
