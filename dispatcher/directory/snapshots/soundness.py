"""Whether a snapshot can be read through: its first page may be whole and say all is well while later ones are damaged.

All tables are walked (``PRAGMA quick_check``, sqlite.org): a tenth of a second for 70 MB. Those without a row number
are walked by ``PRAGMA integrity_check``: ``quick_check`` of SQLite 3.40 finds empty columns there that are not. What
was walked is remembered until the file changes, for a day at most: disks go bad under files nobody writes.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from dispatcher.directory.snapshots.tables import connect, measurable, unreadable
from dispatcher.errors import DirectoryError

AGAIN_AFTER = 86_400.0
"""Seconds."""

_TABLES = """
SELECT name, CASE WHEN sql LIKE '%WITHOUT ROWID%' THEN 'integrity_check' ELSE 'quick_check' END
FROM sqlite_master WHERE type = 'table' AND rootpage > 0
"""

_Stamp = tuple[int, int, int]
_walked: dict[Path, tuple[_Stamp, float, DirectoryError | None]] = {}


def check(path: Path) -> None:
    """Walk through the snapshot at ``path``, if there is one. Raises :class:`DirectoryError` when it is damaged."""
    try:
        state = path.stat()
    except OSError:
        return  # absent, or out of reach: told by whoever opens it
    stamp, now = (state.st_ino, state.st_mtime_ns, state.st_size), time.monotonic()
    before = _walked.get(path)
    if before is None or before[0] != stamp or now - before[1] > AGAIN_AFTER:
        before = _walked[path] = (stamp, now, _walk(path))
    if before[2] is not None:
        raise DirectoryError(before[2].message, hint=before[2].hint)


def _walk(path: Path) -> DirectoryError | None:
    """The fault that was found."""
    try:
        with closing(connect(path)) as database:
            tables = database.execute(_TABLES).fetchall()
            for name, how in tables:  # one by one: the whole would have FTS5 look into every word, which takes minutes
                quoted = name.replace('"', '""')
                if database.execute(f'PRAGMA {how}("{quoted}")').fetchone() != ("ok",):
                    raise sqlite3.DatabaseError("damaged")
    except sqlite3.Error as error:
        if not getattr(error, "sqlite_errorcode", 0):
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        return unreadable(path, error, measurable=measurable(path))
    return None
