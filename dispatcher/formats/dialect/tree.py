"""The segments of one message as a tree (message, patient, order, result), so that a place finds what belongs to it.

``PV1-7`` seen from an OBR is that of its patient; ``OBX-14`` is that of its own results; ``ZOR-3`` that of its own
order, never of the one above.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dispatcher.dialects.places import Place
from dispatcher.formats.dialect.layouts import Layout
from dispatcher.formats.er7.segments import Composite, Segment


@dataclass(slots=True, eq=False)
class Node:
    """One message, patient, order or result: its own segments, and what stands below it."""

    above: Node | None = None
    segments: list[Segment] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)

    def child(self) -> Node:
        """A new node under this one."""
        node = Node(above=self)
        self.below.append(node)
        return node

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in file order."""
        yield self
        for node in self.below:
            yield from node.walk()

    def up(self) -> Iterator[Node]:
        """The nodes above it, nearest first."""
        node = self.above
        while node is not None:
            yield node
            node = node.above


def tree(segments: Sequence[Segment], layout: Layout) -> Node:
    """The message as a tree. Every segment stands in exactly one node."""
    root = Node()
    patient = order = result = None
    opened = False  # an ORC waits for its OBR
    for segment in segments:
        name = segment.name
        if name == layout.patient:
            patient, order, result = root.child(), None, None
            patient.segments.append(segment)
            continue
        if name == "OBX":
            patient = patient or root.child()
            order = order or patient.child()
            result, opened = order.child(), False
            result.segments.append(segment)
            continue
        if name in layout.orders:
            patient = patient or root.child()
            if order is None or not (opened and name == "OBR"):
                order = patient.child()
            result, opened = None, name != "OBR"
            order.segments.append(segment)
            continue
        home = (result if name == layout.comment else None) or order or patient or root
        home.segments.append(segment)
    return root


def matches(segment: Segment, place: Place) -> bool:
    """The segment is the one the place means."""
    if segment.name != place.segment:
        return False
    if place.where is None:
        return True
    number, component, text = place.where
    return segment.component(number, component).casefold() == text.casefold()


def taken(segment: Segment, place: Place) -> str:
    """What stands there, raw (separators of the message, escapes untouched); the empty string when nothing does."""
    raw = segment.raw(place.field)
    if raw == '""':
        return ""
    separators = segment.separators
    if place.repetition:
        found = separators.repetitions(raw)
        raw = found[place.repetition - 1] if place.repetition <= len(found) else ""
    if not place.component:
        return raw.strip()
    if separators.repetition and separators.repetition in raw:
        raw = raw.split(separators.repetition, 1)[0]
    part = Composite(raw, separators).raw(place.component)
    if place.sub:
        cut = part.split(separators.subcomponent) if separators.subcomponent else [part]
        part = cut[place.sub - 1] if place.sub <= len(cut) else ""
    part = part.strip()
    return "" if part == '""' else part


def all_of(node: Node, place: Place) -> Iterator[str]:
    """Every value of a place in a node itself."""
    for segment in node.segments:
        if matches(segment, place) and (value := taken(segment, place)):
            yield value


def seen_from(node: Node, place: Place) -> str:
    """The value of a place for this node: its own, else of what stands above, else of the first below that has one."""
    for one in (node, *node.up(), *node.walk()):
        value = next(all_of(one, place), "")
        if value:
            return value
    return ""
