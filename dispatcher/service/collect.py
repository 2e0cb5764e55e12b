"""Use case: read what came back to our mailbox, match it to dispatches, and let it change their state.

Every notice is stored once (by digest) in the same transaction as the change it makes; the mail is filed only after
that commit, so a stop in between reads it again and changes nothing the second time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatcher.clock import Clock
from dispatcher.errors import DispatcherError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Fetched, Mailbox, ReceiptRow, Store, UnitOfWork
from dispatcher.receipts.matching import Effect, Find, Match, asks_a_person, effect, match
from dispatcher.receipts.notice import Notice
from dispatcher.receipts.notices import Opener, read
from dispatcher.report.model import Severity
from dispatcher.service.bounced import ask_again, names_no_box
from dispatcher.service.circuits import noticed
from dispatcher.service.elsewhere import LookAgain
from dispatcher.service.internal import place
from dispatcher.service.mailbox_care import mail_digest
from dispatcher.service.notice_effect import carry_out, meant
from dispatcher.service.patients import as_sent
from dispatcher.service.support import heard
from dispatcher.service.two_copies import one_was_read

log = logging.getLogger(__name__)

FULL = 200
"""Mails one pass takes at most: so many may hide others."""
NO_NOTICE = "Courrier sans avis reconnu."


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
    """Read one mail and write down what it says. True when every notice in it found its dispatch and asks nobody.

    None when it is too early: the hand-over it speaks of is still going on. Nothing is written; read it again later.
    """
    notices, problems = read(fetched.content, opener)
    unread = next((one.message for one in problems if one.severity is Severity.ERROR), "")
    notices = () if unread else notices  # what its header alone says is not what it says
    matched = 0
    with store.transaction() as uow:
        mail = _Mail(uow, store, channel, fetched.content, mail_digest(fetched.content), clock, result)
        found = [match(notice, _finder(uow)) for notice in notices]
        if _too_early(uow, found, notices):
            return None
        for number, (notice, one) in enumerate(zip(notices, found, strict=True)):
            matched += _apply(mail, number, notice, one)
        if not notices:
            _keep(mail, 0, None, unread or NO_NOTICE)
    result.notices += len(notices)
    result.matched += matched
    result.unmatched += max(len(notices), 1) - matched
    return bool(notices) and matched == len(notices) and not any(map(asks_a_person, notices))


@dataclass(frozen=True, slots=True)
class _Mail:
    """One mail and what reading it needs."""

    uow: UnitOfWork
    store: Store
    channel: str
    content: bytes
    digest: str
    clock: Clock
    result: Collected


def _too_early(uow: UnitOfWork, found: Sequence[Match], notices: Sequence[Notice]) -> bool:
    """Locks the dispatches, in the order of their ids: what another node does to them now comes before or after."""
    ids = sorted({one.dispatch.id for one in found if one.dispatch is not None})
    states = {row.id: row.state for row in uow.dispatches.locked(ids)} if ids else {}
    told = [(states.get(one.dispatch.id), notice) for one, notice in zip(found, notices, strict=True) if one.dispatch]
    return any(state is not None and effect(state, notice).again for state, notice in told)


def _finder(uow: UnitOfWork) -> Find:
    def find(*, message_id: str = "", envid: str = "") -> Dispatch | None:
        return as_sent(uow, uow.dispatches.find_message(message_id=message_id, envid=envid))

    return find


def _apply(mail: _Mail, number: int, notice: Notice, found: Match) -> bool:
    uow, now = mail.uow, mail.clock.now()
    dispatch = as_sent(uow, uow.dispatches.get(found.dispatch.id)) if found.dispatch is not None else None
    if dispatch is None:
        if uow.receipts.holds(f"{mail.digest}:{number}"):  # a person tied it
            return True
        _keep(mail, number, notice, found.why)
        return False
    change = meant(uow, dispatch, notice)
    if not _keep(mail, number, notice, change.why, dispatch):
        return True
    noticed(uow, dispatch, notice, now)
    take_effect(uow, dispatch, change, notice, mail.content, mail.clock)
    if change.state is not None:
        if change.state is State.FAILED and names_no_box(notice):
            mail.result.no_box.append(dispatch.id)
        mail.result.changes[change.state] = mail.result.changes.get(change.state, 0) + 1
    return True


def take_effect(
    uow: UnitOfWork,
    dispatch: Dispatch,
    change: Effect,
    notice: Notice,
    content: bytes,
    clock: Clock,
    *,
    actor: str = "daemon",
) -> None:
    """What a notice that is kept with its dispatch does to it, and teaches about its recipient."""
    heard(uow, dispatch, notice, clock.now())
    carry_out(uow, dispatch, change, notice, content, clock, actor=actor)
    if change.state is State.READ:
        one_was_read(uow, dispatch)


def _keep(mail: _Mail, number: int, notice: Notice | None, note: str, dispatch: Dispatch | None = None) -> bool:
    """False when it is kept already."""
    return mail.uow.receipts.add(
        ReceiptRow(
            id=mail.store.new_id("A"),
            dispatch_id=dispatch.id if dispatch else "",
            kind=notice.kind if notice else "other",
            action=(notice.action or "") if notice else "",
            status=(notice.status or "") if notice else "",
            code=(notice.code or "") if notice else "",
            at=mail.clock.now(),
            digest=f"{mail.digest}:{number}",
            channel=mail.channel,
            note=note,
            to_read=dispatch is None or notice is None or asks_a_person(notice),
        ),
        mail.content,
    )
