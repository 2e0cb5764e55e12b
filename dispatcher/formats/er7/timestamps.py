"""Dates and times of HL7 v2 and HPRIM files: ``YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`` and what people write instead.

HL7 v2.5 chapter 2.A §2.A.77 (TS). A moment without offset is Europe/Paris (decision of this project). What is not a
calendar date is told, never raised: zeros, French pseudo months (20, 30 to 42, 50 to 99) in birth dates.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache

from dispatcher.clock import PARIS
from dispatcher.report.model import When

_TS = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<month>[0-9]{2})(?:(?P<day>[0-9]{2})"
    r"(?:(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?:(?P<second>[0-9]{2})(?:[.,][0-9]*)?)?)?)?)?)?"
    r"(?P<offset>[+-][0-9]{2}:?[0-9]{2}|Z)?"
)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]\s*([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?(\S*))?")
_FRENCH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?:\s+([0-9]{2})[:hH]([0-9]{2})(?::([0-9]{2}))?)?")
_YEARS = range(1850, 2200)


class Fault(StrEnum):
    """Why a text gave no moment, or less than it says."""

    NONE = ""
    PARTIAL = "partial"
    """A year, or a year and a month."""
    INVALID = "invalid"
    """Not a date of the calendar."""
    TIME = "time"
    """The day is good, the time of day is not: the day was kept."""


@lru_cache(maxsize=2048)
def parse_when(text: str) -> tuple[When | None, Fault]:
    """``"202403110745"`` to an aware moment, ``"20240311"`` to a day; ``(None, why)`` for what is neither."""
    text = text.strip()
    if not text:
        return None, Fault.NONE
    match = _TS.fullmatch(_plain(text))
    if match is None:
        return None, Fault.INVALID
    if match["day"] is None or match["day"] == "00" or match["month"] == "00":
        zero = not int(match["year"])
        return None, Fault.INVALID if zero else Fault.PARTIAL
    if int(match["year"]) not in _YEARS:
        return None, Fault.INVALID
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None, Fault.INVALID
    if match["hour"] is None:
        return day, Fault.NONE
    return _moment(day, match)


def _plain(text: str) -> str:
    """ISO 8601 and French forms rewritten in the compact form."""
    if iso := _ISO.fullmatch(text):
        return "".join(part or "" for part in iso.groups())
    if french := _FRENCH.fullmatch(text):
        day, month, year, *time = french.groups()
        return "".join((year, month, day, *(part or "" for part in time)))
    return text


def _moment(day: date, match: re.Match[str]) -> tuple[When, Fault]:
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), min(int(match["second"] or 0), 59)
    if hour == 24 and not minute:
        hour, day = 0, day + timedelta(days=1)
    if hour > 23 or minute > 59 or int(match["second"] or 0) > 60:
        return day, Fault.TIME
    zone = _zone(match["offset"])
    return (
        (day, Fault.TIME)
        if zone is None
        else (
            datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone),
            Fault.NONE,
        )
    )


def _zone(offset: str | None) -> tzinfo | None:
    if not offset:
        return PARIS
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "")
    delta = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if delta > timedelta(hours=14):
        return None
    return timezone(-delta if offset[0] == "-" else delta)
