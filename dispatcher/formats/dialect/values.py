"""Codes, numbers, states, flags, times and null words: what is written, in the words the readers know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatcher.dialects.model import Codes, Dialect, Numbers
from dispatcher.formats.dialect.drafts import each_repetition, joined, put
from dispatcher.formats.dialect.layouts import Layout
from dispatcher.formats.dialect.numbers import read_line, tell
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment

_SYSTEM_NAMES = {"LOINC": "LN", "local": "L", "loinc": "LN"}
_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_SAID = frozenset({("OBX", 5), ("OBX", 8), ("OBX", 11), ("OBR", 25)})
"""Result, flag, states: « - » may be a negative finding or a low flag; a state is translated in ``[status]`` only."""
_LOCAL_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})?([0-9]{2})?(?:[.,][0-9]*)?")


def null_words(segments: Sequence[Segment], dialect: Dialect, layout: Layout) -> None:
    """Fields, or components of them, that only say that there is nothing. Never a result, flag, state, nor header."""
    words = frozenset(dialect.null_words)
    if not words:
        return
    for segment in segments:
        if segment.name == layout.header:
            continue
        for number in range(2, len(segment.fields)):
            raw = segment.fields[number]
            if not raw or (segment.name, number) in _SAID:
                continue
            separators = segment.separators
            if _word(separators.clean(raw)) in words:
                segment.fields[number] = ""
            elif separators.component and separators.component in raw:
                each_repetition(
                    segment,
                    number,
                    lambda parts, clean=separators.clean: [  # type: ignore[misc]
                        "" if _word(clean(part)) in words else part for part in parts
                    ],
                )


def _word(text: str) -> str:
    return " ".join(text.split()).casefold()


# ------------------------------------------------------------------------------------------------ codes


def codes(segments: Sequence[Segment], dialect: Dialect) -> None:
    """``[codes]``: which triplet is which, and what the names of coding systems mean."""
    rules = dialect.codes
    if not rules.systems and rules.first is None and rules.second is None:
        return
    systems = {name.strip().casefold(): _SYSTEM_NAMES.get(what, what) for name, what in rules.systems.items()}
    for segment in segments:
        if segment.name == "OBX":
            each_repetition(segment, 3, lambda parts: _roles(_named(parts, systems), rules))
            if segment.raw(2).upper() in _CODED:
                each_repetition(segment, 5, lambda parts: _named(parts, systems))
        elif segment.name == "OBR":
            each_repetition(segment, 4, lambda parts: _named(parts, systems))


def _named(parts: list[str], systems: dict[str, str]) -> list[str]:
    parts = list(parts)
    for at in (2, 5, 11):
        if at < len(parts) and (known := systems.get(parts[at].strip().casefold())):
            parts[at] = known
    return parts


def _roles(parts: list[str], rules: Codes) -> list[str]:
    for start, role in ((0, rules.first), (3, rules.second)):
        if role is None or start >= len(parts) or not any(parts[start : start + 3]):
            continue
        parts = [*parts, *[""] * (start + 3 - len(parts))]
        if role == "ignore":
            parts[start : start + 3] = ["", "", ""]
        elif parts[start].strip():
            parts[start + 2] = _SYSTEM_NAMES[role]
    return parts


# ------------------------------------------------------------------------------------------------ numbers


def numbers(segments: Sequence[Segment], rules: Numbers, notes: Notes) -> None:
    """``[numbers]``: results (OBX-5) and reference ranges (OBX-7)."""
    if rules == Numbers():
        return
    for obx in segments:
        if obx.name != "OBX":
            continue
        parts = _number_parts(obx)
        line = read_line(parts, (obx.raw(7),), obx.component(6), rules)
        tell(line, obx.where(5), notes)
        if line.values != tuple(parts):
            put(obx, 5, 0, "".join(line.values))
        if line.bounds[0] != obx.raw(7):
            put(obx, 7, 0, line.bounds[0])


def _number_parts(obx: Segment) -> list[str]:
    """OBX-5 of a number, cut at its separators, which stay among the parts; nothing of other types."""
    kind, separators = obx.raw(2).upper(), obx.separators
    if kind not in ("NM", "SN") and not (kind in ("ST", "") and obx.raw(6)):
        return []
    marks = "".join(re.escape(mark) for mark in (separators.component, separators.repetition) if mark)
    return re.split(f"([{marks}])", obx.raw(5)) if marks else [obx.raw(5)]


# ------------------------------------------------------------------------------------------------ letters


def letters(segments: Sequence[Segment], dialect: Dialect) -> None:
    """``[status]`` and ``[flags]``."""
    result, order, flags = dialect.status.result, dialect.status.order, dialect.flags
    for segment in segments:
        if segment.name == "OBX":
            _letter(segment, 11, result)
            if flags and segment.raw(8):
                _flags(segment, flags)
        elif segment.name == "OBR":
            _letter(segment, 25, order)


def _letter(segment: Segment, number: int, known: Mapping[str, str]) -> None:
    if known and (letter := known.get(segment.component(number).upper())):
        put(segment, number, 0, letter)


def _flags(obx: Segment, known: Mapping[str, str]) -> None:
    separators = obx.separators
    raw = obx.raw(8)
    whole = known.get(separators.clean(raw).upper())
    if whole is not None:  # a sign that is itself a separator of the message
        put(obx, 8, 0, whole)
        return

    def one(parts: list[str]) -> list[str]:
        sign = separators.clean(parts[0]).upper()
        return [known[sign]] if sign in known else parts

    each_repetition(obx, 8, one)


# ------------------------------------------------------------------------------------------------ times


def times(segments: Sequence[Segment], dialect: Dialect, layout: Layout) -> None:
    """``timezone``: the offset of that zone on that day, where the file gives none."""
    if dialect.timezone is None:
        return
    zone = ZoneInfo(dialect.timezone)
    for segment in segments:
        for name, number in layout.times:
            if segment.name == name and segment.raw(number):
                first, *others = segment.separators.components(segment.raw(number))
                segment.fields[number] = joined(
                    [_with_offset(first.strip(), zone), *others], segment.separators.component
                )


def _with_offset(text: str, zone: ZoneInfo) -> str:
    found = _LOCAL_TIME.fullmatch(text)
    if found is None:
        return text
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        offset = moment.strftime("%z")
    except (ValueError, OverflowError):
        return text  # no time of the calendar: the reader tells it
    return text + offset[:5] if found[5] else text + "00" + offset[:5]


# ------------------------------------------------------------------------------------------------ who the file is of


def laboratory(segments: Sequence[Segment], dialect: Dialect, layout: Layout) -> None:
    """``[laboratory]``: name and FINESS of MSH-4 or H.4."""
    name, finess = dialect.laboratory.name, dialect.laboratory.finess
    places = ((1, name), (2, finess)) if layout.header == "MSH" else ((1, finess), (2, name))
    for segment in segments:
        if segment.name == layout.header:
            for component, text in places:
                if text:
                    put(segment, 4, component, segment.separators.escaped(text))


def authorities(segments: Sequence[Segment], dialect: Dialect) -> None:
    """``[patient] authorities``: OID of the authority of a patient's number (PID-3, component 4)."""
    known = {name.strip().casefold(): oid for name, oid in dialect.patient.authorities.items()}
    if not known:
        return
    for segment in segments:
        if segment.name != "PID" or not segment.separators.subcomponent:
            continue
        mark = segment.separators.subcomponent

        def one(parts: list[str], mark: str = mark) -> list[str]:
            name = parts[3].split(mark)[0].strip() if len(parts) > 3 else ""
            if (oid := known.get(name.casefold())) is None:
                return parts
            return [*parts[:3], mark.join((name, oid, "ISO")), *parts[4:]]

        each_repetition(segment, 3, one)
