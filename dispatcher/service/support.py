"""Use case: learn which receipts each recipient gives, so that silence is judged rightly; and tell it."""

from __future__ import annotations

from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, Heard, Scope, Store, UnitOfWork
from dispatcher.receipts.notice import Kind, Notice
from dispatcher.receipts.support import Expected, Gives, expected, gives_delivery
from dispatcher.routing.addresses import is_patient
from dispatcher.service import alarms
from dispatcher.service.channel import Channel

PATIENCE = timedelta(days=3)
"""Time that notices and readers get before their silence counts."""


def heard(uow: UnitOfWork, dispatch: Dispatch, notice: Notice, now: datetime) -> None:
    """A notice found its dispatch: what it tells of the recipient's habits."""
    what = _heard(notice)
    if what is None:
        return
    # To be matched, a patient's dispatch bears the address it was sent to; a table keeps its pseudonym only.
    kept = uow.dispatches.get(dispatch.id) if is_patient(dispatch.address) else dispatch
    if kept is not None:
        uow.support.heard(kept.channel, kept.address, what, now)


def _heard(notice: Notice) -> Heard | None:
    if notice.kind is Kind.MDN and notice.action is not None:
        return Heard.READ
    if notice.kind is Kind.DSN and notice.class_ == "success":
        return Heard.RELAYED if notice.action == "relayed" else Heard.DELIVERED
    return None


def learn(channel: Channel, store: Store, clock: Clock) -> int:
    """Count the silences that are over their time; gives how many mails were looked at.

    Nothing is learned of a channel without a mailbox, or while its mailbox cannot be read: then all are silent.
    """
    if channel.settings.mailbox is None or alarms.standing(store, alarms.mailbox(channel.name)):
        return 0
    with store.transaction() as uow:
        return uow.support.sweep(
            channel.name,
            clock.now() - PATIENCE,
            dsn=channel.settings.request_dsn,
            mdn=channel.settings.request_mdn,
        )


def expectation(uow: UnitOfWork, dispatch: Dispatch) -> Expected:
    """Which receipts may be expected of its recipient."""
    return expected(*uow.support.of(dispatch.channel, dispatch.address))


def quiet_domains(uow: UnitOfWork, channel: str) -> tuple[str, ...]:
    """Domains from which no delivery notice comes, by name."""
    rows = uow.support.list(channel, Scope.DOMAIN)
    return tuple(sorted(row.name for row in rows if gives_delivery(row) is Gives.NEVER))


def oldest_silent(uow: UnitOfWork, channel: str, quiet: tuple[str, ...]) -> Dispatch | None:
    """The oldest mail of a channel that the operator took and nothing came back for, but from ``quiet`` domains."""
    wanted = DispatchFilter(states=(State.SENT,), channel=channel, not_domains=quiet, limit=1)
    return next(iter(uow.dispatches.list(wanted)), None)
