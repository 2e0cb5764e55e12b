"""``dispatcher run --once``: drain what is there, in this process, and stop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatcher.daemon import steps
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.states import State
from dispatcher.wiring import Office


@dataclass(slots=True)
class Drained:
    """What ``--once`` did."""

    taken: int = 0
    duplicates: int = 0
    waiting: int = 0
    prepared: int = 0
    notices: int = 0
    faults: list[str] = field(default_factory=list)
    sent: dict[State, int] = field(default_factory=dict)
    paused: str = ""


def owner_name() -> str:
    """Who holds a lease: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def drain(office: Office, stop: Callable[[], bool]) -> Drained:
    """Take, prepare, batch and send until nothing more moves; then read the mailboxes once.

    Waits for the pace as long as it takes. Files that still grow are left (and shown as ``waiting``); mails deferred to
    later are left to the next run.
    """
    result, owner = Drained(), owner_name()
    steps.recover_all(office)
    spools = office.spools()
    settle = max((s.stable_seconds for s in office.settings.sources.values()), default=0.0)
    _take(office, spools, result)
    if spools and not stop():
        office.clock.sleep(settle + 0.05)
        _take(office, spools, result)
    while not stop():
        moved = _take(office, spools, result)
        while not stop() and (count := steps.prepare_some(office, owner, stop)):
            result.prepared += count
            moved += count
        steps.batch_all(office, now_whatever="once")
        sent = steps.send_all(office, owner, stop, wait=90.0)
        for state, count in sent.counts.items():
            result.sent[state] = result.sent.get(state, 0) + count
        result.paused = sent.paused
        if not moved and not sent.total:
            break
    result.notices = steps.collect_all(office).notices
    return result


def _take(office: Office, spools: list[FolderSpool], result: Drained) -> int:
    received = steps.scan(office, spools)
    result.taken += received.taken
    result.duplicates += received.duplicates
    result.waiting = received.waiting
    result.faults = received.faults
    return received.taken + received.duplicates
