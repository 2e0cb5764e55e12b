"""Writing the positional header and the ``RES`` lines.

Values of the report model in, single lines of text out (not encoded yet). Rules: :data:`grammar.HEADER` and
:data:`grammar.RES_FIELDS`; every line is what the strictest known receiver takes.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from dispatcher.clock import paris
from dispatcher.formats.base import WriteContext
from dispatcher.formats.charset import capitals
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.layout import NO_LABEL, label_of, shown_value, star, susceptibility_words
from dispatcher.formats.spoken import comparator_of
from dispatcher.report.identifiers import InsOid, compact, nir_key
from dispatcher.report.model import Observation, Patient, Practitioner, Report, Status, ValueType, When

NAME_WIDTH = 50
ADDRESS_WIDTH = 50
PARTY_WIDTH = 80
CODE_WIDTH = 20
"""Widest patient code written; the usual width is 10, cutting there could make two patients one."""
_NIR_OIDS = frozenset({InsOid.NIR, InsOid.TEST, InsOid.DEMONSTRATION})


def header_lines(report: Report, context: WriteContext) -> list[str]:
    """The twelve lines, in order. The caller has checked that names and birth date are there."""
    patient = report.patient
    assert patient.birth_date is not None
    address = patient.address
    street = list(address.lines) if address else []
    town = f"{address.postcode} {address.town}".strip() if address else ""
    return [
        patient_code(report, context),
        capitals(_single(patient.family))[:NAME_WIDTH],
        _single(patient.used_given or patient.first_given)[:NAME_WIDTH],
        _single(street[0])[:ADDRESS_WIDTH] if street else "",
        _single(" ".join(street[1:]))[:ADDRESS_WIDTH],
        _single(town)[:ADDRESS_WIDTH],
        f"{patient.birth_date:%d/%m/%Y}",
        social_number(patient),
        _single(report.order.filler or report.order.placer),
        f"{report_day(report, context):%d/%m/%Y}",
        _party(_sender_code(report, context), context.laboratory.name or report.laboratory.name),
        _party(*_recipient(report, context)),
    ]


def _single(text: str) -> str:
    """One line, single blanks, none at the ends."""
    return " ".join(text.split())


def patient_code(report: Report, context: WriteContext) -> str:
    """Line 1: the laboratory's patient number, else its order number, else a code of this document; never empty."""
    numbers = [local.value for local in report.patient.local_ids if local.type in ("PI", "")]
    numbers += [local.value for local in report.patient.local_ids]
    for text in (*numbers, report.order.filler, report.order.placer, context.ids.document[-10:]):
        code = re.sub(r"[^A-Za-z0-9\-_/]", "", text)
        if code and not grammar.CODED_LINE.match(code):  # A patient called TEX would start a coded line.
            return code[:CODE_WIDTH]
    return "0"


def social_number(patient: Patient) -> str:
    """Line 8: ``13 characters, blank, key`` of the billing number, else of a qualified INS-NIR; else empty."""
    ins = patient.ins
    candidates = [patient.nss, ins.matricule if ins and ins.qualified and ins.oid in _NIR_OIDS else ""]
    for candidate in map(compact, candidates):
        key = nir_key(candidate[:13])
        if key is not None and candidate[13:] in ("", key):
            return f"{candidate[:13]} {key}"
    return ""


def report_day(report: Report, context: WriteContext) -> date:
    """Line 10: the day of the report, else of the sample, else of this edition."""
    moments = (report.reported_at, report.collected_at, report.received_at, report.ordered_at)
    return _day(next((when for when in moments if when is not None), context.created_at))


def _day(when: When) -> date:
    return paris(when).date() if isinstance(when, datetime) else when


def _sender_code(report: Report, context: WriteContext) -> str:
    """The code under which the laboratory's own software sends, else its FINESS."""
    if _is_code(report.laboratory.id):
        return report.laboratory.id
    return "" if context.laboratory.neutral else context.laboratory.finess


def _recipient(report: Report, context: WriteContext) -> tuple[str, str]:
    """Code and label of line 12: the recipient of this route, else the addressee of the file."""
    mailbox = context.recipient_address.partition("@")[0]
    if context.recipient is not None:
        return _short_id(context.recipient), context.recipient.label or mailbox
    if report.addressee is not None:
        return report.addressee.id, report.addressee.label or mailbox
    return "", mailbox


def _short_id(practitioner: Practitioner) -> str:
    return practitioner.id if _is_code(practitioner.id) else ""


def _is_code(text: str) -> bool:
    """Fits columns 1 to 10 and holds no blank (an RPPS number, 11 digits, does not fit)."""
    return bool(re.fullmatch(rf"\S{{1,{grammar.PARTY_CODE_WIDTH}}}", text))


def _party(code: str, label: str) -> str:
    code = code if _is_code(code) else grammar.NO_CODE
    label = _single(label) or grammar.NO_CODE
    return f"{code.ljust(grammar.PARTY_CODE_WIDTH)} {label}"[:PARTY_WIDTH].rstrip()


# --- coded results ----------------------------------------------------------------------------------------------------

_STATUS = {"": "F", "F": "F", "C": "C", "R": "R", "P": "R"}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def is_coded(report: Report, observation: Observation) -> bool:
    """Whether a result gets a RES line: nothing deleted, pending, cancelled, empty or carried as a document does."""
    if report.status is Status.CANCELLED or observation.status not in _STATUS:
        return False
    return observation.type is not ValueType.DOCUMENT and bool(observation.value)


def res_line(observation: Observation) -> str:
    """One result: 14 fields and a final pipe (a reader hides shorter lines)."""
    kind, value, unit = _coded_value(observation)
    alt = observation.alt
    fields = (
        "RES",
        _field(label_of(observation)) or NO_LABEL,
        _field(_local_code(observation)),
        kind,
        _field(value),
        _field(unit),
        _bound(observation.low),
        _bound(observation.high),
        _abnormal(observation),
        _STATUS[observation.status],
    )
    second = (_field(alt.text), _field(alt.unit), _bound(alt.low), _bound(alt.high)) if alt is not None else _NO_ALT
    return "|".join((*fields, *second)) + "|"


_NO_ALT = ("", "", "", "")


def _abnormal(observation: Observation) -> str:
    """RES 9, which knows L H LL HH N only: never ``N`` where the text prints a star."""
    known = [flag for flag in observation.flags if flag in grammar.ABNORMAL_FLAGS]
    outside = [flag for flag in known if flag != "N"]
    return outside[0] if outside else "" if star(observation) else next(iter(known), "")


def _field(text: str) -> str:
    """No pipe (it cannot be escaped), no line end."""
    return " ".join(text.replace("|", "/").split())


def _local_code(observation: Observation) -> str:
    """The laboratory's own code; a LOINC code only when there is no other."""
    alternate = observation.alternate
    if observation.code.system == "LN" and alternate is not None and alternate.code:
        return alternate.code
    return observation.code.code


def _coded_value(observation: Observation) -> tuple[str, str, str]:
    """RES fields 4, 5 and 6. A number with a comparator is text for this format; an antibiotic has its answer."""
    if observation.parent is not None:
        return "A", susceptibility_words(observation), ""
    comparator = comparator_of(observation)
    if observation.type is ValueType.NUMERIC and not comparator and _NUMBER.fullmatch(observation.value):
        return "N", observation.value, observation.unit
    if observation.type is ValueType.NUMERIC:
        return "A", f"{comparator} {observation.value}".strip(), observation.unit
    return "C" if observation.type is ValueType.CODED else "A", shown_value(observation), observation.unit


def _bound(text: str) -> str:
    return text if text and _NUMBER.fullmatch(text) else ""
