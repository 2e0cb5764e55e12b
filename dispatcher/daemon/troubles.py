"""What a service finds wrong with itself: a tick that hangs or does not run, dead watching, dead workers, a clock that
jumped. It is written down as signs, so that ``status`` and whoever is told of alarms see it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from dispatcher.clock import Clock, Steadiness
from dispatcher.errors import DispatcherError
from dispatcher.french import age
from dispatcher.ports import Store
from dispatcher.service.alarm_facts import all_well, trouble

log = logging.getLogger(__name__)

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""A clock before this is wrong: the program did not exist."""
HANGS_SECONDS = 900.0
"""After so long a tick hangs: a scan in a folder whose server is gone keeps all sources waiting."""
MAY_LAST = frozenset({"sync", "recount", "drift", "purge"})
"""Ticks that read a whole country, or every row."""
LATE_RUNS = 3
"""A tick that was due so many times and did not run…"""
WORKER_SECONDS = 600.0
"""After a death, how long workers must live for the alarm to be over."""

_HANGS = "la tâche « {name} » du poste « {node} » n'en finit pas depuis plus de {age}."
_LATE = "la tâche « {name} » du poste « {node} » ne tourne plus depuis {age}."
_WATCHER = "la surveillance des dossiers est morte sur le poste « {node} » ; les passages réguliers continuent."
_WORKER = "un ouvrier du poste « {node} » est mort, et a été relancé."
_JUMPED = "l'horloge du poste « {node} » a {way} d'un coup de {age}."
_UNBELIEVABLE = "l'horloge du poste « {node} » n'est pas crédible."


class Ticks:
    """When each tick ran, and which run now. Thread-safe; times are monotonic."""

    def __init__(self) -> None:
        self.idle = threading.Condition()
        self.running: dict[str, float] = {}
        """Since when each runs."""
        self._every: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def expect(self, name: str, every: float) -> None:
        """It is to run every so many seconds."""
        self._every[name], self._last[name] = every, time.monotonic()

    def begin(self, name: str) -> None:
        """It runs."""
        with self.idle:
            self.running[name] = time.monotonic()

    def end(self, name: str) -> None:
        """It ran."""
        with self.idle:
            del self.running[name]
            self._last[name] = time.monotonic()
            self.idle.notify_all()

    def hanging(self, now: float) -> set[str]:
        """Running for too long."""
        with self.idle:
            return {
                name for name, since in self.running.items() if now - since > HANGS_SECONDS and name not in MAY_LAST
            }

    def late(self, now: float) -> dict[str, float]:
        """Seconds for which each has not run though it was due, of those that do not run now."""
        with self.idle:
            waits = {name: now - self._last[name] for name in self._every if name not in self.running}
        return {name: wait for name, wait in waits.items() if wait > max(HANGS_SECONDS, LATE_RUNS * self._every[name])}


class Troubles:
    """Of one service. What is found is written by a thread beside: a database that hangs holds up nobody."""

    def __init__(self, store: Store, clock: Clock, node: str) -> None:
        self._store, self._clock, self._node = store, clock, node
        self._wanted: dict[str, str] = {}
        self._written: dict[str, str] | None = None
        """None: what an earlier life of this service wrote is still to be wiped out."""
        self._hanging: set[str] = set()
        self._steady = Steadiness()
        self._worker_died: float | None = None
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None

    @property
    def hangs(self) -> bool:
        """A tick does."""
        return bool(self._hanging)

    @property
    def well(self) -> bool:
        """Nothing is wrong with this service."""
        with self._lock:
            return not any(self._wanted.values())

    def ticks(self, ticks: Ticks) -> None:
        """Told in the log once at the start and once at the end: what hangs writes nothing itself."""
        now = time.monotonic()
        hanging, late = ticks.hanging(now), ticks.late(now)
        for name in sorted(hanging - self._hanging):
            minutes = HANGS_SECONDS // 60
            log.error("ALARM: %s has been running for %d minutes; nothing of its kind is done", name, minutes)
        for name in sorted(self._hanging - hanging):
            log.warning("%s hangs no more", name)
        self._hanging = hanging
        notes = {name: _HANGS.format(name=name, node=self._node, age=_span(HANGS_SECONDS)) for name in hanging}
        notes |= {name: _LATE.format(name=name, node=self._node, age=_span(HANGS_SECONDS)) for name in late}
        self._all("tick", notes)

    def watcher(self, alive: bool) -> None:
        """Whether the watching of folders lives."""
        self._all("watcher", {} if alive else {"dossiers": _WATCHER.format(node=self._node)})

    def worker_died(self) -> None:
        """One did, and was started again."""
        self._worker_died = time.monotonic()

    def look(self) -> None:
        """At the clock, and how long the workers have lived; then have it written."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        steady = self._steady.look(now, monotonic)
        note = ""
        if now < RELEASED:
            note = _UNBELIEVABLE.format(node=self._node)
        elif self._steady.jump and not steady:
            way = "avancé" if self._steady.jump > timedelta() else "reculé"
            note = _JUMPED.format(node=self._node, way=way, age=age(abs(self._steady.jump)))
        self._all("clock", {"horloge": note} if note else {})
        died = self._worker_died is not None and time.monotonic() - self._worker_died < WORKER_SECONDS
        self._all("worker", {"ouvrier": _WORKER.format(node=self._node)} if died else {})
        self._write_beside()

    def _all(self, code: str, notes: Mapping[str, str]) -> None:
        """Every trouble of that code there is now."""
        named = {f"{code}:{what}@{self._node}": note for what, note in notes.items()}
        with self._lock:
            gone: Collection[str] = [one for one in self._wanted if one.startswith(f"{code}:") and one not in named]
            self._wanted |= {**dict.fromkeys(gone, ""), **named}

    def _write_beside(self) -> None:
        with self._lock:
            news = self._written is None or self._written != self._wanted
        if news and (self._writer is None or not self._writer.is_alive()):
            self._writer = threading.Thread(target=self._write, name="troubles", daemon=True)
            self._writer.start()

    def _write(self) -> None:
        with self._lock:
            wanted, written = dict(self._wanted), self._written
        try:
            if written is None:
                all_well(self._store, self._node)
                written = {}
            for name, note in wanted.items():
                if written.get(name, "") != note:
                    trouble(self._store, self._clock, name, note)
        except DispatcherError as error:
            log.warning("health of this service could not be written down: %s", error.code)
            return
        with self._lock:
            self._written = wanted


def _span(seconds: float) -> str:
    return age(timedelta(seconds=seconds))
