"""Every source of the configuration that is fetched, in the order in which they are run."""

from __future__ import annotations

from dispatcher.clock import Clock
from dispatcher.directory.syncing.base import Sync
from dispatcher.settings import Settings


def syncs(settings: Settings, clock: Clock) -> tuple[Sync, ...]:
    """One per configured source; nothing is opened yet, no key is read."""
    found: list[Sync] = []
    return tuple(found)
