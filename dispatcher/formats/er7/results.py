"""What both ER7 readers make of OBX lines before they differ: lines that belong together, the value read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from dispatcher.formats.er7.segments import Segment
from dispatcher.report.model import Code, ValueType


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
