"""A free label (line 12 of HPRIM, the label of a code) says more than a name: town, speciality, practice, a partner.

What the directory itself says of the very person explains the rest of the label; a word nothing explains is taken for a
name and disagrees. Only labels are read so: the family and given names of a file never are (docs/adr/0012).
"""

from __future__ import annotations

import re

from dispatcher.report.folding import fold
from dispatcher.routing.candidates import Entry
from dispatcher.routing.identities import PARTICLES, TITLES, tokens
from dispatcher.routing.likeness import Name, agree, distinctive, person_words, tells_structure

_PLURAL = re.compile(r"\b(?:drs|docteurs)\b")
_CUT = re.compile(r"\(|\s[-–—]\s|\b\d")
_AFTER = """
remplacant remplacante remplace copie secretariat chez rue avenue av bd boulevard place chemin route allee quai impasse
bis ter cabinet clinique ehpad hopital service maison centre residence
"""
_OPENERS = frozenset(_AFTER.split())
"""Words after which a label tells something else than a name of the person."""
_GIVEN_TOWNS = frozenset(
    {"nancy", "florence", "lourdes", "charlotte", "constance", "clemence", "valentine", "marine", "lucie", "aurore"}
)
"""Towns that are given names: « DURAND NANCY » may be Nancy Durand."""


def label_agrees(label: str, entry: Entry) -> bool:
    """Is the person of ``entry`` one of those the label names, everything else in it explained by ``entry``?"""
    text = _explained_before_title(fold(label), entry)
    holder = Name(entry.family, entry.given)
    return any(agree(Name(" ".join(words)), holder) for words in _people(text, entry))


def _people(text: str, entry: Entry) -> list[tuple[str, ...]]:
    """The names in a label, one or several; none when a part of it may be a name and is not explained."""
    cut = _CUT.search(text)
    if cut is not None:
        head, rest = text[: cut.start()], text[cut.start() :]
        if not _explained(rest, entry) and not (_whole(head, entry) and _opens(rest)):
            return []
        text = head
    parts = [_without_town(person_words(part), entry) for part in re.split(r"\bet\b|&", text)]
    plural = _PLURAL.search(text)
    if plural is not None and len(parts) == 1:
        words = person_words(text[plural.end() :])
        if len(words) == 2 and all(len(word) > 1 and word not in PARTICLES for word in words):
            return [(word,) for word in words]
    return [words for words in parts if words]


def _whole(head: str, entry: Entry) -> bool:
    """The whole name stands there, given name and all."""
    family, given = tokens(entry.family), tokens(entry.given)
    return bool(family and given) and sorted(person_words(head)) == sorted((*family, *given))


def _opens(rest: str) -> bool:
    words = re.findall(r"[^\W\d_]+", rest)
    return bool(words) and words[0] in _OPENERS


def _explained(text: str, entry: Entry) -> bool:
    """Nothing in ``text`` may be a name: speciality, the person's own town, or own structure where one is named."""
    if any(len(word) == 1 and word not in PARTICLES for word in tokens(text)):
        return False
    known = distinctive(entry.town) - _GIVEN_TOWNS
    if tells_structure(text):
        known |= distinctive(entry.structure_name) | distinctive(entry.service)
    return set(distinctive(" ".join(person_words(f"dr {text}")))) <= known | {"copie"}


def _explained_before_title(text: str, entry: Entry) -> str:
    """« EHPAD LES LILAS DR DURAND »: what stands before the title, when it is explained, is left out."""
    for found in re.finditer(r"[^\W\d_]+", text):
        if found.group() in TITLES:
            before = text[: found.start()]
            return text[found.start() :] if _explained(before, entry) else text
    return text


def _without_town(words: tuple[str, ...], entry: Entry) -> tuple[str, ...]:
    """« DURAND QUIMPER » without his own town, at the end and in full."""
    town = tokens(entry.town)
    if not town or town[0] in _GIVEN_TOWNS or len(words) <= len(town) or words[-len(town) :] != town:
        return words
    return words[: -len(town)]
