"""Numbers, ranges and LOINC codes, read fast; the rules are those of ``report/values.py`` and ``identifiers.py``.

A laboratory repeats the same ranges and codes all day, so their readings are remembered; results themselves never are.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.formats.er7.separators import Separators
from dispatcher.report.identifiers import loinc_ok
from dispatcher.report.values import Number, parse_number, parse_range

USUAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""A number as HL7 wants it, which needs no second look."""
_POWER = re.compile(r"(?<![0-9.,])10\^[+-]?[0-9]{1,2}(?![0-9]|[.,][0-9])|(?<=[0-9][.,])10\^[0-9]{1,2}(?=\s*$)")
"""``10^3``, where ``^`` also separates: ``1.10^3.89`` is none."""
_LOINC_SYSTEMS = frozenset({"LN", "LOINC", "LNC", "LOINC.ORG", "2.16.840.1.113883.6.1", "HTTP://LOINC.ORG"})


def number(text: str) -> Number | None:
    """:func:`dispatcher.report.values.parse_number` with a short way for ``12.5``."""
    if USUAL.fullmatch(text):
        return Number("", text)
    return parse_number(text)


def measured(text: str, unit: str) -> Number | None:
    """:func:`number` of a field declared numeric, where some add what has its own field: ``5.2*``, ``5.2 g/L``."""
    found = number(text)
    if found is not None:
        return found
    bare = text.strip("* ")
    if unit and bare.casefold().endswith(unit.casefold()) and (number(bare[: -len(unit)].strip(" *"))):
        bare = bare[: -len(unit)].strip(" *")
    return number(bare) if bare and bare != text else None


def repeated(raw: str, separators: Separators) -> list[str]:
    """:meth:`Separators.repetitions`, but a ``^`` that separates is left alone where it writes a power of ten."""
    if separators.repetition != "^" or "10^" not in raw:
        return separators.repetitions(raw)
    return [part.replace("\0", "^") for part in _POWER.sub(lambda found: found[0].replace("^", "\0"), raw).split("^")]


@lru_cache(maxsize=4096)
def bounds(text: str, unit: str) -> tuple[str, str]:
    """``(low, high)`` of a reference range; two empty strings for words and for bounds the wrong way round."""
    found = parse_range(text, unit) if text else None
    if found is None:
        return "", ""
    if found.low and found.high and float(found.low) > float(found.high):
        return "", ""
    return found.low, found.high


@lru_cache(maxsize=256)
def is_loinc(system: str) -> bool:
    """The coding system is LOINC, under one of the names and identifiers in use."""
    return system.strip().upper().removeprefix("URN:OID:") in _LOINC_SYSTEMS


@lru_cache(maxsize=8192)
def loinc(code: str) -> str | None:
    """The code when its check digit holds."""
    return code if loinc_ok(code) else None
