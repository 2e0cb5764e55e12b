"""Which version of which report is this, and what follows from it: the heart of preparation.

Promise 3: versions keep their order. A newer version withdraws the older ones that have not left; one that arrives late
waits for a person and changes nothing until then; the same content changes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from functools import partial

from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report import versions
from dispatcher.report.model import Patient, Report, Status, When
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.service.batch import queue_urgent
from dispatcher.service.cancelling import cancelled_unseen, make_cancelled, nobody_has, on_paper_again, same_fates
from dispatcher.service.chosen import chosen_for, note_more
from dispatcher.service.desk import Desk
from dispatcher.service.force import ALL, DROPPED, hold_dropped, put_in_force
from dispatcher.service.make import Blocked, Made, make, stopped_by_checks, stopped_by_status
from dispatcher.service.parts import Place, chain_of, in_force
from dispatcher.service.second_way import is_second
from dispatcher.service.strangers import CHANGED as PATIENT_CHANGED
from dispatcher.service.strangers import hold_back, in_question, namesakes, of_same_collection, reason_for, to_compare
from dispatcher.service.two_copies import where_it_was_read
from dispatcher.service.wanted import CANCELLED, asked, given, has, lacking, wanted_by

log = logging.getLogger(__name__)

OVERTAKEN = "Une version plus récente, arrivée ensuite, était déjà préparée : celle-ci ne part pas."
ANSWERED = "Ce destinataire est nommé par un autre fichier de la même version : l'envoi en a été fait."
REPLACED = (
    "Le fichier envoyé porte une version remplacée depuis par la version {} : envoyer celle-ci à ce destinataire "
    "(release), ou clore."
)
IN_QUESTION = (
    "Ce numéro de dossier existe sous deux identités de patient : vérifier dans le SIL à quel patient sont ces "
    "résultats, puis libérer l'envoi juste et clore l'autre."
)
TRIES = 5
"""How often a report is made again because another worker registered a version of it meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What one report became."""

    report_id: str = ""
    version: int = 0
    duplicate_of: str = ""
    dispatches: tuple[str, ...] = ()
    ended: SourceFile | None = None
    """The file, when its end was written in the same commit."""


Then = Callable[[UnitOfWork, Registered], Registered]
"""What else belongs into the commit of a report; gives what is told of the report."""
_Writing = Callable[[UnitOfWork], Registered]
"""What a look at a report led to, to be written in one transaction. Raises :class:`_Again`."""


class _Rank(Enum):
    """Where a report stands in its chain."""

    CURRENT = "current"
    """What holds from now on."""
    LATE = "late"
    """Arrived after a newer one: a person decides, the newer one stays in force."""
    INCOMPLETE = "incomplete"
    """Newer, but without an analysis the version in force carries: a person decides whether it replaces it."""
    UNCOMPARED = "uncompared"
    """Newer, but the contents of the version in force are purged: a person says that it is the same report."""
    OVERTAKEN = "overtaken"
    """Arrived before the newer one, which was prepared faster: nothing left to do."""
    PARTLY = "partly"
    """Overtaken, but with analyses the newer one lacks: a person decides."""


class _Again(Exception):
    """Another worker registered a version of the same report between our look and our commit."""


def register(
    desk: Desk, file: SourceFile, position: int, report: Report, then: Then = lambda _, registered: registered
) -> Registered:
    """Give the report its place in its chain, make its dispatches, commit all of it. Raises :class:`StoreError`.

    ``then`` is called last in that transaction; not for a report that was committed before a stop.
    """
    for _ in range(TRIES):
        with desk.store.reading():  # one view for every look
            writing = _look(desk, file, position, report)
        if isinstance(writing, Registered):
            return writing
        try:
            with desk.store.transaction() as uow:
                return then(uow, writing(uow))
        except _Again:
            log.info("file %s: another version of the same report was registered meanwhile", file.id)
    raise StoreError("Versions concurrentes d'un même compte rendu.", hint="Le fichier sera repris.", code="contention")


def _look(desk: Desk, file: SourceFile, position: int, report: Report) -> Registered | _Writing:
    """What there is to write; nothing for a report that was committed before a stop."""
    with desk.store.reading() as uow:
        mine = next((v for v in uow.reports.of_file(file.id) if v.position == position), None)
    if mine is not None:
        return Registered(report_id=mine.id, version=mine.version)
    fingerprint = versions.fingerprint(report)
    place = chain_of(desk, report)
    current = in_force(place.history)
    with desk.store.reading() as uow:
        rank = _rank(uow, file, report, current, place)
        known = uow.dispatches.list(DispatchFilter(chain=place.chain, limit=ALL)) if place.history else ()
    same = next((v for v in reversed(place.history) if v.fingerprint == fingerprint), None)
    wanted = wanted_by(desk, file, report, known)
    if same is not None and (same is current or rank is not _Rank.CURRENT):
        return _known_already(desk, file, same, report, wanted, place)
    version = _version(desk, file, position, report, place, fingerprint)
    version = replace(version, superseded=rank is _Rank.OVERTAKEN)
    coded, missing = desk.terminology.code(report, file.source)
    strangers = _strangers(desk, version, report, rank, place)
    blocked = _blocked(desk, file, coded, current, rank, strangers)
    cancels = report.status is Status.CANCELLED and blocked is None
    if cancels:
        made = make_cancelled(desk, version, coded, file.source, wanted=wanted, known=known)
    else:
        made = make(desk, version, coded, file.source, blocked, wanted=wanted)
        made = (*made, *where_it_was_read(desk, version, coded, file.source, made, known))

    def write(uow: UnitOfWork) -> Registered:
        _check_still_latest(uow, place.chain, place.history)
        _check_strangers(desk, uow, version, strangers, place)
        _commit(desk, uow, version, made, rank, current, known if cancels else None)
        hold_back(uow, version, strangers.same_day)
        queue_urgent(uow, desk.store, desk.channels, [item.dispatch for item in made], desk.clock.now())
        uow.gaps.note(file.source, missing, desk.clock.now())
        return Registered(
            report_id=version.id, version=version.version, dispatches=tuple(item.dispatch.id for item in made)
        )

    return write


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strangers:
    """Reports of the same order number under another identity."""

    all: tuple[ReportVersion, ...] = ()
    same_day: tuple[ReportVersion, ...] = ()
    reason: str = ""


def _strangers(desk: Desk, version: ReportVersion, report: Report, rank: _Rank, place: Place) -> _Strangers:
    if rank is _Rank.OVERTAKEN:
        return _Strangers()
    with desk.store.reading() as uow:
        found = namesakes(uow, desk, version) if to_compare(uow, place.chain, place.history) else ()
    same_day = of_same_collection(desk, report, found)
    if not same_day:
        return _Strangers(all=found)
    with desk.store.reading() as uow:
        return _Strangers(all=found, same_day=same_day, reason=reason_for(uow, same_day))


def _check_strangers(desk: Desk, uow: UnitOfWork, version: ReportVersion, seen: _Strangers, place: Place) -> None:
    found = namesakes(uow, desk, version)  # first: from here on nobody registers another version of this number
    if not set(found) <= set(seen.all) and to_compare(uow, place.chain, place.history):
        raise _Again


def _rank(uow: UnitOfWork, file: SourceFile, report: Report, current: ReportVersion | None, place: Place) -> _Rank:
    """By the report's own dates and status; when they say nothing, by the order in which the files arrived."""
    if current is None:
        return _Rank.CURRENT
    known, before = _as_report(current), _came_before(uow, file.id, current.file_id)
    if versions.is_older(report, known) or (before and not versions.is_older(known, report)):
        if not before:
            return _Rank.LATE
        return _Rank.PARTLY if place.extra else _Rank.OVERTAKEN
    if report.status is Status.CANCELLED:
        return _Rank.CURRENT
    if place.unreadable:
        return _Rank.UNCOMPARED
    return _Rank.INCOMPLETE if place.lacking else _Rank.CURRENT


def _came_before(uow: UnitOfWork, file_id: str, other_id: str) -> bool:
    """By their lines of the journal: clocks step, and on some systems show one moment to several files."""
    mine, other = uow.journal.of_subject(file_id), uow.journal.of_subject(other_id)
    return bool(mine and other) and mine[0].number < other[0].number


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
    place: Place,
    fingerprint: str,
) -> ReportVersion:
    current = in_force(place.history)
    return ReportVersion(
        id=desk.store.new_id("C"),
        file_id=file.id,
        position=position,
        chain=place.chain,
        version=max((v.version for v in place.history), default=0) + 1,
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


_BEHIND = {
    _Rank.LATE: (
        "older-version",
        "Arrivé après la version {} de ce compte rendu, pourtant plus récente : vérifier dans le SIL laquelle vaut, "
        "puis clore cet envoi, ou le libérer s'il doit remplacer l'autre.",
    ),
    _Rank.PARTLY: (
        "older-version",
        "La version {}, plus récente et préparée avant celle-ci, ne porte pas toutes ses analyses : vérifier dans le "
        "SIL, puis faire réexporter le compte rendu complet et clore cet envoi, ou le libérer s'il doit remplacer "
        "l'autre.",
    ),
    _Rank.UNCOMPARED: (
        "purged-version",
        "Le contenu de la version {} est purgé, ou illisible : impossible de les comparer. Vérifier dans le SIL que "
        "c'est le même compte rendu, puis libérer cette version si elle doit remplacer l'autre, ou clore cet envoi.",
    ),
    _Rank.INCOMPLETE: (
        "incomplete-version",
        "Cette version ne porte plus toutes les analyses de la version {} : vérifier dans le SIL, puis la libérer si "
        "elle doit la remplacer, ou clore cet envoi et faire réexporter.",
    ),
}
"""Code and French reason of what stands behind the version in force, by its number."""


def _blocked(
    desk: Desk,
    file: SourceFile,
    report: Report,
    current: ReportVersion | None,
    rank: _Rank = _Rank.CURRENT,
    strangers: _Strangers | None = None,
) -> Blocked | None:
    """Why nothing of this report may leave by itself, or None."""
    if rank is _Rank.OVERTAKEN:
        return Blocked(code="superseded", reason=OVERTAKEN)
    if (stopped := stopped_by_checks(desk, report)) is not None:
        return stopped
    if strangers is not None and strangers.reason:
        return Blocked(code=PATIENT_CHANGED, reason=strangers.reason)
    if current is not None and rank in _BEHIND:
        code, sentence = _BEHIND[rank]
        return Blocked(code=code, reason=sentence.format(current.version))
    return stopped_by_status(desk, report, file.source, known=current is not None)


def _known_already(
    desk: Desk, file: SourceFile, same: ReportVersion, report: Report, wanted: Sequence[Wanted], place: Place
) -> _Writing:
    """The content is no news. Those who lack the version in force get it; a sender who asked for a version since
    replaced is asked about the one in force.
    """
    current = in_force(place.history)
    by_hand = any(one.role is RecipientRole.ADDED for one in wanted) and bool(chosen_for(desk.store, file.id))
    if current is None or report.status is Status.CANCELLED or (same is not current and not by_hand):
        return partial(_note_duplicate, file, same)
    with desk.store.reading() as uow:
        known = uow.dispatches.list(DispatchFilter(report_id=current.id, limit=ALL))
        doubted = in_question(uow, place.chain)
    if not lacking(desk, wanted, known):
        return partial(_note_duplicate, file, same)
    coded, _missing = desk.terminology.code(report, file.source)
    blocked = _blocked(desk, file, coded, None)
    if doubted:
        blocked = Blocked(code=PATIENT_CHANGED, reason=IN_QUESTION)
    elif same is not current:
        blocked = Blocked(code=DROPPED, reason=REPLACED.format(current.version))
    made = make(desk, current, coded, file.source, blocked, wanted=wanted, but=lambda one: has(desk, one, known))
    if not made:
        return partial(_note_duplicate, file, same)
    return partial(_send_to_more, desk, file, current, made, known, place)


def _send_to_more(
    desk: Desk,
    file: SourceFile,
    same: ReportVersion,
    made: Sequence[Made],
    known: Sequence[Dispatch],
    place: Place,
    uow: UnitOfWork,
) -> Registered:
    _check_still_latest(uow, place.chain, place.history)
    now = uow.dispatches.list(DispatchFilter(report_id=same.id, limit=ALL))
    if {one.id for one in given(now)} != {one.id for one in given(known)}:
        raise _Again
    _add_dispatches(uow, made)
    queue_urgent(uow, desk.store, desk.channels, [item.dispatch for item in made], desk.clock.now())
    for question in now:
        if asked(question) and any(item.dispatch.same_recipient(question) for item in made):
            uow.dispatches.move(question.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=ANSWERED)
    note_more(uow, file.id, tuple(item.dispatch.id for item in made))
    return Registered(report_id=same.id, version=same.version, dispatches=tuple(item.dispatch.id for item in made))


def _note_duplicate(file: SourceFile, same: ReportVersion, uow: UnitOfWork) -> Registered:
    uow.journal.write(same.id, "report.duplicate", file=file.id)
    return Registered(duplicate_of=same.id, version=same.version)


def _check_still_latest(uow: UnitOfWork, chain: str, history: Sequence[ReportVersion]) -> None:
    if uow.reports.versions(chain) != tuple(history):
        raise _Again


def _commit(
    desk: Desk,
    uow: UnitOfWork,
    version: ReportVersion,
    made: Sequence[Made],
    rank: _Rank,
    current: ReportVersion | None,
    cancelled: Sequence[Dispatch] | None = None,
) -> None:
    """The version, its dispatches and payloads; older versions that have not left are withdrawn. ``cancelled``: the
    dispatches of the cancelled versions, as they stood when those of this version were made."""
    uow.reports.add(version)
    fresh = [item.dispatch for item in made]
    if rank is _Rank.OVERTAKEN and current is not None:
        made = [_withdrawn(item, OVERTAKEN) for item in made]
        theirs = uow.dispatches.list(DispatchFilter(report_id=current.id, limit=ALL))
        note_more(uow, version.file_id, hold_dropped(desk, uow, current, fresh, theirs))
        cancelled_unseen(uow, current, theirs)
    elif rank is _Rank.CURRENT:
        older = put_in_force(desk, uow, version, fresh)
        if cancelled is not None and not same_fates(cancelled, older):
            raise _Again
        if version.status == Status.CANCELLED and version.version > 1 and nobody_has(older):
            uow.journal.write(version.id, "report.cancelled-before-leaving")
            made = [_withdrawn(item, CANCELLED) for item in made]
        elif version.status != Status.CANCELLED:
            made = [item if is_second(item.dispatch) else on_paper_again(item, older) for item in made]
    _add_dispatches(uow, made)


def _add_dispatches(uow: UnitOfWork, made: Sequence[Made]) -> None:
    for item in made:
        uow.dispatches.add(item.dispatch)
        uow.payloads.put_all(item.dispatch.id, item.payloads)


def _withdrawn(item: Made, reason: str) -> Made:
    """Kept for the record, nothing to do."""
    dispatch: Dispatch = replace(item.dispatch, state=State.WITHDRAWN, reason=reason, hold_code="")
    return replace(item, dispatch=dispatch)
