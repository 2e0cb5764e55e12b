"""Finding people in the snapshot, for operators: accents, beginnings, identifiers, order."""

from __future__ import annotations

import gc
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.report.model import IdType
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
        ("durand\ud800", "paul.durand@sandbox.mssante.test"),
        ("paul.durand\udcff@sandbox.mssante.test", "paul.durand@sandbox.mssante.test"),  # by its words
        ("\ud800", ""),
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


def test_half_a_character_is_found_nowhere(directory: Snapshot) -> None:
    """A byte that is no text comes as one (``surrogateescape``)."""
    assert directory.by_address("paul.durand\udce9@sandbox.mssante.test") == ()
    assert directory.about(IdType.RPPS, "9970000001\ud800") == ()
    assert directory.equivalents(IdType.RPPS, "9970000001\ud800") == ()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted there")
def test_a_thread_that_ended_leaves_no_file_open(directory: Snapshot) -> None:
    def opened() -> int:
        return sum(
            str(one.readlink()) == str(directory.path) for one in Path("/proc/self/fd").iterdir() if one.exists()
        )

    gc.disable()
    try:
        directory.version()
        before = opened()
        for _ in range(10):
            thread = threading.Thread(target=directory.search, args=("durand",))
            thread.start()
            thread.join()
        directory.version()
        assert opened() <= before + 1
    finally:
        gc.enable()
