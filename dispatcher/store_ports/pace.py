"""The pace, as the use cases see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.pacing import Leave, PaceLimit


EVERYTHING = "all"
"""Scope of a pause of all channels: :meth:`PaceBook.paused` tells it for each of them."""


class PaceBook(Protocol):
    """How many hand-overs were granted, per scope, kept in the store so that restarts and nodes share it.

    A scope is ``channel:X``, a share of it, ``domain:X/d``, or what :meth:`mailbox` gives. Time is the machine's own,
    never the wall's (ADR 0015): nothing here takes ``now``, but the pauses that people see.
    """

    def take_all(
        self, asks: Sequence[tuple[str, PaceLimit]], *, leave: Mapping[str, Leave] = ..., late: float = 0.0
    ) -> Mapping[str, float]:
        """Grant one hand-over, now, in every scope, or in none. Empty: granted. Else the scopes without room, with the
        seconds until each has some again.

        ``leave``: what is left of a scope to somebody else. ``late``: it may leave so many seconds after the grant."""

    def wait(self, scope: str, limit: PaceLimit) -> float:
        """Seconds until one more would be granted; 0: now."""

    def room(self, scope: str, limit: PaceLimit, within: float, leave: Leave = ...) -> int:
        """How many may be granted from now to ``within`` seconds on."""

    def granted(self, scope: str) -> int:
        """How many were granted in all."""

    def mailbox(self, channel: str, address: str) -> str:
        """The scope of one mailbox: a keyed hash, since an address may be a patient's."""

    def sweep(self, most: int = 100) -> int:
        """Forget domains and mailboxes whose windows are empty, looking at so many each time; gives how many."""

    def keep_back(self, channel: str, whom: str, until: datetime) -> None:
        """The pace of a domain or mailbox is used up. Nothing is claimed for a domain before ``until``."""

    def kept_back(self, channel: str, now: datetime, whom: str = "") -> datetime | None:
        """Until when a domain or mailbox is kept back; None: it is not. ``whom`` empty: the first domain to be free."""

    def pause(self, scope: str, until: datetime | None, reason: str) -> None:
        """Pause a channel (``until`` None: until a person or a probe resumes it)."""

    def tries_at(self, scope: str, now: datetime) -> datetime | None:
        """When the pause in force ends by itself; None: there is none, or a person ends it."""
        ...

    def paused(self, scope: str, now: datetime) -> str | None:
        """Reason of the pause in force, of everything (:data:`EVERYTHING`) or of this scope, or None."""

    def resume(self, scope: str) -> None:
        """End the pause of this very scope, if there is one."""
