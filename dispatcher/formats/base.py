"""What a format promises: :class:`Reader`, :class:`Writer` and the values they exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from dispatcher.report.model import Address, Attachment, Practitioner, Problem, Report, Severity

if TYPE_CHECKING:
    from dispatcher.dialects.model import Dialect
    from dispatcher.formats.pdf_index.rules import IndexRules
    from dispatcher.terminology.tables import Terminology


def no_sibling(name: str) -> bytes | None:
    """Default of :attr:`ReadContext.sibling`: there is nothing beside the file."""
    del name
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """What a reader may know besides the bytes."""

    file_name: str = ""
    encoding: str | None = None
    """Per-source override; wins over what the file declares."""
    sibling: Callable[[str], bytes | None] = no_sibling
    """Content of a file beside this one (HPRIM ``FIC``, a PDF and its index), or None."""
    index: IndexRules | None = None
    """How the source names its PDFs and the columns of its indexes."""
    dialect: Dialect | None = None
    """How the LIS of this source writes. A reader is only ever handed one of its own format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a reader understood. A file may hold several reports; a problem about one of them sits on it."""

    format: str
    """``hl7v2-oru``, ``hl7v2-mdm``, ``hprim-sante``, ``hprim-medecins``, ``cda``, ``pdf`` or ``unknown``."""
    encoding: str = ""
    reports: tuple[Report, ...] = ()
    problems: tuple[Problem, ...] = ()
    dialect: str = ""
    """Name of the dialect it was read by; empty when there was none, or one of another format."""

    @property
    def readable(self) -> bool:
        """At least one usable report and no error about the file as a whole."""
        return bool(self.reports) and not any(p.severity is Severity.ERROR for p in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaboratoryIdentity:
    """Who signs: the configured identity of the laboratory, used by every writer. All texts as printed."""

    name: str
    finess: str
    """9 characters, site (EG)."""
    oid: str
    """Root under which the laboratory's own numbers (patients, orders, documents) are unique."""
    address: Address
    phone: str
    biologist: Practitioner
    """Responsible biologist, with RPPS: legal authenticator of the CDA."""
    biologist_profession: str = "G15_10/SM03"
    """Code of JDV_J01: G15_10/SM03 médecin biologiste, G15_21/G pharmacien biologiste."""
    cofrac: str = ""
    neutral: bool = False
    """True for the built-in identity used without configuration: every rendition says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentIds:
    """Identifiers of one version of one report, given by the store (or derived, for ``convert``)."""

    document: str
    """Unique id of this version: UUID, upper case, or OID."""
    set_id: str
    """The same for all versions of the report."""
    version: int = 1
    replaces: str | None = None
    """``document`` of the version this one replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteContext:
    """What a writer may know besides the report."""

    laboratory: LaboratoryIdentity
    ids: DocumentIds
    created_at: datetime
    """Edition time of this rendition, aware. Never asked from a clock by the writer."""
    terminology: Terminology | None = None
    pdf: Attachment | None = None
    """The PDF that goes with it: the laboratory's own, or the one rendered before."""
    recipient: Practitioner | None = None
    recipient_address: str = ""
    sender_address: str = ""
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A report written in one format."""

    format: str
    """``cda``, ``cda-n1``, ``hprim-medecins``, ``hprim-sante``, ``pdf``, ``xdm``."""
    media_type: str
    file_name: str
    """Neutral name: no patient identity."""
    content: bytes = field(repr=False)
    problems: tuple[Problem, ...] = ()
    companions: tuple[Attachment, ...] = ()
    """Files that must lie beside it, under the names it gives them (HPRIM Santé ``FIC``)."""


class Reader(Protocol):
    """Reads one family of files."""

    name: str

    def sniff(self, head: bytes) -> float:
        """How sure it is, 0..1, from the first 4,096 bytes."""

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """Bytes to reports. Never raises for bad content: says so in ``problems``."""


class Writer(Protocol):
    """Writes one format."""

    name: str

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """Report to bytes. Raises :class:`dispatcher.errors.RenderError` when it cannot be written rightly."""
