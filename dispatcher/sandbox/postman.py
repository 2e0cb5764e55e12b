"""Delivers notices into the laboratory's Maildir when their time has come, each all or nothing."""

from __future__ import annotations

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatcher.sandbox.faults import Faults

_counter = itertools.count()


class Postman:
    """Waits on a thread of its own. ``pending`` notices are those not delivered yet."""

    def __init__(self, maildir: Path, faults: Faults) -> None:
        self._maildir = maildir
        self._faults = faults
        make_maildir(maildir)
        self._due: list[tuple[float, int, bytes]] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._delivering = 0
        self._thread = threading.Thread(target=self._run, name="sandbox-postman", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Notices waiting for their time."""
        with self._changed:
            return len(self._due) + self._delivering

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Counts as pending while notices are being made, so that nobody waits too briefly."""
        with self._changed:
            self._delivering += 1
        try:
            yield
        finally:
            with self._changed:
                self._delivering -= 1
                self._changed.notify_all()

    def post(self, content: bytes, delay_seconds: float) -> None:
        """Deliver after that delay."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_seconds, next(_counter), content))
            self._changed.notify_all()

    def wait_empty(self, timeout_seconds: float) -> bool:
        """Wait until nothing is pending; False when time runs out."""
        end = time.monotonic() + timeout_seconds
        with self._changed:
            while self._due or self._delivering:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.2))
            return True

    def close(self) -> None:
        """Stop; what is pending is forgotten, as an operator that goes down forgets."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not self._ready():
                    self._changed.wait(self._pause())
                if self._stopped:
                    return
                _, _, content = heapq.heappop(self._due)
                self._delivering += 1
            deliver(self._maildir, content)
            with self._changed:
                self._delivering -= 1
                self._changed.notify_all()

    def _ready(self) -> bool:
        return bool(self._due) and not self._faults.hold_notices and self._due[0][0] <= time.monotonic()

    def _pause(self) -> float | None:
        if not self._due:
            return None
        return 0.05 if self._faults.hold_notices else max(0.0, self._due[0][0] - time.monotonic())


def make_maildir(maildir: Path) -> None:
    """Its three folders; those that are there stay."""
    for name in ("tmp", "new", "cur"):
        (maildir / name).mkdir(parents=True, exist_ok=True)


def deliver(maildir: Path, content: bytes) -> Path:
    """Put one mail into ``new`` (written to ``tmp`` first, then renamed); gives its path."""
    name = f"{time.time():.6f}.{os.getpid()}_{next(_counter)}.{socket.gethostname().replace('/', '_')}"
    draft = maildir / "tmp" / name
    draft.write_bytes(content)
    target = maildir / "new" / name
    draft.rename(target)
    return target
