"""Use case: read what came back to our mailbox, match it to dispatches, and let it change their state.

Every notice is stored once (by digest) in the same transaction as the change it makes; the mail is filed only after
that commit, so a stop in between reads it again and changes nothing the second time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from dispatcher.clock import Clock
from dispatcher.errors import DispatcherError
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import NOT_SENT, State
from dispatcher.ports import Fetched, Mailbox, ReceiptRow, Store, UnitOfWork
from dispatcher.receipts.ladder import UNREAD, Rung
from dispatcher.receipts.matching import Effect, Find, effect, match
from dispatcher.receipts.notice import Notice
from dispatcher.receipts.notices import Opener, read
from dispatcher.report.model import Severity
from dispatcher.service.bounced import ask_again, names_no_box
from dispatcher.service.circuits import noticed
from dispatcher.service.elsewhere import LookAgain
from dispatcher.service.internal import place
from dispatcher.service.mailbox_care import mail_digest
from dispatcher.service.outcome import withdraw_if_superseded
from dispatcher.service.patients import as_sent
from dispatcher.service.support import heard

log = logging.getLogger(__name__)

HEADER_BYTES = 20_000
"""Of a notice, where its ``Date`` field is looked for."""
FULL = 200
"""Mails one pass takes at most: so many may hide others."""
ARRIVED = "dispatch.arrived-all-the-same"
"""Event of the journal line about a notice that says so of a mail noted as not sent."""
NO_NOTICE = "Courrier sans avis reconnu."
DATES = {State.DELIVERED: "delivered_at", State.READ: "read_at", State.SENT: "sent_at"}


@dataclass(slots=True)
class Collected:
    """What one pass over a mailbox did."""

    mails: int = 0
    settled: int = 0
    """Mails that need not be read again."""
    notices: int = 0
    matched: int = 0
    unmatched: int = 0
    changes: dict[State, int] = field(default_factory=dict)
    no_box: list[str] = field(default_factory=list)
    """Dispatches that failed since there is no such mailbox."""

    def add(self, other: Collected) -> None:
        """Another pass."""
        for name in ("mails", "settled", "notices", "matched", "unmatched"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for state, count in other.changes.items():
            self.changes[state] = self.changes.get(state, 0) + count


def collect(
    channel: str,
    mailbox: Mailbox,
    store: Store,
    clock: Clock,
    look_again: LookAgain | None = None,
    opener: Opener | None = None,
) -> Collected:
    """Read the new mails of ``mailbox``; ``look_again`` is asked about boxes that are no more, ``opener`` opens notices
    that are enciphered for us.

    Raises :class:`dispatcher.errors.TransportError` when it cannot be reached.
    """
    result = Collected()
    for fetched in mailbox.fetch(FULL):
        result.mails += 1
        try:
            understood = take_notice(channel, fetched, store, clock, result, opener)
        except DispatcherError:
            raise
        except Exception as error:  # nobody foresaw it: this mail is set aside, the next ones are read
            log.error("channel %s: a mail was set aside, unexpected %s", channel, place(error))
            understood = False
        if understood is not None:
            mailbox.settle((fetched.uid,), understood=understood)
            result.settled += 1
    if look_again is not None:
        ask_again(store, look_again, result.no_box)
    return result


def take_notice(
    channel: str, fetched: Fetched, store: Store, clock: Clock, result: Collected, opener: Opener | None = None
) -> bool | None:
    """Read one mail and write down what it says. True when every notice in it found its dispatch.

    None when it is too early: the hand-over it speaks of is still going on. Nothing is written; read it again later.
    """
    notices, problems = read(fetched.content, opener)
    unread = next((one.message for one in problems if one.severity is Severity.ERROR), "")
    notices = () if unread else notices  # what its header alone says is not what it says
    digest = mail_digest(fetched.content)
    matched = 0
    with store.transaction() as uow:
        if _too_early(uow, notices):
            return None
        for number, notice in enumerate(notices):
            matched += _apply(uow, store, channel, notice, f"{digest}:{number}", fetched.content, clock, result)
        if not notices:
            _keep(uow, store, channel, None, f"{digest}:0", fetched.content, clock, unread or NO_NOTICE)
    result.notices += len(notices)
    result.matched += matched
    result.unmatched += max(len(notices), 1) - matched
    return bool(notices) and matched == len(notices)


def _too_early(uow: UnitOfWork, notices: Sequence[Notice]) -> bool:
    found = [(match(notice, _finder(uow)).dispatch, notice) for notice in notices]
    return any(dispatch is not None and effect(dispatch.state, notice).again for dispatch, notice in found)


def _finder(uow: UnitOfWork) -> Find:
    def find(*, message_id: str = "", envid: str = "") -> Dispatch | None:
        return as_sent(uow, uow.dispatches.find_message(message_id=message_id, envid=envid))

    return find


def _apply(
    uow: UnitOfWork,
    store: Store,
    channel: str,
    notice: Notice,
    digest: str,
    content: bytes,
    clock: Clock,
    result: Collected,
) -> bool:
    found = match(notice, _finder(uow))
    if found.dispatch is None:
        _keep(uow, store, channel, notice, digest, content, clock, found.why)
        return False
    change = _on_paper(uow, found.dispatch, effect(found.dispatch.state, notice))
    if not _keep(uow, store, channel, notice, digest, content, clock, change.why, found.dispatch):
        return True
    noticed(uow, found.dispatch, notice, clock.now())
    heard(uow, found.dispatch, notice, clock.now())
    if change.state is not None:
        fault = (notice.status or notice.code or "") if change.state is State.FAILED else ""
        _move(uow, found.dispatch, change.state, change.why, _said_at(content, found.dispatch, clock), fault)
        if change.state is State.FAILED and names_no_box(notice):
            result.no_box.append(found.dispatch.id)
        result.changes[change.state] = result.changes.get(change.state, 0) + 1
    elif change.arrived:
        _doubt(uow, found.dispatch.id, change.why, _said_at(content, found.dispatch, clock))
    return True


def _on_paper(uow: UnitOfWork, dispatch: Dispatch, change: Effect) -> Effect:
    """Put on paper because nobody read it: to hear that it arrived changes nothing, only its reading does."""
    if dispatch.state is not State.PAPER or change.state not in UNREAD:
        return change
    if any(step.rung == Rung.PAPER for step in uow.ladder.steps(dispatch.id)):
        return Effect(state=None, why=f"{change.why} Il reste à envoyer sur papier : personne ne l'a lu.")
    return change


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


def _move(uow: UnitOfWork, dispatch: Dispatch, state: State, why: str, at: datetime, fault: str) -> None:
    changes: dict[str, Any] = {"reason": "" if state in DATES else why, "fault": fault}
    if state in DATES:
        changes[DATES[state]] = at
    elif state is State.HELD:  # good news about a mail noted as not sent
        changes["doubted_at"] = dispatch.doubted_at or at
    elif dispatch.state is State.UNKNOWN:  # bad news: the doubt it stood in is over
        changes["doubted_at"] = dispatch.doubted_at
    if dispatch.lane is Lane.URGENT and state in NOT_SENT and dispatch.escalate_at is None:
        changes |= {"escalate_at": at, "escalation": 0}  # it had left in time: its clock had stopped
    moved = uow.dispatches.move(dispatch.id, state, event=f"dispatch.{state}", **changes)
    if dispatch.state is State.UNKNOWN:
        withdraw_if_superseded(uow, moved)
    log.info("dispatch %s is %s", dispatch.id, state)


def _keep(
    uow: UnitOfWork,
    store: Store,
    channel: str,
    notice: Notice | None,
    digest: str,
    content: bytes,
    clock: Clock,
    note: str,
    dispatch: Dispatch | None = None,
) -> bool:
    return uow.receipts.add(
        ReceiptRow(
            id=store.new_id("A"),
            dispatch_id=dispatch.id if dispatch else "",
            kind=notice.kind if notice else "other",
            action=(notice.action or "") if notice else "",
            status=(notice.status or "") if notice else "",
            code=(notice.code or "") if notice else "",
            at=clock.now(),
            digest=digest,
            channel=channel,
            note=note,
        ),
        content,
    )
