"""Words of a search: what to look for in the index of words, and which of two answers a person means rather."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dispatcher.report.folding import fold
from dispatcher.report.identifiers import compact
from dispatcher.routing.candidates import Entry

MAX_WORDS = 8
"""Words of a search that are looked at."""
_KIND_NAMED = re.compile(r"^\s*(?:RPPS|ADELI|FINESS|SIRET)\b[\s:n°]*", re.IGNORECASE)
_LATIN = "\u024f"
"""Last letter the index and we cut alike; no French name has any beyond."""


def identifier_in(text: str) -> str:
    """What may be an identifier, compact: « RPPS n° 997 0000 0013 » gives ``99700000013``."""
    return compact(_KIND_NAMED.sub("", text))


def words_of(text: str, most: int = MAX_WORDS) -> list[str]:
    """Folded words, the first ``most``."""
    found = re.findall(r"[^\W_]+", fold(text))
    return [word for word in found if max(word) <= _LATIN][:most]


def steps(words: list[str], common: Callable[[str], bool]) -> Iterator[str]:
    """FTS5 queries, narrow to wide: a family name and all words, all words, the same with the last word only begun.

    ``common`` tells a word that stands in a great many rows: no family name does, and reading them all takes time.
    """
    whole = [spelled(word) for word in words]
    rare = [not common(word) for word in words]
    names = [word for word, is_rare in zip(whole, rare, strict=True) if is_rare]
    if names:
        yield _with_family(whole, names)
    yield " AND ".join(whole)
    if len(words[-1]) > 1 and rare[-1]:
        begun = [*whole[:-1], spelled(words[-1], "*")]
        names = names[:-1] if len(words) > 1 else begun
        if names:
            yield _with_family(begun, names)
        yield " AND ".join(begun)


def _with_family(parts: list[str], names: list[str]) -> str:
    family = f"{{family}} : ({' OR '.join(names)})"
    return family if len(parts) == 1 else f"{' AND '.join(parts)} AND {family}"


def spelled(word: str, ending: str = "") -> str:
    """The word as FTS5 text, and with its ligature: the tokenizer folds accents but leaves ``œ`` and ``æ`` alone."""
    forms = dict.fromkeys((word, word.replace("oe", "œ").replace("ae", "æ")))
    quoted = [f'"{form}"{ending}' for form in forms]
    return f"({' OR '.join(quoted)})"


def ranking(words: list[str]) -> Callable[[Entry], tuple[int, str, str]]:
    """Sorts entries: best first, then by label and address."""
    return lambda entry: (_distance(entry, words), entry.label, entry.address)


def _distance(entry: Entry, words: list[str]) -> int:
    """0 is best: every word is the family or given name; beginnings and other columns cost more."""
    family, given = (set(re.findall(r"[^\W_]+", fold(part))) for part in (entry.family, entry.given))
    if "'" in entry.family or "’" in entry.family:
        family |= set(re.findall(r"[^\W_]+", fold(entry.family).replace("'", "").replace("’", "")))
    cost = 0
    for word in words:
        if word in family:
            continue
        if word in given:
            cost += 1
        elif any(name.startswith(word) for name in family):
            cost += 3
        elif any(name.startswith(word) for name in given):
            cost += 4
        else:
            cost += 6
    return cost
