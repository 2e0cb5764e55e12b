"""One message of a LIS with habits of its own, as the readers know it: segments in, segments out. Never raises.

The only place where a dialect meets an ER7 message. What was changed keeps its line in the file and, for results, the
text as it was written (:meth:`Segment.written`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dispatcher.dialects.model import Dialect
from dispatcher.formats.dialect import moves, people, values
from dispatcher.formats.dialect.layouts import LAYOUTS
from dispatcher.formats.dialect.results import rebuild
from dispatcher.formats.dialect.tree import tree
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.wishes import is_wish
from dispatcher.report.model import Report


def understood(segments: Sequence[Segment], dialect: Dialect | None, notes: Notes) -> tuple[Segment, ...]:
    """The same message in the words of its standard. Without a dialect, or with one of another format, unchanged."""
    layout = LAYOUTS.get(dialect.format) if dialect is not None else None
    if dialect is None or layout is None:
        return tuple(segments)
    message = [segment if _is_wish(segment) else segment.redrawn() for segment in segments]
    drafts = [segment for segment in message if not _is_wish(segment)]
    values.null_words(drafts, dialect, layout)
    root = tree(drafts, layout)
    used_up = people.copies(root, dialect, layout, notes)
    moves.move(root, dialect, layout)
    people.number_kinds(root, dialect, layout)
    people.order_names(root, dialect, layout)
    values.authorities(drafts, dialect)
    values.codes(drafts, dialect)
    values.numbers(drafts, dialect.numbers, notes)
    values.letters(drafts, dialect)
    values.times(drafts, dialect, layout)
    values.laboratory(drafts, dialect, layout)
    kept, gone = {id(one) for one in message if _is_wish(one)}, {id(one) for one in used_up}
    return tuple(rebuild(message, kept, gone, dialect.results, layout, notes))


def _is_wish(segment: Segment) -> bool:
    """Who may see a document, where it goes (ANS volet): no dialect touches that."""
    return segment.name == "OBX" and is_wish(segment)


def told(notes: Notes, report: Report) -> Report:
    """The report with what was noted about its message while its dialect was applied."""
    return replace(report, problems=report.problems + notes.problems) if notes.problems else report
