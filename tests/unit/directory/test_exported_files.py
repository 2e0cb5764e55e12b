"""National files that went through an open-data portal or a spreadsheet: other separators, quotes around fields."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.directory.bulk.columns import Header
from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.directories import Directories
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.snapshots.writing import ImportReport
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from dispatcher.routing.candidates import Entry

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BOXES = "Extraction_Correspondance_MSSante_202611200600.txt"
PEOPLE = "PS_LibreAcces_Personne_activite_202611200600.txt"
FINESS = "nofinesset;nofinessej;rs;rslongue;ligneacheminement\n990004012;;EHPAD TEST;EHPAD, LES TILLEULS;99002 TEST\n"


def fields(name: str) -> list[list[str]]:
    return [line.split("|") for line in sample("directory", name).read_text("utf-8").splitlines()]


def usual() -> int:
    """Lines of the sample that cannot be used as they stand."""
    with tempfile.TemporaryDirectory() as folder:
        return take(Path(folder), sample("directory", BOXES).read_bytes()).bad_count


def told(folder: Path) -> list[Entry]:
    """What the directory says of one person, whatever file it came from."""
    directories = Directories(folder, LocalTable([]))
    ask = (directories.by_identifier, directories.people)
    return [replace(entry, version="") for question in ask for entry in question(IdType.RPPS, "99700000013")]


def exported(rows: list[list[str]], separator: str, quoting: int) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def take(folder: Path, data: bytes, name: str = BOXES) -> ImportReport:
    source = folder / name
    source.write_bytes(data)
    return import_file(source, folder, now=NOW)


@pytest.mark.parametrize(
    ("separator", "quoting"),
    [(",", csv.QUOTE_MINIMAL), (",", csv.QUOTE_ALL), (";", csv.QUOTE_ALL), ("|", csv.QUOTE_ALL), ("\t", csv.QUOTE_ALL)],
)
@pytest.mark.parametrize("name", [BOXES, PEOPLE])
def test_an_exported_file_gives_the_same_rows(tmp_path: Path, name: str, separator: str, quoting: int) -> None:
    published, other = tmp_path / "published", tmp_path / "other"
    published.mkdir()
    other.mkdir()
    before = take(published, sample("directory", name).read_bytes(), name)
    after = take(other, exported(fields(name), separator, quoting), name)
    assert (after.kind, after.rows, after.bad_count) == (before.kind, before.rows, before.bad_count)
    found = [told(folder) for folder in (published, other)]
    assert found[0]
    assert found[0] == found[1]


def test_tabs_without_quotes_and_empty_last_columns(tmp_path: Path) -> None:
    rows = fields(BOXES)
    rows[1][-2:] = ["", ""]
    assert take(tmp_path, "\n".join("\t".join(row) for row in rows).encode() + b"\n").bad_count == usual()


def test_quotes_hold_separators_and_quotes(tmp_path: Path) -> None:
    rows = fields(BOXES)
    place = rows[0].index("Raison Sociale structure BAL")
    rows[1][place] = 'SELARL "LE PORT", DURAND ET ASSOCIÉS'
    assert take(tmp_path, exported(rows, ",", csv.QUOTE_MINIMAL)).bad_count == usual()
    (entry,) = Directories(tmp_path, LocalTable([])).by_address(rows[1][1])
    assert 'SELARL "LE PORT", DURAND' in f"{entry}".replace("\\", "")


def test_a_quote_in_the_published_form_is_a_character(tmp_path: Path) -> None:
    rows = fields(BOXES)
    place = rows[0].index("Raison Sociale structure BAL")
    rows[1][place] = '"LE PORT'
    assert take(tmp_path, "\n".join("|".join(row) for row in rows).encode() + b"\n").bad_count == usual()


def test_a_quote_left_open_leaves_the_line_out_and_at_the_end_is_a_cut_file(tmp_path: Path) -> None:
    data = exported(fields(BOXES), ",", csv.QUOTE_ALL)
    lines = data.splitlines(keepends=True)
    broken = b"".join([lines[0], lines[1].replace(b'"', b"", 1)[:-3] + b"\r\n", *lines[2:]])
    assert take(tmp_path, broken).bad_count == usual() + 1
    with pytest.raises(DirectoryError, match="coupé"):
        take(tmp_path, data.rstrip()[:-4])


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_finess_with_a_header_in_any_of_them(tmp_path: Path, separator: str) -> None:
    rows = [line.split(";") for line in FINESS.splitlines()]
    report = take(tmp_path, exported(rows, separator, csv.QUOTE_ALL), "finess.csv")
    assert (report.kind, report.rows) == ("structures", 1)


def test_the_published_header_is_not_taken_for_an_exported_one() -> None:
    assert not Header.of(sample("directory", PEOPLE).read_text("utf-8").splitlines()[0]).quoted
