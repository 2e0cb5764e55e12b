"""What this process saw of the pace book: proofs of age that no other machine's writing can take away.

A row keeps what its last writer knew, in that machine's time. When another machine wrote last, what we ourselves saw
earlier proves more: those grants are at least as old as our look at them. Lost at a restart; then we are more careful.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from dispatcher.outbox.ledger import Ledger

ROOM = 5_000
"""Scopes remembered; the half looked at longest ago is forgotten when there are more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One row as it stood, committed, when we looked."""

    boot: str
    at: int
    """Milliseconds of that boot."""
    ledger: Ledger
    """In that time."""
    age: float
    """Seconds since the first grant, at least."""


class PaceMemory:
    """One per open store; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._swept = ""

    def recall(self, scope: str, boot: str, now: int, ledger: Ledger) -> Seen | None:
        """What was seen of this very ledger in this run of the machine; None when nothing holds any more."""
        with self._lock:
            seen = self._seen.get(scope)
        if seen is None or seen.boot != boot or seen.at > now:
            return None
        return seen if seen.ledger.name == ledger.name and seen.ledger.count <= ledger.count else None

    def knows(self, scope: str) -> bool:
        """Its row was there when we last looked."""
        with self._lock:
            return scope in self._seen

    def keep(self, scope: str, seen: Seen) -> None:
        """Only what is committed may be kept: a grant rolled back never was."""
        with self._lock:
            self._seen.pop(scope, None)
            self._seen[scope] = seen
            if len(self._seen) > ROOM:
                for old in list(self._seen)[: ROOM // 2]:
                    del self._seen[old]

    def sweep_from(self) -> str:
        """The scope the last sweep ended at."""
        with self._lock:
            return self._swept

    def swept_to(self, scope: str) -> None:
        """Where the next sweep goes on; empty: from the start."""
        with self._lock:
            self._swept = scope
