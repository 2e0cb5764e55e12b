"""Components, fields, segments and lines of an HPRIM Santé message, put together.

Text in, text out. Delimiters ``|~^\\&`` (the order most French laboratories write), lines of 220 characters at most,
the rest on ``A`` lines that continue by plain concatenation (shared notes "HPRIM" §2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dispatcher.formats.er7.separators import Separators

SEPARATORS = Separators(component="~", repetition="^")
LINE_WIDTH = 220
"""Characters of a line, continuation mark included."""
_CONTINUATION = f"A{SEPARATORS.field}"


def words(text: str) -> str:
    """One line of text with every delimiter escaped, single blanks, none at the ends."""
    return SEPARATORS.escaped(" ".join(text.split()))


def prose(text: str) -> str:
    """Text of several lines: each line is a repetition, as ``TX`` values and comments have it."""
    return SEPARATORS.repetition.join(SEPARATORS.escaped(line) for line in text.split("\n"))


def composed(*components: str) -> str:
    """A field of components that are escaped already; empty ones at the end are left out."""
    return SEPARATORS.component.join(components).rstrip(SEPARATORS.component)


def repeated(fields: Iterable[str]) -> str:
    """The repetitions of one field; empty ones are left out."""
    return SEPARATORS.repetition.join(one for one in fields if one)


def segment(name: str, fields: Mapping[int, str]) -> str:
    """A segment from its fields by number."""
    last = max((number for number, text in fields.items() if text), default=0)
    return SEPARATORS.field.join([name, *(fields.get(number, "") for number in range(1, last + 1))])


def cut_lines(text: str) -> list[str]:
    """A segment as lines of :data:`LINE_WIDTH` characters, cut before a field separator where one is near.

    Never cut beside a blank: readers trim lines.
    """
    lines: list[str] = []
    while len(text) > LINE_WIDTH:
        at = _place_to_cut(text)
        lines.append(text[:at])
        text = _CONTINUATION + text[at:]
    return [*lines, text]


def _place_to_cut(text: str) -> int:
    floor = len(_CONTINUATION) + 1
    at = text.rfind(SEPARATORS.field, floor + LINE_WIDTH // 2, LINE_WIDTH + 1)
    if at > 0 and text[at - 1] != " ":
        return at
    for at in range(LINE_WIDTH, floor, -1):
        if text[at] != " " and text[at - 1] != " ":
            return at
    return LINE_WIDTH
