"""Write a report for one route and seal the mail: PDF, then CDA and XDM or HPRIM Médecins, then MIME and CMS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from dispatcher.errors import RenderError, SealError
from dispatcher.formats.base import DocumentIds, Rendition, WriteContext
from dispatcher.formats.xdm.carried import own_cda, pdf_beside, takes_back, visibility, with_results
from dispatcher.formats.xdm.cda_facts import read_facts
from dispatcher.formats.xdm.writer import XdmDocument, XdmWriter, context_of
from dispatcher.french import counted
from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.ports import DispatchFilter, RecipientCertificate, Signer
from dispatcher.report.model import Attachment, Handling, Practitioner, Report
from dispatcher.routing.addresses import is_patient, well_formed
from dispatcher.routing.facts import domain_of
from dispatcher.routing.route import Envelope, Route
from dispatcher.sealing.composition import Addressing, Contents, Letterhead, compose
from dispatcher.sealing.policy import Limits
from dispatcher.sealing.proof import as_pem
from dispatcher.sealing.seal import SealedMail, message_id, seal
from dispatcher.service.channel import Channel
from dispatcher.service.conformance import judge
from dispatcher.service.desk import Desk

CRITICAL_FLAGS = frozenset({"LL", "HH", "AA"})


class Sheets:
    """One report version and what is written of it once for all its recipients."""

    def __init__(self, desk: Desk, version: ReportVersion, report: Report, source: str = "") -> None:
        self._desk = desk
        self.source = source
        self.version = version
        self.report = report
        self.created_at: datetime = desk.clock.now()

    @cached_property
    def urgent(self) -> bool:
        """Asked as urgent, or a result that the LIS flags as critical or the table of critical analyses names."""
        critical = self._desk.terminology.critical
        return self.report.urgent or any(
            not CRITICAL_FLAGS.isdisjoint(one.flags) or critical.names(one, self.source)
            for one in self.report.observations
        )

    @cached_property
    def pdf(self) -> Attachment:
        """The laboratory's own PDF (given, or inside its own CDA), else ours. Raises :class:`RenderError`."""
        own = pdf_beside(self.report)
        if own is not None:
            return own
        readable = with_results(self.report)
        if self.report.own_cdas and readable is self.report:
            raise RenderError(
                "Le CDA du laboratoire ne contient pas de copie PDF, et aucun PDF ne l'accompagne.",
                hint="Faire joindre le PDF du compte rendu à l'export.",
                code="render-no-pdf",
            )
        rendition = self._desk.writers["pdf"].write(readable, self.context())
        return Attachment(media_type=rendition.media_type, content=rendition.content, name=rendition.file_name)

    def context(self, *, recipient: Practitioner | None = None, address: str = "", sender: str = "") -> WriteContext:
        """What a writer may know, for one recipient or for none."""
        return WriteContext(
            laboratory=self._desk.laboratory,
            ids=DocumentIds(
                document=self.version.document_id,
                set_id=self.version.set_id,
                version=self.version.version,
                replaces=self.version.replaces or None,
            ),
            created_at=self.created_at,
            terminology=self._desk.terminology,
            pdf=self.__dict__.get("pdf"),
            recipient=recipient,
            recipient_address=address,
            sender_address=sender,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """The mail, and the renditions in it by payload kind."""

    mail: SealedMail
    renditions: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    certificates: bytes = field(default=b"", repr=False)
    """PEM of what the mail was enveloped for."""
    note: str = ""
    """French, for the operator: what our checks found, when the channel sends all the same."""


def seal_for(desk: Desk, sheets: Sheets, dispatch: Dispatch, route: Route) -> Sealed:
    """Everything one recipient gets, sealed. Raises RenderError, SealError, KeyringError."""
    channel = desk.channels[route.channel]
    contents, renditions, note = _contents(desk, sheets, channel, route)
    mail = compose(
        sheets.report,
        contents,
        head=_letterhead(desk, channel, sheets.report.handling),
        to=Addressing(
            recipient=route.address,
            label=route.label,
            message_id=message_id(dispatch.id, channel.settings.sender.rpartition("@")[2]),
            date=sheets.created_at,
            replaces=_earlier_mails(desk, dispatch),
            patient=is_patient(route.address),
            last_message=route.last_message,
        ),
        envelope=route.envelope,
    )
    certificates = _certificates(desk, route)
    sealed = seal(
        mail,
        route.envelope,
        signer=_signer(desk, channel, route),
        certificates=certificates,
        at=desk.clock.now(),
        limits=Limits(max_bytes=channel.settings.max_mail_bytes),
    )
    kept = b"".join(as_pem(one.certificate) for one in certificates)
    return Sealed(mail=sealed, renditions=renditions, certificates=kept, note=note)


def _contents(desk: Desk, sheets: Sheets, channel: Channel, route: Route) -> tuple[Contents, dict[str, bytes], str]:
    """What the route's format asks for; a laboratory's own CDA goes as it is, whatever level was asked for."""
    if route.format in {"hprim-medecins", "hprim-sante"}:
        return _hprim(desk, sheets, channel, route)
    pdf = sheets.pdf
    if route.format == "pdf":
        return Contents(pdf=pdf), {"rendition:pdf": pdf.content}, ""
    context = _context(sheets, channel, route)
    carried = own_cda(sheets.report)
    cda = carried or desk.writers[route.format].write(sheets.report, context)
    renditions = {"rendition:pdf": pdf.content, f"rendition:{cda.format}": cda.content}
    drop = takes_back(sheets.report)
    document = XdmDocument(
        content=cda.content, action="D" if drop else None, visibility=visibility(sheets.report.handling)
    )
    xdm = XdmWriter().pack([document], context_of(context))
    note = judge([("cda", cda.content), ("xdm", xdm.content)], channel, desk.official)
    return _described(Contents(xdm=xdm, cda=cda, pdf=pdf), carried), renditions, note


def _context(sheets: Sheets, channel: Channel, route: Route) -> WriteContext:
    if is_patient(route.address):  # no professional to name, and the address is an identity
        return sheets.context(sender=channel.settings.sender)
    recipient = Practitioner(
        id=route.id, id_type=route.id_type, title=route.title, family=route.family or route.label, given=route.given
    )
    return sheets.context(recipient=recipient, address=route.address, sender=channel.settings.sender)


def _hprim(desk: Desk, sheets: Sheets, channel: Channel, route: Route) -> tuple[Contents, dict[str, bytes], str]:
    """HPRIM text, the laboratory's own PDF beside it, and the files that HPRIM Santé names."""
    written = desk.writers[route.format].write(with_results(sheets.report), _context(sheets, channel, route))
    note = judge([(route.format, written.content)], channel, desk.official)
    if written.companions and channel.settings.family == "apicrypt":
        raise RenderError(
            f"Le compte rendu HPRIM Santé renvoie à {counted(len(written.companions), 'fichier')}, et ce canal ne "
            "transmet que du texte.",
            hint="Mettre ce destinataire en hprim-medecins, ou sur un autre canal, dans la table des destinataires.",
            code="companions-not-carried",
        )
    own = pdf_beside(sheets.report)
    inside = own is not None and any(one.sha256 == own.sha256 for one in written.companions)
    contents = Contents(hprim=written, pdf=None if inside else own)
    return contents, {f"rendition:{route.format}": written.content}, note


def _described(contents: Contents, own: Rendition | None) -> Contents:
    """The laboratory's own CDA may be of any type; ours is a biology report."""
    kind = read_facts(own.content).type if own is not None else None
    return contents if kind is None else replace(contents, code=kind.code, label=kind.name)


def _letterhead(desk: Desk, channel: Channel, handling: Handling) -> Letterhead:
    settings = channel.settings
    asked = handling.reply_to
    inside = well_formed(asked) and not is_patient(asked) and desk.domains().allows(domain_of(asked))
    return Letterhead(
        family=settings.family,
        sender=settings.sender,
        sender_label=settings.sender_label or desk.laboratory.name,
        reply_to=(asked if inside else "") or settings.reply_to or "",
        nil=settings.nil,
        read_receipt=settings.request_mdn,
        laboratory=desk.laboratory.name,
        phone=desk.laboratory.phone,
    )


def _signer(desk: Desk, channel: Channel, route: Route) -> Signer | None:
    if route.envelope is not Envelope.SMIME or not channel.settings.sign:
        return None
    return desk.keyring.signer(channel.name, desk.clock.now())


def _certificates(desk: Desk, route: Route) -> tuple[RecipientCertificate, ...]:
    if route.envelope is not Envelope.SMIME:
        return ()
    found = desk.certificates.answer(route.address, desk.clock.now()).chosen
    if found is None:
        return ()
    if found.fingerprint != route.certificate:
        raise SealError(
            "Le certificat du destinataire a changé pendant la préparation de l'envoi.",
            hint="Libérer l'envoi : il sera chiffré pour le nouveau.",
            code="certificate-changed",
        )
    return (found,)


def _earlier_mails(desk: Desk, dispatch: Dispatch) -> tuple[str, ...]:
    """Message-IDs of older versions this recipient already got, oldest first."""
    if dispatch.version == 1:
        return ()
    with desk.store.reading() as uow:
        others = uow.dispatches.list(DispatchFilter(chain=dispatch.chain, limit=200))
    return tuple(
        other.message_id
        for other in sorted(others, key=lambda d: d.version)
        if other.same_recipient(dispatch) and other.version < dispatch.version and other.sent_at
    )
