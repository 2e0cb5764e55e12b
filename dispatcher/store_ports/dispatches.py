"""Dispatches and batches, as the use cases see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import Batch, Dispatch, Lane
    from dispatcher.outbox.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFilter:
    """What to list. Empty fields do not filter."""

    states: tuple[State, ...] = ()
    channel: str = ""
    not_domains: tuple[str, ...] = ()
    """Recipients of these domains are left out."""
    batch_id: str = ""
    """All that ever were in it; ``Dispatch.batch_id`` is the present one."""
    resend_of: str = ""
    """The dispatch it sends again under a new identity."""
    fault: str = ""
    """What it failed or waits for: a code as kept, a hold code, or the head of an RFC 3463 status (``5.1``)."""
    report_id: str = ""
    file_id: str = ""
    chain: str = ""
    recipient: str = ""
    """Part of the label, the address or the identifier."""
    order: str = ""
    """Order number, exact."""
    patient: str = ""
    """Keyed hash of who the report is about, as ``ReportVersion.patient_hash``."""
    since: datetime | None = None
    until: datetime | None = None
    unprinted: bool = False
    """Only those that nobody has printed."""
    oldest_first: bool = True
    limit: int = 100
    after: tuple[datetime, str] | None = None
    """``created_at`` and id of the last one of the page before; oldest first only."""


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
        when the row was claimed by somebody else since. Leaving ``sending`` ends the lease and ``submitting_since``;
        ``unknown_since`` is set on entering ``unknown`` (to now, unless given) and wiped out on leaving it.
        """

    def update(self, dispatch_id: str, *, actor: str = "daemon", event: str, **changes: Any) -> Dispatch:
        """Change fields without a change of state, with its journal line."""

    def claim(
        self, channel: str, owner: str, limit: int, lease: timedelta, now: datetime, *, lane: Lane | None = None
    ) -> tuple[Dispatch, ...]:
        """``queued`` and due ``deferred`` rows become ``sending`` under a lease: urgent lane first, then domains and
        mailboxes in turn, each by age. Of both lanes unless one is given.

        Left out: rows of a chain and recipient with an older version still ``sending`` or ``unknown`` (promise 3), or
        with a newer one under way; paused batches; domains that are kept back or whose circuit is open.
        """

    def any_queued(self, channel: str, lane: Lane, now: datetime) -> bool:
        """Whether a claim of that lane may find something: queued, or deferred and due."""

    def any_claimed(self, channel: str, lane: Lane) -> bool:
        """Whether mail of that lane is claimed and only waits for its place."""

    def withdraw_overtaken(self) -> int:
        """Waiting rows with a newer version under way are ``withdrawn``; gives how many."""

    def clear_pauses(self, channel: str, *, but: str) -> None:
        """Nobody but ``but`` paused the channel in a row."""

    def begin_submission(self, dispatch_id: str, fence: int, now: datetime) -> None:
        """Write ``submitting_since``. Must be committed before the first byte goes out. Raises LeaseLost."""

    def not_begun(self, dispatch_id: str, fence: int) -> None:
        """Wipe ``submitting_since`` out: no byte of this claim has left, as its holder knows. Raises LeaseLost."""

    def release_claim(self, dispatch_id: str, fence: int) -> None:
        """Back to ``queued`` untouched: claimed but not begun (stop, pause)."""

    def opened(self, dispatch_id: str, fence: int) -> None:
        """Its mail was opened and its holder lives: it is not what killed those before."""

    def expire_leases(self, now: datetime) -> tuple[Dispatch, ...]:
        """Rows of dead workers: begun ones become ``unknown``, others ``queued``, ``held`` when too often.

        Gives them back as they are now.
        """

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all rows this owner holds."""

    def late(self, now: datetime, limit: int = 100) -> tuple[Dispatch, ...]:
        """Urgent mail not sent at its time, for which no alarm stands yet, the longest late first."""

    def alarmed(self, *, left: bool, limit: int = 100) -> tuple[Dispatch, ...]:
        """Those for which an alarm stands, the oldest first: ``left`` meanwhile or ended, or not yet."""

    def forget_in_time(self, now: datetime) -> None:
        """The clock of those that had left at their time stops."""

    def batchable(self, channel: str) -> tuple[int, int, datetime | None, int]:
        """``ready`` rows of a channel: (count, bytes, oldest created_at, how many are urgent)."""

    def assign_batch(self, batch: Batch, *, max_count: int, max_bytes: int, urgent_only: bool = False) -> Batch:
        """Move ``ready`` rows, oldest first, up to the ceilings, to ``queued`` in it; gives it with its sums."""

    def unsettled_of_chain(self, chain: str, *, below_version: int) -> tuple[Dispatch, ...]:
        """Dispatches of older versions that are not at an end."""

    def list(self, wanted: DispatchFilter) -> tuple[Dispatch, ...]: ...
    def locked(self, ids: Sequence[str]) -> tuple[Dispatch, ...]:
        """Those of these ids that exist, by id, as they are now; locked to the end of the transaction."""

    def in_doubt(self, channel: str) -> tuple[int, datetime | None]:
        """``unknown`` rows of a channel: how many, and since when the oldest is (None without any)."""

    def counts(self, *, channel: str = "", batch_id: str = "") -> dict[State, int]: ...
    def counts_since(self, since: datetime) -> dict[State, int]:
        """Of those made since then; states without any are left out."""

    def recipients(self, since: datetime) -> tuple[RecipientUse, ...]:
        """Every address mails were made for since then, by recipient and channel, the most used first."""

    def oldest_unfinished(self) -> Dispatch | None: ...
    def next_due(self, channel: str) -> datetime | None: ...
    def last_due(self, channel: str) -> datetime | None: ...
    def sent_since(self, channel: str, since: datetime) -> int: ...


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
    """Batches (lots): who is in which, and their life."""

    def add(self, batch: Batch) -> None: ...
    def join(self, batch_id: str, ids: Iterable[str], now: datetime) -> None:
        """These dispatches belong to it from now on, and stay in every batch they were in before."""

    def get(self, batch_id: str) -> Batch | None: ...
    def with_token(self, token: str) -> Batch | None:
        """The batch a replay with this token made, or None."""

    def grow(self, batch_id: str, count: int, size: int) -> None:
        """Add to its sums: a large replay fills its batch in several transactions."""

    def list(self, *, channel: str = "", limit: int = 50) -> tuple[Batch, ...]: ...
    def alone(self, channel: str) -> None:
        """Until the end of the transaction nobody else forms batches of that channel."""

    def latest(self, channel: str, reasons: Iterable[str]) -> Batch | None:
        """The channel's newest batch made for one of these reasons, or None."""

    def paused(self) -> tuple[Batch, ...]:
        """Those that wait for a person, the oldest first."""

    def stopped(self, channel: str) -> int:
        """How many queued dispatches of the channel stand in a paused batch."""

    def any_finished(self) -> bool:
        """Some batch that is not ``done`` has nothing pending any more."""

    def pause(self, batch_id: str, *, reason: str, actor: str = "daemon") -> Batch:
        """Its queued dispatches wait. Raises :class:`dispatcher.errors.IllegalMove` when it is over."""

    def resume(self, batch_id: str, *, reason: str, actor: str = "daemon") -> Batch:
        """They leave again. Raises :class:`dispatcher.errors.IllegalMove` when it is not paused."""

    def end_finished(self, now: datetime, limit: int = 200) -> tuple[Batch, ...]:
        """Batches with nothing pending any more become ``done``, with their statement in the journal."""
