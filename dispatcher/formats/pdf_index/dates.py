"""Dates of an index in every French form: ``12/03/1979``, ``12-3-1979``, ``19790312``, ``12 mars 1979 à 7h45``, ISO.

Text in, day or moment out; None for what is none. Month before day is never read: ``03/25/2026`` is no date here.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from dispatcher.clock import PARIS
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.formats.hprim_medecins.dates import Form, read_birth_date
from dispatcher.report.folding import fold
from dispatcher.report.model import When
from dispatcher.report.moments import day_of

_MONTHS = ("janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre")
MONTHS = {
    **{
        spelt: n for n, name in enumerate((*_MONTHS, "novembre", "decembre"), 1) for spelt in (name, name[:4], name[:3])
    },
    "juil": 7,
    "jui": 0,  # June or July
}
_WORDS = re.compile(r"(?:[a-z]{2,8} )?(\d{1,2})(?:er)? ([a-z]{3,9})\.? (\d{4})(.*)")
_TIME = re.compile(
    r"\s*(?:a|t|-|,)?\s*(\d{1,2})\s*[h:.](?:\s*(\d{2}))?(?:\s*[:m.]?\s*(\d{2})\s*s?)?(?:[.,]\d+)?([zZ]|[+-]\d{2}:?\d{2})?\s*"
)
_DAY = re.compile(
    r"(\d{1,2}[-/. ]\d{1,2}[-/. ]\d{4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}/\d{1,2}/\d{2})(?=\D|$)(.*)", re.DOTALL
)


def read_moment(text: str, time: str = "") -> When | None:
    """A day or an aware moment (Paris when nothing else is said); ``time``: an hour that stands apart."""
    bare = fold(text).strip()
    when = _moment(bare)
    if time.strip() and when is not None and not isinstance(when, datetime):
        return _with_time(when, fold(time).strip()) or when
    return when


def _moment(bare: str) -> When | None:
    if found := _WORDS.fullmatch(bare):
        month = MONTHS.get(found[2], 0)
        day = _day(int(found[3]), month, int(found[1]))
        return _with_time(day, found[4]) if day else None
    if found := _DAY.fullmatch(bare):
        day = _numbers(found[1])
        return _with_time(day, found[2]) if day else None
    when, fault = parse_when(bare.upper())
    if when is not None:
        return when
    day = read_birth_date(bare, None).day
    return day if fault is not Fault.PARTIAL else None


def _numbers(text: str) -> date | None:
    parts = [int(part) for part in re.split(r"[-/. ]", text)]
    if len(re.split(r"[-/. ]", text)[0]) == 4:
        return _day(parts[0], parts[1], parts[2])
    year = parts[2] if parts[2] > 99 else 2000 + parts[2]
    return _day(year, parts[1], parts[0])


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1850 <= year < 2200 else None
    except ValueError:
        return None


def _with_time(day: date, rest: str) -> When | None:
    """The moment; the day alone when nothing follows it or midnight exactly; None when what follows is no time."""
    if not rest.strip():
        return day
    found = _TIME.fullmatch(rest)
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if (hour, minute, second) == (0, 0, 0) and not found[4]:
        return day  # a spreadsheet's midnight
    try:
        if found[4]:
            return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}:{second:02}{found[4].upper()}")
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=PARIS)
    except ValueError:
        return None


def read_birth(text: str, report_day: date | None) -> tuple[date | None, Form]:
    """Day of birth, and how it was written. Two digits of a year are read against the report's day, never without."""
    bare = text.strip()
    if re.fullmatch(r"\d{1,2}/\d{1,2}/\d{2}", bare):
        bare = "/".join(part.zfill(2) for part in bare.split("/"))
    read = read_birth_date(bare, report_day)
    if read.day is not None or read.form in (Form.NOT_CALENDAR, Form.SHORT_YEAR):
        return read.day, read.form
    when = read_moment(bare) if not re.match(r"\d{1,2}/\d{1,2}/\d{2}(?!\d)", bare) else None
    return (day_of(when), Form.OTHER) if when is not None else (None, Form.NONE)
