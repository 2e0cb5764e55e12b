"""Numbers, comparators and reference ranges as French laboratories write them.

Text in, small frozen values out; nothing is rounded and no digit is lost: numbers stay text with a decimal point.
What cannot be read for certain is ``None`` and stays text for the caller: ``10E5`` is 10⁶ by the book and 10⁵ in many
bacteriology exports, so it is never turned into a number here.

Rules: HL7 v2.5 chapter 2.A (NM) and chapter 7 (OBX-7 ``low-high``, ``<high``, ``>low``); HPRIM Médecins RES fields 5,
7 and 8 want a point, exports bring commas, blanks between thousands and words (``Inf. à 5``, ``10 à 40``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

MAX_LENGTH = 200
"""Longer text (characters) is never a number or a range."""
MAX_POWER = 15
"""Largest power of ten written out; beyond it the text stays text."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number read from text: ``comparator`` is ``<``, ``>``, ``<=``, ``>=`` or empty; ``value`` has a point."""

    comparator: str
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """A reference range. An open side is the empty string; never both. Bounds are as written, even when reversed."""

    low: str
    high: str


_BLANKS = dict.fromkeys([0x00A0, *range(0x2000, 0x200B), 0x202F, 0x3000, 0x09, 0x0A, 0x0D], " ")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"), "-")
_IGNORED = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff\u00ad"), "")
_TABLE = _BLANKS | _DASHES | _IGNORED | {ord("≤"): "<=", ord("≥"): ">=", ord("⩽"): "<=", ord("⩾"): ">=", ord("’"): "'"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

_DIGITS = r"(?:[0-9]{1,3}(?: [0-9]{3})+(?![0-9])|[0-9]+)"
_PLAIN = rf"[+-]?(?:{_DIGITS}(?:[.,][0-9]+|[.,](?![.,0-9]))?|[.,][0-9]+)"
_POWER = r"10(?:\s?[\^*]\s?|\*\*)(?P<{0}>[+-]?[0-9]{{1,2}})|10(?P<{0}_raised>[⁺⁻]?[⁰¹²³⁴-⁹]{{1,2}})"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?:{_POWER.format('power')})"
    rf"|(?P<plain>{_PLAIN})(?:[eE](?P<exponent>[+-]?[0-9]{{1,3}}))?(?:\s?[x×*·.]?\s?(?:{_POWER.format('times')}))?"
)
_WORDS: tuple[tuple[str, str], ...] = (
    (r"inf(?:erieure?s?|\.)?\s*(?:ou|et)\s*eg(?:ale?s?|aux|\.)?(?:\s*a)?", "<="),
    (r"sup(?:erieure?s?|\.)?\s*(?:ou|et)\s*eg(?:ale?s?|aux|\.)?(?:\s*a)?", ">="),
    (r"(?:jusqu'?a|au plus|max(?:imum|\.)?)", "<="),
    (r"(?:au moins|min(?:imum|\.)?)", ">="),
    (r"(?:inf(?:erieure?s?|\.)?(?:\s*a)?|moins de|<\s*a)(?![a-z])", "<"),
    (r"(?:sup(?:erieure?s?|\.)?(?:\s*a)?|plus de|>\s*a)(?![a-z])", ">"),
    (r"(?:<\s?=|=\s?<|<\s*ou\s*=)(?:\s*a(?![a-z]))?", "<="),
    (r"(?:>\s?=|=\s?>|>\s*ou\s*=)(?:\s*a(?![a-z]))?", ">="),
    (r"<", "<"),
    (r">", ">"),
)
_COMPARATORS = tuple((re.compile(pattern), sign) for pattern, sign in _WORDS)
_LABEL = re.compile(
    r"^(?:v\.?\s?[rnu]\.?|n|norm(?:ale?s?|es?|\.)?|ref(?:erences?|\.)?|valeurs? (?:de reference|usuelles?))\s*[:=]\s*"
)
_BETWEEN = re.compile(r"^(?:de|entre|from)\s+")
_JOIN = re.compile(r"^\s*(?:-|a(?![a-z])|et(?![a-z])|to(?![a-z])|;|~|\.{2,3}|…|<=?\s*[a-z]?\s*<=?)\s*")
_PAIRS = {"[": "])[", "]": "[])", "(": ")]", "{": "}"}


def _flatten(text: str) -> str:
    """Odd blanks and dashes made plain, accents kept; empty when too long to be a value."""
    if len(text) > MAX_LENGTH:
        return ""
    return re.sub(r" {2,}", " ", unicodedata.normalize("NFC", text).translate(_TABLE)).strip()


def _fold(text: str) -> str:
    """Lower case without accents; one character in gives one character out, so places match those of the flat text."""
    return "".join(unicodedata.normalize("NFD", char)[0] for char in text).lower()


def _decimal_text(match: re.Match[str]) -> str | None:
    plain = match["plain"]
    if plain is None:
        sign, mantissa = match["sign"], "1"
    else:
        bare = plain.replace(" ", "").replace(",", ".")
        sign, mantissa = ("-" if bare.startswith("-") else ""), bare.lstrip("+-")
    whole, point, fraction = mantissa.partition(".")
    text = (whole.lstrip("0") or "0") + (f".{fraction}" if point and fraction else "")
    power = 0
    for name in ("exponent", "times", "times_raised", "power", "power_raised"):
        if match[name] is not None:
            if name == "exponent" and Decimal(text) == 10:
                return None
            power += int(match[name].translate(_RAISED))
    if abs(power) > MAX_POWER:
        return None
    if power:
        text = f"{Decimal(text).scaleb(power):f}"
    return ("-" if sign == "-" else "") + text


def _take_number(text: str, start: int) -> tuple[str, int] | None:
    """The number at ``start`` (after blanks) and the place behind it."""
    while start < len(text) and text[start] == " ":
        start += 1
    match = _NUMBER.match(text, start)
    if match is None or (match.end() < len(text) and text[match.end()].isdigit()):
        return None
    value = _decimal_text(match)
    return None if value is None else (value, match.end())


def _take_comparator(folded: str, start: int) -> tuple[str, int]:
    for pattern, sign in _COMPARATORS:
        match = pattern.match(folded, start)
        if match:
            return sign, match.end()
    return "", start


def parse_number(text: str) -> Number | None:
    """``"< 0,5"`` to ``Number("<", "0.5")``; ``None`` when the text is anything but one number with its comparator.

    Reads comma or point, blanks between thousands, a leading sign, ``<= ≥ inf. supérieur à``, ``1,2E3``, ``10^5``.
    """
    flat = _flatten(text)
    comparator, at = _take_comparator(_fold(flat), 0)
    if not comparator and flat.startswith("="):
        at = 1
    taken = _take_number(flat, at)
    if taken is None or taken[1] != len(flat):
        return None
    return Number(comparator, taken[0])


def _unwrap(flat: str) -> str:
    """Without the label (``VR :``) and the brackets around it."""
    for _ in range(2):
        if len(flat) > 2 and flat[-1] in _PAIRS.get(flat[0], ""):
            flat = flat[1:-1].strip()
        label = _LABEL.match(_fold(flat))
        if label:
            flat = flat[label.end() :].strip()
    return flat


def _same_unit(rest: str, unit: str) -> bool:
    """``rest`` is nothing, or the result's own unit: a range in another unit must never become its bounds."""
    return not rest.strip() or rest.replace(" ", "").casefold() == _flatten(unit).replace(" ", "").casefold()


def parse_range(text: str, unit: str = "") -> Range | None:
    """``"10 à 40"`` to ``Range("10", "40")``, ``"Inf. à 5"`` to ``Range("", "5")``; ``None`` for words, several ranges.

    ``unit`` is the unit of the result: a range followed by that same unit is read, by another one is not.
    """
    flat = _unwrap(_flatten(text))
    folded = _fold(flat)
    comparator, at = _take_comparator(folded, 0)
    if comparator:
        taken = _take_number(flat, at)
        if taken is None:
            return None
        if not _same_unit(flat[taken[1] :], unit):
            return _two_sided(flat, folded, comparator, taken, unit)
        return Range("", taken[0]) if comparator.startswith("<") else Range(taken[0], "")
    between = _BETWEEN.match(folded)
    low = _take_number(flat, between.end() if between else 0)
    if low is None:
        return None
    join = _JOIN.match(folded[low[1] :])
    high = _take_number(flat, low[1] + join.end()) if join else None
    if high is None or not _same_unit(flat[high[1] :], unit):
        return None
    return Range(low[0], high[0])


def _two_sided(flat: str, folded: str, first: str, taken: tuple[str, int], unit: str) -> Range | None:
    """``> 3,5 et < 5,0``: two comparators that close one range."""
    join = re.match(r"\s*(?:et|a|-|;|,)?\s*", folded[taken[1] :])
    second, at = _take_comparator(folded, taken[1] + (join.end() if join else 0))
    other = _take_number(flat, at) if second else None
    if other is None or second[0] == first[0] or not _same_unit(flat[other[1] :], unit):
        return None
    return Range(taken[0], other[0]) if first.startswith(">") else Range(other[0], taken[0])


def as_decimal(text: str) -> Decimal | None:
    """The exact number behind a normalised value, or ``None`` for the empty string and for words."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def side_of_range(value: str, comparator: str, low: str, high: str) -> str:
    """``"L"`` below, ``"H"`` above, ``"N"`` inside the bounds; empty when nothing certain can be said.

    ``< 5`` against a range that starts at 3 says nothing; against one that starts at 5 it says ``L``.
    """
    number, floor, ceiling = as_decimal(value), as_decimal(low), as_decimal(high)
    if number is None or (floor is None and ceiling is None):
        return ""
    below, above = comparator.startswith("<"), comparator.startswith(">")
    if floor is not None and not above and (number < floor or (comparator == "<" and number == floor)):
        return "L"
    if ceiling is not None and not below and (number > ceiling or (comparator == ">" and number == ceiling)):
        return "H"
    if (below and floor is not None) or (above and ceiling is not None):
        return ""
    inside = (floor is None or number >= floor) and (ceiling is None or number <= ceiling)
    return "N" if inside else ""
