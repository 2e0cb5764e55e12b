"""Counts written with a point between thousands: ``224.000 /mm3`` reads as the decimal 224.

French laboratories count cells per mm3 in whole numbers, up to millions, and old systems group digits with a point.
Nothing is changed here: whether the point is a decimal one, only the laboratory can say (``thousands`` of a dialect).
"""

from __future__ import annotations

import re
from enum import Enum, auto


class Count(Enum):
    """What a unit counts in."""

    PER_MM3 = auto()
    """Cells per mm3 or µL: thousandths make no sense."""
    OTHER = auto()
    """Colonies, copies, germs per mL: thousandths would be odd."""


_GROUPED = re.compile(r"[<>=+ ]*[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
_CELLS = (
    r"(?:[ée]l[ée]m(?:ents?|\.)?|[ée]l?ts?\.?|cel(?:l(?:ules?|s)?)?\.?|h[ée]maties|globules(?: (?:blancs|rouges))?"
    r"|g[br]|leuco(?:cytes|s)?\.?|plaquettes|lymphocytes|nb(?:re)?\.?|nombre|#)"
)
_PER_MM3 = re.compile(
    rf"(?:\{{?{_CELLS}\}}? ?)?(?:/|par ?|p\. ?)? ?(?:mm ?[\^*]? ?[3³]|mmc|[μu]l|mcl|microl(?:itres?)?)", re.IGNORECASE
)
_OTHER = re.compile(
    r"(?:\{?(?:ufc|cfu|copies?|cop|cp|germes?|bact[ée]ries?|colonies)\}? ?(?:/|par ) ?.{1,12}|/ ?ml)", re.IGNORECASE
)


def per_mm3(unit: str) -> bool:
    """A plain count per mm3 or µL; ``10^3/mm3`` and ``G/L`` are none."""
    return _PER_MM3.fullmatch(unit.casefold().strip()) is not None


def grouped_by_points(text: str, unit: str) -> Count | None:
    """What the unit counts when ``text`` is a number in groups of three digits, else None.

    ``text`` is a normalised value or bound. A unit with a factor of its own (``10^3/mm3``, ``G/L``) is no plain count.
    """
    if not _GROUPED.fullmatch(text):
        return None
    if per_mm3(unit):
        return Count.PER_MM3
    return Count.OTHER if _OTHER.fullmatch(unit.casefold().strip()) else None
