"""Use case: what an operator decides. Every decision names a person and a reason, and lands in the journal."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.clock import Clock
from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import STATES, State
from dispatcher.ports import Store, UnitOfWork
from dispatcher.service.changed import Changed
from dispatcher.service.replay import CHANGED, ReplayPlan, plan_replay, replay

__all__ = [
    "CHANGED",
    "Changed",
    "ReplayPlan",
    "close",
    "hold",
    "plan_replay",
    "printed",
    "replay",
    "to_paper",
    "withdraw",
]

UNKNOWN_ID = "Aucun envoi ne porte ce numéro."
NOT_PAPER = "Cet envoi n'est pas sur papier (état « {state} ») : ne pas poster cette impression sans vérifier."
LEAVING = "Cet envoi est en train d'être remis : attendre son issue."


def hold(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Put dispatches on hold before they leave."""
    return _move_all(store, ids, State.HELD, reason=reason, actor=actor, hold_code="operator")


def close(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """End dispatches for good: a person has seen to it another way."""
    return _move_all(store, ids, State.CLOSED, reason=reason, actor=actor)


def withdraw(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Take dispatches back before they leave."""
    return _move_all(store, ids, State.WITHDRAWN, reason=reason, actor=actor)


def to_paper(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Send these on paper instead."""
    return _move_all(store, ids, State.PAPER, reason=reason, actor=actor)


def printed(store: Store, clock: Clock, ids: Iterable[str], *, actor: str) -> Changed:
    """These were printed: from here on they count as left, and what follows goes on paper too."""
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for dispatch_id in ids:
        with store.transaction() as uow:
            dispatch = next(iter(uow.dispatches.locked([dispatch_id])), None)
            if dispatch is None or dispatch.state is not State.PAPER:
                why = NOT_PAPER.format(state=STATES[dispatch.state]) if dispatch is not None else UNKNOWN_ID
                refused.append((dispatch_id, why))
                continue
            if dispatch.printed_at is None:
                uow.dispatches.update(
                    dispatch_id, actor=actor, event="dispatch.printed", printed_at=clock.now(), climb_at=None
                )
            done.append(dispatch_id)
    return Changed(done=tuple(done), refused=tuple(refused))


def _move_all(
    store: Store, ids: Iterable[str], state: State, *, reason: str, actor: str, hold_code: str = ""
) -> Changed:
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for dispatch_id in ids:
        try:
            with store.transaction() as uow:
                dispatch = _as_it_is(uow, dispatch_id)
                if dispatch is None:
                    raise StoreError(UNKNOWN_ID, hint="« dispatcher list » montre les envois.")
                if dispatch.state is State.SENDING:
                    raise IllegalMove(LEAVING)
                uow.dispatches.move(
                    dispatch_id, state, actor=actor, event=f"dispatch.{state}", reason=reason, hold_code=hold_code
                )
            done.append(dispatch_id)
        except (IllegalMove, StoreError) as error:
            refused.append((dispatch_id, error.message))
    return Changed(done=tuple(done), refused=tuple(refused))


def _as_it_is(uow: UnitOfWork, dispatch_id: str) -> Dispatch | None:
    """The dispatch, its row locked to the end of the transaction while it is unfinished."""
    found = uow.dispatches.get(dispatch_id)
    if found is None:
        return None
    locked = uow.dispatches.unsettled_of_chain(found.chain, below_version=found.version + 1)
    return next((one for one in locked if one.id == dispatch_id), uow.dispatches.get(dispatch_id))
