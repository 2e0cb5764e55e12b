"""Several services on one database: who is there, and who owns what only one may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One running service."""

    id: str
    """New at every start."""
    name: str
    """``[service] node``, else the name of the machine; one service a name."""
    host: str
    pid: int
    version: str
    """Of the program."""
    revision: str
    """Of the schema it was written for."""
    workers: int
    started_at: datetime
    seen_at: datetime
    """Last heartbeat, by the clock all nodes share."""
    skew: float = 0.0
    """Seconds its own clock is ahead of the shared one."""
    wanted: str = ""
    """:data:`DRAIN`, or empty: at work."""
    process: str = ""
    """Tells whether the process of that number still runs, where that can be told (``daemon/processes.py``)."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What lies on its own disk and must be the same on every node, by name: a version or a digest."""


DRAIN = "drain"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """Something that one node at a time may do, and who may now."""

    name: str
    """``source:NAME``, ``mailbox:NAME``, ``tick:NAME``."""
    owner: str
    """Empty: nobody."""
    node: str
    until: datetime | None
    fence: int
    """Raised with every new owner."""


class Nodes(Protocol):
    """Running services. Times are those of the shared clock (:meth:`now`)."""

    def now(self) -> datetime:
        """The clock all nodes share: the database's."""

    def bearer(self, name: str) -> NodeRow | None:
        """Who stands under that name; nobody else comes to stand there before this transaction ends."""

    def join(self, node: NodeRow) -> None:
        """A service starts: whoever stood under this name before is replaced, and its named leases are free.

        Whether a drain was asked for under this name is kept. ``seen_at``, ``started_at`` and ``skew`` are measured
        here.
        """

    def beat(self, node_id: str, digests: Mapping[str, str]) -> NodeRow | None:
        """It lives; gives its row, None when it stands there no more (forgotten, or its name was taken)."""

    def leave(self, node_id: str) -> None:
        """An orderly end: its row goes, and its named leases are free."""

    def free(self, name: str) -> None:
        """Nothing by name is held by the node of that name any more."""

    def want(self, name: str, wanted: str, *, actor: str) -> bool:
        """Ask for a drain (:data:`DRAIN`) or its end (empty), journalled; False when no such node is known."""

    def wanted(self, name: str) -> str:
        """What is asked of the node of that name; empty when nothing is, or it is unknown."""

    def forget(self, name: str, *, actor: str) -> bool:
        """It will not come back: its row goes, every lease it holds has run out as of now. False when unknown.

        What it held is taken back by the next :meth:`Dispatches.expire_leases`; files by the next claim.
        """

    def list(self) -> tuple[NodeRow, ...]:
        """Every node, by name."""


class Leases(Protocol):
    """What has one owner at a time, by name. An owner that was frozen or cut off finds out by its fence."""

    def take(self, name: str, owner: str, node: str, lease: timedelta) -> int | None:
        """Own it from now on for ``lease``; gives the fence. None: it is another's.

        What is ours already stays so for at least half of ``lease``.
        """

    def confirm(self, name: str, owner: str, fence: int, lease: timedelta) -> None:
        """Still ours, and nobody takes it before this transaction ends; prolonged. Raises LeaseLost."""

    def holds(self, name: str, owner: str, fence: int) -> bool:
        """Still ours as far as a look without a lock can tell."""

    def let_go(self, owner: str, name: str = "") -> None:
        """Free for the others at once; without ``name`` all this owner holds."""

    def list(self) -> tuple[LeaseRow, ...]:
        """Every name known, in order."""
