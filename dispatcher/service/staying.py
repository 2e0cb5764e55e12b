"""A line that stays when the queue is empty: the next mail finds an open connection and a thread that waits for it.

Without it each file's mails paid for threads, a heartbeat thread and a TLS handshake of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Lane
from dispatcher.ports import Store

FIRST_LOOK = 0.05
"""Seconds between two looks at an empty queue; doubles while it stays empty. Mail of this process is seen at once."""


@dataclass(slots=True)
class Together:
    """What the lines of one pass know of each other."""

    over: bool = False
    """One of them ended: the others end too, so that all begin anew, and none is missed for days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """How a line waits."""

    longest: float
    """Seconds between two looks for what other processes queued, at most."""
    connected: float = 5.0
    """Seconds an idle connection stays open: less than any operator's patience."""
    together: Together = field(default_factory=Together)


def anything(store: Store, clock: Clock, channel: str, lane: Lane | None) -> bool:
    """Whether a claim may find something: a look that keeps nobody from writing."""
    now, lanes = clock.now(), (lane,) if lane is not None else tuple(Lane)
    with store.reading() as uow:
        return any(uow.dispatches.any_queued(channel, one, now) for one in lanes)


class Watch:
    """What one line knows of the queue while it waits; without a ``stay`` it never does. Used in its thread alone."""

    def __init__(self, store: Store, clock: Clock, channel: str, lane: Lane | None, stay: Stay | None) -> None:
        self._store, self._clock, self._channel, self._lane, self._stay = store, clock, channel, lane, stay
        self._seen = 0
        self._pause, self._since = FIRST_LOOK, clock.monotonic()

    @property
    def over(self) -> bool:
        """Another line of the pass ended."""
        return self._stay is not None and self._stay.together.over

    def end(self) -> None:
        """This line ends."""
        if self._stay is not None:
            self._stay.together.over = True
            self._store.hint()

    def begin(self) -> None:
        """Right before a claim: what is queued from here on is news."""
        if self._stay is not None:
            self._seen = self._store.hints()

    def worked(self) -> None:
        """A mail was handed over."""
        self._pause, self._since = FIRST_LOOK, self._clock.monotonic()

    def something_comes(self, stop: Callable[[], bool], hang_up: Callable[[], None]) -> bool:
        """Wait until a claim may find something; False after a stop. A connection idle for long is hung up."""
        if self._stay is None:
            return False
        while not (stop() or self.over):
            if self._clock.monotonic() - self._since > self._stay.connected:
                hang_up()
            self._store.wait_hint(self._seen, self._pause)
            self._pause = min(self._pause * 2, self._stay.longest)
            self._seen = self._store.hints()
            if anything(self._store, self._clock, self._channel, self._lane):
                return True
        return False
