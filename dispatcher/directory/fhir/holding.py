"""The records an update starts from: a table of the snapshot's own file, so both are of one moment or neither is.

Rows of the snapshot are made from these records alone, anew at every publication. An update therefore gives exactly
what a full load of the same records gives: a new name, a moved structure or a closed activity reaches every row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from dispatcher.directory.fhir.boxes import Box
from dispatcher.directory.fhir.records import DEVICE, PERSON, ROLE, SERVICE, STRUCTURE, Record
from dispatcher.directory.snapshots.tables import Pair, Row, connect, row_of
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry

KINDS = {PERSON: 1, ROLE: 2, STRUCTURE: 3, SERVICE: 4, DEVICE: 5}

_TABLE = """
CREATE TABLE fhir_record (
    kind INTEGER NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, structure TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID
"""
_PUT = """
INSERT INTO fhir_record VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET
    person = excluded.person, structure = excluded.structure, content = excluded.content
"""
_OF_STRUCTURE = """
SELECT o.kind, o.id, o.content, s.content FROM fhir_record AS o
    JOIN fhir_record AS s ON s.kind = 3 AND s.id = o.structure WHERE o.kind IN (4, 5)
"""
_OF_PEOPLE = """
SELECT r.id, r.content, p.content, s.content FROM fhir_record AS r
    JOIN fhir_record AS p ON p.kind = 1 AND p.id = r.person
    LEFT JOIN fhir_record AS s ON s.kind = 3 AND s.id = r.structure WHERE r.kind = 2
"""
_ALONE = "SELECT 1 FROM fhir_record AS r WHERE r.person = p.id AND r.kind = 2"
_PEOPLE = f"SELECT p.id, p.content, EXISTS ({_ALONE}) FROM fhir_record AS p WHERE p.kind = 1"  # noqa: S608


class DamagedRecords(Exception):
    """The records held cannot all be read."""


def _sound(held: sqlite3.Connection) -> Iterator[tuple[int, str, str, str, str]]:
    """Its records as they are. Raises :class:`DamagedRecords` at the first that cannot be read."""
    try:
        for record in held.execute("SELECT kind, id, person, structure, content FROM fhir_record"):
            if len(json.loads(record[4])) != LENGTH:
                raise DamagedRecords
            yield record
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise DamagedRecords from error


class Holding:
    """Records in one open database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(_TABLE)

    def take_over(self, held: Path) -> None:
        """Start from the records of the snapshot at ``held``. Raises :class:`DamagedRecords`: begin with an empty file
        and everything from the server.
        """
        self._database.commit()
        with closing(connect(held)) as before:
            try:
                self._database.executemany("INSERT INTO fhir_record VALUES (?, ?, ?, ?, ?)", _sound(before))
            except sqlite3.IntegrityError as error:
                raise DamagedRecords from error
        self._database.commit()

    def put(self, records: Sequence[Record]) -> None:
        """New ones, and new versions of those held."""
        self._database.executemany(
            _PUT, [(KINDS[one.kind], one.id, one.person, one.structure, _packed(one)) for one in records]
        )

    def drop(self, kind: str, ids: Sequence[str]) -> int:
        """Take records out; how many were there."""
        found = self._database.executemany(
            "DELETE FROM fhir_record WHERE kind = ? AND id = ?", [(KINDS[kind], one) for one in ids]
        )
        return max(found.rowcount, 0)

    def count(self, kind: str) -> int:
        """Records of one kind."""
        asked = self._database.execute("SELECT count(*) FROM fhir_record WHERE kind = ?", (KINDS[kind],))
        return int(asked.fetchone()[0])

    def rows(self) -> Iterator[Row]:
        """Everything as rows of the snapshot."""
        self._database.execute("CREATE INDEX fhir_role ON fhir_record (person) WHERE kind = 2")
        for known, person, working in self._database.execute(_PEOPLE):
            yield from _person_rows(known, json.loads(person), bare=not working)
        for known, role, person, structure in self._database.execute(_OF_PEOPLE):
            yield from _role_rows(known, json.loads(role), json.loads(person), structure and json.loads(structure))
        for known, content in self._database.execute("SELECT id, content FROM fhir_record WHERE kind = 3"):
            structure = json.loads(content)
            yield from _structure_rows(f"{STRUCTURE}/{known}", structure, structure[BOXES], bare=True)
        for kind, known, part, structure in self._database.execute(_OF_STRUCTURE):
            record = f"{SERVICE if kind == KINDS[SERVICE] else DEVICE}/{known}"
            held = json.loads(part)
            yield from _structure_rows(record, json.loads(structure), held[BOXES], service=held[NAME])

    def pairs(self) -> Iterator[Pair]:
        """People known under both identifiers."""
        for (content,) in self._database.execute("SELECT content FROM fhir_record WHERE kind = 1"):
            rpps, adeli = json.loads(content)[:2]
            if rpps and adeli:
                yield (str(IdType.ADELI), adeli, str(IdType.RPPS), rpps)


RPPS, ADELI, FINESS, SIRET, TITLE, FAMILY, GIVEN, PROFESSION, NAME, POSTCODE, TOWN, BOXES = range(12)
"""Places in a packed record."""
LENGTH = BOXES + 1
Packed = list[str]


def _packed(one: Record) -> str:
    values = [
        *(one.rpps, one.adeli, one.finess, one.siret, one.title, one.family, one.given, one.profession),
        *(one.name, one.postcode, one.town),
        [[box.address, box.box_type, box.paperless, box.red_list, box.rank, box.service] for box in one.boxes],
    ]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _person(person: Packed) -> dict[str, str | IdType]:
    known = IdType.RPPS if person[RPPS] else IdType.ADELI
    return {
        "id_type": known,
        "identifier": person[RPPS] or person[ADELI],
        "title": person[TITLE],
        "family": person[FAMILY],
        "given": person[GIVEN],
    }


def _row(box: Box | None, record: str, structure_type: str, **values: object) -> Row:
    told: dict[str, object] = {"address": "", **values}
    if box is not None:
        told |= {
            "address": box.address,
            "box_type": box.box_type,
            "paperless": box.paperless,
            "rank": box.rank,
            "red_list": box.red_list,
            "service": box.service or values.get("service", ""),
        }
    return row_of(Entry(**told), structure_type=structure_type, record=record)  # type: ignore[arg-type]


def _boxes(packed: object, *, bare: bool = False) -> list[Box | None]:
    """The boxes; without any, one None where a row is wanted all the same."""
    found: list[Box | None] = [Box(*values) for values in packed] if isinstance(packed, list) else []
    return found or ([None] if bare else [])


def _person_rows(known: str, person: Packed, *, bare: bool) -> Iterator[Row]:
    values = {**_person(person), "profession": person[PROFESSION]}
    for box in _boxes(person[BOXES], bare=bare):
        yield _row(box, f"{PERSON}/{known}", "", **values)


def _role_rows(known: str, role: Packed, person: Packed, structure: Packed | None) -> Iterator[Row]:
    values: dict[str, object] = {**_person(person), "profession": role[PROFESSION] or person[PROFESSION]}
    kind = ""
    if structure:
        kind = str(IdType.FINESS if structure[FINESS] else IdType.SIRET)
        values |= _place(structure, structure[FINESS] or structure[SIRET])
    for box in _boxes(role[BOXES], bare=True):
        yield _row(box, f"{ROLE}/{known}", kind, **values)


def _structure_rows(
    record: str, structure: Packed, packed: object, *, service: str = "", bare: bool = False
) -> Iterator[Row]:
    """Once per identifier of the structure, so that both find it."""
    for kind, place in ((IdType.FINESS, FINESS), (IdType.SIRET, SIRET)):
        if not structure[place]:
            continue
        values = {**_place(structure, structure[place]), "service": service, "box_type": "ORG"}
        for box in _boxes(packed, bare=bare):
            yield _row(box, record, str(kind), **values)


def _place(structure: Packed, identifier: str) -> dict[str, object]:
    return {
        "structure_id": identifier,
        "structure_name": structure[NAME],
        "postcode": structure[POSTCODE],
        "town": structure[TOWN],
    }
