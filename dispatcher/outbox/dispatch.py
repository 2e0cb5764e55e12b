"""The durable values: source file, report version, dispatch, batch, and what a hand-over said.

``store/`` keeps its own tables and turns rows into these values and back (decision D11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dispatcher.outbox.states import FileState, State


class Lane(StrEnum):
    """Priority of a dispatch. Critical and urgent results do not wait for a batch window."""

    ROUTINE = "routine"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file taken in (or seen growing). The original bytes are a payload."""

    id: str
    source: str
    """Name of the source in the settings; ``send`` for bulk sends."""
    path: str
    """Where it stood. Never shown outside the operator's own tools: LIS file names may hold a patient's name."""
    name: str
    size: int
    mtime_ns: int
    sha256: str
    state: FileState
    received_at: datetime
    format: str = ""
    reason: str = ""
    """French, why it is quarantined, duplicate or waiting; with line, field, found, expected."""
    duplicate_of: str = ""
    removed: bool = False
    """The source folder no longer holds it."""
    returns: int = 0
    """Times it came back from a dead worker; set aside when that was too often."""
    lane: Lane = Lane.ROUTINE
    """By a glance at its bytes (``formats/urgency.py``): urgent ones are prepared first."""
    purged_at: datetime | None = None
    """Since then its contents, its name, and the contents of everything made of it are kept no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVersion:
    """One version of one report."""

    id: str
    file_id: str
    position: int
    """0-based place among the reports of its file."""
    chain: str
    """Key of the report all versions share: keyed hash of laboratory, order and patient."""
    version: int
    fingerprint: str
    """Hash of the content, transport left out."""
    document_id: str
    set_id: str
    replaces: str = ""
    """``document_id`` of the version this one replaces, or empty."""
    status: str = "final"
    order_filler: str = ""
    order_placer: str = ""
    laboratory: str = ""
    patient_hash: str = ""
    """Keyed hash of the identity traits; never the identity."""
    reported_at: str = ""
    created_at: datetime | None = None
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One report version to one recipient by one channel: the durable row (decision D1)."""

    id: str
    report_id: str
    chain: str
    version: int
    state: State
    recipient_key: str
    """:attr:`dispatcher.routing.route.Wanted.key`: the same for all versions."""
    role: str
    label: str = ""
    """Recipient as a person reads it (a professional, never a patient)."""
    recipient_id: str = ""
    recipient_id_type: str = ""
    address: str = ""
    domain: str = ""
    channel: str = ""
    format: str = ""
    envelope: str = ""
    certificate: str = ""
    """SHA-256 fingerprint of the recipient's certificate."""
    signer: str = ""
    """SHA-256 fingerprint of our signing certificate."""
    message_id: str = ""
    """With angle brackets; fixed before the first attempt (decision D2)."""
    envid: str = ""
    sealed_sha256: str = ""
    sealed_bytes: int = 0
    renditions: str = ""
    """SHA-256 of what was written for it, by format: ``cda=… pdf=…``. They outlive the renditions themselves."""
    lane: Lane = Lane.ROUTINE
    batch_id: str = ""
    attempts: int = 0
    created_at: datetime | None = None
    due_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    submitting_since: datetime | None = None
    """Set, in its own commit, before the first byte of a hand-over; a crash then means ``unknown``."""
    lease_owner: str = ""
    fence: int = 0
    """Grows at every claim; a late worker cannot write over a new owner."""
    hold_code: str = ""
    reason: str = ""
    """French: why held, deferred, failed, unknown, closed."""
    reply: str = ""
    """Last SMTP reply, cut at 200 characters."""
    decision: dict[str, object] = field(default_factory=dict)
    """Routing decision as JSON: wanted, trace, candidates, versions (see routing/trace.py)."""
    unknown_since: datetime | None = None
    """Since when nobody can say whether it was accepted; None in every other state."""
    resend_of: str = ""
    """The dispatch this one sends again under a new identity."""
    replayed_from: str = ""
    """State it had before its last replay: an undo goes back to it."""
    replayed_fence: int = 0
    """``fence`` at that replay: a claim since then makes the undo impossible."""
    replayed_attempts: int = 0
    """``attempts`` at that replay: patience and waits between attempts count from there."""
    printed_at: datetime | None = None
    """A person printed it (``paper``)."""
    fault: str = ""
    """What it failed or waits for, to search by: RFC 3463 ``class.subject.detail``, an SMTP reply, or a hold code."""
    escalate_at: datetime | None = None
    """When urgent mail that has not left becomes an alarm (``service/escalate.py``)."""
    escalation: int = 0
    """Alarms begun because it had not left in time."""
    pauses: int = 0
    """Times in a row that this very mail made its whole channel wait."""
    doubted_at: datetime | None = None
    """Since when it may have reached its recipient though its state does not say so: it was ``unknown`` and went on
    from there, or good news came while it waited. Wiped out by whoever says that it did not arrive."""
    returns: int = 0
    """Times in a row it came back from a dead worker before its hand-over began."""
    climb_at: datetime | None = None
    """When the ladder of unread mail looks at it next; None: it does not (any more)."""
    rung: int = 0
    """The rung of the ladder it waits for, from 1; 0: the ladder has not looked at it since it left."""
    acknowledged_at: datetime | None = None
    """A person took it over (``dispatcher ladder acknowledge``): the ladder goes no further."""

    def same_recipient(self, other: Dispatch) -> bool:
        """To the same recipient (by key), or to the same box: a file may name one person by two codes."""
        return self.recipient_key == other.recipient_key or bool(self.address and self.address == other.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A set of dispatches of one channel that leave together (lot)."""

    id: str
    channel: str
    created_at: datetime
    reason: str
    """``tick``, ``full``, ``urgent``, ``replay``, ``once``."""
    count: int = 0
    size: int = 0
    """Sum of sealed bytes."""
    state: str = "open"
    """``open``, ``paused``, ``done``."""
    ended_at: datetime | None = None
    pause_reason: str = ""
    """French."""
    actor: str = ""
    """Who asked for it: a replay's operator."""
    why: str = ""
    """The reason given."""
    token: str = ""
    """Of a replay: hash of exactly what its preview showed, so that a second click is no second replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The operator accepted the mail: final reply to the dot."""

    reply: int
    status: str
    text: str
    dsn_requested: bool = False
    dialogue: str = field(default="", repr=False, compare=False)
    """What was said, line by line with its time (:mod:`dispatcher.transport.transcript`); empty where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line of the append-only, hash-chained journal."""

    number: int
    at: datetime
    subject: str
    """Id of the file, report, dispatch or batch it speaks of."""
    event: str
    """Stable name: ``dispatch.sent``, ``file.quarantined``…"""
    actor: str
    """``daemon``, ``operator:<login>``."""
    detail: dict[str, object]
    """No identity, no result."""
    previous: str
    digest: str
    text: str = field(default="", repr=False, compare=False)
    """The line as its digest covers it."""
