"""What both ER7 readers make of OBX lines before they differ: lines that belong together, the value read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.values import bounds, number, repeated
from dispatcher.report.model import AltValue, Code, Observation, ValueType


@dataclass(slots=True)
class ResultLine:
    """One result as the file gives it: the OBX it is written on, those that go on with its text, its comments."""

    obx: Segment
    more: list[Segment] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def segments(self) -> list[Segment]:
        """All OBX of the line, in file order."""
        return [self.obx, *self.more] if self.more else [self.obx]

    def same_result(self, obx: Segment) -> bool:
        """``obx`` repeats code, sub-id, unit, flags and status of this line, and no comment stands in between."""
        return not self.comments and all(self.obx.raw(place) == obx.raw(place) for place in (3, 4, 6, 8, 11))


class ReadValue(NamedTuple):
    """OBX-5 understood: ``code`` for coded values only, ``comparator`` for numbers only."""

    type: ValueType = ValueType.TEXT
    value: str = ""
    comparator: str = ""
    code: Code | None = None


def in_two_units(obx: Segment) -> tuple[Segment, Segment] | None:
    """OBX-5 and OBX-6 repeated in parallel (``1.05~5.83``, ``g/L~mmol/L``): the line by one unit, then by the other.

    None unless two numbers meet two units, and the range is one (of the first) or two that can be read.
    """
    fields, cut = obx.fields, obx.separators
    if len(fields) < 7 or not cut.repetition or cut.repetition not in fields[6]:
        return None
    values, units = repeated(fields[5].strip(), cut), [one.strip() for one in repeated(fields[6].strip(), cut)]
    spans = [one.strip() for one in repeated(obx.raw(7), cut)] or [""]
    if fields[2].strip().upper() not in ("NM", "ST", "") or len(values) != 2 or len(units) != 2 or len(spans) > 2:
        return None
    if not all(units) or units[0] == units[1] or not all(number(cut.clean(one)) for one in values):
        return None
    if len(spans) == 2 and not all(any(bounds(cut.clean(one), units[at])) for at, one in enumerate(spans) if one):
        return None
    pair = (obx.redrawn(), obx.redrawn())
    for at, one in enumerate(pair):
        one.fields[5:7] = [values[at], units[at]]
        if len(one.fields) > 7:
            one.fields[7] = spans[at] if at < len(spans) else ""
    return pair


def as_alt(one: Observation) -> AltValue:
    """The same result in another unit; its LOINC code is that of the first unit, so none is kept."""
    return AltValue(value=f"{one.comparator} {one.value}".strip(), unit=one.unit, low=one.low, high=one.high)
