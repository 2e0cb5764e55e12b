"""The plan of the body: chapters, groups, isolates and rows, each with the ID that narrative and entries share.

Built once from the report; the narrative and the coded entries are then two readings of the same plan, so every
reference resolves and nothing coded is missing from the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from dispatcher.formats.cda import wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import flat
from dispatcher.report.model import Battery, Observation, Specimen, Status, ValueType, When

FALLBACK = ("26436-6", "Examens de laboratoire")
"""LOINC "Laboratory studies": the honest chapter when nothing says which specialty an analysis belongs to."""


_COUNT = re.compile(r"\b(ufc|cfu|germes?|colonies)\b|d[ée]nombrement|num[ée]ration", re.IGNORECASE)
"""A line of an isolate that counts germs and is no antibiotic."""  # observed, not specified


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
    DROPPED = "dropped"
    """Deleted, wrong or not asked for: nowhere."""


_FATES = {
    "X": Fate.ABORTED,
    **dict.fromkeys(("I", "O"), Fate.WAITING),
    **dict.fromkeys(("D", "W", "N"), Fate.DROPPED),
}
"""HL7 table 0085, observation result status."""


@dataclass(frozen=True, slots=True)
class Row:
    """One result, ``key`` being the stem of its IDs."""

    key: str
    observation: Observation
    fate: Fate
    at: When | None


@dataclass(slots=True)
class Isolate:
    """A germ, what was counted of it, and its antibiogram."""

    organism: Row
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
    def empty(self) -> bool:
        return not (self.rows or self.isolates or any(c.strip() for c in self.battery.comments))


@dataclass(frozen=True, slots=True)
class Sample:
    """One specimen of a chapter."""

    key: str
    specimen: Specimen
    collected_at: When | None
    received_at: When | None


@dataclass(slots=True)
class Chapter:
    """One section of the body."""

    loinc: str
    display: str
    title: str
    groups: list[Group] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


def chapters(draft: Draft) -> list[Chapter]:
    """The plan, in file order; batteries of the same chapter stand together. Empty when there is nothing to show."""
    groups = _groups(draft)
    plan: dict[tuple[str, str], Chapter] = {}
    for group in groups:
        if group.empty:
            continue
        code, display, title = _chapter_of(draft, group)
        chapter = plan.setdefault((code, title), Chapter(code, display, title))
        chapter.groups.append(group)
    numbers = iter(range(1, 1_000_000))
    for chapter in plan.values():
        chapter.samples = list(_samples(draft, chapter, numbers))
    return list(plan.values())


def cover_chapters(draft: Draft) -> list[Chapter]:
    """Chapters for the header of a level-1 document: those of the results, else the general one."""
    return chapters(draft) or [Chapter(FALLBACK[0], FALLBACK[1], FALLBACK[1])]


def _chapter_of(draft: Draft, group: Group) -> tuple[str, str, str]:
    terminology = draft.context.terminology
    known = terminology.chapter_for(group.battery) if terminology else None
    if known is not None and known.loinc:
        title = flat(known.title) or FALLBACK[1]
        # Under the general code the title is the laboratory's own; the code keeps its own name.
        return known.loinc, FALLBACK[1] if known.loinc == FALLBACK[0] else title, title
    return FALLBACK[0], FALLBACK[1], flat(group.battery.chapter) or FALLBACK[1]


def _fate(observation: Observation, cancelled: bool) -> Fate:
    fate = _FATES.get(observation.status.upper(), Fate.RESULT)
    if fate is not Fate.RESULT:
        return fate
    if not (observation.value.strip() or observation.value_code or observation.document or observation.raw.strip()):
        return Fate.SILENT
    return Fate.CANCELLED if cancelled else Fate.RESULT


def _organism_of(observations: tuple[Observation, ...]) -> dict[int, int]:
    """Index of a line to the index of its organism; chains are followed up, broken or circular links ignored."""
    parents: dict[int, int] = {}
    for index, observation in enumerate(observations):
        at, steps = observation.parent, 0
        top: int | None = None
        while at is not None and 0 <= at < len(observations) and at != index and steps < 8:
            top, at, steps = at, observations[at].parent, steps + 1
        if top is not None and steps < 8:
            parents[index] = top
    return parents


def _groups(draft: Draft) -> list[Group]:
    report = draft.report
    observations = report.observations
    cancelled = report.status is Status.CANCELLED
    parents = _organism_of(observations)
    organisms = {i for i in parents.values() if i not in parents}
    isolates: dict[int, Isolate] = {}
    groups: list[Group] = []
    lines: list[tuple[int, Row, Group]] = []
    index = -1
    for number, battery in enumerate(report.batteries, 1):
        group = Group(f"b{number}", battery)
        groups.append(group)
        for observation in battery.observations:
            index += 1
            fate = _fate(observation, cancelled)
            if fate is Fate.DROPPED:
                continue
            row = Row(f"o{index + 1}", observation, fate, _when(draft, battery, observation))
            if index in organisms:
                isolates[index] = Isolate(row)
                group.isolates.append(isolates[index])
            elif index in parents:
                lines.append((parents[index], row, group))
            else:
                group.rows.append(row)
    _place_lines(isolates, lines)
    for group in groups:
        _place_counts(group)
    return groups


def _counts_germs(row: Row) -> bool:
    return bool(_COUNT.search(row.observation.unit) or _COUNT.search(wording.label(row.observation.code)))


def _place_lines(isolates: dict[int, Isolate], lines: list[tuple[int, Row, Group]]) -> None:
    """Antibiogram lines go under their organism, wherever the file put them."""
    for organism, row, group in lines:
        isolate = isolates.get(organism)
        if isolate is None:  # the organism was deleted: the line stays where the file has it
            group.rows.append(row)
            continue
        if _counts_germs(row):
            isolate.counts.append(row)
            continue
        isolate.lines.append(row)
        if not isolate.title and all(i is not isolate for i in group.isolates):
            isolate.title = group.title


def _place_counts(group: Group) -> None:
    """A row with the sub-id of exactly one organism of its battery belongs to it (HL7 v2 OBX-4).

    Beside a single germ a sub-id proves little, for many files number every line ``1``: then only counts move.
    """
    by_sub_id: dict[str, list[Isolate]] = {}
    for isolate in group.isolates:
        by_sub_id.setdefault(isolate.organism.observation.sub_id.strip(), []).append(isolate)
    by_sub_id.pop("", None)
    kept = []
    for row in group.rows:
        owners = by_sub_id.get(row.observation.sub_id.strip(), [])
        told_apart = len(by_sub_id) > 1 or _counts_germs(row)
        if len(owners) == 1 and told_apart and row.observation.type is not ValueType.DOCUMENT:
            owners[0].counts.append(row)
        else:
            kept.append(row)
    group.rows = kept


def _when(draft: Draft, battery: Battery, observation: Observation) -> When | None:
    specimen = battery.specimen
    return (
        observation.observed_at
        or battery.collected_at
        or (specimen.collected_at if specimen else None)
        or draft.report.collected_at
    )


def _samples(draft: Draft, chapter: Chapter, numbers: Iterator[int]) -> Iterator[Sample]:
    """Each specimen of the chapter once."""
    seen = set()
    for group in chapter.groups:
        specimen = group.battery.specimen
        if specimen is None or not (specimen.id or specimen.text or specimen.code):
            continue
        collected = specimen.collected_at or group.battery.collected_at or draft.report.collected_at
        received = specimen.received_at or draft.report.received_at
        identity = (specimen.id, specimen.text, specimen.code, collected)
        if identity not in seen:
            seen.add(identity)
            yield Sample(f"s{next(numbers)}", specimen, collected, received)
