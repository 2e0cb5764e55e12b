"""Comparing people: bare national identifiers, and names as tokens without accents.

Names are only ever compared to *stop* a mail or to show an operator who might be meant; nothing is chosen by them
(design, promise 5). National forms: type digit and identifier, « Identification nationale PP » and « Identification
Structure » of the MSSanté extraction (8 RPPS, 0 ADELI, 1 FINESS, 3 SIRET).
"""

from __future__ import annotations

import re

from dispatcher.report.folding import fold
from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType

TYPE_DIGITS = {IdType.RPPS: "8", IdType.ADELI: "0", IdType.FINESS: "1", IdType.SIRET: "3"}
"""Digit in front of the identifier in its national form."""
LENGTHS = {IdType.RPPS: 11, IdType.ADELI: 9, IdType.FINESS: 9, IdType.SIRET: 14}
"""Characters of the bare identifier."""
PEOPLE = frozenset({IdType.RPPS, IdType.ADELI})
STRUCTURES = frozenset({IdType.FINESS, IdType.SIRET})

TITLES = frozenset({"dr", "drs", "docteur", "pr", "prof", "professeur", "mme", "madame", "mr", "monsieur", "mlle"})
PARTICLES = frozenset({"de", "du", "des", "d", "la", "le", "les", "l", "van", "von", "der", "den", "el", "al"})
_SPELLINGS = {"st": "saint", "ste": "sainte"}


def bare_identifier(id_type: IdType, text: str) -> str:
    """Without blanks, and without the type digit when the national form was given: ``8997…`` to ``997…``."""
    bare = compact(text)
    length = LENGTHS.get(id_type)
    if length is None:
        return text.strip()
    if len(bare) == length + 1 and bare[0] == TYPE_DIGITS[id_type]:
        return bare[1:]
    return bare


def from_national_form(text: str, kinds: frozenset[IdType]) -> tuple[IdType, str] | None:
    """``899700000013`` to ``(RPPS, 99700000013)``; ``None`` when it is the national form of none of ``kinds``."""
    bare = compact(text)
    for kind in sorted(kinds):
        if len(bare) == LENGTHS[kind] + 1 and bare[0] == TYPE_DIGITS[kind]:
            return kind, bare[1:]
    return None


def tokens(text: str) -> tuple[str, ...]:
    """Words of a name, folded, titles left out; ``St`` becomes ``saint``."""
    words = re.findall(r"[^\W_]+", fold(text))
    return tuple(_SPELLINGS.get(word, word) for word in words if word not in TITLES)


def _writings(words: tuple[str, ...]) -> set[str]:
    """The words joined, with and without leading particles: ``de la tour`` is also ``latour`` and ``tour``."""
    found = {"".join(words)}
    rest = words
    while len(rest) > 1 and rest[0] in PARTICLES:
        rest = rest[1:]
        found.add("".join(rest))
    return found


def family_agrees(one: str, other: str) -> bool:
    """The two family names may be the same person's: a word in common, or the same letters cut elsewhere.

    A missing name agrees with everything. Married and double names share a word, so they agree.
    """
    left, right = tokens(one), tokens(other)
    if not left or not right:
        return True
    if (set(left) - PARTICLES) & (set(right) - PARTICLES):
        return True
    ours, theirs = _writings(left), _writings(right)
    if ours & theirs:
        return True
    short, long = sorted(("".join(left), "".join(right)), key=len)
    return len(short) >= 8 and long.startswith(short)  # a field cut at its maximal length


def given_agrees(one: str, other: str) -> bool:
    """The two given names may be the same person's: a word in common, initials, or an abbreviation with its point."""
    left, right = tokens(one), tokens(other)
    if not left or not right or set(left) & set(right) or "".join(left) == "".join(right):
        return True
    for short, long, text in ((left, right, one), (right, left, other)):
        initials = "".join(word[0] for word in long)
        joined = "".join(short)
        if joined in {initials, initials[0]}:
            return True
        if "." in text and len(short) == 1 and len(joined) >= 2 and long[0].startswith(joined):
            return True
    return False


def names_agree(family: str, given: str, other_family: str, other_given: str) -> bool:
    """Both parts agree, as written or with family and given names in each other's field."""
    if family_agrees(family, other_family) and given_agrees(given, other_given):
        return True
    if family and not given:  # « DURAND Paul » in one field, or the given name alone
        return family_agrees(family, other_family)
    return bool(family and given) and family_agrees(given, other_family) and given_agrees(family, other_given)


def label_names(label: str, family: str, given: str) -> bool:
    """The free text ``label`` holds the whole family name and at least one given name (or none is known)."""
    words = set(tokens(label))
    name = set(tokens(family))
    first = set(tokens(given))
    return bool(name) and name <= words and (not first or bool(first & words))
