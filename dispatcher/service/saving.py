"""What a line must not forget while the store fails: the answer an operator gave, and a start that never was one.

Both would end as ``unknown`` though somebody knows better: the outcome of a mail that was handed over, and a mail whose
start may have been written down (its commit ended in doubt) though no byte of it has left; no notice will ever speak of
the latter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from dispatcher.clock import Clock
from dispatcher.errors import LeaseLost, StoreError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Store, UnitOfWork

log = logging.getLogger(__name__)

FIRST, LONGEST = 1.0, 30.0
"""Seconds before the second try to write, and the most between two later ones."""
NAP = 0.5
"""Longest sleep in one piece: a stop is heard in between."""
LAST_TRIES = 10
"""After a stop, a second apart: well within the time a stop may take."""
PASSING = frozenset({"unavailable", "busy", "retry", "disk-full", "disk-io", "commit-unknown", "read-only"})
"""Faults of the store that end some day. Any other would refuse the same line for ever: it gets the last tries only."""
NEVER_LEFT = "Jamais parti : la base n'a pas pu noter le début de la remise. L'envoi est remis dans la file."


T = TypeVar("T")

REPEATS = 5
"""Times a transaction is tried again that the database broke off for another one's sake: nothing of it was written."""


def again(work: Callable[[], T]) -> T:
    """``work``, repeated when the database asks for it (a deadlock, say). Raises StoreError."""
    for _ in range(REPEATS):
        try:
            return work()
        except StoreError as error:
            if error.code != "retry":
                raise
            log.info("the store broke a transaction off; once more")
    return work()


class Saving:
    """One per line; used in its thread alone."""

    def __init__(self, store: Store, clock: Clock, lease: timedelta, stop: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease.total_seconds()
        self._stop = stop
        self._begun: Dispatch | None = None
        self._since = 0.0

    def begun(self, dispatch: Dispatch) -> None:
        """Its start is in the running transaction; until :meth:`handed_over` not a byte of it has left."""
        self._begun, self._since = dispatch, self._moment()

    def handed_over(self) -> None:
        """From here on the operator may have it."""
        self._begun = None

    def never_left(self, dispatch: Dispatch) -> None:
        """It was given up before its first command: its start is to be taken back."""
        self._begun = dispatch

    @property
    def waiting(self) -> bool:
        """A start is in doubt."""
        return self._begun is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the start in doubt was written."""
        return self._moment() - self._since

    def too_late(self) -> bool:
        """The process slept through its lease between the start's commit and the first byte: it was given up."""
        return self._begun is not None and self.elapsed > self._lease

    def _moment(self) -> float:
        """Goes on while the machine sleeps, as the others' clocks do."""
        return self._clock.boot()[1]

    def take_back(self) -> None:
        """Whatever became of the start's commit, the mail stands in the queue again. Raises StoreError."""
        dispatch = self._begun
        if dispatch is None:
            return
        with self._store.transaction() as uow:
            _take_back(uow, dispatch)
        self._begun = None

    def insist(self, write: Callable[[], None]) -> None:
        """Do ``write`` until it succeeds, with growing waits; after a stop, or a fault that does not pass, only
        :data:`LAST_TRIES` more. Gives up with a line in the log.
        """
        wait, last = FIRST, LAST_TRIES
        while last:
            self._rest(wait)
            wait = min(wait * 2, LONGEST)
            try:
                write()
            except StoreError as error:
                log.error("what a hand-over came to is not written yet (%s)", error.code)
                if self._stop() or error.code not in PASSING:
                    last, wait = last - 1, FIRST
            else:
                return
        log.error("what a hand-over came to could not be written: its dispatch will be unknown")

    def _rest(self, seconds: float) -> None:
        slept = 0.0
        while slept < (FIRST if self._stop() else seconds):
            self._clock.sleep(NAP)
            slept += NAP


def _take_back(uow: UnitOfWork, dispatch: Dispatch) -> None:
    try:
        uow.dispatches.not_begun(dispatch.id, dispatch.fence)
        uow.dispatches.release_claim(dispatch.id, dispatch.fence)
        return
    except LeaseLost:
        found = uow.dispatches.locked([dispatch.id])
    if found and found[0].state is State.UNKNOWN and found[0].fence == dispatch.fence:
        log.warning("dispatch %s: its lease ran out before it left; queued again", dispatch.id)
        uow.dispatches.move(dispatch.id, State.QUEUED, event="dispatch.queued-late", reason=NEVER_LEFT)
