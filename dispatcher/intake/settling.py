"""Is this file still being written? A small memory of what was seen; no sleeping, no disk.

A file is quiet when its size and modification time were the same at two looks at least ``stable_seconds`` apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class _Seen:
    size: int
    mtime_ns: int
    since: float


class Settling:
    """Remembers the last size and time of each path. ``moment`` is a monotonic time in seconds."""

    def __init__(self, stable_seconds: float) -> None:
        self._stable_seconds = stable_seconds
        self._seen: dict[str, _Seen] = {}

    def quiet_for(self, path: str, size: int, mtime_ns: int, moment: float) -> float | None:
        """Seconds this path has not changed, or None at the first look and after a change."""
        seen = self._seen.get(path)
        if seen is None or (seen.size, seen.mtime_ns) != (size, mtime_ns):
            self._seen[path] = _Seen(size, mtime_ns, moment)
            return None
        return moment - seen.since

    def is_quiet(self, path: str, size: int, mtime_ns: int, moment: float) -> bool:
        """Two equal looks, ``stable_seconds`` apart."""
        quiet = self.quiet_for(path, size, mtime_ns, moment)
        return quiet is not None and quiet >= self._stable_seconds

    def keep_only(self, paths: Iterable[str]) -> None:
        """Forget files that are gone."""
        present = set(paths)
        self._seen = {path: seen for path, seen in self._seen.items() if path in present}
