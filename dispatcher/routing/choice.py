"""Which mailbox: an address somebody gave, the laboratory's table, the directory by number. Never by name.

Each rule takes the case, may add to it, and answers in French. The table of all rules is ``table.py``.
"""

from __future__ import annotations

from dispatcher.routing import facts as facts_of
from dispatcher.routing import lines as lines_of
from dispatcher.routing.addresses import as_compared, well_formed
from dispatcher.routing.candidates import Entry, LocalEntry
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
from dispatcher.routing.confirm import personal_name
from dispatcher.routing.facts import Identity, valid_lines
from dispatcher.routing.identities import PEOPLE, STRUCTURES
from dispatcher.routing.namesakes import namesakes
from dispatcher.routing.route import RecipientRole
from dispatcher.routing.sources import has_boxes

NOTHING_TO_PRINT = "rien à imprimer"
"""Words of the reason where the laboratory's table says to send nothing at all."""


def explicit_address(case: Case) -> Finding:
    """An address an operator picked, or one that stands in the file itself (HL7 PRT-15, HPRIM line 12)."""
    address = facts_of.explicit_address(case.wanted, case.facts)
    if not address:
        return not_applicable("Le compte rendu ne donne pas d'adresse de messagerie pour ce destinataire.")
    if not well_formed(address):
        return stopped(
            "bad-address",
            f"L'adresse donnée pour {case.name} est mal formée ; attendu nom@domaine, sans espace ni caractère "
            "invisible, sans accent avant le « @ ». La corriger dans le logiciel du laboratoire, ou choisir une "
            "adresse ici.",
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
    """The laboratory's own table, by its code, on the day (both days of a line count)."""
    code = case.wanted.id
    if not code:
        return not_applicable("Aucun code de destinataire à chercher dans la table du laboratoire.")
    lines = lines_of.about(case.wanted, case.facts.local.get(code, ()))
    in_doubt = lines_of.doubtful(case.wanted, case.facts.local.get(code, ()))
    if in_doubt and not case.by_person:
        return _of_what(case, in_doubt[0])
    if not lines:
        return passed(f"Le {case.code} n'est pas dans {TABLE}.")
    valid = valid_lines(case.wanted, case.facts)
    if not valid:
        return _none_valid(case, lines)
    different = {_effect(line): line for line in valid}
    if len(different) > 1:
        return _several_lines(case, valid)
    case.line = valid[0]
    return _apply(case, valid[0])


def _effect(line: LocalEntry) -> tuple[object, ...]:
    return line.id_type, line.identifier, as_compared(line.address), line.format, line.channel, line.delivery


def _of_what(case: Case, line: LocalEntry) -> Finding:
    wanted = case.wanted
    return stopped(
        "ambiguous-recipient",
        f"Le compte rendu donne le {case.code}, et la ligne {line.line} de {TABLE} porte ces chiffres sans dire que "
        f"c'est un numéro {wanted.id_type} : ce peut être un code du laboratoire, pour quelqu'un d'autre. Si la ligne "
        f"est bien celle de {case.name}, y inscrire type « {wanted.id_type} » et identifiant {wanted.id} ; sinon, "
        "ajouter une ligne qui les porte.",
    )


def _none_valid(case: Case, lines: tuple[LocalEntry, ...]) -> Finding:
    general = next((one for one in lines if not one.source and lines_of.valid(one, case.facts.today)), None)
    when = " ; ".join(_validity(line) for line in lines if line != general)
    text = f"Le {case.code} de {TABLE} ne vaut pas aujourd'hui ({when})"
    if general is not None:
        text += (
            f" ; la ligne {general.line}, pour toutes les sources, n'est pas suivie à la place de celle de cette "
            "source : elle peut nommer quelqu'un d'autre"
        )
    if case.address:
        return passed(f"{text}.")
    return stopped("unknown-recipient", f"{text}. Corriger les dates de la ligne, ou en ajouter une.")


def _validity(line: LocalEntry) -> str:
    start = f"à partir du {line.valid_from:%d/%m/%Y}" if line.valid_from else ""
    end = f"jusqu'au {line.valid_to:%d/%m/%Y}" if line.valid_to else ""
    return f"ligne {line.line} : " + " ".join(part for part in (start, end) if part)


def _several_lines(case: Case, lines: tuple[LocalEntry, ...]) -> Finding:
    numbers = ", ".join(str(line.line) for line in lines)
    text = f"Le {case.code} figure plusieurs fois dans {TABLE} (lignes {numbers})"
    if case.address:
        return passed(f"{text} ; l'adresse étant déjà connue, aucune n'est suivie.")
    candidates = [_as_candidate(line) for line in lines if line.address]
    known = {(line.id_type, line.identifier) for line in lines if line.id_type}
    candidates += [box for one in known if one[0] for box in case.facts.entries.get((one[0], one[1]), ())]
    return stopped("ambiguous-recipient", f"{text}. N'en garder qu'une, ou choisir l'adresse ici.", candidates)


def _as_candidate(line: LocalEntry) -> Entry:
    return Entry(address=line.address, box_type="", structure_name=line.label or line.code, source="local")


def _written(line: LocalEntry) -> str:
    """Who wrote the line, when a command did."""
    if not line.added_by:
        return ""
    return f" (écrite par {line.added_by}{f' le {line.added_on:%d/%m/%Y}' if line.added_on else ''})"


def _apply(case: Case, line: LocalEntry) -> Finding:
    where = (f"{TABLE}, ligne {line.line}" if line.line else TABLE) + _written(line)
    if line.delivery != "mail" and not case.by_person:
        paper = "demande le papier : à imprimer et à remettre"
        how = paper if line.delivery == "paper" else f"dit de ne rien envoyer : {NOTHING_TO_PRINT}, à clore"
        return on_paper(f"Pour le {case.code}, {where}, {how}.")
    another = None if case.by_person else _somebody_else(case, line)
    if another is not None:
        return another
    case.label = line.label
    if case.address:
        return passed(
            f"Le {case.code} est dans {where} ; l'adresse est déjà connue, seuls format et canal en sont pris."
        )
    case.identity = facts_of.number_of(line) or case.identity
    if line.address:
        case.address, case.by_person = as_compared(line.address), True
        return chosen(f"Pour le {case.code}, {where}, donne l'adresse {case.address}.")
    if case.identity:
        return passed(f"Pour le {case.code}, {where}, donne le {spoken(case.identity)}.")
    return stopped(
        "unknown-recipient",
        f"Pour le {case.code}, {where}, ne donne ni adresse ni identifiant. La compléter.",
    )


def _somebody_else(case: Case, line: LocalEntry) -> Finding | None:
    """A line does not turn a person's number into another person's: that would hide a wrong record of the laboratory.

    An ADELI becomes the RPPS of the same person where the national table says so, or, where it says nothing, when the
    file gives a name to check it by; so for two numbers of structures.
    """
    own, told = facts_of.own_identity(case.wanted), facts_of.number_of(line)
    if own is None or told is None or own == told:
        return None
    one, other = case.facts.equivalents.get(own, ()), case.facts.equivalents.get(told, ())
    if own[0] in PEOPLE and told[0] in PEOPLE:
        wrong = own[0] is told[0] or (told not in one and bool(one or other))
    else:
        wrong = False
    name = personal_name(case.wanted) if own[0] in PEOPLE else facts_of.search_text(case.wanted)
    unsure = lines_of.ambiguous(case.wanted) and told not in one and not name
    if not wrong and not unsure:
        return None
    why = "ce sont deux personnes" if wrong else "aucun nom ne confirme que c'est le même destinataire"
    return stopped(
        "identifier-disagrees",
        f"Le compte rendu donne le {spoken(own)} pour {case.name}, et la ligne {line.line} de {TABLE} le "
        f"{spoken(told)} : {why}. Corriger sa fiche dans le logiciel du laboratoire ou la ligne, ou choisir l'adresse "
        "ici.",
        [entry for number in (own, told) for entry in _known_about(case, number)],
    )


def correspondence(case: Case) -> Finding:
    """The same person's number in the other register: ADELI to RPPS and back, when there is exactly one."""
    identity = case.identity or facts_of.own_identity(case.wanted)
    if case.address or identity is None or identity[0] not in PEOPLE:
        return not_applicable("Aucun numéro d'un professionnel à faire correspondre.")
    others = case.facts.equivalents.get(identity, ())
    if not others:
        return passed(f"Aucune correspondance entre registres pour le {spoken(identity)}.")
    if len(others) > 1:
        listed = ", ".join(spoken(other) for other in others)
        return stopped(
            "ambiguous-correspondence",
            f"La table de correspondance donne plusieurs numéros pour le {spoken(identity)} : {listed} ; un seul est "
            f"attendu. Demander à {case.name} son RPPS, et l'inscrire dans {TABLE}.",
            [entry for other in others for entry in _known_about(case, other)],
        )
    if facts_of.same_as(identity, case.facts) == (identity,):
        return passed(
            f"Le {spoken(others[0])} de la table de correspondance est aussi celui d'un autre RPPS : non suivi."
        )
    return passed(f"Le {spoken(identity)} est aussi le {spoken(others[0])} (table de correspondance).")


def _known_about(case: Case, identity: Identity) -> tuple[Entry, ...]:
    found = case.facts.entries.get(identity, ()) or case.facts.people.get(identity, ())
    return found or (Entry(address="", id_type=identity[0], identifier=identity[1]),)


def national_identifier(case: Case) -> Finding:
    """The directory's boxes for an RPPS or ADELI number, or of a structure for a FINESS or SIRET number."""
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
            "MSSanté (« dispatcher directory import »), ou indiquer l'adresse dans " + TABLE + ".",
        )
    return _no_box(case, identity)


def _no_box(case: Case, identity: Identity) -> Finding:
    what = "boîte d'organisation" if identity[0] in STRUCTURES else "boîte MSSanté"
    why = (
        "la structure n'en a pas, ou elle est applicative"
        if identity[0] in STRUCTURES
        else "pas encore de boîte, liste rouge, ou numéro erroné"
    )
    known = case.facts.entries.get(identity, ())
    people = known if identity[0] in STRUCTURES else namesakes(case)
    code = f"du code « {case.wanted.id} » " if case.wanted.id and case.wanted.id != identity[1] else ""
    return stopped(
        "unknown-recipient",
        f"L'annuaire ne donne aucune {what} pour le {spoken(identity)} {code}({why}). Vérifier le numéro de "
        f"{case.name}, ou indiquer son adresse dans {TABLE}.",
        people,
    )
