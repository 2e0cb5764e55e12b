"""Use case: one bulk send (EHPAD, pharmacies, operators): files in, to named recipients or to those the files name.

The same engine, rules and pace as the service. Recipients chosen by the sender are kept with the file before anything
else happens, so that a stop never sends a document to somebody else than the sender meant.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.ports import DispatchFilter, Taken, UnitOfWork
from dispatcher.report import versions
from dispatcher.report.identifiers import compact, kind_of
from dispatcher.report.model import IdType, Report, Severity, sentences
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.routing.wanted import recipients
from dispatcher.service.bulk_rules import read
from dispatcher.service.chosen import keep
from dispatcher.service.desk import SENT_BY_HAND, Desk
from dispatcher.service.make import Blocked, make, stopped_by_checks
from dispatcher.service.parts import chain_of
from dispatcher.service.receive import record
from dispatcher.service.wanted import lacking

SOURCE = SENT_BY_HAND
TYPES = {**{str(kind).lower(): kind for kind in IdType}, "code": IdType.LOCAL}
"""What a sender may write before the colon."""
NUMBER = "00000000-0000-4000-8000-000000000000"
"""Stands in for the numbers of a document that is only tried."""
KNOWN = "Contenu déjà connu et déjà confié à ce destinataire : rien ne serait renvoyé."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What one file would do; nothing is written."""

    path: str
    format: str
    reports: int
    dispatches: tuple[Dispatch, ...] = ()
    """As they would be made: ``ready``, ``held`` with the reason, or ``paper``. Their numbers mean nothing."""
    problem: str = ""
    """French, when nothing can be sent."""


def named(text: str) -> Wanted:
    """A recipient as a sender writes it: a mail address, an RPPS, a SIRET, or a code of the local table.

    ``finess:290000012``, ``adeli:…``, ``code:…`` say what it is; a bare nine-digit number stays a local code, since
    guessing might find somebody else.
    """
    text = text.strip()
    if "@" in text:
        return Wanted(role=RecipientRole.ADDED, label=text.lower(), address=text.lower())
    prefix, colon, rest = text.partition(":")
    told = TYPES.get(prefix.strip().lower()) if colon else None
    text = rest.strip() if told is not None else text
    id_type = told or kind_of(text)
    identifier = text if id_type is IdType.LOCAL else compact(text)
    return Wanted(role=RecipientRole.ADDED, id=identifier, id_type=id_type, label=text)


def plan_one(desk: Desk, taken: Taken, added: tuple[Wanted, ...]) -> Planned:
    """The dry run: who would get what, by which way, or why not. Reads, checks, routes, writes and seals as the real
    one does, and keeps nothing.
    """
    result = read(taken)
    path = taken.found.path
    if not result.readable:
        errors = [problem for problem in result.problems if problem.severity is Severity.ERROR]
        problem = sentences(errors) or "Aucun compte rendu lisible dans ce fichier."
        return Planned(path=path, format=result.format, reports=0, problem=problem)
    dispatches: list[Dispatch] = []
    for report in result.reports:
        dispatches += _would_make(desk, report, added)
    return Planned(path=path, format=result.format, reports=len(result.reports), dispatches=tuple(dispatches))


def _would_make(desk: Desk, report: Report, added: tuple[Wanted, ...]) -> tuple[Dispatch, ...]:
    coded, _missing = desk.terminology.code(report, SOURCE)
    place, print_ = chain_of(desk, report), versions.fingerprint(report)
    blocked = stopped_by_checks(desk, coded)
    wanted = added or recipients(report, copies=True)
    if blocked is None and any(version.fingerprint == print_ for version in place.history):
        with desk.store.reading() as uow:
            known = uow.dispatches.list(DispatchFilter(chain=place.chain, limit=1000))
        if not lacking(desk, wanted, known):
            blocked = Blocked(code="duplicate", reason=KNOWN)
    version = ReportVersion(
        id="C0",
        file_id="",
        position=0,
        chain=place.chain,
        version=max((version.version for version in place.history), default=0) + 1,
        fingerprint=print_,
        document_id=NUMBER,
        set_id=NUMBER,
    )
    return tuple(made.dispatch for made in make(desk, version, coded, SOURCE, blocked, wanted=wanted))


def take_in(uow: UnitOfWork, desk: Desk, taken: Taken, added: tuple[Wanted, ...]) -> str:
    """One file, with the recipients chosen, in a transaction of the caller's; gives its number."""
    file_id, _state = record(uow, desk.store, SOURCE, taken, desk.clock, doubles=bool(added))
    uow.files.mark_removed(file_id)
    keep(uow, file_id, added)
    return file_id
