"""Questions to one snapshot: :class:`Snapshot`.

Any number of threads and processes may ask; a load that swaps the file is seen at the next question. Without a file
every answer is empty; a damaged one raises :class:`dispatcher.errors.DirectoryError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dispatcher.directory.snapshots import tables, words
from dispatcher.directory.snapshots.opening import Held, Opened
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, bare_identifier, from_national_form

COMMON = 100_000
"""A word in more rows than this is no family name. Counting so far takes 2 ms."""
POOL = 250
"""Rows one step of a search looks at: keeps a very common word under 50 ms."""

_COLUMNS = (
    "id, address, box_type, id_type, identifier, family, given, title, profession, structure_id, structure_name, "
    "shop_sign, service, postcode, town, paperless, rank, red_list"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInfo:
    """Where the snapshot comes from."""

    name: str
    version: str
    source: str
    source_date: datetime
    imported_at: datetime
    sha256: str
    rows: int
    addresses: int
    pairs: int
    bad: int
    duplicates: int

    def age_days(self, now: datetime) -> float:
        """Days since the data was published."""
        return (now - self.source_date).total_seconds() / 86_400


def _common(opened: Opened, word: str) -> bool:
    query = "SELECT rowid FROM words WHERE words MATCH ? LIMIT 1 OFFSET ?"
    return opened.database.execute(query, (words.spelled(word), COMMON)).fetchone() is not None


def _findable(value: str) -> bool:
    """Something, and text: half a character (a lone surrogate) stands in no file."""
    return bool(value) and (value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value))


class Snapshot:
    """The snapshot at ``path``; its name is the file's stem."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self._held = Held(path)

    def info(self) -> SnapshotInfo | None:
        """Where it comes from, or ``None`` when nothing was loaded yet."""
        with self._held.open() as opened:
            if opened is None:
                return None
            meta = opened.meta
        return SnapshotInfo(
            name=self.name,
            version=meta["version"],
            source=meta["source"],
            source_date=datetime.fromisoformat(meta["source_date"]),
            imported_at=datetime.fromisoformat(meta["imported_at"]),
            sha256=meta["sha256"],
            rows=int(meta["rows"]),
            addresses=int(meta["addresses"]),
            pairs=int(meta["pairs"]),
            bad=int(meta["bad"]),
            duplicates=int(meta["duplicates"]),
        )

    def meta(self) -> dict[str, str]:
        """Everything kept about it, a source's own values too (``Origin.extra``); empty without a file."""
        with self._held.open() as opened:
            return dict(opened.meta) if opened else {}

    def version(self) -> str:
        """Empty when nothing was loaded yet."""
        with self._held.open() as opened:
            return opened.meta["version"] if opened else ""

    def as_of(self) -> str:
        """ISO date of the data (UTC), for ordering; empty when nothing was loaded yet."""
        with self._held.open() as opened:
            return opened.meta["source_date"] if opened else ""

    def about(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Every entry of a person or structure, by address. Takes the bare identifier or its national form."""
        bare = bare_identifier(id_type, identifier)
        if id_type in PEOPLE:
            return self._where("identifier = ? AND id_type = ? AND identifier != ''", bare, str(id_type))
        if id_type in STRUCTURES:
            return self._where("structure_id = ? AND structure_type = ? AND structure_id != ''", bare, str(id_type))
        return ()

    def by_address(self, address: str) -> tuple[Entry, ...]:
        """Entries behind one address, in whatever writing."""
        return self._where("address = ? AND address != ''", as_compared(address))

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[tuple[IdType, str], ...]:
        """Other identities of one person (ADELI ↔ RPPS)."""
        bare = bare_identifier(id_type, identifier)
        with self._held.open() as opened:
            if opened is None or opened.meta["pairs"] == "0" or not _findable(bare):
                return ()
            query = "SELECT other_type, other FROM equivalent WHERE identifier = ? AND id_type = ?"
            found = opened.database.execute(query, (bare, str(id_type))).fetchall()
        return tuple((IdType(kind), other) for kind, other in found)

    def rows(self) -> Iterator[tables.Row]:
        """Every row (:data:`tables.FIELDS`), for a source that renews a part of what it holds."""
        with self._held.open() as opened:
            if opened is not None:
                cursor = opened.database.execute(f"SELECT {', '.join(tables.FIELDS)} FROM entry ORDER BY id")  # noqa: S608
                yield from cursor

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        """For people: an address, an identifier, or words of name, structure and town, best first.

        Whole words count more than beginnings, the family name more than the rest. Accents and case are ignored.
        """
        direct = self._direct(text)
        if direct:
            return direct[:limit]
        asked = words.words_of(text)
        if not asked or limit < 1:
            return ()
        found: dict[int, Entry] = {}
        with self._held.open() as opened:
            if opened is None:
                return ()
            for match in words.steps(asked, partial(_common, opened)):
                condition = "id IN (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
                found |= self._rows(opened, condition, (match, POOL))
                if len(found) >= limit:
                    break
        return tuple(sorted(found.values(), key=words.ranking(asked))[:limit])

    def _direct(self, text: str) -> tuple[Entry, ...]:
        bare = words.identifier_in(text)
        if "@" in text:
            return self.by_address(text)
        if not bare.isascii() or not any(map(str.isdigit, bare)):
            return ()
        form = from_national_form(bare, PEOPLE | STRUCTURES)
        asked = [(kind, bare) for kind, length in LENGTHS.items() if len(bare) == length]
        found = (self.about(kind, value) for kind, value in [*([form] if form else []), *asked])
        return next((entries for entries in found if entries), ())

    def _where(self, condition: str, *values: str) -> tuple[Entry, ...]:
        if not all(map(_findable, values)):
            return ()
        with self._held.open() as opened:
            if opened is None:
                return ()
            return tuple(self._rows(opened, f"{condition} ORDER BY address, id", values).values())

    def _rows(self, opened: Opened, condition: str, values: tuple[Any, ...]) -> dict[int, Entry]:
        query = f"SELECT {_COLUMNS} FROM entry WHERE {condition}"  # noqa: S608 - fixed texts, values are bound
        version = opened.meta["version"]
        return {row[0]: self._entry(row, version) for row in opened.database.execute(query, values)}

    def _entry(self, row: tuple[Any, ...], version: str) -> Entry:
        (_, address, box_type, id_type, identifier, family, given, title, profession, place, name, sign, *rest) = row
        service, postcode, town, paperless, rank, red_list = rest
        return Entry(
            address=address,
            box_type=box_type,
            id_type=IdType(id_type) if id_type else None,
            identifier=identifier,
            family=family,
            given=given,
            title=title,
            profession=profession,
            structure_id=place,
            structure_name=name or sign,
            service=service,
            postcode=postcode,
            town=town,
            paperless=None if paperless is None else bool(paperless),
            rank=rank,
            red_list=bool(red_list),
            source=self.name,
            version=version,
        )
