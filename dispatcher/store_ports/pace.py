"""The pace, as the use cases see it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.pacing import PaceLimit


class PaceBook(Protocol):
    """How many hand-overs were granted, per scope, kept in the store so that restarts and nodes share it."""

    def take(self, scope: str, wanted: int, limit: PaceLimit, now: datetime) -> int:
        """Grant up to ``wanted`` hand-overs now; 0 when the pace is used up."""

    def give_back(self, scope: str, count: int) -> None:
        """Unused grants."""

    def empty(self, scope: str, now: datetime) -> None:
        """Start again from nothing, as of ``now``: what was earned by a clock set forward does not count."""

    def next_at(self, scope: str, limit: PaceLimit, now: datetime) -> datetime:
        """When one more would be granted."""

    def pause(self, scope: str, until: datetime | None, reason: str) -> None:
        """Pause a channel (``until`` None: until a person or a probe resumes it)."""

    def paused(self, scope: str, now: datetime) -> str | None:
        """Reason of the pause in force, or None."""

    def resume(self, scope: str) -> None: ...
