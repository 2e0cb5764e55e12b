"""``dispatcher run --once``: drain what is there, in this process, and stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatcher.daemon import alarming, anchoring, answering, doubt, mailboxes, processes, steps
from dispatcher.daemon.membership import Membership
from dispatcher.french import counted
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.states import FileState, State
from dispatcher.service import nodes
from dispatcher.service.batch import end_batches
from dispatcher.service.line_pace import frees_in
from dispatcher.wiring import Office


@dataclass(slots=True)
class Drained:
    """What ``--once`` did."""

    taken: int = 0
    duplicates: int = 0
    waiting: int = 0
    prepared: int = 0
    notices: int = 0
    answered: int = 0
    """Answers given to the LIS of the sources."""
    faults: list[str] = field(default_factory=list)
    sent: dict[State, int] = field(default_factory=dict)
    paused: str = ""
    held: int = 0
    """Dispatches that wait for an operator, of this run or before."""
    quarantined: int = 0
    """Files nobody could read, of this run or before."""


NAP = 0.5
"""Longest sleep in one piece: a stop is heard in between."""
STOP_PATIENCE = 5.0
"""Seconds the reading of the mailboxes gets to end after a stop."""
REMAINING = (
    "Dans la file sans pouvoir partir : {count} (en attente d'une version antérieure à trancher, ou "
    "d'un autre poste). Voir « dispatcher list --state queued »."
)

ELSEWHERE = (
    "La source « {name} » est relevée par le service en marche ou par un autre poste : rien n'y est pris ici. "
    "Voir « dispatcher nodes list »."
)


def drain(office: Office, stop: Callable[[], bool], spools: list[FolderSpool] | None = None) -> Drained:
    """Take, prepare, batch and send until nothing more moves; then read the mailboxes once.

    Waits for the pace as long as it takes. Files that still grow are left (and shown as ``waiting``); mails deferred to
    later are left to the next run; mails that wait for something else are told as a fault. ``spools``: those of an
    earlier drain, which remember how long a file has been quiet.
    """
    result, member = Drained(), Membership(office)
    nodes.take_over_own(office.store, member.name, processes.runs)
    try:
        _drain(office, member, stop, spools, result)
    finally:
        member.leave()
    alarming.once(office)
    return result


def _drain(
    office: Office, member: Membership, stop: Callable[[], bool], spools: list[FolderSpool] | None, result: Drained
) -> None:
    owner = member.owner
    steps.recover_all(office)
    spools = office.spools() if spools is None else spools
    settle = max((s.stable_seconds for s in office.settings.sources.values()), default=0.0)
    _take(office, spools, member, result)
    if spools and not stop():
        _rest(office, settle + 0.05, stop)
        _take(office, spools, member, result)
    while not stop():
        moved = _take(office, spools, member, result)
        while not stop() and (count := steps.prepare_some(office, owner, stop)):
            result.prepared += count
            moved += count
        steps.batch_all(office, now_whatever="once")
        sent = steps.send_all(office, owner, stop)
        for state, number in sent.counts.items():
            result.sent[state] = result.sent.get(state, 0) + number
        result.paused = sent.paused
        if not moved and not sent.total:
            pause = pace_frees_in(office)
            if pause is None:
                break
            _rest(office, pause, stop)
    if not stop():
        steps.recover_all(office)  # what a newer version overtook is not left in the queue
        _tell_remaining(office, result)
    result.notices = read_mailboxes(office, member, stop)
    steps.escalate_all(office)
    steps.climb_all(office)
    end_batches(office.store, office.clock)
    answered = answering.answer_all(office, office.answer_ways(), member, stop)
    result.answered = sum(one.given for one in answered)
    result.faults = [*result.faults, *(one.fault for one in answered if one.fault)]
    anchoring.anchor_due(office)
    with office.store.reading() as uow:
        result.held = uow.dispatches.counts().get(State.HELD, 0)
        result.quarantined = uow.files.counts().get(FileState.QUARANTINED, 0)


def pace_frees_in(office: Office) -> float | None:
    """Seconds until the pace lets one of the queued mails through; None when no mail waits for its pace."""
    waits: list[float] = []
    for channel in office.channels.values():
        now = office.clock.now()
        with office.store.reading() as uow:
            queued = uow.dispatches.counts(channel=channel.name).get(State.QUEUED, 0)
            paused = uow.pace.paused(channel.scope, now) is not None
        if queued and not paused and (wait := frees_in(channel, office.store, office.clock)):
            waits.append(wait)
    return min(waits) if waits else None


def _tell_remaining(office: Office, result: Drained) -> None:
    with office.store.reading() as uow:
        count = uow.dispatches.counts().get(State.QUEUED, 0)
    if count and not result.paused:
        result.faults = [*result.faults, REMAINING.format(count=counted(count, "envoi"))]


def _rest(office: Office, seconds: float, stop: Callable[[], bool]) -> None:
    until = office.clock.monotonic() + seconds
    while not stop() and (left := until - office.clock.monotonic()) > 0:
        office.clock.sleep(min(left, NAP))


def read_mailboxes(office: Office, member: Membership, stop: Callable[[], bool]) -> int:
    """Read them once beside this thread: a server that stays silent must not hold a stop back. Gives the notices."""
    if stop():
        return 0
    read: list[int] = []

    def look() -> None:
        read.append(steps.collect_all(office, member).notices)
        doubt.settle_all(office)
        mailboxes.care_all(office, member)
        mailboxes.learn_all(office)

    thread = threading.Thread(target=look, name="once", daemon=True)
    thread.start()
    while thread.is_alive() and not stop():
        thread.join(NAP)
    thread.join(STOP_PATIENCE)
    return sum(read)


def _take(office: Office, spools: list[FolderSpool], member: Membership, result: Drained) -> int:
    received = steps.scan(office, spools, member)
    result.taken += received.taken
    result.duplicates += received.duplicates
    result.waiting = received.waiting
    result.faults = [*received.faults, *(ELSEWHERE.format(name=name) for name in received.elsewhere)]
    return received.taken + received.duplicates
