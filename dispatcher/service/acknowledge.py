"""Use case: a person says that he has taken an alarm over (he telephoned, or will). Who, when and why are kept."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import NOT_SENT, STATES
from dispatcher.ports import Store
from dispatcher.receipts.ladder import CLIMBING
from dispatcher.service.changed import Changed

UNKNOWN_ID = "Aucun envoi ne porte ce numéro."
NOTHING = "Cet envoi (état « {state} ») n'attend personne : ni alarme, ni relance en cours."
ALREADY = "Cet envoi est déjà pris en charge."


def acknowledge(store: Store, clock: Clock, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Take these over: their ladder goes no further, their alarm is over. What is refused is told with its reason."""
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for dispatch_id in ids:
        with store.transaction() as uow:
            found = next(iter(uow.dispatches.locked([dispatch_id])), None)
            why = UNKNOWN_ID if found is None else _against(found)
            if why:
                refused.append((dispatch_id, why))
                continue
            uow.ladder.acknowledge(dispatch_id, clock.now(), reason=reason, actor=actor)
        done.append(dispatch_id)
    return Changed(done=tuple(done), refused=tuple(refused))


def _against(one: Dispatch) -> str:
    late = one.state in NOT_SENT and one.escalation > 0 and one.escalate_at is not None
    if late:
        return ""
    if one.state not in CLIMBING or (one.climb_at is None and not one.rung):
        return NOTHING.format(state=STATES[one.state])
    return ALREADY if one.acknowledged_at is not None else ""
