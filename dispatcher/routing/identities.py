"""Comparing people: bare national identifiers, and names as tokens without accents.

Names are only ever compared to *stop* a mail or to show an operator who might be meant; nothing is chosen by them
(design, promise 5). National forms: type digit and identifier, « Identification nationale PP » and « Identification
Structure » of the MSSanté extraction (8 RPPS, 0 ADELI, 1 FINESS, 3 SIRET).
"""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.report.folding import fold
from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType

TYPE_DIGITS = {IdType.RPPS: "8", IdType.ADELI: "0", IdType.FINESS: "1", IdType.SIRET: "3"}
"""Digit in front of the identifier in its national form."""
LENGTHS = {IdType.RPPS: 11, IdType.ADELI: 9, IdType.FINESS: 9, IdType.SIRET: 14}
"""Characters of the bare identifier."""
PEOPLE = frozenset({IdType.RPPS, IdType.ADELI})
STRUCTURES = frozenset({IdType.FINESS, IdType.SIRET})

TITLES = frozenset(
    {"dr", "drs", "doc", "docteur", "docteurs", "pr", "prof", "professeur", "mme", "madame", "mr", "monsieur", "mlle"}
)
PARTICLES = frozenset(
    {"de", "du", "des", "d", "la", "le", "les", "l", "van", "von", "vom", "zu", "zum", "der", "den", "ter", "ten"}
    | {"el", "al", "ben", "bin", "abd", "abou", "ould", "mac", "mc", "di", "da", "del", "della", "dos", "san", "o"}
)
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


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """Words of a name, folded, titles left out; ``St`` becomes ``saint``.

    Figures and codes (``12``, ``d077``) are no part of a name; a word with a figure among letters is one, mistyped.
    Remembered: the same few hundred people get a laboratory's reports, each name is taken apart a dozen times a report.
    """
    words = re.findall(r"[^\W_]+", fold(text))
    return tuple(_SPELLINGS.get(word, word) for word in words if word not in TITLES and _lettered(word))


def _lettered(word: str) -> bool:
    return 2 * sum(char.isalpha() for char in word) > len(word)


def label_names(label: str, family: str, given: str) -> bool:
    """The free text ``label`` holds the whole family name and at least one given name (or none is known)."""
    words = set(tokens(label))
    name = set(tokens(family))
    first = set(tokens(given))
    return bool(name) and name <= words and (not first or bool(first & words))
