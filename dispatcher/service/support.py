"""Use case: learn which receipts each recipient gives, so that silence is judged rightly; and tell it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, Heard, Scope, Store, SupportRow, UnitOfWork
from dispatcher.receipts.notice import Kind, Notice
from dispatcher.receipts.support import Expected, Gives, expected, gives_delivery
from dispatcher.routing.addresses import is_patient
from dispatcher.service import alarms
from dispatcher.service.channel import Channel

PATIENCE = timedelta(days=3)
"""Time that notices and readers get before their silence counts."""
TAKEN_UP = timedelta(days=30)
"""Mail as old as this climbs again when its recipient turns out to answer; what is older nobody waits for."""


def heard(uow: UnitOfWork, dispatch: Dispatch, notice: Notice, now: datetime) -> None:
    """A notice found its dispatch: what it tells of the recipient's habits."""
    what = _heard(notice)
    if what is None:
        return
    # To be matched, a patient's dispatch bears the address it was sent to; a table keeps its pseudonym only.
    kept = uow.dispatches.get(dispatch.id) if is_patient(dispatch.address) else dispatch
    if kept is not None:
        domain, address = uow.support.of(kept.channel, kept.address)
        uow.support.heard(kept.channel, kept.address, what, now)
        if what is Heard.READ:
            _missed(uow, kept, domain, address, now)


def _missed(
    uow: UnitOfWork, kept: Dispatch, domain: SupportRow | None, address: SupportRow | None, now: datetime
) -> None:
    """The first answer of a domain or an address: from now on the silence about its other mail counts."""
    name = kept.address.rpartition("@")[2].lower()
    if name and (domain is None or domain.read_at is None):
        uow.ladder.resume(kept.channel, now - TAKEN_UP, domain=name)
    elif address is None or address.read_at is None:
        uow.ladder.resume(kept.channel, now - TAKEN_UP, address=kept.address)


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


def sends_read(uow: UnitOfWork, dispatch: Dispatch) -> bool | None:
    """Whether its recipient answers when he has read, as learned; None: not known.

    Answers that came and no longer come are to be missed. That of an urgent result is missed whatever was learned: who
    never opens his mailbox looks like one whose software is silent.
    """
    reading = expectation(uow, dispatch).reading
    if reading is Gives.UNKNOWN or (reading is Gives.NEVER and dispatch.lane is Lane.URGENT):
        return None
    return reading is not Gives.NEVER


def quiet_domains(uow: UnitOfWork, channel: str) -> tuple[str, ...]:
    """Domains from which no delivery notice comes, by name."""
    rows = uow.support.list(channel, Scope.DOMAIN)
    return tuple(sorted(row.name for row in rows if gives_delivery(row) is Gives.NEVER))


def oldest_silent(uow: UnitOfWork, quiet: Mapping[str, tuple[str, ...]]) -> Dispatch | None:
    """The oldest mail that the operator took and nothing came back for, but from the ``quiet`` domains of a channel."""
    found = list(uow.dispatches.list(DispatchFilter(states=(State.SENT,), limit=1)))
    if not found or found[0].domain.lower() not in quiet.get(found[0].channel, ()):
        return found[0] if found else None
    per_channel = (
        uow.dispatches.list(DispatchFilter(states=(State.SENT,), channel=name, not_domains=domains, limit=1))
        for name, domains in quiet.items()
    )
    return min((one for some in per_channel for one in some), key=lambda one: (one.created_at, one.id), default=None)
