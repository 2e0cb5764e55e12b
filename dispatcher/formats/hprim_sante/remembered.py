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
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.formats.er7.values import bounds
from dispatcher.report.model import Code, When

Key = TypeVar("Key")
Value = TypeVar("Value")
FULL = 8192
"""Entries of each kind."""


class Frame(NamedTuple):
    """What stands around a value."""

    unit: str
    low: str
    high: str
    range_text: str
    flags: tuple[str, ...]
    off_scale: str
    """``<`` or ``>`` among the flags."""


class Remembered:
    """The memory for one set of delimiters."""

    __slots__ = ("_codes", "_frames", "_moments", "_sectors", "_separators")

    def __init__(self, separators: Separators) -> None:
        self._separators = separators
        self._codes: dict[str, tuple[Code, Code | None, str | None]] = {}
        self._frames: dict[tuple[str, str, str], Frame] = {}
        self._moments: dict[str, When] = {}
        self._sectors: dict[str, tuple[str, str]] = {}

    def codes(self, obx: Segment, notes: Notes) -> tuple[Code, Code | None, str | None]:
        """OBX.3: code, second coding, LOINC. A coding that has something to tell is read again each time."""
        raw = obx.fields[3] if len(obx.fields) > 3 else ""
        known = self._codes.get(raw)
        if known is None:
            told = Notes()
            known = result_codes(obx, told)
            if told.problems:
                return result_codes(obx, notes)
            _room(self._codes)[raw] = known
        return known

    def frame(self, unit: str, span: str, flags: str) -> Frame:
        """Raw OBX.6, OBX.7 and OBX.8 understood."""
        key = (unit, span, flags)
        known = self._frames.get(key)
        if known is None:
            known = _room(self._frames)[key] = _frame(unit, span, flags, self._separators)
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


def _frame(unit: str, span: str, flags: str, separators: Separators) -> Frame:
    own = separators.clean(unit)
    text = " ; ".join(separators.unescape(one).strip() for one in separators.repetitions(span.strip()))
    low, high = bounds(text, own) if text else ("", "")
    parts = (Composite(one, separators).whole(1) for one in separators.repetitions(flags.strip()))
    found = tuple(flag for part in parts if (flag := part.upper()) and flag != "NULL")
    return Frame(own, low, high, text, found, next((flag for flag in found if flag in ("<", ">")), ""))


@lru_cache(maxsize=16)
def remembered(separators: Separators) -> Remembered:
    """The memory for these delimiters."""
    return Remembered(separators)
