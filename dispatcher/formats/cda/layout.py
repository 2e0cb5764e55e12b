"""The plan of the body: which battery stands in which chapter and sub-chapter, with which specimens.

CR-BIO 2024.01 (S_laboratorySpecialty.sch, S_laboratoryReportItem.sch): a chapter is one part, or holds sub-chapters
only. It is divided as soon as a battery names a sub-chapter, or a LOINC code of the tables is one of a chapter's
sub-chapters. What names none then stands in a part titled like the chapter itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from dispatcher.formats.cda import wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import flat
from dispatcher.formats.cda.grouping import groups
from dispatcher.formats.cda.plan import Chapter, Group, Part, Sample
from dispatcher.formats.cda.who import common

FALLBACK = ("26436-6", "Examens de laboratoire")
"""LOINC "Laboratory studies": the honest chapter when nothing says which specialty an analysis belongs to."""
_DIRECT = re.compile(r"\b(direct|macroscop|microscop|cytolog|gram)", re.IGNORECASE)
"""Title of what is seen before any culture; read first, wherever the file has it."""  # observed, not specified


def chapters(draft: Draft) -> list[Chapter]:
    """The plan, in file order; batteries of the same chapter stand together. Empty when there is nothing to show."""
    plan: dict[tuple[str, str], Chapter] = {}
    parts: dict[tuple[str, str, str], Part] = {}
    for group in groups(draft):
        if group.empty:
            continue
        above, below = _place(draft, group)
        chapter = plan.setdefault((above.code, above.title), Chapter(above.code, above.display, above.title))
        chapter.divided = chapter.divided or below is not None
        key = (above.code, above.title, below.title.casefold() if below else "")
        if key not in parts:
            name = below or above
            parts[key] = Part(name.code, name.display, name.title)
            chapter.parts.append(parts[key])
        parts[key].groups.append(group)
    numbers = iter(range(1, 1_000_000))
    for part in parts.values():
        _finish(draft, part, numbers)
    return list(plan.values())


def cover_chapters(draft: Draft) -> list[Chapter]:
    """Chapters for the header of a level-1 document: those of the results, else the general one."""
    return chapters(draft) or [Chapter(FALLBACK[0], FALLBACK[1], FALLBACK[1])]


class _Name(NamedTuple):
    """Of a chapter or sub-chapter: LOINC code, the code's own name, the title people read."""

    code: str
    display: str
    title: str


def _place(draft: Draft, group: Group) -> tuple[_Name, _Name | None]:
    """The chapter, and the sub-chapter when there is one."""
    battery = group.battery
    named = flat(battery.subchapter)
    terminology = draft.context.terminology
    known = terminology.chapter_for(battery) if terminology else None
    if terminology is None or known is None or not known.loinc:
        chapter = _Name(*FALLBACK, flat(battery.chapter) or FALLBACK[1])
        return chapter, _below(chapter, FALLBACK[0], FALLBACK[1], named)
    above = terminology.parent_chapter(known)
    if above is not None:
        chapter = _Name(above.loinc, above.title, above.title)
        return chapter, _below(chapter, known.loinc, known.title, named or known.title)
    title = flat(known.title) or FALLBACK[1]
    # Under the general code the title is the laboratory's own; the code keeps its own name.
    chapter = _Name(known.loinc, FALLBACK[1] if known.loinc == FALLBACK[0] else title, title)
    closer = terminology.chapter_named(named) if named else None
    return chapter, _below(
        chapter, closer.loinc if closer else chapter.code, closer.title if closer else chapter.display, named
    )


def _below(chapter: _Name, code: str, display: str, title: str) -> _Name | None:
    """The sub-chapter, unless it only repeats the chapter."""
    return _Name(code, flat(display), title) if title and title.casefold() != chapter.title.casefold() else None


def _finish(draft: Draft, part: Part, numbers: Iterator[int]) -> None:
    """Specimens; direct examinations before cultures; people who did everything here are said once for all."""
    if any(group.isolates for group in part.groups):
        part.groups.sort(key=lambda group: not (_direct(group) and not group.isolates))
    part.samples = list(_samples(draft, part, numbers))
    rows = list(part.rows())
    coded = [row for row in rows if row.coded]
    part.performer = common(row.performer for row in coded)
    part.validator = common(row.validator for row in coded)
    for row in rows:
        row.performer = None if part.performer else row.performer
        row.validator = None if part.validator else row.validator


def _direct(group: Group) -> bool:
    labels = (wording.label(row.observation.code) for row in group.rows)
    return bool(_DIRECT.search(group.title)) or any(_DIRECT.search(label) for label in labels)


def _samples(draft: Draft, part: Part, numbers: Iterator[int]) -> Iterator[Sample]:
    """Each specimen of the part once."""
    seen = set()
    for group in part.groups:
        specimen = group.battery.specimen
        if specimen is None or not (specimen.id or specimen.text or specimen.code):
            continue
        collected = specimen.collected_at or group.battery.collected_at or draft.report.collected_at
        received = specimen.received_at or draft.report.received_at
        identity = (specimen.id, specimen.text, specimen.code, collected)
        if identity not in seen:
            seen.add(identity)
            yield Sample(f"s{next(numbers)}", specimen, collected, received)
