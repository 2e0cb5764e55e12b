"""CDA R2 to report: CR-BIO level 3 and level 1, and any other CDA as a document with its identity.

Untrusted XML: see :mod:`~dispatcher.formats.cda_reading.parsing`. Nothing here raises for bad content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lxml import etree

from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.cda_reading import media
from dispatcher.formats.cda_reading.header import is_laboratory_report, read_header, visit_start
from dispatcher.formats.cda_reading.narrative import text_of
from dispatcher.formats.cda_reading.nodes import PREFIX, Element, attribute, child, plain, templates
from dispatcher.formats.cda_reading.parsing import parse
from dispatcher.formats.cda_reading.sections import CHAPTERS, Body, BodyReader
from dispatcher.formats.er7.documents import media_type
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.model import Attachment, Kind, Report, Status

_ROOT = re.compile(rb"<(?:[\w.-]+:)?ClinicalDocument(?:[\s>/]|$)")
_ELEMENT = re.compile(rb"<[A-Za-z_]")
_XML = re.compile(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<")
LABORATORY_TEMPLATE = "1.3.6.1.4.1.19376.1.3.3"


class CdaReader:
    """Reads one file: usually one document; several when they stand in a wrapper."""

    name = "cda"

    def sniff(self, head: bytes) -> float:
        """Sure when the root is there; less so for XML of HL7 V3, or that hides its root behind a long comment."""
        bare = head.replace(b"\x00", b"")
        if not _XML.match(bare):
            return 0.0
        if _ROOT.search(bare):
            return 1.0
        if b"urn:hl7-org:v3" in bare:
            return 0.6
        return 0.35 if b"<!--" in bare and not _ELEMENT.search(bare) and len(head) >= 4096 else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """One report per document."""
        parsed = parse(data, context.encoding)
        if not parsed.roots:
            known = "unknown" if any(p.code == "cda-missing" for p in parsed.problems) else "cda"
            return ReadResult(format=known, problems=parsed.problems)
        reports = tuple(_Document(root, context, _whole(root, data, context)).report() for root in parsed.roots)
        return ReadResult(format="cda", encoding=parsed.encoding, reports=reports, problems=parsed.problems)


def _whole(root: Element, data: bytes, context: ReadContext) -> Attachment:
    """The document itself: the bytes of the file, or its part of a wrapper."""
    content = data if root.getparent() is None else etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Attachment(media_type="text/xml", content=content, name=context.file_name)


@dataclass(slots=True)
class _Document:
    """One ``ClinicalDocument`` and what is around it."""

    root: Element
    context: ReadContext
    whole: Attachment

    def report(self) -> Report:
        notes = Notes()
        header = read_header(self.root, notes)
        report = Report(
            patient=header.patient,
            status=header.status,
            laboratory=header.laboratory,
            order=header.order,
            prescriber=header.prescriber,
            copies=header.copies,
            recipients=header.recipients,
            validators=header.validators,
            ordered_at=header.ordered_at,
            collected_at=header.collected_at,
            received_at=header.received_at,
            reported_at=header.reported_at,
            source_document=header.source,
            handling=header.handling,
        )
        ours, level_1 = self._is_laboratory_report(), child(self.root, "component", "nonXMLBody") is not None
        if ours and not level_1:
            report = self._structured(report, notes)
        else:
            report = self._level_1(report, notes) if level_1 else self._words(report, header.title)
        if not ours:
            report = self._as_it_is(report, header.code, notes)
        return replace(report, original_cda=self.whole, problems=(*report.problems, *notes.problems))

    def _is_laboratory_report(self) -> bool:
        if is_laboratory_report(self.root) or LABORATORY_TEMPLATE in templates(self.root):
            return True
        return any(templates(each) & CHAPTERS for each in self.root.iter(PREFIX + "section"))

    # -------------------------------------------------------------------------------------------- bodies

    def _level_1(self, report: Report, notes: Notes) -> Report:
        text = child(self.root, "component", "nonXMLBody", "text")
        where = "nonXMLBody/text"
        name = media.referenced(text)
        document = media.attachment(text)
        if document is None and name and (beside := self.context.sibling(name)):
            document = Attachment(media_type=media_type(beside), content=beside, name=name)
        if document is None and attribute(text, "mediaType").startswith("text/") and not name:
            return replace(
                report, kind=Kind.DOCUMENT, text="".join(map(str, text.itertext())).strip() if text is not None else ""
            )
        if why := media.why_damaged(document):
            notes.error(
                "document-damaged",
                where,
                f"Le document que porte ce CDA est inutilisable ({why}) : le redemander au laboratoire.",
            )
        return replace(report, kind=Kind.DOCUMENT, documents=(document,) if document else ())

    def _structured(self, report: Report, notes: Notes) -> Report:
        body = BodyReader(self.root, notes, report.laboratory).read()
        report = _with_body(report, body)
        start = visit_start(self.root)
        if report.collected_at is None and start and any(o.observed_at == start for o in report.observations):
            # No specimen is named: the visit began at the very time the results speak of.
            report = replace(report, collected_at=start)
        if body.aborted and report.source_document and report.source_document.replaces:
            report = replace(report, status=Status.CANCELLED)
        if report.batteries:
            return report
        notes.warning(
            "cda-no-coded-result",
            "structuredBody",
            "Compte rendu de biologie sans aucun résultat codé : gardé comme document. Le texte est lu, les résultats "
            "n'arriveront pas dans le dossier du destinataire.",
        )
        return replace(report, kind=Kind.DOCUMENT, documents=(*report.documents, self.whole))

    def _as_it_is(self, report: Report, code: str, notes: Notes) -> Report:
        """Not a laboratory report: nothing is made of it, the document itself goes on."""
        named = re.sub(r"[^\w.:/-]", "", code)[:40] or "absent"
        notes.warning(
            "cda-other-type",
            "ClinicalDocument/code",
            f"Ce CDA n'est pas un compte rendu de biologie (code {named}, attendu 11502-2) : aucun résultat n'en est "
            "lu, il est gardé comme document. Vérifier que ce dossier ne reçoit que des comptes rendus de biologie.",
        )
        return replace(report, documents=(*report.documents, self.whole))

    def _words(self, report: Report, title: str) -> Report:
        """Everything the body says, and the PDFs in it; no result."""
        body = child(self.root, "component", "structuredBody")
        parts = [title, *(_section_text(each) for each in _sections(body))]
        pdfs = tuple(
            document
            for each in self.root.iter(PREFIX + "observationMedia")
            if (document := media.attachment(child(each, "value"))) and document.media_type == "application/pdf"
        )
        text = "\n\n".join(part for part in parts if part)
        return replace(report, kind=Kind.DOCUMENT, text=text, documents=pdfs)


def _sections(body: Element | None) -> list[Element]:
    return [] if body is None else list(body.iter(PREFIX + "section"))


def _section_text(section: Element) -> str:
    title, said = plain(child(section, "title")), text_of(child(section, "text"))
    return "\n".join(part for part in (title, said) if part)


def _with_body(report: Report, body: Body) -> Report:
    batteries = body.batteries
    taken = next((b.specimen.collected_at for b in batteries if b.specimen and b.specimen.collected_at), None)
    return replace(
        report,
        batteries=batteries,
        comments=tuple(body.comments),
        documents=tuple(body.documents),
        text=body.text,
        urgent=body.urgent,
        collected_at=report.collected_at or taken,
    )
