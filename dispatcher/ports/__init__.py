"""The outside world as the use cases need it: small ``Protocol``s, implemented by the windows, handed in by ``wiring``.

``service/`` sees the windows only through this page. It stays on the ground floor: the values it carries are named for
the type checker only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from dispatcher.ports.alarm_way import AlarmWay
from dispatcher.ports.keys import (
    CertificateAnswer,
    Certificates,
    Cipher,
    Keyring,
    RecipientCertificate,
    Signer,
)
from dispatcher.ports.mailbox import Fetched, Fill, Listener, Mailbox, SetAside
from dispatcher.ports.secrets import Secrets
from dispatcher.ports.transport import AnswerLine, Mail, Stamper, Transport, TransportSession
from dispatcher.store_ports import (
    DRAIN,
    EVERYTHING,
    AccountRow,
    Accounts,
    AlarmBook,
    AlarmNote,
    AnchorRow,
    Anchors,
    AnswerRow,
    Answers,
    AnswerState,
    Batches,
    BulkSend,
    BulkSends,
    ConsoleSessions,
    DestinationRow,
    Destinations,
    DigestRow,
    Dispatches,
    DispatchFilter,
    DomainRow,
    Drifted,
    FigureRow,
    FiguresBook,
    Files,
    GapRow,
    Gaps,
    Happened,
    Heard,
    Installation,
    InstallationRow,
    Journal,
    Kept,
    Ladders,
    LeaseRow,
    Leases,
    MailsAside,
    MarkRow,
    NodeRow,
    Nodes,
    OppositionRow,
    Oppositions,
    PaceBook,
    Page,
    Payloads,
    Place,
    PrintRun,
    PrintRuns,
    Purging,
    ReceiptRow,
    Receipts,
    Recipient,
    RecipientUse,
    Reference,
    ReferenceRow,
    Reports,
    Scope,
    SessionRow,
    SignIns,
    SignRow,
    StepRow,
    Store,
    Support,
    SupportRow,
    Tallies,
    UnitOfWork,
    Weight,
    Weights,
    account_subject,
)

if TYPE_CHECKING:
    from dispatcher.report.model import IdType, Problem
    from dispatcher.routing.candidates import Entry, LocalEntry


__all__ = [
    "Kept",
    "Page",
    "Place",
    "Purging",
    "Weight",
    "Weights",
    "Found",
    "Taken",
    "Spool",
    "Directory",
    "LocalRules",
    "AllowedDomains",
    "RecipientCertificate",
    "CertificateAnswer",
    "Certificates",
    "Rules",
    "Signer",
    "Keyring",
    "Cipher",
    "Secrets",
    "Mail",
    "Stamper",
    "TransportSession",
    "Transport",
    "Fetched",
    "Fill",
    "Listener",
    "Mailbox",
    "SetAside",
    "AnswerLine",
    "DRAIN",
    "EVERYTHING",
    "AccountRow",
    "Accounts",
    "AlarmBook",
    "AlarmNote",
    "AlarmWay",
    "AnchorRow",
    "Anchors",
    "AnswerRow",
    "Answers",
    "AnswerState",
    "Batches",
    "ConsoleSessions",
    "BulkSend",
    "BulkSends",
    "Dispatches",
    "DestinationRow",
    "Destinations",
    "DigestRow",
    "DispatchFilter",
    "Drifted",
    "DomainRow",
    "FigureRow",
    "FiguresBook",
    "Files",
    "GapRow",
    "Gaps",
    "Happened",
    "Heard",
    "Installation",
    "InstallationRow",
    "Journal",
    "Ladders",
    "LeaseRow",
    "Leases",
    "MailsAside",
    "MarkRow",
    "NodeRow",
    "Nodes",
    "OppositionRow",
    "Oppositions",
    "PaceBook",
    "Payloads",
    "PrintRun",
    "PrintRuns",
    "ReceiptRow",
    "Receipts",
    "Recipient",
    "RecipientUse",
    "Reference",
    "ReferenceRow",
    "Reports",
    "Scope",
    "SessionRow",
    "SignIns",
    "SignRow",
    "StepRow",
    "Store",
    "Support",
    "SupportRow",
    "Tallies",
    "UnitOfWork",
    "account_subject",
]

# ------------------------------------------------------------------------------------------------ intake


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file seen in a source folder."""

    path: str
    name: str
    size: int
    mtime_ns: int
    whole: bool
    """False while it may still grow; ``why`` says what is missing, in French."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Bytes of a whole file, with the files beside it that it refers to."""

    found: Found
    content: bytes = field(repr=False)
    siblings: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Spool(Protocol):
    """One source folder."""

    name: str

    def scan(self) -> tuple[Found, ...]:
        """Every file that matches, oldest first. Raises :class:`dispatcher.errors.IntakeError`: folder gone."""

    def take(self, found: Found) -> Taken | None:
        """Read it; None when it changed or vanished since the scan."""

    def finish(self, path: str, siblings: Mapping[str, str], digest: str) -> None:
        """Remove or archive a file that is safe in the store, its done-file and siblings; a missing one is no fault.

        ``digest``: SHA-256 (hex) of what the store holds of it; ``siblings``: the same by name. What has other bytes by
        now stays: nobody has read it.
        """


# ------------------------------------------------------------------------------------------------ directory


class Directory(Protocol):
    """Where recipients are looked up. Answers come from local snapshots; nothing here waits on a network."""

    def versions(self) -> dict[str, str]:
        """Version of each source that is there (:mod:`dispatcher.routing.sources`); ``local`` may be empty."""

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Boxes of one professional (RPPS, ADELI) or structure (FINESS, SIRET): only entries with an address, each once
        per address, person and structure, newest data first."""

    def people(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Entries of any source about that person or structure, with or without address: names, activities."""

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[tuple[IdType, str], ...]:
        """Other identities of that person (ADELI ↔ RPPS). More than one of a kind is ambiguous: never to be chosen."""

    def by_address(self, address: str) -> tuple[Entry, ...]:
        """Entries behind one address."""

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        """Lines of the laboratory's table for its own code, valid ones and others (the rules judge); for a national
        number that is nobody's code, the lines that name it, where they agree on what to do."""

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        """For people only: never used to choose a recipient."""


class LocalRules(Protocol):
    """The laboratory's own table, to write a line a person decided on."""

    def version(self) -> str:
        """Of the table as it stands; empty without one."""

    def write(self, before: LocalEntry | None, after: LocalEntry, *, version: str, by: str, why: str) -> str:
        """Write ``after``, in place of ``before`` when given; gives the new version.

        Raises :class:`dispatcher.errors.DirectoryError`: ``table-changed`` when the table is not ``version`` any more.
        """


class AllowedDomains(Protocol):
    """The verified list of allowed domains (liste blanche)."""

    version: str
    """Date of generation and digest, or empty when no list was ever accepted."""
    generated: datetime | None

    def allows(self, domain: str) -> bool:
        """Membership on the IDNA-lowered domain; never by suffix."""


# ------------------------------------------------------------------------------------------------ conformance


class Rules(Protocol):
    """The official rules a CDA must satisfy."""

    def check(self, data: bytes) -> list[Problem]:
        """What they say of one document; raises :class:`dispatcher.errors.ConfigError` when they cannot be run."""

    def versions(self) -> tuple[str, ...]:
        """Versions of the CR-BIO model they know, oldest first, every rule made ready. Raises like :meth:`check`."""
