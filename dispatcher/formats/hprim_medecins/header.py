"""Finding the twelve header lines in a file, and where they end.

Lines in (without line ends), :class:`Header` out. Positional lines have no names, so the dates on lines 7 and 10 tell
where the header starts; files whose first line is missing or doubled are read one line off and told
(notes "HPRIM" §1.9, §1.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.formats.hprim_medecins import dates, grammar

SEARCH_DEPTH = 40
"""Lines looked at for a header that is not at its place (mail preamble, signature of the report before)."""


@dataclass(frozen=True, slots=True)
class Header:
    """Twelve lines, first at index ``start`` of the file (-1 when line 1 is missing); ``end`` is the index after."""

    lines: tuple[str, ...]
    start: int

    @property
    def end(self) -> int:
        return self.start + grammar.HEADER_LINES

    def line(self, number: int) -> str:
        """Header line ``number`` (1 to 12), stripped."""
        return self.lines[number - 1].strip()

    def where(self, number: int) -> str:
        """Place of that line for a person: its number in the file."""
        return f"ligne {self.start + number}" if self.start + number > 0 else "ligne 1"


def _slice(lines: Sequence[str], start: int, floor: int) -> Header | None:
    """The header that would start at ``start``; lines before ``floor`` count as missing."""
    if start + grammar.HEADER_LINES > len(lines) or start < floor - 1:
        return None
    first = () if start >= floor else ("",)
    body = lines[max(start, floor) : start + grammar.HEADER_LINES]
    return Header((*first, *body), start)


def _named(header: Header) -> bool:
    """Lines 2 and 3 look like names: no marker, no field separator, some letter."""
    return all(any(c.isalpha() for c in header.line(n)) and "|" not in header.line(n) for n in (2, 3))


def is_full(header: Header) -> bool:
    """Both dates stand where they belong, and no field separator where names belong (one may be missing)."""
    born = dates.read_birth_date(header.line(7), None)
    dated = dates.read_report_date(header.line(10))
    return born.dated and dated.dated and not any("|" in header.line(n) for n in (2, 3))


def _is_partial(header: Header) -> bool:
    """One of the two dates is missing or unreadable; good enough only at the expected place."""
    born = dates.read_birth_date(header.line(7), None)
    dated = dates.read_report_date(header.line(10))
    return _named(header) and (born.dated or dated.dated)


def _is_undated_here(header: Header) -> bool:
    """No date at all, yet names where names belong and sender and recipient where they belong."""
    undated = not header.line(7) and not header.line(10)
    return undated and _named(header) and bool(header.line(11) and header.line(12))


def find_header(lines: Sequence[str], floor: int, *, marked: bool) -> Header | None:
    """The first header from index ``floor`` on, or None.

    ``marked``: end markers follow, so a header with one date only is believed at its place.
    Looked for at ``floor``, one line later, one line earlier, then further down for both dates only.
    """
    near = [h for offset in (0, 1, -1) if (h := _slice(lines, floor + offset, floor)) is not None]
    for header in near:
        if is_full(header):
            return header
    if marked:
        for test in (_is_partial, _is_undated_here):
            for header in near:
                if test(header):
                    return header
    for offset in range(2, SEARCH_DEPTH):
        far = _slice(lines, floor + offset, floor)
        if far is not None and is_full(far) and is_strict(far):
            return far
    return None


def is_strict(header: Header) -> bool:
    """Both dates alone on their lines in a usual form, and a recipient: safe to believe in the middle of text."""
    forms = {dates.Form.STANDARD, dates.Form.SHORT_YEAR}
    born = dates.read_birth_date(header.line(7), None).form
    dated = dates.read_report_date(header.line(10)).form
    return {born, dated} <= forms and _named(header) and not any("|" in text for text in header.lines)


def hidden_header(lines: Sequence[str], floor: int, end: int) -> Header | None:
    """A complete header between ``floor`` and ``end``: the report before it lost its end marker.

    Two patients must never become one report, so this is looked for inside every text.
    """
    for start in range(floor, end - grammar.HEADER_LINES + 1):
        if not dates.read_birth_date(lines[start + 6], None).dated:
            continue
        header = _slice(lines, start, floor)
        if header is not None and is_strict(header) and _identified(header):
            return header
    return None


def _identified(header: Header) -> bool:
    """More than two dates three lines apart: a social security number, a postcode, or no text where a code stands."""
    bare = header.line(8).replace(" ", "")
    numbered = grammar.NIR.match(bare) is not None
    placed = grammar.POSTCODE_TOWN.fullmatch(header.line(6)) is not None
    coded = grammar.LINE_1.fullmatch(header.line(1)) is not None and not bare
    return (numbered or placed or coded) and bool(header.line(12))
