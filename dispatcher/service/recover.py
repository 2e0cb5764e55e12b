"""Use case: take back what dead workers held. Mails already begun become ``unknown``, never a blind second sending."""

from __future__ import annotations

import logging

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import Store

log = logging.getLogger(__name__)


def recover(store: Store, clock: Clock) -> tuple[Dispatch, ...]:
    """Expire leases that ran out, withdraw what a newer version overtook, forget the pace of idle recipients.

    Gives the dispatches that came back.
    """
    with store.transaction() as uow:
        back = uow.dispatches.expire_leases(clock.now())
        uow.dispatches.withdraw_overtaken()
    with store.transaction() as uow:
        uow.pace.sweep()
    for dispatch in back:
        log.warning("dispatch %s came back from a dead worker: %s", dispatch.id, dispatch.state)
    return back
