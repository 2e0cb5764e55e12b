"""The steps of the service, each one pass over what is there. Shared by the daemon's ticks, its workers and ``--once``.

A step never lets a fault of one source, channel or mailbox stop the others: it is logged, kept for ``health`` and the
pass goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from dispatcher.daemon.mailboxes import Patience, to_the_end
from dispatcher.daemon.membership import Membership
from dispatcher.directory.drift_number import DriftNumber, outdated
from dispatcher.directory.drift_number import load as load_drift
from dispatcher.directory.drift_number import save as save_drift
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.base import Progress, SyncStopped
from dispatcher.directory.syncing.configured import syncs
from dispatcher.directory.syncing.state import load as sync_state
from dispatcher.directory.syncing.timetable import due
from dispatcher.errors import DirectoryError, DispatcherError, StoreError
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.dispatch import SourceFile
from dispatcher.ports import UnitOfWork
from dispatcher.service import alarms
from dispatcher.service.batch import form_batches
from dispatcher.service.climb import Climbed, climb
from dispatcher.service.collect import Collected
from dispatcher.service.drift import DriftReport, drift
from dispatcher.service.escalate import escalate
from dispatcher.service.internal import place, sentence
from dispatcher.service.line import Sent
from dispatcher.service.prepare import prepare_file
from dispatcher.service.receive import Received, receive
from dispatcher.service.recover import recover
from dispatcher.service.send import send_due
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

PREPARE_CLAIM = 1
"""Files leased at a time by one preparing thread: a dead worker returns the one in its hands, no others."""
PREPARE_SOME = 20
"""Files of one call, so that a progress bar moves."""

TABLE = "table:local"
"""Subject of alarms about the laboratory's table; that of a node, which has its own copy: ``table:local@NODE``."""


def look_at_table(office: Office, node: str = "") -> str:
    """Alarm once when the table on disk is not the one in force, and once when it is again. Gives what was told."""
    problem = office.directory.table.problem
    reason = problem.message.partition("\n")[0] if problem is not None else ""
    event = alarms.tell(office.store, f"{TABLE}@{node}" if node else TABLE, reason)
    if event == alarms.STARTED:
        log.error("the local table is refused; the last good one stays in force")
    elif event:
        log.info("the local table is in force again")
    return event


def scan(office: Office, spools: list[FolderSpool], member: Membership | None = None) -> Received:
    """Take in what is whole in every source folder; with ``member`` in those that no other node has in its care."""
    total = Received()
    leases = _leases(spools) if member is not None else {}
    for spool in spools:
        try:
            held = member.take(leases[spool.name]) if member is not None else None
            if member is not None and held is None:
                total.elsewhere.append(spool.name)
                continue
            spool.fence = held.fence if held is not None else 0
            one = receive(spool, office.store, office.clock, held)
        except DispatcherError as error:
            log.error("source %s: %s", spool.name, error)
            total.faults.append(str(error))
            continue
        except Exception as error:  # nobody foresaw it: the other sources go on
            log.error("source %s: unexpected %s", spool.name, place(error))
            total.faults.append(sentence(error, f"à la lecture de la source « {spool.name} »", "les autres continuent"))
            continue
        total.taken += one.taken
        total.duplicates += one.duplicates
        total.waiting += one.waiting
        total.faults += one.faults
    return total


def _leases(spools: list[FolderSpool]) -> dict[str, str]:
    """The lease of each source. Sources of one folder share that of the first by name: what one holds aside must not be
    put back by another node that has the care of the other.

    By name, not by folder: a share may be mounted elsewhere on another node.
    """
    first: dict[Path, str] = {}
    for spool in sorted(spools, key=lambda one: one.name):
        first.setdefault(spool.place, spool.name)
    return {spool.name: f"source:{first[spool.place]}" for spool in spools}


def prepare_some(office: Office, owner: str, stop: Callable[[], bool]) -> int:
    """Claim and prepare a few received files, one after the other, until ``stop()``; gives how many.

    The commit that ends a file claims the next one. The lease is extended before each report, so that a long file is
    not claimed by others meanwhile. A stop, or a store that fails, gives back what is not finished without counting a
    return: neither is the file's fault. Raises :class:`StoreError`.
    """
    lease = timedelta(seconds=office.settings.service.lease_seconds)
    claimed: list[SourceFile] = []
    count, failed = 0, False

    def claim(uow: UnitOfWork) -> None:
        nonlocal failed
        claimed.clear()
        try:
            if count < PREPARE_SOME:
                claimed[:] = uow.files.claim(owner, PREPARE_CLAIM, lease, office.clock.now())
        except StoreError:
            raise
        except Exception as error:  # a fault of the next file must not undo the end of this one
            log.error("the next file was not claimed: %s", place(error))
            failed = True

    with office.store.transaction() as uow:
        claim(uow)
    try:
        while claimed and not stop():
            (file,) = claimed
            claimed.clear()
            count += 1
            prepare_file(office.desk, file, _keeping(office, owner, lease, stop), claim)
    except Exception:
        _release(office, owner)
        raise
    if failed or stop():
        _release(office, owner)  # the last one may have been left half way
    return count


def _keeping(office: Office, owner: str, lease: timedelta, stop: Callable[[], bool]) -> Callable[[], bool]:
    """Asked before each report: extends the lease when a quarter of it is gone; False after a stop."""
    extended = office.clock.monotonic()

    def go_on() -> bool:
        nonlocal extended
        moment = office.clock.monotonic()
        if stop():
            return False
        if moment - extended > lease.total_seconds() / 4:
            with office.store.transaction() as uow:
                uow.files.extend_lease(owner, office.clock.now() + lease)
            extended = moment
        return True

    return go_on


def _release(office: Office, owner: str) -> None:
    try:
        with office.store.transaction() as uow:
            uow.files.release(owner)
    except StoreError as error:
        log.error("claims not given back (%s); their lease will", error.code)


def batch_all(office: Office, *, now_whatever: str = "") -> int:
    """Form the batches that are due on every channel."""
    return sum(
        len(form_batches(channel, office.store, office.clock, now_whatever=now_whatever).batches)
        for channel in office.channels.values()
    )


def send_all(office: Office, owner: str, stop: Callable[[], bool], *, wait: float = 5.0) -> Sent:
    """One sending pass over every channel, one after the other."""
    total = Sent()
    for channel in office.channels.values():
        one = send_due(channel, office.store, office.clock, owner, stop, wait=wait)
        for state, count in one.counts.items():
            total.counts[state] = total.counts.get(state, 0) + count
        total.paused = total.paused or one.paused
    return total


def collect_all(office: Office, member: Membership | None = None, patience: Patience | None = None) -> Collected:
    """Read every channel's mailbox; one that cannot be read alarms once, and once when it is read again.

    With ``member``: those that no other node has in its care; with ``patience``: those that did not fail lately.
    """
    total = Collected()
    for name in office.channels:
        total.add(collect_one(office, name, member, patience))
    return total


def collect_one(
    office: Office, name: str, member: Membership | None = None, patience: Patience | None = None
) -> Collected:
    """As :func:`collect_all`, the mailbox of one channel."""
    patience = patience or Patience(office.clock)
    if patience.rests(name):
        return Collected()
    try:
        done = _collect(office, name, patience) if member is None else _collect_ours(office, name, member, patience)
    except StoreError as error:  # not the mailbox's fault
        log.error("mailbox of channel %s: %s", name, error)
        return Collected()
    return done or Collected()


def _collect_ours(office: Office, name: str, member: Membership, patience: Patience) -> Collected | None:
    held = member.take(alarms.mailbox(name), office.settings.service.collect_seconds)
    if held is None:
        return None
    with member.using(held):
        return _collect(office, name, patience)


def _collect(office: Office, name: str, patience: Patience) -> Collected | None:
    """One mailbox, and what is to be told of it. None when there is none, or it was not read. Raises StoreError."""
    reason, done = "", None
    try:
        mailbox = office.open_mailbox(name)
        if mailbox is None:
            return None
        try:
            done = to_the_end(office, name, mailbox)
        finally:
            mailbox.close()
    except StoreError:
        raise
    except DispatcherError as error:
        reason = str(error)
    except Exception as error:  # nobody foresaw it: the other mailboxes are read
        reason = sentence(error, "à la lecture de la boîte des avis", f"sans changer le réglage ({place(error)})")
    if reason:
        patience.failed(name)
    else:
        patience.worked(name)
    event = alarms.tell(office.store, alarms.mailbox(name), reason)
    if event == alarms.STARTED:
        log.error("mailbox of channel %s: ALARM begins: %s", name, reason)
    elif event:
        log.error("mailbox of channel %s: ALARM over: it is read again", name)
    return done


def recover_all(office: Office) -> int:
    """Take back what dead workers held."""
    return len(recover(office.store, office.clock, office.longest, office.steadiness))


def climb_all(office: Office) -> Climbed:
    """The rungs of unread mail that are due."""
    return climb(office.desk, office.ladder)


def escalate_all(office: Office) -> int:
    """Alarms about urgent mail that does not leave."""
    return escalate(office.store, office.clock)


RUN_SECONDS = 6 * 3600.0
"""The most one fetch of the service may take: others wait behind it."""


def watch_sources(office: Office) -> int:
    """Tell alarms that begin or end about the data of every source; gives how many. Needs no fetch to be over."""
    told = 0
    for sync in syncs(office.settings, office.clock, office.store):
        try:
            told += bool(runner.watch(sync, office.clock))
        except DirectoryError as error:
            log.debug("directory %s: %s", sync.name, error.code)  # told once by the runner
    return told


def sync_due(office: Office, stop: Callable[[], bool]) -> int:
    """Fetch the directories and the list of allowed domains, those that are due; gives how many were renewed.

    What is due stands beside each snapshot; the outbox knows nothing of it. A failure has been told by its alarm.
    """
    watch_sources(office)
    renewed = 0
    for sync in syncs(office.settings, office.clock, office.store):
        if stop():
            break
        try:
            if due(sync.schedule, sync_state(sync.target), office.clock.now()):
                runner.run(sync, office.clock, progress=_bounded(office, sync.title, stop))
                renewed += 1
        except SyncStopped:
            log.info("directory %s: sync stopped with the service; the held data stays", sync.name)
            break
        except DirectoryError as error:
            log.debug("directory %s: %s", sync.name, error.code)
    return renewed


def _bounded(office: Office, title: str, stop: Callable[[], bool]) -> Progress:
    """Ends a fetch with the service, and one that takes longer than :data:`RUN_SECONDS` as a failure."""
    begun = office.clock.monotonic()

    def go_on(what: str, done: int, total: int | None) -> None:
        if stop():
            raise SyncStopped
        if office.clock.monotonic() - begun > RUN_SECONDS:
            raise DirectoryError(
                f"{title} : toujours en cours après {RUN_SECONDS / 3600:.0f} heures, abandonné.",
                hint="Les données en service sont gardées ; serveur ou réseau trop lent ? « dispatcher directory sync »"
                " lance une récupération sans cette limite.",
            )

    return go_on


def count_drift(office: Office) -> int | None:
    """Compare the recipients of lately when a source changed or half a day passed; gives how many drift, if counted."""
    before = load_drift(office.settings.directory.folder)
    if not outdated(before, _seen(office), office.clock.now()):
        return None
    report = drift(office.desk)
    keep_drift(office, report)
    if report.drifting and not (before and before.drifting):
        log.warning("%d recipients are no longer what they were: dispatcher directory drift", report.drifting)
    if before and before.drifting and not report.drifting:
        log.warning("all recipients are again what they were")
    return report.drifting


def keep_drift(office: Office, report: DriftReport) -> None:
    """Remember the number for ``status``. Raises :class:`DirectoryError`."""
    number = DriftNumber(
        at=office.clock.now(),
        recipients=report.recipients,
        drifting=report.drifting,
        not_comparable=report.not_comparable,
        versions=_seen(office),
    )
    save_drift(office.settings.directory.folder, number)


def _seen(office: Office) -> dict[str, str]:
    return {**office.directory.versions(), "allowed-domains": office.desk.domains().version}
