"""Pieces of a narrative block: lines, pieces of text with an ID, tables."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.markup import Element, escaped, leaf, sub


def broken(text: str) -> str:
    """Text with its line ends as ``br``."""
    if "\n" not in text and "\r" not in text:
        return escaped(text)
    return _BREAK.join(map(escaped, text.strip("\r\n").splitlines()))


_BREAK = "<br/>"


def lines(parent: Element, text: str) -> None:
    """Append text with its line ends as ``br``."""
    parent.inside.append(broken(text))


def next_line(text: str) -> str:
    """Text on a line of its own."""
    return _BREAK + escaped(text)


def content(key: str, text: str, *, bold: bool = False) -> str:
    """``content`` with an ID, one of ours: what an entry points at."""
    style = ' styleCode="Bold"' if bold else ""
    return f'<content ID="{key}"{style}>{broken(text)}</content>'


def named(parent: Element, key: str, text: str, *, bold: bool = False) -> None:
    """Append :func:`content`."""
    parent.inside.append(content(key, text, bold=bold))


def table(text: Element, columns: Sequence[str]) -> Element:
    """A table with these column titles; its ``tbody`` is returned."""
    element = sub(text, "table", {"border": "1"})
    head = sub(sub(element, "thead"), "tr")
    for column in columns:
        leaf(head, "th", text=column)
    return sub(element, "tbody")
