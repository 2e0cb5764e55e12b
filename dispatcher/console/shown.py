"""How values are written on a page: times of Paris, ages, numbers, states in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel.dates import format_datetime
from babel.numbers import format_decimal
from markupsafe import Markup

from dispatcher import french
from dispatcher.clock import paris
from dispatcher.console.texts import ENGLISH, LANGUAGE, gettext
from dispatcher.outbox.states import FILE_STATES, STATES, FileState, State

NOTHING = "–"
_MOMENT = {ENGLISH: "d MMM y HH:mm"}
_DAY = {ENGLISH: "d MMM y"}
TONES = {
    State.HELD: "warn",
    State.DEFERRED: "warn",
    State.UNKNOWN: "bad",
    State.FAILED: "bad",
    State.PAPER: "warn",
    State.READ: "good",
    State.DELIVERED: "good",
    State.SENT: "good",
    FileState.QUARANTINED: "bad",
    FileState.DONE: "good",
    FileState.WAITING: "warn",
}
"""The colour beside the word; grey where it is missing."""


def moment(value: datetime | None) -> str:
    """Day and hour in Paris, or a dash."""
    return _written(value, _MOMENT.get(LANGUAGE.get(), "dd/MM/y HH:mm"))


def day(value: datetime | None) -> str:
    """The day in Paris, or a dash."""
    return _written(value, _DAY.get(LANGUAGE.get(), "dd/MM/y"))


def hour(value: datetime | None) -> str:
    """The hour in Paris, or a dash."""
    return _written(value, "HH:mm")


def _written(value: datetime | None, pattern: str) -> str:
    """For people, with the exact moment for programs."""
    if value is None:
        return NOTHING
    local = paris(value)
    told = format_datetime(local.replace(tzinfo=None), pattern, locale="en_GB")
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), told)


def age(value: timedelta | None) -> str:
    """« 3 min », « 2 h 05 », « 4 j »."""
    if value is None:
        return NOTHING
    told = french.age(value)
    return f"{told[:-2]} d" if LANGUAGE.get() == ENGLISH and told.endswith(" j") else told


def number(value: int) -> str:
    """With the thousands apart."""
    return format_decimal(value, locale="en_GB" if LANGUAGE.get() == ENGLISH else "fr_FR")


def state(value: State) -> str:
    """The state of a dispatch in words."""
    return gettext(STATES[value])


def file_state(value: FileState) -> str:
    """The state of a source file in words."""
    return gettext(FILE_STATES[value])


def tone(value: State | FileState) -> str:
    """``good``, ``warn``, ``bad`` or ``calm``."""
    return TONES.get(value, "calm")


FILTERS = {
    "moment": moment,
    "day": day,
    "hour": hour,
    "age": age,
    "number": number,
    "state": state,
    "file_state": file_state,
    "tone": tone,
}
