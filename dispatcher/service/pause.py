"""Use case: a person stops one channel, or everything, and starts it again. A pause without end outlives restarts."""

from __future__ import annotations

from dispatcher.ports import EVERYTHING, Store
from dispatcher.service.channel import Channel

BY_HAND = "En pause ({actor}) : {reason}"


def pause(store: Store, channel: Channel | None, *, reason: str, actor: str) -> None:
    """Nothing leaves by ``channel`` (None: by any) until :func:`resume`; what is being handed over ends first."""
    scope, subject = _names(channel)
    with store.transaction() as uow:
        uow.pace.pause(scope, None, BY_HAND.format(actor=actor.removeprefix("operator:"), reason=reason))
        uow.journal.write(subject, f"{subject.partition(':')[0]}.paused", actor=actor, reason=reason)


def resume(store: Store, channel: Channel | None, *, reason: str, actor: str) -> None:
    """End the pause of ``channel``, whoever set it, or that of everything; a restored database is in service again."""
    scope, subject = _names(channel)
    with store.transaction() as uow:
        uow.pace.resume(scope)
        uow.journal.write(subject, f"{subject.partition(':')[0]}.resumed", actor=actor, reason=reason)
        row = uow.installation.row() if channel is None else None
        if row is not None and row.restored_at is not None:
            uow.installation.resumed()
    store.hint()


def _names(channel: Channel | None) -> tuple[str, str]:
    """Scope of the pause, and subject in the journal."""
    return (EVERYTHING, "store") if channel is None else (channel.scope, f"channel:{channel.name}")
