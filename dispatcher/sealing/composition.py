"""What a mail says and carries, by family of channel and by envelope.

- ``mssante``: IHE_XDM.zip and its PDF, subject of the convention, X-MSS-… fields (formats/mssante.md §4);
- ``smime``: the same documents under a subject that names nobody;
- ``apicrypt``: HPRIM text as the body, ISO-8859-1, nothing attached unless asked (formats/hprim.md §1.8).

An HPRIM report on the first two is an attachment, with the files HPRIM Santé names beside it. Guard of every family
(charter of the APICRYPT network, mssante.md §7): no mail without an identified patient and a medical content.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dispatcher.errors import SealError
from dispatcher.formats.base import Rendition
from dispatcher.report.model import Attachment, Kind, Report, Sex, Status, ValueType
from dispatcher.routing.route import Envelope
from dispatcher.sealing import wording
from dispatcher.sealing.message import Charset, OutgoingMail

XDM_NAME = "IHE_XDM.zip"
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who sends, the same for every mail of a channel."""

    family: Literal["mssante", "apicrypt", "smime"]
    sender: str
    sender_label: str = ""
    reply_to: str = ""
    nil: str = ""
    """X-MSS-NIL."""
    read_receipt: bool = True
    laboratory: str = ""
    phone: str = ""
    attach_pdf: bool = False
    """``apicrypt`` only: also attach the PDF of a report that is told in the body. The network advises against it; a
    report that is nothing but its PDF always carries it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """To whom, and which mail this is."""

    recipient: str
    label: str = ""
    message_id: str
    date: datetime
    replaces: tuple[str, ...] = ()
    """Message-IDs of the versions this recipient already got, oldest first."""
    patient: bool = False
    """The patient of the report, in his own box."""
    last_message: bool = False
    """He may not answer (``X-MSS-MES: FIN``, mssante.md §5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The renditions that go along."""

    xdm: Rendition | None = None
    cda: Rendition | None = None
    """A bare CDA, for receivers that take no archive; left out when ``xdm`` is there."""
    hprim: Rendition | None = None
    pdf: Attachment | None = None
    code: str = "11502-2"
    """LOINC type of the CDA (X-MSS-CODECDA)."""
    label: str = "CR d'examens biologiques"
    """Display name of ``code``."""


def compose(
    report: Report, contents: Contents, *, head: Letterhead, to: Addressing, envelope: Envelope
) -> OutgoingMail:
    """The mail for one report to one recipient.

    Raises :class:`SealError`: ``unidentified-patient``, ``no-medical-content``, ``missing-document`` (what the family
    must carry), ``missing-pdf`` (an XDM in an MSSanté mail goes with its PDF, ECO.2.1.5).
    """
    check_charter(report)
    if head.family == "apicrypt":
        return _in_the_body(report, contents, head, to, envelope)
    return _attached(report, contents, head, to, envelope)


def check_charter(report: Report) -> None:
    """Name, first name, birth date, and something medical. Raises :class:`SealError`; names nobody."""
    patient = report.patient
    missing = [
        word
        for word, value in (
            ("nom", patient.family),
            ("prénom", patient.first_given),
            ("date de naissance", patient.birth_date or patient.birth_date_raw),
        )
        if not value
    ]
    if missing:
        raise SealError(
            f"Patient non identifié : {', '.join(missing)} absent(s) du compte rendu.",
            hint="Compléter l'identité dans le logiciel du laboratoire et exporter de nouveau.",
            code="unidentified-patient",
        )
    if report.status is Status.CANCELLED or report.observations or report.text.strip() or report.documents:
        return
    raise SealError(
        "Compte rendu sans contenu médical : ni résultat, ni texte, ni document.",
        hint="Vérifier l'export du laboratoire ; un envoi vide n'est jamais transmis.",
        code="no-medical-content",
    )


def _mail(
    head: Letterhead,
    to: Addressing,
    *,
    subject: str,
    outer_subject: str,
    text: str,
    charset: Charset = "utf-8",
    attachments: tuple[Attachment, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
) -> OutgoingMail:
    return OutgoingMail(
        sender=head.sender,
        sender_label=wording.one_line(head.sender_label),
        reply_to=head.reply_to,
        recipient=to.recipient,
        recipient_label=wording.one_line(to.label),
        subject=subject,
        outer_subject=outer_subject,
        text=text,
        charset=charset,
        attachments=attachments,
        message_id=to.message_id,
        date=to.date,
        in_reply_to=to.replaces[-1] if to.replaces else "",
        references=to.replaces,
        headers=headers,
        disposition_notification_to=head.sender if head.read_receipt else "",
    )


def _attached(report: Report, contents: Contents, head: Letterhead, to: Addressing, envelope: Envelope) -> OutgoingMail:
    replaces = bool(to.replaces)
    carried = _attachments(report, contents, head, to)
    xdm = contents.xdm is not None and head.family == "mssante"
    if xdm:
        subject = wording.xdm_subject(report, contents.label, replaces, with_identity=True)
        outside = wording.xdm_subject(report, contents.label, replaces, with_identity=False)
    else:
        enveloped = envelope is Envelope.SMIME
        subject = wording.neutral_subject(report, replaces, with_identity=enveloped)
        outside = wording.neutral_subject(report, replaces, with_identity=False)
    phone = f"Téléphone : {head.phone}" if head.phone else ""
    return _mail(
        head,
        to,
        subject=subject,
        outer_subject=outside,
        text=wording.body(
            report,
            replaces,
            tuple((attachment.name, purpose) for attachment, purpose in carried),
            (head.laboratory or head.sender_label, phone),
            patient=to.patient,
        ),
        attachments=tuple(attachment for attachment, _ in carried),
        headers=_mss_fields(report, contents, head, to) if head.family == "mssante" else (),
    )


def _attachments(report: Report, contents: Contents, head: Letterhead, to: Addressing) -> list[tuple[Attachment, str]]:
    """What is attached, each with its purpose in French."""
    found: list[tuple[Attachment, str]] = []
    if contents.xdm:
        zipped = Attachment(media_type="application/zip", content=contents.xdm.content, name=XDM_NAME)
        found.append((zipped, "document structuré, à intégrer par votre logiciel"))
    elif contents.cda:
        found.append((_as_is(contents.cda), "document structuré, à intégrer par votre logiciel"))
    if contents.hprim:
        found.append((_as_is(contents.hprim), "compte rendu HPRIM, à intégrer par votre logiciel"))
        found += [(one, "document auquel le compte rendu renvoie") for one in contents.hprim.companions]
    if not found and contents.pdf is None:
        raise SealError(
            "Rien à joindre : aucun document n'a été produit pour ce destinataire.",
            hint="Vérifier le format demandé pour ce destinataire, puis relancer l'envoi.",
            code="missing-document",
        )
    if contents.pdf:
        name = wording.pdf_name(report, contents.label, to.date)
        pdf = Attachment(media_type="application/pdf", content=contents.pdf.content, name=name)
        found.append((pdf, "compte rendu à lire ou à imprimer"))
    elif contents.xdm and head.family == "mssante":
        raise SealError(
            "Le PDF qui accompagne l'archive XDM manque.",
            hint="Relancer la préparation de l'envoi ; le PDF est obligatoire dans un mail MSSanté.",
            code="missing-pdf",
        )
    return found


def _as_is(rendition: Rendition) -> Attachment:
    return Attachment(media_type=rendition.media_type, content=rendition.content, name=rendition.file_name)


def _mss_fields(report: Report, contents: Contents, head: Letterhead, to: Addressing) -> tuple[tuple[str, str], ...]:
    fields: list[tuple[str, str]] = []
    if contents.xdm:
        fields.append(("X-MSS-CODECDA", contents.code))
        fields.append(("X-MSS-INS", "O" if _qualified(report) else "N"))
    if head.nil:
        fields.append(("X-MSS-NIL", head.nil))
    if to.patient and to.last_message:
        fields.append(("X-MSS-MES", "FIN"))
    return tuple(fields)


def _qualified(report: Report) -> bool:
    """A qualified INS with the five traits ``X-MSS-INS: O`` stands for."""
    patient = report.patient
    traits = patient.birth_name and patient.first_given and patient.birth_date and patient.sex is not Sex.UNKNOWN
    return bool(patient.ins and patient.ins.qualified and patient.ins.matricule and patient.ins.oid and traits)


def _in_the_body(
    report: Report, contents: Contents, head: Letterhead, to: Addressing, envelope: Envelope
) -> OutgoingMail:
    """HPRIM lines, and nothing else, as the body: readers look for the header on the first line."""
    if contents.hprim is None:
        raise SealError(
            "Ce canal transmet le compte rendu HPRIM dans le corps du message ; il n'a pas été produit.",
            hint="Vérifier le format demandé pour ce destinataire (attendu : hprim-medecins ou hprim-sante).",
            code="missing-document",
        )
    text, charset = _decoded(contents.hprim)
    attachments: tuple[Attachment, ...] = ()
    alone = _only_a_document(report)
    if alone and contents.pdf is None and report.status is not Status.CANCELLED:
        raise SealError(
            "Le compte rendu n'est qu'un document, et ce canal ne peut joindre qu'un PDF : il n'y en a pas.",
            hint="Faire exporter le document en PDF, ou envoyer par un autre canal.",
            code="missing-document",
        )
    if contents.pdf and (head.attach_pdf or alone):
        attachments = (Attachment(media_type="application/pdf", content=contents.pdf.content, name="document.pdf"),)
    replaces = bool(to.replaces)
    return _mail(
        head,
        to,
        subject=wording.neutral_subject(report, replaces, with_identity=envelope is Envelope.SMIME),
        outer_subject=wording.neutral_subject(report, replaces, with_identity=False),
        text=text,
        charset=charset,
        attachments=attachments,
    )


def _only_a_document(report: Report) -> bool:
    """Without its document the mail would say nothing: no text, no result that can be read in the body."""
    told = report.text.strip() or any(o.type is not ValueType.DOCUMENT for o in report.observations)
    return report.kind is Kind.DOCUMENT and not told


def _decoded(rendition: Rendition) -> tuple[str, Charset]:
    """Text of a rendition and the charset its mail part will declare: UTF-8 when it says so, else the narrowest."""
    named = _CHARSET.search(rendition.media_type)
    try:
        codec = codecs.lookup(named[1] if named else "iso-8859-1").name
        text = rendition.content.decode(codec)
    except (LookupError, UnicodeDecodeError) as error:
        raise SealError(
            "Le jeu de caractères du compte rendu HPRIM n'est pas celui qu'il annonce.",
            hint="Vérifier « encoding » du canal, puis relancer la préparation.",
            code="charset",
        ) from error
    if codec == "utf-8" or not _fits(text, "windows-1252"):
        return text, "utf-8"
    return text, "iso-8859-1" if _fits(text, "iso-8859-1") else "windows-1252"


def _fits(text: str, charset: Charset) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
