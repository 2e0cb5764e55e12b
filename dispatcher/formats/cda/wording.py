"""How a result reads: value, unit, reference range and interpretation as a doctor in France expects them.

Signs and letters tell an abnormal result, never a colour alone: the text must survive a black-and-white print and a
screen reader.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.formats.cda import tables
from dispatcher.formats.cda.elements import ANSM, flat
from dispatcher.formats.spoken import words_of
from dispatcher.report.model import Code, Observation, PreviousResult, ValueType

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
"""A decimal number as the schema's ``real`` takes it."""
_SIGNS = {"H": "↑", "HH": "↑↑", "HU": "↑", "L": "↓", "LL": "↓↓", "LU": "↓", "A": "!", "AA": "!!", ">": "↑", "<": "↓"}
_NEAREST = {"MS": "I", "VS": "S"}
"""Old microbiology letters of HL7 table 0078 without an equal in the value set: nearest code (mappings/README.md)."""
_UNREMARKABLE = frozenset({"N", "S", "NEG", "ND", "NR", "EXP"})
_SUSCEPTIBILITY = frozenset({"S", "I", "R"})
_COMPARATORS = {"<=": "≤", ">=": "≥"}
_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])")
"""A number with a decimal point; no date, no list number."""


def french(number: str) -> str:
    """``1.950`` reads ``1,950``; the digits stay as they are."""
    return number.replace(".", ",") if NUMBER.fullmatch(number) else number


def with_comparator(comparator: str, number: str) -> str:
    """``< 5,0``, ``≥ 120``."""
    sign = _COMPARATORS.get(comparator, comparator)
    return f"{sign} {french(number)}" if sign else french(number)


def value(observation: Observation) -> str:
    """The result as text, lines kept."""
    text = observation.value.strip() or (observation.value_code.text if observation.value_code else "")
    text = text or observation.raw.strip() or (observation.value_code.code if observation.value_code else "")
    if observation.type is ValueType.NUMERIC:
        return with_comparator(observation.comparator, text)
    text = words_of(observation.type, text)
    return f"{observation.comparator} {text}" if observation.comparator else text


def span(low: str, high: str) -> str:
    """A range from its bounds: ``4,0 – 10,0``, ``≥ 4,0``, ``≤ 10,0``."""
    low, high = french(low.strip()), french(high.strip())
    if low and high:
        return f"{low} – {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def reference_range(observation: Observation) -> str:
    """As the laboratory printed it, with decimal commas like the results beside it; else built from the bounds."""
    return _printed(observation.range_text) or span(observation.low, observation.high)


@lru_cache(maxsize=4000)
def _printed(range_text: str) -> str:
    """Those of an analysis come back with every report."""
    return _DECIMAL.sub(r"\1,\2", range_text.strip())


def label(code: Code, alternate: Code | None = None) -> str:
    """Name of an analysis: its text, else its code. Never empty."""
    words = flat(code.text) or (flat(alternate.text) if alternate else "")
    return words or flat(code.code) or (flat(alternate.code) if alternate else "") or "Analyse"


def method(observation: Observation) -> str:
    """The method as printed, else the name of its code."""
    code = observation.method_code
    if observation.method.strip() or code is None:
        return flat(observation.method)
    known = tables.techniques().get(code.code.strip()) if code.system.strip() == ANSM else None
    return flat(code.text) or (known.display if known else flat(code.code))


def earlier(result: PreviousResult) -> str:
    """An earlier result as text: ``< 5,0 mg/L``, lines kept."""
    text = result.value.strip()
    if result.type is ValueType.NUMERIC:
        return f"{with_comparator(result.comparator, text)} {flat(result.unit)}".strip()
    return f"{result.comparator} {words_of(result.type, text)}".strip()


def kit(observation: Observation) -> str:
    """The reagent kit, by its name, else its code."""
    return flat(observation.kit.text) or flat(observation.kit.code) if observation.kit else ""


def flags(observation: Observation, *, tested: bool = False) -> tuple[str, ...]:
    """The flags of a result, each once; ``tested``: an antibiogram line that has none reads S, I or R itself."""
    found = _flags(observation.flags)
    letter = observation.value.strip().upper() if tested and not found else ""
    return (letter,) if letter in _SUSCEPTIBILITY else found


@lru_cache(maxsize=500)
def _flags(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(flag for f in given if (flag := f.strip())))


@lru_cache(maxsize=500)
def interpretations(said: tuple[str, ...]) -> tuple[tables.Concept, ...]:
    """Those of these :func:`flags` that the value set knows, each once."""
    return tuple(dict.fromkeys(concept for concept in map(_concept, said) if concept))


@lru_cache(maxsize=500)
def _concept(flag: str) -> tables.Concept | None:
    letter = flag.strip().upper()
    return tables.interpretations().get(_NEAREST.get(letter, letter))


@lru_cache(maxsize=500)
def interpretation(said: tuple[str, ...]) -> str:
    """:func:`flags` with sign, letter and meaning: ``↑ H (Anormalement haut)``. One of the laboratory's own is shown
    as it is."""
    parts = []
    for flag in said:
        concept = _concept(flag)
        if concept is None:
            parts.append(flag)
            continue
        sign = _SIGNS.get(concept.code, "")
        head = f"{sign} {concept.code}" if sign and sign != concept.code else concept.code
        parts.append(f"{head} ({concept.display})")
    return " ; ".join(parts)


@lru_cache(maxsize=500)
def remarkable(said: tuple[str, ...]) -> bool:
    """True when one of these :func:`flags` says the result is out of the ordinary: shown bold too."""
    return any(flag.upper() not in _UNREMARKABLE for flag in said)
