"""Pieces of a narrative block: lines, pieces of text with an ID, tables."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.cda.elements import Element, sub


def lines(parent: Element, text: str) -> None:
    """Text with its line ends as ``br``."""
    if "\n" not in text and "\r" not in text:
        parent.text = text
        return
    first, *rest = text.strip("\r\n").splitlines() or [""]
    parent.text = first
    for line in rest:
        sub(parent, "br").tail = line


def named(parent: Element, key: str, text: str, *, bold: bool = False) -> Element:
    """``content`` with an ID: what an entry points at."""
    content = sub(parent, "content", {"ID": key, "styleCode": "Bold"} if bold else {"ID": key})
    lines(content, text)
    return content


def table(text: Element, columns: Sequence[str]) -> Element:
    """A table with these column titles; its ``tbody`` is returned."""
    element = sub(text, "table", {"border": "1"})
    head = sub(sub(element, "thead"), "tr")
    for column in columns:
        sub(head, "th", text=column)
    return sub(element, "tbody")
