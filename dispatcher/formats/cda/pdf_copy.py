"""The PDF inside the CDA: obligatory copy section of level 3, whole body of level 1.

CR-BIO 2024.01: section FR-Document-PDF-copie (1.2.250.1.213.1.1.2.243) with one organizer per attached document
(FR-Document-attache, 1.2.250.1.213.1.1.3.18). The mail rules ask for PDF/A-1; that is the PDF room's work.
"""

from __future__ import annotations

import base64

from dispatcher.errors import RenderError
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import TYPE, Element, loinc, sub, templates
from dispatcher.report.model import Attachment, Severity, ValueType

PDF = "application/pdf"
_COPY = ("55108-5", "Copie du document")


def pdf_of(draft: Draft) -> Attachment:
    """The PDF given for this rendition, else the laboratory's own; :class:`RenderError` when there is none."""
    pdf = draft.context.pdf or draft.report.own_pdf
    if pdf is None:
        raise RenderError(
            "Aucun PDF n'accompagne le compte rendu : le CDA doit en contenir la copie.",
            hint="Joignez le PDF du laboratoire à l'export, ou activez la mise en page PDF du canal.",
            code="render-no-pdf",
        )
    if b"%PDF-" not in pdf.content[:1024]:
        raise RenderError(
            "Le document fourni comme copie PDF n'est pas un PDF (l'en-tête « %PDF- » est absent).",
            hint="Vérifiez le fichier PDF produit par le SIL.",
            code="render-bad-pdf",
        )
    return pdf


def encoded(document: Attachment) -> str:
    """Base64 text of a document."""
    return base64.b64encode(document.content).decode("ascii")


def non_xml_body(draft: Draft, root: Element) -> None:
    """``component/nonXMLBody``: the body of a level-1 document is the PDF."""
    body = sub(sub(root, "component"), "nonXMLBody")
    sub(body, "text", {"mediaType": PDF, "representation": "B64"}, encoded(pdf_of(draft)))


def pdf_section(draft: Draft, body: Element) -> None:
    """The copy, then the other PDFs the results carry."""
    documents = [pdf_of(draft), *_others(draft)]
    section = sub(sub(body, "component"), "section")
    templates(section, "1.2.250.1.213.1.1.2.243")
    sub(section, "id", {"root": draft.derived_id("pdf-section")})
    loinc(section, "code", *_COPY)
    sub(section, "title", text=_COPY[1])
    rows = sub(sub(sub(section, "text"), "table", {"border": "0"}), "tbody")
    for number in range(1, len(documents) + 1):
        label = "Copie PDF du document" if number == 1 else f"Document joint n° {number - 1}"
        sub(sub(sub(rows, "tr"), "td"), "content", {"ID": f"pdf{number}t"}, label)
        sub(sub(sub(rows, "tr"), "td"), "renderMultiMedia", {"referencedObject": f"pdf{number}"})
    for number, document in enumerate(documents, 1):
        _attached(draft, section, f"pdf{number}", document)


def _others(draft: Draft) -> list[Attachment]:
    """PDFs inside results that are not the copy itself; another kind of document cannot go in, and is told."""
    found: dict[str, Attachment] = {}
    copy = pdf_of(draft).sha256
    for observation in draft.report.observations:
        document = observation.document
        if observation.type is not ValueType.DOCUMENT or document is None or document.sha256 == copy:
            continue
        if document.media_type == PDF:
            found.setdefault(document.sha256, document)
        elif not document.media_type.startswith("image/"):
            draft.warn(
                "document-left-out",
                "section Copie du document",
                f"Un document de type {document.media_type} porté par un résultat n'entre pas dans le CDA.",
                Severity.INFO,
            )
    return list(found.values())


def _attached(draft: Draft, section: Element, key: str, document: Attachment) -> None:
    organizer = sub(sub(section, "entry"), "organizer", {"classCode": "CLUSTER", "moodCode": "EVN"})
    templates(organizer, "1.2.250.1.213.1.1.3.18")
    sub(organizer, "id", {"root": draft.derived_id(key + ":organizer")})
    loinc(organizer, "code", "55107-7", "Document attaché")
    sub(organizer, "statusCode", {"code": "completed"})
    kind = sub(sub(organizer, "component"), "observation", {"classCode": "OBS", "moodCode": "EVN"})
    templates(kind, "1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48", "1.2.250.1.213.1.1.3.48.18")
    sub(kind, "id", {"root": draft.derived_id(key + ":kind")})
    loinc(kind, "code", "69764-9", "Type de document")
    sub(sub(kind, "text"), "reference", {"value": f"#{key}t"})
    sub(kind, "statusCode", {"code": "completed"})
    sub(kind, "effectiveTime", {"nullFlavor": "NA"})
    loinc(kind, "value", *_COPY).set(TYPE, "CD")
    media = sub(sub(organizer, "component"), "observationMedia", {"classCode": "OBS", "moodCode": "EVN", "ID": key})
    sub(media, "value", {"mediaType": PDF, "representation": "B64"}, encoded(document))
