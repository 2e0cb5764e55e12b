"""Use case: which recipients of lately are not what they were? Asked before their next result is held, not after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dispatcher.clock import paris
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import Directory, RecipientUse
from dispatcher.report.model import IdType
from dispatcher.routing.about import Scope
from dispatcher.routing.addresses import is_patient
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.drift import Case, Change, Told, changes, comparable
from dispatcher.routing.identities import PEOPLE, STRUCTURES
from dispatcher.routing.lines import about
from dispatcher.routing.owners import numbers_of
from dispatcher.routing.route import Decision, RecipientRole
from dispatcher.routing.trace import from_json
from dispatcher.service.desk import Desk
from dispatcher.service.oppositions import standing

OPPOSITIONS = "oppositions"
"""Source of what no directory says."""
DAYS = 90
"""How far back mails count unless told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One recipient and one thing that changed about him."""

    label: str
    address: str
    id_type: str
    id: str
    mails: int
    waiting: int
    """Of these, how many have not left yet."""
    first_at: datetime
    last_at: datetime
    change: Change
    text: str
    """French: what changed."""
    todo: str
    """French: what to do."""
    source: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What was compared, and what came out."""

    since: datetime
    recipients: int
    """Distinct addresses looked at; patients are not."""
    drifting: int
    """Distinct addresses about which something changed."""
    not_comparable: int
    """Addresses whose source is no longer there: nothing can be said of their absence."""
    lines: tuple[Drift, ...]


def drift(desk: Desk, *, days: int = DAYS) -> DriftReport:
    """Compare every recipient of the last ``days`` with what the sources say today. Raises what the ports raise."""
    since = desk.clock.now() - timedelta(days=days)
    found: dict[tuple[str, Change, str], Drift] = {}
    lost: set[str] = set()
    with desk.store.reading() as uow:
        uses = [use for use in uow.dispatches.recipients(since) if not _is_patient(use)]
    versions, domains = desk.directory.versions(), desk.domains()
    for use in uses:
        dispatch, source = _newest(desk, use)
        case = replace(_case(desk, use, dispatch, source), versions=versions, list_version=domains.version)
        if case.used and not case.behind and not comparable(case):
            lost.add(use.address)
        for told in (*changes(case), *_objection(desk, dispatch)):
            one = Drift(
                label=dispatch.label,
                address=use.address,
                id_type=dispatch.recipient_id_type,
                id=dispatch.recipient_id,
                mails=use.count,
                waiting=use.waiting,
                first_at=use.first_at,
                last_at=use.last_at,
                change=told.change,
                text=told.text,
                todo=told.todo,
                source=told.source,
                version=told.version,
            )
            key = (use.address, told.change, told.text)
            found[key] = _together(found[key], one) if key in found else one
    order = list(Change)
    return DriftReport(
        since=since,
        recipients=len({use.address for use in uses}),
        drifting=len({address for address, _, _ in found}),
        not_comparable=len(lost),
        lines=tuple(sorted(found.values(), key=lambda one: (order.index(one.change), -one.mails, one.address))),
    )


def _objection(desk: Desk, dispatch: Dispatch) -> list[Told]:
    """He objected since: the next one takes paper, and what waits is stopped at hand-over."""
    with desk.store.reading() as uow:
        if Scope.RECIPIENT not in standing(uow, dispatch, desk.sources):
            return []
    todo = "Lui remettre ses résultats autrement ; « dispatcher directory opposition list » dit depuis quand."
    text = "s'est opposé à la messagerie depuis son dernier envoi : les suivants iront sur papier."
    return [Told(change=Change.OPPOSED, text=text, todo=todo, source=OPPOSITIONS)]


def _is_patient(use: RecipientUse) -> bool:
    return is_patient(use.address) or use.role == RecipientRole.PATIENT


def _together(one: Drift, other: Drift) -> Drift:
    """The same box under two codes or two channels."""
    return replace(
        one,
        mails=one.mails + other.mails,
        waiting=one.waiting + other.waiting,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )


def _newest(desk: Desk, use: RecipientUse) -> tuple[Dispatch, str]:
    """The newest dispatch of a use, and the source its file came by."""
    with desk.store.reading() as uow:
        dispatch = uow.dispatches.get(use.last_id)
        report = uow.reports.get(dispatch.report_id) if dispatch is not None else None
        file = uow.files.get(report.file_id) if report is not None else None
    if dispatch is None:
        raise LookupError(use.last_id)
    return dispatch, file.source if file is not None else ""


def _case(desk: Desk, use: RecipientUse, dispatch: Dispatch, source: str) -> Case:
    directory, now = desk.directory, desk.clock.now()
    decision = _decision(dispatch.decision)
    used = tuple(entry for entry in decision.used if entry.address == use.address) if decision else ()
    lines = _lines(directory, decision, source) if decision and decision.line else ()
    identities = _identities(used)
    channel = desk.channels.get(use.channel)
    return Case(
        address=use.address,
        used=used,
        by_line=bool(decision and decision.line),
        today=paris(now).date(),
        behind=directory.by_address(use.address),
        elsewhere=tuple(box for one in identities for box in _boxes(directory, *one) if box.address != use.address),
        same=_same(directory, used),
        refusal=channel.gate.refuses(use.address, dispatch.label, now) if channel is not None else None,
        certificate=desk.certificates.answer(use.address, now) if dispatch.certificate else None,
        lines=lines,
        lost_identifiers=_lost(directory, lines),
    )


def _decision(kept: Mapping[str, Any]) -> Decision | None:
    try:
        return from_json(kept)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _lines(directory: Directory, decision: Decision, source: str) -> tuple[LocalEntry, ...]:
    return about(decision.wanted, directory.local(source, decision.wanted.id)) if decision.wanted.id else ()


def _identities(entries: Iterable[Entry]) -> list[tuple[IdType, str]]:
    """Of persons, else of structures: a person's colleagues are not the person."""
    people = [(entry.id_type, entry.identifier) for entry in entries if entry.id_type and entry.identifier]
    if people:
        return list(dict.fromkeys(people))
    found = [entry.structure_id for entry in entries if entry.structure_id]
    return [(IdType.SIRET if len(one) == 14 else IdType.FINESS, one) for one in dict.fromkeys(found)]


def _boxes(directory: Directory, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
    """Boxes of that person under any of his identities; of a structure, its own and not its people's."""
    found = directory.by_identifier(id_type, identifier)
    if id_type in STRUCTURES:
        return tuple(box for box in found if box.box_type == "ORG")
    same = numbers_of((id_type, identifier), lambda one: directory.equivalents(*one))[1:]
    others = [box for one in same for box in directory.by_identifier(*one)]
    return tuple(box for box in (*found, *others) if box.box_type != "APP")


def _same(directory: Directory, used: Iterable[Entry]) -> frozenset[tuple[IdType, str]]:
    people = [one for one in _identities(used) if one[0] in PEOPLE]
    return frozenset(same for own in people for same in numbers_of(own, lambda one: directory.equivalents(*one)))


def _lost(directory: Directory, lines: Iterable[LocalEntry]) -> frozenset[str]:
    asked = {(one.id_type, one.identifier) for one in lines if one.id_type and one.identifier and not one.address}
    national = [(kind, identifier) for kind, identifier in asked if kind in PEOPLE | STRUCTURES]
    return frozenset(identifier for kind, identifier in national if not _boxes(directory, kind, identifier))
