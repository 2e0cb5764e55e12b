"""Dates and moments as CDA writes them (HL7 V3 data type TS; CI-SIS: to the second, with the offset of France).

``yyyymmddHHMMSS+zzzz`` in Europe/Paris for a moment, ``yyyymmdd`` for a day.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from dispatcher.clock import PARIS, paris
from dispatcher.report.model import When


def stamp(when: When) -> str:
    """The TS text. A moment without offset is Europe/Paris (report model)."""
    if isinstance(when, datetime):
        return _stamp(when, when.fold)
    return when.isoformat().replace("-", "")


@lru_cache(maxsize=512)
def _stamp(when: datetime, fold: int) -> str:
    """The moments of one report come back with every result; ``fold`` tells apart the two 02:30 of a clock change."""
    del fold
    at = paris(moment(when))
    # strftime forgets the leading zeros of years before 1000; before 1911 the offset of Paris has seconds.
    return f"{at.year:04d}{at:%m%d%H%M%S}{at.strftime('%z')[:5]}"


def moment(when: When) -> datetime:
    """A moment to compare with: a day counts as its midnight in Paris."""
    if isinstance(when, datetime):
        return when if when.tzinfo else when.replace(tzinfo=PARIS)
    return datetime(when.year, when.month, when.day, tzinfo=PARIS)


def shown(when: When) -> str:
    """As people read it: ``04/01/2024 à 07:35`` or ``04/01/2024``."""
    if isinstance(when, datetime):
        at = paris(when) if when.tzinfo else when
        return f"{at.day:02d}/{at.month:02d}/{at.year:04d} à {at.hour:02d}:{at.minute:02d}"
    return f"{when.day:02d}/{when.month:02d}/{when.year:04d}"
