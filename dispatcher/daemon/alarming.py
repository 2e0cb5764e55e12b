"""The ticks of alarms: look whether there is news, tell it, and call who waits to be called (heartbeat)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

from dispatcher.alarms.alarm import Level
from dispatcher.alarms.incident import Telling
from dispatcher.daemon import processes
from dispatcher.daemon.membership import Membership
from dispatcher.errors import DispatcherError, TransportError
from dispatcher.intake.spool import FolderSpool
from dispatcher.service import alarm_facts, alarming, nodes, overview, untaken
from dispatcher.transport.alerting.http import beat
from dispatcher.wiring import Office
from dispatcher.wiring.standing import everything
from dispatcher.wiring.telling import telling

log = logging.getLogger(__name__)

SECONDS = 30.0
"""How often is asked which alarms stand, and what is to be told."""
FOLDER_SECONDS = 20.0
"""A source folder that does not answer in this time is told; nothing else waits for it."""
HEARTBEAT = "alarm-way:heartbeat"
NO_HEARTBEAT = "le signe de vie vers l'extérieur ne passe plus :"
NO_ANSWER = "le dossier ne répond pas (partage réseau coupé ?)."


class Alarming:
    """Of one service. What it remembers by itself may be lost: all that matters stands in the store."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._looking: dict[str, threading.Thread] = {}
        """By source: a look that has not come back."""
        self._blind = False
        """The last look failed: nobody knows whether all is well."""

    def look(self, *, leaving_out: frozenset[str] = frozenset()) -> int:
        """Judge what stands now; gives how many messages are news. ``leaving_out``: codes."""
        self._blind = True
        parts = self._office
        alarm_facts.watch(parts.store, parts.clock, parts.settings.sources)
        view = overview.status(parts.store, parts.clock, parts.channels)
        found = everything(parts, view, self._folders(), nodes.view(parts.store, processes.runs))
        told = [one for one in found if one.code not in leaving_out]
        ways = [way.name for way in parts.alarm_ways()]
        news = len(alarming.tell(parts.store, parts.clock, told, self._telling(), ways).messages)
        self._blind = False
        return news

    def ticks(self, member: Membership, well: Callable[[], bool]) -> dict[str, tuple[float, Callable[[], object]]]:
        """What is to be done now and then; ``well``: nothing is wrong with this service."""
        found: dict[str, tuple[float, Callable[[], object]]] = {"alarms": (SECONDS, partial(self._tick, member))}
        if (heartbeat := self._office.settings.alarms.heartbeat) is not None:
            found["heartbeat"] = (heartbeat.minutes * 60, lambda: self.beat(well=well()))
        return found

    def _tick(self, member: Membership) -> None:
        """For one node at a time; when all of them drain nobody is elected, and that too is to be told."""
        if not member.draining:
            member.elected("alarms", SECONDS, self.work)
        elif nodes.view(self._office.store, processes.runs).all_draining:
            self.work()

    def work(self) -> None:
        """One after the other: what begins is told before its end can be. Raises StoreError."""
        try:
            self.look()
        finally:
            self.give()

    def give(self) -> tuple[alarming.Given, ...]:
        """Carry what is due."""
        given = alarming.give(self._office.store, self._office.clock, self._office.alarm_ways())
        for one in given:
            if one.fault:
                log.error("alarm way %s does not work", one.way)
        return given

    def beat(self, *, well: bool) -> bool:
        """Call the address that waits for us, while all is ``well`` and the database answers; gives whether it was."""
        wanted = self._office.settings.alarms.heartbeat
        if wanted is None or not well or self._blind:
            return False
        standing = [one for one in alarming.listed(self._office.store) if one.told_at is not None]
        if not wanted.while_alarms and any(one.level is not Level.NOTICE for one in standing):
            return False
        try:
            beat(wanted)
        except TransportError as error:
            log.warning("heartbeat: %s", error.code)
            alarm_facts.trouble(self._office.store, self._office.clock, HEARTBEAT, f"{NO_HEARTBEAT} {error}")
            return False
        alarm_facts.trouble(self._office.store, self._office.clock, HEARTBEAT, "")
        return True

    def _telling(self) -> Telling:
        return telling(self._office.settings.alarms)

    def _folders(self) -> Sequence[untaken.Folder]:
        """What lies in each source folder; one that hangs keeps nobody from being told of it."""
        return [one for spool in self._office.spools() for one in self._folder(spool)]

    def _folder(self, spool: FolderSpool) -> Sequence[untaken.Folder]:
        box: list[tuple[untaken.Folder, ...]] = []

        def look() -> None:
            box.append(untaken.folders([spool], self._office.settings.sources, self._office.clock))

        thread = self._looking.get(spool.name)
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=look, name=f"look-{spool.name}", daemon=True)
            self._looking[spool.name] = thread
            thread.start()
            thread.join(FOLDER_SECONDS)
        if box or not thread.is_alive():
            return box[0] if box else ()
        return [untaken.Folder(source=spool.name, files=0, oldest_seconds=0, late=True, problem=NO_ANSWER)]


def once(office: Office) -> None:
    """A look and a telling, for who runs without staying. That no service runs is no news to it."""
    alarms = Alarming(office)
    try:
        alarms.look(leaving_out=frozenset({"no-service"}))
        alarms.give()
    except DispatcherError as error:
        log.error("alarms: %s", error.code)
