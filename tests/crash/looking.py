"""What stands in a store, in plain SQL past the program's own reading of it, in one snapshot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

STATEMENTS = {
    "files": "SELECT id, sha256, state FROM files",
    "reports": "SELECT id, file_id, chain, version, superseded FROM reports",
    "dispatches": "SELECT id, report_id, chain, version, state, address, message_id FROM dispatches",
    "members": "SELECT b.id, b.count, d.state, count(d.id) FROM batches b"
    " LEFT JOIN batch_members m ON m.batch_id = b.id LEFT JOIN dispatches d ON d.id = m.dispatch_id"
    " GROUP BY b.id, b.count, d.state",
    "tallies": "SELECT kind, state, sum(count) FROM tallies GROUP BY kind, state HAVING sum(count) <> 0",
}


def look(url: str) -> dict[str, list[list[Any]]]:
    """Rows of each statement. ``url`` as in ``[store]``, a SQLite path absolute.

    The connection is not closed here: on SQLite that would tidy up what a kill left behind.
    """
    if url.startswith("sqlite:///"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
        connection.execute("BEGIN")
        return {name: [list(row) for row in connection.execute(text)] for name, text in STATEMENTS.items()}
    import psycopg

    with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as server:
        server.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = {name: [list(row) for row in server.execute(text)] for name, text in STATEMENTS.items()}
    for row in found["tallies"]:
        row[2] = int(row[2])  # sums are numeric there
    return found
