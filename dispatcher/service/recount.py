"""Use case: are the tallies what the rows say? What ``status`` shows is never wrong for long, nor mended silently."""

from __future__ import annotations

import logging

from dispatcher.ports import Drifted, Store

log = logging.getLogger(__name__)


def recount(store: Store) -> tuple[Drifted, ...]:
    """Compare with the rows themselves; mend what differs, each with a journal line. Gives what was wrong.

    The long comparison takes no lock: it is done again, in the transaction, only when something differs.
    """
    with store.reading() as uow:
        if not uow.tallies.drift():
            return ()
    with store.transaction() as uow:
        wrong = uow.tallies.repair()
    for one in wrong:
        log.error("tally of %s %s %s was %d, is %d", one.kind, one.channel, one.state, one.kept, one.counted)
    return wrong
