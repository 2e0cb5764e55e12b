"""Finding the twelve header lines in a file, and where they end.

Lines in (without line ends), :class:`Header` out. Positional lines have no names, so the dates on lines 7 and 10 tell
where the header starts; files whose first line is missing or doubled are read one line off and told
(notes "HPRIM" §1.9, §1.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dispatcher.formats.hprim_medecins import dates, grammar

SEARCH_DEPTH = 40
"""Lines looked at for a header that is not at its place (mail preamble, signature of the report before)."""


@dataclass(frozen=True, slots=True)
class Header:
    """Twelve lines, first at index ``start`` of the file (-1 when line 1 is missing); ``end`` is the index after."""

    lines: tuple[str, ...]
    start: int
    lacking: int = 0
    """Lines that stand empty here and are missing in the file, between the birth date and the report's."""
    doubtful: bool = False
    """Lines are missing or too many, and which is the patient's name cannot be told."""

    @property
    def end(self) -> int:
        return self.start + grammar.HEADER_LINES - self.lacking

    def line(self, number: int) -> str:
        """Header line ``number`` (1 to 12), stripped."""
        return self.lines[number - 1].strip()

    def where(self, number: int) -> str:
        """Place of that line for a person: its number in the file."""
        return f"ligne {self.start + number}" if self.start + number > 0 else "ligne 1"


def _slice(lines: Sequence[str], start: int, floor: int) -> Header | None:
    """The header that would start at ``start``; lines before ``floor`` count as missing."""
    if start + grammar.HEADER_LINES > len(lines) or start < floor - 4:
        return None
    first = ("",) * max(floor - start, 0)
    body = lines[max(start, floor) : start + grammar.HEADER_LINES]
    return Header((*first, *body), start)


def aligned(header: Header, lines: Sequence[str], floor: int) -> Header:
    """``header``, found by its dates, with lines 1 to 6 taken from their place when some are missing or too many.

    A name is never taken from where an address or a code may stand: such a header is ``doubtful``.
    """
    born_at = header.start + 6
    above = list(lines[floor:born_at])
    while len(above) > 6 and not above[0].strip():
        above.pop(0)
    if dates.read_birth_date(header.line(4), None).dated:  # what stands on line 7 is the date of the report
        return replace(header, doubtful=True)
    if len(above) == 6 or born_at < floor:
        return header
    from_top, own = _identity(above), (header.line(2), header.line(3))
    if len(above) > 6 and all(map(_is_name, own)):
        moved = from_top is not None and len(above) == 7 and (from_top[1].strip(), from_top[2].strip()) != own
        return replace(header, doubtful=moved)
    if from_top is None:
        return replace(header, doubtful=True)
    return replace(header, lines=(*from_top, *header.lines[6:]))


def _identity(above: Sequence[str]) -> tuple[str, ...] | None:
    """Lines 1 to 6 out of those above the birth date; None when two readings, or none, give names."""
    coded, bare = ((len(above) >= at + 2 and all(map(_is_name, above[at : at + 2]))) for at in (1, 0))
    if coded == bare:
        return None
    code, name, given, *rest = above if coded else ("", *above)
    *streets, town = rest or [""]
    first, *others = streets or [""]
    return code, name, given, first, " ".join(text.strip() for text in others if text.strip()), town


def _is_name(text: str) -> bool:
    return any(c.isalpha() for c in text) and not any(c.isdigit() or c in ":|" for c in text)


def _shortened(header: Header, lines: Sequence[str]) -> Header | None:
    """A header that lacks line 8, line 9 or both, so that the date of the report comes early."""
    if dates.read_birth_date(header.line(7), None).form is not dates.Form.STANDARD:
        return None
    for lacking in (1, 2):
        after = [*lines[header.start + 7 : header.start + grammar.HEADER_LINES - lacking]]
        if dates.read_report_date(after[2 - lacking]).form is dates.Form.STANDARD:
            found = [text for text in after[: 2 - lacking] if text]
            number = found if found and grammar.NIR.match(found[0].replace(" ", "")) else ["", *found]
            between = [*number, "", ""][:2]
            return Header((*header.lines[:7], *between, *after[2 - lacking :]), header.start, lacking)
    return None


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
        short = [h for offset in (-2, -3, -4) if (h := _slice(lines, floor + offset, floor)) is not None]
        for header in short:
            if is_full(header) and not dates.read_birth_date(header.line(4), None).dated:
                return header
        for header in near:
            if _named(header) and (whole := _shortened(header, lines)) is not None:
                return whole
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
