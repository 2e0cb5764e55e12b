"""A report as an HPRIM Santé message can carry it: everything the format has no place for, put where it has one.

Report in, report out: writing the result and reading it back gives the same report. What becomes of the rest:

==============================  =========================================================================
method, kit, sub-contractor     a comment (``C``) under the result
earlier results                 a comment under the result
range in words beside bounds    a comment under the result
second LOINC code               the first alternate coding; another alternate gives way to it
free text of the report         a last request « Compte rendu » with one ``TX`` result
documents of the report         a last request « Documents joints » with one ``FIC`` result each
request without result          a ``TX`` result made of its comments (receivers refuse an ``OBR`` without ``OBX``)
sub-title of a chapter          the title of its request, when that has none
withdrawn results               code and status only: the value must not be read any more
no code, no coding system       a code drawn from the label; ``L``
no order number                 the number of the message
INS, birth place, used given    2.5 only, and the INS only when it is qualified
social security number          nowhere: P.11 is the INS, never a billing number
addresses of professionals,     nowhere
OIDs of structures, handling,
explicit mail addresses, UCUM
==============================  =========================================================================

Rules: shared notes "HPRIM" §2.4 to §2.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dispatcher.formats.er7.documents import EXTENSIONS, media_type
from dispatcher.formats.er7.moments import first_of
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import merge
from dispatcher.formats.er7.status import report_status
from dispatcher.formats.hprim_sante import carried_people as people
from dispatcher.formats.hprim_sante.carried_results import code_of, lettered, paragraph, result
from dispatcher.formats.hprim_sante.linking import as_read, numbered
from dispatcher.formats.hprim_sante.people import split_name
from dispatcher.formats.hprim_sante.results import documents_of
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.report.model import (
    Attachment,
    Battery,
    Code,
    Kind,
    Laboratory,
    Observation,
    Order,
    Practitioner,
    Report,
    Specimen,
    Status,
    ValueType,
    When,
)

_TEXT = Battery(title="Compte rendu", code=Code(code="TEXTE", text="Compte rendu", system="L"))
_DOCUMENTS = Battery(title="Documents joints", code=Code(code="DOCUMENT", text="Documents joints", system="L"))
_CANCELLATION = Battery(
    title="Compte rendu annulé", code=Code(code="ANNULATION", text="Compte rendu annulé", system="L")
)
_NO_TITLE = "Résultats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a message adds to its report."""

    version: Version
    laboratory: Laboratory
    receiver: tuple[str, str]
    """Code and name of H.9; the code may be empty."""
    stem: str
    """Eight characters: name of the file, number of a report that has none, start of the names of its documents."""
    created_at: datetime
    notices: tuple[str, ...]


def carried(report: Report, frame: Frame) -> Report:
    """``report`` as its message will be read. Comments begin with the notices of ``frame``."""
    filler = people.one_line(report.order.filler) or people.one_line(report.order.placer) or frame.stem
    batteries = _batteries(report, frame)
    letters = [(one.status, [o.status for o in one.observations]) for one in batteries]
    observations = [o for one in batteries for o in one.observations]
    prescriber, copies = _correspondents(report)
    return Report(
        patient=people.patient(report.patient, frame.version, frame.laboratory.id, frame.receiver[0], filler),
        status=report_status(letters, "", "", Notes()),
        kind=Kind.DOCUMENT if all(o.type is ValueType.DOCUMENT for o in observations) else Kind.STRUCTURED,
        laboratory=frame.laboratory,
        order=Order(placer=people.one_line(report.order.placer), filler=filler),
        prescriber=prescriber,
        copies=copies,
        validators=_validators(report, observations),
        ordered_at=_whole(report.ordered_at),
        collected_at=first_of(_known(one.collected_at for one in batteries)),
        received_at=first_of(_known(_received(one, report) for one in batteries)),
        reported_at=_whole(report.reported_at) or _whole(frame.created_at),
        batteries=batteries,
        comments=tuple(text for comment in (*frame.notices, *report.comments) if (text := paragraph(comment))),
        documents=documents_of(observations),
        urgent=report.urgent,
        sender_file_id=f"{frame.stem}.HPR",
    )


def _known(moments: Iterable[When | None]) -> list[When]:
    return [when for when in moments if when is not None]


def _whole(when: When | None) -> When | None:
    """Seconds are the finest a message carries."""
    return when.replace(microsecond=0) if isinstance(when, datetime) else when


# ------------------------------------------------------------------------------------------------ requests


def _batteries(report: Report, frame: Frame) -> tuple[Battery, ...]:
    cancelled = report.status is Status.CANCELLED
    found = [_battery(one, report) for one in report.batteries]
    if not cancelled:
        found += _text(report) + _documents(report)
    found = [one for one in found if one.observations]
    if not found:
        found = [_alone(_CANCELLATION, report, "")]
    if cancelled:
        found = [_bare(one) for one in found]
    # Numbered with their values: a withdrawal must bear the sub-id under which the result was sent.
    return _named_documents(as_read(lettered(numbered(found), report.status)), frame.stem)


def _bare(battery: Battery) -> Battery:
    """Of what is cancelled nothing is said but that it is."""
    return replace(battery, comments=(), observations=tuple(replace(o, comments=()) for o in battery.observations))


def _battery(known: Battery, report: Report) -> Battery:
    title = next(
        (t for t in map(people.one_line, (known.title, known.code.text, known.subchapter, known.chapter)) if t), ""
    )
    code = code_of(known.code, title or _NO_TITLE)
    comments = tuple(text for comment in known.comments if (text := paragraph(comment)))
    observations = tuple(result(one) for one in known.observations)
    if not observations and comments:
        said = Observation(code=Code(code="COMMENTAIRE", text="Commentaire", system="L"), value="\n".join(comments))
        observations, comments = (said,), ()
    when = known.collected_at or (known.specimen.collected_at if known.specimen else None) or report.collected_at
    return Battery(
        title=title or _NO_TITLE,
        code=replace(code, text=title or _NO_TITLE),
        chapter=people.one_line(known.chapter),
        specimen=_specimen(known.specimen, report, when),
        status=known.status,
        collected_at=_whole(when),
        comments=comments,
        observations=observations,
    )


def _specimen(known: Specimen | None, report: Report, when: When | None) -> Specimen | None:
    if known is None:
        return None
    number, text = people.one_line(known.id), people.one_line(known.text) or people.one_line(known.code)
    if not (number or text):
        return None
    received = known.received_at or report.received_at
    return Specimen(id=number, text=text, collected_at=_whole(when), received_at=_whole(received))


def _received(battery: Battery, report: Report) -> When | None:
    specimen = battery.specimen
    return specimen.received_at if specimen is not None else _whole(report.received_at)


def _alone(shape: Battery, report: Report, value: str) -> Battery:
    """A request of ours with one result."""
    only = Observation(code=shape.code, value=value)
    return replace(shape, collected_at=_whole(report.collected_at), observations=(only,))


def _text(report: Report) -> list[Battery]:
    text = paragraph(report.text)
    return [_alone(_TEXT, report, text if "\n" in text else text.strip())] if text else []


def _documents(report: Report) -> list[Battery]:
    """Documents of the report that no result carries."""
    inside = {o.document.sha256 for o in report.observations if o.document is not None}
    loose = [document for document in report.documents if document.sha256 not in inside]
    shape = Observation(code=_DOCUMENTS.code, type=ValueType.DOCUMENT)
    own = tuple(replace(shape, document=document) for document in loose)
    return [replace(_DOCUMENTS, collected_at=_whole(report.collected_at), observations=own)] if own else []


def _named_documents(batteries: Sequence[Battery], stem: str) -> tuple[Battery, ...]:
    """Each document under the neutral 8.3 name of the file that will lie beside the message."""
    names: dict[str, Attachment] = {}

    def named(document: Attachment) -> Attachment:
        if document.sha256 not in names:
            extension = EXTENSIONS.get(document.media_type.partition(";")[0].strip().lower(), "bin")
            short = stem if not names else f"{stem[:5]}{len(names):03}"
            kind = media_type(document.content, extension)
            names[document.sha256] = replace(document, name=f"{short}.{extension}".upper(), media_type=kind)
        return names[document.sha256]

    return tuple(
        replace(
            battery,
            observations=tuple(
                replace(one, document=named(one.document)) if one.document is not None else one
                for one in battery.observations
            ),
        )
        for battery in batteries
    )


# ------------------------------------------------------------------------------------------------ people


def _correspondents(report: Report) -> tuple[Practitioner | None, tuple[Practitioner, ...]]:
    copies = merge((one for known in report.copies if (one := people.practitioner(known))), by_name=False)
    first = people.practitioner(report.prescriber) if report.prescriber is not None else None
    if report.prescriber is None or first is None:
        return None, copies
    first = replace(first, phone=people.one_line(report.prescriber.phone))
    return first, tuple(one for one in copies if not one.id or (one.id, one.id_type) != (first.id, first.id_type))


def _validators(report: Report, observations: Sequence[Observation]) -> tuple[Practitioner, ...]:
    found = [one for known in report.validators if (one := people.practitioner(known))]
    if not found:
        split = (split_name(one.validated_by, "") for one in observations if one.validated_by)
        found = [Practitioner(title=title, family=family, given=given) for title, family, given in split]
    return merge(found, by_name=True)
