"""The narrative of a document: what each ID says, and what stands there without being coded (``NarrativeBlock.xsd``).

The coded entries point into it (``originalText/reference``). A reference without ``#`` is followed too, and a dangling
one is nobody's fault worth stopping for: both stand in official examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dispatcher.formats.cda_reading.nodes import PREFIX, Element, attribute, child, children, inside, local, one_line

_BLOCKS = frozenset({"paragraph", "item", "caption", "list", "table", "tr"})
_UNIT_HEADINGS = frozenset({"unité", "unités", "unite", "unites", "unit"})
_ENDS = re.compile(r"[ \t]*\n[ \t]*")
_MANY = re.compile(r"\n{2,}")


def text_of(element: Element | None) -> str:
    """The words of a piece of narrative: ``br`` and blocks end a line; a row reads ``name : value ; unit``."""
    if element is None:
        return ""
    parts: list[str] = []
    _collect(element, parts)
    return _MANY.sub("\n", _ENDS.sub("\n", "".join(parts))).strip("\n ")


def _collect(element: Element, parts: list[str]) -> None:
    name = local(element)
    if name == "tr":
        parts.append(_row_text(element) + "\n")
        return
    if name == "br":
        parts.append("\n")
    parts.append(_words(element.text))
    for each in inside(element):
        _collect(each, parts)
        parts.append(_words(each.tail))
    if name in _BLOCKS:
        parts.append("\n")


def _row_text(row: Element) -> str:
    cells = [said for each in inside(row) if (said := one_line(text_of(each)))]
    return " : ".join([*cells[:1], *filter(None, ["; ".join(cells[1:])])])


def _words(text: str | None) -> str:
    """Layout blanks of the XML closed up; no-break spaces stay."""
    return re.sub(r"[ \t\r\n]+", " ", text) if text else ""


@dataclass(frozen=True, slots=True)
class Uncoded:
    """Words that no entry points at."""

    rank: int
    """Of the last ID before them."""
    said: str
    heading: bool


@dataclass(slots=True)
class Narrative:
    """All ``section/text`` of one document."""

    places: dict[str, Element] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    """Rank of each ID in the document."""
    used: set[str] = field(default_factory=set)
    """IDs a coded entry has pointed at."""
    dangling: int = 0

    @classmethod
    def of(cls, root: Element) -> Narrative:
        """Index of every ID inside a section's text."""
        found = cls()
        for text in root.iter(PREFIX + "text"):
            for element in text.iter():
                key = _id(element) if isinstance(element.tag, str) else ""
                if key and key not in found.places:
                    found.order[key] = len(found.order)
                    found.places[key] = element
        return found

    def key(self, coded: Element | None) -> str:
        """The ID an ``originalText`` (or an act's ``text``) points at; empty when it points at nothing."""
        holder = child(coded, "originalText")
        reference = child(holder if holder is not None else coded, "reference")
        name = attribute(reference, "value").removeprefix("#")
        if not name:
            return ""
        if name not in self.places:
            self.dangling += 1
            return ""
        self.used.add(name)
        return name

    def said(self, coded: Element | None) -> str:
        """The words behind a coded element: the narrative it points at, else its ``originalText`` itself.

        A whole row says nothing of one value (its first cell names the test: :meth:`line`).
        """
        key = self.key(coded)
        if key:
            place = self.places[key]
            return "" if local(place) == "tr" else text_of(place)
        return text_of(child(coded, "originalText"))

    def line(self, coded: Element | None) -> str:
        """What something is called: :meth:`said` on one line, or the first cell of the row it points at."""
        said = self.said(coded)
        place = self.places.get(self.key(coded)) if not said else None
        if place is not None and local(place) == "tr":
            said = text_of(next(inside(place), None)).partition("\n")[0]
        return one_line(said)

    def unit_cell(self, key: str, rank: int = 0) -> str:
        """The printed unit of the row an ID stands in, when its table has a column headed "Unité".

        ``rank``: line of the cell, for a row that prints two values one above the other.
        """
        row = self._row(key)
        if row is None:
            return ""
        column = _unit_column(row)
        cells = [each for each in inside(row) if local(each) in ("td", "th")]
        if column is None or column >= len(cells) or any(each.get("colspan") for each in cells):
            return ""
        lines = text_of(cells[column]).split("\n")
        return one_line(lines[rank]) if rank < len(lines) else ""

    def row_label(self, element: Element) -> str:
        """First piece of the first cell of the row around a piece of narrative."""
        row: Element | None = element
        while row is not None and local(row) != "tr":
            row = row.getparent()
        first = next(inside(row), None) if row is not None else None
        if first is None or element in list(first.iter()):
            return ""
        piece = child(first, "content")
        return one_line(text_of(piece)) or text_of(first).partition("\n")[0]

    def _row(self, key: str) -> Element | None:
        element: Element | None = self.places.get(key)
        while element is not None and local(element) not in ("tr", "text"):
            element = element.getparent()
        return element if element is not None and local(element) == "tr" else None

    def uncoded(self, text: Element) -> Iterator[Uncoded]:
        """Paragraphs, items and rows no entry points at, in order."""
        last = -1
        rows = list(text.iter(PREFIX + "tr"))
        linked = sum(1 for row in rows if self._touches(row))
        for element in text.iter(PREFIX + "paragraph", PREFIX + "item", PREFIX + "tr", PREFIX + "content"):
            name = local(element)
            key = _id(element)
            if name == "content":
                last = max(last, self.order.get(key, -1))
                continue
            before = last
            last = max([last, *(self.order.get(each, -1) for each in _ids(element))])
            if self._touches(element) or _nested(element) or (name == "tr" and (not linked or _heading(element))):
                continue
            said = text_of(element)
            if said:
                yield Uncoded(before, said, heading=name == "paragraph" and _bold(element))

    def _touches(self, element: Element) -> bool:
        return any(key in self.used for key in _ids(element)) or bool(
            element.findall(".//" + PREFIX + "renderMultiMedia")
        )


def _bold(paragraph: Element) -> bool:
    """Nothing but one bold piece: a heading."""
    parts = list(inside(paragraph))
    bare = not (_words(paragraph.text).strip() or any(_words(each.tail).strip() for each in parts))
    return bare and len(parts) == 1 and (parts[0].get("styleCode") or "").casefold() == "bold"


def _id(element: Element) -> str:
    """``ID`` of the schema; ``id`` is met too."""
    return element.get("ID") or element.get("id") or ""


def _ids(element: Element) -> Iterator[str]:
    return (key for each in element.iter() if isinstance(each.tag, str) and (key := _id(each)))


def _heading(row: Element) -> bool:
    parent = row.getparent()
    return (parent is not None and local(parent) == "thead") or not any(local(cell) == "td" for cell in inside(row))


def _nested(element: Element) -> bool:
    """A paragraph of a cell is told by its row, an item of a list within an item by the outer one."""
    return any(local(each) in ("tr", "item", "paragraph") for each in element.iterancestors())


def _unit_column(row: Element) -> int | None:
    body = row.getparent()
    table = body.getparent() if body is not None else None
    rows = children(table, "thead", "tr")
    if not rows or any(each.get("colspan") for each in inside(rows[-1])):
        return None
    headings = [one_line(text_of(each)).casefold() for each in inside(rows[-1])]
    return next((place for place, said in enumerate(headings) if said in _UNIT_HEADINGS), None)
