"""What every directory promises, run on a fake in memory and on the real one (snapshot and local table)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.directories import Directories
from dispatcher.directory.local.table import LocalTable, parse
from dispatcher.ports import Directory
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.identities import PEOPLE, STRUCTURES, bare_identifier, tokens

EXTRACTION = "Extraction_Correspondance_MSSante_202611200600.txt"


class MemoryDirectory:
    """The simplest thing that keeps the promises."""

    def __init__(self, entries: Iterable[Entry], lines: Iterable[LocalEntry]) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.address)
        self.lines = list(lines)

    def versions(self) -> dict[str, str]:
        return {"mssante": "1", "local": "1"}

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        bare = bare_identifier(id_type, identifier)
        if not bare:
            return ()
        if id_type in PEOPLE:
            return tuple(e for e in self.entries if e.id_type == id_type and e.identifier == bare)
        return tuple(e for e in self.entries if id_type in STRUCTURES and e.structure_id == bare)

    def people(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        return self.by_identifier(id_type, identifier)

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[tuple[IdType, str], ...]:
        return ()

    def by_address(self, address: str) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if e.address == address.strip().lower())

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        return tuple(line for line in self.lines if line.code == code.strip() and line.source in {"", source})

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        words = set(tokens(text))
        found = [e for e in self.entries if words and words <= set(tokens(f"{e.family} {e.given} {e.structure_name}"))]
        return tuple(found[:limit])


def real(folder: Path) -> Directories:
    source = folder / EXTRACTION
    source.write_bytes(sample("directory", EXTRACTION).read_bytes())
    import_file(source, folder / "held", now=datetime(2026, 11, 21, tzinfo=UTC))
    table = folder / "destinataires.csv"
    table.write_bytes(sample("directory", "destinataires.csv").read_bytes())
    return Directories(folder / "held", LocalTable(table))


def fake(folder: Path) -> MemoryDirectory:
    snapshot = real(folder).snapshot("mssante")
    found: dict[Entry, None] = {}
    for line in sample("directory", EXTRACTION).read_text(encoding="utf-8").splitlines()[1:]:
        found |= dict.fromkeys(snapshot.by_address(line.split("|")[1]))
    return MemoryDirectory(found, parse(sample("directory", "destinataires.csv").read_bytes()).entries)


@pytest.fixture(params=[real, fake], ids=["real", "fake"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Directory:
    made: Directory = request.param(tmp_path)
    return made


def addresses(entries: Iterable[Entry]) -> list[str]:
    return [entry.address for entry in entries]


def test_names_the_version_of_each_source(directory: Directory) -> None:
    versions = directory.versions()
    assert set(versions) == {"mssante", "local"}
    assert all(versions.values())


def test_gives_every_box_of_a_person_bare_or_in_national_form(directory: Directory) -> None:
    both = ["eloise.lefevre.hopital@sandbox.mssante.test", "eloise.lefevre@sandbox.mssante.test"]
    for form in ("99700000054", "899700000054", " 997 0000 0054 "):
        assert addresses(directory.by_identifier(IdType.RPPS, form)) == both
    assert addresses(directory.by_identifier(IdType.ADELI, "0990010001")) == ["odile.ancienne@cabinets.mssante.test"]


def test_an_identifier_of_one_kind_is_not_one_of_another(directory: Directory) -> None:
    assert directory.by_identifier(IdType.ADELI, "990004012") == ()
    assert directory.by_identifier(IdType.FINESS, "990010001") == ()
    assert directory.by_identifier(IdType.LOCAL, "99700000054") == ()
    assert directory.by_identifier(IdType.RPPS, "") == ()


def test_gives_all_boxes_of_a_structure(directory: Directory) -> None:
    boxes = directory.by_identifier(IdType.FINESS, "1990003014")
    assert {box.box_type for box in boxes} == {"PER", "ORG"}
    assert [box.address for box in boxes if box.box_type == "ORG"] == [
        "ch.archives@sandbox.mssante.test",
        "ch.cardiologie@sandbox.mssante.test",
        "ch.urgences@sandbox.mssante.test",
    ]
    assert len(directory.by_identifier(IdType.SIRET, "399900001100018")) == 5


def test_gives_the_people_behind_an_address_whatever_its_case(directory: Directory) -> None:
    found = directory.by_address(" Lea.Fontaine@Cabinets.mssante.test ")
    assert len(found) == 2
    assert {entry.identifier for entry in found} == {"99700000211"}
    assert directory.by_address("personne@nulle.part") == ()


def test_gives_local_lines_of_the_source_valid_or_not(directory: Directory) -> None:
    (line,) = directory.local("lis", "D001")
    assert (line.id_type, line.identifier, line.line) == (IdType.RPPS, "99700000013", 2)
    (closed,) = directory.local("lis", "D010")
    assert closed.valid_to is not None
    assert directory.local("lis", "inconnu") == ()


def test_searches_without_accents_and_within_the_limit(directory: Directory) -> None:
    assert {entry.identifier for entry in directory.search("jean martin") if entry.identifier} == {
        "99700000039",
        "99700000047",
    }
    assert len(directory.search("jean martin", 1)) == 1
    assert directory.search("") == ()


def test_a_laboratory_without_directory_or_table_gets_empty_answers(tmp_path: Path) -> None:
    nothing = Directories(tmp_path / "no", LocalTable(tmp_path / "no.csv"))
    assert nothing.versions() == {"local": ""}
    assert nothing.by_identifier(IdType.RPPS, "99700000013") == ()
    assert nothing.people(IdType.RPPS, "99700000013") == ()
    assert nothing.equivalents(IdType.RPPS, "99700000013") == ()
    assert nothing.by_address("a@b.test") == ()
    assert nothing.local("lis", "D001") == ()
    assert nothing.search("durand") == ()
