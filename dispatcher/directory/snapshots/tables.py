"""The tables of a snapshot: one SQLite file per source, written once by an import and read-only ever after.

``entry`` holds one row per mailbox, activity or structure, ``words`` which word stands in which of them, without
accents (FTS5), ``equivalent`` pairs of identifiers of one person, ``meta`` where it all comes from. :data:`SCHEMA`
changes with the layout: an older file is to be imported again, there is nothing to migrate.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dispatcher.errors import DirectoryError, in_french
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry

SCHEMA = "3"
AGAIN = "Le charger de nouveau (« dispatcher directory import » ou « sync »)."
BY_FORCE = (
    "Vérifier le nombre de lignes à la source, puis le charger de nouveau avec « --force » : « dispatcher directory "
    "import FICHIER --force » ou « sync --force »."
)
"""Nothing tells any more how much there was: without it the import is refused."""
SQLITE = {
    sqlite3.SQLITE_FULL: "disque plein",
    sqlite3.SQLITE_IOERR: "erreur du disque",
    sqlite3.SQLITE_READONLY: "fichier en lecture seule",
    sqlite3.SQLITE_CANTOPEN: "fichier impossible à ouvrir",
    sqlite3.SQLITE_PERM: "accès refusé",
    sqlite3.SQLITE_BUSY: "occupé par un autre programme",
    sqlite3.SQLITE_LOCKED: "occupé par un autre programme",
    sqlite3.SQLITE_NOMEM: "mémoire épuisée",
    sqlite3.SQLITE_TOOBIG: "texte trop long",
    sqlite3.SQLITE_CORRUPT: "fichier abîmé",
    sqlite3.SQLITE_NOTADB: "fichier abîmé",
}
"""What each primary result code of SQLite means to an operator (sqlite.org, « Result and Error Codes »)."""
FIELDS = (
    "record",
    "address",
    "box_type",
    "id_type",
    "identifier",
    "structure_type",
    "structure_id",
    "title",
    "family",
    "given",
    "profession",
    "service",
    "structure_name",
    "shop_sign",
    "postcode",
    "town",
    "paperless",
    "rank",
    "red_list",
)
"""Columns of the table ``entry``, in the order of a :data:`Row`. All text but the last three: 1, 0 or ``None`` (not
said); a number or ``None``; 1 or 0. ``record`` is the source's own id of the record (FHIR resource, LDAP DN) or empty;
``address`` is lower case, or empty for a person or structure known without a box."""

Row = tuple[str | int | None, ...]
Pair = tuple[str, str, str, str]
"""Two identities of one person: kind and bare identifier, twice (``ADELI``, ``…``, ``RPPS``, ``…``)."""

_TABLES = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE equivalent (
    id_type TEXT NOT NULL, identifier TEXT NOT NULL, other_type TEXT NOT NULL, other TEXT NOT NULL,
    PRIMARY KEY (identifier, id_type, other, other_type)
) WITHOUT ROWID;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, {", ".join(f"{name} TEXT NOT NULL" for name in FIELDS[:-3])},
    paperless INTEGER, rank INTEGER, red_list INTEGER NOT NULL
);
"""
INSERT = f"INSERT INTO entry ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608
PAIR = "INSERT OR IGNORE INTO equivalent VALUES (?, ?, ?, ?)"

_SAME = "b.address = a.address AND b.identifier = a.identifier AND b.structure_id = a.structure_id"

_BOTH_WISHES_STAY = tuple(
    f"UPDATE entry AS a SET {wish} WHERE a.address IN (SELECT address FROM again) AND EXISTS "  # noqa: S608
    f"(SELECT 1 FROM entry AS b WHERE {_SAME} AND b.{wish})"
    for wish in ("paperless = 0", "red_list = 1")
)
_FIRST_STAYS = f"""
DELETE FROM entry AS a WHERE a.address IN (SELECT address FROM again) AND EXISTS
    (SELECT 1 FROM entry AS b WHERE {_SAME} AND b.id < a.id)
"""  # noqa: S608

_INDEXES = """
CREATE INDEX entry_identifier ON entry (identifier, id_type) WHERE identifier != '';
CREATE INDEX entry_structure ON entry (structure_id, structure_type) WHERE structure_id != '';
"""


_WORDS = """
CREATE VIRTUAL TABLE words USING fts5(
    family, given, rest, content='', columnsize=0, detail=column, prefix='2',
    tokenize='unicode61 remove_diacritics 2'
);
INSERT INTO words (rowid, family, given, rest) SELECT id,
    CASE WHEN instr(family, '''') OR instr(family, '’')
        THEN family || ' ' || replace(replace(family, '''', ''), '’', '') ELSE family END, given,
    structure_name || ' ' || shop_sign || ' ' || service || ' ' || town || ' ' || postcode || ' ' || address FROM entry;
"""
"""Only which row and column a word stands in, nothing else: half the time and a third of the size. One prefix length:
beginnings of two letters are in many rows; for longer ones the words in between are read, 8 ms at most on 1.5 million
rows. A name with an apostrophe stands in one word too: who types « ndiaye » means N'DIAYE."""


def row_of(entry: Entry, *, structure_type: IdType | str = "", shop_sign: str = "", record: str = "") -> Row:
    """An entry as a row of :data:`FIELDS`. ``structure_type``: kind of ``structure_id`` (FINESS or SIRET), or empty."""
    return (
        record,
        as_compared(entry.address),
        entry.box_type,
        str(entry.id_type or ""),
        entry.identifier,
        str(structure_type),
        entry.structure_id,
        entry.title,
        entry.family,
        entry.given,
        entry.profession,
        entry.service,
        entry.structure_name,
        shop_sign,
        entry.postcode,
        entry.town,
        None if entry.paperless is None else int(entry.paperless),
        entry.rank,
        int(entry.red_list),
    )


def create(database: sqlite3.Connection) -> None:
    """Empty tables in a new file."""
    database.executescript(_TABLES)


def finish(database: sqlite3.Connection) -> int:
    """Indexes, double rows out, words in. Returns the number of double rows left out.

    Of two rows with the same address, person and structure the first stays; a refusal of electronic mail and the wish
    to stand on the red list stay whichever of them tells it.
    """
    database.execute("CREATE INDEX entry_address ON entry (address, identifier, structure_id) WHERE address != ''")
    database.execute(
        "CREATE TEMP TABLE again AS SELECT address FROM entry WHERE address != '' GROUP BY address HAVING count(*) > 1"
    )
    for wish in _BOTH_WISHES_STAY:
        database.execute(wish)
    removed = database.execute(_FIRST_STAYS).rowcount
    database.executescript(_INDEXES)
    database.executescript(_WORDS)
    database.execute("ANALYZE")
    database.commit()
    return removed


def counts(database: sqlite3.Connection) -> tuple[int, int, int]:
    """Rows, distinct addresses, and identifiers that stand for another."""
    queries = (
        "SELECT count(*) FROM entry",
        "SELECT count(*) FROM (SELECT DISTINCT address FROM entry WHERE address != '')",
        "SELECT count(*) FROM equivalent",
    )
    rows, addresses, pairs = (int(database.execute(query).fetchone()[0]) for query in queries)
    return rows, addresses, pairs


_KEYS = {
    "address": "address, identifier, structure_id FROM {}.entry WHERE address != ''",
    "identifier": "identifier, id_type FROM {}.entry WHERE identifier != ''",
    "structure": "structure_id, structure_type FROM {}.entry WHERE structure_id != ''",
    "pair": "identifier, id_type, other, other_type FROM {}.equivalent",
}


def compare(database: sqlite3.Connection, held: Path) -> tuple[int, int]:
    """What was added and removed since the snapshot at ``held``, which must be readable.

    Counted are boxes; where there are none, people; else structures; else pairs, each once.
    """
    database.execute("ATTACH ? AS held", (_read_only(held),))
    try:
        what = _countable(database)
        new, old = (f"SELECT DISTINCT {_KEYS[what].format(name)}" for name in ("main", "held"))
        added, removed = (
            database.execute(f"SELECT count(*) FROM ({one} EXCEPT {other})").fetchone()[0]  # noqa: S608 - our own
            for one, other in ((new, old), (old, new))
        )
    finally:
        database.execute("DETACH held")
    each = 2 if what == "pair" else 1  # a pair stands in the table both ways
    return int(added) // each, int(removed) // each


def _countable(database: sqlite3.Connection) -> str:
    for what in ("address", "identifier", "structure"):
        if database.execute(f"SELECT EXISTS (SELECT {_KEYS[what].format('main')})").fetchone()[0]:
            return what
    return "pair"


def write_meta(database: sqlite3.Connection, values: dict[str, str]) -> None:
    """Where the snapshot comes from."""
    database.executemany("INSERT INTO meta VALUES (?, ?)", [("schema", SCHEMA), *values.items()])
    database.commit()


def connect(path: Path) -> sqlite3.Connection:
    """Open for reading. The file never changes once in place (imports replace it), hence ``immutable``."""
    return sqlite3.connect(_read_only(path), uri=True, isolation_level=None, check_same_thread=False)


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


def read_meta(path: Path) -> dict[str, str] | None:
    """Where the snapshot at ``path`` comes from; ``None`` when there is none or it is not one of ours."""
    try:
        found = any_meta(path)
    except DirectoryError:
        return None
    return found if found and found.get("schema") == SCHEMA else None


def any_meta(path: Path) -> dict[str, str] | None:
    """The same of a snapshot of any version of the program; ``None`` when there is no file.

    Raises :class:`DirectoryError` when what is there cannot be read: it does not say how much it holds.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        with closing(connect(path)) as database:
            found = dict(database.execute("SELECT key, value FROM meta").fetchall())
            for name in ("rows", "pairs", "addresses"):
                int(found.setdefault(name, "" if name == "rows" else "0"))
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise unreadable(path, error) from error
    return found


def in_words(error: Exception) -> str:
    """What the system or SQLite says, in French. A rare cause is told by its number."""
    if isinstance(error, OSError):
        return in_french(error)
    if isinstance(error, UnicodeError):
        return "texte en octets impossibles"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary result code
    return SQLITE.get(code) or (f"erreur {code} de SQLite" if code else "opération refusée par SQLite")


def measurable(path: Path) -> bool:
    """How much the snapshot at ``path`` held can still be read: the guards of an import need no more."""
    try:
        return any_meta(path) is not None
    except DirectoryError:
        return False


def unreadable(path: Path, error: Exception, *, measurable: bool = False) -> DirectoryError:
    """What to say of a snapshot that cannot be read; ``measurable``: no force is needed to replace it."""
    return DirectoryError(
        f"L'annuaire {path.name} est illisible ({in_words(error)}).",
        hint=AGAIN if measurable else BY_FORCE,
    )
