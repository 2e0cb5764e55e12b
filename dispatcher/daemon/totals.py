"""The counters of this installation between two runs of the service: a small file, written now and then.

After a crash the journal is read on from where the file stands, so that it is never wrong, only older.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from dispatcher import whole_file
from dispatcher.ports import Store
from dispatcher.service import counting
from dispatcher.service.counting import Key, Totals

log = logging.getLogger(__name__)


class Book:
    """Counts on, from any thread."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store, self._path = store, path
        self._lock = threading.Lock()
        self._totals: Totals | None = None
        self._saved = -1

    def advance(self) -> None:
        """Up to the end of the journal. Raises :class:`dispatcher.errors.StoreError`."""
        with self._lock:
            if self._totals is None:
                before = _load(self._path)
                self._totals = counting.go_on(self._store, before) if before else counting.begin(self._store)
            counting.advance(self._store, self._totals)

    def counts(self) -> Counter[Key]:
        """As last counted."""
        with self._lock:
            return Counter(self._totals.counts) if self._totals is not None else Counter()

    def save(self) -> None:
        """Count, and remember. Raises StoreError; what cannot be written is told and tried again."""
        self.advance()
        with self._lock:
            totals = self._totals
            if totals is None or totals.number == self._saved:
                return
            content = _dump(totals)
            number = totals.number
        try:
            whole_file.put(self._path, content)
            self._saved = number
        except OSError as error:
            log.warning("metrics: the counters cannot be kept (%s)", error.strerror)


def _dump(totals: Totals) -> bytes:
    counts = [[name, list(labels), number] for (name, labels), number in sorted(totals.counts.items())]
    return json.dumps({"store_id": totals.store_id, "number": totals.number, "counts": counts}).encode()


def _load(path: Path) -> Totals | None:
    """None: not there, or not to be understood; then everything begins anew."""
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        counts: Counter[Key] = Counter({(name, tuple(labels)): number for name, labels, number in told["counts"]})
        return Totals(store_id=str(told["store_id"]), number=int(told["number"]), counts=counts)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("metrics: the counters kept cannot be read; they begin anew")
        return None
