"""A slow look at everything, taken beside the pages: a page that renews itself must not read every key each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

FRESH = 5.0
"""Seconds after which a look is taken anew, beside the answer."""
OLDEST = 20.0
"""An answer is never older: whoever asks then waits for the new look."""


class Kept(Generic[T]):
    """What ``look`` last gave. Threads may share it. Whatever ``look`` raises reaches somebody who asks."""

    def __init__(self, look: Callable[[], T], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._look, self._now = look, monotonic
        self._looking, self._beside = threading.Lock(), threading.Lock()
        self._last: tuple[float, T] | None = None

    def get(self) -> T:
        """At most :data:`OLDEST` seconds old."""
        last = self._last
        if last is not None and self._now() - last[0] <= OLDEST:
            if self._now() - last[0] > FRESH and self._beside.acquire(blocking=False):
                threading.Thread(target=self._renew, name="console-look", daemon=True).start()
            return last[1]
        with self._looking:
            last = self._last
            if last is not None and self._now() - last[0] <= FRESH:
                return last[1]  # somebody has looked meanwhile
            return self._take()

    def _take(self) -> T:
        begun = self._now()
        found = self._look()
        self._last = (begun, found)
        return found

    def _renew(self) -> None:
        try:
            self._take()
        except Exception:  # told to the next who asks, when they look themselves
            self._last = None
        finally:
            self._beside.release()
