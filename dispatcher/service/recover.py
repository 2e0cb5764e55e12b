"""Use case: take back what dead workers held. Mails already begun become ``unknown``, never a blind second sending."""

from __future__ import annotations

import logging

from dispatcher.clock import Clock, Steadiness
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.longest import Longest
from dispatcher.ports import Store

log = logging.getLogger(__name__)


DEFAULTS = Longest()


def recover(
    store: Store, clock: Clock, longest: Longest = DEFAULTS, steadiness: Steadiness | None = None
) -> tuple[Dispatch, ...]:
    """Expire leases that ran out, withdraw what a newer version overtook, forget the pace of idle recipients.

    First of all, what waits for a moment that a wrong clock wrote down is brought back, once the clock of now has gone
    evenly for a while (``steadiness``; without it nobody knows, and nothing is). Gives the dispatches that came back
    from dead workers.
    """
    with store.transaction() as uow:
        steady = steadiness is not None and steadiness.look(uow.nodes.now(), clock.monotonic())
        far = uow.moments.bring_back(longest) if steady else {}
    if far:
        told = ", ".join(f"{count} {name}" for name, count in far.items())
        log.error("the clock was set back: moments too far ahead are brought back (%s)", told)
    with store.transaction() as uow:
        back = uow.dispatches.expire_leases(clock.now())
        uow.dispatches.withdraw_overtaken()
    with store.transaction() as uow:
        uow.pace.sweep()
    for dispatch in back:
        log.warning("dispatch %s came back from a dead worker: %s", dispatch.id, dispatch.state)
    return back
