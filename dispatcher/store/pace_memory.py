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
    """One row as it stood when we looked, or as we wrote it."""

    text: str | None
    """Of its ledger, as it stands in the row; ``ledger`` is the same with what we knew before."""
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
        self._written: dict[str, Seen] = {}
        self._swept = ""

    def recall(self, scope: str, text: str | None, boot: str, now: int) -> Seen | None:
        """What we know of the row that now reads ``text``, in this run of the machine; None: nothing holds any more.

        What we wrote ourselves counts once it is read again: it may have been rolled back.
        """
        with self._lock:
            written, seen = self._written.get(scope), self._seen.get(scope)
        if written is not None and written.text == text:
            seen = written
        return None if seen is None or seen.boot != boot or seen.at > now else seen

    def knows(self, scope: str) -> bool:
        """Its row was there when we last looked."""
        with self._lock:
            return scope in self._seen

    def keep(self, scope: str, seen: Seen) -> None:
        """Only what is committed may be kept: a grant rolled back never was."""
        with self._lock:
            self._written.pop(scope, None)  # in time that may since have been set back
            _put(self._seen, scope, seen)

    def wrote(self, scope: str, written: Seen) -> None:
        """What the row reads if this is committed."""
        with self._lock:
            _put(self._written, scope, written)

    def sweep_from(self) -> str:
        """The scope the last sweep ended at."""
        with self._lock:
            return self._swept

    def swept_to(self, scope: str) -> None:
        """Where the next sweep goes on; empty: from the start."""
        with self._lock:
            self._swept = scope


def _put(seen: dict[str, Seen], scope: str, new: Seen) -> None:
    seen.pop(scope, None)
    seen[scope] = new
    if len(seen) > ROOM:
        for old in list(seen)[: ROOM // 2]:
            del seen[old]
