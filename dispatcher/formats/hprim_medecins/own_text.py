"""The laboratory's own printed text: does it say every result, and which line prints which?

Printed lines and a report in, the same lines with their results out. Only a text that says everything may be printed
alone: a result hidden by a text that leaves it out would be lost to whoever reads no coded lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dispatcher.formats.hprim_medecins.layout import NO_LABEL, Line, shown_value, susceptibility_words
from dispatcher.report.folding import unaccented
from dispatcher.report.model import Observation, Report
from dispatcher.report.values import as_decimal

_REACH = 4
"""Lines below its label in which a value is looked for; long values reach further."""
_LABEL_START = 20
"""Characters of a long label that must stand on one line."""
_FIRST_WORD = 4
"""Letters from which the first word of a label is enough, together with the value."""
_COLUMNS = 30
"""Narrowest column a long value is expected in."""
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:[ .]\d{3})+(?![.\d])|\d+(?:\.\d+)?)")


def fold(text: str) -> str:
    """One blank between words, no accents, lower case, decimal point: how printed and coded values are compared."""
    bare = unaccented(text)
    pointed = re.sub(r"(?<=\d),(?=\d)", ".", bare.replace("|", "/"))
    return re.sub(r"\s+", " ", pointed).strip().casefold()


def place(own: Sequence[str], report: Report) -> list[Line] | None:
    """Each result behind the line that prints it; None when the text leaves out a result or a comment."""
    folded = [fold(line) for line in own]
    whole = " ".join(folded)
    comments = [c for b in report.batteries for c in (*b.comments, *(x for o in b.observations for x in o.comments))]
    if not all(fold(comment) in whole for comment in comments):
        return None
    results: list[list[Observation]] = [[] for _ in own]
    at = 0
    for observation in report.observations:
        found = _find(folded, at + 1 if results[at] else at, at, observation)
        if found is None:
            return None
        at = found
        results[at].append(observation)
    return [Line(text, tuple(here)) for text, here in zip(own, results, strict=True)]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value in all the forms a laboratory may print it."""

    forms: tuple[str, ...]
    number: Decimal | None

    def stands_in(self, text: str) -> bool:
        """Whole, as words or as the same number (``2.920`` and ``2 920`` print 2920, ``1.3`` prints 1.30)."""
        return any(_holds(text, form) for form in self.forms) or (
            self.number is not None and any(self.number in _readings(found[0]) for found in _NUMBER.finditer(text))
        )


def _readings(printed: str) -> set[Decimal]:
    """A number as it stands, and with its blanks or points taken for thousands."""
    plain = as_decimal(printed.replace(" ", ""))
    grouped = as_decimal(printed.replace(" ", "").replace(".", ""))
    thousands = re.fullmatch(r"-?\d{1,3}(?:[ .]\d{3})+", printed) is not None
    return {number for number in (plain, grouped if thousands else None) if number is not None}


def _value_of(observation: Observation) -> _Value:
    texts = (shown_value(observation), observation.value, observation.raw, susceptibility_words(observation))
    number = None if observation.comparator else as_decimal(observation.value)
    return _Value(tuple({folded: None for text in texts if (folded := fold(text))}), number)


def _holds(text: str, words: str) -> bool:
    """``words`` stand in ``text`` as whole words (both folded)."""
    return bool(words) and words in text and bool(re.search(rf"(?<![\w.]){re.escape(words)}(?![\w]|\.\d)", text))


def _find(folded: Sequence[str], start: int, at: int, observation: Observation) -> int | None:
    """The line that prints a result: from ``start`` on, else from ``at``, else anywhere; None when none does."""
    if observation.document is not None:
        return None
    if not observation.value:
        return at
    value = _value_of(observation)
    for first in dict.fromkeys((start, at, 0)):
        for line in _candidates(folded, first, _printed_label(observation)):
            end = _last_line(folded, line, value)
            if end is not None:
                return _with_second_unit(folded, end, observation)
    return None


def _printed_label(observation: Observation) -> str:
    """What a laboratory would print before the value; a code in place of a label is never printed."""
    code = observation.code
    return "" if code.text in (code.code, NO_LABEL) else fold(code.text)


def _candidates(folded: Sequence[str], first: int, label: str) -> Iterator[int]:
    """Lines that begin with the label, that hold it, that hold its first word; all of them when there is no label."""
    rest = range(first, len(folded))
    if not label:
        yield from rest
        return
    start = label[:_LABEL_START]
    for line in rest:
        if folded[line].startswith(start) and (len(label) > _LABEL_START or _holds(folded[line], label)):
            yield line
    for line in rest:
        if (start in folded[line]) if len(label) > _LABEL_START else _holds(folded[line], label):
            yield line
    word = label.split(" ", 1)[0]
    if len(word) >= _FIRST_WORD:
        yield from (line for line in rest if _holds(folded[line], word))


def _last_line(folded: Sequence[str], line: int, value: _Value) -> int | None:
    """The line at which the value, begun at or soon after ``line``, is complete."""
    longest = max((len(form) for form in value.forms), default=0)
    text = ""
    for end in range(line, min(line + _REACH + longest // _COLUMNS, len(folded))):
        text = f"{text} {folded[end]}"
        if value.stands_in(folded[end]) or value.stands_in(text):
            return end
    return None


def _with_second_unit(folded: Sequence[str], line: int, observation: Observation) -> int:
    """The second unit is printed beside the first or on one of the next two lines."""
    if observation.alt is None:
        return line
    alt = _Value((fold(observation.alt.value),), as_decimal(observation.alt.value))
    return next((i for i in range(line, min(line + 3, len(folded))) if alt.stands_in(folded[i])), line)
