"""A laboratory cancels a report: that follows to everyone who got a version, and to nobody else (promise 3).

Each recipient by what became of his versions: in a mailbox, or perhaps → the cancellation to the same address, behind
what may still be on its way (the gate of ``store/leases.py``); printed → on paper too; closed by a person before it
left → a person is asked; nothing left → nothing to tell. A source may ask for a person every time
(``cancellations = "hold"``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dispatcher.errors import DispatcherError, StoreError
from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.outbox.states import State
from dispatcher.ports import UnitOfWork
from dispatcher.report.model import Report, Status
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.route import Wanted
from dispatcher.routing.rules import without_doubles
from dispatcher.service import oppositions
from dispatcher.service.desk import Desk
from dispatcher.service.force import blank, by_recipient, left, standing
from dispatcher.service.make import CANCELLED_REPORT, Made, cancelled, make_one, route_one, seal_one, with_route
from dispatcher.service.render import Sheets
from dispatcher.service.same_way import same_way
from dispatcher.service.wanted import CANCELLED, has

ON_PAPER = "Une version de ce compte rendu, annulé depuis, lui est partie sur papier : lui poster l'annulation."
PAPER_AGAIN = "La version {version} lui est partie sur papier : celle-ci, qui la remplace, aussi."
NOT_SENT = (
    "Le laboratoire annule ce compte rendu, que ce destinataire a reçu, et l'annulation ne peut pas partir ({why}). "
    "Prévenir le destinataire, puis clore."
)
_ARRIVED = frozenset({State.SENDING, State.SENT, State.DELIVERED, State.READ, State.UNKNOWN})


class Fate(StrEnum):
    """What follows for one recipient of a cancelled report."""

    SEND = "send"
    PAPER = "paper"
    HOLD = "hold"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """One thing to do, and the older dispatch it follows."""

    fate: Fate
    old: Dispatch


def fates(older: Sequence[Dispatch]) -> tuple[Follow, ...]:
    """What follows from the dispatches of the older versions: at least one entry for each recipient."""
    return tuple(follow for mine in by_recipient(standing(older)) for follow in _of_one(mine))


def _of_one(mine: Sequence[Dispatch]) -> list[Follow]:
    boxes = {as_compared(one.address): one for one in mine if _got(one)}  # the latest of each box
    follows = [Follow(fate=Fate.SEND, old=one) for one in boxes.values()]
    printed = [one for one in mine if one.printed_at is not None]
    if printed:
        follows.append(Follow(fate=Fate.PAPER, old=printed[-1]))
    closed = [one for one in mine if one.state is State.CLOSED]
    if closed and not follows:
        follows.append(Follow(fate=Fate.HOLD, old=closed[-1]))
    return follows or [Follow(fate=Fate.NOTHING, old=mine[-1])]


def _got(one: Dispatch) -> bool:
    """He has it, or may have it, in a mailbox: also when the notice came before the failure, or a person closed it."""
    if one.delivered_at is not None or one.doubted_at is not None or one.state in _ARRIVED:
        return True
    return one.state is State.CLOSED and one.sent_at is not None


def nobody_has(older: Sequence[Dispatch]) -> bool:
    """Nobody got any of it: there is nothing to tell."""
    return all(follow.fate is Fate.NOTHING for follow in fates(older))


def same_fates(one: Sequence[Dispatch], other: Sequence[Dispatch]) -> bool:
    """Nothing that matters here happened between two looks."""
    return _signs(one) == _signs(other)


def _signs(known: Sequence[Dispatch]) -> set[tuple[Fate, str]]:
    return {(follow.fate, follow.old.id) for follow in fates(known)}


def make_cancelled(
    desk: Desk,
    version: ReportVersion,
    report: Report,
    source: str,
    *,
    wanted: Sequence[Wanted],
    known: Sequence[Dispatch],
) -> tuple[Made, ...]:
    """The dispatches of a cancelling ``version``. ``known``: those of the older ones; ``wanted``: whom it names now."""
    sheets = Sheets(desk, version, report, source)
    made = [_one(desk, sheets, follow) for follow in fates(known)]
    about = oppositions.about(desk, report, source)
    for decision in without_doubles(route_one(desk, source, one, about=about) for one in wanted):
        if not has(desk, decision, known):
            made.append(nothing_to_tell(make_one(desk, sheets, decision, cancelled(known=True))))
    return tuple(made)


def nothing_to_tell(made: Made) -> Made:
    """Kept for the record: this recipient never had a version."""
    return Made(dispatch=replace(made.dispatch, state=State.WITHDRAWN, reason=CANCELLED, hold_code=""))


def cancelled_unseen(uow: UnitOfWork, cancellation: ReportVersion, made: Sequence[Dispatch]) -> None:
    """The report that ``cancellation`` takes back came in before it and is prepared after it (it is urgent, or another
    worker was faster): nobody got it, so nobody is asked about a report that we did not have."""
    if cancellation.status != Status.CANCELLED or cancellation.version != 1:
        return
    for one in made:
        if one.state is State.HELD and one.hold_code == CANCELLED_REPORT:
            uow.dispatches.move(one.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=CANCELLED)
    uow.journal.write(cancellation.id, "report.cancelled-before-leaving")


def _one(desk: Desk, sheets: Sheets, follow: Follow) -> Made:
    new = replace(blank(desk, sheets.version, follow.old), hold_code="", reason="")
    if follow.fate is Fate.NOTHING:
        return nothing_to_tell(Made(dispatch=new))
    if follow.fate is Fate.PAPER:
        return Made(dispatch=replace(new, state=State.PAPER, reason=ON_PAPER))
    stopped = cancelled(known=True)
    held = replace(new, state=State.HELD, hold_code=stopped.code, reason=stopped.reason)
    return Made(dispatch=held) if follow.fate is Fate.HOLD else _to_the_same(desk, sheets, follow.old, held)


def _to_the_same(desk: Desk, sheets: Sheets, old: Dispatch, held: Dispatch) -> Made:
    try:
        with desk.store.reading() as uow:
            way = same_way(desk, uow, old)
    except StoreError:
        raise
    except DispatcherError as error:
        way = str(error)
    if isinstance(way, str):
        return Made(dispatch=replace(held, reason=NOT_SENT.format(why=way.rstrip("."))))
    return seal_one(desk, sheets, with_route(replace(held, reason=""), way), way)


def on_paper_again(made: Made, older: Sequence[Dispatch]) -> Made:
    """A newer version for somebody whose last one was printed goes on paper too: that is how he is reached."""
    mine = [one for one in standing(older) if one.same_recipient(made.dispatch) and left(one)]
    last = max(mine, key=lambda one: (one.version, one.printed_at is not None), default=None)
    if last is None or last.printed_at is None or made.dispatch.state is not State.READY:
        return made
    reason = PAPER_AGAIN.format(version=last.version)
    return replace(made, dispatch=replace(made.dispatch, state=State.PAPER, reason=reason))
