"""What is kept beside the work: receipts, journal, payloads, reference data, gaps, oppositions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import JournalLine
    from dispatcher.terminology.entries import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One thing that came back (or the SMTP reply), kept as evidence."""

    id: str
    dispatch_id: str
    """Empty while it matches nothing."""
    kind: str
    """``smtp``, ``dsn``, ``mdn``, ``error-mail``, ``auto-reply``, ``other``."""
    action: str = ""
    status: str = ""
    code: str = ""
    at: datetime
    digest: str = ""
    """SHA-256 of the notice as received; the same notice twice is stored once."""
    channel: str = ""
    note: str = ""
    """What it changed, in French."""
    to_read: bool = False
    """A person has to look at it: it matches nothing, or only a person understands it."""
    dealt_at: datetime | None = None
    """When a person said that it is dealt with, or tied it to its dispatch."""
    dealt_by: str = ""
    dealt_why: str = ""


class Receipts(Protocol):
    def add(self, row: ReceiptRow, content: bytes | None = None) -> bool:
        """False when the same digest is already stored for this dispatch. ``content`` becomes an encrypted payload."""

    def of_dispatch(self, dispatch_id: str) -> tuple[ReceiptRow, ...]: ...
    def unmatched(self, limit: int = 100, *, before: datetime | None = None) -> tuple[ReceiptRow, ...]:
        """Those a person has to look at, newest first; with ``before`` only what came before."""

    def close(self, receipt_id: str, at: datetime, *, by: str, why: str) -> bool:
        """Nobody has to look at it any more, with a journal line. False when nobody had to."""

    def tie(self, row: ReceiptRow) -> bool:
        """Write down to which dispatch a person tied it, and what that changed. False when it has one already."""

    def get(self, receipt_id: str) -> ReceiptRow | None: ...
    def latest(self, limit: int = 100) -> tuple[ReceiptRow, ...]:
        """Notices, matched or not, newest first; replies of servers are left out."""

    def holds(self, digest: str) -> bool:
        """Whether a notice of that digest is stored with its dispatch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A line of the journal as the counters see it."""

    number: int
    event: str
    subject: str
    actor: str
    detail: Mapping[str, Any]
    channel: str
    """Of the dispatch it is about, today; empty for everything else."""


class Journal(Protocol):
    """Append-only, hash-chained."""

    def after(self, number: int, most: int) -> tuple[Happened, ...]:
        """At most so many lines behind that one, in order."""

    def write(self, subject: str, event: str, *, actor: str = "daemon", **detail: object) -> None: ...
    def of_subject(self, subject: str) -> tuple[JournalLine, ...]: ...
    def last(self) -> tuple[int, str]:
        """Number and digest of the last line; (0, 64 zeros) before the first."""

    def digests(self, first: int, last: int) -> Iterable[str]:
        """Those of the lines ``first`` to ``last``, in order; streams."""

    def verify(
        self, seen: Callable[[int, str], None] | None = None, *, after: tuple[int, str] = ...
    ) -> tuple[int, str]:
        """(lines checked, French description of the first break or empty).

        ``seen`` is told number and digest of each good line; ``after``: number and digest of the line to begin after.
        """


class Payloads(Protocol):
    """Encrypted bytes, apart from the index tables (decision D4)."""

    def put(self, owner: str, kind: str, content: bytes) -> None:
        """``owner``: id of a file, report, dispatch or receipt.

        ``kind``: ``original``, ``sibling:<name>``, ``rendition:<format>``, ``sealed``, ``certificate`` (PEM),
        ``notice``, ``recipient``.
        """

    def put_all(self, owner: str, contents: Mapping[str, bytes]) -> None:
        """Several of one owner, by kind."""

    def get(self, owner: str, kind: str) -> bytes | None: ...
    def kinds(self, owner: str) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """One kept version, without its content."""

    version: str
    accepted_at: datetime
    size: int
    """Bytes."""


class Reference(Protocol):
    """Kept versions of reference data (list of allowed domains), newest first."""

    def put(
        self, kind: str, version: str, content: bytes, accepted_at: datetime, *, actor: str = "daemon", reason: str = ""
    ) -> None:
        """Keep a version; it is the newest from now on, also when it had been kept before.

        ``reason``: why a person went back to it; the journal then says « restored » instead of « accepted ».
        """

    def newest(self, kind: str) -> tuple[str, bytes] | None:
        """(version, content) put last, or None."""

    def get(self, kind: str, version: str) -> bytes | None:
        """Content of a kept version, or None."""

    def versions(self, kind: str) -> tuple[ReferenceRow, ...]:
        """Every version kept, the one put last first."""

    def drop(self, kind: str, version: str) -> None:
        """Keep a version no longer; the journal keeps its digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """Something the terminology tables did not know, with how often and when it was met."""

    kind: str
    """:class:`dispatcher.terminology.entries.MissingKind`."""
    source: str
    code: str = ""
    label: str = ""
    unit: str = ""
    specimen: str = ""
    text: str = ""
    reason: str = ""
    """French."""
    count: int = 1
    """Reports that brought it."""
    first_at: datetime
    last_at: datetime


class Gaps(Protocol):
    """What the terminology tables did not know: never a reason to stop a report, always listed."""

    def note(self, source: str, missing: Iterable[Missing], now: datetime) -> None:
        """Count what one report brought."""

    def list(self, *, source: str = "", limit: int = 1000) -> tuple[GapRow, ...]:
        """Most frequent first."""

    def forget(self, gap: GapRow) -> None:
        """It is in the tables now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OppositionRow:
    """Somebody objects to electronic mail (Ségur, MSS/va1.20 and va1.22)."""

    id: str
    key: str
    """Keyed hash of the number it stands under; never the number."""
    scope: str
    """:class:`dispatcher.routing.about.Scope`."""
    kind: str
    """What the number is: ``ins``, ``RPPS``…; ``patient@SOURCE`` and ``code@SOURCE``: as that source has it."""
    added_at: datetime
    actor: str
    note: str = ""
    """Why, in the words of who recorded it; no identity."""


class Oppositions(Protocol):
    """Recorded oppositions, journalled. ``add``, ``remove``: False when nothing changed; ``scopes``: under any hash;
    ``kinds``: every kind that occurs."""

    def add(self, row: OppositionRow) -> bool: ...
    def remove(self, opposition_id: str, *, actor: str) -> bool: ...
    def scopes(self, keys: Iterable[str]) -> frozenset[str]: ...
    def kinds(self) -> frozenset[str]: ...
    def list(self) -> tuple[OppositionRow, ...]: ...
