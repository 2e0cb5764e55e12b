"""The tables of the directory snapshot: one SQLite file, written once by an import and read-only ever after.

``box`` holds one row per mailbox row of the extraction, ``box_words`` its words without accents (FTS5), ``meta`` where
it comes from. :data:`SCHEMA` changes with the layout: an older file is to be imported again, there is nothing to
migrate.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dispatcher.errors import DirectoryError

SCHEMA = "1"
WORDS = ("family", "given", "structure_name", "shop_sign", "service", "town", "postcode", "address")

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE box (
    id INTEGER PRIMARY KEY, line INTEGER NOT NULL, address TEXT NOT NULL, box_type TEXT NOT NULL,
    id_type TEXT NOT NULL, identifier TEXT NOT NULL, structure_type TEXT NOT NULL, structure_id TEXT NOT NULL,
    title TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, profession TEXT NOT NULL, service TEXT NOT NULL,
    structure_name TEXT NOT NULL, shop_sign TEXT NOT NULL, postcode TEXT NOT NULL, town TEXT NOT NULL,
    paperless INTEGER
);
"""

_SAME = "b.address = a.address AND b.identifier = a.identifier AND b.structure_id = a.structure_id"

_REFUSAL_WINS = f"""
UPDATE box AS a SET paperless = 0 WHERE a.address IN (SELECT address FROM again) AND EXISTS
    (SELECT 1 FROM box AS b WHERE {_SAME} AND b.paperless = 0)
"""  # noqa: S608
_FIRST_STAYS = f"""
DELETE FROM box AS a WHERE a.address IN (SELECT address FROM again) AND EXISTS
    (SELECT 1 FROM box AS b WHERE {_SAME} AND b.id < a.id)
"""  # noqa: S608

_INDEXES = """
CREATE INDEX box_identifier ON box (identifier, id_type);
CREATE INDEX box_structure ON box (structure_id, structure_type);
"""


def create(database: sqlite3.Connection) -> None:
    """Empty tables in a new file."""
    database.executescript(_TABLES)


def finish(database: sqlite3.Connection) -> int:
    """Indexes, double rows out, words in. Returns the number of double rows left out.

    Of two rows with the same address, person and structure the first stays; a refusal of electronic mail on either
    of them stays too.
    """
    database.execute("CREATE INDEX box_address ON box (address)")
    database.execute("CREATE TEMP TABLE again AS SELECT address FROM box GROUP BY address HAVING count(*) > 1")
    database.execute(_REFUSAL_WINS)
    removed = database.execute(_FIRST_STAYS).rowcount
    database.executescript(_INDEXES)
    columns = ", ".join(WORDS)
    database.execute(
        f"CREATE VIRTUAL TABLE box_words USING fts5({columns}, content='box', content_rowid='id', "
        "tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )
    database.execute("INSERT INTO box_words (box_words) VALUES ('rebuild')")
    database.execute("ANALYZE")
    database.commit()
    return removed


def counts(database: sqlite3.Connection) -> tuple[int, int]:
    """Rows and distinct addresses."""
    rows, addresses = database.execute("SELECT count(*), count(DISTINCT address) FROM box").fetchone()
    return int(rows), int(addresses)


def write_meta(database: sqlite3.Connection, values: dict[str, str]) -> None:
    """Where the snapshot comes from."""
    database.executemany("INSERT INTO meta VALUES (?, ?)", [("schema", SCHEMA), *values.items()])
    database.commit()


def connect(path: Path) -> sqlite3.Connection:
    """Open for reading. The file never changes once in place (imports replace it), hence ``immutable``."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def read_meta(path: Path) -> dict[str, str] | None:
    """Where the snapshot at ``path`` comes from; ``None`` when there is none or it is not one of ours."""
    if not path.is_file():
        return None
    try:
        with closing(connect(path)) as database:
            found = dict(database.execute("SELECT key, value FROM meta").fetchall())
    except sqlite3.DatabaseError:
        return None
    return found if found.get("schema") == SCHEMA else None


def unreadable(path: Path, error: Exception) -> DirectoryError:
    """What to say of a snapshot that cannot be read."""
    return DirectoryError(
        f"L'annuaire {path.name} est illisible ({type(error).__name__}).",
        hint="L'importer de nouveau : « dispatcher directory import FICHIER ».",
    )
