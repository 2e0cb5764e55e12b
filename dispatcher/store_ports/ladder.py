"""What follows mail that nobody reads: rungs, digests, mailboxes heard, print runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import Dispatch


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A rung that was climbed."""

    dispatch_id: str
    step: int
    rung: str
    """:class:`dispatcher.receipts.ladder.Rung`."""
    at: datetime
    digest: str = ""
    """The digest that told of it."""
    note: str = ""
    """French: what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestRow:
    """One reminder to the laboratory about any number of unread mails."""

    id: str
    made_at: datetime
    count: int = 0
    told_at: datetime | None = None
    told: bool = False
    """Complete: nothing joins it any more."""


class Ladders(Protocol):
    """The climb of unread mail. ``unread``: sent or delivered, and at least one rung climbed since nobody read it."""

    def due(self, now: datetime, limit: int) -> tuple[Dispatch, ...]:
        """Those the ladder is to look at, the longest due first."""

    def wait(self, rows: Mapping[str, tuple[int, datetime | None]], seen: Sequence[Dispatch]) -> None:
        """By id: the rung waited for from now on, and until when (None: the climb is over). One that moved since it
        was ``seen`` is left."""

    def over(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of these whose report has a newer version in force, or of which a copy sent again was read."""

    def locked(self, dispatch_id: str) -> Dispatch | None:
        """As it is now, locked to the end of the transaction."""

    def resume(self, channel: str, since: datetime, *, address: str = "", domain: str = "") -> int:
        """Unread mail to there that left after ``since`` and whose climb is over is worked out anew. How many."""

    def bring_back(self, beyond: datetime) -> int:
        """Waits beyond that moment were written by a clock that stood far ahead: they are worked out anew. How many."""

    def taken(self, ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        """Place of the highest rung climbed of each that climbed any, and when."""

    def take(self, row: StepRow) -> bool:
        """Climb it; False: somebody has."""

    def steps(self, dispatch_id: str) -> tuple[StepRow, ...]: ...
    def open_digest(self, digest_id: str, now: datetime) -> DigestRow:
        """The digest that is being gathered; a new one with this id when there is none."""

    def grow_digest(self, digest_id: str, count: int) -> None: ...
    def end_digest(self, digest_id: str, now: datetime) -> DigestRow:
        """It is complete, with its journal line."""

    def last_digest(self) -> DigestRow | None: ...
    def members(self, digest_id: str, limit: int) -> tuple[Dispatch, ...]:
        """Of a digest, those still unread, the oldest first."""

    def unread(self, *, recipient: str = "", limit: int = 100) -> tuple[Dispatch, ...]:
        """The longest unread first."""

    def count_unread(self, *, channel: str = "", batch_id: str = "") -> int: ...
    def calling(self, limit: int = 100) -> tuple[Dispatch, ...]:
        """Those a person was called for and nobody has taken over yet, urgent ones first."""

    def acknowledge(self, dispatch_id: str, now: datetime, *, reason: str, actor: str) -> None:
        """A person took it over, with the journal line: its ladder and its alarm end."""

    def hear(self, channel: str, now: datetime) -> None:
        """The mailbox of its notices was read to the end."""

    def heard(self, channel: str) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintRun:
    """Letters printed together (tirage)."""

    id: str
    made_at: datetime
    actor: str
    count: int
    """Dispatches in it."""
    sha256: str
    """Of the PDF."""
    why: str = ""
    """Of a reprint."""
    printed_at: datetime | None = None
    """A person said that it was printed."""


class PrintRuns(Protocol):
    """Print runs and who is in which."""

    def add(self, run: PrintRun, ids: Sequence[str]) -> None:
        """Insert, with its journal line and one of each dispatch."""

    def get(self, run_id: str) -> PrintRun | None: ...
    def list(self, limit: int = 20) -> tuple[PrintRun, ...]:
        """Newest first."""

    def members(self, run_id: str) -> tuple[str, ...]: ...
    def waiting(self) -> dict[str, str]:
        """By dispatch: the newest run it is in, of runs that nobody said were printed."""

    def count_waiting(self) -> int:
        """Dispatches on paper that nobody has printed."""

    def printed(self, run_id: str, now: datetime, *, actor: str) -> None: ...
