"""Whose box is it? Entries behind one address that tell of somebody else than the person meant.

Numbers of one register are compared first. Where they cannot be (an entry without a number, or with one of the other
register that no correspondence ties to the person), the names are. Asked by the rules before a mail leaves and by
``drift`` afterwards; the answer can only stop a mail or tell a person, never choose.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.routing.identities import PEOPLE, tokens
from dispatcher.routing.likeness import Name, agree, names_structure, person_words

Number = tuple[IdType, str]


def numbers_of(own: Number, equivalents: Callable[[Number], tuple[Number, ...]]) -> tuple[Number, ...]:
    """``own`` and the number of the other register that is the same person's and nobody else's.

    More than one of the other register is no equivalence, so none of them is followed. Neither is an ADELI that two
    RPPS share, from whichever side one comes: what is filed under it may be the other person's.
    """
    found = equivalents(own) if own[0] in PEOPLE else ()
    if len(found) != 1:
        return (own,)
    adeli = own if own[0] is IdType.ADELI else found[0]
    return (own, *found) if len(equivalents(adeli)) == 1 else (own,)


def person_named(entry: Entry) -> Name | None:
    """The name an entry gives a person. « SECRETARIAT » tells what a structure is and names nobody."""
    if not tokens(entry.family) or entry.box_type == "ORG":
        return None
    if not names_structure(entry.family):
        return Name(entry.family, entry.given)
    words = person_words(f"{entry.family} {entry.given}")
    return Name(" ".join(words)) if words else None


def named(entries: Iterable[Entry]) -> list[Name]:
    """All names these entries give people."""
    return [name for entry in entries if (name := person_named(entry)) is not None]


def others(known: Iterable[Entry], mine: Collection[Number], names: Collection[Name]) -> tuple[Entry, ...]:
    """Those of ``known`` that tell of somebody else than who has the numbers ``mine`` and one of ``names``.

    A number of ``mine`` is that person, another of the same register is not. Else a name that disagrees with all of
    ``names`` is somebody else's; so is a number of the other register without any name to tie it to the person.
    """
    return tuple(entry for entry in known if _another(entry, mine, names))


def _another(entry: Entry, mine: Collection[Number], names: Collection[Name]) -> bool:
    if entry.id_type is not None and entry.identifier:
        if (entry.id_type, entry.identifier) in mine:
            return False
        if entry.id_type in {kind for kind, _ in mine}:
            return True
    name = person_named(entry)
    if name is None or not names:
        return bool(entry.identifier and mine)
    return not any(agree(name, one) for one in names)
