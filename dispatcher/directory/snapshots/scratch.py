"""The new file of a load while it is written, and the sweeping of what killed loads left behind.

Its writer holds the system's lock on it, given back when the process ends, however it ends: a scratch file nobody holds
is rubbish at once, however young, and a held one is left alone, however old. (Windows does not remove an open file.)
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRATCH = ".importing"
ABANDONED_AFTER = 86_400
"""Seconds after which it is removed on a disk that knows no locks."""


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """An empty file beside ``target``, held for the block and removed after it unless it was renamed.

    What killed loads of the same target left is removed first. Raises ``OSError``.
    """
    sweep(target)
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=SCRATCH, dir=target.parent)
        path = Path(name)
        if _held(handle):
            break
        os.close(handle)  # another load swept it up before it was held
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        if sys.platform != "win32":
            os.close(handle)


def sweep(target: Path) -> None:
    """Remove the scratch files of ``target`` that no living load holds."""
    for left in target.parent.glob(f".{target.name}.*{SCRATCH}"):
        with contextlib.suppress(OSError):
            _remove(left)


if sys.platform == "win32":

    def _held(handle: int) -> bool:
        os.close(handle)
        return True

    def _remove(left: Path) -> None:
        left.unlink()

else:
    import fcntl

    def _held(handle: int) -> bool:
        with contextlib.suppress(OSError):  # a disk without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        return os.fstat(handle).st_nlink > 0

    def _remove(left: Path) -> None:
        handle = os.open(left, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
        except BlockingIOError:
            return
        except OSError:
            if time.time() - os.fstat(handle).st_mtime > ABANDONED_AFTER:
                left.unlink()
        finally:
            os.close(handle)


__all__ = ["ABANDONED_AFTER", "SCRATCH", "beside", "sweep"]
