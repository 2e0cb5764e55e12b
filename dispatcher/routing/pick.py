"""Of the boxes of one recipient, the one to write to; who takes paper; what is not to be shown."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.routing.candidates import Entry
from dispatcher.routing.case import (
    TABLE,
    Case,
    Finding,
    chosen,
    not_applicable,
    on_paper,
    ordered,
    passed,
    spoken,
    stopped,
)
from dispatcher.routing.facts import Identity, identities, organisation
from dispatcher.routing.identities import PEOPLE


def paperless(case: Case) -> Finding:
    """A « Dématérialisation » of « N » is honoured when recipients are picked (MSSanté, message profiles)."""
    behind = case.behind
    refusals = {box.address for box in _told(case) if box.paperless is False}
    refusing = [box for box in behind if box.address in refusals]
    if behind and len(refusing) == len(behind):
        return on_paper("L'annuaire dit que ce destinataire refuse la dématérialisation : à envoyer sur papier.")
    if not case.address:
        case.leave(refusing, "refuse la dématérialisation")
        case.boxes = tuple(box for box in behind if box.address not in refusals)
    return passed("L'annuaire ne porte aucun refus de la dématérialisation.")


def _told(case: Case) -> list[Entry]:
    """All the sources say of the boxes in question: a refusal or the red list on one row of an address holds for it,
    whatever its other rows leave unsaid.
    """
    addresses = {box.address for box in (*case.behind, *case.boxes)} - {""}
    known = [entry for address in addresses for entry in case.facts.by_address.get(address, ())]
    known += [entry for found in case.facts.entries.values() for entry in found if entry.address in addresses]
    return [*case.behind, *case.boxes, *known]


def red_list(case: Case) -> Finding:
    """A box whose holder is on the red list is written to when he gave its address, never found by us."""
    if case.address:
        return not_applicable("L'adresse a été donnée, non cherchée.")
    red = {box.address for box in _told(case) if box.red_list}
    hidden = [box for box in case.boxes if box.address in red]
    if not hidden:
        return passed("Aucune boîte en liste rouge.")
    case.leave([replace(box, address="") for box in hidden], "liste rouge")
    case.boxes = tuple(box for box in case.boxes if box.address not in red)
    if case.boxes:
        return passed("Une boîte en liste rouge est laissée de côté.")
    return stopped(
        "red-list",
        f"La seule boîte de {case.name} est en liste rouge : son adresse n'est pas à prendre dans l'annuaire. La lui "
        f"demander, et l'inscrire dans {TABLE}.",
        [replace(box, address="") for box in hidden],
    )


def workplace(case: Case) -> Finding:
    """A structure's box stands in for a person only where the directory knows that the person works there."""
    beside = organisation(case.wanted)
    shared = [box for box in case.boxes if box.box_type == "ORG"]
    if case.address or not shared or case.identity is None or case.identity[0] not in PEOPLE or beside is None:
        return not_applicable("Aucune boîte de structure à prendre pour une personne.")
    known = [
        entry
        for identity in identities(case.wanted, case.facts)
        for entry in (*case.facts.people.get(identity, ()), *case.facts.entries.get(identity, ()))
    ]
    places = {entry.structure_id for entry in known if entry.structure_id}
    if beside[1] in places:
        return passed("Pour l'annuaire, cette personne exerce dans la structure que nomme le compte rendu.")
    case.boxes = tuple(box for box in case.boxes if box.box_type != "ORG")
    case.leave(shared, "la personne n'y exerce plus" if places else "l'annuaire ne dit pas que la personne y exerce")
    if not places:
        return _nowhere(case, shared, beside)
    where = ", ".join(sorted({entry.structure_name or entry.structure_id for entry in known if entry.structure_id}))
    if case.boxes:
        return passed(f"La boîte de la structure est laissée de côté : pour l'annuaire, la personne exerce à {where}.")
    return stopped(
        "moved-away",
        f"Le compte rendu place {case.name} dans la structure {spoken(beside)}, mais pour l'annuaire cette personne "
        f"exerce à : {where}. Corriger sa fiche dans le logiciel du laboratoire, ou indiquer son adresse dans "
        f"{TABLE}.",
        [*shared, *known],
    )


def _nowhere(case: Case, shared: list[Entry], beside: Identity) -> Finding:
    """No directory knows a place of work: the structure's number in the file is all there is, and one may be wrong."""
    if case.boxes:
        return passed("La boîte de la structure est laissée de côté : aucun annuaire ne dit où exerce la personne.")
    return stopped(
        "moved-away",
        f"Le compte rendu place {case.name} dans la structure {spoken(beside)}, mais aucun annuaire ne dit que cette "
        f"personne y exerce. Importer le fichier national des personnes (« dispatcher directory import »), ou indiquer "
        f"son adresse dans {TABLE}.",
        shared,
    )


def one_box(case: Case) -> Finding:
    """Of several boxes the same structure's, then the preferred rank, then the preferred kind, else a hold."""
    if case.address:
        return not_applicable("L'adresse est déjà connue.")
    boxes, reasons = case.boxes, []
    for reason, narrowed in (
        ("dans la structure que nomme le compte rendu", lambda found: _same_structure(case, found)),
        ("de rang préféré à l'annuaire", _best_rank),
        (f"de type {case.policy.prefer}, préféré par la configuration", lambda found: _best_kind(case, found)),
    ):
        kept = narrowed(boxes)
        if kept and len({box.address for box in kept}) < len({box.address for box in boxes}):
            reasons.append(reason)
            case.leave([box for box in boxes if box not in kept], f"une autre boîte est {reason}")
            boxes = kept
    addresses = sorted({box.address for box in boxes})
    if len(addresses) > 1:
        return stopped(
            "ambiguous-recipient",
            f"{len(addresses)} boîtes conviennent également pour {case.name} : rien ne dit laquelle. Choisir ici, ou "
            f"indiquer l'adresse dans {TABLE}.",
            boxes,
        )
    alone = len({box.address for box in case.boxes}) == 1
    case.address, case.boxes = addresses[0], boxes
    case.label = case.label or ordered(boxes)[0].label
    why = f", {' et '.join(reasons)}" if reasons else ", la seule" if alone else ""
    return chosen(f"Boîte retenue : {case.address}{why}.")


def _same_structure(case: Case, boxes: tuple[Entry, ...]) -> tuple[Entry, ...]:
    beside = organisation(case.wanted)
    return tuple(box for box in boxes if beside and box.structure_id == beside[1])


def _best_rank(boxes: tuple[Entry, ...]) -> tuple[Entry, ...]:
    ranks = [box.rank for box in boxes if box.rank is not None]
    return tuple(box for box in boxes if ranks and box.rank == min(ranks))


def _best_kind(case: Case, boxes: tuple[Entry, ...]) -> tuple[Entry, ...]:
    wanted = {"ORG"} if case.policy.prefer == "ORG" else {"PER", "CAB"}
    kept = tuple(box for box in boxes if box.box_type in wanted)
    exact = tuple(box for box in kept if box.box_type == case.policy.prefer)
    return exact or kept
