"""The operator's ceiling: never more than N calls in any second, as the server counts them.

A call takes its place from its start until one second **after its end**: whenever it reached the server, the one that
takes over its place reaches it more than a second later. So neither jitter nor slow answers squeeze calls together.
A new pace begins with every place taken: a process that just ended may have used up the second before.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatcher.clock import Clock

WINDOW = 1.0
STEP = 0.01
"""Waited at least, and while calls in hand take all places."""


class Pace:
    """Shared by all threads that use one key."""

    def __init__(self, calls: int, clock: Clock, rest: Callable[[float], None] | None = None) -> None:
        """``calls`` in any second; ``rest`` waits (it may raise, to stop)."""
        self._calls, self._clock, self._rest = calls, clock, rest or clock.sleep
        self._lock = threading.Lock()
        self._open = 0
        self._ended: deque[float] = deque([clock.monotonic()] * calls)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wait for a place, hold it during the call."""
        while (wait := self._take()) > 0:
            self._rest(wait)
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                self._ended.append(self._clock.monotonic())

    def _take(self) -> float:
        """0 when a place was taken; else how long to wait before asking again."""
        with self._lock:
            now = self._clock.monotonic()
            while self._ended and now - self._ended[0] > WINDOW:
                self._ended.popleft()
            if self._open + len(self._ended) < self._calls:
                self._open += 1
                return 0.0
            return max(self._ended[0] + WINDOW - now, 0.0) + STEP if self._ended else STEP
