"""When nothing but a name is left: people of that name for an operator to look at, and a hold. Never a choice."""

from __future__ import annotations

from dispatcher.routing.candidates import Entry
from dispatcher.routing.case import TABLE, Case, Finding, not_applicable, ordered, stopped
from dispatcher.routing.facts import search_text
from dispatcher.routing.identities import label_names, tokens
from dispatcher.routing.likeness import Name, agree


def name_only(case: Case) -> Finding:
    """Nothing but a name or an unknown code is left: never chosen from, always a hold."""
    if case.address or case.boxes:
        return not_applicable("Le destinataire est identifié, son nom ne sert pas à le choisir.")
    people = namesakes(case)
    count = len({(person.id_type, person.identifier or person.address) for person in people})
    if case.wanted.id:
        todo = f"Ajouter le code « {case.wanted.id} » à {TABLE} avec son RPPS ou son adresse."
        known = (
            f"Le code « {case.wanted.id} » ({case.name}) est inconnu"
            if search_text(case.wanted)
            else f"Le code « {case.wanted.id} » est inconnu"
        )
    elif search_text(case.wanted):
        todo = (
            "Choisir la bonne personne (« dispatcher explain » montre les candidats, "
            "« dispatcher release --to ADRESSE » en choisit un), et faire porter son code ou son RPPS au compte rendu."
        )
        known = f"Le compte rendu ne donne que le nom {case.name}, sans code ni identifiant"
    else:
        return stopped(
            "unknown-recipient",
            "Le compte rendu ne nomme aucun destinataire (ni code, ni nom, ni adresse). Choisir une adresse "
            "(« dispatcher release --to ADRESSE »), ou le remettre sur papier.",
        )
    if count > 1:
        return stopped(
            "ambiguous-recipient", f"{known} ; {count} personnes de l'annuaire portent ce nom. {todo}", people
        )
    seen = " ; une personne de ce nom figure à l'annuaire, à confirmer" if count else ""
    return stopped("unknown-recipient", f"{known}{seen}. {todo}", people)


def namesakes(case: Case) -> tuple[Entry, ...]:
    """People of the directory with the recipient's name; those of the red list without their address."""
    wanted = case.wanted
    found = case.facts.namesakes.get(search_text(wanted), ())
    if tokens(wanted.family):
        name = Name(wanted.family, wanted.given)
        return ordered(box for box in found if tokens(box.family) and agree(name, Name(box.family, box.given)))
    return ordered(box for box in found if label_names(wanted.label, box.family, box.given))
