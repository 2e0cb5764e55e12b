"""One run of one source, with its lock, its held state and its alarm; the command and the daemon's tick share it.

A run that fails keeps the last good data and opens an alarm; the next one that succeeds closes it. Data older than the
source's limit opens it too, whether anybody tried or not. Both moments are told once (design, promise 7).
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dispatcher.clock import Clock, paris
from dispatcher.directory.snapshots import tables
from dispatcher.directory.syncing import state as held
from dispatcher.directory.syncing.base import Progress, Schedule, Sync, SyncReport, SyncStopped, TellsItsDate, silent
from dispatcher.directory.syncing.lock import SyncBusy, busy, only_one
from dispatcher.directory.syncing.state import SyncState
from dispatcher.errors import DirectoryError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a source stands now."""

    name: str
    title: str
    state: SyncState
    as_of: datetime | None
    """The moment the data in service stands for, whoever brought it; None: there is none."""
    age_days: float | None
    max_age_days: float
    running: bool
    alarm: str = ""
    """Why a person should look (French), or empty."""
    hint: str = ""
    warning: str = ""
    """Data that grows old, before it alarms (French), or empty."""


def look(sync: Sync, now: datetime) -> Watched:
    """How ``sync`` stands, from its files alone."""
    state = held.load(sync.target)
    as_of = _as_of(sync)
    age = (now - as_of).total_seconds() / 86_400 if as_of is not None else None
    limit = sync.schedule.max_age_days
    alarm, hint = _alarm(state, as_of, age, sync.schedule)
    return Watched(
        name=sync.name,
        title=sync.title,
        state=state,
        as_of=as_of,
        age_days=age,
        max_age_days=limit,
        running=busy(sync.target),
        alarm=alarm,
        hint=hint,
        warning="" if alarm else _warning(as_of, age, sync.schedule),
    )


def _as_of(sync: Sync) -> datetime | None:
    """From the data itself: a file imported by hand counts as much as a fetched one."""
    if isinstance(sync, TellsItsDate):
        return sync.as_of()
    meta = tables.read_meta(sync.target)
    try:
        return datetime.fromisoformat(meta["source_date"]) if meta else None
    except (KeyError, ValueError):
        return None


def _alarm(state: SyncState, as_of: datetime | None, age: float | None, schedule: Schedule) -> tuple[str, str]:
    limit = schedule.max_age_days
    used = "aucune donnée en service"
    if as_of is not None and age is not None:
        used = f"données en service du {paris(as_of):%d/%m/%Y}, {_days(age)} (limite {limit:g} jours)"
    if state.failures:
        since = f" depuis le {paris(state.failing_since):%d/%m/%Y à %H:%M}" if state.failing_since else ""
        return f"synchronisation en échec{since} ({state.failures} fois) : {state.failure} {used}.", state.hint
    if age is not None and age > limit:
        return f"{used} : trop vieilles.", schedule.hint
    return "", ""


def _warning(as_of: datetime | None, age: float | None, schedule: Schedule) -> str:
    early = schedule.warn_age_days
    if as_of is None or age is None or early is None or age <= early:
        return ""
    return f"données en service du {paris(as_of):%d/%m/%Y}, {_days(age)} : limite à {schedule.max_age_days:g} jours."


def _days(age: float) -> str:
    return "moins d'un jour" if age < 1 else f"{age:.0f} jour(s)"


def run(
    sync: Sync, clock: Clock, *, full: bool = False, force: bool = False, progress: Progress = silent
) -> SyncReport:
    """Fetch one source now. Raises :class:`DirectoryError` (whatever went wrong), :class:`SyncBusy` among it, or
    :class:`SyncStopped`; the held data stays in service.
    """
    with only_one(sync.target, sync.title):
        state = held.load(sync.target).began(clock.now())
        held.save(sync.target, state)
        begun = clock.monotonic()
        try:
            report = _guarded(sync, full=full, force=force, progress=progress)
        except DirectoryError as error:
            held.save(sync.target, state.failed(error, clock.now()))
            log.warning("directory %s: sync failed (%d in a row): %s", sync.name, state.failures + 1, error.code)
            _alarms(sync, clock)
            raise
        report = replace(report, seconds=round(clock.monotonic() - begun, 3))
        held.save(sync.target, state.succeeded(report, clock.now()))
        log.info("directory %s: %d rows of %s in service", sync.name, report.rows, report.version)
        _alarms(sync, clock)
        return report


def _guarded(sync: Sync, *, full: bool, force: bool, progress: Progress) -> SyncReport:
    """Run; what nobody foresaw becomes a failure like any other, told by its kind and place alone."""
    try:
        return sync.run(full=full, force=force, progress=progress)
    except (DirectoryError, SyncStopped):
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        log.error("directory %s: unexpected %s at %s", sync.name, type(error).__name__, where)
        raise DirectoryError(
            f"{sync.title} : erreur imprévue ({type(error).__name__}, {where}).",
            hint="Les données en service sont gardées ; transmettre cette ligne à l'assistance du logiciel.",
        ) from error


def watch(sync: Sync, clock: Clock) -> str:
    """Tell the start of an alarm once, and its end once: ``begin``, ``end`` or nothing. For ticks between runs."""
    try:
        with only_one(sync.target, sync.title):
            return _alarms(sync, clock)
    except SyncBusy:
        return ""  # the run will tell


def _alarms(sync: Sync, clock: Clock) -> str:
    """Under the lock: only one process may change what was told."""
    now = clock.now()
    found = look(sync, now)
    state = _grows_old(sync, found, now)
    if found.alarm and state.alarm_since is None:
        held.save(sync.target, replace(state, alarm_since=now))
        log.error("directory %s: ALARM begins: %s %s", sync.name, found.alarm, found.hint)
        return "begin"
    if not found.alarm and state.alarm_since is not None:
        held.save(sync.target, replace(state, alarm_since=None))
        log.error("directory %s: ALARM over: data of %s in service", sync.name, found.as_of)
        return "end"
    return ""


def _grows_old(sync: Sync, found: Watched, now: datetime) -> SyncState:
    """Tell once that data grows old, and once that it no longer is. An alarm ends neither."""
    state = found.state
    if found.alarm or bool(found.warning) == (state.warned_since is not None):
        return state
    state = replace(state, warned_since=now if found.warning else None)
    held.save(sync.target, state)
    if found.warning:
        log.warning("directory %s: grows old: %s %s", sync.name, found.warning, sync.schedule.hint)
    else:
        log.warning("directory %s: no longer old: data of %s in service", sync.name, found.as_of)
    return state


__all__ = ["SyncBusy", "Watched", "look", "run", "watch"]
