"""One result as far as an OBX can carry it, and the letters of OBR.25 and OBX.11."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.status import report_status
from dispatcher.formats.er7.values import bounds, is_loinc, loinc
from dispatcher.formats.hprim_sante.carried_people import one_line
from dispatcher.formats.spoken import comparator_of, earlier_results, performed
from dispatcher.report.folding import unaccented
from dispatcher.report.model import AltValue, Battery, Code, Observation, Status, ValueType
from dispatcher.report.values import parse_number

LOCAL = "L"
"""Coding system of the laboratory's own codes (receivers refuse an empty one)."""
CODE_LENGTH = 20
"""Of a code drawn from a label. Observed, not specified."""

_RESULT_LETTERS = frozenset("RPFCIDXU")
_ORDER_LETTERS = frozenset("FPIRCOX")
_MEANT = {"W": "D", "S": "P", "V": "P", "A": "P", "O": "I", "N": "X"}
"""HL7 table 0085 letters that HPRIM Santé has not."""
_OF_REPORT = {Status.FINAL: "F", Status.PARTIAL: "P", Status.CORRECTED: "C", Status.CANCELLED: "D"}


# ------------------------------------------------------------------------------------------------ letters


def lettered(batteries: Sequence[Battery], status: Status) -> tuple[Battery, ...]:
    """Every request and result with a letter receivers take, that together say ``status``. Withdrawn ones lose their
    value: code and status tell the receiver what to take back."""
    order = "X" if status is Status.CANCELLED else _OF_REPORT[status]
    written = [
        replace(battery, status=_order_letter(battery, status), observations=_results(battery, status))
        for battery in batteries
    ]
    letters = [(one.status, [o.status for o in one.observations]) for one in written]
    if report_status(letters, "", "", Notes()) is not status:
        written = [replace(one, status=order) for one in written]
    return tuple(written)


def _order_letter(battery: Battery, status: Status) -> str:
    if status is Status.CANCELLED:
        return "X"
    return battery.status if battery.status in _ORDER_LETTERS else _OF_REPORT[status]


def _results(battery: Battery, status: Status) -> tuple[Observation, ...]:
    lettered_ones = (replace(one, status=_letter(one.status, status)) for one in battery.observations)
    return tuple(_withdrawn(one) if one.status == "D" else one for one in lettered_ones)


def _letter(letter: str, status: Status) -> str:
    if status is Status.CANCELLED:
        return "D"
    if letter in _RESULT_LETTERS:
        return letter
    return _MEANT.get(letter, "R") if letter else _OF_REPORT[status]


def _withdrawn(one: Observation) -> Observation:
    return replace(
        one,
        type=ValueType.TEXT,
        value="",
        comparator="",
        value_code=None,
        flags=(),
        alt=None,
        document=None,
        previous=(),
    )


# ------------------------------------------------------------------------------------------------ one result


def result(one: Observation) -> Observation:
    """The result with what OBX has no field for said in its comments."""
    unit = one_line(one.unit)
    kind, value = _value(one)
    numeric = kind is ValueType.NUMERIC
    low, high, range_text, aside = _range(one, unit)
    code, alternate, found = _codes(one)
    alt = _alt(one.alt)
    second = f"Soit {one.alt.text} {one.alt.unit}" if one.alt is not None and alt is None and one.alt.value else ""
    said = (aside, second, earlier_results(one), *performed(one))
    return Observation(
        code=code,
        alternate=alternate,
        loinc=found,
        type=kind,
        value=value,
        comparator=comparator_of(one) if numeric else "",
        value_code=_value_code(one, value) if kind is ValueType.CODED else None,
        unit=unit,
        low=low,
        high=high,
        range_text=range_text,
        flags=tuple(flag for text in one.flags if (flag := one_line(text).upper()) and flag != "NULL"),
        status=one.status,
        comments=tuple(text for comment in (*one.comments, *said) if (text := paragraph(comment))),
        sub_id=one_line(one.sub_id),
        parent=one.parent,
        alt=alt,
        observed_at=one.observed_at,
        validated_by=one_line(one.validated_by),
        document=one.document if kind is ValueType.DOCUMENT else None,
    )


def paragraph(text: str) -> str:
    """Lines without blanks at their ends, no empty line before or after."""
    lines = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    return lines if lines.strip() else ""


def _value(one: Observation) -> tuple[ValueType, str]:
    if one.type is ValueType.DOCUMENT and one.document is not None:
        return ValueType.DOCUMENT, ""
    text = paragraph(one.value)
    text = text if "\n" in text else text.strip()
    coded = one.type is ValueType.CODED and (text or one.value_code is not None)
    if coded and one.value_code is not None and not text:
        text = one_line(one.value_code.text) or one_line(one.value_code.code)
    if not text:
        return ValueType.TEXT, ""
    if one.type is ValueType.NUMERIC:
        number = parse_number(text)
        if number is not None and not number.comparator and number.value == text:
            return ValueType.NUMERIC, text
        return ValueType.TEXT, f"{comparator_of(one)} {text}".strip()
    return (ValueType.CODED, _each_line(text)) if coded else (ValueType.TEXT, text)


def _each_line(text: str) -> str:
    """Coded answers: one a line, single blanks, none empty."""
    return "\n".join(line for one in text.split("\n") if (line := one_line(one)))


def _value_code(one: Observation, value: str) -> Code | None:
    known = one.value_code
    if known is None or not one_line(known.code):
        return None
    return Code(code=one_line(known.code), text=value.split("\n")[0], system=_system(known.system))


def _range(one: Observation, unit: str) -> tuple[str, str, str, str]:
    """Bounds, OBX.7, and what the words of the range say beside the bounds."""
    words = one_line(one.range_text)
    written = f"{one.low} - {one.high}" if one.low and one.high else f"< {one.high}" if one.high else f"> {one.low}"
    if (one.low or one.high) and bounds(written, unit) == (one.low, one.high):
        more = words and bounds(words, unit) != (one.low, one.high)
        return one.low, one.high, written, f"Valeurs de référence : {words}" if more else ""
    words = words or _as_written(one_line(one.low), one_line(one.high))
    return (*(bounds(words, unit) if words else ("", "")), words, "")


def _as_written(low: str, high: str) -> str:
    """Bounds that are no plain numbers: in words, as the laboratory wrote them."""
    if low and high:
        return f"{low} - {high}"
    found = parse_number(low or high)
    sign = ("> " if low else "< ") if found is not None and not found.comparator else ""
    return f"{sign}{low or high}"


def _alt(alt: AltValue | None) -> AltValue | None:
    """The second unit; without a number it is no second value."""
    number = parse_number(one_line(alt.text)) if alt is not None else None
    if alt is None or number is None:
        return None
    written = Observation(code=Code(), low=alt.low, high=alt.high)
    unit = one_line(alt.unit)
    low, high, _, _ = _range(written, unit)
    return AltValue(
        comparator=number.comparator,
        value=number.value,
        unit=unit,
        low=low,
        high=high,
        loinc=loinc(alt.loinc) if alt.loinc else None,
    )


# ------------------------------------------------------------------------------------------------ codes


def code_of(known: Code, label: str) -> Code:
    """A code that receivers take: never without identifier, label and system."""
    text = one_line(known.text) or one_line(label) or one_line(known.code)
    return Code(code=one_line(known.code) or _from_label(text), text=text, system=_system(known.system))


def _system(text: str) -> str:
    system = one_line(text) or LOCAL
    return "LN" if is_loinc(system) else system


def _from_label(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", unaccented(text).upper())[:CODE_LENGTH] or "RESULTAT"


def _codes(one: Observation) -> tuple[Code, Code | None, str | None]:
    """OBX.3: the file's code, one alternate coding, LOINC before all others."""
    second = one.alternate if one.alternate is not None and one_line(one.alternate.code) else None
    code = code_of(one.code, one_line(second.text) if second else "")
    known = [c for c in (code, second) if c is not None and _system(c.system) == "LN"]
    found = loinc(known[0].code) if known else (loinc(one.loinc) if one.loinc else None)
    if not known and found is not None:
        second = Code(code=found, system="LN")
    if second is None or one_line(second.code) == code.code:
        return code, None, found
    return code, Code(code=one_line(second.code), text=one_line(second.text), system=_system(second.system)), found
