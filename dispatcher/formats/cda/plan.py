"""What the plan of the body is made of: chapters, parts, groups, isolates and rows.

Built once from the report (:mod:`dispatcher.formats.cda.layout`); the narrative and the coded entries are then two
readings of the same plan, so every reference resolves and nothing coded is missing from the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from dispatcher.formats.cda import wording
from dispatcher.formats.cda.elements import flat
from dispatcher.report.model import Attachment, Battery, Observation, Practitioner, Specimen, When


class Fate(Enum):
    """What becomes of a result in the document."""

    RESULT = "result"
    """Coded, status completed."""
    ABORTED = "aborted"
    """Coded without a value: the analysis could not be done."""
    CANCELLED = "cancelled"
    """Coded without a value: the whole report is cancelled."""
    WAITING = "waiting"
    """In the text only: a result still to come has no status the 2024.01 rules accept."""
    SILENT = "silent"
    """In the text only: a line without value (heading, bare comment)."""
    WITHDRAWN = "withdrawn"
    """In the text only, without its value: deleted or wrong."""
    DROPPED = "dropped"
    """Not asked for: nowhere."""


IMAGES = frozenset({"image/png", "image/jpeg", "image/gif"})
"""Media types an ``observationMedia`` may hold as a picture (CR-BIO 2024.01)."""
PDF = "application/pdf"


def is_pdf(document: Attachment | None) -> bool:
    """A PDF by its type and by its first bytes."""
    return document is not None and document.media_type == PDF and b"%PDF-" in document.content[:1024]


CODED_FATES = (Fate.RESULT, Fate.ABORTED, Fate.CANCELLED)
"""No set: an enumeration's own hash is slow."""


@dataclass(slots=True)
class Row:
    """One result, ``key`` being the stem of its IDs."""

    key: str
    observation: Observation
    fate: Fate
    at: When | None
    performer: Practitioner | None = None
    """The sub-contractor of this one result; None when it is said for the whole part."""
    validator: Practitioner | None = None
    """Who validated this one result; None when it is said for the whole part."""

    tested: bool = False
    """A line of an antibiogram: its own letter S, I or R is its interpretation when it has no other."""
    label: str = field(init=False)
    """Name of the analysis."""

    def __post_init__(self) -> None:
        self.label = wording.label(self.observation.code, self.observation.alternate)

    @property
    def coded(self) -> bool:
        """It becomes an entry, not text alone."""
        return self.fate in CODED_FATES


@dataclass(slots=True)
class Isolate:
    """A germ, what was counted of it, and its antibiogram."""

    organism: Row
    number: int = 1
    """Rank in the report, for people."""
    counts: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    title: str = ""


@dataclass(slots=True)
class Group:
    """One battery of the report, less what moved into isolates."""

    key: str
    battery: Battery
    rows: list[Row] = field(default_factory=list)
    isolates: list[Isolate] = field(default_factory=list)

    @property
    def title(self) -> str:
        return flat(self.battery.title or self.battery.code.text)

    @property
    def heading(self) -> str:
        """ID of what names it in the text: its own heading, or its one result of the same name; empty: nothing does."""
        if len(self.rows) == 1 and not self.isolates:
            only = self.rows[0]
            if self.title.casefold() == only.label.casefold():
                return only.key
        return self.key if self.title else ""

    @property
    def empty(self) -> bool:
        return not (self.rows or self.isolates or any(c.strip() for c in self.battery.comments))


@dataclass(frozen=True, slots=True)
class Sample:
    """One specimen of a part."""

    key: str
    specimen: Specimen
    collected_at: When | None
    received_at: When | None


@dataclass(slots=True)
class Part:
    """What one text and one entry hold: a whole chapter, or one of its sub-chapters."""

    loinc: str
    display: str
    title: str
    groups: list[Group] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    performer: Practitioner | None = None
    """The sub-contractor, when it carried out every result here."""
    validator: Practitioner | None = None
    """Who validated, when it is one person for every result here."""

    def rows(self) -> Iterator[Row]:
        """Every result, those of isolates too."""
        for group in self.groups:
            yield from group.rows
            for isolate in group.isolates:
                yield isolate.organism
                yield from isolate.counts
                yield from isolate.lines


@dataclass(slots=True)
class Chapter:
    """One section of the first level: either one part, or sub-chapters only."""

    loinc: str
    display: str
    title: str
    parts: list[Part] = field(default_factory=list)
    divided: bool = False
    """Its parts are sub-chapters, with sections of their own."""
