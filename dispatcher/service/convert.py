"""Use case: write one report in one format without sending it, under identifiers that derive from its content.

The same file gives the same bytes: nothing is drawn at random, and the clock is asked only for a report without date.
The laboratory's own documents (a CDA or PDF its export carries) are given as they are, as they would be sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from dispatcher.clock import Clock
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, Rendition, WriteContext, Writer
from dispatcher.formats.xdm.carried import own_cda, pdf_beside, takes_back, visibility, with_results
from dispatcher.formats.xdm.writer import XdmDocument, XdmWriter, context_of
from dispatcher.report import versions
from dispatcher.report.model import Attachment, Kind, Report
from dispatcher.routing.route import Envelope
from dispatcher.sealing.composition import Addressing, Contents, Letterhead, compose
from dispatcher.sealing.seal import message_id, seal
from dispatcher.terminology.tables import Terminology

NAMESPACE = uuid.UUID("6b1f3c50-0f0a-5f0e-9a53-5d1e3a3c9f10")
"""Identifiers of converted documents derive from their content under this namespace."""
NOBODY = "destinataire@medecin.invalid"
"""Recipient of a mail that is only looked at (RFC 2606: no such domain can exist)."""


class Target(StrEnum):
    """What can be written."""

    CDA = "cda"
    CDA_N1 = "cda-n1"
    HPRIM_MEDECINS = "hprim-medecins"
    HPRIM_SANTE = "hprim-sante"
    PDF = "pdf"
    XDM = "xdm"
    MAIL = "mail"


ENDINGS = {
    Target.CDA: ".xml",
    Target.CDA_N1: "-n1.xml",
    Target.HPRIM_MEDECINS: ".hpr",
    Target.HPRIM_SANTE: ".hpr",
    Target.PDF: ".pdf",
    Target.XDM: ".zip",
    Target.MAIL: ".eml",
}
"""How the name of the file of each target ends, behind that of its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a conversion needs: writers by name, who signs, the tables, the time, and the head of a mail."""

    writers: Mapping[str, Writer]
    laboratory: LaboratoryIdentity
    terminology: Terminology
    clock: Clock
    head: Letterhead

    def write(self, report: Report, to: Target) -> Rendition:
        """The report in the format ``to``. Raises RenderError or SealError when it cannot be written rightly."""
        context = self._context(report)
        if to is Target.HPRIM_SANTE:  # its header names a receiver: whoever asked for the report
            context = replace(context, recipient=report.prescriber)
        if to in {Target.HPRIM_MEDECINS, Target.HPRIM_SANTE}:
            return self.writers[to].write(with_results(report), context)
        pdf, drawn = self._pdf(report, context)
        if to is Target.PDF:
            return drawn
        cda = self._cda(report, to, replace(context, pdf=pdf))
        if to in {Target.CDA, Target.CDA_N1}:
            return cda
        drop = takes_back(report)
        document = XdmDocument(
            content=cda.content, action="D" if drop else None, visibility=visibility(report.handling)
        )
        xdm = XdmWriter().pack([document], context_of(replace(context, sender_address=self.head.sender)))
        told = replace(xdm, problems=(*cda.problems, *xdm.problems))
        return told if to is Target.XDM else self._mail(report, Contents(xdm=told, cda=cda, pdf=pdf), context)

    def _pdf(self, report: Report, context: WriteContext) -> tuple[Attachment, Rendition]:
        """The PDF that goes with it, and the same as a rendition: the laboratory's own for a document, else ours."""
        own = pdf_beside(report)
        if own is not None and report.kind is Kind.DOCUMENT:
            kept = Rendition(format="pdf", media_type=own.media_type, file_name="compte-rendu.pdf", content=own.content)
            return own, kept
        drawn = self.writers["pdf"].write(report, context)
        made = Attachment(media_type=drawn.media_type, content=drawn.content, name=drawn.file_name)
        return (report.own_pdf or made), drawn

    def _cda(self, report: Report, to: Target, context: WriteContext) -> Rendition:
        carried = own_cda(report) if report.kind is Kind.DOCUMENT and to is not Target.CDA_N1 else None
        return carried or self.writers["cda-n1" if to is Target.CDA_N1 else "cda"].write(report, context)

    def _mail(self, report: Report, contents: Contents, context: WriteContext) -> Rendition:
        """The MSSanté mail in clear, as it would leave inside mutual TLS: to look at, never to send."""
        domain = self.head.sender.rpartition("@")[2]
        to = Addressing(
            recipient=NOBODY,
            label=" ".join(part for part in (report.prescriber.given, report.prescriber.family) if part)
            if report.prescriber
            else "",
            message_id=message_id(context.ids.document, domain),
            date=context.created_at,
        )
        mail = compose(report, contents, head=self.head, to=to, envelope=Envelope.MUTUAL_TLS)
        sealed = seal(mail, Envelope.MUTUAL_TLS, signer=None, at=context.created_at)
        problems = contents.xdm.problems if contents.xdm is not None else ()
        return Rendition(
            format="mail",
            media_type="message/rfc822",
            file_name="mail.eml",
            content=sealed.content,
            problems=problems,
        )

    def _context(self, report: Report) -> WriteContext:
        moment = report.reported_at
        return WriteContext(
            laboratory=self.laboratory,
            ids=_ids(report),
            created_at=moment if isinstance(moment, datetime) else self.clock.now().astimezone(UTC),
            terminology=self.terminology,
        )


def _ids(report: Report) -> DocumentIds:
    """A document of its own; one read from a document stays in its chain of versions, and still replaces what that one
    replaced (as far as the ids have no extension, which ours cannot have)."""
    source = report.source_document
    chain = source.set_id if source is not None and source.set_id and "^" not in source.set_id else ""
    replaces = source.replaces if source is not None and "^" not in source.replaces else ""
    return DocumentIds(
        document=str(uuid.uuid5(NAMESPACE, versions.fingerprint(report))).upper(),
        set_id=chain or str(uuid.uuid5(NAMESPACE, versions.chain_text(report))).upper(),
        version=source.version if source is not None else 1,
        replaces=replaces or None,
    )
