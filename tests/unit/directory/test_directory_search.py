"""Finding people in the snapshot, for operators: accents, beginnings, identifiers, order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.resources import sample


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("search")
    source = folder / "e_202611200600.txt"
    source.write_bytes(sample("directory", "Extraction_Correspondance_MSSante_202611200600.txt").read_bytes())
    import_file(source, folder, now=datetime(2026, 11, 21, tzinfo=UTC))
    return Snapshot(folder / "mssante.sqlite3")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("eloise lefevre maison", "eloise.lefevre@sandbox.mssante.test"),
        ("LEFÈVRE Éloïse échantillon", "eloise.lefevre@sandbox.mssante.test"),
        ("boeuf", "solene.boeuf@sandbox.mssante.test"),
        ("BŒUF", "solene.boeuf@sandbox.mssante.test"),
        ("nguessan", "aya.nguessan@cabinets.mssante.test"),
        ("nguess", "aya.nguessan@cabinets.mssante.test"),
        ("n'guessan", "aya.nguessan@cabinets.mssante.test"),
        ("gira", "thomas.girard@sandbox.mssante.test"),
        ("tilleuls", "ehpad.les-tilleuls@sandbox.mssante.test"),
        ("99700000013", "paul.durand@sandbox.mssante.test"),
        ("8 99700000013", "paul.durand@sandbox.mssante.test"),
        ("990004012", "ehpad.les-tilleuls@sandbox.mssante.test"),
        ("1990004012", "ehpad.les-tilleuls@sandbox.mssante.test"),
        ("990010001", "odile.ancienne@cabinets.mssante.test"),
        ("Paul.Durand@sandbox.mssante.test", "paul.durand@sandbox.mssante.test"),
        ('"; DROP TABLE box; --', ""),
        ('mar* OR "', ""),
        ("", ""),
        ("…", ""),
    ],
)
def test_finds_what_an_operator_types(directory: Snapshot, text: str, first: str) -> None:
    found = directory.search(text)
    assert (found[0].address if found else "") == first


def test_whole_names_come_before_beginnings(directory: Snapshot) -> None:
    found = directory.search("martin")
    assert [entry.family for entry in found] == ["MARTIN", "MARTIN", "SAINT-MARTIN"]


def test_keeps_to_the_limit(directory: Snapshot) -> None:
    assert len(directory.search("mssante", 5)) == 5
    assert directory.search("mssante", 0) == ()


def test_entries_tell_where_they_come_from(directory: Snapshot) -> None:
    (entry,) = directory.by_address("hugues.delatour@sandbox.mssante.test")
    assert entry.source == "mssante"
    assert entry.version == directory.version()
    assert entry.structure_id == ""
    assert entry.label == "DR DE LA TOUR Hugues"
