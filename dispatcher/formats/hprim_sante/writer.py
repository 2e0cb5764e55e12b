"""Reports as HPRIM Santé 2.1 or 2.5: ``H P OBR OBX C L``, files named by ``FIC`` beside the message.

One report per message. Document: HPRIM Santé 2.1 (April 1999) and 2.5 as other implementations read and refuse them
(shared notes "HPRIM" §2). ISO 8859-1 unless asked otherwise, CRLF, ``|~^\\&``, lines of 220 characters at most. The
hand-over of a folder (``.OK`` file) is transport and not made here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from dispatcher.formats.base import Rendition, WriteContext
from dispatcher.formats.charset import codec_for, each_text, fit, loosely_fit
from dispatcher.formats.hprim_sante.assembly import cut_lines, segment
from dispatcher.formats.hprim_sante.carried import Frame, carried
from dispatcher.formats.hprim_sante.carried_people import laboratory
from dispatcher.formats.hprim_sante.identity_fields import header, patient_segment
from dispatcher.formats.hprim_sante.linking import links_of
from dispatcher.formats.hprim_sante.request_fields import comments, requests
from dispatcher.formats.hprim_sante.version import Version, version_for
from dispatcher.formats.notices import notices
from dispatcher.formats.requirements import require_content, require_identity
from dispatcher.report.model import Attachment, Problem, Report, Severity, Status

FORMAT = "hprim-sante"
_NAME = "HPRIM Santé"
_NO_RECEIVER = "Non indiqué"
"""H.9 is required (a conversion for nobody in particular)."""
_STEM_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STEM_LENGTH = 8
"""H.2 is an 8.3 name."""


class HprimSanteWriter:
    """Writes one report as one HPRIM Santé message."""

    name = FORMAT

    def __init__(self, version: Version | None = None) -> None:
        """``version``: what every message is written in; None takes 2.5 for a qualified INS, else 2.1."""
        self._version = version

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """The message, and in ``companions`` the files its ``FIC`` results name.

        Raises :class:`~dispatcher.errors.RenderError` when name, first name or birth date is missing, when there is
        nothing to send, or when a character cannot be written.
        """
        codec = codec_for(context.encoding)
        fitted: Report = each_text(report, lambda text: loosely_fit(text, codec))
        setting: WriteContext = replace(
            context,
            laboratory=each_text(context.laboratory, lambda text: loosely_fit(text, codec)),
            recipient=each_text(context.recipient, lambda text: loosely_fit(text, codec)),
        )
        frame = frame_of(fitted, setting, version_for(report.patient, self._version))
        require_identity(fitted, _NAME, calendar_date=False)
        require_content(fitted, _NAME)
        whole = carried(fitted, frame)
        lines = [
            line
            for one in _segments(whole, frame, trial=context.laboratory.neutral)
            for line in cut_lines(fit(one, codec))
        ]
        return Rendition(
            format=FORMAT,
            media_type=f"text/plain; charset={'iso-8859-1' if codec == 'iso8859-1' else codec}",
            file_name=f"{frame.stem}.HPR",
            content="".join(f"{line}\r\n" for line in lines).encode(codec),
            problems=(*_problems(report, whole), *_not_carried(fitted)),
            companions=_companions(whole),
        )


def frame_of(report: Report, context: WriteContext, version: Version) -> Frame:
    """What the message adds to the report: sender, receiver, name, notices."""
    return Frame(
        version=version,
        laboratory=laboratory(report, context),
        receiver=_receiver(report, context),
        stem=_stem(context.ids.document),
        created_at=context.created_at,
        notices=tuple(notices(report, context)),
    )


def _receiver(report: Report, context: WriteContext) -> tuple[str, str]:
    """Code and name of H.9, never both empty: the recipient of this route, else the addressee of the file."""
    if context.recipient is not None:
        return " ".join(context.recipient.id.split()), context.recipient.label
    if report.addressee is not None:
        return " ".join(report.addressee.id.split()), report.addressee.label
    return "", context.recipient_address.partition("@")[0] or _NO_RECEIVER


def _stem(document: str) -> str:
    """Eight letters and digits from the document's identifier: the same document, the same name; nobody's name."""
    number = int.from_bytes(hashlib.sha256(document.encode()).digest()[:8], "big")
    letters = ""
    for _ in range(_STEM_LENGTH - 1):
        number, place = divmod(number, len(_STEM_LETTERS))
        letters += _STEM_LETTERS[place]
    return f"R{letters}"


def _segments(whole: Report, frame: Frame, *, trial: bool) -> list[str]:
    sender = frame.laboratory
    segments = [
        header(
            file_name=whole.sender_file_id,
            sender=(sender.id, sender.name),
            address=sender.address,
            phone=sender.phone,
            receiver=frame.receiver,
            version=frame.version,
            trial=trial,
            sent_at=frame.created_at,
        ),
        patient_segment(whole.patient, frame.version),
        *comments(whole.comments),
        *requests(whole, frame.version),
    ]
    return [*segments, segment("L", {1: "1", 3: "1", 4: str(len(segments) + 1)})]


def _companions(whole: Report) -> tuple[Attachment, ...]:
    """Each document once, under the name its ``FIC`` gives it."""
    return tuple({o.document.name: o.document for o in whole.observations if o.document is not None}.values())


def _not_carried(report: Report) -> Iterator[Problem]:
    """What P and H have no field for, and no comment says."""
    known = report.patient.local_ids
    usual, stays = ([one for one in known if one.type == kind] for kind in ("PI", "VN"))
    if len(known) > len(usual[:2]) + len(stays[:1]):
        yield Problem(
            code="identifiers-not-carried",
            severity=Severity.WARNING,
            where="P",
            message="HPRIM Santé porte au plus deux numéros de patient (PI) et un numéro de séjour (VN) : "
            "les autres identifiants du fichier reçu ne sont pas transmis.",
        )
    if report.handling.sentences:
        yield Problem(
            code="handling-not-carried",
            severity=Severity.WARNING,
            where="H",
            message="HPRIM Santé ne porte aucune consigne de visibilité ou de diffusion : celles du fichier reçu ne "
            "figurent pas dans le message. Prévenir le destinataire au besoin.",
        )


def _problems(report: Report, whole: Report) -> tuple[Problem, ...]:
    wanted = links_of(report.batteries)
    if report.status is Status.CANCELLED or all(
        want is None or want == got for want, got in zip(wanted, links_of(whole.batteries), strict=False)
    ):
        return ()
    return (
        Problem(
            code="links-not-carried",
            severity=Severity.WARNING,
            where="OBX.4",
            message="Des lignes d’antibiogramme ne peuvent pas être rattachées à leur germe en HPRIM Santé : le germe "
            "n’est pas un résultat en clair. Vérifier le compte rendu de bactériologie.",
        ),
    )
