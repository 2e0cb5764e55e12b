"""The MSSanté extraction: found by column name, guarded, swapped in one step, bad lines told and left out."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.directory.bulk import importing
from dispatcher.directory.bulk.columns import Header, fold_header
from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.bulk.kinds import BadLine, person, structure
from dispatcher.directory.bulk.mssante import Mssante
from dispatcher.directory.snapshots import scratch
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.snapshots.writing import LISTED_LINES, writing
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.resources import sample

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SAMPLE = sample("directory", "Extraction_Correspondance_MSSante_202611200600.txt").read_text(encoding="utf-8")
HEADER = SAMPLE.partition("\n")[0]
NAMES = HEADER.split("|")


def line(number: int = 1, **values: str) -> str:
    """A line for one personal mailbox; ``values`` by column name, written with underscores."""
    rpps = f"997{number:08d}"
    row = dict.fromkeys(NAMES, "")
    row |= {
        "Type de BAL": "PER",
        "Adresse BAL": f"p{number}@dest.test",
        "Type Identifiant PP": "8",
        "Identifiant PP": rpps,
        "Identification nationale PP": f"8{rpps}",
        "Nom d'exercice": f"NOM{number}",
        "Prénom d'exercice": "Prénom",
        "Dématérialisation": "O",
    }
    row |= {name.replace("_", " "): value for name, value in values.items()}
    assert set(row) == set(NAMES), set(row) - set(NAMES)
    return "|".join(row[name] for name in NAMES)


def content(lines: Sequence[str], header: str = HEADER, newline: str = "\n") -> bytes:
    return (newline.join([header, *lines]) + newline).encode()


def take(folder: Path, data: bytes, name: str = "extraction_202611200600.txt", **options: object):  # type: ignore[no-untyped-def]
    source = folder / name
    source.write_bytes(data)
    return import_file(source, folder / "out", now=NOW, **options)  # type: ignore[arg-type]


def opened(folder: Path) -> Snapshot:
    return Snapshot(folder / "out" / "mssante.sqlite3")


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_the_sample_is_taken_whole(tmp_path: Path) -> None:
    report = take(tmp_path, SAMPLE.encode(), "Extraction_Correspondance_MSSante_202611200600.txt")
    assert (report.lines, report.rows, report.addresses, report.duplicates, report.bad_count) == (38, 37, 36, 1, 0)
    assert report.source_date == datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
    assert report.previous_rows is None
    assert report.notes == ()
    assert report.version == f"2026-11-20 06:00 {report.sha256[:12]}"
    info = opened(tmp_path).info()
    assert info is not None
    assert (info.rows, info.sha256, info.imported_at) == (37, report.sha256, NOW)
    assert round(info.age_days(NOW), 1) == 1.2


def shuffled(text: str) -> str:
    """The same file, columns turned around."""
    return "\n".join("|".join(reversed(row.split("|"))) for row in text.splitlines()) + "\n"


def renamed(text: str) -> str:
    """Another layout's wording: capitals, no accents, curly or dropped apostrophes, an unknown column more."""
    header, rest = text.split("\n", 1)
    header = header.replace("Civilité d'exercice", "CIVILITE EXERCICE").replace("Nom d'exercice", "Nom d’exercice")
    header = header.replace("Prénom d'exercice", "prenom exercice").replace("Dématérialisation", "DEMATERIALISATION")
    header = header.replace("Identification Structure", "identification structure") + "|Colonne nouvelle"
    return header + "\n" + "\n".join(row + "|x" for row in rest.splitlines()) + "\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + SAMPLE.encode(),
        SAMPLE.replace("\n", "\r\n").encode(),
        "\n".join(row + "|" for row in SAMPLE.splitlines()).encode(),
        (HEADER + "|\n" + SAMPLE.split("\n", 1)[1]).encode(),
        (HEADER + "\n" + "\n".join(row + "|" for row in SAMPLE.splitlines()[1:])).encode(),
        SAMPLE.rstrip("\n").encode(),
        SAMPLE.replace("\n", "\n\n").encode(),
        shuffled(SAMPLE).encode(),
        renamed(SAMPLE).encode(),
        zipped({"Extraction_Correspondance_MSSante_202611200600.txt": SAMPLE.encode()}),
        zipped({"__MACOSX/._x.txt": b"x", "lisez-moi.pdf": b"x", "dossier/extraction.txt": SAMPLE.encode()}),
        SAMPLE.replace("|O|", "|true|").replace("|N|", "|false|").encode(),
        SAMPLE.replace("|O|", "|1|").replace("|N|", "|0|").encode(),
    ],
    ids=[
        "bom", "crlf", "trailing-bars", "trailing-bar-in-header", "trailing-bar-in-rows", "no-last-newline",
        "empty-lines", "other-order", "other-wording", "zip", "zip-with-more", "true-false", "one-zero",
    ],
)  # fmt: skip
def test_every_published_shape_gives_the_same_directory(tmp_path: Path, data: bytes) -> None:
    report = take(tmp_path, data)
    assert (report.rows, report.bad_count) == (37, 0)
    directory = opened(tmp_path)
    (entry,) = directory.about(IdType.RPPS, "99700000104")
    assert (entry.family, entry.given, entry.title, entry.paperless) == ("PAPIER", "Luc", "DR", False)
    ehpad, nurse = directory.about(IdType.FINESS, "990004012")
    assert (nurse.box_type, nurse.family, nurse.structure_id) == ("PER", "FONTAINE", "990004012")
    assert (ehpad.box_type, ehpad.structure_name, ehpad.service) == ("ORG", "EHPAD LES TILLEULS", "Infirmerie")
    assert (ehpad.postcode, ehpad.town, ehpad.paperless) == ("99002", "SAINT-TEST-SUR-MER", True)
    (quiet,) = directory.about(IdType.RPPS, "99700000245")
    assert quiet.paperless is None


def test_headers_are_folded() -> None:
    for name in ("Prénom d'exercice", "PRENOM D’EXERCICE", "Prénom exercice", "\ufeffprenom  d'exercice "):
        assert fold_header(name) == "prenom exercice"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("Adresse BAL|Type de BAL", "« Dématérialisation »"),
        (HEADER.replace("Adresse BAL", "Adresse"), "« Adresse BAL »"),
        (HEADER.replace("Identifiant PP|Identification nationale PP", "x|y"), "« Identifiant PP »"),
        (HEADER.replace("Code postal structure BAL", "Adresse BAL"), "2 fois"),
        ("<html>Not found</html>", "« Adresse BAL »"),
    ],
)
def test_a_wrong_header_is_refused_with_the_names(header: str, part: str) -> None:
    with pytest.raises(DirectoryError) as caught:
        Mssante().reader(Header.of(header))
    assert part in str(caught.value)


def test_a_missing_national_form_is_made_up_for() -> None:
    Mssante().reader(Header.of(HEADER.replace("Identification nationale PP", "autre")))
    assert person("", "", "899700000013") == ("RPPS", "99700000013")
    assert person("", "99700000013", "") == ("RPPS", "99700000013")
    assert person("", "990010001", "") == ("ADELI", "990010001")
    assert person("0", "990010001", "0990010001") == ("ADELI", "990010001")
    assert person("3", "990010001/12", "3990010001/12") == ("", "990010001/12")
    assert person("", "", "") == ("", "")


@pytest.mark.parametrize(
    "told",
    [
        ("8", "99700000013", "899700000021"),
        ("", "99700000013", "899700000021"),
        ("0", "990010001", "0990010002"),
        ("8", "99700000013", "0990010001"),
        ("3", "990010001/12", "3990010001/13"),
    ],
)
def test_two_numbers_of_two_people_are_no_person(told: tuple[str, str, str]) -> None:
    with pytest.raises(BadLine, match="la même personne"):
        person(*told)
    person(told[0], told[1], "")


def test_structures_in_national_and_bare_form() -> None:
    assert structure("1", "1990004012") == ("FINESS", "990004012")
    assert structure("1", "990004012") == ("FINESS", "990004012")
    assert structure("1", "3990004012") == ("FINESS", "3990004012")
    assert structure("", "1990004012") == ("FINESS", "990004012")
    assert structure("3", "399900001100018") == ("SIRET", "99900001100018")
    assert structure("", "99900001100018") == ("SIRET", "99900001100018")
    assert structure("2", "2999000011") == ("", "2999000011")
    assert structure("2", "999000011") == ("", "999000011")


def test_a_siren_is_never_taken_for_a_finess(tmp_path: Path) -> None:
    take(tmp_path, content([line(Type_identifiant_structure="2", Identification_Structure="990004012")]))
    assert opened(tmp_path).about(IdType.FINESS, "990004012") == ()


def test_bad_lines_are_counted_listed_and_left_out(tmp_path: Path) -> None:
    lines = [
        line(1),
        "PER|cut",
        line(2, Adresse_BAL=""),
        line(3, Adresse_BAL="deux@a.test et@b.test"),
        line(4, Type_de_BAL="XXX"),
        line(5) + "|trop|de|champs",
        line(6, Raison_Sociale_structure_BAL='SARL "LA GUILLEMET'),
        "",
        line(7),
    ]
    report = take(tmp_path, content(lines))
    assert (report.lines, report.rows, report.bad_count) == (8, 3, 5)
    assert [bad.line for bad in report.bad] == [3, 4, 5, 6, 7]
    assert "2 champs, 31 attendus" in report.bad[0].reason
    assert opened(tmp_path).by_address("p7@dest.test")[0].family == "NOM7"


def test_only_the_first_bad_lines_are_listed(tmp_path: Path) -> None:
    report = take(tmp_path, content([line(1), *["oups"] * 300]))
    assert report.bad_count == 300
    assert len(report.bad) == LISTED_LINES


def test_lines_saved_by_a_windows_editor_are_read_and_told(tmp_path: Path) -> None:
    data = content([line(1)]) + line(2).replace("NOM2", "GARÇON").encode("cp1252") + b"\n"
    report = take(tmp_path, data)
    assert opened(tmp_path).by_address("p2@dest.test")[0].family == "GARÇON"
    assert "1 ligne(s) hors UTF-8, lue(s) comme Windows-1252." in report.notes


def test_an_unknown_paperless_value_is_a_refusal_and_told(tmp_path: Path) -> None:
    report = take(tmp_path, content([line(1, Dématérialisation="peut-être")]))
    assert opened(tmp_path).by_address("p1@dest.test")[0].paperless is False
    assert "Dématérialisation" in report.notes[0]


def test_double_rows_count_once_and_a_refusal_wins(tmp_path: Path) -> None:
    place = {"Type_identifiant_structure": "1", "Identification_Structure": "1990004012"}
    other = {"Type_identifiant_structure": "1", "Identification_Structure": "1990004020"}
    again = line(1, Adresse_BAL="P1@DEST.test", Dématérialisation="N", **place).replace("NOM1", "LATER")
    lines = [line(1, **place), again, line(1, **other)]
    report = take(tmp_path, content(lines))
    assert (report.rows, report.addresses, report.duplicates) == (2, 1, 1)
    found = opened(tmp_path).by_address("p1@dest.test")
    assert [entry.paperless for entry in found] == [False, True]
    assert {entry.family for entry in found} == {"NOM1"}, "the first row stays"


def test_a_file_that_shrank_is_refused_unless_forced(tmp_path: Path) -> None:
    take(tmp_path, content([line(number) for number in range(100)]))
    smaller = content([line(number) for number in range(94)])
    with pytest.raises(DirectoryError) as caught:
        take(tmp_path, smaller)
    assert "94 lignes au lieu de 100, soit 6,0 % de moins (5 % permis)" in str(caught.value)
    held = opened(tmp_path).info()
    assert held is not None
    assert held.rows == 100
    assert take(tmp_path, content([line(number) for number in range(95)])).previous_rows == 100
    assert take(tmp_path, smaller, shrink_percent=10.0).rows == 94
    assert take(tmp_path, content([line(1)]), force=True).rows == 1


def test_a_date_to_come_does_not_make_data_young(tmp_path: Path) -> None:
    report = take(tmp_path, content([line(1)]), "e_209911200600.txt")
    assert report.source_date <= NOW


def test_questions_are_answered_from_the_old_copy_while_the_new_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PROGRESS", 1)
    take(tmp_path, content([line(1)]))
    directory = opened(tmp_path)
    seen = []

    def ask(lines: int) -> None:
        seen.append((len(directory.by_address("p1@dest.test")), len(directory.by_address("p2@dest.test"))))

    take(tmp_path, content([line(2), line(3), line(4)]), progress=ask)
    assert seen == [(1, 0)] * 3
    assert (len(directory.by_address("p1@dest.test")), len(directory.by_address("p2@dest.test"))) == (0, 1)


def test_a_load_that_is_stopped_leaves_the_held_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PROGRESS", 1)
    take(tmp_path, content([line(1)]))

    def stop(lines: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(tmp_path, content([line(2), line(3)]), progress=stop)
    assert len(opened(tmp_path).by_address("p1@dest.test")) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mssante.sqlite3"]


KILLED = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from dispatcher.directory.bulk import importing
importing.PROGRESS = 1
def wait(lines):
    print(lines, flush=True)
    time.sleep(60)
importing.import_file(Path(sys.argv[1]), Path(sys.argv[2]), now=datetime.now(UTC), progress=wait)
"""


def test_a_killed_import_leaves_the_held_one_and_its_rest_is_swept_up(tmp_path: Path) -> None:
    take(tmp_path, content([line(1)]))
    (tmp_path / "next_202611210600.txt").write_bytes(content([line(number) for number in range(9)]))
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "next_202611210600.txt"), str(tmp_path / "out")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        (left,) = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".importing"]
        os.utime(left, (0, 0))
        assert take(tmp_path, content([line(1), line(3)])).rows == 2
        assert left.exists(), "its writer is alive, however old the file"
        process.kill()
    assert opened(tmp_path).version().startswith("2026-11-20")
    os.utime(left)
    assert take(tmp_path, content([line(1), line(2)])).rows == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mssante.sqlite3"], "swept up, however young"


def test_a_scratch_file_swept_up_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = tempfile.mkstemp, []

    def swept_up_at_once(**where: Any) -> tuple[int, str]:
        handle, name = make(**where)
        made.append(name)
        if len(made) == 1:
            scratch.sweep(tmp_path / "out" / "mssante.sqlite3")
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", swept_up_at_once)
    assert take(tmp_path, content([line(1)])).rows == 1
    assert len(made) == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mssante.sqlite3"]


def test_an_older_file_is_refused_and_told_when_forced(tmp_path: Path) -> None:
    take(tmp_path, content([line(1)]), "e_202611200600.txt")
    with pytest.raises(DirectoryError, match=r"données du 01/10/2026 à 06:00, plus anciennes"):
        take(tmp_path, content([line(1)]), "e_202610010600.txt")
    report = take(tmp_path, content([line(1)]), "e_202610010600.txt", force=True)
    assert "Les données sont plus anciennes que celles qu'elles remplacent (20/11/2026 à 06:00)." in report.notes


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "en-tête vide"),
        (content([]), "aucune ligne utilisable"),
        (content(["oups"]), "aucune ligne utilisable"),
        (SAMPLE.encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 nothing", "ZIP abîmée"),
        (zipped({"a.txt": b"", "b.txt": b""}), "un seul fichier"),
        (zipped({"a.pdf": b""}), "aucun fichier texte"),
        (zipped({"a.txt": SAMPLE.encode()})[:-200], "ZIP"),
        (b"\x00" * 100_000, "séparateur"),
        (zipped({}), "l'archive ZIP est vide"),
        (b"%PDF-1.7\n", "c'est un PDF"),
    ],
)
def test_what_is_no_extraction_is_refused_and_the_held_one_stays(tmp_path: Path, data: bytes, part: str) -> None:
    take(tmp_path, content([line(1)]))
    with pytest.raises(DirectoryError) as caught:
        take(tmp_path, data, "other.txt")
    assert part in str(caught.value)
    assert caught.value.hint
    assert "BadZip" not in str(caught.value)
    assert len(opened(tmp_path).by_address("p1@dest.test")) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mssante.sqlite3"], "no scratch left behind"


def test_a_missing_file_and_a_folder_are_told_in_french(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match=r"absent\.zip : introuvable\."):
        import_file(tmp_path / "absent.zip", tmp_path, now=NOW)
    with pytest.raises(DirectoryError, match=r"c'est un dossier\."):
        import_file(tmp_path, tmp_path / "out", now=NOW)


def test_a_page_under_the_name_of_an_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="pas une archive ZIP, malgré son nom"):
        take(tmp_path, b"<html>", "extraction.zip")
    with pytest.raises(DirectoryError, match="en-tête vide"):
        take(tmp_path, b"", "extraction.zip")


def test_a_full_disk_is_told_in_french(tmp_path: Path) -> None:
    with (
        pytest.raises(DirectoryError, match=r"n'a pas pu être écrit \(disque plein\)"),
        writing(tmp_path / "mssante.sqlite3", now=NOW) as snapshot,
    ):
        with snapshot.own_tables() as database:
            database.execute("PRAGMA max_page_count = 20")
        snapshot.add([("x" * 9000, *[""] * 15, None, None, 0)] * 50)


def test_readers_see_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    """Questions asked while imports swap the file get a whole answer of one version."""
    take(tmp_path, content([line(number) for number in range(50)]))
    directory = opened(tmp_path)
    wrong: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                found = directory.by_address("p7@dest.test")
                if len(found) != 1 or not found[0].version:
                    wrong.append(found)
            except Exception as error:
                wrong.append(error)

    readers = [threading.Thread(target=ask) for _ in range(4)]
    for reader in readers:
        reader.start()
    versions = {take(tmp_path, content([line(number) for number in range(50 + turn)])).version for turn in range(12)}
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(versions) == 12
    assert directory.version() in versions


def test_a_foreign_or_damaged_file_is_told_not_trusted(tmp_path: Path) -> None:
    target = tmp_path / "mssante.sqlite3"
    directory = Snapshot(target)
    assert directory.version() == ""
    assert directory.info() is None
    assert directory.by_address("a@b.test") == ()
    target.write_bytes(b"not a database" * 100)
    with pytest.raises(DirectoryError, match="illisible"):
        directory.by_address("a@b.test")
    target.unlink()
    with closing(sqlite3.connect(target)) as database:
        database.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        database.commit()
    with pytest.raises(DirectoryError, match="autre version"):
        directory.by_address("a@b.test")
    take(tmp_path, content([line(1)]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=60) | st.text("|O N8@.", max_size=90), max_size=6))
def test_no_line_breaks_an_import(tmp_path: Path, lines: list[str]) -> None:
    data = content([line(1)]) + "\n".join([*lines, ""]).encode("utf-8", "surrogatepass")
    report = take(tmp_path, data, force=True)
    assert report.rows >= 1
    assert report.lines == report.rows + report.bad_count + report.duplicates
