"""From a report to its printed lines: notices on top, letterhead, results or the laboratory's own text, closing lines.

Report and context in, :class:`~dispatcher.formats.hprim_medecins.layout.Line` values out; nothing here encodes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dispatcher.clock import paris
from dispatcher.formats.base import WriteContext
from dispatcher.formats.hprim_medecins.layout import (
    CRITICAL_STAR,
    STAR,
    WIDTH,
    Line,
    lay_out,
    media_name,
    star,
    wrapped,
)
from dispatcher.formats.hprim_medecins.own_text import fold, place
from dispatcher.formats.notices import notices
from dispatcher.report.model import Address, Attachment, Kind, Practitioner, Report, Sex, Status, When

RULE = "=" * WIDTH


def compose(report: Report, context: WriteContext) -> list[Line]:
    """All lines of the printable part, without blank lines before and after."""
    notice = framed(notices(report, context))
    if report.status is Status.CANCELLED:
        return _trimmed([Line(text) for text in (*notice, *_letterhead(report, context), *_reasons(report))])
    own = _own_lines(report)
    placed = place(own, report) if own else None
    if placed is not None and _starts_with(own, notice):
        notice = []
    lines = [Line(text) for text in notice]
    if placed is not None:
        lines += [*placed, *_beside(own, report, context)]
    else:
        lines += [Line(text) for text in _letterhead(report, context)]
        lines += list(lay_out(_titled(report, context)))
        lines += [Line(text) for text in ("", *own)] if own else []
        lines += [Line(text) for text in _closing(report, context)]
    return _trimmed(lines)


def _titled(report: Report, context: WriteContext) -> Report:
    """Sections named by a code (``MB``, ``CH``) under the title people know, when the tables know it."""
    terms = context.terminology
    if terms is None:
        return report
    titles = {b.chapter: terms.chapter_for(b).title.upper() for b in report.batteries if b.chapter}
    batteries = tuple(replace(b, chapter=titles.get(b.chapter, "")) for b in report.batteries)
    return replace(report, batteries=batteries)


def _reasons(report: Report) -> list[str]:
    """Of a cancelled report only its own comments are printed: results and what was said of them no longer hold."""
    return [part for comment in report.comments for part in (*wrapped(comment, ""), "")]


def _trimmed(lines: list[Line]) -> list[Line]:
    """One blank line at most in a row, none at the ends."""
    kept: list[Line] = []
    for line in lines:
        if line.text.strip() or line.results or (kept and kept[-1].text.strip()):
            kept.append(line)
    while kept and not kept[-1].text.strip() and not kept[-1].results:
        kept.pop()
    return kept


# --- notices ----------------------------------------------------------------------------------------------------------


def framed(sentences: Sequence[str]) -> list[str]:
    """Notices between two rules; nothing when there is none."""
    if not sentences:
        return []
    return [RULE, *(part for text in sentences for part in textwrap.wrap(text, WIDTH)), RULE, ""]


def _starts_with(own: Sequence[str], notice: Sequence[str]) -> bool:
    """The text already carries these notices (it was written here once)."""
    return list(own[: len(notice) - 1]) == list(notice[:-1]) if notice else True


# --- letterhead and closing -------------------------------------------------------------------------------------------


def _letterhead(report: Report, context: WriteContext) -> list[str]:
    laboratory = context.laboratory
    place = _address(laboratory.address)
    phone = f"Tél. {laboratory.phone}" if laboratory.phone else ""
    lines = [laboratory.name, " - ".join(part for part in (place, phone) if part)]
    if laboratory.biologist.label and not laboratory.neutral:
        lines.append(f"Biologiste responsable : {laboratory.biologist.label}")
    lines += ["", f"Patient : {_patient(report)}"]
    if report.order.filler or report.order.placer:
        lines.append(f"Demande n° {report.order.filler or report.order.placer}")
    if report.prescriber is not None and report.prescriber.label:
        lines.append(f"Prescripteur : {report.prescriber.label}")
    if copies := [copy.label for copy in report.copies if copy.label]:
        lines.append(f"Copie à : {', '.join(copies)}")
    lines += _moments(report, context)
    return [*(part for text in lines for part in (textwrap.wrap(text, WIDTH) or [""])), ""]


def _address(address: Address) -> str:
    town = f"{address.postcode} {address.town}".strip()
    return " - ".join(part for part in (*address.lines, town) if part)


def _patient(report: Report) -> str:
    patient = report.patient
    born = {Sex.FEMALE: "née", Sex.MALE: "né"}.get(patient.sex, "né(e)")
    maiden = f" {patient.birth_name}" if patient.used_name and patient.used_name != patient.birth_name else ""
    day = f" le {patient.birth_date:%d/%m/%Y}" if patient.birth_date else ""
    sex = f", sexe {patient.sex}" if patient.sex is not Sex.UNKNOWN else ""
    return f"{patient.family} {patient.used_given or patient.first_given}, {born}{maiden}{day}{sex}"


def _moments(report: Report, context: WriteContext) -> list[str]:
    """Dates of the sample, its reception, the validation and this edition, as many on a line as fit."""
    moments = (
        ("Prélevé", report.collected_at),
        ("Reçu", report.received_at),
        ("Validé", report.reported_at),
        ("Édité", context.created_at),
    )
    lines: list[str] = []
    for said in (f"{word} le {_when(when)}" for word, when in moments if when is not None):
        if lines and len(lines[-1]) + 3 + len(said) <= WIDTH:
            lines[-1] += f"   {said}"
        else:
            lines.append(said)
    return lines


def _when(when: When) -> str:
    return f"{paris(when):%d/%m/%Y à %H:%M}" if isinstance(when, datetime) else f"{when:%d/%m/%Y}"


def _closing(report: Report, context: WriteContext) -> list[str]:
    lines: list[str] = []
    attached = _attached(report, context)
    if attached:
        lines += ["", *textwrap.wrap(attached, WIDTH)]
    stars = {star(o) for o in report.observations}
    if STAR in stars or CRITICAL_STAR in stars:
        legend = f"{STAR} : hors des valeurs de référence"
        lines += ["", f"{legend}   {CRITICAL_STAR} : valeur critique" if CRITICAL_STAR in stars else legend]
    signed = ", ".join(label for label in map(_label, report.validators) if label)
    if signed:
        lines += ["", *textwrap.wrap(f"Validé par : {signed}", WIDTH)]
    if context.laboratory.cofrac:
        lines += ["", f"Accréditation Cofrac n° {context.laboratory.cofrac}"]
    return lines


def _label(practitioner: Practitioner) -> str:
    return practitioner.label


def _attached(report: Report, context: WriteContext) -> str:
    """What goes with the message, said when the report is (also) a document."""
    documents: list[Attachment] = list(report.documents) or ([context.pdf] if context.pdf else [])
    if not documents or (report.kind is Kind.STRUCTURED and not report.documents):
        return ""
    named = [f"{media_name(d.media_type)} ({_size(len(d.content))})" for d in documents]
    several = len(named) > 1
    if report.kind is not Kind.DOCUMENT:
        head = "Documents joints" if several else "Document joint"
    elif several:
        head = "Le compte rendu tient dans les documents joints à ce message"
    else:
        head = "Le compte rendu est le document joint à ce message"
    return f"{head} : {', '.join(named)}."


def _size(octets: int) -> str:
    if octets < 1_000_000:
        return f"{max(1, round(octets / 1000))} Ko"
    return f"{octets / 1_000_000:.1f} Mo".replace(".", ",")


# --- the laboratory's own text ----------------------------------------------------------------------------------------


def _own_lines(report: Report) -> list[str]:
    lines = [line.rstrip() for line in report.text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _beside(own: Sequence[str], report: Report, context: WriteContext) -> list[Line]:
    """What the laboratory's text does not say itself: comments of the whole report, documents that go with it."""
    whole = fold(" ".join(own))
    extra = [*report.comments, _attached(report, context)]
    texts = [text for text in extra if text and fold(text) not in whole]
    return [Line(part) for text in texts for part in ("", *wrapped(text, ""))]
