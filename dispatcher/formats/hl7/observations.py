"""One OBX (with its continuation lines and comments) into one :class:`Observation`.

HL7 v2.5 chapter 7 §7.4.2. Numbers stay text; what is not a number in a numeric field becomes text and is told. Units
that contain an unescaped ``^`` (``10^9/L``) are put together again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from dispatcher.formats.er7.coding import coded, result_codes
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.results import ReadValue, ResultLine, as_alt, in_two_units
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.er7.status import letter
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.formats.er7.values import USUAL, bounds, measured, number
from dispatcher.formats.hl7.datatypes import address, moment, organisation
from dispatcher.formats.hl7.documents import SHORTEST, Sibling, embedded, hidden_document, referenced
from dispatcher.report.model import Attachment, Code, Observation, Practitioner, Severity, ValueType, When

_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_FREE = frozenset({"TX", "FT", "ST", "ID", "IS", "GTS", ""})
"""Types without components: a ``^`` in them is text the sender did not escape."""
_DATES = frozenset({"DT", "TS", "DTM"})
_POWER = re.compile(r"[x×*]?\s*10")
_NO_UNIT = re.compile(r"[0-9]+|[A-Za-z]+:\S+")
"""Number of a unit in somebody's table (``CD:289^mg/dL``): the text beside it is the unit."""
_POWER_BOUND = re.compile(r"[<>≤≥]\s*=?\s*10\^|(?<![0-9.,])10\^[0-9](?![0-9.,])")
"""``<10^3`` is a power of ten; ``10^40`` may be 10 to 40."""
_COMPARATORS = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "=<": "<=", "=>": ">=", "≤": "<=", "≥": ">=", "=": ""}
_CARRIERS = frozenset({"ED", "RP"})
JOINED = frozenset({"TX", "FT"})
"""Types whose consecutive lines of one code and sub-id are one text."""


class Line(ResultLine):
    """One OBX as the file gives it: the segments it is written on, and the NTE that follow."""

    __slots__ = ("last_message",)

    def __init__(self, obx: Segment) -> None:
        self.obx, self.more, self.comments = obx, [], []
        self.last_message = False
        """An NTE under it says ``FIN`` (NTE-4)."""

    def continued_by(self, obx: Segment) -> bool:
        """The next OBX only goes on with this text: same code, sub-id and status, nothing in between."""
        own = self.obx
        return (
            own.raw(2) in JOINED
            and obx.raw(2) in JOINED
            and self.same_result(obx)
            and not hidden_document(own)
            and not hidden_document(obx)
        )


class _Shape(NamedTuple):
    """What a laboratory's catalogue says of a result, and the few letters that go with it: all but the result."""

    kind: str
    doubtful: bool
    """OBX-3 is worth a word to the operator."""
    catalogue: Observation
    """Codes, unit, range, flags and status; no value."""


@lru_cache(maxsize=8192)
def _shape(kind: str, code: str, unit: str, usual: str, flags: str, status: str, separators: Separators) -> _Shape:
    """OBX-2, -3, -6, -7, -8 and -11. The same lines come back all day, so they are read once; results never are."""
    notes = Notes()
    mark = separators.field
    obx = Segment(mark.join(("OBX", "", kind, code, "", "", unit, usual, flags, "", "", status)), 0, separators)
    first, alternate, loinc_code = result_codes(obx, notes)
    own_unit = unit_of(obx)
    if said_twice := _range_said_twice(obx, own_unit):
        obx.fields[7] = said_twice
    range_text = obx.text(7)
    low, high = _bounds(obx, range_text, own_unit) if range_text else ("", "")
    range_text = _range_words(obx, range_text, bounded=bool(low or high))
    catalogue = Observation.of(
        code=first,
        alternate=alternate,
        loinc=loinc_code,
        unit=own_unit,
        low=low,
        high=high,
        range_text=range_text,
        flags=_flags(obx),
        status=letter(obx.component(11)),
    )
    return _Shape(kind=obx.raw(2).upper(), doubtful=bool(notes.problems), catalogue=catalogue)


def observations(line: Line, notes: Notes, sibling: Sibling) -> list[Observation]:
    """The results of one line: one, or one per document when a field carries several."""
    obx = line.obx
    fields = obx.fields if len(obx.fields) > 15 else obx.fields + _PADDING
    if obx.separators.repetition in fields[6] and not line.more and (pair := in_two_units(obx)):
        one_unit = Line(pair[0])
        one_unit.comments = line.comments
        (own,), (other,) = observations(one_unit, notes, sibling), observations(Line(pair[1]), Notes(), sibling)
        return [replace(own, alt=as_alt(other))]
    shape = _shape(fields[2], fields[3], fields[6], fields[7], fields[8], fields[11], obx.separators)
    if shape.doubtful:
        result_codes(obx, notes)
    raw = fields[5]
    if shape.kind == "NM" and len(raw) < SHORTEST and USUAL.fullmatch(raw):  # nearly every line
        beside = _beside(line, fields, notes)
        beside["type"], beside["value"] = ValueType.NUMERIC, raw
        beside["raw"] = raw if obx.written(5) == raw else _raw(line)
        return [shape.catalogue.having(beside)]
    carries = shape.kind in _CARRIERS or len(raw) >= SHORTEST
    documents = _documents(obx, shape.kind, notes, sibling) if carries else None
    if documents is not None:
        empty = shape.catalogue.having({**_beside(line, fields, notes), "type": ValueType.DOCUMENT})
        further = [empty.having({"document": one, "comments": ()}) for one in documents[1:]]
        return [empty.having({"document": documents[0] if documents else None}), *further]
    read = _value(line, shape.kind, shape.catalogue.unit, notes)
    said = {
        **_beside(line, fields, notes),
        "type": read.type,
        "value": read.value,
        "raw": _raw(line),
        "comparator": read.comparator,
        "value_code": read.code,
    }
    if read.type is ValueType.NUMERIC and "*" in raw and not shape.catalogue.flags:
        said["flags"] = ("A",)  # the star stood where the flag belongs
    return [shape.catalogue.having(said)]


def _beside(line: Line, fields: list[str], notes: Notes) -> dict[str, Any]:
    """What else a line says, by field of :class:`Observation`; most lines end before it and say none of it."""
    found: dict[str, Any] = {}
    obx = line.obx
    if line.comments:
        found["comments"] = tuple(line.comments)
    if fields[4]:
        found["sub_id"] = obx.text(4)
    if fields[14]:
        found["observed_at"] = _observed_at(obx, fields[14], notes)
    if len(obx.fields) > 15:
        found["method"], found["method_code"] = _label(obx, 17), _method(obx)
        found["performer"], found["validated_by"] = _performer(obx), _validator(obx)
    return found


_PADDING = [""] * 16
"""Behind the last field of a line, so that none has to be asked for."""


def _observed_at(obx: Segment, raw: str, notes: Notes) -> When | None:
    when, fault = parse_when(raw)
    return when if fault is Fault.NONE else moment(obx, 14, notes)


def _documents(obx: Segment, kind: str, notes: Notes, sibling: Sibling) -> list[Attachment] | None:
    """Documents of this OBX; None when it is no document (an RP that points nowhere stays a text)."""
    if kind == "ED" or hidden_document(obx):
        return embedded(obx, notes)
    return (referenced(obx, sibling, notes) or None) if kind == "RP" else None


# ------------------------------------------------------------------------------------------------ what was measured


def _bounds(obx: Segment, text: str, unit: str) -> tuple[str, str]:
    """Bounds of OBX-7; some write them as two components, or with the underscore of the standard's own examples."""
    mark = obx.separators.component
    if mark in obx.raw(7) and obx.raw(7).count(mark) == 1 and not _POWER_BOUND.search(obx.raw(7)):
        text = text.replace(mark, " - ")
    return bounds(re.sub(r"(?<=[0-9])_(?=[0-9])", " - ", text), unit)


def _range_said_twice(obx: Segment, unit: str) -> str:
    """First component of ``35-150^35^150`` and ``>40^>40``, whose others only say its bounds again; else nothing."""
    first, *others = obx.separators.components(obx.raw(7)) or [""]
    said = {first.strip(), *(bounds(obx.separators.clean(first), unit) if others else ())}
    return first if others and len(said) > 1 and all(one.strip() in said for one in others) else ""


def _range_words(obx: Segment, text: str, *, bounded: bool) -> str:
    """OBX-7 as people read it: components joined, ``2-3^therapeutic`` by a blank, ``4^10`` as the bounds they are."""
    mark = obx.separators.component
    if not mark or mark not in obx.raw(7):
        return text
    power = rf"(?<!10){re.escape(mark)}|{re.escape(mark)}(?![0-9+-])"  # ``10^9/L`` stays a power of ten
    return " ".join(re.sub(power, " - " if bounded else " ", text).split())


def unit_of(obx: Segment) -> str:
    """Unit as the file writes it (OBX-6, first component, else its text)."""
    raw = obx.raw(6)
    if not raw:
        return ""
    separators = obx.separators
    if separators.component not in raw:
        return separators.clean(raw)
    composite = obx.composite(6)
    if _POWER.fullmatch(composite.whole(1)) and composite.whole(2)[:1].isdigit():
        return f"{composite.whole(1)}^{composite.whole(2)}"
    if _NO_UNIT.fullmatch(composite.whole(1)) and composite.whole(2):
        return composite.whole(2)
    return composite.whole(1) or composite.whole(2)


def _flags(obx: Segment) -> tuple[str, ...]:
    raw = obx.raw(8)
    if not raw:
        return ()
    if raw.isalpha() and raw != "Null":
        return (raw.upper(),)
    return tuple(flag for one in obx.composites(8) if (flag := one.whole(1).upper()) and flag != "NULL")


# ------------------------------------------------------------------------------------------------ values


def _raw(line: Line) -> str:
    if not line.more:
        own = line.obx
        return own.separators.unescape(own.written(5)).rstrip().strip("\n")
    texts = [obx.separators.unescape(obx.written(5)).rstrip() for obx in line.segments()]
    return "\n".join(texts).strip("\n")


def _value(line: Line, kind: str, unit: str, notes: Notes) -> ReadValue:
    obx = line.obx
    raw = obx.raw(5)
    if not raw and not line.more:
        return ReadValue()
    if not kind:
        kind = "CE" if _looks_coded(obx, raw) else "ST"
    if kind == "NM":
        return _numeric(obx, raw, unit, notes)
    if kind in _CODED:
        return _coded(obx)
    if kind == "SN":
        return _structured(obx.composite(5), notes, obx)
    if kind in _DATES or kind == "TM":
        return ReadValue(value=_date_text(obx, kind))
    if kind in _FREE:
        return _text(line, kind, unit, notes)
    return ReadValue(value="\n".join(_joined(one) for one in obx.composites(5)))


def _looks_coded(obx: Segment, raw: str) -> bool:
    """Without a type: components, the first of them a code and no words."""
    mark = obx.separators.component
    return mark in raw and not re.search(r"\s", raw.partition(mark)[0].strip())


def _numeric(obx: Segment, raw: str, unit: str, notes: Notes) -> ReadValue:
    repeated = obx.separators.repetitions(raw)
    if len(repeated) > 1:  # several readings of one test: no single number stands for them
        texts = [obx.separators.clean(one) for one in repeated]
        return ReadValue(
            value="\n".join(
                f"{found.comparator}{found.value}" if (found := number(text)) else text for text in texts if text
            )
        )
    text = obx.separators.clean(raw)
    found = measured(text.removeprefix(obx.separators.component or "\0"), unit)  # "^182": SN that is called NM
    if found is None:
        if text:
            notes.tally(
                "not-a-number",
                Severity.INFO,
                obx.where(5),
                "Résultat annoncé comme numérique (OBX-2 = NM) mais écrit en texte : transmis comme texte.",
            )
        return ReadValue(value=text)
    _tell_comma(text, obx, notes)
    return ReadValue(ValueType.NUMERIC, found.value, found.comparator)


def _tell_comma(text: str, obx: Segment, notes: Notes) -> None:
    if "," in text:
        notes.tally(
            "decimal-comma", Severity.INFO, obx.where(5), "Virgule décimale au lieu du point : lue comme un point."
        )


def _structured(composite: Composite, notes: Notes, obx: Segment) -> ReadValue:
    """SN: comparator ^ number ^ separator or suffix ^ number (§2.A.71)."""
    comparator, first, separator, second = (composite.whole(place) for place in (1, 2, 3, 4))
    if len(composite) == 1:
        comparator, first = "", comparator  # "<5" written as one piece
    one = number(first) if first else None
    if one is not None and not separator and not second and comparator in ("", *_COMPARATORS):
        _tell_comma(first, obx, notes)
        return ReadValue(ValueType.NUMERIC, one.value, _COMPARATORS.get(comparator, "") or one.comparator)
    comparator = _COMPARATORS.get(comparator, comparator)
    parts = [comparator, *(text.replace(",", ".") if number(text) else text for text in (first, separator, second))]
    return ReadValue(value="".join(parts))


def _coded(obx: Segment) -> ReadValue:
    """Text of the code: its own, the original text (component 9), the alternate's, else the code itself."""
    found = obx.composites(5)
    texts = [one.whole(2) or one.whole(9) or one.whole(5) or one.whole(1) or one.whole(4) for one in found]
    texts = [text for text in texts if text]
    if not texts:
        return ReadValue()
    first = coded(found[0]) if found[0].whole(1) else coded(found[0], 4)
    return ReadValue(ValueType.CODED, "\n".join(texts), "", first if first.code else None)


def _text(line: Line, kind: str, unit: str, notes: Notes) -> ReadValue:
    """Free text, repetitions as lines. A string that is one number with a unit is a number (frequent with ST)."""
    obx = line.obx
    texts: list[str] = []
    for segment in line.segments():
        raw = segment.fields[5].rstrip() if len(segment.fields) > 5 else ""
        separators = segment.separators
        # A leading separator is no empty line but a sign ("~10 leucocytes").
        cut = [raw] if raw.startswith(separators.repetition or "\0") else separators.repetitions(raw) or [""]
        texts.extend("" if one == '""' else separators.unescape(one).rstrip() for one in cut)
    text = "\n".join(texts).strip("\n")
    if "\n" not in text:
        text = text.strip()
    if kind in ("ST", "") and unit and (found := number(text)):
        _tell_comma(text, obx, notes)
        return ReadValue(ValueType.NUMERIC, found.value, found.comparator)
    return ReadValue(value=text)


def _date_text(obx: Segment, kind: str) -> str:
    """ISO 8601 of a date or time value; as written when it is none."""
    text = obx.component(5)
    if kind == "TM":
        clock = re.fullmatch(r"([01][0-9]|2[0-3]):?([0-5][0-9])(?::?([0-5][0-9]).*)?", text)
        return ":".join(part for part in clock.groups() if part) if clock else text
    when, _ = parse_when(text)
    return when.isoformat() if when is not None else text


def _joined(composite: Composite) -> str:
    """A data type of another kind (name, address, range), its parts as words."""
    return " ".join(part for place in range(1, len(composite) + 1) if (part := composite.whole(place)))


# ------------------------------------------------------------------------------------------------ who and how


def _label(obx: Segment, place: int) -> str:
    """Text of a coded field, else its code."""
    if not obx.raw(place):
        return ""
    composite = obx.composite(place)
    return composite.whole(2) or composite.whole(1)


def _method(obx: Segment) -> Code | None:
    """Code of the method (OBX-17), when it has one with its system."""
    if not obx.raw(17):
        return None
    code = coded(obx.composite(17))
    return code if code.code and code.system else None


def _performer(obx: Segment) -> Practitioner | None:
    """Performing organisation (OBX-23, an XON, with its address OBX-24), else the producer's label (OBX-15)."""
    name, number = organisation(obx.composite(23)) if obx.raw(23) else ("", "")
    name = name or _label(obx, 15)
    if not (name or number):
        return None
    where = address(obx.composite(24)) if obx.raw(24) else None
    return Practitioner(organisation=name, organisation_id=number, address=where)


def _validator(obx: Segment) -> str:
    """Name of the responsible observer (XCN), else its number."""
    raw = obx.raw(16)
    return _person_label(raw, obx.separators) if raw else ""


@lru_cache(maxsize=512)
def _person_label(raw: str, separators: Separators) -> str:
    """The few people who validate are on every line: remembered."""
    person = Composite(separators.repetitions(raw)[0], separators)
    return " ".join(part for place in (6, 2, 3) if (part := person.first(place))) or person.first(1)
