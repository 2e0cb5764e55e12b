"""The one writer SQLite allows: who waits for it from another process gets its turn, and soon.

SQLite itself sleeps longer and longer, up to a tenth of a second, and keeps no order: beside a process whose threads
write one after the other, another one stood still for most of its time (measured). Here one of those that wait, the one
in the turnstile, asks again every fraction of a millisecond, and nobody passes it. A courtesy only: without the file,
or on a system that cannot lock one, SQLite decides alone.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

NAP = 0.0004
"""Seconds between two tries of the one in the turnstile."""
QUEUE_NAP = 0.001
"""Of those behind it."""
SUFFIX = "-turn"


class Turnstile:
    """Of one database file; one thread of this process at a time."""

    def __init__(self, database: Path, patience: float) -> None:
        self._place = database.with_name(database.name + SUFFIX)
        self._patience = patience
        self._file: int | None = None

    def close(self) -> None:
        """Nobody writes any more; the next one opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def begin(self, driver: Any) -> None:
        """``BEGIN IMMEDIATE``. Raises sqlite3.OperationalError when nobody gave way for so long."""
        deadline = time.monotonic() + self._patience
        with self._turn(deadline):
            driver.execute("PRAGMA busy_timeout=0")
            try:
                while not _begun(driver, last=time.monotonic() > deadline):
                    time.sleep(NAP)
            finally:
                driver.execute(f"PRAGMA busy_timeout={round(self._patience * 1000)}")

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        if self._file is None:
            with suppress(OSError):
                self._file = os.open(self._place, os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform == "win32" or self._file is None:
            yield
            return
        file = self._file
        while time.monotonic() <= deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # somebody stands in it
                time.sleep(QUEUE_NAP)
            except OSError:  # nobody can on this file system
                break
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)


def _begun(driver: Any, *, last: bool) -> bool:
    """False when somebody else is writing, and it is not the last try."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
