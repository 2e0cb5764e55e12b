"""What changed since the last mail to a recipient: pure rules, one function each, asked by ``service/drift.py``.

A rule compares what the decision of the newest dispatch kept (:attr:`.route.Decision.used`, ``line``) with what the
sources say today. It chooses nothing and stops nothing: routing itself holds what became uncertain. It tells a person
beforehand, with the source that says so and what to do. Only what a directory once knew can vanish from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from dispatcher.clock import paris
from dispatcher.ports import CertificateAnswer
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.lines import in_force
from dispatcher.routing.owners import named, others
from dispatcher.routing.route import Hold
from dispatcher.routing.sources import LOCAL, has_boxes, label

SOON = timedelta(days=30)
"""How long before its end a certificate or a line of the table is worth a word."""

BELONGS, SHARED = "appartient maintenant", "est maintenant donnée aussi"


class Change(StrEnum):
    """What happened."""

    VANISHED = "vanished"
    OTHER_ADDRESS = "other-address"
    OTHER_PERSON = "other-person"
    OTHER_STRUCTURE = "other-structure"
    PAPER = "paper"
    DOMAIN = "domain"
    CERTIFICATE = "certificate"
    CERTIFICATE_ENDS = "certificate-ends"
    LINE = "line"
    LINE_ENDS = "line-ends"
    OPPOSED = "opposed"
    """Told by the oppositions themselves (``service/drift.py``), not by a directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that changed (French), which source says so, and what to do."""

    change: Change
    text: str
    todo: str
    source: str
    """Name of the source (:mod:`.sources`)."""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recipient: what was known at the newest dispatch, and what is known today."""

    address: str
    used: tuple[Entry, ...] = ()
    """Entries behind the address then; empty when no directory knew it."""
    by_line: bool = False
    """A line of the laboratory's table was followed then."""
    today: date
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the sources that are there today."""
    behind: tuple[Entry, ...] = ()
    """Entries behind the address today."""
    elsewhere: tuple[Entry, ...] = ()
    """Boxes of the same person or structure today, at other addresses."""
    same: frozenset[tuple[IdType, str]] = frozenset()
    """Identities of the person then, with their ADELI or RPPS equivalents of today."""
    refusal: Hold | None = None
    """What the last look before a mail leaves would say of the domain today."""
    list_version: str = ""
    certificate: CertificateAnswer | None = None
    """Asked only when the last mail was enveloped for one."""
    lines: tuple[LocalEntry, ...] = ()
    """Lines of the table for the recipient's code today, valid or not."""
    lost_identifiers: frozenset[str] = frozenset()
    """Of those, identifiers no directory knows a box of any more."""


def changes(case: Case) -> tuple[Told, ...]:
    """Everything that changed, in the order of the rules."""
    return tuple(told for rule in RULES if (told := rule(case)) is not None)


def comparable(case: Case) -> bool:
    """A source of boxes that knew the address is still there: else nothing can be said of its absence."""
    return any(entry.source in case.versions for entry in case.used if has_boxes(entry.source))


def _vanished(case: Case) -> Told | None:
    if not case.used or case.behind or not comparable(case):
        return None
    known = next(entry for entry in case.used if entry.source in case.versions and has_boxes(entry.source))
    source, version = known.source, case.versions[known.source]
    others = sorted({entry.address for entry in case.elsewhere})
    if others:
        return Told(
            change=Change.OTHER_ADDRESS,
            text=f"L'adresse a disparu ({label(source)}) ; le même identifiant a maintenant : {', '.join(others)}.",
            todo=_CHANGE_ADDRESS if case.by_line else "Rien à faire si la nouvelle adresse convient : elle sera prise.",
            source=source,
            version=version,
        )
    return Told(
        change=Change.VANISHED,
        text=f"La boîte a disparu ({label(source)}) et aucune autre n'est connue pour ce destinataire.",
        todo="Demander au destinataire sa nouvelle adresse, ou passer au papier dans la table des destinataires.",
        source=source,
        version=version,
    )


_CHANGE_ADDRESS = "Corriger l'adresse dans la table des destinataires (« dispatcher directory local »)."


def _other_owner(case: Case) -> Told | None:
    """Somebody else stands behind the address: a person where a person was, a structure where one was."""
    if not case.used or not case.behind:
        return None
    found = _newcomer(case)
    if found is not None:
        beside = any((entry.id_type, entry.identifier) in case.same for entry in case.behind)
        return _owner(Change.OTHER_PERSON, found, found.label, verb=SHARED if beside else BELONGS)
    if case.same:
        if not any(entry.identifier for entry in case.behind) and all(one.box_type == "ORG" for one in case.behind):
            return _owner(Change.OTHER_STRUCTURE, case.behind[0], _structure(case.behind[0]))
        return None
    before = {entry.structure_id for entry in case.used if entry.structure_id}
    after = {entry.structure_id for entry in case.behind if entry.structure_id}
    if before and after and not before & after:
        return _owner(Change.OTHER_STRUCTURE, case.behind[0], _structure(case.behind[0]))
    return None


def _newcomer(case: Case) -> Entry | None:
    """Who was not behind the address then and is somebody else. People who share a structure's box are no newcomers,
    as long as the person it was used for is still among them.
    """
    theirs = {(entry.id_type, entry.identifier) for entry in case.behind if entry.identifier}
    if any(entry.box_type == "ORG" for entry in case.behind) and (not case.same or not theirs or theirs & case.same):
        return None
    then = {(entry.id_type, entry.identifier, entry.family, entry.given) for entry in case.used}
    strangers = others(case.behind, case.same, named(case.used))
    new = [one for one in strangers if (one.id_type, one.identifier, one.family, one.given) not in then]
    return new[0] if new else None


def _structure(entry: Entry) -> str:
    return f"{entry.structure_name} {entry.structure_id}".strip() or "une structure"


def _owner(change: Change, now: Entry, who: str, *, verb: str = BELONGS) -> Told:
    return Told(
        change=change,
        text=f"Cette adresse {verb} à {who} ({label(now.source)}).",
        todo="Retenir les envois vers cette adresse, et demander au destinataire la sienne.",
        source=now.source,
        version=now.version,
    )


def _paper(case: Case) -> Told | None:
    refused = [entry for entry in case.behind if entry.paperless is False]
    if not refused or any(entry.paperless is False for entry in case.used):
        return None
    return Told(
        change=Change.PAPER,
        text=f"Le destinataire ne veut plus de courrier électronique ({label(refused[0].source)}).",
        todo="Prévoir le papier : ses prochains résultats ne partiront plus.",
        source=refused[0].source,
        version=refused[0].version,
    )


def _domain(case: Case) -> Told | None:
    if case.refusal is None or case.refusal.code != "untrusted-domain" or not case.list_version:
        return None
    domain = case.address.rpartition("@")[2]
    return Told(
        change=Change.DOMAIN,
        text=f"Le domaine « {domain} » n'est plus dans la liste des domaines autorisés : plus rien n'y part.",
        todo="Demander au destinataire une adresse dans l'espace de confiance.",
        source="allowed-domains",
        version=case.list_version,
    )


def _certificate(case: Case) -> Told | None:
    answer = case.certificate
    if answer is None or answer.unknown:
        return None
    if answer.chosen is None:
        why = f" ({answer.unusable[0]})" if answer.unusable else ""
        return Told(
            change=Change.CERTIFICATE,
            text=f"Le destinataire n'a plus de certificat utilisable{why}.",
            todo="Lui demander son nouveau certificat et le déposer dans le dossier des certificats.",
            source="certificates",
        )
    end = paris(answer.chosen.certificate.not_valid_after_utc).date()
    if end - case.today > SOON:
        return None
    return Told(
        change=Change.CERTIFICATE_ENDS,
        text=f"Le certificat du destinataire expire le {end:%d/%m/%Y}.",
        todo="Lui demander le suivant avant cette date.",
        source="certificates",
        version=answer.chosen.fingerprint,
    )


def _line(case: Case) -> Told | None:
    """The laboratory's own line: gone, out of its dates, ending soon, or pointing at an identifier without box."""
    if not case.by_line:
        return None
    valid = in_force(case.lines, case.today)
    if not valid:
        what = "n'est plus valable aujourd'hui" if case.lines else "n'y est plus"
        return _of_table(case, Change.LINE, f"La ligne de ce destinataire {what}.", "La remettre, ou la prolonger.")
    lost = [one for one in valid if one.identifier in case.lost_identifiers and not one.address]
    if lost:
        text = f"La ligne {lost[0].line} mène à {lost[0].id_type} {lost[0].identifier}, qui n'a plus de boîte connue."
        return _of_table(case, Change.LINE, text, "Vérifier l'identifiant, ou donner une adresse.")
    ends = [one.valid_to for one in valid if one.valid_to is not None]
    if len(ends) < len(valid) or max(ends) - case.today > SOON or _followed(case.lines, max(ends)):
        return None
    text = f"La ligne {valid[0].line} se termine le {max(ends):%d/%m/%Y}, et aucune ne la suit."
    return _of_table(case, Change.LINE_ENDS, text, "La prolonger si le destinataire reste le même.")


def _followed(lines: Iterable[LocalEntry], end: date) -> bool:
    """Another line takes over by the day after."""
    return bool(in_force(lines, end + timedelta(days=1)))


def _of_table(case: Case, change: Change, text: str, todo: str) -> Told:
    return Told(
        change=change,
        text=f"{text[:-1]} (table des destinataires).",
        todo=f"{todo} « dispatcher directory local ».",
        source=LOCAL,
        version=case.versions.get(LOCAL, ""),
    )


RULES: tuple[Callable[[Case], Told | None], ...] = (_vanished, _other_owner, _paper, _domain, _certificate, _line)
"""In the order in which a person should read them."""
