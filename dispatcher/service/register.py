"""Which version of which report is this, and what follows from it: the heart of preparation.

Promise 3: versions keep their order. A newer version withdraws the older ones that have not left; one that arrives late
waits for a person; the same content changes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

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

log = logging.getLogger(__name__)

TRIES = 5
"""How often a report is made again because another worker registered a version of it meanwhile."""
LEFT = frozenset({State.SENDING, State.SENT, State.DELIVERED, State.READ, State.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What one report became."""

    report_id: str = ""
    version: int = 0
    duplicate_of: str = ""
    dispatches: tuple[str, ...] = ()


class _Overtaken(Exception):
    """Another worker registered a version of the same report between our look and our commit."""


def register(desk: Desk, file: SourceFile, position: int, report: Report) -> Registered:
    """Give the report its place in its chain, make its dispatches, commit all of it. Raises :class:`StoreError`."""
    for _ in range(TRIES):
        try:
            return _register(desk, file, position, report)
        except _Overtaken:
            log.info("file %s: another version of the same report was registered meanwhile", file.id)
    raise StoreError("Versions concurrentes d'un même compte rendu.", hint="Le fichier sera repris.", code="contention")


def _register(desk: Desk, file: SourceFile, position: int, report: Report) -> Registered:
    chain = desk.cipher.hash(versions.chain_text(report))
    fingerprint = versions.fingerprint(report)
    with desk.store.reading() as uow:
        mine = next((v for v in uow.reports.of_file(file.id) if v.position == position), None)
        history = uow.reports.versions(chain)
    if mine is not None:  # committed before a stop
        return Registered(report_id=mine.id, version=mine.version)
    latest = max(history, key=lambda v: v.version, default=None)
    late = latest is not None and versions.is_older(report, _as_report(latest))
    same = next((v for v in reversed(history) if v.fingerprint == fingerprint), None)
    added = chosen_for(desk.store, file.id)
    if same is not None and (same is latest or late):
        if added and same is latest:
            return _send_to_more(desk, file, same, report, added)
        _note_duplicate(desk, file, same)
        return Registered(duplicate_of=same.id, version=same.version)
    version = _version(desk, file, position, report, chain, fingerprint, latest)
    coded, missing = desk.terminology.code(report, file.source)
    blocked = _blocked(desk, file, coded, latest, late=late)
    made = make(desk, version, coded, file.source, blocked, added=added)
    with desk.store.transaction() as uow:
        _check_still_latest(uow, chain, latest)
        _commit(uow, version, made)
        uow.gaps.note(file.source, missing, desk.clock.now())
    return Registered(
        report_id=version.id, version=version.version, dispatches=tuple(item.dispatch.id for item in made)
    )


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
    chain: str,
    fingerprint: str,
    latest: ReportVersion | None,
) -> ReportVersion:
    return ReportVersion(
        id=desk.store.new_id("C"),
        file_id=file.id,
        position=position,
        chain=chain,
        version=latest.version + 1 if latest else 1,
        fingerprint=fingerprint,
        document_id=str(uuid.uuid4()).upper(),
        set_id=latest.set_id if latest else str(uuid.uuid4()).upper(),
        replaces=latest.document_id if latest else "",
        status=report.status,
        order_filler=report.order.filler,
        order_placer=report.order.placer,
        laboratory=report.laboratory.id or report.laboratory.name,
        patient_hash=desk.cipher.hash(versions.patient_text(report)),
        reported_at=report.reported_at.isoformat() if report.reported_at else "",
        created_at=desk.clock.now(),
    )


def _blocked(
    desk: Desk, file: SourceFile, report: Report, latest: ReportVersion | None, *, late: bool
) -> Blocked | None:
    """Why nothing of this report may leave by itself, or None."""
    rules = checks.Rules(now=desk.clock.now(), severities=desk.severities, allow_test_ins=desk.allow_test_ins)
    problems = (*report.problems, *checks.check(report, rules))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        return Blocked(code="report-check", reason=sentences(errors))
    if late:
        return Blocked(
            code="older-version",
            reason="Une version plus récente de ce compte rendu est déjà là : vérifier dans le SIL.",
        )
    if report.status is Status.CANCELLED and latest is not None:
        return Blocked(
            code="cancelled-report",
            reason="Le laboratoire annule un compte rendu déjà transmis : prévenir le destinataire, puis clore.",
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
        have = {d.recipient_key for d in uow.dispatches.list(DispatchFilter(report_id=same.id, limit=10_000))}
    new = tuple(wanted for wanted in added if desk.cipher.hash(wanted.key) not in have)
    if not new:
        _note_duplicate(desk, file, same)
        return Registered(duplicate_of=same.id, version=same.version)
    coded, _missing = desk.terminology.code(report, file.source)
    made = make(desk, same, coded, file.source, _blocked(desk, file, coded, None, late=False), added=new)
    with desk.store.transaction() as uow:
        _add_dispatches(uow, made)
        note_more(uow, file.id, tuple(item.dispatch.id for item in made))
    return Registered(report_id=same.id, version=same.version, dispatches=tuple(item.dispatch.id for item in made))


def _note_duplicate(desk: Desk, file: SourceFile, same: ReportVersion) -> None:
    with desk.store.transaction() as uow:
        uow.journal.write(same.id, "report.duplicate", file=file.id)


def _check_still_latest(uow: UnitOfWork, chain: str, latest: ReportVersion | None) -> None:
    current = uow.reports.latest(chain)
    if (current.id if current else "") != (latest.id if latest else ""):
        raise _Overtaken


def _commit(uow: UnitOfWork, version: ReportVersion, made: Sequence[Made]) -> None:
    """The version, its dispatches and payloads; older versions that have not left are withdrawn."""
    uow.reports.add(version)
    left = _withdraw_older(uow, version)
    uow.reports.supersede(version.chain, version.version)
    if version.status == Status.CANCELLED and version.version > 1 and not left:
        uow.journal.write(version.id, "report.cancelled-before-leaving")
        made = [_withdrawn(item) for item in made]
    _add_dispatches(uow, made)


def _add_dispatches(uow: UnitOfWork, made: Sequence[Made]) -> None:
    for item in made:
        uow.dispatches.add(item.dispatch)
        for kind, content in item.payloads.items():
            uow.payloads.put(item.dispatch.id, kind, content)


def _withdraw_older(uow: UnitOfWork, version: ReportVersion) -> bool:
    """Withdraw what has not left; True when some older version did leave, to anyone."""
    older = uow.dispatches.unsettled_of_chain(version.chain, below_version=version.version)
    for dispatch in older:
        if dispatch.state in NOT_YET_LEFT or dispatch.state is State.FAILED:
            reason = f"Remplacé par la version {version.version} du compte rendu."
            uow.dispatches.move(dispatch.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=reason)
    return bool(uow.dispatches.list(DispatchFilter(chain=version.chain, states=tuple(LEFT), limit=1)))


def _withdrawn(item: Made) -> Made:
    """A cancellation of something nobody received: kept for the record, nothing to do."""
    reason = "Annulé par le laboratoire avant d'avoir été transmis."
    dispatch: Dispatch = replace(item.dispatch, state=State.WITHDRAWN, reason=reason, hold_code="")
    return replace(item, dispatch=dispatch)
