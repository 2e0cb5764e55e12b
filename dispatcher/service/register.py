"""Which version of which report is this, and what follows from it: the heart of preparation.

Promise 3: versions keep their order. A newer version withdraws the older ones that have not left; one that arrives late
waits for a person and changes nothing until then; the same content changes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum

from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import NOT_YET_LEFT, State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report import checks, versions
from dispatcher.report.model import Patient, Report, Severity, Status, When, sentences
from dispatcher.routing.route import Wanted
from dispatcher.service.chosen import chosen_for, note_more
from dispatcher.service.desk import Desk
from dispatcher.service.make import Blocked, Made, make
from dispatcher.service.parts import chain_of, in_force

log = logging.getLogger(__name__)

OVERTAKEN = "Une version plus récente, arrivée ensuite, était déjà préparée : celle-ci ne part pas."
CANCELLED = "Annulé par le laboratoire avant d'avoir été transmis."
TRIES = 5
"""How often a report is made again because another worker registered a version of it meanwhile."""
LEFT = frozenset({State.SENDING, State.SENT, State.DELIVERED, State.READ, State.UNKNOWN, State.PAPER, State.CLOSED})
"""Somebody has it, or may have it: on paper or by a person's doing too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What one report became."""

    report_id: str = ""
    version: int = 0
    duplicate_of: str = ""
    dispatches: tuple[str, ...] = ()


class _Rank(Enum):
    """Where a report stands in its chain."""

    CURRENT = "current"
    """What holds from now on."""
    LATE = "late"
    """Arrived after a newer one: a person decides, the newer one stays in force."""
    INCOMPLETE = "incomplete"
    """Newer, but without an analysis the version in force carries: a person decides whether it replaces it."""
    OVERTAKEN = "overtaken"
    """Arrived before the newer one, which was prepared faster: nothing left to do."""


class _Again(Exception):
    """Another worker registered a version of the same report between our look and our commit."""


def register(desk: Desk, file: SourceFile, position: int, report: Report) -> Registered:
    """Give the report its place in its chain, make its dispatches, commit all of it. Raises :class:`StoreError`."""
    for _ in range(TRIES):
        try:
            return _register(desk, file, position, report)
        except _Again:
            log.info("file %s: another version of the same report was registered meanwhile", file.id)
    raise StoreError("Versions concurrentes d'un même compte rendu.", hint="Le fichier sera repris.", code="contention")


def _register(desk: Desk, file: SourceFile, position: int, report: Report) -> Registered:
    with desk.store.reading() as uow:
        mine = next((v for v in uow.reports.of_file(file.id) if v.position == position), None)
    if mine is not None:  # committed before a stop
        return Registered(report_id=mine.id, version=mine.version)
    fingerprint = versions.fingerprint(report)
    chain, history, lacking = chain_of(desk, report)
    current = in_force(history)
    with desk.store.reading() as uow:
        rank = _rank(uow, file, report, current)
    if lacking and rank is _Rank.CURRENT and report.status is not Status.CANCELLED:
        rank = _Rank.INCOMPLETE
    same = next((v for v in reversed(history) if v.fingerprint == fingerprint), None)
    added = chosen_for(desk.store, file.id)
    if same is not None and (same is current or rank is not _Rank.CURRENT):
        if added and same is current:
            return _send_to_more(desk, file, same, report, added)
        _note_duplicate(desk, file, same)
        return Registered(duplicate_of=same.id, version=same.version)
    number = max((v.version for v in history), default=0) + 1
    version = _version(desk, file, position, report, (chain, number, fingerprint), current)
    version = replace(version, superseded=rank is _Rank.OVERTAKEN)
    coded, missing = desk.terminology.code(report, file.source)
    blocked = _blocked(desk, file, coded, current, rank)
    made = make(desk, version, coded, file.source, blocked, added=added)
    with desk.store.transaction() as uow:
        _check_still_latest(uow, chain, history)
        _commit(uow, version, made, rank)
        uow.gaps.note(file.source, missing, desk.clock.now())
    return Registered(
        report_id=version.id, version=version.version, dispatches=tuple(item.dispatch.id for item in made)
    )


def _rank(uow: UnitOfWork, file: SourceFile, report: Report, current: ReportVersion | None) -> _Rank:
    """By the report's own dates and status; when they say nothing, by the order in which the files arrived."""
    if current is None:
        return _Rank.CURRENT
    other, known = uow.files.get(current.file_id), _as_report(current)
    before = other is not None and file.received_at < other.received_at
    if versions.is_older(report, known) or (before and not versions.is_older(known, report)):
        return _Rank.OVERTAKEN if before else _Rank.LATE
    return _Rank.CURRENT


def _as_report(version: ReportVersion) -> Report:
    """What comparing ages needs of a version already registered."""
    return Report(patient=Patient(), status=Status(version.status), reported_at=_when(version.reported_at))


def _when(text: str) -> When | None:
    if not text:
        return None
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def _version(
    desk: Desk,
    file: SourceFile,
    position: int,
    report: Report,
    place: tuple[str, int, str],
    current: ReportVersion | None,
) -> ReportVersion:
    chain, number, fingerprint = place
    return ReportVersion(
        id=desk.store.new_id("C"),
        file_id=file.id,
        position=position,
        chain=chain,
        version=number,
        fingerprint=fingerprint,
        document_id=str(uuid.uuid4()).upper(),
        set_id=current.set_id if current else str(uuid.uuid4()).upper(),
        replaces=current.document_id if current else "",
        status=report.status,
        order_filler=report.order.filler,
        order_placer=report.order.placer,
        laboratory=report.laboratory.id or report.laboratory.name,
        patient_hash=desk.cipher.hash(versions.patient_text(report)),
        reported_at=report.reported_at.isoformat() if report.reported_at else "",
        created_at=desk.clock.now(),
    )


def _blocked(
    desk: Desk, file: SourceFile, report: Report, current: ReportVersion | None, rank: _Rank = _Rank.CURRENT
) -> Blocked | None:
    """Why nothing of this report may leave by itself, or None."""
    if rank is _Rank.OVERTAKEN:
        return Blocked(code="superseded", reason=OVERTAKEN)
    rules = checks.Rules(now=desk.clock.now(), severities=desk.severities, allow_test_ins=desk.allow_test_ins)
    problems = (*report.problems, *checks.check(report, rules))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        return Blocked(code="report-check", reason=sentences(errors))
    if rank is _Rank.LATE and current is not None:
        return Blocked(
            code="older-version",
            reason=f"Arrivé après la version {current.version} de ce compte rendu, pourtant plus récente : vérifier "
            "dans le SIL laquelle vaut, puis clore cet envoi, ou le libérer s'il doit remplacer l'autre.",
        )
    if rank is _Rank.INCOMPLETE and current is not None:
        return Blocked(
            code="incomplete-version",
            reason=f"Cette version ne porte plus toutes les analyses de la version {current.version} : vérifier dans "
            "le SIL, puis la libérer si elle doit la remplacer, ou clore cet envoi et faire réexporter.",
        )
    if report.status is Status.CANCELLED:
        told = "déjà transmis" if current is not None else "que ce programme n'a pas transmis"
        return Blocked(
            code="cancelled-report",
            reason=f"Le laboratoire annule un compte rendu {told} : prévenir le destinataire, puis clore.",
        )
    source = desk.sources.get(file.source)
    if report.status is Status.PARTIAL and source is not None and source.partial == "hold":
        return Blocked(code="partial-report", reason="Compte rendu partiel : cette source n'envoie que les complets.")
    return None


def _send_to_more(
    desk: Desk, file: SourceFile, same: ReportVersion, report: Report, added: tuple[Wanted, ...]
) -> Registered:
    """A version already known, sent to recipients the sender chose: only those who do not have it yet."""
    with desk.store.reading() as uow:
        known = uow.dispatches.list(DispatchFilter(report_id=same.id, limit=10_000))
    have, boxes = {d.recipient_key for d in known}, {d.address for d in known if d.address}
    new = tuple(wanted for wanted in added if desk.cipher.hash(wanted.key) not in have)
    coded, _missing = desk.terminology.code(report, file.source)
    made = make(desk, same, coded, file.source, _blocked(desk, file, coded, None), added=new) if new else ()
    made = tuple(item for item in made if item.dispatch.address not in boxes)  # one box under two names
    if not made:
        _note_duplicate(desk, file, same)
        return Registered(duplicate_of=same.id, version=same.version)
    with desk.store.transaction() as uow:
        _add_dispatches(uow, made)
        note_more(uow, file.id, tuple(item.dispatch.id for item in made))
    return Registered(report_id=same.id, version=same.version, dispatches=tuple(item.dispatch.id for item in made))


def _note_duplicate(desk: Desk, file: SourceFile, same: ReportVersion) -> None:
    with desk.store.transaction() as uow:
        uow.journal.write(same.id, "report.duplicate", file=file.id)


def _check_still_latest(uow: UnitOfWork, chain: str, history: Sequence[ReportVersion]) -> None:
    newest = uow.reports.latest(chain)
    if (newest.version if newest else 0) != max((v.version for v in history), default=0):
        raise _Again


def _commit(uow: UnitOfWork, version: ReportVersion, made: Sequence[Made], rank: _Rank) -> None:
    """The version, its dispatches and payloads; older versions that have not left are withdrawn."""
    uow.reports.add(version)
    if rank is _Rank.OVERTAKEN:
        made = [_withdrawn(item, OVERTAKEN) for item in made]
    elif rank is _Rank.CURRENT:
        left = put_in_force(uow, version)
        if version.status == Status.CANCELLED and version.version > 1 and not left:
            uow.journal.write(version.id, "report.cancelled-before-leaving")
            made = [_withdrawn(item, CANCELLED) for item in made]
    _add_dispatches(uow, made)


def _add_dispatches(uow: UnitOfWork, made: Sequence[Made]) -> None:
    for item in made:
        uow.dispatches.add(item.dispatch)
        for kind, content in item.payloads.items():
            uow.payloads.put(item.dispatch.id, kind, content)


def put_in_force(uow: UnitOfWork, version: ReportVersion) -> bool:
    """Older versions are superseded; what has not left of them is withdrawn. True when one did leave, to anyone."""
    uow.reports.supersede(version.chain, version.version)
    older = uow.dispatches.unsettled_of_chain(version.chain, below_version=version.version)
    for dispatch in older:
        if dispatch.state in NOT_YET_LEFT or dispatch.state is State.FAILED:
            reason = f"Remplacé par la version {version.version} du compte rendu."
            uow.dispatches.move(dispatch.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=reason)
    return bool(uow.dispatches.list(DispatchFilter(chain=version.chain, states=tuple(LEFT), limit=1)))


def _withdrawn(item: Made, reason: str) -> Made:
    """Kept for the record, nothing to do."""
    dispatch: Dispatch = replace(item.dispatch, state=State.WITHDRAWN, reason=reason, hold_code="")
    return replace(item, dispatch=dispatch)
