"""The files of a manifest on the disk: found as they were meant, or told; never guessed, never outside the folder."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from dispatcher.formats.manifest.reader import Line
from dispatcher.intake.manifest_folder import Located, locate, unlisted_faults

NFC, NFD = (unicodedata.normalize(form, "résumé.pdf") for form in ("NFC", "NFD"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "documents"
    place.mkdir()
    (place / "bordereau.csv").touch()
    return place


def look(folder: Path, *names: str) -> Located:
    lines = [Line(number=number, file=name, column="fichier") for number, name in enumerate(names, 2)]
    return locate(lines, folder, folder / "bordereau.csv")


def test_accents_coded_otherwise_capital_extension_and_a_name_without_extension(folder: Path) -> None:
    for name in (NFD, "BILAN.PDF", "lettre.pdf"):
        (folder / name).touch()
    located = look(folder, NFC, "bilan.pdf", "lettre")
    assert [path.name for path in located.paths.values()] == [NFD, "BILAN.PDF", "lettre.pdf"]
    assert located.faults == ()


def test_two_files_that_differ_by_case_need_the_exact_name(folder: Path) -> None:
    for name in ("a.pdf", "A.PDF"):
        (folder / name).touch()
    located = look(folder, "a.pdf", "a.PDF")
    assert [path.name for path in located.paths.values()] == ["a.pdf"]
    assert "plusieurs fichiers" in str(located.faults[0])


@pytest.mark.parametrize("name", ["../secret.pdf", "/etc/passwd", "C:\\x.pdf", "a/../../secret.pdf", "lien.pdf"])
def test_nothing_outside_the_folder_is_taken(folder: Path, name: str) -> None:
    (folder.parent / "secret.pdf").touch()
    (folder / "lien.pdf").symlink_to(folder.parent / "secret.pdf")
    located = look(folder, name)
    assert located.paths == {}
    assert "hors du dossier" in str(located.faults[0])


def test_a_subfolder_is_inside(folder: Path) -> None:
    (folder / "Mai").mkdir()
    (folder / "Mai" / "a.pdf").touch()
    assert [path.name for path in look(folder, "mai\\a.pdf").paths.values()] == ["a.pdf"]


def test_a_missing_file_is_told_with_the_one_meant(folder: Path) -> None:
    (folder / "resultat_mai.pdf").touch()
    (fault,) = look(folder, "resultats_mai.pdf").faults
    assert str(fault).startswith("ligne 2, colonne « fichier »")
    assert "est-ce « resultat_mai.pdf » ?" in str(fault)


def test_the_manifest_is_no_document(folder: Path) -> None:
    assert "bordereau lui-même" in str(look(folder, "bordereau.csv").faults[0])


def test_files_nobody_lists_are_told_but_not_what_systems_leave(folder: Path) -> None:
    for name in ("a.pdf", "oublie.pdf", "a.txt", ".DS_Store", "~$bordereau.xlsx", "Thumbs.db"):
        (folder / name).touch()
    located = look(folder, "a.pdf")
    assert [path.name for path in located.unlisted] == ["a.txt", "oublie.pdf"]
    (fault,) = unlisted_faults(located.unlisted, [(folder / "a.txt").resolve()])
    assert "« oublie.pdf »" in str(fault)
