"""PDFs inside the CDA: obligatory copy and results in PDF at level 3, whole body of level 1.

CR-BIO 2024.01: sections FR-Document-PDF-copie (1.2.250.1.213.1.1.2.243) and FR-Resultats-de-laboratoire-de-biologie-
de-seconde-intention (1.2.250.1.213.1.1.2.60), with one organizer per attached document (FR-Document-attache,
1.2.250.1.213.1.1.3.18). The mail rules ask for PDF/A-1; that is the PDF room's work.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from dispatcher.errors import RenderError
from dispatcher.formats.cda import wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import KIND, loinc, points_at, templates
from dispatcher.formats.cda.participants import performer_text
from dispatcher.formats.cda.plan import IMAGES, PDF, Fate, Row, is_pdf
from dispatcher.formats.cda.who import performer_of
from dispatcher.formats.markup import Element, leaf, sub
from dispatcher.report.model import Attachment, Severity, Status, ValueType

_COPY = ("55108-5", "Copie du document")
_SCANNED = ("101792-0", "Résultats de laboratoire scannés")
SCANNED_TITLE = "Résultats de laboratoire joints (PDF)"


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


def carry(parent: Element, name: str, media_type: str, document: Attachment) -> None:
    """An element that holds a document in base64, which has nothing to escape."""
    element = sub(parent, name, {"mediaType": media_type, "representation": "B64"})
    element.inside.append(base64.b64encode(document.content).decode("ascii"))


def non_xml_body(draft: Draft, root: Element) -> None:
    """``component/nonXMLBody``: the body of a level-1 document is the PDF."""
    body = sub(sub(root, "component"), "nonXMLBody")
    copy = pdf_of(draft)
    carry(body, "text", PDF, copy)
    carried = (o.document for o in draft.report.observations if o.document)
    others = [d for d in (*draft.report.documents, *carried) if d.content != copy.content]
    if others:
        draft.warn(
            "document-left-out",
            "document",
            f"Le CDA de niveau 1 ne porte qu'un PDF : {len(others)} autre(s) document(s) restent dehors.",
        )


def pdf_section(draft: Draft, body: Element) -> None:
    """The copy, then the other PDFs of the report itself."""
    copy = pdf_of(draft)
    others = {d.content: d for d in _of_the_report(draft) if d.content != copy.content}
    documents = [copy, *others.values()]
    labels = ["Copie PDF du document", *(f"Document joint n° {n}" for n in range(1, len(documents)))]
    section = _section(draft, body, "1.2.250.1.213.1.1.2.243", "pdf-section", _COPY, _COPY[1])
    _documents(draft, section, "pdf", list(zip(labels, documents, strict=True)), _COPY)


def scanned_section(draft: Draft, body: Element, rows: Iterable[Row]) -> None:
    """Results that exist as a PDF only, beside the report's own (1.2.250.1.213.1.1.2.60, "de seconde intention")."""
    copy, own = pdf_of(draft), draft.report.own_pdf
    known = {copy.content, own.content if own else copy.content}
    found: dict[bytes, tuple[str, Attachment]] = {}
    for row in rows:
        observation, document = row.observation, row.observation.document
        if row.fate is not Fate.RESULT or observation.type is not ValueType.DOCUMENT or document is None:
            continue
        if document.content in known:
            continue
        if is_pdf(document):
            maker = performer_of(draft, observation)
            label = wording.label(observation.code, observation.alternate)
            label = f"{label}, réalisé par : {performer_text(maker)}" if maker else label
            found.setdefault(document.content, (label, document))
        elif document.media_type not in IMAGES:
            _left_out(draft, document)
    if found:
        section = _section(draft, body, "1.2.250.1.213.1.1.2.60", "scanned-section", _SCANNED, SCANNED_TITLE)
        _documents(draft, section, "doc", list(found.values()), None)


def _of_the_report(draft: Draft) -> list[Attachment]:
    """PDFs that belong to the whole report; another kind of document cannot go in, and is told."""
    if draft.report.status is Status.CANCELLED:
        return []
    own = draft.report.own_pdf
    found = [own] if own else []
    for document in draft.report.documents:
        if is_pdf(document):
            found.append(document)
        else:
            _left_out(draft, document)
    return found


def _left_out(draft: Draft, document: Attachment) -> None:
    draft.warn(
        "document-left-out",
        "section Copie du document",
        f"Un document de type {document.media_type} joint au compte rendu n'entre pas dans le CDA.",
        Severity.INFO,
    )


def _section(draft: Draft, body: Element, root: str, name: str, code: tuple[str, str], title: str) -> Element:
    section = sub(sub(body, "component"), "section")
    templates(section, root)
    leaf(section, "id", {"root": draft.derived_id(name)})
    loinc(section, "code", *code)
    leaf(section, "title", text=title)
    return section


def _documents(
    draft: Draft, section: Element, stem: str, found: list[tuple[str, Attachment]], kind: tuple[str, str] | None
) -> None:
    """The text that shows each document, then one organizer each."""
    rows = sub(sub(sub(section, "text"), "table", {"border": "0"}), "tbody")
    for number, (label, _) in enumerate(found, 1):
        leaf(sub(sub(rows, "tr"), "td"), "content", {"ID": f"{stem}{number}t"}, label)
        leaf(sub(sub(rows, "tr"), "td"), "renderMultiMedia", {"referencedObject": f"{stem}{number}"})
    for number, (_, document) in enumerate(found, 1):
        _attached(draft, section, f"{stem}{number}", document, kind)


def _attached(draft: Draft, section: Element, key: str, document: Attachment, what: tuple[str, str] | None) -> None:
    organizer = sub(sub(section, "entry"), "organizer", {"classCode": "CLUSTER", "moodCode": "EVN"})
    templates(organizer, "1.2.250.1.213.1.1.3.18")
    leaf(organizer, "id", {"root": draft.derived_id(key + ":organizer")})
    loinc(organizer, "code", "55107-7", "Document attaché")
    leaf(organizer, "statusCode", {"code": "completed"})
    kind = sub(sub(organizer, "component"), "observation", {"classCode": "OBS", "moodCode": "EVN"})
    templates(kind, "1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48", "1.2.250.1.213.1.1.3.48.18")
    leaf(kind, "id", {"root": draft.derived_id(key + ":kind")})
    loinc(kind, "code", "69764-9", "Type de document")
    leaf(sub(kind, "text"), "reference", {"value": f"#{key}t"})
    leaf(kind, "statusCode", {"code": "completed"})
    leaf(kind, "effectiveTime", {"nullFlavor": "NA"})
    if what:
        loinc(kind, "value", *what).set(KIND, "CD")
    else:
        points_at(sub(kind, "value", {KIND: "CD"}), key + "t")
    media = sub(sub(organizer, "component"), "observationMedia", {"classCode": "OBS", "moodCode": "EVN", "ID": key})
    carry(media, "value", PDF, document)
