"""The report model: what every reader produces and every writer takes.

Values are frozen (decision D11); text is ``str``; a change is ``dataclasses.replace``. Missing text is the empty
string, missing things are ``None``. Field names follow HL7 v2.5 chapter 7 and CDA R2 where both have a word for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

When = date | datetime
"""A day, or an aware moment. A moment without offset in a file is Europe/Paris."""


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """The item is held (or the file quarantined)."""
    WARNING = "warning"
    """Sent, and shown to a person."""
    INFO = "info"
    """Noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a person may want to know about a file or a report. Never holds a name or a result."""

    code: str
    """Stable text, lower case with dashes: ``missing-birth-date``."""
    severity: Severity
    where: str = ""
    """Line, segment and field: ``ligne 12``, ``PID-7``, ``OBX[3]-5``."""
    message: str = ""
    """French: what was found, what was expected, what to do."""

    @property
    def sentence(self) -> str:
        """Place and message as one line."""
        return f"{self.where} : {self.message}" if self.where else self.message


def sentences(problems: Iterable[Problem], limit: int = 5) -> str:
    """Problems as one text, the first ``limit`` of them."""
    lines = [problem.sentence for problem in problems]
    rest = [f"et {len(lines) - limit} autre(s)"] if len(lines) > limit else []
    return " ; ".join([*lines[:limit], *rest])


class Sex(StrEnum):
    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "U"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ins:
    """Identité nationale de santé. ``qualified`` only when the sender says so and all traits are there."""

    matricule: str
    """13 characters and the 2-digit key, no blanks."""
    oid: str
    """1.2.250.1.213.1.4.8 (NIR), .9 (NIA), .10 (test), .11 (demonstration)."""
    qualified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalId:
    """A patient number of some authority (laboratory, hospital)."""

    value: str
    authority: str = ""
    """Name or OID of who gave the number, as in the file."""
    type: str = ""
    """``PI``, ``PIP``, ``AN``, ``VN``… (HL7 table 0203)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    lines: tuple[str, ...] = ()
    postcode: str = ""
    town: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    birth_name: str = ""
    """Nom de naissance. When a file has one name only, it stands here."""
    used_name: str = ""
    """Nom utilisé, when it differs; else empty."""
    given_names: tuple[str, ...] = ()
    """All given names in order; the first is the first given name."""
    used_given: str = ""
    """Prénom utilisé, when it differs."""
    birth_date: date | None = None
    birth_date_raw: str = ""
    """As in the file, when it is not a calendar date (lunar dates, months over 12)."""
    sex: Sex = Sex.UNKNOWN
    ins: Ins | None = None
    nss: str = ""
    """Billing number (NIR of the insured); never an INS."""
    local_ids: tuple[LocalId, ...] = ()
    address: Address | None = None
    birth_place: str = ""
    """INSEE code of the town or country of birth, 5 characters."""
    phones: tuple[str, ...] = ()

    @property
    def first_given(self) -> str:
        """First given name, or the empty string."""
        return self.given_names[0] if self.given_names else ""

    @property
    def family(self) -> str:
        """The name people use: used name, else birth name."""
        return self.used_name or self.birth_name


class IdType(StrEnum):
    """Kinds of identifiers of professionals and structures."""

    RPPS = "RPPS"
    ADELI = "ADELI"
    FINESS = "FINESS"
    SIRET = "SIRET"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """A professional or a structure named by the file: prescriber, copy, biologist."""

    id: str = ""
    """Bare identifier: 11-digit RPPS, 9-digit ADELI, 9-character FINESS, or the laboratory's own code."""
    id_type: IdType = IdType.LOCAL
    family: str = ""
    given: str = ""
    title: str = ""
    organisation: str = ""
    organisation_id: str = ""
    """FINESS or SIRET of the structure, when the file carries it."""
    phone: str = ""
    address: Address | None = None

    @property
    def label(self) -> str:
        """How people read it: ``Dr DURAND Paul`` or the organisation."""
        name = " ".join(part for part in (self.title, self.family, self.given) if part)
        return name or self.organisation or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplicitRecipient:
    """A recipient whose mail address stands in the file itself (HL7 PRT-15)."""

    address: str
    practitioner: Practitioner | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Line 12 of an HPRIM Médecins header: code and label."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """Who made the report, as the file says it; the configured identity completes it."""

    name: str = ""
    id: str = ""
    """Code of the sender in the file (MSH-4, H.4)."""
    finess: str = ""
    address: Address | None = None
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    placer: str = ""
    """Number of who asked (ORC-2, OBR-2)."""
    filler: str = ""
    """Number of the laboratory (ORC-3, OBR-3): the report's own key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    id: str = ""
    text: str = ""
    """As in the file."""
    code: str = ""
    """HL7 table 0487, when known."""
    collected_at: When | None = None
    received_at: When | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code of one system. ``system`` is ``LN`` for LOINC, ``L`` or ``99…`` for local codes, or an OID."""

    code: str = ""
    text: str = ""
    system: str = ""


class ValueType(StrEnum):
    NUMERIC = "numeric"
    TEXT = "text"
    CODED = "coded"
    DOCUMENT = "document"


class Status(StrEnum):
    """Status of a report."""

    FINAL = "final"
    PARTIAL = "partial"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document carried by the report or beside it. ``content`` is left out of ``repr``."""

    media_type: str
    content: bytes = field(repr=False)
    name: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AltValue:
    """Second value of the same test in another unit (HPRIM Médecins RES 11-14)."""

    value: str = ""
    unit: str = ""
    ucum: str | None = None
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One result. Numbers stay text with a decimal point: never a float, a digit may not be lost."""

    code: Code
    alternate: Code | None = None
    """Second coding of the same test (OBX-3.4-6)."""
    loinc: str | None = None
    """Set by ``terminology`` (or read as such from the file)."""
    type: ValueType = ValueType.TEXT
    value: str = ""
    """Normalised: decimal point for numbers, without comparator; text as read, lines separated by ``\\n``."""
    raw: str = ""
    """As in the file, unescaped, not normalised."""
    comparator: str = ""
    """``<``, ``>``, ``<=``, ``>=`` or empty."""
    value_code: Code | None = None
    """For coded results: the code behind ``value``."""
    unit: str = ""
    ucum: str | None = None
    """Set by ``terminology``; None when unknown, empty when the unit has no legal UCUM string."""
    low: str = ""
    high: str = ""
    range_text: str = ""
    """The reference range as in the file."""
    flags: tuple[str, ...] = ()
    """HL7 table 0078 letters: L H LL HH N A AA S I R…"""
    status: str = ""
    """HL7 table 0085 letter: F P C R I D X…"""
    comments: tuple[str, ...] = ()
    sub_id: str = ""
    parent: int | None = None
    """For a line of an antibiogram: index in ``Report.observations`` of its organism."""
    alt: AltValue | None = None
    observed_at: When | None = None
    method: str = ""
    performer: str = ""
    validated_by: str = ""
    document: Attachment | None = None
    """For ``ValueType.DOCUMENT``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A group of results under one title (OBR)."""

    title: str = ""
    code: Code = field(default_factory=Code)
    chapter: str = ""
    """The laboratory's section (OBR-24, OBX-15 of HPRIM): BIOCHIMIE, HEMATOLOGIE…"""
    specimen: Specimen | None = None
    status: str = ""
    """HL7 table 0123 letter."""
    collected_at: When | None = None
    comments: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()


class Kind(StrEnum):
    STRUCTURED = "structured"
    DOCUMENT = "document"
    """The report is a document (PDF or CDA) carried as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report about one patient, as one file states it."""

    patient: Patient
    status: Status = Status.FINAL
    kind: Kind = Kind.STRUCTURED
    laboratory: Laboratory = field(default_factory=Laboratory)
    order: Order = field(default_factory=Order)
    prescriber: Practitioner | None = None
    copies: tuple[Practitioner, ...] = ()
    recipients: tuple[ExplicitRecipient, ...] = ()
    addressee: Addressee | None = None
    validators: tuple[Practitioner, ...] = ()
    """Biologists who validated, when the file names them."""
    ordered_at: When | None = None
    collected_at: When | None = None
    received_at: When | None = None
    reported_at: When | None = None
    batteries: tuple[Battery, ...] = ()
    comments: tuple[str, ...] = ()
    text: str = ""
    """Printable report as the laboratory laid it out (free text of HPRIM Médecins, TX reports); may be empty."""
    documents: tuple[Attachment, ...] = ()
    """Documents that belong to the whole report; the laboratory's own PDF first."""
    urgent: bool = False
    """Asked as urgent (OBR-5 / TQ1-9 ``S``, ``A``)."""
    sender_file_id: str = ""
    """Message control id (MSH-10) or H.2: transport, not content."""
    problems: tuple[Problem, ...] = ()

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All results, in file order."""
        return tuple(o for b in self.batteries for o in b.observations)

    @property
    def own_pdf(self) -> Attachment | None:
        """The laboratory's own PDF, when the export brought one."""
        for document in self.documents:
            if document.media_type == "application/pdf":
                return document
        return next(
            (o.document for o in self.observations if o.document and o.document.media_type == "application/pdf"), None
        )
