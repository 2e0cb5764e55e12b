"""What does not take the place of a good snapshot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.snapshots import soundness
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.snapshots.tables import row_of
from dispatcher.directory.snapshots.writing import ImportReport, Origin, writing
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from dispatcher.routing.candidates import Entry

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def publish(target: Path, boxes: int, people: int = 0, *, as_of: datetime = NOW, force: bool = False) -> ImportReport:
    """A snapshot of so many boxes, and of people without one."""
    rows = [
        row_of(
            Entry(
                address=f"u{number}@dest.test" if number < boxes else "",
                id_type=IdType.RPPS,
                identifier=f"{number:011d}",
            )
        )
        for number in range(boxes + people)
    ]
    with writing(target, now=NOW) as snapshot:
        snapshot.add(rows)
        return snapshot.publish(Origin(source="essai", as_of=as_of), force=force)


def test_people_who_lose_their_boxes_are_refused_like_lost_rows(tmp_path: Path) -> None:
    """An ACL hides the attribute, a telecom changes its code: every row is there, no address is."""
    target = tmp_path / "ldap-centre.sqlite3"
    publish(target, 50)
    with pytest.raises(DirectoryError, match="0 adresses de messagerie au lieu de 50, soit 100,0 % de moins"):
        publish(target, 0, 50)
    with pytest.raises(DirectoryError, match="40 adresses"):
        publish(target, 40, 10)
    found = Snapshot(target).info()
    assert found is not None
    assert found.addresses == 50
    assert publish(target, 48, 2).addresses == 48
    assert publish(target, 0, 50, force=True).addresses == 0


def changed(target: Path, key: str, value: str) -> None:
    with closing(sqlite3.connect(target)) as database, database:
        database.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))


def damaged(target: Path, first_page: int) -> None:
    """Every page from this one on is overwritten; the size stays."""
    content = target.read_bytes()
    target.write_bytes(content[: first_page * 4096] + b"\xa5" * (len(content) - first_page * 4096))


def test_a_copy_of_another_version_of_the_program_still_guards(tmp_path: Path) -> None:
    """The service's own synchronisation after an upgrade: it goes on by itself, and is measured by what was there."""
    target = tmp_path / "mssante.sqlite3"
    publish(target, 100)
    changed(target, "schema", "1")
    with pytest.raises(DirectoryError, match="3 lignes au lieu de 100, soit 97,0 % de moins"):
        publish(target, 3)
    with pytest.raises(DirectoryError, match="0 adresses de messagerie au lieu de 100"):
        publish(target, 0, 100)
    with pytest.raises(DirectoryError, match="plus anciennes"):
        publish(target, 100, as_of=NOW - timedelta(days=2))
    assert publish(target, 98).previous_rows == 100


def test_in_the_place_of_what_cannot_be_read_nothing_goes_unasked(tmp_path: Path) -> None:
    target = tmp_path / "mssante.sqlite3"
    publish(target, 100)
    damaged(target, 0)
    before = target.read_bytes()
    with pytest.raises(DirectoryError, match=r"illisible .* Impossible de savoir") as refused:
        publish(target, 100)
    assert "--force" in refused.value.hint
    assert target.read_bytes() == before
    done = publish(target, 3, force=True)
    assert (done.rows, done.previous_rows) == (3, None)


def test_a_copy_damaged_in_its_pages_guards_and_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "mssante.sqlite3"
    publish(target, 2000)
    damaged(target, target.stat().st_size // 4096 // 2)
    with pytest.raises(DirectoryError, match="3 lignes au lieu de 2000"):
        publish(target, 3)
    done = publish(target, 2000)
    assert (done.added, done.removed) == (None, None)
    assert "rien à comparer" in done.notes[0]
    assert len(Snapshot(target).by_address("u1999@dest.test")) == 1


def test_older_data_takes_the_place_of_newer_by_force_alone(tmp_path: Path) -> None:
    target = tmp_path / "mssante.sqlite3"
    publish(target, 10)
    with pytest.raises(DirectoryError, match=r"données du 20/11/2026 à 10:00, plus anciennes .*21/11/2026 à 10:00"):
        publish(target, 10, as_of=NOW - timedelta(days=1))
    assert publish(target, 10, as_of=NOW - timedelta(minutes=50)).notes == (), "clocks differ"
    assert "plus anciennes" in publish(target, 10, as_of=NOW - timedelta(days=1), force=True).notes[0]


def test_a_held_date_of_the_future_does_not_stop_the_loads_for_ever(tmp_path: Path) -> None:
    target = tmp_path / "ldap-centre.sqlite3"
    publish(target, 10, as_of=NOW + timedelta(days=700))
    assert "plus anciennes" in publish(target, 10).notes[0]


def test_a_copy_with_pairs_of_numbers_is_sound_until_it_is_damaged(tmp_path: Path) -> None:
    """``quick_check`` of SQLite 3.40 finds empty columns in their table where there are none."""
    fhir = tmp_path / "fhir.sqlite3"
    with writing(fhir, now=NOW) as snapshot:
        snapshot.add([row_of(Entry(address="a@dest.test", id_type=IdType.RPPS, identifier="99700000013"))])
        snapshot.pair([("ADELI", "990010001", "RPPS", "99700000013")])
        snapshot.publish(Origin(source="essai", as_of=NOW))
    import_file(sample("directory", "adeli_rpps.csv"), tmp_path, now=NOW)
    for path in (fhir, tmp_path / "adeli.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT count(*) FROM equivalent").fetchone() > (0,)
            (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'equivalent'").fetchone()
            (size,) = database.execute("PRAGMA page_size").fetchone()
        soundness.check(path)
        content = bytearray(path.read_bytes())
        content[(page - 1) * size : (page - 1) * size + 40] = b"\xff" * 40
        path.write_bytes(content)
        with pytest.raises(DirectoryError, match="illisible"):
            soundness.check(path)


@pytest.mark.parametrize(("whole", "force"), [(False, True), (True, False)])
def test_the_advice_says_force_where_an_import_is_refused_without(tmp_path: Path, whole: bool, force: bool) -> None:
    target = tmp_path / "mssante.sqlite3"
    publish(target, 1000)
    if whole:
        damaged(target, 20)
    else:
        target.write_bytes(b"coupe")
    with pytest.raises(DirectoryError) as told:
        soundness.check(target)
    assert ("--force" in told.value.hint) is force
    if force:
        with pytest.raises(DirectoryError, match="Impossible de savoir"):
            publish(target, 1000)
    else:
        publish(target, 1000)


def test_a_wrong_key_and_a_day_to_come_are_remarked_on(tmp_path: Path) -> None:
    text = sample("directory", "Extraction_Correspondance_MSSante_202611200600.txt").read_text(encoding="utf-8")
    number = next(word for word in text.split("|") if len(word) == 11 and word.isdigit())
    false = number[:-1] + str((int(number[-1]) + 1) % 10)
    source = tmp_path / "extraction_209901010000.txt"
    source.write_text(text.replace(number, false), encoding="utf-8")
    notes = " ".join(import_file(source, tmp_path, now=NOW, kind="mssante").notes)
    assert "à la clé fausse" in notes
    assert "Date à venir dans le fichier (01/01/2099)" in notes
    source = source.rename(tmp_path / "extraction_202611200600.txt")
    source.write_text(text, encoding="utf-8")
    notes = " ".join(import_file(source, tmp_path, now=NOW, kind="mssante", force=True).notes)
    assert "clé fausse" not in notes
    assert "venir" not in notes
