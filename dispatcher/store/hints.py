"""Hints that there is work: the threads of one process wake each other. Other processes look for themselves.

A hint may be lost or be about nothing: what is due stands in the database only (decision D3).
"""

from __future__ import annotations

import threading


class Hints:
    """A counter that threads can wait on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    @property
    def count(self) -> int:
        return self._count

    def give(self) -> None:
        """There is work."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        """Until there was a hint after :attr:`count` was ``seen``, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._count != seen, seconds)
