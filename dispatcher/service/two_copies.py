"""The ladder's second copy and the dispatch it follows: reading one ends what is left to do for the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.outbox.states import NOT_YET_LEFT, State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.receipts.ladder import CLIMBING, Rung
from dispatcher.report.model import Report
from dispatcher.service.desk import Desk
from dispatcher.service.force import ALL, blank
from dispatcher.service.make import Made, seal_one, with_route
from dispatcher.service.render import Sheets
from dispatcher.service.same_way import same_way
from dispatcher.service.second_way import LADDER, is_second

SECOND_READ = "dispatch.second-read"
COPY_READ = "La seconde copie {copy} a été lue."
FIRST_READ = "L'envoi {first}, que cette copie doublait, a été lu."


def one_was_read(uow: UnitOfWork, read: Dispatch) -> None:
    """In the transaction that notes the reading of ``read``."""
    if is_second(read):
        _end_first(uow, read)
        return
    copies = [
        one.id for one in uow.dispatches.list(DispatchFilter(report_id=read.report_id, limit=ALL)) if _of(one, read)
    ]
    for one in uow.dispatches.locked(copies):
        if one.state in NOT_YET_LEFT:
            reason = FIRST_READ.format(first=read.id)
            uow.dispatches.move(one.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=reason)


def _of(one: Dispatch, first: Dispatch) -> bool:
    return is_second(one) and one.resend_of == first.id


def _end_first(uow: UnitOfWork, copy: Dispatch) -> None:
    """Its ladder is over. A letter the ladder asked for is not printed any more; one that a person asked for stays."""
    first = next(iter(uow.dispatches.locked([copy.resend_of])), None)
    if first is None or first.state not in CLIMBING:
        return
    reason = COPY_READ.format(copy=copy.id)
    letter = first.state is State.PAPER
    if not letter:
        uow.dispatches.update(first.id, event=SECOND_READ, reason=reason, climb_at=None)
    elif first.printed_at is None and any(step.rung == Rung.PAPER for step in uow.ladder.steps(first.id)):
        uow.dispatches.move(first.id, State.CLOSED, event=SECOND_READ, reason=reason)


def where_it_was_read(
    desk: Desk, version: ReportVersion, report: Report, source: str, made: Sequence[Made], known: Sequence[Dispatch]
) -> tuple[Made, ...]:
    """Of a newer ``version``, a copy for the box in which the last one was read, where that was the second copy's.

    ``made``: its dispatches; ``known``: those of the older versions. What may not leave that way today is left out: the
    ladder of the new version goes on without.
    """
    if not any(map(is_second, known)):
        return ()
    copies: list[Made] = []
    sheets = Sheets(desk, version, report, source)
    for new in (item.dispatch for item in made if item.dispatch.state is State.READY):
        mine = [one for one in known if one.recipient_key == new.recipient_key and not is_second(one)]
        last = max(mine, key=lambda one: (one.version, one.sent_at is not None, one.id), default=None)
        there = {one.address for item in (*made, *copies) if (one := item.dispatch).address}
        for old in known if last is not None else ():
            if last is not None and _of(old, last) and old.state is State.READ and old.address not in there:
                copies += _copy(desk, sheets, old, new)
    return tuple(copies)


def _copy(desk: Desk, sheets: Sheets, old: Dispatch, new: Dispatch) -> list[Made]:
    with desk.store.reading() as uow:
        way = same_way(desk, uow, old)
    if isinstance(way, str):
        return []
    clean = replace(
        blank(desk, sheets.version, old), hold_code="", lane=new.lane, escalate_at=new.escalate_at, resend_of=new.id
    )
    copy = seal_one(desk, sheets, with_route(clean, way), way)
    kept = {**copy.dispatch.decision, LADDER: new.id}
    return [replace(copy, dispatch=replace(copy.dispatch, decision=kept))] if copy.dispatch.state is State.READY else []
