"""Is it really that person? What the file, the directory and the table say of one recipient must not disagree.

These rules stop a mail or let it pass; none of them chooses. An address an operator picked is not compared with names:
a person has looked. One of the laboratory's table is, with the directory's names and the one written on its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dispatcher.report.identifiers import identifier_ok
from dispatcher.report.model import IdType
from dispatcher.routing import facts as facts_of
from dispatcher.routing.candidates import Entry
from dispatcher.routing.case import TABLE, Case, Finding, not_applicable, ordered, passed, spoken, stopped
from dispatcher.routing.facts import Identity
from dispatcher.routing.given import disagreement, structure_disagreement
from dispatcher.routing.identities import PEOPLE, STRUCTURES, tokens
from dispatcher.routing.labels import label_agrees
from dispatcher.routing.likeness import (
    Agreement,
    Name,
    agree,
    given_agreement,
    person_words,
    same_structure_name,
    structures_agree,
)
from dispatcher.routing.owners import named, others
from dispatcher.routing.route import RecipientRole, Wanted


def same_person(case: Case) -> Finding:
    """Does the directory know that number, or that box, under the name and the number the file gives?"""
    if case.by_person and not (case.line and case.line.address):
        return not_applicable("Adresse donnée par une personne : les noms ne sont pas comparés.")
    found = disagreement(case, personal_name(case.wanted))
    if found is not None:
        return found
    if case.by_person:
        return _table_address(case)
    found = structure_disagreement(case)
    if found is not None:
        return found
    known = _named_people(case)
    if known:
        return _names(case, known)
    if case.identity and case.identity[0] in STRUCTURES and not case.address:
        return _structure(case, case.identity)
    return _unconfirmed(case, "L'annuaire n'attache aucun nom de personne à cette boîte.")


def _table_address(case: Case) -> Finding:
    """An address of the laboratory's table: the name is the directory's, or the one written on the line (label).

    Where no directory knows the address, the label of a line a person taught (docs/adr/0014) is compared alone: it is
    the name the address was confirmed for. The label of a line typed by hand is free text there. Where the file itself
    gives a person's national number, no label stands in for the directory's name of that number.
    """
    name, line = personal_name(case.wanted), case.line
    if case.facts.chosen or case.wanted.role is RecipientRole.ADDED or line is None:
        return not_applicable("Adresse donnée par la table du laboratoire : aucun nom à comparer.")
    found = structure_disagreement(case, line.label) or _not_of_number(case, name)
    if found is not None:
        return found
    known, written = _named_people(case), person_words(line.label)
    if name is None or not (known or (line.added_by and written)):
        return not_applicable("Adresse donnée par la table du laboratoire : aucun nom à comparer.")
    if any(_agrees(case.wanted, name, box) for box in known):
        return passed("Le nom du compte rendu s'accorde avec celui de l'annuaire.")
    if written and agree(name, Name(" ".join(written))):
        but = f" ; l'annuaire, lui, y connaît un autre nom : {_labels(known)}" if known else ""
        return passed(f"Le nom du compte rendu est celui de la ligne {line.line} de la table, « {line.label} »{but}.")
    if not known:
        return stopped(
            "name-disagrees",
            f"Le compte rendu nomme {case.name}, mais la ligne {line.line} de la table pour le {case.code} donne "
            f"l'adresse {case.address} pour « {line.label} ». Vérifier le code ; si cette adresse est bien la sienne, "
            "écrire son nom dans la colonne « libelle » de la ligne.",
        )
    return stopped(
        "name-disagrees",
        f"Le compte rendu nomme {case.name}, mais pour l'annuaire l'adresse {case.address}, que donne {TABLE}, est "
        f"celle de : {_labels(known)}. Vérifier la ligne du code ; si cette adresse est bien la sienne, écrire ce nom "
        "dans la colonne « libelle » de la ligne.",
        known,
    )


def _not_of_number(case: Case, name: Name | None) -> Finding | None:
    """The file's own number is, for the directory, of somebody else than the file names: no line mends that record."""
    own = facts_of.own_identity(case.wanted)
    if own is None or own[0] not in PEOPLE or name is None:
        return None
    mine = facts_of.same_as(own, case.facts)
    filed = (*_of_numbers(mine, case.facts.people), *_of_numbers(mine, case.facts.entries))
    known = ordered(box for box in filed if tokens(box.family) and box.box_type != "ORG")
    if not known or any(_agrees(case.wanted, name, box) for box in known):
        return None
    return stopped(
        "name-disagrees",
        f"Le compte rendu nomme {case.name}, mais pour l'annuaire le {spoken(own)} qu'il donne est celui de : "
        f"{_labels(known)}. La ligne {case.line.line if case.line else 0} de la table n'y change rien : corriger la "
        "fiche dans le logiciel du laboratoire, ou choisir l'adresse ici.",
        known,
    )


def _of_numbers(numbers: Iterable[Identity], found: Mapping[Identity, tuple[Entry, ...]]) -> tuple[Entry, ...]:
    return tuple(entry for one in numbers for entry in found.get(one, ()))


def _unconfirmed(case: Case, why: str) -> Finding:
    """No name confirms the number: then its key must. One digit changed always breaks the key of RPPS, FINESS, SIRET.

    An ADELI number has no key; the laboratory's table and a sender's own words are trusted for it.
    """
    identity = case.identity
    if case.address or identity is None:
        return not_applicable(why)
    by_hand = bool(case.line and case.line.identifier) or case.wanted.role is RecipientRole.ADDED
    if by_hand and identity[0] is IdType.ADELI:
        return not_applicable(why)
    if identity[0] is not IdType.ADELI and identifier_ok(*identity):
        return not_applicable(f"{why} La clé du numéro est juste.")
    fault = "n'a pas de clé de contrôle" if identity[0] is IdType.ADELI else "a une clé de contrôle fausse"
    return stopped(
        "unverified-identifier",
        f"Le {spoken(identity)} {fault}, et aucun nom ne le confirme : un chiffre faux désignerait quelqu'un d'autre. "
        f"Attendu : le nom du destinataire dans le compte rendu. Vérifier le numéro, ou indiquer l'adresse dans "
        f"{TABLE}.",
        case.boxes,
    )


def _named_people(case: Case) -> tuple[Entry, ...]:
    """Entries that name a person behind the box or the number, of every source."""
    found = list(case.behind)
    if not case.address:
        for identity in facts_of.identities(case.wanted, case.facts):
            found += case.facts.people.get(identity, ()) if identity[0] in PEOPLE else ()
    return ordered(box for box in found if tokens(box.family) and box.box_type != "ORG")


def _names(case: Case, known: tuple[Entry, ...]) -> Finding:
    name = personal_name(case.wanted)
    if name is None:
        if not case.address and not any(all(_one_person(box, [one]) for box in known) for one in known):
            return _two_people(case, known)
        return _unconfirmed(case, "Le compte rendu ne donne pas de nom à comparer à celui de l'annuaire.")
    same = [box for box in known if _agrees(case.wanted, name, box)]
    if same and not tokens(name.family) and len(tokens(name.given)) == 1:
        return _unconfirmed(case, "Le compte rendu ne donne qu'un prénom, qui ne désigne personne.")
    if same and (case.address or all(_one_person(box, same) for box in known)):
        return passed("Le nom du compte rendu s'accorde avec celui de l'annuaire.")
    if same:
        return _two_people(case, known)
    whose = f"l'adresse {case.address} est celle de" if case.address else "ce numéro est celui de"
    if case.identity and not case.address:
        whose = f"le {spoken(case.identity)} est celui de"
    own = facts_of.own_identity(case.wanted)
    todo = (
        f"Vérifier le code ou le numéro ; si c'est bien la même personne, indiquer son adresse et ce nom dans {TABLE}."
    )
    if own is not None and own[0] in PEOPLE:
        todo = "Corriger la fiche dans le logiciel du laboratoire (nom ou numéro), ou choisir l'adresse ici."
    return stopped(
        "name-disagrees",
        f"Le compte rendu nomme {case.name}, mais pour l'annuaire {whose} : {_labels(known)}. {todo}",
        known,
    )


def _agrees(wanted: Wanted, name: Name, box: Entry) -> bool:
    free = not (tokens(wanted.family) or tokens(wanted.given))
    return agree(name, Name(box.family, box.given)) or (free and label_agrees(wanted.label, box))


def _two_people(case: Case, known: tuple[Entry, ...]) -> Finding:
    return stopped(
        "sources-disagree",
        f"Les annuaires donnent deux personnes au même numéro : {_labels(known)}. Une seule est attendue. Vérifier le "
        f"numéro de {case.name}, et indiquer son adresse dans {TABLE}.",
        known,
    )


def _one_person(box: Entry, same: Iterable[Entry]) -> bool:
    """This entry tells of the person of ``same`` under another name (married, maiden): the given name is the same."""
    first = tokens(box.given)
    return box in same or any(
        given_agreement(first, tokens(one.given)) in {Agreement.SAME, Agreement.SHORT} for one in same
    )


def personal_name(wanted: Wanted) -> Name | None:
    """The name the file gives a person; a label only where it can be one. A point or a title is no name."""
    if tokens(wanted.family) or tokens(wanted.given):
        return Name(wanted.family, wanted.given)
    if wanted.role is RecipientRole.ADDED or "@" in wanted.label:
        return None
    words = person_words(wanted.label)
    return Name(" ".join(words)) if words else None


def _structure(case: Case, identity: Identity) -> Finding:
    known = (*case.boxes, *case.facts.people.get(identity, ()))
    wanted = case.wanted
    text = " ".join(part for part in (wanted.family, wanted.given) if part) or wanted.label
    if not text or "@" in text or wanted.role is RecipientRole.ADDED:
        return _unconfirmed(case, "Le compte rendu ne donne pas de nom de structure à comparer.")
    names = [part for box in known for part in (box.structure_name, box.service) if part]
    same = structures_agree(text, names, [box.town for box in known])
    if same is None:
        return _unconfirmed(case, "Les noms de structure n'ont rien de distinctif à comparer.")
    if same and same_structure_name(text, {box.structure_name for box in known}, [box.town for box in known]):
        return passed("Le nom de la structure est celui de l'annuaire.")
    if same:
        return _unconfirmed(case, "Le nom de la structure ne s'accorde qu'en partie avec celui de l'annuaire.")
    return stopped(
        "name-disagrees",
        f"Le compte rendu nomme {case.name}, mais pour l'annuaire le {spoken(identity)} est celui de : "
        f"{', '.join(sorted(set(names)))}. Vérifier le numéro ; si c'est bien la même structure, indiquer son adresse "
        f"dans {TABLE}.",
        known,
    )


def one_owner(case: Case) -> Finding:
    """The box that was found by a number must be nobody else's: two sources may disagree, or two people share it.

    Somebody else: another number, or a name that disagrees where there is no number to compare (``owners.others``).
    """
    if case.by_person or not case.boxes or case.identity is None or case.identity[0] not in PEOPLE:
        return not_applicable("La boîte n'a pas été trouvée par le numéro d'un professionnel.")
    known = [*case.behind, *(box for box in case.boxes if box.address == case.address)]
    if any(box.box_type == "ORG" for box in known):
        return not_applicable("La boîte est celle d'une structure.")
    mine = facts_of.identities(case.wanted, case.facts)
    another = others(known, mine, _names_of(case, mine))
    if not another:
        return passed("L'annuaire ne donne cette boîte à personne d'autre.")
    return stopped(
        "sources-disagree",
        f"L'adresse {case.address} est donnée au {spoken(case.identity)}, et aussi à : {_labels(another)}. Une seule "
        f"personne est attendue derrière une boîte. Demander à {case.name} son adresse, et l'inscrire dans {TABLE}.",
        known,
    )


def _names_of(case: Case, mine: Iterable[Identity]) -> list[Name]:
    """What the directories call the person of these numbers; where they do not say, what the file does."""
    known = [entry for one in mine for entry in (*case.facts.people.get(one, ()), *case.facts.entries.get(one, ()))]
    own = personal_name(case.wanted)
    return named(known) or ([own] if own is not None else [])


def _labels(entries: Iterable[Entry]) -> str:
    return ", ".join(sorted({box.label for box in entries}))
