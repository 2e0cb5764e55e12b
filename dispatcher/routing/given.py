"""An address somebody gave, in the file or on a line of the table: is it of who goes with it?

Compared with the person's number in the file, and with what the laboratory's line for the same code says. These
questions only stop a mail. An address an operator chose is not asked about: a person has looked.
"""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.routing import facts as facts_of
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.case import TABLE, Case, Finding, spoken, stopped
from dispatcher.routing.facts import Identity
from dispatcher.routing.identities import LENGTHS, PEOPLE
from dispatcher.routing.likeness import Name, agree, person_words, structures_agree, tells_structure
from dispatcher.routing.owners import named, others
from dispatcher.routing.route import RecipientRole


def disagreement(case: Case, name: Name | None) -> Finding | None:
    """Why the address is not that of the numbers and the line that go with it. ``name``: the person's, in the file."""
    if not case.address or case.facts.chosen or case.wanted.role is RecipientRole.ADDED:
        return None
    line, own = case.line, facts_of.own_identity(case.wanted)
    number = facts_of.number_of(line) if line else None
    if case.by_person:
        told = "la même ligne de la table" if number else "le compte rendu"
        if line is None:
            return None
        return _not_of(case, number or own, _on_line(line), told) or _not_in(case, number or own, told)
    told = "le compte rendu"
    found = _not_of(case, own, [name] if name else [], told) or _not_in(case, own, told)
    if found is not None or line is None:
        return found
    told = f"la ligne {line.line} de la table pour le {case.code}"
    return (
        _not_of(case, number, _on_line(line), told)
        or _not_in(case, number, told)
        or _another_address(case, line, number, name, told)
    )


def _on_line(line: LocalEntry | None) -> list[Name]:
    words = person_words(line.label) if line else ()
    return [Name(" ".join(words))] if words else []


def _not_of(case: Case, own: Identity | None, names: list[Name], told: str) -> Finding | None:
    """For the directory the address must be a box of that person's number, or of nobody in particular."""
    if own is None or own[0] not in PEOPLE:
        return None
    mine = facts_of.same_as(own, case.facts)
    known = _people(case.behind)
    if any((box.id_type, box.identifier) in mine for box in known):
        return None
    theirs = [entry for one in mine for entry in case.facts.people.get(one, ())]
    names = [*named(theirs), *names]
    comparable = [box for box in known if names or box.id_type in {kind for kind, _ in mine}]
    another = others(comparable, mine, names)
    return _stopped(case, own, told, another, case.facts.entries.get(own, ())) if another else None


def _not_in(case: Case, own: Identity | None, told: str) -> Finding | None:
    """The same for the number of a structure: its own box, or that of somebody who works there."""
    if own is None or own[0] in PEOPLE or not case.behind:
        return None
    places = {box.structure_id for box in case.behind if box.structure_id}
    alike = {place for place in places if len(place) == LENGTHS[own[0]]}
    if own[1] in places or (places and not alike):
        return None
    return _stopped(case, own, told, case.behind, case.facts.entries.get(own, ()))


def structure_disagreement(case: Case, written: str = "") -> Finding | None:
    """Why an address that is nobody's but structures' is not of the structure the file names.

    ``written``: the label of the line that gives the address, a name it may bear too. A person may be reached at a
    structure's box: only a name that tells what a structure is gets compared, and only where no number has told.
    """
    wanted, behind = case.wanted, case.behind
    text = " ".join(part for part in (wanted.family, wanted.given) if part) or wanted.label
    if not case.address or case.facts.chosen or wanted.role is RecipientRole.ADDED or not tells_structure(text):
        return None
    own = facts_of.own_identity(wanted)
    if not behind or _people(behind) or (own and (own[0] in PEOPLE or own[1] in {box.structure_id for box in behind})):
        return None
    names = [part for box in behind for part in (box.structure_name, box.service) if part]
    towns = [box.town for box in behind]
    if structures_agree(text, names, towns) is not False or (written and structures_agree(text, [written], towns)):
        return None
    return stopped(
        "name-disagrees",
        f"Le compte rendu nomme {case.name}, mais pour l'annuaire l'adresse {case.address} est celle de : "
        f"{', '.join(sorted(set(names)))}. Vérifier l'adresse ; si c'est bien la même structure, écrire ce nom dans la "
        f"colonne « libelle » de sa ligne de {TABLE}, ou choisir l'adresse ici.",
        behind,
    )


def _another_address(
    case: Case, line: LocalEntry, number: Identity | None, name: Name | None, told: str
) -> Finding | None:
    """The file's address is not the line's: two boxes of one person or structure, or a person must look."""
    address = as_compared(line.address)
    if address in {"", case.address}:
        return None
    here, there = case.behind, case.facts.by_address.get(address, ())
    if number and any(number in {(box.id_type, box.identifier), (None, box.structure_id)} for box in here):
        return None
    if _same_holder(here, there):
        return None
    if not there and name is not None and any(agree(name, one) for one in named(_people(here))):
        return None
    return stopped(
        "identifier-disagrees",
        f"Le compte rendu donne l'adresse {case.address} pour {case.name}, et {told} donne {address} : rien ne dit que "
        "ce sont deux boîtes d'un même destinataire. Corriger la ligne ou la fiche dans le logiciel du laboratoire, "
        "ou choisir l'adresse ici.",
        [*here, *(there or (Entry(address=address, box_type="", structure_name=line.label, source="local"),))],
    )


def _same_holder(here: Iterable[Entry], there: Iterable[Entry]) -> bool:
    """The directories name the same structure or person behind two addresses."""
    places = {box.structure_id for box in there if box.box_type == "ORG" and box.structure_id}
    if any(box.box_type == "ORG" and box.structure_id in places for box in here):
        return True
    mine = {(box.id_type, box.identifier) for box in there if box.id_type and box.identifier}
    people = _people(here)
    numbers = frozenset((kind, number) for kind, number in mine if kind is not None)
    known = [box for box in people if named([box]) or (box.id_type, box.identifier) in mine]
    return bool(known and (numbers or named(there))) and not others(known, numbers, named(there))


def _people(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.box_type != "ORG"]


def _stopped(case: Case, own: Identity, told: str, found: Iterable[Entry], known: Iterable[Entry]) -> Finding:
    found = tuple(found)
    labels = ", ".join(sorted({box.label for box in found}))
    return stopped(
        "identifier-disagrees",
        f"Pour l'annuaire, l'adresse {case.address} n'est pas celle du {spoken(own)} que donne {told}, mais celle de : "
        f"{labels}. Vérifier la fiche de {case.name} dans le logiciel du laboratoire et dans {TABLE}, ou choisir "
        "l'adresse ici.",
        [*found, *known],
    )
