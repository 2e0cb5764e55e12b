"""What a bulk send is refused for, before anything of it leaves: the networks' charters, and plain mistakes.

The charters (APICRYPT: terms of use 6.1 and its annex; MSSanté: one patient a message) make the sender block mail
without medical data of an identified patient, and mass mail. So: every document names its patient; one document is one
patient's; it goes to a few recipients who care for him, not to a mailing list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.pdf_index.dates import read_moment
from dispatcher.ports import DispatchFilter, Taken
from dispatcher.report import versions
from dispatcher.report.model import Report, Severity, sentences
from dispatcher.report.moments import day_of
from dispatcher.routing.wanted import recipients
from dispatcher.service.bulk_order import Item
from dispatcher.service.desk import SENT_BY_HAND, Desk
from dispatcher.service.make import stopped_by_checks
from dispatcher.service.parts import chain_of

IDENTITY = ("missing-birth-name", "missing-first-given", "missing-birth-date")
"""Checks of the report that say whose it is."""
NO_PATIENT = (
    "aucun patient identifié (nom, prénom, date de naissance) : la charte des messageries de santé réserve l'envoi aux "
    "documents d'un patient. {do}"
)
SAY_WHOSE = "Ajouter au bordereau les colonnes nom_naissance, prenom et date_naissance, ou un index à côté du PDF."
NOT_FOR_ALL = "Un courrier d'information à plusieurs correspondants s'envoie par un autre moyen."
SEVERAL = (
    "le même document est donné à {count} patients différents ({others}) : soit un courrier d'information, que la "
    "charte interdit d'envoyer en nombre, soit une erreur de fichier. Un document par patient ; vérifier les lignes."
)
TWICE = "même document que {others}, octet pour octet, pour le même patient. N'en garder qu'un."
TOO_MANY_IN_ALL = (
    "avec les envois d'avant, {count} destinataires pour ce document, {most} au plus : cela ressemble à un envoi en "
    "nombre, que la charte interdit. Ne garder que les soignants du patient."
)
TOO_MANY = (
    "{count} destinataires pour un seul document, {most} au plus : cela ressemble à un envoi en nombre, que la charte "
    "interdit. Ne garder que les soignants du patient ; au besoin, l'administrateur relève « bulk.most_recipients »."
)
DISAGREES = "le bordereau et le document ne disent pas le même patient ({what}). Vérifier à qui est ce document."
SEVERAL_REPORTS = "le document porte {count} comptes rendus : ne pas donner de patient dans le bordereau pour lui."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing of a send leaves. ``str()`` is the French sentence the sender reads."""

    code: str
    text: str
    name: str = ""
    lines: tuple[int, ...] = ()

    def __str__(self) -> str:
        place = f"ligne{'s' if len(self.lines) > 1 else ''} {', '.join(map(str, self.lines))}, " if self.lines else ""
        return f"{place}« {self.name} » : {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A document, read once before it is taken in."""

    item: Item
    """With its digest and how many lines it asks for."""
    refusals: tuple[Refusal, ...] = ()
    patients: frozenset[str] = field(default=frozenset(), repr=False)
    """Hashed."""
    documents: frozenset[str] = frozenset()
    """Digests of the documents in it."""
    reached: int = 0
    """Recipients in all: those asked for, and those who were given it before."""


def examine(desk: Desk, item: Item, taken: Taken) -> Examined:
    """Read the document as the service will, and say what stands against it."""
    result = read(taken)
    whole = replace(item, sha256=seal(taken))
    if not result.readable:
        errors = [problem for problem in result.problems if problem.severity is Severity.ERROR]
        text = sentences(errors) or "aucun compte rendu lisible dans ce fichier."
        return Examined(item=whole, refusals=(_refusal(item, "unreadable", text),))
    asked = sum(len(item.wanted or recipients(report, copies=True)) for report in result.reports)
    found = [refusal for report in result.reports for refusal in _against(desk, item, report)]
    if item.facts and taken.content.lstrip()[:5] != b"%PDF-":
        found += _disagree(item, result.reports)
    return Examined(
        item=replace(whole, asked=asked),
        refusals=tuple(dict.fromkeys(found)),
        patients=frozenset(desk.cipher.hash(versions.patient_text(report)) for report in result.reports),
        documents=frozenset(_documents(result.reports)),
        reached=max((_reached(desk, item, report) for report in result.reports), default=0),
    )


def _reached(desk: Desk, item: Item, report: Report) -> int:
    place = chain_of(desk, report)
    with desk.store.reading() as uow:
        known = uow.dispatches.list(DispatchFilter(chain=place.chain, limit=1000)) if place.history else ()
    return len({one.recipient_key for one in known} | {desk.cipher.hash(one.key) for one in item.wanted})


def read(taken: Taken) -> ReadResult:
    """As preparation reads a file that was sent by hand."""
    return registry.read(taken.content, ReadContext(file_name=taken.found.name, sibling=taken.siblings.get))


def seal(taken: Taken) -> str:
    """One digest of the file and of what goes with it."""
    parts = [taken.content, *(taken.siblings[name] for name in sorted(taken.siblings))]
    return hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in parts)).hexdigest()


def _refusal(item: Item, code: str, text: str) -> Refusal:
    return Refusal(code=code, text=text, name=item.name, lines=item.lines)


def _against(desk: Desk, item: Item, report: Report) -> Iterable[Refusal]:
    patient = report.patient
    lacking = {
        IDENTITY[0]: not patient.birth_name.strip(),
        IDENTITY[1]: not patient.first_given.strip(),
        IDENTITY[2]: patient.birth_date is None and not any(char.isdigit() for char in patient.birth_date_raw),
    }
    if any(
        missing and desk.severities.get(code, Severity.ERROR) is Severity.ERROR for code, missing in lacking.items()
    ):
        do = NOT_FOR_ALL if len(item.wanted) > 1 and not item.facts else SAY_WHOSE
        yield _refusal(item, "no-patient", NO_PATIENT.format(do=do))
    elif item.facts:
        coded, _ = desk.terminology.code(report, SENT_BY_HAND)
        blocked = stopped_by_checks(desk, coded)
        if blocked is not None:
            yield _refusal(item, "report-check", blocked.reason)


def _disagree(item: Item, reports: Sequence[Report]) -> Iterable[Refusal]:
    """A document that names its patient itself must name the manifest's."""
    if len(reports) != 1:
        return [_refusal(item, "manifest-disagrees", SEVERAL_REPORTS.format(count=len(reports)))]
    patient, told = reports[0].patient, dict(item.facts)
    day = read_moment(told["birth_date"]) if "birth_date" in told else None
    pairs = {
        "nom": (told.get("birth_name") or told.get("name", ""), (patient.birth_name, patient.used_name)),
        "prénom": (told.get("first_given", ""), (patient.first_given, patient.used_given)),
    }
    what = [
        name
        for name, (said, known) in pairs.items()
        if said and versions.plain(said) not in {versions.plain(one) for one in known if one}
    ]
    if day is not None and patient.birth_date is not None and day_of(day) != patient.birth_date:
        what.append("date de naissance")
    return [_refusal(item, "manifest-disagrees", DISAGREES.format(what=", ".join(what)))] if what else []


def _documents(reports: Sequence[Report]) -> Iterable[str]:
    for report in reports:
        yield from (document.sha256 for document in report.documents)
        yield from (one.document.sha256 for one in report.observations if one.document is not None)


def refusals(examined: Sequence[Examined], most: int) -> tuple[Refusal, ...]:
    """Everything that stands against the send, told at once."""
    found = [refusal for one in examined for refusal in one.refusals]
    for one in examined:
        if len(one.item.wanted) > most:
            text = TOO_MANY.format(count=len(one.item.wanted), most=most)
            found.append(_refusal(one.item, "too-many-recipients", text))
        elif one.item.wanted and one.reached > most:
            text = TOO_MANY_IN_ALL.format(count=one.reached, most=most)
            found.append(_refusal(one.item, "too-many-recipients", text))
    shared: dict[str, list[Examined]] = {}
    for one in examined:
        for document in one.documents:
            shared.setdefault(document, []).append(one)
    for group in shared.values():
        patients = frozenset[str]().union(*(one.patients for one in group))
        for one in group if len(group) > 1 else ():
            others = _names(group, one)
            if len(patients) > 1:
                text = SEVERAL.format(count=len(patients), others=others)
                found.append(_refusal(one.item, "same-document", text))
            else:
                found.append(_refusal(one.item, "document-twice", TWICE.format(others=others)))
    return tuple(dict.fromkeys(found))


def _names(group: Sequence[Examined], but: Examined) -> str:
    names = [f"« {one.item.name} »" for one in group if one is not but]
    more = f" et {len(names) - 3} autres" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
