"""What routing decides: a :class:`Route`, or a :class:`Hold` that a person understands, with its trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry


class Envelope(StrEnum):
    """What protects the mail on its way (decision D17). Never in clear."""

    SMIME = "smime"
    """Signed and enveloped for the recipient's certificate."""
    MUTUAL_TLS = "mutual-tls"
    """Not enveloped, inside mutual TLS to the MSSanté operator (the trust space's own rule)."""
    PROXY = "proxy"
    """Clear text to the site's own encrypting proxy on loopback."""


class RecipientRole(StrEnum):
    """Why this person gets the report."""

    PRESCRIBER = "prescriber"
    COPY = "copy"
    EXPLICIT = "explicit"
    ADDED = "added"
    """Named by the operator (``send --to``) or by a rule of the laboratory."""
    PATIENT = "patient"
    """The patient of the report, in his own box (Mon espace santé)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A recipient as the report names it."""

    role: RecipientRole
    id: str = ""
    id_type: IdType = IdType.LOCAL
    label: str = ""
    family: str = ""
    given: str = ""
    organisation_id: str = ""
    address: str = ""
    """Explicit address, when the file carries one."""

    @property
    def key(self) -> str:
        """The same for the same recipient in every version of the report."""
        if self.role is RecipientRole.PATIENT:
            return "patient"  # one a report; his address is an identity
        return (
            f"{self.id_type}:{self.id}"
            if self.id
            else f"address:{as_compared(self.address)}"
            if self.address
            else f"label:{self.label}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Recipient, address, format, channel, envelope and certificate."""

    address: str
    label: str
    id: str
    id_type: IdType
    channel: str
    format: str
    """One of ``delivery.FORMATS``."""
    envelope: Envelope
    certificate: str = ""
    """SHA-256 fingerprint (hex) of the recipient's certificate, for ``smime``."""
    title: str = ""
    family: str = ""
    given: str = ""
    """Names of the person behind the address, from the directory when it knows them, else from the file."""
    last_message: bool = False
    """To a patient who may not answer: ``X-MSS-MES: FIN``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why nothing leaves by itself. ``reason`` is French, for an operator; never a patient's name."""

    code: str
    """``unknown-recipient``, ``ambiguous-recipient``, ``untrusted-domain``, ``no-protection``, ``name-disagrees``…"""
    reason: str
    candidates: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One rule tried."""

    rule: str
    outcome: str
    """``chosen``, ``passed``, ``stopped``, ``not-applicable``."""
    text: str
    """French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A box of the recipient that was not taken."""

    entry: Entry
    why: str
    """French, short, without a final point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where one wanted recipient leads: exactly one of ``route``, ``hold``, ``paper``."""

    wanted: Wanted
    route: Route | None = None
    hold: Hold | None = None
    paper: bool = False
    """The recipient takes paper (local table, or the directory says no to electronic mail)."""
    trace: tuple[TraceStep, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    """Versions used: ``directory`` and its sources, ``local``, ``allowed-domains``."""
    ages: dict[str, float] = field(default_factory=dict)
    """Days since the data of each of them that has a date, on the day of the decision."""
    line: int = 0
    """Line of the laboratory's table that was followed; 0 for none."""
    used: tuple[Entry, ...] = ()
    """Directory entries behind the address of the route."""
    refused: tuple[Refused, ...] = ()
    """Boxes that were looked at and left, each with the reason."""
    opposition: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """Under what an opposition of the recipient may stand (``about.recipient_keys``); kept as hashes only."""
