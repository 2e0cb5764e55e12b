"""People whose password was right and whose code is still to come: they type the password once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SECONDS = 180.0
MOST = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """Name and password, as typed; in memory only."""

    name: str
    password: str = field(repr=False)
    until: float


class Halfway:
    """By the token of the visit's forms, for three minutes. Safe to share between threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = monotonic, threading.Lock()
        self._waiting: dict[str, Waiting] = {}

    def keep(self, visit: str, name: str, password: str) -> None:
        """Until the code comes."""
        with self._lock:
            self._forget()
            if len(self._waiting) >= MOST:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[visit] = Waiting(name, password, self._now() + SECONDS)

    def find(self, visit: str) -> Waiting | None:
        """Who waits there."""
        with self._lock:
            self._forget()
            return self._waiting.get(visit)

    def drop(self, visit: str) -> None:
        """They are in, or begin anew."""
        with self._lock:
            self._waiting.pop(visit, None)

    def _forget(self) -> None:
        for visit in [name for name, one in self._waiting.items() if one.until < self._now()]:
            del self._waiting[visit]
