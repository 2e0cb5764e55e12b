"""The system's lock on an open file, taken without blocking: given back when the file is closed or its process dies."""

from __future__ import annotations

import sys
import time

PAUSE = 0.01
"""Seconds between two tries."""


def take(handle: int, patience: float) -> bool:
    """Take it for oneself, trying again for ``patience`` seconds; False when another holds it. Raises ``OSError`` from
    a disk that knows no locks.
    """
    end = time.monotonic() + patience
    while not _try(handle, shared=False):
        if time.monotonic() >= end:
            return False
        time.sleep(PAUSE)
    return True


def free(handle: int) -> bool:
    """Nobody holds it for himself now. Those who look do not see each other; one who takes has to try again."""
    return _try(handle, shared=True)


if sys.platform == "win32":
    import msvcrt

    def _try(handle: int, *, shared: bool) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try(handle: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
