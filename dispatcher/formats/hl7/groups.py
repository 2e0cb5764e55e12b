"""The segments of one result message, put under their patient and their order.

HL7 v2.5 chapter 7 §7.3.1 (ORU_R01): ``PID [PD1] [NTE] [PV1] { [ORC] OBR [NTE] [TQ1] { OBX [NTE] } [SPM] }``. A small
state machine that keeps every segment: what the structure does not know stays with what stands above it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from dispatcher.formats.er7.messages import Message
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.observations import JOINED, Line
from dispatcher.formats.hl7.wishes import is_wish


@dataclass(slots=True)
class Order:
    """One OBR with what belongs to it. ``obr`` is None when results came without."""

    orc: Segment | None = None
    obr: Segment | None = None
    lines: list[Line] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    specimens: list[Segment] = field(default_factory=list)
    timing: list[Segment] = field(default_factory=list)
    participants: list[Segment] = field(default_factory=list)
    """PRT and ROL, wherever they stand under this order."""
    wishes: list[Line] = field(default_factory=list)
    """Flags of the document volet: no results."""
    last: Line | None = None
    """The OBX an NTE that comes now is about; None: the order itself."""

    def value(self, number: int, *, of_orc: int | None = None) -> str:
        """First component of an OBR field, else of the ORC field that says the same."""
        text = self.obr.component(number) if self.obr is not None else ""
        return text or (self.orc.component(of_orc) if of_orc is not None and self.orc is not None else "")


@dataclass(slots=True)
class PatientGroup:
    """One PID, its visit and its orders. ``pid`` is None when the message has none."""

    pid: Segment | None = None
    pv1: Segment | None = None
    comments: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    participants: list[Segment] = field(default_factory=list)
    txa: Segment | None = None
    specimens: list[Segment] = field(default_factory=list)
    """SPM above its orders (OUL^R22), until the next one."""
    at_top: bool = True
    """Between PID and the first order below it: an NTE that comes now is about the patient."""


@dataclass(slots=True)
class Grouped:
    """A whole message. ``unused`` counts the segments this program takes nothing from, by name."""

    header: Segment
    kind: str = "ORU"
    """Message code of MSH-9."""
    comments: list[str] = field(default_factory=list)
    """NTE above the first patient: about the whole message."""
    patients: list[PatientGroup] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)


_SILENT = frozenset({"SFT", "EVN", "DSC", "UAC"})
"""About the transport, empty of results by nature: never worth a word to the operator."""
_HELD = frozenset({"OBX", "OBR", "ORC", "NTE", "SPM", "TQ1", "TQ2", "PRT", "ROL", "PV1", "TXA"})


def group(message: Message) -> Grouped:
    """Segments to groups; each segment is used, or counted in ``unused``."""
    grouped = Grouped(header=message.header, kind=message.kind)
    order: Order | None = None
    for segment in message.segments[1:]:
        if order is not None and segment.name == "OBX":  # nearly every segment
            _add_result(segment, order)
        else:
            _place(segment, grouped)
            order = _open(grouped)
    return grouped


def _open(grouped: Grouped) -> Order | None:
    """The order an OBX that comes now is about, when nothing else is to be settled first."""
    patient = grouped.patients[-1] if grouped.patients else None
    return patient.orders[-1] if patient is not None and patient.orders and not patient.at_top else None


def _place(segment: Segment, grouped: Grouped) -> None:
    name = segment.name
    if name == "PID":
        _open_patient(segment, grouped)
    elif name in _HELD:
        if name == "NTE" and not grouped.patients:
            grouped.comments.append(comment_text(segment))
        else:
            _place_under(segment, _current(grouped), grouped.kind)
    elif name not in _SILENT:
        grouped.unused[name] += 1


def _place_under(segment: Segment, patient: PatientGroup, kind: str) -> None:
    name = segment.name
    order = patient.orders[-1] if patient.orders else None
    if name in ("ORC", "OBR", "OBX", "SPM"):
        patient.at_top = False
    if name == "OBX":
        _add_result(segment, _open_order(patient))
    elif name == "OBR":
        _add_order(segment, patient)
    elif name == "ORC":
        if kind == "OUL" and order is not None and order.orc is None and not order.lines:
            order.orc = segment  # OUL^R22 puts it behind its OBR
        else:
            patient.orders.append(Order(orc=segment))
    elif name == "NTE":
        _add_comment(segment, patient)
    elif name == "SPM":
        _add_specimen(segment, patient, above=kind == "OUL")
    elif name in ("TQ1", "TQ2"):
        _open_order(patient).timing.append(segment)
    elif name in ("PRT", "ROL"):
        (order.participants if order else patient.participants).append(segment)
    elif name == "PV1":
        patient.pv1 = patient.pv1 or segment
    else:
        patient.txa = patient.txa or segment


def _open_patient(pid: Segment, grouped: Grouped) -> None:
    last = grouped.patients[-1] if grouped.patients else None
    if last is not None and last.pid is None and not last.orders:
        last.pid = pid  # a PV1 or PRT came before its PID
    elif last is None or not _same_patient(last.pid, pid):
        grouped.patients.append(PatientGroup(pid=pid))
    else:
        last.at_top = True


def _current(grouped: Grouped) -> PatientGroup:
    if not grouped.patients:
        grouped.patients.append(PatientGroup())
    return grouped.patients[-1]


def _open_order(patient: PatientGroup) -> Order:
    if not patient.orders:
        patient.orders.append(Order())
    return patient.orders[-1]


def _same_patient(known: Segment | None, other: Segment) -> bool:
    """Some laboratories repeat PID before each OBR: only its rank (PID-1) may differ."""
    return known is not None and known.fields[2:] == other.fields[2:]


def _add_order(obr: Segment, patient: PatientGroup) -> None:
    order = patient.orders[-1] if patient.orders else None
    if order is None or order.obr is not None or order.lines or order.wishes:
        order = Order()
        patient.orders.append(order)
    order.obr = obr
    order.specimens += patient.specimens


def _add_specimen(spm: Segment, patient: PatientGroup, *, above: bool) -> None:
    """Under its order; ``above``: before the orders made of it."""
    if above:
        patient.specimens = [spm]
        return
    order = _open_order(patient)
    order.specimens.append(spm)
    order.last = None


def _add_result(obx: Segment, order: Order) -> None:
    if order.last is not None and len(obx.fields) > 2 and obx.fields[2] in JOINED and order.last.continued_by(obx):
        order.last.more.append(obx)
        return
    order.last = Line(obx)
    (order.wishes if is_wish(obx) else order.lines).append(order.last)


def _add_comment(nte: Segment, patient: PatientGroup) -> None:
    """About the OBX just above; under OBR, SPM or a flag about the order; above any order about the patient."""
    order = patient.orders[-1] if patient.orders else None
    line = order.last if order is not None else None
    if line is not None and nte.component(4).upper() == "FIN":
        line.last_message = True
    text = comment_text(nte)
    if not text:
        return
    if order is None or patient.at_top:
        patient.comments.append(text)
    elif line is None or is_wish(line.obx):
        order.comments.append(text)
    else:
        line.comments.append(text)


def comment_text(nte: Segment) -> str:
    """NTE-3, repetitions as lines; leading blanks are layout and stay."""
    raw = nte.fields[3] if len(nte.fields) > 3 else ""
    if raw in ("", '""'):
        return ""
    separators = nte.separators
    return "\n".join(separators.unescape(one).rstrip() for one in separators.repetitions(raw)).strip("\n")
