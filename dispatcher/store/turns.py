"""Whose turn it was last, remembered by one process: claims go on from there (``claims.py``)."""

from __future__ import annotations

import threading

REMEMBERED = 20_000
"""Places remembered before the memory starts again from nothing."""


class Turns:
    """Where each walk stands: the domain served last by channel and lane, the mailbox served last by domain."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[tuple[str, ...], str] = {}

    def last(self, *walk: str) -> str | None:
        with self._lock:
            return self._last.get(walk)

    def served(self, *walk: str, name: str) -> None:
        with self._lock:
            if len(self._last) >= REMEMBERED:
                self._last.clear()
            self._last[walk] = name
