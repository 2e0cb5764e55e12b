"""Use case: send again under a new identity, beginning further up: routed, written or only sealed anew.

All of it changes the bytes, so each is a resend (``service/resend.py``): the preview shows the old and the new address,
format and certificate, and what would go elsewhere than shown by the time it is done stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from dispatcher.formats.base import Rendition, WriteContext, Writer
from dispatcher.outbox.dispatch import Batch, Dispatch, ReportVersion
from dispatcher.outbox.states import STATES, State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report.model import Report
from dispatcher.routing.addresses import is_patient
from dispatcher.routing.route import Route
from dispatcher.service.changed import Changed
from dispatcher.service.desk import Desk
from dispatcher.service.force import ALL
from dispatcher.service.make import Made, decision_json, on_paper, seal_one, stopped_by_checks, with_route
from dispatcher.service.parts import in_force
from dispatcher.service.release import decide_again, report_of, wanted_of
from dispatcher.service.render import Sheets
from dispatcher.service.replay import (
    AGAIN,
    SUPERSEDED,
    Planned,
    changed_since,
    every,
    fill,
    hash_of,
    made_by,
    patiently,
    token_of,
)
from dispatcher.service.resend import follow, renewed, tried
from dispatcher.service.same_way import same_way
from dispatcher.service.strangers import in_question

RESENDABLE = frozenset(
    {
        *(State.SENT, State.DELIVERED, State.READ, State.CLOSED, State.WITHDRAWN),
        *(State.FAILED, State.UNKNOWN, State.PAPER),
    }
)
"""What is not under way any more; a held one is released, one under way is left alone."""
ENDED = frozenset({State.CLOSED, State.WITHDRAWN})
"""Of these only what an operator has been offered: the end of another was a decision not to send it."""
ELSEWHERE = (
    "il partirait maintenant autrement ({address}, {format}, canal « {channel} ») que ce qui a été montré : "
    "le regarder de nouveau"
)
NOT_KEPT = "le document écrit alors n'est plus dans la base : --from formats"
NEVER_LEFT = "jamais parti, clos ou retiré par une décision ({reason}) : le renvoyer la déferait"
NOT_IN_FORCE = "cette version n'est pas celle en vigueur (version {version}) : renvoyer celle-là"
DOUBTED = "deux identités de patient pour ce numéro de dossier, en attente d'une personne : les départager d'abord"
RESENT_SINCE = "renvoyé entre-temps par une autre personne ({ids}) : le regarder de nouveau"
STILL_WAITS = "état « {state} » : il n'est pas parti, ou il est en train de partir"


class Begin(StrEnum):
    """Where a resend begins again."""

    ROUTING = "routing"
    """Who, where and how is decided anew, by the rules and directories of today."""
    FORMATS = "formats"
    """The address and format decided on stay; the documents are written anew."""
    SEALING = "sealing"
    """The documents as kept are sealed anew, with today's certificates."""


class Shown(NamedTuple):
    """How a mail leaves, as far as a preview shows it."""

    address: str
    """Never a patient's."""
    format: str
    certificate: str
    channel: str
    envelope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """One resend as the preview shows it: what it was, and what it would be."""

    planned: Planned
    was: Shown
    now: Shown
    before: tuple[str, ...] = ()
    """Dispatches that sent it again already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalPlan:
    """Exactly what would be sent again, and how."""

    begin: Begin
    items: tuple[Renewal, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def token(self) -> str:
        """As of a replay, with where it begins, what it leads to and what went before; empty for none.

        With what went before, a second deliberate resend is another plan than a second click.
        """
        shown = token_of(one.planned for one in self.items)
        ways = "/".join("|".join((*one.now, *one.before)) for one in sorted(self.items, key=lambda one: one.planned.id))
        return f"{shown}:{self.begin}:{hash_of(ways)}" if shown else ""


def plan_resend(
    desk: Desk,
    *,
    begin: Begin,
    ids: Sequence[str] = (),
    wanted: DispatchFilter | None = None,
    states: Sequence[State] = (State.FAILED,),
) -> RenewalPlan:
    """What would be sent again: those named, whatever their state, or those of ``states`` that the filter finds."""
    items: dict[str, Renewal] = {}
    left_out: list[tuple[str, str]] = []
    for dispatch in _chosen(desk, ids, wanted, states, left_out):
        made = _look(desk, dispatch, begin)
        if isinstance(made, str):
            left_out.append((dispatch.id, made))
        else:
            items.setdefault(dispatch.id, made)
    return RenewalPlan(begin=begin, items=tuple(items.values()), left_out=tuple(dict.fromkeys(left_out)))


def _chosen(
    desk: Desk,
    ids: Sequence[str],
    wanted: DispatchFilter | None,
    states: Sequence[State],
    left_out: list[tuple[str, str]],
) -> Iterator[Dispatch]:
    with desk.store.reading() as uow:
        for item in dict.fromkeys(ids):
            dispatch = uow.dispatches.get(item)
            if dispatch is not None:
                yield dispatch
            else:
                left_out.append((item, "numéro inconnu"))
        if wanted is not None:
            for page in every(uow, replace(wanted, states=tuple(states))):
                yield from page


def _look(desk: Desk, dispatch: Dispatch, begin: Begin) -> Renewal | str:
    if dispatch.state not in RESENDABLE:
        return STILL_WAITS.format(state=STATES[dispatch.state])
    if dispatch.state in ENDED and not _offered(desk, dispatch):
        return NEVER_LEFT.format(reason=dispatch.reason.rstrip(".") or "sans motif")
    way = _way(desk, dispatch, begin)
    if isinstance(way, str):
        return way
    with desk.store.reading() as uow:
        before = _sent_again_as(uow, dispatch.id)
    return Renewal(
        planned=Planned.of(dispatch),
        was=Shown(dispatch.address, dispatch.format, dispatch.certificate, dispatch.channel, dispatch.envelope),
        now=shown(dispatch, way.route),
        before=before,
    )


def _sent_again_as(uow: UnitOfWork, dispatch_id: str) -> tuple[str, ...]:
    return tuple(sorted(one.id for one in uow.dispatches.list(DispatchFilter(resend_of=dispatch_id, limit=ALL))))


def _offered(desk: Desk, dispatch: Dispatch) -> bool:
    with desk.store.reading() as uow:
        return tried(uow, dispatch)


def shown(dispatch: Dispatch, route: Route) -> Shown:
    """What a preview shows of a route."""
    address = dispatch.address if is_patient(route.address) else route.address
    return Shown(address, route.format, route.certificate, route.channel, route.envelope)


@dataclass(frozen=True, slots=True)
class _Way:
    """How one dispatch would leave today."""

    sheets: Sheets
    route: Route
    decision: dict[str, object]


def _way(desk: Desk, dispatch: Dispatch, begin: Begin) -> _Way | str:
    """Or why it would not leave (French)."""
    with desk.store.reading() as uow:
        version = uow.reports.get(dispatch.report_id)
        file = uow.files.get(version.file_id) if version else None
        why = _overruled(uow, version) if version else ""
    if version is None or file is None:
        return "numéro inconnu"
    if why:
        return why
    report = report_of(desk, version, file)
    if isinstance(report, str):
        return report
    if dispatch.sent_at is None and (stopped := stopped_by_checks(desk, report)) is not None:
        return stopped.reason
    sheets = Sheets(desk, version, report, file.source)
    if begin is Begin.ROUTING:
        return _decided(desk, sheets, dispatch, file.source)
    with desk.store.reading() as uow:
        route = same_way(desk, uow, dispatch)
    if isinstance(route, str):
        return f"{route.rstrip('.')} : voir --from routing"
    return _Way(sheets, route, dispatch.decision)


def _overruled(uow: UnitOfWork, version: ReportVersion) -> str:
    """Why nothing of this version is sent again (French), or empty: what would hold it at its arrival holds it here."""
    if version.superseded:
        return SUPERSEDED
    current = in_force(uow.reports.versions(version.chain))
    if current is not None and current.id != version.id:
        return NOT_IN_FORCE.format(version=current.version)
    return DOUBTED if in_question(uow, version.chain) else ""


def _decided(desk: Desk, sheets: Sheets, dispatch: Dispatch, source: str) -> _Way | str:
    decision = decide_again(desk, sheets.report, source, wanted_of(dispatch, sheets.report))
    if decision.route is None:
        return decision.hold.reason if decision.hold is not None else on_paper(decision)
    return _Way(sheets, decision.route, decision_json(desk, sheets.report, decision))


# ------------------------------------------------------------------------------------------ doing it


def resend(desk: Desk, plan: RenewalPlan, *, reason: str, actor: str) -> Changed:
    """Send again exactly what the plan shows, each under a new identity, one batch a channel; refused as a replay."""
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    tokens: dict[str, None] = {}
    by_channel: dict[str, Batch] = {}
    for item in plan.items:
        made = _made(desk, item, plan.begin)
        if isinstance(made, str):
            refused.append((item.planned.id, made))
            continue
        channel = made.dispatch.channel
        batch = by_channel.setdefault(channel, _batch(desk, channel, plan.token, reason, actor))
        why = patiently(partial(_commit, desk, batch, item, made))
        if why:
            refused.append((item.planned.id, why))
        else:
            done.append(made.dispatch.id)
            tokens[batch.token] = None
    return Changed(done=tuple(done), refused=tuple(refused), batches=made_by(desk.store, tokens))


def _batch(desk: Desk, channel: str, token: str, reason: str, actor: str) -> Batch:
    return Batch(
        id=desk.store.new_id("L"),
        channel=channel,
        created_at=desk.clock.now(),
        reason="replay",
        actor=actor,
        why=reason,
        token=f"{token}:{channel}",
    )


def _made(desk: Desk, item: Renewal, begin: Begin) -> Made | str:
    """Sealed anew, or why not (French). Nothing is written."""
    with desk.store.reading() as uow:
        dispatch = uow.dispatches.get(item.planned.id)
        stood = dispatch is not None and Planned.of(dispatch).stand == item.planned.stand
        kept = _renditions(uow, dispatch) if dispatch is not None and begin is Begin.SEALING else {}
    if dispatch is None or not stood:
        return changed_since(item.planned, dispatch, None, frozenset())
    way = _way(desk, dispatch, begin)
    if isinstance(way, str):
        return way
    if (now := shown(dispatch, way.route)) != item.now:
        return ELSEWHERE.format(address=now.address, format=now.format, channel=now.channel)
    if begin is Begin.SEALING:
        if way.route.format not in kept:
            return NOT_KEPT
        writers: dict[str, Writer] = {name: _Kept(desk.writers[name], content) for name, content in kept.items()}
        desk = replace(desk, writers={**desk.writers, **writers})
        way = replace(way, sheets=Sheets(desk, way.sheets.version, way.sheets.report, way.sheets.source))
    blank = with_route(replace(renewed(desk, dispatch), decision=way.decision), way.route)
    made = seal_one(desk, way.sheets, blank, way.route)
    return made.dispatch.reason if made.dispatch.state is State.HELD else made


def _renditions(uow: UnitOfWork, dispatch: Dispatch) -> dict[str, bytes]:
    kinds = (kind for kind in uow.payloads.kinds(dispatch.id) if kind.startswith("rendition:"))
    found = {kind.partition(":")[2]: uow.payloads.get(dispatch.id, kind) for kind in kinds}
    return {name: content for name, content in found.items() if content is not None}


class _Kept:
    """A writer that gives the document as it was kept, under the name the real one gives it."""

    def __init__(self, writer: Writer, content: bytes) -> None:
        self.name = writer.name
        self._writer = writer
        self._content = content

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """See :class:`dispatcher.formats.base.Writer`."""
        return replace(self._writer.write(report, context), content=self._content)


def _commit(desk: Desk, batch: Batch, item: Renewal, made: Made) -> str:
    """Written down, or why not (French)."""
    with desk.store.transaction() as uow:
        row = next(iter(uow.dispatches.locked([item.planned.id])), None)
        before = uow.batches.with_token(batch.token)
        if before is not None and _done_in(uow, before, item.planned.id):
            return AGAIN.format(batch=before.id)
        version = uow.reports.get(row.report_id) if row is not None else None
        why = changed_since(item.planned, row, None, frozenset()) or (_overruled(uow, version) if version else "")
        if why or row is None:
            return why
        if since := set(_sent_again_as(uow, row.id)) - set(item.before):
            return RESENT_SINCE.format(ids=", ".join(sorted(since)))
        into = before or batch
        new = replace(made.dispatch, state=State.QUEUED, batch_id=into.id, reason=into.why)
        follow(uow, row, new, reason=into.why, actor=batch.actor)
        fill(uow, into, [new], new=before is None)
        for kind, content in made.payloads.items():
            uow.payloads.put(new.id, kind, content)
    return ""


def _done_in(uow: UnitOfWork, batch: Batch, old: str) -> bool:
    again = uow.dispatches.list(DispatchFilter(resend_of=old, batch_id=batch.id, limit=1))
    return bool(again)
