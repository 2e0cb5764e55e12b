"""What a source that is fetched looks like to the command, the daemon's tick and the runner.

A new source implements :class:`Sync` and is listed in ``configured.py``; lock, held state, alarm, schedule and
``dispatcher directory sync`` come with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from dispatcher.clock import Clock

Progress = Callable[[str, int, int | None], None]
"""Told now and then: what is being fetched (French), how many so far, of how many if known. It may raise
:class:`SyncStopped`; a sync that waits calls it at least once a second, so that a stop is heard."""

NAP = 0.5
"""Seconds."""


class SyncStopped(Exception):
    """The service stops: nothing was published, the next run starts again. No fault, so no :class:`DirectoryError`."""


def rest(seconds: float, clock: Clock, tick: Callable[[], object]) -> None:
    """Wait in short pieces, ``tick`` before each, so that a stop it raises is heard."""
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        tick()
        clock.sleep(min(left, NAP))


def silent(what: str, done: int, total: int | None) -> None:
    """A :data:`Progress` that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What one run did."""

    name: str
    full: bool
    """Everything was fetched again; False: only what changed."""
    changed: bool = True
    """False: the server had nothing newer, the held file stays as it is."""
    version: str
    """Of the snapshot now in service."""
    as_of: datetime
    """The moment its data stands for; aware."""
    rows: int
    previous_rows: int | None = None
    fetched: int = 0
    """Records or lines received."""
    gone: int = 0
    """Records that ceased to exist."""
    notes: tuple[str, ...] = ()
    """French remarks for a person; no fault."""
    seconds: float = 0.0
    tag: str = ""
    """What the server calls the version it gave, for the next run to compare; empty: nothing."""


class Sync(Protocol):
    """One source. ``run`` publishes a new snapshot in one step, or raises and leaves the held one untouched."""

    @property
    def name(self) -> str:
        """As in the configuration and on the command line: ``fhir``, ``mssante``, ``ldap-centre``…"""

    @property
    def title(self) -> str:
        """As a person reads it (French)."""

    @property
    def target(self) -> Path:
        """The snapshot's file."""

    @property
    def schedule(self) -> Schedule:
        """When it is due."""

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        """Fetch and publish.

        ``full``: everything again, whatever is held. ``force``: publish even when far fewer rows are left than before.
        Raises :class:`dispatcher.errors.DirectoryError` (what was found, what to do) or :class:`SyncStopped`.
        """


@runtime_checkable
class TellsItsDate(Protocol):
    """A source whose data stands elsewhere than in a snapshot at ``target``."""

    def as_of(self) -> datetime | None:
        """The moment the data in service stands for (aware), whoever brought it; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a source is due, and how old its data may grow."""

    at: str = "03:30"
    """Time of day in Paris, ``HH:MM``: the first run of a day's grid."""
    every_hours: float = 24
    retry_minutes: float = 30
    """After a run that failed."""
    max_age_days: float = 15
    """Older data than this alarms."""
    warn_age_days: float | None = None
    """Older data than this is worth a word before it alarms; None: no such word."""
    manual: bool = False
    """Never due by itself: a person brings the data, only its age is watched."""
    hint: str = "Voir « dispatcher directory status », puis « dispatcher directory sync »."
    """What a person does about data that is too old (French)."""
