"""Is the box a person chose somebody else's than the one the file names? The answer asks for a second look, no more."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import Directory
from dispatcher.routing.addresses import as_compared, is_patient
from dispatcher.routing.candidates import Entry
from dispatcher.routing.confirm import personal_name
from dispatcher.routing.facts import own_identity
from dispatcher.routing.identities import tokens
from dispatcher.routing.likeness import Name, agree, names_structure, structures_agree
from dispatcher.routing.owners import numbers_of
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.routing.trace import from_json
from dispatcher.service.choose import candidates
from dispatcher.service.rule import identity_of

NAME_HOLD = "name-disagrees"
ANOTHER = "Le fichier nomme {named}, et la boîte choisie est celle de {theirs}."
NUMBER = "Le fichier donne le numéro {mine}, et la boîte choisie est celle du numéro {theirs} ({label})."
QUESTIONED = "Cet envoi attend parce que le nom du fichier n'est pas celui de l'annuaire. Le fichier nomme {named}."
NOBODY = "personne de connu à cette adresse"


def behind(directory: Directory, dispatch: Dispatch, address: str) -> tuple[Entry, ...]:
    """Who the directories know behind a box, with the candidates of the hold. Raises DirectoryError."""
    box = as_compared(address)
    kept = (entry for entry in candidates(dispatch) if as_compared(entry.address) == box)
    return tuple(dict.fromkeys((*directory.by_address(box), *kept)))


def disagreement(directory: Directory, dispatch: Dispatch, address: str) -> str:
    """French, when the file names somebody else than ``address`` belongs to, or that was the question; else empty.

    Compared as strictly as before any mail leaves: names, and numbers of one register. A box nobody is known behind,
    and the box of a structure for a person, cannot be compared. Raises DirectoryError.
    """
    wanted = from_json(dispatch.decision).wanted
    if wanted.role is RecipientRole.PATIENT or is_patient(address):
        return ""  # rules of their own, which no person overrules
    known = behind(directory, dispatch, address)
    text = _names(wanted, known) or _numbers(directory, wanted, known)
    questioned = QUESTIONED.format(named=named(wanted)) if dispatch.hold_code == NAME_HOLD else ""
    return text or questioned


def named(wanted: Wanted) -> str:
    """How the file calls the recipient, in quotes when it does."""
    text = wanted.label or " ".join(part for part in (wanted.family, wanted.given) if part)
    return f"« {text} »" if text else "personne"


def labels(known: Iterable[Entry]) -> str:
    """Whose box it is, as a person reads it."""
    return ", ".join(dict.fromkeys(entry.label for entry in known if entry.label)) or NOBODY


def word_to_type(known: Iterable[Entry], address: str) -> str:
    """What a person types to say he has read whose box it is: the family name, else the address."""
    families = {entry.family for entry in known if entry.family}
    return families.pop() if len(families) == 1 else address


def is_word(typed: str, word: str) -> bool:
    """Without regard to case and accents."""
    if "@" in word:
        return typed.strip().casefold() == word.casefold()
    return bool(tokens(word)) and tokens(typed) == tokens(word)


def _names(wanted: Wanted, known: tuple[Entry, ...]) -> str:
    text = wanted.label or " ".join(part for part in (wanted.family, wanted.given) if part)
    if names_structure(text):
        return _structures(wanted, text, known)
    people = [entry for entry in known if entry.family and entry.box_type != "ORG"]
    name = personal_name(wanted)
    if name is None or not people or any(agree(name, Name(one.family, one.given)) for one in people):
        return ""
    return ANOTHER.format(named=named(wanted), theirs=f"« {labels(people)} »")


def _structures(wanted: Wanted, text: str, known: tuple[Entry, ...]) -> str:
    places = [entry for entry in known if entry.source != "local"]
    names = [part for entry in places for part in (entry.structure_name, entry.service) if part]
    if structures_agree(text, names, [entry.town for entry in places]) is not False:
        return ""
    return ANOTHER.format(named=named(wanted), theirs=f"« {labels(places)} »")


def _numbers(directory: Directory, wanted: Wanted, known: tuple[Entry, ...]) -> str:
    own = own_identity(wanted)
    if own is None:
        return ""
    mine = numbers_of(own, lambda one: directory.equivalents(*one))
    types = {kind for kind, _ in mine}
    theirs = {identity: entry for entry in known if (identity := identity_of(entry)) and identity[0] in types}
    if not theirs or theirs.keys() & set(mine):
        return ""
    (kind, number), entry = next(iter(theirs.items()))
    return NUMBER.format(mine=f"{own[0]} {own[1]}", theirs=f"{kind} {number}", label=entry.label)
