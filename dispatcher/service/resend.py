"""A new dispatch of what was tried or sent before: new bytes or a new address are a new mail, under a new identity.

A retry keeps its bytes and its Message-ID (decision D2). Whatever changes the bytes or the address of a mail that an
operator has been offered is a *resend*: another row with its own id, Message-ID, ENVID and payload, which names the one
it follows (``resend_of``). The old row keeps what was offered, as proof, and is closed while it asks for something.
"""

from __future__ import annotations

from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import UnitOfWork
from dispatcher.service.desk import Desk

RESENT = "dispatch.resent"
"""Event of the journal line of the new dispatch."""
FOLLOWED = "Envoyé de nouveau sous le numéro {id} : {reason}"
ASKING = frozenset({State.HELD, State.FAILED, State.UNKNOWN, State.PAPER})
"""Of these the old row is closed; what has arrived stays as it is."""


def tried(uow: UnitOfWork, dispatch: Dispatch) -> bool:
    """An operator has been offered this mail, or something came back about it: its identity is spent."""
    known = dispatch.attempts > 0 or bool(dispatch.replayed_from) or dispatch.sent_at is not None
    return known or bool(uow.receipts.of_dispatch(dispatch.id))


def renewed(desk: Desk, old: Dispatch) -> Dispatch:
    """The same version to the same recipient, with an identity of its own, nothing sealed and nothing done yet."""
    return Dispatch(
        id=desk.store.new_id("D"),
        resend_of=old.id,
        report_id=old.report_id,
        chain=old.chain,
        version=old.version,
        state=State.HELD,
        recipient_key=old.recipient_key,
        role=old.role,
        label=old.label,
        recipient_id=old.recipient_id,
        recipient_id_type=old.recipient_id_type,
        address=old.address,
        domain=old.domain,
        channel=old.channel,
        format=old.format,
        envelope=old.envelope,
        certificate=old.certificate,
        lane=old.lane,
        created_at=desk.clock.now(),
        escalate_at=desk.clock.now() + desk.urgent_within if old.lane is Lane.URGENT else None,
        decision=old.decision,
    )


def follow(uow: UnitOfWork, old: Dispatch, new: Dispatch, *, reason: str, actor: str) -> None:
    """Write the new row down; the old one is closed while it still asked for something. Raises IllegalMove."""
    uow.dispatches.add(new, actor=actor)
    uow.journal.write(new.id, RESENT, actor=actor, resend_of=old.id, reason=reason)
    if old.state in ASKING:
        told = FOLLOWED.format(id=new.id, reason=reason)
        uow.dispatches.move(old.id, State.CLOSED, actor=actor, reason=told, hold_code="")
