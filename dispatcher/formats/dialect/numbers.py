"""Numbers by the habit a dialect declares: decimal sign, sign between thousands. Text in, text with a point out."""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.dialects.model import Numbers

_BLANK = " \u00a0\u202f\u2009"
_HEAD = r"(?P<head>\s*(?:[<>]\s?=?|=\s?[<>]|[≤≥=])?\s*[+-]?\s*)"


@lru_cache(maxsize=32)
def _patterns(decimal: str, thousands: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A whole number of this habit; a number with the thousands sign inside a text; any other written number."""
    mark = f"[{re.escape(thousands)}{_BLANK}]"
    body = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]+"
    number = re.compile(rf"{_HEAD}(?P<whole>{body})(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?\s*")
    sign = re.escape(thousands) if thousands else r"(?!)"
    inside = re.compile(rf"(?<![0-9.,'])[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+(?![0-9]|{sign}[0-9])")
    other = re.compile(rf"{_HEAD}[0-9][0-9.,'{_BLANK}]*\s*")
    return number, inside, other


def plain_number(text: str, rules: Numbers) -> str | None:
    """``"< 1.234,5"`` by comma and point to ``"< 1234.5"``; None when it is no number written so."""
    found = _patterns(rules.decimal, rules.thousands)[0].fullmatch(text) if len(text) <= 60 else None
    if found is None:
        return None
    digits = re.sub(r"[^0-9]", "", found["whole"])
    return found["head"] + digits + (f".{found['fraction']}" if found["fraction"] else "")


def looks_numeric(text: str, rules: Numbers) -> bool:
    """Digits and number signs only: a number, though perhaps not one of this habit."""
    return len(text) <= 60 and _patterns(rules.decimal, rules.thousands)[2].fullmatch(text) is not None


def without_thousands(text: str, rules: Numbers) -> str:
    """A text (a reference range) without the sign between thousands; the decimal sign stays as it is written."""
    if not rules.thousands or len(text) > 200:
        return text
    sign = rules.thousands
    return _patterns(rules.decimal, sign)[1].sub(lambda found: found[0].replace(sign, ""), text)
