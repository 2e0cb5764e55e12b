"""One run of one source, with its lock, its held state and its alarm; the command and the daemon's tick share it.

A run that fails keeps the last good data and opens an alarm; the next one that succeeds closes it. Data older than the
source's limit opens it too, whether anybody tried or not, and so does data that cannot be read or never came. Both
moments are told once (design, promise 7): told first, then kept, so that a full disk silences nothing.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dispatcher.clock import Clock, paris
from dispatcher.directory.snapshots import soundness, tables
from dispatcher.directory.snapshots.writing import measure
from dispatcher.directory.syncing import state as held
from dispatcher.directory.syncing.base import Progress, Schedule, Sync, SyncReport, SyncStopped, TellsItsDate, silent
from dispatcher.directory.syncing.lock import SyncBusy, busy, only_one
from dispatcher.directory.syncing.state import SyncState
from dispatcher.errors import DirectoryError
from dispatcher.french import counted

log = logging.getLogger(__name__)

NOTHING_DAYS = 2.0
"""A configured source that has brought nothing for longer than this alarms."""


class _Unkept:
    """What this process has told and could not write down: it is not told again."""

    def __init__(self) -> None:
        self._guard, self._told = threading.Lock(), set[tuple[Path, str]]()

    def first(self, target: Path, event: str) -> bool:
        """Remember; whether it is new."""
        with self._guard:
            before = len(self._told)
            self._told.add((target, event))
            return len(self._told) > before

    def forget(self, target: Path, event: str) -> bool:
        """It is written down, or over; whether it was remembered."""
        with self._guard:
            known = (target, event) in self._told
            self._told.discard((target, event))
            return known


_unkept = _Unkept()


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


def look(sync: Sync, now: datetime, state: SyncState | None = None) -> Watched:
    """How ``sync`` stands, from its files alone (and ``state`` when it is not written down yet)."""
    state = state or held.load(sync.target)
    as_of, unreadable = _as_of(sync)
    age = (now - as_of).total_seconds() / 86_400 if as_of is not None else None
    limit = sync.schedule.max_age_days
    alarm, hint = _alarm(state, as_of, age, sync.schedule)
    if not alarm:
        alarm, hint = _nothing(sync, state, as_of, unreadable, now)
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


def _as_of(sync: Sync) -> tuple[datetime | None, bool]:
    """From the data itself: a file imported by hand counts as much as a fetched one. Then: it cannot be read."""
    if isinstance(sync, TellsItsDate):
        return sync.as_of(), False
    meta = tables.read_meta(sync.target)
    if meta is None:
        return None, sync.target.exists()
    try:
        as_of = datetime.fromisoformat(meta["source_date"])
    except (KeyError, ValueError):
        return None, True
    try:
        soundness.check(sync.target)
    except DirectoryError:
        return as_of, True
    return as_of, False


def _nothing(sync: Sync, state: SyncState, as_of: datetime | None, unreadable: bool, now: datetime) -> tuple[str, str]:
    """Data that is there and cannot be used, or that has not come for too long."""
    if unreadable:
        return (
            f"les données en service ({sync.target.name}) sont abîmées ou illisibles : des recherches échouent.",
            "Les charger de nouveau : « dispatcher directory sync » ou « import », au besoin avec « --force ».",
        )
    if as_of is not None or sync.schedule.manual or state.known_since is None:
        return "", ""
    if (now - state.known_since).total_seconds() <= NOTHING_DAYS * 86_400:
        return "", ""
    return f"aucune donnée en service depuis le {paris(state.known_since):%d/%m/%Y}.", sync.schedule.hint


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
    return "moins d'un jour" if age < 1 else counted(round(age), "jour")


def run(
    sync: Sync, clock: Clock, *, full: bool = False, force: bool = False, progress: Progress = silent
) -> SyncReport:
    """Fetch one source now. Raises :class:`DirectoryError` (whatever went wrong), :class:`SyncBusy` among it, or
    :class:`SyncStopped`; the held data stays in service.
    """
    with _alone(sync):
        state = held.load(sync.target).began(clock.now())
        _keep(sync, state)
        begun = clock.monotonic()
        try:
            report = _guarded(sync, full=full, force=force, progress=progress)
        except DirectoryError as error:
            log.warning("directory %s: sync failed (%d in a row): %s", sync.name, state.failures + 1, error.code)
            with suppress(DirectoryError):  # told already, and the fault of the run is the one to hear
                _alarms(sync, clock, state.failed(error, clock.now()))
            raise
        report = replace(report, seconds=round(clock.monotonic() - begun, 3))
        log.info("directory %s: %d rows of %s in service", sync.name, report.rows, report.version)
        for note in report.notes:
            log.warning("directory %s: %s", sync.name, note)
        _alarms(sync, clock, state.succeeded(report, clock.now()))
        return report


@contextmanager
def _alone(sync: Sync) -> Iterator[None]:
    """Under the source's lock; a disk that refuses the lock file is told once."""
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(sync.target, sync.title))
        except SyncBusy:
            raise
        except DirectoryError as error:
            _cannot_keep(sync, error)
            raise
        yield


def _keep(sync: Sync, state: SyncState) -> None:
    """Write the state down. Raises :class:`DirectoryError`, told once."""
    try:
        held.save(sync.target, state)
    except DirectoryError as error:
        _cannot_keep(sync, error)
        raise
    if _unkept.forget(sync.target, "disk"):
        log.error("directory %s: ALARM over: its state can be written again", sync.name)


def _cannot_keep(sync: Sync, error: DirectoryError) -> None:
    if _unkept.first(sync.target, "disk"):
        log.error("directory %s: ALARM begins: its state cannot be written: %s %s", sync.name, error, error.hint)


def _guarded(sync: Sync, *, full: bool, force: bool, progress: Progress) -> SyncReport:
    """Run; what nobody foresaw becomes a failure like any other, told by its kind and place alone."""
    try:
        if not isinstance(sync, TellsItsDate):
            measure(sync.target, force=force)  # before hours of fetching that could not be put in place
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
    """Tell the start of an alarm once, and its end once: ``begin``, ``end`` or nothing. For ticks between runs; while
    one is under way a new alarm is told all the same, and written down by the run.
    """
    try:
        with _alone(sync):
            return _alarms(sync, clock, held.load(sync.target))
    except SyncBusy:
        found = look(sync, clock.now())
        return _begins(sync, found) if found.alarm and found.state.alarm_since is None else ""


def brought(sync: Sync, clock: Clock) -> None:
    """A person brought good data: an alarm of failed runs ends, to begin anew if the next one fails too.

    While a run is under way nothing is done: its own end says how things stand.
    """
    with suppress(DirectoryError), _alone(sync):
        _alarms(sync, clock, held.load(sync.target).brought())


def _begins(sync: Sync, found: Watched) -> str:
    if not _unkept.first(sync.target, "begin"):
        return ""
    log.error("directory %s: ALARM begins: %s %s", sync.name, found.alarm, found.hint)
    return "begin"


def _alarms(sync: Sync, clock: Clock, state: SyncState) -> str:
    """Tell what begins and what ends, then keep ``state`` with it. Under the lock: only one process may change what
    was told. Raises :class:`DirectoryError` when it cannot be kept.
    """
    now, event = clock.now(), ""
    before = held.load(sync.target)
    state = state if state.known_since else replace(state, known_since=min(now, state.tried_at or now))
    found = look(sync, now, state)
    state = _grows_old(sync, found, now)
    if found.alarm and state.alarm_since is None:
        event, state = _begins(sync, found), replace(state, alarm_since=now)
    elif not found.alarm and (_unkept.forget(sync.target, "begin") or state.alarm_since is not None):
        log.error("directory %s: ALARM over: data of %s in service", sync.name, found.as_of)
        event, state = "end", replace(state, alarm_since=None)
    if state != before:
        _keep(sync, state)
    if state.alarm_since is not None:
        _unkept.forget(sync.target, "begin")  # it is written down
    return event


def _grows_old(sync: Sync, found: Watched, now: datetime) -> SyncState:
    """Tell once that data grows old, and once that it no longer is. An alarm ends neither."""
    state = found.state
    if found.alarm or bool(found.warning) == (state.warned_since is not None):
        return state
    if found.warning and _unkept.first(sync.target, "old"):
        log.warning("directory %s: grows old: %s %s", sync.name, found.warning, sync.schedule.hint)
    elif not found.warning:
        log.warning("directory %s: no longer old: data of %s in service", sync.name, found.as_of)
    if not found.warning:
        _unkept.forget(sync.target, "old")
    return replace(state, warned_since=now if found.warning else None)


__all__ = ["SyncBusy", "Watched", "brought", "look", "run", "watch"]
