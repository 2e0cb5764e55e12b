"""The first half of the rules: which mailbox. Each takes the case, may add to it, and answers in French."""

from __future__ import annotations

from dispatcher.routing import facts as facts_of
from dispatcher.routing.addresses import well_formed
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.case import Case, Finding, chosen, not_applicable, on_paper, ordered, passed, spoken, stopped
from dispatcher.routing.facts import organisation, search_text, valid_lines
from dispatcher.routing.identities import PEOPLE, STRUCTURES, label_names, names_agree
from dispatcher.routing.route import RecipientRole
from dispatcher.routing.sources import has_boxes

_TABLE = "la table des destinataires"


def explicit_address(case: Case) -> Finding:
    """Rule 1: an address an operator picked, or one that stands in the file itself (HL7 PRT-15, HPRIM line 12)."""
    address = facts_of.explicit_address(case.wanted, case.facts)
    if not address:
        return not_applicable("Le compte rendu ne donne pas d'adresse de messagerie pour ce destinataire.")
    if not well_formed(address):
        return stopped(
            "bad-address",
            f"L'adresse donnée pour {case.name} est mal formée ; attendu nom@domaine. La corriger dans le logiciel du "
            "laboratoire, ou choisir une adresse ici.",
        )
    case.address = address
    case.identity = facts_of.own_identity(case.wanted)
    if case.facts.chosen:
        case.by_person = True
        return chosen(f"Adresse choisie par un opérateur : {address}.")
    if case.wanted.role is RecipientRole.ADDED:
        case.by_person = True
        return chosen(f"Adresse demandée pour cet envoi : {address}.")
    return chosen(f"L'adresse {address} figure dans le compte rendu.")


def local_table(case: Case) -> Finding:
    """Rule 2: the laboratory's own table, by its code."""
    code = case.wanted.id
    if not code:
        return not_applicable("Aucun code de destinataire à chercher dans la table du laboratoire.")
    lines = case.facts.local.get(code, ())
    if not lines:
        return passed(f"Le {case.code} n'est pas dans {_TABLE}.")
    valid = valid_lines(case.wanted, case.facts)
    if not valid:
        return _none_valid(case, lines)
    different = {_effect(line): line for line in valid}
    if len(different) > 1:
        return _several_lines(case, valid)
    case.line = valid[0]
    return _apply(case, valid[0])


def _effect(line: LocalEntry) -> tuple[object, ...]:
    return line.id_type, line.identifier, line.address.lower(), line.format, line.channel, line.delivery


def _none_valid(case: Case, lines: tuple[LocalEntry, ...]) -> Finding:
    when = " ; ".join(_validity(line) for line in lines)
    text = f"Le {case.code} de {_TABLE} ne vaut pas aujourd'hui ({when})."
    if case.address:
        return passed(text)
    return stopped("unknown-recipient", f"{text} Corriger les dates de la ligne, ou en ajouter une.")


def _validity(line: LocalEntry) -> str:
    start = f"à partir du {line.valid_from:%d/%m/%Y}" if line.valid_from else ""
    end = f"jusqu'au {line.valid_to:%d/%m/%Y}" if line.valid_to else ""
    return f"ligne {line.line} : " + " ".join(part for part in (start, end) if part)


def _several_lines(case: Case, lines: tuple[LocalEntry, ...]) -> Finding:
    numbers = ", ".join(str(line.line) for line in lines)
    text = f"Le {case.code} figure plusieurs fois dans {_TABLE} (lignes {numbers})"
    if case.address:
        return passed(f"{text} ; l'adresse étant déjà connue, aucune n'est suivie.")
    candidates = [_as_candidate(line) for line in lines if line.address]
    identities = {(line.id_type, line.identifier) for line in lines if line.id_type}
    candidates += [
        box for identity in identities if identity[0] for box in case.facts.entries.get((identity[0], identity[1]), ())
    ]
    return stopped("ambiguous-recipient", f"{text}. N'en garder qu'une, ou choisir l'adresse ici.", candidates)


def _as_candidate(line: LocalEntry) -> Entry:
    return Entry(address=line.address, box_type="", structure_name=line.label or line.code, source="local")


def _apply(case: Case, line: LocalEntry) -> Finding:
    where = f"{_TABLE}, ligne {line.line}" if line.line else _TABLE
    if line.delivery != "mail" and not case.by_person:
        how = "demande le papier" if line.delivery == "paper" else "dit de ne rien envoyer"
        return on_paper(f"Pour le {case.code}, {where}, {how}.")
    case.label = line.label
    if case.address:
        return passed(
            f"Le {case.code} est dans {where} ; l'adresse est déjà connue, seuls format et canal en sont pris."
        )
    if line.id_type and line.identifier:
        case.identity = (line.id_type, line.identifier)
    if line.address:
        case.address, case.by_person = line.address.lower(), True
        return chosen(f"Pour le {case.code}, {where}, donne l'adresse {case.address}.")
    if case.identity:
        return passed(f"Pour le {case.code}, {where}, donne le {spoken(case.identity)}.")
    return stopped(
        "unknown-recipient",
        f"Pour le {case.code}, {where}, ne donne ni adresse ni identifiant. La compléter.",
    )


def national_identifier(case: Case) -> Finding:
    """Rule 3: the directory's boxes for an RPPS or ADELI number, or of a structure for a FINESS or SIRET number."""
    if case.address:
        return not_applicable("L'adresse est déjà connue.")
    identity = case.identity or facts_of.own_identity(case.wanted)
    if identity is None:
        return not_applicable("Aucun identifiant national (RPPS, ADELI, FINESS, SIRET) pour ce destinataire.")
    case.identity = identity
    case.boxes = ordered(facts_of.boxes_to_choose_from(case.wanted, case.facts, case.policy))
    if case.boxes:
        count = len({box.address for box in case.boxes})
        return passed(
            f"L'annuaire donne {'une boîte' if count == 1 else f'{count} boîtes'} pour le {spoken(identity)}."
        )
    if not any(version and has_boxes(name) for name, version in case.facts.versions.items()):
        return stopped(
            "unknown-recipient",
            f"Aucun annuaire n'est importé : le {spoken(identity)} ne peut pas être cherché. Importer l'extraction "
            "MSSanté (« dispatcher directory import »), ou indiquer l'adresse dans " + _TABLE + ".",
        )
    return _no_box(case, identity)


def _no_box(case: Case, identity: facts_of.Identity) -> Finding:
    what = "boîte d'organisation" if identity[0] in STRUCTURES else "boîte MSSanté"
    why = (
        "la structure n'en a pas, ou elle est applicative"
        if identity[0] in STRUCTURES
        else "pas encore de boîte, liste rouge, ou numéro erroné"
    )
    known = case.facts.entries.get(identity, ())
    people = known if identity[0] in STRUCTURES else _namesakes(case)
    code = f"du code « {case.wanted.id} » " if case.wanted.id and case.wanted.id != identity[1] else ""
    return stopped(
        "unknown-recipient",
        f"L'annuaire ne donne aucune {what} pour le {spoken(identity)} {code}({why}). Vérifier le numéro de "
        f"{case.name}, ou indiquer son adresse dans {_TABLE}.",
        people,
    )


def name_only(case: Case) -> Finding:
    """Rule 4: nothing but a name or an unknown code is left: never chosen from, always a hold."""
    if case.address or case.boxes:
        return not_applicable("Le destinataire est identifié, son nom ne sert pas à le choisir.")
    people = _namesakes(case)
    count = len({(person.id_type, person.identifier or person.address) for person in people})
    if case.wanted.id:
        todo = f"Ajouter le code « {case.wanted.id} » à {_TABLE} avec son RPPS ou son adresse."
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


def _namesakes(case: Case) -> tuple[Entry, ...]:
    """People of the directory with the recipient's name, for an operator to look at."""
    wanted = case.wanted
    found = case.facts.namesakes.get(search_text(wanted), ())
    if wanted.family:
        return ordered(
            box for box in found if box.family and names_agree(wanted.family, wanted.given, box.family, box.given)
        )
    return ordered(box for box in found if label_names(wanted.label, box.family, box.given))


def same_person(case: Case) -> Finding:
    """Rule 5: does the directory know that box or number under the name the file gives? It can only stop a mail."""
    if case.by_person:
        return not_applicable("Adresse donnée par une personne ou par la table : les noms ne sont pas comparés.")
    behind = case.facts.by_address.get(case.address, ()) if case.address else case.boxes
    known = [box for box in behind if box.family and box.box_type != "ORG"]
    if not known:
        return not_applicable("L'annuaire n'attache aucun nom de personne à cette boîte.")
    wanted = case.wanted
    own = facts_of.own_identity(wanted)
    if case.address and own and own[0] in PEOPLE:
        typed = [box for box in known if box.id_type == own[0]]
        if typed and all(box.identifier != own[1] for box in typed):
            return stopped(
                "identifier-disagrees",
                f"Pour l'annuaire, l'adresse {case.address} n'est pas celle du {spoken(own)} que donne le compte "
                f"rendu. Vérifier la fiche de {case.name} dans le logiciel du laboratoire, ou choisir l'adresse ici.",
                [*known, *case.facts.entries.get(own, ())],
            )
    if not wanted.family:
        return not_applicable("Le compte rendu ne donne pas de nom à comparer à celui de l'annuaire.")
    if any(names_agree(wanted.family, wanted.given, box.family, box.given) for box in known):
        return passed("Le nom du compte rendu s'accorde avec celui de l'annuaire.")
    names = ", ".join(sorted({box.label for box in known}))
    whose = f"l'adresse {case.address} est celle de" if case.address else "ce numéro est celui de"
    if case.identity and not case.address:
        whose = f"le {spoken(case.identity)} est celui de"
    return stopped(
        "name-disagrees",
        f"Le compte rendu nomme {case.name}, mais pour l'annuaire {whose} : {names}. Vérifier le code ou le numéro ; "
        f"si c'est bien la même personne, indiquer son adresse dans {_TABLE}.",
        known,
    )


def paperless(case: Case) -> Finding:
    """Rule 6: a « Dématérialisation » of « N » is honoured when recipients are picked (MSSanté, message profiles)."""
    behind = case.facts.by_address.get(case.address, ()) if case.address else case.boxes
    taking = [box for box in behind if box.paperless is not False]
    if behind and not taking:
        return on_paper("L'annuaire dit que ce destinataire refuse la dématérialisation : à envoyer sur papier.")
    if not case.address:
        case.boxes = tuple(taking)
    return passed("L'annuaire ne porte aucun refus de la dématérialisation.")


def one_box(case: Case) -> Finding:
    """Rule 7: of several boxes the same structure's, then the preferred rank, then the preferred kind, else a hold."""
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
            boxes = kept
    addresses = sorted({box.address for box in boxes})
    if len(addresses) > 1:
        return stopped(
            "ambiguous-recipient",
            f"{len(addresses)} boîtes conviennent également pour {case.name} : rien ne dit laquelle. Choisir ici, ou "
            f"indiquer l'adresse dans {_TABLE}.",
            boxes,
        )
    case.address = addresses[0]
    case.label = case.label or ordered(boxes)[0].label
    why = f", {' et '.join(reasons)}" if reasons else ", la seule" if len({b.address for b in case.boxes}) == 1 else ""
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
