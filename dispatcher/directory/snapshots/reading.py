"""Questions to the imported national directory: :class:`SnapshotDirectory` answers ``ports.Directory``.

The file is opened for each question (about 0.2 ms) and closed again: any number of threads and processes may ask, an
import that swaps the file is seen at once, and nothing holds the file on Windows. Without a file every answer is
empty; a damaged one raises :class:`dispatcher.errors.DirectoryError`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dispatcher.directory.snapshots import tables
from dispatcher.errors import DirectoryError
from dispatcher.report.folding import fold
from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, bare_identifier, from_national_form

SOURCE = "mssante-extraction"
MAX_WORDS = 8
"""Words of a search that are looked at."""
POOL = 500
"""Rows one step of a search looks at: keeps a very common word under 50 ms."""

_COLUMNS = (
    "id, address, box_type, id_type, identifier, family, given, title, profession, structure_id, structure_name, "
    "shop_sign, service, postcode, town, paperless"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """Where the snapshot comes from."""

    version: str
    source: str
    source_date: datetime
    imported_at: datetime
    sha256: str
    rows: int
    addresses: int
    bad: int
    duplicates: int

    def age_days(self, now: datetime) -> float:
        """Days since the extraction was published."""
        return (now - self.source_date).total_seconds() / 86_400


class SnapshotDirectory:
    """The MSSanté extraction as imported to ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def info(self) -> SnapshotInfo | None:
        """Where it comes from, or ``None`` when nothing was imported yet."""
        with self._open() as (_, meta):
            if meta is None:
                return None
            return SnapshotInfo(
                version=meta["version"],
                source=meta["source"],
                source_date=datetime.fromisoformat(meta["source_date"]),
                imported_at=datetime.fromisoformat(meta["imported_at"]),
                sha256=meta["sha256"],
                rows=int(meta["rows"]),
                addresses=int(meta["addresses"]),
                bad=int(meta["bad"]),
                duplicates=int(meta["duplicates"]),
            )

    def versions(self) -> dict[str, str]:
        """``{"directory": version}``; the version is empty when nothing was imported yet."""
        with self._open() as (_, meta):
            return {"directory": meta["version"] if meta else ""}

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Boxes of a person or structure, by address. Takes the bare identifier or its national form."""
        bare = bare_identifier(id_type, identifier)
        if id_type in PEOPLE:
            return self._where("identifier = ? AND id_type = ?", bare, str(id_type))
        if id_type in STRUCTURES:
            return self._where("structure_id = ? AND structure_type = ?", bare, str(id_type))
        return ()

    def by_address(self, address: str) -> tuple[Entry, ...]:
        """Entries behind one address, case ignored."""
        return self._where("address = ?", address.strip().lower())

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        """The national directory knows no laboratory's codes: always empty."""
        return ()

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        """For people: an address, an identifier, or words of name, structure and town, best first.

        Whole words count more than beginnings, the family name more than the rest. Accents and case are ignored.
        """
        direct = self._direct(text)
        if direct:
            return direct[:limit]
        words = re.findall(r"[^\W_]+", fold(text))[:MAX_WORDS]
        if not words or limit < 1:
            return ()
        with self._open() as (database, meta):
            if database is None or meta is None:
                return ()
            found: dict[int, Entry] = {}
            for match in _steps(words):
                found |= self._rows(
                    database,
                    meta,
                    "id IN (SELECT rowid FROM box_words WHERE box_words MATCH ? LIMIT ?)",
                    (match, POOL),
                )
                if len(found) >= limit:
                    break
        ranked = sorted(found.values(), key=lambda entry: (_distance(entry, words), entry.label, entry.address))
        return tuple(ranked[:limit])

    def _direct(self, text: str) -> tuple[Entry, ...]:
        bare = compact(text)
        if "@" in text:
            return self.by_address(text)
        if not bare.isascii() or not any(map(str.isdigit, bare)):
            return ()
        form = from_national_form(bare, PEOPLE | STRUCTURES)
        asked = [(kind, bare) for kind, length in LENGTHS.items() if len(bare) == length]
        found = (self.by_identifier(kind, value) for kind, value in [*([form] if form else []), *asked])
        return next((entries for entries in found if entries), ())

    def _where(self, condition: str, *values: str) -> tuple[Entry, ...]:
        if not all(values):
            return ()
        with self._open() as (database, meta):
            if database is None or meta is None:
                return ()
            return tuple(self._rows(database, meta, f"{condition} ORDER BY address, id", values).values())

    def _rows(
        self, database: sqlite3.Connection, meta: dict[str, str], condition: str, values: tuple[Any, ...]
    ) -> dict[int, Entry]:
        query = f"SELECT {_COLUMNS} FROM box WHERE {condition}"  # noqa: S608 - fixed texts, values are bound
        return {row[0]: _entry(row, meta["version"]) for row in database.execute(query, values)}

    @contextmanager
    def _open(self) -> Iterator[tuple[sqlite3.Connection | None, dict[str, str] | None]]:
        if not self.path.is_file():
            yield None, None
            return
        try:
            with closing(tables.connect(self.path)) as database:
                meta = dict(database.execute("SELECT key, value FROM meta").fetchall())
                if meta.get("schema") != tables.SCHEMA:
                    raise DirectoryError(
                        f"L'annuaire {self.path.name} vient d'une autre version du programme.",
                        hint="L'importer de nouveau : « dispatcher directory import FICHIER ».",
                    )
                yield database, meta
        except (sqlite3.Error, OSError) as error:
            raise tables.unreadable(self.path, error) from error


def _entry(row: tuple[Any, ...], version: str) -> Entry:
    (_, address, box_type, id_type, identifier, family, given, title, profession, structure_id, name, sign, *rest) = row
    service, postcode, town, paperless = rest
    return Entry(
        address=address,
        box_type=box_type,
        id_type=IdType(id_type) if id_type else None,
        identifier=identifier,
        family=family,
        given=given,
        title=title,
        profession=profession,
        structure_id=structure_id,
        structure_name=name or sign,
        service=service,
        postcode=postcode,
        town=town,
        paperless=None if paperless is None else bool(paperless),
        source=SOURCE,
        version=version,
    )


def _steps(words: list[str]) -> Iterator[str]:
    """FTS5 queries, narrow to wide: a family name and all words, all words, all words with the last one begun."""
    whole = [_spellings(word, "") for word in words]
    yield f"({' AND '.join(whole)}) AND {{family}} : ({' OR '.join(whole)})"
    yield " AND ".join(whole)
    if len(words[-1]) > 1:
        yield " AND ".join([*whole[:-1], _spellings(words[-1], "*")])


def _spellings(word: str, ending: str) -> str:
    """The word as FTS5 text, and with its ligature: the tokenizer folds accents but leaves ``œ`` and ``æ`` alone."""
    forms = dict.fromkeys((word, word.replace("oe", "œ").replace("ae", "æ")))
    quoted = [f'"{form}"{ending}' for form in forms]
    return f"({' OR '.join(quoted)})"


def _distance(entry: Entry, words: list[str]) -> int:
    """0 is best: every word is the family or given name; beginnings and other columns cost more."""
    family, given = (set(re.findall(r"[^\W_]+", fold(part))) for part in (entry.family, entry.given))
    cost = 0
    for word in words:
        if word in family:
            continue
        if word in given:
            cost += 1
        elif any(name.startswith(word) for name in family):
            cost += 3
        elif any(name.startswith(word) for name in given):
            cost += 4
        else:
            cost += 6
    return cost
