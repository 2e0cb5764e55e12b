"""Brings what stands elsewhere to where the readers look: numbers, persons, names, dates; constants, defaults, ignored.

All sources are read before anything is changed, so that two places may be exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.dialects.model import Dialect
from dispatcher.dialects.places import Place
from dispatcher.formats.dialect.drafts import encoded, put, put_place, repeated
from dispatcher.formats.dialect.layouts import Layout
from dispatcher.formats.dialect.tree import Node, matches, seen_from
from dispatcher.formats.er7.identity import ins_oid
from dispatcher.formats.er7.segments import Composite, Segment

Change = tuple[Segment, int, int, str, bool]
"""Segment, field, component, raw text, whether the rest of the field goes."""
_KEPT_TYPES = frozenset({"INS", "SS", "NSS", "NIR", "SNS", "NH", "AM", "NNFRA"})
"""Types of PID-3 that are no number of the laboratory."""


def move(root: Node, dialect: Dialect, layout: Layout) -> None:
    """Apply ``[fields]``, ``ignore``, ``defaults`` and ``constants``, in this order."""
    changes = [*_texts(root, dialect, layout), *_people(root, dialect, layout), *_patient(root, dialect, layout)]
    segments = [segment for node in root.walk() for segment in node.segments]
    for place in dialect.ignore:
        for segment in _named(segments, place):
            if place.field < len(segment.fields):
                put_place(segment, place, "")
    for segment, number, component, raw, wipe in changes:
        put(segment, number, component, raw, wipe=wipe)
    for place, text in dialect.defaults.items():
        for segment in _named(segments, place):
            if not segment.component(place.field, place.component or 1):
                put_place(segment, place, _constant(text, place, segment))
    for place, text in dialect.constants.items():
        for segment in _named(segments, place):
            put_place(segment, place, _constant(text, place, segment))


def _named(segments: list[Segment], place: Place) -> Iterator[Segment]:
    return (segment for segment in segments if matches(segment, place))


def _constant(text: str, place: Place, segment: Segment) -> str:
    """A whole field may hold components (``^``); a component is plain text."""
    plain = text if not place.component else text.replace("^", " ").replace("~", " ")
    return encoded(plain, segment.separators)


def _texts(root: Node, dialect: Dialect, layout: Layout) -> Iterator[Change]:
    for concept, spots in layout.texts.items():
        place = getattr(dialect.fields, concept)
        if place is None:
            continue
        source = _text_place(place)
        for name, number, component in spots:
            for node, segment in _all(root, name):
                yield segment, number, component, seen_from(node, source), layout.wipes


def _text_place(place: Place) -> Place:
    """A field without component is read by its first."""
    return place if place.component else Place(place.segment, place.field, 1, 0, place.repetition, place.where)


def _all(root: Node, name: str) -> Iterator[tuple[Node, Segment]]:
    for node in root.walk():
        for segment in node.segments:
            if segment.name == name:
                yield node, segment


def _people(root: Node, dialect: Dialect, layout: Layout) -> Iterator[Change]:
    for concept, ((name, number, _), *others) in layout.people.items():
        place = getattr(dialect.fields, concept)
        if place is None:
            continue
        for node, segment in _all(root, name):
            yield segment, number, 0, seen_from(node, place), True
        for other, spot, _ in others:
            for _, segment in _all(root, other):
                if (other, spot) != (place.segment, place.field) or place.where is None:
                    yield segment, spot, 0, "", True


# ------------------------------------------------------------------------------------------------ the patient


def _patient(root: Node, dialect: Dialect, layout: Layout) -> Iterator[Change]:
    fields = dialect.fields
    for node, segment in _all(root, layout.patient):
        if fields.patient_id is not None:
            yield from _number(node, segment, fields.patient_id)
        if fields.birth_name or fields.used_name or fields.given:
            yield from _names(node, segment, dialect)


def _number(node: Node, segment: Segment, place: Place) -> Iterator[Change]:
    found = seen_from(node, _text_place(place))
    if segment.name == "P":
        yield segment, 2, 1, found, True
        return
    separators = segment.separators
    kept = [one for one in separators.repetitions(segment.raw(3)) if _national(Composite(one, separators))]
    own = separators.component.join((found, "", "", "", "PI")) if found else ""
    yield segment, 3, 0, repeated([own, *kept], separators), True
    yield from ((segment, other, 0, "", True) for other in (2, 4))


def _national(one: Composite) -> bool:
    kind = one.first(5).upper()
    return kind in _KEPT_TYPES or bool(ins_oid(one.sub(4, 2), one.sub(4, 1), kind))


def _names(node: Node, segment: Segment, dialect: Dialect) -> Iterator[Change]:
    """Birth name and used name; where the file leaves the birth name empty, the name of the usual place is it."""

    def told(place: Place | None) -> str:
        return seen_from(node, _text_place(place)) if place is not None else ""

    fields, separators = dialect.fields, segment.separators
    usual = Composite(separators.repetitions(segment.raw(5))[0] if segment.raw(5) else "", separators)
    birth = told(fields.birth_name)
    used = told(fields.used_name) or (usual.raw(1) if birth and fields.used_name is None else "")
    birth = birth or usual.raw(1)
    given, others = (told(fields.given), "") if fields.given else (usual.raw(2), usual.raw(3))
    join = separators.component
    if segment.name == "P":
        yield segment, 5, 0, join.join((used or birth, given, others, *usual.parts[3:])).rstrip(join or None), True
        yield segment, 6, 0, birth if used and used != birth else "", True
        return
    legal = join.join((birth, given, others, "", "", "", "L"))
    in_use = join.join((used, given, "", "", "", "", "D")) if used and used != birth else ""
    yield segment, 5, 0, repeated([legal, in_use], separators), True
    yield segment, 9, 0, "", True
