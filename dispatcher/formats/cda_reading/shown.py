"""A CDA as a person reads it: its title, its sections and their narrative as plain values, for a page that escapes all.

No stylesheet is run: what a document brings along, links, pictures, styles, scripts, never reaches the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.formats.cda_reading.narrative import text_of
from dispatcher.formats.cda_reading.nodes import Element, attribute, child, inside, local, one_line
from dispatcher.formats.cda_reading.parsing import parse

DEEPEST = 30
"""Sections and lists inside one another; deeper ones are told as plain text."""
WIDEST = 100
"""Columns or rows a cell may claim."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Of a table."""

    text: str
    heading: bool
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of narrative: ``kind`` is ``heading``, ``text``, ``item`` or ``table``."""

    kind: str
    text: str = ""
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One document."""

    title: str
    patient: str
    blocks: tuple[Block, ...]


def shown(data: bytes) -> Shown | None:
    """None when it cannot be read. Never raises."""
    roots = parse(data).roots
    if not roots:
        return None
    root = roots[0]
    body = child(root, "component", "structuredBody")
    return Shown(
        title=one_line(text_of(child(root, "title"))),
        patient=_patient(root),
        blocks=tuple(_sections(body, 0)) if body is not None else (),
    )


def _patient(root: Element) -> str:
    name = child(root, "recordTarget", "patientRole", "patient", "name")
    parts = [one_line(text_of(part)) for part in inside(name)] if name is not None else []
    return " ".join(dict.fromkeys(part for part in parts if part))


def _sections(parent: Element, depth: int) -> Iterator[Block]:
    for component in inside(parent):
        section = child(component, "section") if local(component) == "component" else None
        if section is None:
            continue
        title = one_line(text_of(child(section, "title")))
        if title:
            yield Block("heading", title)
        text = child(section, "text")
        if text is not None:
            yield from _narrative(text, depth)
        if depth < DEEPEST:
            yield from _sections(section, depth + 1)


def _narrative(element: Element, depth: int) -> Iterator[Block]:
    """Tables and lists as such, everything between them as text."""
    loose = [element.text or ""]
    for each in inside(element):
        name = local(each)
        if name in {"table", "list", "paragraph"}:
            yield from _text("".join(loose))
            loose = []
            yield from _own(each, name, depth)
        else:
            loose.append("\n" if name == "br" else text_of(each))
        loose.append(each.tail or "")
    yield from _text("".join(loose))


def _own(element: Element, name: str, depth: int) -> Iterator[Block]:
    if name == "table":
        caption = one_line(text_of(child(element, "caption")))
        yield Block("table", caption, tuple(_rows(element)))
    elif name == "list" and depth < DEEPEST:
        for item in inside(element):
            if any(local(each) in {"table", "list"} for each in inside(item)):
                yield from _narrative(item, depth + 1)
            elif said := text_of(item):
                yield Block("item", said)
    else:
        yield from _text(text_of(element))


def _text(said: str) -> Iterator[Block]:
    lines = [one_line(line) for line in said.split("\n")]
    if kept := "\n".join(line for line in lines if line):
        yield Block("text", kept)


def _rows(table: Element) -> Iterator[tuple[Cell, ...]]:
    for part in inside(table):
        rows = [part] if local(part) == "tr" else [each for each in inside(part) if local(each) == "tr"]
        for row in rows:
            cells = tuple(_cell(each) for each in inside(row) if local(each) in {"td", "th"})
            if any(cell.text for cell in cells):
                yield cells


def _cell(element: Element) -> Cell:
    return Cell(
        text_of(element),
        local(element) == "th",
        _span(attribute(element, "colspan")),
        _span(attribute(element, "rowspan")),
    )


def _span(told: str) -> int:
    return min(max(int(told), 1), WIDEST) if told.isascii() and told.isdigit() and len(told) < 5 else 1
