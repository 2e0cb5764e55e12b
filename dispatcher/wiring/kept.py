"""What is made of many files, kept while none of them changes: opening a private key takes a tenth of a second, and a
service asks for every alarm each few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS = 600
"""Then it is made anew all the same: what expires does so by the clock."""


class Kept(Generic[T]):
    """One value per name. Thread-safe; two who ask at once may both make it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[object, T]] = {}

    def get(self, name: str, places: Iterable[Path | None], now: datetime, make: Callable[[], T]) -> T:
        """What ``make()`` gives; made anew when a file in ``places`` changed, or after ten minutes."""
        sign = (int(now.timestamp()) // SECONDS, tuple(_stamps(one for one in places if one is not None)))
        with self._lock:
            kept = self._found.get(name)
        if kept is not None and kept[0] == sign:
            return kept[1]
        value = make()
        with self._lock:
            self._found[name] = (sign, value)
        return value


def _stamps(places: Iterable[Path]) -> Iterator[tuple[str, int, int, int]]:
    for place in places:
        try:
            paths = sorted([place, *place.rglob("*")]) if place.is_dir() else [place]
        except OSError:  # a folder that may not be read, a share that is gone
            paths = [place]
        for path in paths:
            try:
                found = path.stat()
            except OSError:
                yield str(path), 0, 0, 0
            else:
                yield str(path), found.st_mtime_ns, found.st_size, found.st_ino ^ found.st_mode
