"""Behind which older version a dispatch waits: the gate of the claims lets no version overtake one that may arrive."""

from __future__ import annotations

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import BLOCKING, State
from dispatcher.ports import DispatchFilter, UnitOfWork

GATED = frozenset({State.READY, State.QUEUED, State.DEFERRED})
"""States in which the gate is still before it."""
_SAID = {State.SENDING: "en train d'être remise", State.UNKNOWN: "dont l'issue est inconnue"}


def waits_for(uow: UnitOfWork, dispatch: Dispatch) -> tuple[Dispatch, ...]:
    """The older dispatches to the same recipient, or box, that hold it back; oldest version first."""
    if dispatch.state not in GATED:
        return ()
    found = uow.dispatches.list(DispatchFilter(chain=dispatch.chain, states=BLOCKING, limit=200))
    older = (one for one in found if one.version < dispatch.version and one.same_recipient(dispatch))
    return tuple(sorted(older, key=lambda one: (one.version, one.id)))


def sentence(older: Dispatch) -> str:
    """French, for an operator: what it waits for and what would end the wait."""
    do = (
        " ; un accusé le dira, sinon trancher (settle, replay --unknown ou close)"
        if older.state is State.UNKNOWN
        else ""
    )
    return f"Attend l'issue de la version {older.version} (envoi {older.id}), {_SAID[older.state]}{do}."
