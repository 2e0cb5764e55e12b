"""The segments of one message put under their patient and their request: ``H { P [C] { OBR [C] { OBX [C] } } } L``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hprim_sante.cutting import Message
from dispatcher.formats.hprim_sante.results import Line


@dataclass(slots=True)
class Order:
    """One OBR with its results. ``obr`` is None when results came without."""

    obr: Segment | None = None
    lines: list[Line] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PatientGroup:
    """One P and its requests. ``p`` is None when results came without."""

    p: Segment | None = None
    comments: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


@dataclass(slots=True)
class Grouped:
    """A whole message. ``unused`` counts the segments nothing is taken from, by name."""

    comments: list[str] = field(default_factory=list)
    patients: list[PatientGroup] = field(default_factory=list)
    errors: list[Segment] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)


def group(message: Message) -> Grouped:
    """Segments to groups; each is used, or counted in ``unused``."""
    grouped = Grouped()
    for segment in message.segments[1:]:
        name = segment.name
        if name == "OBX":
            _add_result(segment, _patient(grouped))
        elif name == "P":
            grouped.patients.append(PatientGroup(p=segment))
        elif name == "OBR":
            _patient(grouped).orders.append(Order(obr=segment))
        elif name == "C":
            _add_comment(segment, grouped)
        elif name == "ERR":
            grouped.errors.append(segment)
        elif name != "L":
            grouped.unused[name] += 1
    return grouped


def _patient(grouped: Grouped) -> PatientGroup:
    if not grouped.patients:
        grouped.patients.append(PatientGroup())
    return grouped.patients[-1]


def _add_result(obx: Segment, patient: PatientGroup) -> None:
    if not patient.orders:
        patient.orders.append(Order())
    lines = patient.orders[-1].lines
    if lines and len(obx.fields) > 2 and "TX" in obx.fields[2] and lines[-1].continued_by(obx):
        lines[-1].more.append(obx)
    else:
        lines.append(Line(obx))


def _comment_text(comment: Segment) -> str:
    """C.3; where the source (C.2, one letter) is left out, what stands in its place."""
    third = comment.fields[3] if len(comment.fields) > 3 else ""
    if third.strip() or len(comment.raw(2)) < 2:
        return third
    return comment.fields[2]


def _add_comment(comment: Segment, grouped: Grouped) -> None:
    """C belongs to the segment above it."""
    separators = comment.separators
    raw = _comment_text(comment)
    texts = [separators.unescape(one).rstrip() for one in separators.repetitions(raw)]
    text = "\n".join(texts).strip("\n")
    if not text.strip():
        return
    if not grouped.patients:
        grouped.comments.append(text)
        return
    patient = grouped.patients[-1]
    if not patient.orders:
        patient.comments.append(text)
    elif patient.orders[-1].lines:
        patient.orders[-1].lines[-1].comments.append(text)
    else:
        patient.orders[-1].comments.append(text)
