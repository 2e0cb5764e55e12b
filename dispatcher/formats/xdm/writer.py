"""CDA documents packed as IHE_XDM.ZIP, the attachment MSSanté software files automatically.

Bytes of CDA documents in, one deterministic zip out: the same documents and context give the same bytes. Documents:
IHE ITI TF-2 ITI-32 (layout), TF-3 §4.2 (metadata), French mapping of the ANS. The readable PDF travels beside the
archive in the mail, never inside it.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from dispatcher.errors import FormatError, RenderError
from dispatcher.formats.base import LaboratoryIdentity, Rendition, WriteContext, Writer
from dispatcher.formats.xdm import codes, guide
from dispatcher.formats.xdm.cda_facts import CdaFacts, read_facts
from dispatcher.formats.xdm.codes import Coded
from dispatcher.formats.xdm.metadata import Entry, SubmissionSet, build_metadata
from dispatcher.report.identifiers import oid_ok
from dispatcher.report.model import Report

FORMAT = "xdm"
_NAMESPACE = uuid.UUID("6c0e3b0a-2f0b-5d0e-9b6e-7d0f3a1c5e11")
"""Ours; submission sets derive from it and from the document's identifier."""
_LEVEL = 1
"""Of compression: almost everything in a CDA is the base64 of its PDF, where more effort gains nothing."""
_OLDEST, _NEWEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""What a zip time can say."""

Action = Literal["", "C", "D"]


@dataclass(frozen=True, slots=True, kw_only=True)
class XdmDocument:
    """One CDA to pack, byte for byte."""

    content: bytes = field(repr=False)
    action: Action | None = None
    """None: ``C`` when the CDA names the document it replaces, else nothing. ``D`` asks to drop the document whose id
    is that of this CDA. An empty text sends a replacement as a first document."""
    visibility: tuple[str, ...] = ()
    """Masking asked for by the order: ``MASQUE_PS``, ``INVISIBLE_PATIENT``, ``INVISIBLE_REPRESENTANTS_LEGAUX``."""
    comments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class XdmContext:
    """Who packs, when, and under which identifiers. Nothing is asked from a clock or made at random here."""

    laboratory: LaboratoryIdentity
    created_at: datetime
    """Aware."""
    source_id: str
    """OID of the sending installation, always the same."""
    unique_id: str
    """OID of this submission set, new for every archive (``2.25.`` and a UUID as a number is fine)."""
    sender_address: str = ""
    title: str = ""
    comments: str = ""
    content_type: Coded | None = None


class XdmWriter:
    """Packs CDA documents. An archive wraps CDA: ``cda`` is the writer that :meth:`write` asks first."""

    name = FORMAT

    def __init__(self, cda: Writer | None = None) -> None:
        self.cda = cda

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """The report as CDA (by ``self.cda``), then packed alone. Problems of both are told.

        Raises :class:`~dispatcher.errors.RenderError` when no CDA writer was handed in, and whatever that one raises.
        A cancelled report that names its parent goes as a replacement (``C``): its own id is new, so nobody could
        drop it. To drop a document, :meth:`pack` its own CDA with the action ``D``.
        """
        if self.cda is None:
            raise RenderError("Archive XDM : aucun rédacteur CDA n’est branché.", code="xdm-without-cda")
        rendition = self.cda.write(report, context)
        packed = self.pack([XdmDocument(content=rendition.content)], context_of(context))
        return Rendition(
            format=FORMAT,
            media_type=packed.media_type,
            file_name=packed.file_name,
            content=packed.content,
            problems=(*rendition.problems, *packed.problems),
        )

    def pack(self, documents: Sequence[XdmDocument], context: XdmContext) -> Rendition:
        """One archive of one or more CDA documents of one patient.

        Raises :class:`~dispatcher.errors.RenderError`: no document, unreadable CDA, several patients, a required
        attribute missing, an unknown action or masking, identifiers that are not OIDs.
        """
        _require_oids(context)
        facts = [_facts(number, document) for number, document in enumerate(documents, 1)]
        entries = [
            Entry(
                uri=codes.document_name(number),
                content=document.content,
                facts=fact,
                action=_action(document, fact),
                visibility=_visibility(document),
                comments=document.comments,
            )
            for number, (document, fact) in enumerate(zip(documents, facts, strict=True), 1)
        ]
        metadata = build_metadata(entries, _submission(context))
        said = guide.Guide(
            laboratory=context.laboratory,
            created_at=context.created_at,
            sender_address=context.sender_address,
            titles=tuple(fact.title for fact in facts),
        )
        folder = f"{codes.ROOT}/{codes.SUBSET}"
        members = [
            (codes.INDEX, guide.index(said)),
            (codes.README, guide.readme(said)),
            (f"{folder}/{codes.METADATA}", metadata),
            *((f"{folder}/{entry.uri}", entry.content) for entry in entries),
        ]
        return Rendition(
            format=FORMAT,
            media_type=codes.MEDIA_TYPE,
            file_name=codes.FILE_NAME,
            content=_zip(members, context.created_at),
        )


def context_of(context: WriteContext) -> XdmContext:
    """The context of an archive of one document: the submission set's id derives from the document's."""
    made = uuid.uuid5(_NAMESPACE, context.ids.document)
    return XdmContext(
        laboratory=context.laboratory,
        created_at=context.created_at,
        source_id=context.laboratory.oid,
        unique_id=f"2.25.{made.int}",
        sender_address=context.sender_address,
    )


def _require_oids(context: XdmContext) -> None:
    for name, value in (("sourceId", context.source_id), ("uniqueId", context.unique_id)):
        if not oid_ok(value):
            raise RenderError(
                f"Archive XDM : {name} du lot de soumission n’est pas un OID.",
                hint="Vérifier l’OID du laboratoire dans la configuration.",
                code="xdm-bad-oid",
            )


def _facts(number: int, document: XdmDocument) -> CdaFacts:
    try:
        return read_facts(document.content)
    except FormatError as fault:
        raise RenderError(f"Archive XDM, document {number} : {fault.message}", code=fault.code) from fault


def _action(document: XdmDocument, facts: CdaFacts) -> str:
    if document.action is None:
        return "C" if facts.replaces else ""
    if document.action not in ("", "C", "D"):
        raise RenderError("Archive XDM : action inconnue ; C (remplacer) ou D (supprimer) attendu.", code="xdm-action")
    if document.action == "C" and not facts.replaces:
        raise RenderError(
            "Archive XDM : remplacement demandé, mais le CDA ne nomme pas le document remplacé (relatedDocument).",
            code="xdm-action",
        )
    return document.action


def _visibility(document: XdmDocument) -> tuple[str, ...]:
    if unknown := [code for code in document.visibility if code not in codes.VISIBILITY]:
        raise RenderError(
            f"Archive XDM : masquage inconnu ({', '.join(unknown)[:80]}) ; {', '.join(codes.VISIBILITY)} attendus.",
            code="xdm-visibility",
        )
    return document.visibility


def _submission(context: XdmContext) -> SubmissionSet:
    return SubmissionSet(
        submitted_at=context.created_at,
        source_id=context.source_id,
        unique_id=context.unique_id,
        title=context.title,
        comments=context.comments,
        content_type=context.content_type,
    )


def _zip(members: Sequence[tuple[str, bytes]], moment: datetime) -> bytes:
    """Members deflated in order, all with the same time, no system of ours betrayed in the headers."""
    utc = moment.astimezone(UTC)
    stamp = min(max((utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second), _OLDEST), _NEWEST)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", allowZip64=False) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, date_time=stamp)
            info.create_system = 0
            info.external_attr = 0
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=_LEVEL)
    return held.getvalue()
