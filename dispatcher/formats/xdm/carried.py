"""The laboratory's own CDA, carried by its export, made ready to travel byte for byte: its type, the PDF in it.

CDA R2 §4.3.1.1 (nonXMLBody) and CR-BIO 2024.01 (FR-Document-attache: the obligatory PDF copy of level 3).
Nothing is taken of a CDA that is not surely about the patient of the report: a second gate behind that of reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from lxml import etree

from dispatcher.errors import FormatError, RenderError
from dispatcher.formats.base import ReadContext, Rendition
from dispatcher.formats.carried import refuse_others
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.er7.documents import from_base64
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.cda_facts import parse_cda
from dispatcher.report.handling import Handling, stricter
from dispatcher.report.model import Attachment, Kind, Report, Severity, Status, ValueType

FORMAT = "cda"
MEDIA_TYPE = "text/xml"
_PDF = "application/pdf"
_HOLDERS = ("nonXMLBody/text", "observationMedia/value")


def takes_back(report: Report) -> bool:
    """The document that goes on is to be dropped by who has it (``action`` D), and is no new version that says so."""
    if report.status is not Status.CANCELLED or not report.own_cdas:
        return False
    return report.original_cda is None or bool(report.source_document and report.source_document.dropped)


def own_cda(report: Report) -> Rendition | None:
    """The CDA to send as it is, or None. Raises :class:`RenderError` when there are several of one level, or one is not
    surely of this patient."""
    refuse_others(report)
    found = report.own_cdas
    if len(found) > 1:
        raise RenderError(
            "Le fichier porte plusieurs CDA de même niveau : lequel envoyer n’est pas dit.",
            hint="Les faire exporter un par message.",
            code="several-documents",
        )
    if not found:
        return None
    return Rendition(format=FORMAT, media_type=MEDIA_TYPE, file_name="cda.xml", content=found[0].content)


def pdf_beside(report: Report) -> Attachment | None:
    """The laboratory's own PDF: given beside the CDA, else inside it (of all levels the export brought).

    Raises :class:`RenderError` when a CDA is not surely of this patient.
    """
    refuse_others(report)
    if report.own_pdf is not None:
        return report.own_pdf
    inside = [o.document for o in report.observations if o.document is not None and o.document.is_cda]
    others = [d for d in (*report.documents, *inside) if d.is_cda and d not in report.own_cdas]
    return next((pdf for document in (*report.own_cdas, *others) if (pdf := pdf_inside(document.content))), None)


def with_results(report: Report) -> Report:
    """A report that is a structured CDA, with the results read out of it: for formats that cannot carry the CDA.

    Patient, people and numbers stay those of the message. The same report when the CDA gives no result without doubt.
    Raises :class:`RenderError` when a CDA is not surely of this patient.
    """
    refuse_others(report)
    found = report.own_cdas
    if report.kind is not Kind.DOCUMENT or len(found) != 1:
        return report
    inside = CdaReader().read(found[0].content, ReadContext()).reports
    if len(inside) != 1 or any(problem.severity is Severity.ERROR for problem in inside[0].problems):
        return report
    (told,) = inside
    if all(one.type is ValueType.DOCUMENT for one in told.observations):
        return report
    pdf = pdf_beside(report)
    return replace(
        report,
        kind=Kind.STRUCTURED,
        batteries=told.batteries,
        comments=(*report.comments, *told.comments),
        text=report.text or told.text,
        validators=report.validators or told.validators,
        prescriber=report.prescriber or told.prescriber,
        collected_at=told.collected_at or report.collected_at,
        documents=(pdf,) if pdf is not None else (),
    )


def pdf_inside(content: bytes) -> Attachment | None:
    """The first PDF embedded in a CDA: body of level 1, or copy of level 3. None when there is none that opens."""
    try:
        root = parse_cda(content)
    except FormatError:
        return None
    for element in _holders(root):
        if (element.get("mediaType") or "").lower() != _PDF:
            continue
        data = from_base64("".join(map(str, element.itertext())))
        if data is not None and b"%PDF-" in data[:1024]:
            return Attachment(media_type=_PDF, content=data, name="document.pdf")
    return None


def _holders(root: etree._Element) -> Iterator[etree._Element]:
    for path in _HOLDERS:
        parent, child = path.split("/")
        yield from root.iterfind(f".//{{{codes.CDA}}}{parent}/{{{codes.CDA}}}{child}")


_VISIBILITY = {
    "MASQUE_PS": "hidden_from_professionals",
    "INVISIBLE_PATIENT": "hidden_from_patient",
    "INVISIBLE_REPRESENTANTS_LEGAUX": "hidden_from_guardians",
}
"""Field of the wishes by code of the metadata (TRE_A07)."""


def visibility(handling: Handling) -> tuple[str, ...]:
    """Masking asked for by the sender, as codes of the metadata (TRE_A07)."""
    return tuple(code for code, wish in _VISIBILITY.items() if getattr(handling, wish))


def with_visibility(handling: Handling, confidentiality: Sequence[str]) -> Handling:
    """``handling`` and what the metadata of an archive say of the document (``confidentialityCode``, each value)."""
    masked: dict[str, Any] = {wish: True for code, wish in _VISIBILITY.items() if code in confidentiality}
    return replace(handling, **masked, confidentiality=stricter(handling.confidentiality, *confidentiality))
