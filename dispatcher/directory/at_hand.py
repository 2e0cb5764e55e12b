"""How every source of this installation stands now: those that are fetched, and those that are held."""

from __future__ import annotations

from dispatcher.clock import Clock, SystemClock
from dispatcher.directory.directories import Directories
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.standing import Standing, expected, standings
from dispatcher.directory.syncing.configured import syncs
from dispatcher.directory.syncing.runner import Watched, look
from dispatcher.ports import Store
from dispatcher.settings import Settings


def watched(settings: Settings, clock: Clock, store: Store | None = None) -> tuple[Watched, ...]:
    """How every fetched source stands; with the ``store``, the list of allowed domains too."""
    now = clock.now()
    return tuple(look(sync, now) for sync in syncs(settings, clock, store))


def looked_at(wanted: Settings) -> tuple[Standing, ...]:
    """How the sources of this installation stand now."""
    directories = Directories(wanted.directory.folder, LocalTable(wanted.directory.local), expected(wanted.directory))
    return standings(directories, wanted.directory, SystemClock().now())
