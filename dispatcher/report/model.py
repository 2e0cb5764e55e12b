"""The report model: what every reader produces and every writer takes.

Values are frozen (decision D11); text is ``str``; a change is ``dataclasses.replace``. Missing text is the empty
string, missing things are ``None``. Field names follow HL7 v2.5 chapter 7 and CDA R2 where both have a word for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from dispatcher.report.handling import Handling, SourceDocument
from dispatcher.report.people import (
    Address,
    Addressee,
    ExplicitRecipient,
    IdType,
    Ins,
    Laboratory,
    LocalId,
    Patient,
    Practitioner,
    Sex,
)
from dispatcher.report.problems import Problem, Severity, sentences

__all__ = [
    "Address",
    "Addressee",
    "AltValue",
    "Attachment",
    "Battery",
    "Code",
    "ExplicitRecipient",
    "Handling",
    "IdType",
    "Ins",
    "Kind",
    "Laboratory",
    "LocalId",
    "Observation",
    "Order",
    "Patient",
    "Practitioner",
    "PreviousResult",
    "Problem",
    "Report",
    "Severity",
    "Sex",
    "SourceDocument",
    "Specimen",
    "Status",
    "ValueType",
    "When",
    "sentences",
]

When = date | datetime
"""A day, or an aware moment. A moment without offset in a file is Europe/Paris."""


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
    def is_cda(self) -> bool:
        """A CDA document, by its first bytes."""
        return self.media_type in ("text/xml", "application/xml") and b"ClinicalDocument" in self.content[:4096]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AltValue:
    """Second value of the same test in another unit (HPRIM Médecins RES 11-14; a second coded result of a CDA row).

    ``comparator`` is its own: the comparator of the first value is never carried over.
    """

    comparator: str = ""
    value: str = ""
    unit: str = ""
    ucum: str | None = None
    low: str = ""
    high: str = ""
    loinc: str | None = None
    """Another unit is another LOINC code: only as read from the file or confirmed by the laboratory."""

    @property
    def text(self) -> str:
        """Comparator and value: ``< 0.05``."""
        return f"{self.comparator} {self.value}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousResult:
    """An earlier result of the same test, as the file brings it. Same conventions as :class:`Observation`."""

    value: str
    at: When | None = None
    type: ValueType = ValueType.NUMERIC
    comparator: str = ""
    unit: str = ""
    ucum: str | None = None


@dataclass(frozen=True, kw_only=True)
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
    """In words, as printed."""
    method_code: Code | None = None
    kit: Code | None = None
    """Reagent kit: code and name (ANSM table, or the maker's own)."""
    performer: Practitioner | None = None
    """Who carried the test out when it is not the laboratory itself (sub-contractor): ``organisation`` and its id."""
    previous: tuple[PreviousResult, ...] = ()
    """Earlier results, newest first."""
    validated_by: str = ""
    document: Attachment | None = None
    """For ``ValueType.DOCUMENT``."""

    @classmethod
    def of(cls, *, code: Code, **values: Any) -> Self:
        """The same value as the constructor makes; only what is given is written down, all else is the default of the
        class (which is why this class has no slots). Copies of it are short."""
        made = object.__new__(cls)
        object.__setattr__(made, "__dict__", {"code": code, **values})
        return made

    def having(self, values: Mapping[str, Any]) -> Self:
        """A copy with these fields, as ``dataclasses.replace`` makes it, at a tenth of its cost: readers make results
        by the million from what a laboratory's catalogue repeats all day."""
        made = object.__new__(type(self))
        object.__setattr__(made, "__dict__", {**self.__dict__, **values})
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A group of results under one title (OBR)."""

    title: str = ""
    code: Code = field(default_factory=Code)
    chapter: str = ""
    """The laboratory's section (OBR-24, OBX-15 of HPRIM): BIOCHIMIE, HEMATOLOGIE…"""
    subchapter: str = ""
    """Title under the chapter, when the file has two levels: Bilan thyroïdien, Électrophorèse…"""
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
    handling: Handling = field(default_factory=Handling)
    source_document: SourceDocument | None = None
    original_cda: Attachment | None = None
    """The CDA file the report was read from: the laboratory's own document, which goes on byte for byte."""
    sender_file_id: str = ""
    """Message control id (MSH-10) or H.2: transport, not content."""
    problems: tuple[Problem, ...] = ()

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All results, in file order."""
        if len(self.batteries) == 1:
            return self.batteries[0].observations
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

    @property
    def own_cdas(self) -> tuple[Attachment, ...]:
        """The laboratory's own CDA documents of the highest level the export brought: structured, else with a PDF."""
        if self.original_cda is not None:
            return (self.original_cda,)
        inside = (o.document for o in self.observations if o.document is not None)
        found = {d.sha256: d for d in (*self.documents, *inside) if d.is_cda}
        structured = [d for d in found.values() if b"structuredBody" in d.content]
        return tuple(structured or found.values())
