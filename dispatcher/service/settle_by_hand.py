"""Use case: a person knows what became of an ``unknown`` dispatch, from the recipient or the operator's own log."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.errors import StoreError
from dispatcher.outbox.states import STATES, State
from dispatcher.ports import Store, UnitOfWork
from dispatcher.service.changed import Changed
from dispatcher.service.outcome import withdraw_if_superseded


def settle_by_hand(store: Store, ids: Iterable[str], *, arrived: bool, reason: str, actor: str) -> Changed:
    """``arrived``: it becomes ``delivered``; else ``failed``, to be replayed (``withdrawn`` when superseded).

    Only what is in doubt is settled; the rest is refused, each with its reason in French.
    """
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for dispatch_id in dict.fromkeys(ids):
        try:
            with store.transaction() as uow:
                why = _settle(uow, dispatch_id, arrived, reason, actor)
        except StoreError as error:
            why = error.message
        if why:
            refused.append((dispatch_id, why))
        else:
            done.append(dispatch_id)
    return Changed(done=tuple(done), refused=tuple(refused))


def _settle(uow: UnitOfWork, dispatch_id: str, arrived: bool, reason: str, actor: str) -> str:
    """Why not (French), or empty."""
    found = next(iter(uow.dispatches.locked([dispatch_id])), None)
    if found is None:
        return "Aucun envoi ne porte ce numéro."
    if found.state is not State.UNKNOWN:
        return f"L'issue de cet envoi n'est pas inconnue (état « {STATES[found.state]} ») : rien à trancher."
    if arrived:
        uow.dispatches.move(
            dispatch_id,
            State.DELIVERED,
            actor=actor,
            event="dispatch.settled-arrived",
            reason=reason,
            sent_at=found.sent_at or found.unknown_since,
        )
        return ""
    moved = uow.dispatches.move(
        dispatch_id, State.FAILED, actor=actor, event="dispatch.settled-refused", reason=reason, doubted_at=None
    )
    withdraw_if_superseded(uow, moved, actor=actor)
    return ""
