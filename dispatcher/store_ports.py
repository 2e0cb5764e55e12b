"""The store as the use cases need it: one transaction with a small ``Protocol`` per kind of row.

Part of ``ports.py``, which gives all these names on; import them from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import Batch, Dispatch, JournalLine, ReportVersion, SourceFile
    from dispatcher.outbox.pacing import PaceLimit
    from dispatcher.outbox.states import FileState, State
    from dispatcher.ports import Found
    from dispatcher.terminology.entries import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFilter:
    """What to list. Empty fields do not filter."""

    states: tuple[State, ...] = ()
    channel: str = ""
    batch_id: str = ""
    report_id: str = ""
    file_id: str = ""
    chain: str = ""
    recipient: str = ""
    """Part of the label, the address or the identifier."""
    order: str = ""
    """Order number, exact."""
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = True
    limit: int = 100


class Files(Protocol):
    """Source files."""

    def add(self, file: SourceFile) -> None: ...
    def get(self, file_id: str) -> SourceFile | None: ...
    def seen(self, source: str, path: str, size: int, mtime_ns: int) -> SourceFile | None:
        """The very file at that path with that size and time, if it is already known (waiting ones left out)."""

    def same_bytes(self, source: str, sha256: str) -> SourceFile | None:
        """The first file of this source with the same content, whatever its name."""

    def note_waiting(self, source: str, found: Found, now: datetime) -> None:
        """Show a growing file as ``waiting`` (one row per path, updated)."""

    def forget_waiting(self, source: str, path: str) -> None:
        """It is whole or gone: drop the waiting row."""

    def move(
        self, file_id: str, state: FileState, *, reason: str = "", actor: str = "daemon", **changes: Any
    ) -> SourceFile:
        """Change state (checked against FILE_MOVES), with its journal line."""

    def claim(self, owner: str, limit: int, lease: timedelta, now: datetime) -> tuple[SourceFile, ...]:
        """Lease files in state ``received``, oldest first.

        An expired lease counts one return; the tenth sets the file aside (quarantined). A file that came back is
        claimed last and alone, so that one bad file delays nobody and takes no others with it.
        """

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all files this owner holds."""

    def release(self, owner: str) -> int:
        """Give back every file this owner holds, without counting a return (orderly stop). Gives their number."""

    def not_removed(self, source: str) -> tuple[SourceFile, ...]:
        """Files safe in the store whose original may still stand in the source folder."""

    def mark_removed(self, file_id: str) -> None: ...
    def list(
        self, *, states: tuple[FileState, ...] = (), source: str = "", limit: int = 100
    ) -> tuple[SourceFile, ...]: ...
    def counts(self) -> dict[FileState, int]: ...


class Reports(Protocol):
    """Report versions."""

    def add(self, version: ReportVersion) -> None: ...
    def get(self, report_id: str) -> ReportVersion | None: ...
    def latest(self, chain: str) -> ReportVersion | None: ...
    def versions(self, chain: str) -> tuple[ReportVersion, ...]: ...
    def of_file(self, file_id: str) -> tuple[ReportVersion, ...]: ...
    def of_order(self, laboratory: str, order_filler: str, *, since: datetime) -> tuple[ReportVersion, ...]:
        """Versions of one laboratory's order number made since then, oldest first, of every patient and chain."""

    def supersede(self, chain: str, before_version: int) -> None:
        """Mark every version of the chain below ``before_version`` as superseded."""

    def count(self) -> int: ...


class Dispatches(Protocol):
    """Dispatches: the durable rows."""

    def add(self, dispatch: Dispatch, *, actor: str = "daemon") -> None:
        """Insert, with its journal line."""

    def get(self, dispatch_id: str) -> Dispatch | None: ...
    def find_message(self, *, message_id: str = "", envid: str = "") -> Dispatch | None: ...
    def move(
        self,
        dispatch_id: str,
        state: State,
        *,
        fence: int | None = None,
        actor: str = "daemon",
        event: str = "",
        **changes: Any,
    ) -> Dispatch:
        """Change state, checked against MOVES, with its journal line in the same transaction.

        ``changes`` are fields of :class:`Dispatch`. With ``fence`` given, raises :class:`dispatcher.errors.LeaseLost`
        when the row was claimed by somebody else since. Leaving ``sending`` ends the lease and ``submitting_since``.
        """

    def update(self, dispatch_id: str, *, actor: str = "daemon", event: str, **changes: Any) -> Dispatch:
        """Change fields without a change of state, with its journal line."""

    def claim(self, channel: str, owner: str, limit: int, lease: timedelta, now: datetime) -> tuple[Dispatch, ...]:
        """``queued`` and due ``deferred`` rows become ``sending`` under a lease, urgent lane first, then oldest.

        Left out: rows of a chain and recipient with an older version still ``sending`` or ``unknown`` (promise 3).
        """

    def begin_submission(self, dispatch_id: str, fence: int, now: datetime) -> None:
        """Write ``submitting_since``. Must be committed before the first byte goes out. Raises LeaseLost."""

    def release_claim(self, dispatch_id: str, fence: int) -> None:
        """Back to ``queued`` untouched: claimed but not begun (stop, pause)."""

    def expire_leases(self, now: datetime) -> tuple[Dispatch, ...]:
        """Rows of dead workers: begun ones become ``unknown``, others ``queued``. Gives them back as they are now."""

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all rows this owner holds."""

    def batchable(self, channel: str) -> tuple[int, int, datetime | None, int]:
        """``ready`` rows of a channel: (count, bytes, oldest created_at, how many are urgent)."""

    def assign_batch(self, batch: Batch, *, max_count: int, max_bytes: int, urgent_only: bool = False) -> Batch:
        """Move ``ready`` rows, oldest first, up to the ceilings, to ``queued`` in it; gives it with its sums."""

    def unsettled_of_chain(self, chain: str, *, below_version: int) -> tuple[Dispatch, ...]:
        """Dispatches of older versions that are not at an end."""

    def list(self, wanted: DispatchFilter) -> tuple[Dispatch, ...]: ...
    def counts(self, *, channel: str = "", batch_id: str = "") -> dict[State, int]: ...
    def recipients(self, since: datetime) -> tuple[RecipientUse, ...]:
        """Every address mails were made for since then, by recipient and channel, the most used first."""

    def oldest_unfinished(self) -> Dispatch | None: ...
    def next_due(self, channel: str) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientUse:
    """Somebody mails were made for lately, by one address, one name in the reports and one channel."""

    address: str
    domain: str
    recipient_key: str
    """As in :class:`dispatcher.outbox.dispatch.Dispatch`."""
    role: str
    channel: str
    count: int
    waiting: int
    """Of these, how many have not left yet."""
    first_at: datetime
    last_at: datetime
    last_id: str
    """The newest dispatch: its decision says what was known."""


class Batches(Protocol):
    def add(self, batch: Batch) -> None: ...
    def get(self, batch_id: str) -> Batch | None: ...
    def list(self, *, channel: str = "", limit: int = 50) -> tuple[Batch, ...]: ...


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


class Receipts(Protocol):
    def add(self, row: ReceiptRow, content: bytes | None = None) -> bool:
        """False when the same digest is already stored for this dispatch. ``content`` becomes an encrypted payload."""

    def of_dispatch(self, dispatch_id: str) -> tuple[ReceiptRow, ...]: ...
    def unmatched(self, limit: int = 100) -> tuple[ReceiptRow, ...]: ...


class Journal(Protocol):
    """Append-only, hash-chained."""

    def write(self, subject: str, event: str, *, actor: str = "daemon", **detail: object) -> None: ...
    def of_subject(self, subject: str) -> tuple[JournalLine, ...]: ...
    def verify(self) -> tuple[int, str]:
        """(lines checked, French description of the first break or empty)."""


class Payloads(Protocol):
    """Encrypted bytes, apart from the index tables (decision D4)."""

    def put(self, owner: str, kind: str, content: bytes) -> None:
        """``owner``: id of a file, report, dispatch or receipt.

        ``kind``: ``original``, ``sibling:<name>``, ``rendition:<format>``, ``sealed``, ``notice``, ``recipient``.
        """

    def get(self, owner: str, kind: str) -> bytes | None: ...
    def kinds(self, owner: str) -> tuple[str, ...]: ...


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


class UnitOfWork(Protocol):
    """One transaction; everything written inside is committed together or not at all."""

    @property
    def files(self) -> Files: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def dispatches(self) -> Dispatches: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def receipts(self) -> Receipts: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def payloads(self) -> Payloads: ...
    @property
    def pace(self) -> PaceBook: ...
    @property
    def reference(self) -> Reference: ...
    @property
    def oppositions(self) -> Oppositions: ...
    @property
    def gaps(self) -> Gaps: ...


class Store(Protocol):
    """The database."""

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        """Begin; commit at the end, roll back on an exception. Raises :class:`dispatcher.errors.StoreError`."""

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """A read-only view that takes no write lock."""

    def new_id(self, prefix: str) -> str:
        """A short identifier people can read out: ``prefix`` + 9 characters (no I, L, O, U)."""

    def close(self) -> None: ...
