"""A side thread for one sending pass: it keeps the leases alive while a hand-over runs, and ends a stop that waits.

A hand-over may be silent for as long as its time limits allow, longer than a lease: without a heartbeat from outside,
another worker would call a mail lost that is still on its way. And an operator that never answers the final dot must
not hold a stop back: after :data:`GRACE` the lines are broken, the mail in hand becomes ``unknown``, the rest is given
back (promise: stopped within 30 seconds, nothing half done).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from datetime import timedelta
from types import TracebackType

from dispatcher.clock import Clock
from dispatcher.ports import Store
from dispatcher.service.channel import Channel
from dispatcher.service.internal import place

log = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds that mails in hand get after a stop was asked for."""
LOOK = 0.5
"""Seconds between two looks; real ones, whatever the clock handed in says."""


class Keeper:
    """Context manager around one pass. The thread starts with the first lease to keep."""

    def __init__(
        self, channel: Channel, store: Store, clock: Clock, stop: Callable[[], bool], *, grace: float = GRACE
    ) -> None:
        self._channel = channel
        self._store = store
        self._clock = clock
        self._stop = stop
        self._grace = grace
        self._lock = threading.Lock()
        self._owners: set[str] = set()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def hold(self, owner: str) -> None:
        """From here on the leases of ``owner`` are kept alive."""
        with self._lock:
            self._owners.add(owner)
            if self._thread is None:
                name = f"keeper-{self._channel.name}"
                self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name=name, daemon=True)
                self._thread.start()

    def let_go(self, owner: str) -> None:
        """It holds nothing any more, or died."""
        with self._lock:
            self._owners.discard(owner)

    def _run(self) -> None:
        lease = self._channel.lease.total_seconds()
        look = min(LOOK, lease / 6, self._grace or LOOK)
        since_beat = since_stop = 0.0
        while not self._end.wait(look):
            since_beat += look
            if since_beat >= lease / 3:
                since_beat = 0.0
                self._beat(timedelta(seconds=lease))
            if self._stop():
                since_stop += look
                if since_stop >= self._grace:
                    log.warning("channel %s: stop; lines that still wait are broken", self._channel.name)
                    self._channel.transport.abort()

    def _beat(self, lease: timedelta) -> None:
        with self._lock:
            owners = sorted(self._owners)
        if not owners:
            return
        try:
            with self._store.transaction() as uow:
                for owner in owners:
                    uow.dispatches.extend_lease(owner, self._clock.now() + lease)
        except Exception as error:  # the next beat may succeed; a third of the lease is left twice
            log.warning("channel %s: leases not extended (%s)", self._channel.name, place(error))
