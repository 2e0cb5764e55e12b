"""The laboratory's own lines for one recipient: which of them are about him, and which hold that day. Pure.

A line bears a code and not what kind of number that is. Nine characters may be an ADELI, a FINESS or a code of the
laboratory's own: a number the file types as one of the first two is not to be mistaken for the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, bare_identifier
from dispatcher.routing.route import Wanted


def ambiguous(wanted: Wanted) -> bool:
    """The file types a number whose digits another register, or a code of the laboratory, may bear too."""
    return wanted.id_type is not IdType.LOCAL and len(compact(wanted.id)) == LENGTHS[IdType.ADELI]


def about(wanted: Wanted, lines: Iterable[LocalEntry]) -> tuple[LocalEntry, ...]:
    """Lines of this code that are about the recipient: all, unless his number is :func:`ambiguous`.

    Then those that bear the very number with its type, or translate it into another of a person or of a structure.
    """
    if not ambiguous(wanted):
        return tuple(lines)
    family = PEOPLE if wanted.id_type in PEOPLE else STRUCTURES
    return tuple(line for line in lines if line.identifier and line.id_type in family)


def doubtful(wanted: Wanted, lines: Iterable[LocalEntry]) -> tuple[LocalEntry, ...]:
    """Lines that may mean a code of the laboratory and not this number. None as soon as one is about the recipient.

    A line that bears the same digits as a number of another kind is no doubt: it is about that one.
    """
    found = tuple(lines)
    if about(wanted, found):
        return ()
    return tuple(line for line in found if bare_identifier(IdType.LOCAL, line.identifier) != wanted.id)


def valid(line: LocalEntry, day: date) -> bool:
    """Both days of a line count."""
    return (line.valid_from is None or line.valid_from <= day) and (line.valid_to is None or day <= line.valid_to)


def in_force(lines: Iterable[LocalEntry], day: date) -> tuple[LocalEntry, ...]:
    """Lines to follow that day: those of the very source before those of all.

    Once the source's own line has ended, the one for all sources is not followed in its place: it may name somebody
    else. Before the first own line begins, it is.
    """
    found = tuple(lines)
    own = [line for line in found if line.source]
    today = tuple(line for line in own if valid(line, day))
    if today or any(line.valid_to is not None and line.valid_to < day for line in own):
        return today
    return tuple(line for line in found if valid(line, day))
