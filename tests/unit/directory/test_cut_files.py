"""A national file cut in the middle of a line is never taken, not even by force; a whole one without last break is."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.directory.bulk.importing import import_file
from dispatcher.errors import DirectoryError
from dispatcher.resources import sample

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FILES = (
    "Extraction_Correspondance_MSSante_202611200600.txt",
    "PS_LibreAcces_Personne_activite_202611200600.txt",
    "adeli_rpps.csv",
    "finess_etalab_20261120.csv",
)


def whole(name: str) -> bytes:
    return sample("directory", name).read_bytes()


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("packed", [False, True], ids=["text", "zip"])
@pytest.mark.parametrize("name", FILES)
def test_a_cut_file_is_refused_at_first_and_by_force_and_the_held_one_stays(
    tmp_path: Path, name: str, packed: bool
) -> None:
    data, source = whole(name), tmp_path / name
    begin = data.rstrip(b"\r\n").rfind(b"\n") + 1
    field = max(data.rfind(b"|"), data.rfind(b";"))

    def take(part: bytes, *, force: bool) -> int:
        source.write_bytes(zipped(name, part) if packed else part)
        return import_file(source, tmp_path / "held", now=NOW, force=force).lines

    for place in (begin + 4, (begin + field) // 2, field):
        for force in (False, True):
            with pytest.raises(DirectoryError, match="est coupé") as caught:
                take(data[:place], force=force)
            assert "« --force »" in caught.value.hint
    assert not list((tmp_path / "held").iterdir())
    lines = take(data.rstrip(b"\r\n"), force=False)
    (held,) = (tmp_path / "held").iterdir()
    before = held.read_bytes()
    with pytest.raises(DirectoryError, match="est coupé"):
        take(data[: begin + 4], force=True)
    assert held.read_bytes() == before
    assert take(data, force=False) == lines


def test_an_rpps_cut_short_and_half_a_line_break_are_a_cut(tmp_path: Path) -> None:
    pairs = b"ADELI;RPPS\r\n990010001;99700000013\r\n990010002;99700000021\r\n"
    source = tmp_path / "pairs.csv"
    for data in (pairs[:-4], pairs[:-1]):
        source.write_bytes(data)
        with pytest.raises(DirectoryError, match="est coupé"):
            import_file(source, tmp_path, now=NOW, force=True)
    for data in (pairs, pairs[:-2], pairs + b"  "):
        source.write_bytes(data)
        assert import_file(source, tmp_path, now=NOW).pairs == 4


def test_a_last_line_without_the_bar_every_other_has_is_a_cut(tmp_path: Path) -> None:
    header, first, second, *_ = whole(FILES[0]).splitlines()
    source = tmp_path / "e.txt"
    source.write_bytes(b"|\n".join([header, first, second]))
    with pytest.raises(DirectoryError, match="est coupé"):
        import_file(source, tmp_path, now=NOW, force=True)
