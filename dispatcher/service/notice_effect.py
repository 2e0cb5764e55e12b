"""What a notice does to its dispatch, inside the transaction that keeps the notice."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import NOT_SENT, State
from dispatcher.ports import UnitOfWork
from dispatcher.receipts.ladder import UNREAD
from dispatcher.receipts.matching import Effect, effect
from dispatcher.receipts.notice import Notice
from dispatcher.service.outcome import withdraw_if_superseded

log = logging.getLogger(__name__)

HEADER_BYTES = 20_000
"""Of a notice, where its ``Date`` field is looked for."""
ARRIVED = "dispatch.arrived-all-the-same"
"""Event of the journal line about a notice that says so of a mail noted as not sent."""
ON_PAPER = "Il reste sur papier : seule une lecture y met fin."
DATES = {State.DELIVERED: "delivered_at", State.READ: "read_at", State.SENT: "sent_at"}


def meant(uow: UnitOfWork, dispatch: Dispatch, notice: Notice) -> Effect:
    """What ``notice`` changes about ``dispatch``, whose row is locked."""
    return _on_paper(uow, dispatch, effect(dispatch.state, notice))


def carry_out(
    uow: UnitOfWork,
    dispatch: Dispatch,
    change: Effect,
    notice: Notice,
    content: bytes,
    clock: Clock,
    *,
    actor: str = "daemon",
) -> None:
    """Write the change down."""
    at = _said_at(content, dispatch, clock)
    if change.state is not None:
        fault = (notice.status or notice.code or "") if change.state is State.FAILED else ""
        _move(uow, dispatch, change.state, change.why, at, fault, actor)
    elif change.arrived:
        _doubt(uow, dispatch.id, change.why, at)


def _on_paper(uow: UnitOfWork, dispatch: Dispatch, change: Effect) -> Effect:
    """Whoever put on paper what had left knew that it may have arrived: only its reading changes that. A letter that
    lies in a print run, or is printed, is no longer ours to take back.
    """
    if dispatch.state not in {State.PAPER, State.CLOSED} or change.state not in UNREAD:
        return change
    stays = dispatch.printed_at is not None
    if dispatch.state is State.PAPER and not stays:
        stays = dispatch.sent_at is not None or dispatch.id in uow.prints.waiting()
    return Effect(state=None, why=f"{change.why} {ON_PAPER}") if stays else change


def _doubt(uow: UnitOfWork, dispatch_id: str, why: str, at: datetime) -> None:
    """It stays where it stands and counts as perhaps arrived: what cancels or replaces it follows to its box."""
    row = next(iter(uow.dispatches.locked([dispatch_id])), None)
    if row is None or row.doubted_at is not None:
        return
    told = {"reason": f"{row.reason} {why}".strip()} if row.state is State.HELD else {}
    uow.dispatches.update(row.id, event=ARRIVED, doubted_at=at, **told)


def _said_at(content: bytes, dispatch: Dispatch, clock: Clock) -> datetime:
    """When the notice was written, if its date can be true: after the mail left, not in the future. Else now."""
    now = clock.now()
    header = content[:HEADER_BYTES].decode("latin-1")
    written = re.search(r"^Date:[ \t]*(.+(?:\r?\n[ \t].+)*)", header, re.IGNORECASE | re.MULTILINE)
    try:
        said = parsedate_to_datetime(written[1]).astimezone(UTC) if written else now
    except (ValueError, TypeError, OverflowError):
        return now
    return said if (dispatch.sent_at or now) <= said <= now else now


def _move(uow: UnitOfWork, dispatch: Dispatch, state: State, why: str, at: datetime, fault: str, actor: str) -> None:
    changes: dict[str, Any] = {"reason": "" if state in DATES else why, "fault": fault}
    if state in DATES:
        changes[DATES[state]] = at
    elif state is State.HELD:  # good news about a mail noted as not sent
        changes["doubted_at"] = dispatch.doubted_at or at
    elif dispatch.state is State.UNKNOWN:  # bad news: the doubt it stood in is over
        changes["doubted_at"] = dispatch.doubted_at
    if dispatch.lane is Lane.URGENT and state in NOT_SENT and dispatch.escalate_at is None:
        changes |= {"escalate_at": at, "escalation": 0}  # it had left in time: its clock had stopped
    moved = uow.dispatches.move(dispatch.id, state, actor=actor, event=f"dispatch.{state}", **changes)
    if dispatch.state is State.UNKNOWN:
        withdraw_if_superseded(uow, moved, actor=actor)
    log.info("dispatch %s is %s", dispatch.id, state)
