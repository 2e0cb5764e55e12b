"""Pieces of a narrative block: lines, pieces of text with an ID, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatcher.formats.markup import Element, leaf, say, sub


def within(parent: Element, name: str, attributes: Mapping[str, str] | None, text: str) -> None:
    """An element that holds nothing but text, with its line ends as ``br``."""
    if "\n" in text or "\r" in text:
        lines(sub(parent, name, attributes), text)
    else:
        leaf(parent, name, attributes, text)


def lines(parent: Element, text: str) -> None:
    """Text with its line ends as ``br``."""
    if "\n" not in text and "\r" not in text:
        say(parent, text)
        return
    first, *rest = text.strip("\r\n").splitlines() or [""]
    say(parent, first)
    for line in rest:
        next_line(parent, line)


def next_line(parent: Element, text: str) -> None:
    """Text on a line of its own."""
    leaf(parent, "br")
    say(parent, text)


def named(parent: Element, key: str, text: str, *, bold: bool = False) -> None:
    """``content`` with an ID: what an entry points at."""
    within(parent, "content", {"ID": key, "styleCode": "Bold"} if bold else {"ID": key}, text)


def table(text: Element, columns: Sequence[str]) -> Element:
    """A table with these column titles; its ``tbody`` is returned."""
    element = sub(text, "table", {"border": "1"})
    head = sub(sub(element, "thead"), "tr")
    for column in columns:
        leaf(head, "th", text=column)
    return sub(element, "tbody")
