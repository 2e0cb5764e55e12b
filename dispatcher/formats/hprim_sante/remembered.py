"""What the OBX lines of a laboratory repeat all day, read once: codes, units, ranges, flags, chapters.

Results themselves are never remembered. One memory for each set of delimiters, emptied when it is full.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeVar

from dispatcher.formats.er7.coding import result_codes
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.er7.status import letter
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.formats.er7.values import bounds, repeated
from dispatcher.report.model import Observation, When

Key = TypeVar("Key")
Value = TypeVar("Value")
FULL = 8192
"""Entries of each kind."""


class Shape(NamedTuple):
    """What a laboratory's catalogue says of a result, and the few letters that go with it: all but the result."""

    kind: str
    catalogue: Observation
    """Codes, unit, range, flags and status; no value."""
    off_scale: str
    """``<`` or ``>`` among the flags."""


class Remembered:
    """The memory for one set of delimiters."""

    __slots__ = ("_moments", "_sectors", "_separators", "_shapes")

    def __init__(self, separators: Separators) -> None:
        self._separators = separators
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._moments: dict[str, When] = {}
        self._sectors: dict[str, tuple[str, str]] = {}

    def shape(self, obx: Segment, fields: list[str], notes: Notes) -> Shape:
        """OBX.2, .3, .6, .7, .8 and .11. A coding that has something to tell is read again each time."""
        key = (fields[2], fields[3], fields[6], fields[7], fields[8], fields[11])
        known = self._shapes.get(key)
        if known is None:
            told = Notes()
            known = _shape(obx, fields, told)
            if told.problems:
                return _shape(obx, fields, notes)
            _room(self._shapes)[key] = known
        return known

    def moment(self, raw: str) -> When | None:
        """OBX.14, when it is a good date; None when it has to be looked at."""
        known = self._moments.get(raw)
        if known is None:
            known, fault = parse_when(raw.strip()) if raw.strip().isalnum() else (None, Fault.NONE)
            if known is not None and fault is Fault.NONE:
                _room(self._moments)[raw] = known
            else:
                known = None
        return known

    def sector(self, obx: Segment) -> tuple[str, str]:
        """OBX.15: chapter, and the code of the test asked for that the result answers."""
        raw = obx.fields[15] if len(obx.fields) > 15 else ""
        known = self._sectors.get(raw)
        if known is None:
            first = self._separators.repetitions(raw.strip())
            composite = Composite(first[0] if first else "", self._separators)
            known = _room(self._sectors)[raw] = composite.whole(1), composite.whole(3)
        return known


def _room(memory: dict[Key, Value]) -> dict[Key, Value]:
    if len(memory) >= FULL:
        memory.clear()
    return memory


def _shape(obx: Segment, fields: list[str], notes: Notes) -> Shape:
    separators = obx.separators
    code, alternate, loinc = result_codes(obx, notes)
    unit = separators.clean(fields[6])
    text = " ; ".join(separators.unescape(one).strip() for one in repeated(fields[7].strip(), separators))
    low, high = bounds(text, unit) if text else ("", "")
    parts = (Composite(one, separators).whole(1) for one in separators.repetitions(fields[8].strip()))
    flags = tuple(flag for part in parts if (flag := part.upper()) and flag != "NULL")
    catalogue = Observation.of(
        code=code,
        alternate=alternate,
        loinc=loinc,
        unit=unit,
        low=low,
        high=high,
        range_text=text,
        flags=flags,
        status=letter(obx.component(11)),
    )
    off_scale = next((flag for flag in flags if flag in ("<", ">")), "")
    return Shape(fields[2].strip().upper(), catalogue, off_scale)


@lru_cache(maxsize=16)
def remembered(separators: Separators) -> Remembered:
    """The memory for these delimiters."""
    return Remembered(separators)
