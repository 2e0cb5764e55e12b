"""Dates of header lines 7 and 10, in every form met.

Text in, :class:`DateRead` out; never raises. The forms and who accepts them: notes "HPRIM" §1.2. No clock is asked: a
two-digit year of birth is read against the date of the report itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dispatcher.clock import PARIS
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.report.model import When


class Form(StrEnum):
    """How the date was written."""

    STANDARD = "standard"
    SHORT_YEAR = "short-year"
    OTHER = "other"
    """ISO, dashes, dots, no separator at all: readable, and refused by several receivers."""
    EMBEDDED = "embedded"
    NOT_CALENDAR = "not-calendar"
    """Looks like a date but is none: pseudo months of some national identifiers, 31 February."""
    BLANK = "blank"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DateRead:
    """``when`` is the day, or an aware moment when line 10 carries a time; None unless the form gives one."""

    when: When | None
    form: Form

    @property
    def dated(self) -> bool:
        """The line holds something meant as a date, so it is where a date line belongs."""
        return self.form not in (Form.BLANK, Form.NONE)

    @property
    def day(self) -> date | None:
        return self.when.date() if isinstance(self.when, datetime) else self.when


_SHORT = re.compile(r"(\d{2})/(\d{2})/(\d{2})")
_OTHERS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"),
    re.compile(r"(?P<d>\d{1,2})[-./ ](?P<m>\d{1,2})[-./ ](?P<y>\d{4})"),
    re.compile(r"(?P<d>\d{2})(?P<m>\d{2})(?P<y>(?:18|19|20)\d{2})"),
    re.compile(r"(?P<y>(?:18|19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})"),
)
_TIMED = re.compile(r"(\d{2}/\d{2}/\d{4})\s+(?:à\s*)?(\d{1,2})\s*[:hH]\s*(\d{2})(?:[:mM]\s*\d{2})?")
_INSIDE = re.compile(r"(?<!\d)(\d{2})/(\d{2})/(\d{4}|\d{2})(?!\d)")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read(text: str, century: int | None) -> DateRead:
    """One date alone on the line. ``century`` completes two-digit years; None leaves them unread."""
    bare = text.strip()
    if not bare:
        return DateRead(None, Form.BLANK)
    if found := grammar.DATE.fullmatch(bare):
        day = _day(int(found[3]), int(found[2]), int(found[1]))
        return DateRead(day, Form.STANDARD if day else Form.NOT_CALENDAR)
    if found := _SHORT.fullmatch(bare):
        year = None if century is None else century + int(found[3])
        day = None if year is None else _day(year, int(found[2]), int(found[1]))
        wrong = year is not None and day is None
        return DateRead(day, Form.NOT_CALENDAR if wrong else Form.SHORT_YEAR)
    return _read_other(bare)


def _read_other(bare: str) -> DateRead:
    seen = False
    for pattern in _OTHERS:
        if found := pattern.fullmatch(bare):
            seen = True
            if day := _day(int(found["y"]), int(found["m"]), int(found["d"])):
                return DateRead(day, Form.OTHER)
    return DateRead(None, Form.NOT_CALENDAR if seen else Form.NONE)


def read_birth_date(text: str, report_day: date | None) -> DateRead:
    """Line 7. A two-digit year is in the 2000s unless that lies after ``report_day`` (Episodus); unread without it."""
    read = _read(text, None)
    if read.form is not Form.SHORT_YEAR or report_day is None:
        return read
    recent = _read(text, 2000)
    if recent.day is not None and recent.day <= report_day:
        return recent
    return _read(text, 1900)


def read_report_date(text: str) -> DateRead:
    """Line 10. Two-digit years are always 20xx; a time of day is read as Paris time; a date inside words is found."""
    read = _read(text, 2000)
    if read.form is not Form.NONE:
        return read
    if found := _TIMED.search(text):
        read = _read(found[1], 2000)
        hour, minute = int(found[2]), int(found[3])
        if read.day is not None and hour < 24 and minute < 60:
            when = datetime(read.day.year, read.day.month, read.day.day, hour, minute, tzinfo=PARIS)
            return DateRead(when, Form.STANDARD)
        return read
    if found := _INSIDE.search(text):
        read = _read(found[0], 2000)
        return DateRead(read.when, Form.EMBEDDED if read.day else read.form)
    return read
