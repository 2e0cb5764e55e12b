"""Use case: somebody hears of urgent mail that does not leave: an alarm once when its time is over, once when it ends.

What is late stands in the rows, not in memory: a restart tells nothing twice and forgets nothing.
"""

from __future__ import annotations

import logging

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import NOT_SENT
from dispatcher.ports import Store, UnitOfWork

log = logging.getLogger(__name__)

LATE, OVER = "dispatch.late", "dispatch.late-over"
FIRST = 1
"""The alarm begun: ``Dispatch.escalation``."""


def escalate(store: Store, clock: Clock) -> int:
    """Tell the alarms that begin or end; gives how many. One transaction a dispatch: nobody is kept waiting."""
    now = clock.now()
    with store.reading() as uow:
        late, over = uow.dispatches.late(now), uow.dispatches.alarmed(left=True)
    told = sum(_begin(store, dispatch.id) for dispatch in late) + sum(_end(store, dispatch.id) for dispatch in over)
    with store.transaction() as uow:
        uow.dispatches.forget_in_time(now)
    return told


def _begin(store: Store, dispatch_id: str) -> bool:
    with store.transaction() as uow:
        dispatch = _locked(uow, dispatch_id)
        if dispatch is None or dispatch.escalation or dispatch.state not in NOT_SENT:
            return False
        uow.dispatches.update(dispatch_id, event=LATE, escalation=FIRST)
    log.error("dispatch %s: ALARM begins: urgent, and %s", dispatch_id, dispatch.state)
    return True


def _end(store: Store, dispatch_id: str) -> bool:
    with store.transaction() as uow:
        dispatch = _locked(uow, dispatch_id)
        if dispatch is None or dispatch.escalate_at is None or dispatch.state in NOT_SENT:
            return False
        uow.dispatches.update(dispatch_id, event=OVER, escalate_at=None)
    log.error("dispatch %s: ALARM over: it is %s", dispatch_id, dispatch.state)
    return True


def _locked(uow: UnitOfWork, dispatch_id: str) -> Dispatch | None:
    """None: purged since it was looked at."""
    return next(iter(uow.dispatches.locked([dispatch_id])), None)
