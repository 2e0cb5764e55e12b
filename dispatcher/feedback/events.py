"""What happens to a file or a dispatch that its LIS is told of, and which language has a word for it. Pure.

HL7: the technical acknowledgement (ACK) answers the file, ZAM^Z02 a delivery, ZAM^Z03 a reading (ANS, « Volet de
transmission d'un document CDA-R2 en HL7v2 » 2.1). HPRIM Santé knows a report of errors (context ERR) about the file
and nothing else. What neither can say (sent, unread, on paper, held…) only a CSV or JSON line tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from dispatcher.outbox.states import FileState, State


class Event(StrEnum):
    """What there is to tell."""

    TAKEN = "taken"
    """The file was read and its dispatches are made."""
    DUPLICATE = "duplicate"
    """Nothing new in it: it had come before."""
    REFUSED = "refused"
    """The file is in quarantine."""
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNREAD = "unread"
    """Nobody has read it: the laboratory was reminded, or a person called (docs/escalade.md)."""
    FAILED = "failed"
    PAPER = "paper"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    """Ended by a person."""
    HELD_LONG = "held-long"
    """Waits for a person for longer than the source says."""
    BATCH = "batch"
    """A batch is over: its statement."""
    DAY = "day"
    """A day is over: its statement."""


class Format(StrEnum):
    """How a source is answered."""

    HL7 = "hl7"
    HPRIM = "hprim"
    CSV = "csv"
    JSON = "json"


LINES = (Format.CSV, Format.JSON)
"""Formats with a line an event, and the only ones a statement is written in."""
STATEMENTS = frozenset({Event.BATCH, Event.DAY})
_ABOUT_FILES = frozenset({Event.TAKEN, Event.DUPLICATE, Event.REFUSED})
SAYS: Mapping[Format, frozenset[Event]] = {
    Format.HL7: _ABOUT_FILES | {Event.DELIVERED, Event.READ, Event.FAILED},
    Format.HPRIM: _ABOUT_FILES,
    Format.CSV: frozenset(Event),
    Format.JSON: frozenset(Event),
}
"""What each language has a word for."""

OF_DISPATCH: Mapping[State, Event] = {
    State.SENT: Event.SENT,
    State.DELIVERED: Event.DELIVERED,
    State.READ: Event.READ,
    State.FAILED: Event.FAILED,
    State.PAPER: Event.PAPER,
    State.WITHDRAWN: Event.WITHDRAWN,
    State.CLOSED: Event.CLOSED,
}
OF_LADDER: Mapping[str, Event] = {"dispatch.reminded": Event.UNREAD, "dispatch.person-called": Event.UNREAD}
"""By event of the journal: news though the dispatch stays in its state."""
OF_FILE: Mapping[FileState, Event] = {
    FileState.DONE: Event.TAKEN,
    FileState.DUPLICATE: Event.DUPLICATE,
    FileState.QUARANTINED: Event.REFUSED,
}

Telling = Mapping[str, Mapping[Event, tuple[Format, ...]]]
"""For each source the events it is told of, and in which formats."""


def telling_of(formats: Iterable[Format], events: Iterable[Event]) -> dict[Event, tuple[Format, ...]]:
    """The events of one source that some of its formats can say."""
    wanted, asked = tuple(dict.fromkeys(formats)), frozenset(events)
    told = {event: tuple(one for one in wanted if event in SAYS[one]) for event in Event if event in asked}
    return {event: said for event, said in told.items() if said}
