"""Numbers by the habit a dialect declares: decimal sign, sign between thousands. Text in, text with a point out.

``1.005`` by « thousands = "." » is 1005, or 1,005 of a line that keeps the point for decimals: a factor 1000. One such
group is read as thousands only where the same line bears it out; else nothing of the line is changed and it is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dispatcher.dialects.model import Numbers
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.counts import per_mm3
from dispatcher.report.model import Severity

_BLANK = " \u00a0\u202f\u2009"
_HEAD = r"(?P<head>\s*(?:[<>]\s?=?|=\s?[<>]|[≤≥=])?\s*[+-]?\s*)"
_TOKEN = re.compile(rf"[1-9][0-9]{{0,2}}(?:[{_BLANK}][0-9]{{3}})+(?![0-9])(?:[.,][0-9]+)?|[0-9]+(?:[.,'][0-9]+)*")
"""A number inside a text, however it is written."""
_THREE = re.compile(rf"[.,'{_BLANK}][0-9]{{3}}(?![0-9])")
_NEAR = 100
"""Largest factor between a value and a bound that still bears it out."""
_MAX_NUMBER, _MAX_TEXT = 60, 200


@lru_cache(maxsize=32)
def _patterns(decimal: str, thousands: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A whole number of this habit; a number with the thousands sign inside a text; any other written number."""
    mark = f"[{re.escape(thousands)}{_BLANK}]"
    body = rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[0-9]+"
    number = re.compile(rf"{_HEAD}(?P<whole>{body})(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?\s*")
    sign = re.escape(thousands) if thousands else r"(?!)"
    inside = re.compile(rf"(?<![0-9.,'])[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+(?![0-9]|{sign}[0-9])")
    other = re.compile(rf"{_HEAD}[0-9][0-9.,'{_BLANK}]*\s*")
    return number, inside, other


def plain_number(text: str, rules: Numbers) -> str | None:
    """``"< 1.234,5"`` by comma and point to ``"< 1234.5"``; None when it is no number written so."""
    found = _patterns(rules.decimal, rules.thousands)[0].fullmatch(text) if len(text) <= _MAX_NUMBER else None
    if found is None:
        return None
    digits = re.sub(r"[^0-9]", "", found["whole"])
    return found["head"] + digits + (f".{found['fraction']}" if found["fraction"] else "")


def looks_numeric(text: str, rules: Numbers) -> bool:
    """Digits and number signs only: a number, though perhaps not one of this habit."""
    return len(text) <= _MAX_NUMBER and _patterns(rules.decimal, rules.thousands)[2].fullmatch(text) is not None


def without_thousands(text: str, rules: Numbers) -> str:
    """A text (a reference range) without the sign between thousands; the decimal sign stays as it is written."""
    if not rules.thousands or len(text) > _MAX_TEXT:
        return text
    sign = rules.thousands
    return _patterns(rules.decimal, sign)[1].sub(lambda found: found[0].replace(sign, ""), text)


# ------------------------------------------------------------------------------------------------ a whole line


@dataclass(frozen=True, slots=True)
class Line:
    """The numbers of one result: values and bounds as text; ``told`` is how grave what does not fit is."""

    values: tuple[str, ...]
    bounds: tuple[str, ...]
    told: Severity | None = None


@dataclass(frozen=True, slots=True)
class _Figure:
    """One written number: its size by the habit (None: written otherwise), and whether it is a single group."""

    size: float | None
    doubtful: bool = False
    three: bool = False
    """Three digits behind a sign: what one habit calls thousands the other calls decimals."""


def read_line(values: Sequence[str], bounds: Sequence[str], unit: str, rules: Numbers) -> Line:
    """Values with a point and bounds without thousands; all as it was when the line cannot be read for certain."""
    own = [_figure(text, rules) for text in values if looks_numeric(text, rules)]
    around = [_figure(token, rules) for text in bounds for token in _tokens(text)]
    blind = not around and any(text.strip() for text in bounds)
    if any(one.size is None and one.three for one in (*own, *around)) or not _borne_out(own, around, unit, blind):
        return Line(tuple(values), tuple(bounds), Severity.ERROR)
    found = tuple(plain_number(text, rules) or text for text in values)
    told = Severity.WARNING if any(one.size is None for one in own) else None
    return Line(found, tuple(without_thousands(text, rules) for text in bounds), told)


def _tokens(text: str) -> Iterator[str]:
    return (found[0] for found in _TOKEN.finditer(text[:_MAX_TEXT]))


def _figure(text: str, rules: Numbers) -> _Figure:
    plain = plain_number(text, rules)
    if plain is None:
        return _Figure(None, three=_THREE.search(text) is not None)
    sign = rules.thousands if rules.thousands in (".", ",") else ""
    doubtful = bool(sign) and text.count(sign) == 1 and rules.decimal not in text
    return _Figure(float(re.sub(r"[^0-9.]", "", plain)), doubtful)


def _borne_out(own: list[_Figure], around: list[_Figure], unit: str, blind: bool) -> bool:
    """Every single group is thousands by what else stands in the line; ``blind``: a range without any number."""
    values, bounds = _sizes(own, doubtful=True), _sizes(around, doubtful=True)
    sure = _sizes(around, doubtful=False)
    count = per_mm3(unit)
    if sure or any(one.size is None for one in around):
        good = all(_near(size, sure) for size in values)
    else:
        good = not values or (count and not blind and (not bounds or all(_near(size, bounds) for size in values)))
    witnesses = [*sure, *_sizes(own, doubtful=False)]
    return good and (count or all(_near(size, witnesses) for size in bounds))


def _sizes(figures: list[_Figure], *, doubtful: bool) -> list[float]:
    return [one.size for one in figures if one.size and one.doubtful is doubtful]


def _near(size: float, others: list[float]) -> bool:
    return any(max(size, one) <= _NEAR * min(size, one) for one in others)


def tell(line: Line, where: str, notes: Notes) -> None:
    """A number that is not written as the dialect says, or that may be two numbers."""
    if line.told is Severity.ERROR:
        notes.tally(
            "dialect-number",
            Severity.ERROR,
            where,
            "Nombre à deux lectures : ses trois chiffres après le signe peuvent être des milliers ou des décimales, et "
            "ni les bornes ni l’unité de la ligne ne tranchent. Compte rendu retenu : vérifier la valeur sur le SIL, "
            "puis [numbers] dans le dialecte.",
        )
    elif line.told is not None:
        notes.tally(
            "dialect-number",
            Severity.WARNING,
            where,
            "Nombre écrit autrement que ne le dit le dialecte (séparateur décimal ou de milliers) : lu par la règle "
            "générale. Vérifier la valeur, puis le dialecte.",
        )
