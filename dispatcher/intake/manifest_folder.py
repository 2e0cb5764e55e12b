"""The files a manifest names, looked for in its folder. What cannot be told for certain is a fault, never a guess.

Names are compared exactly first, then without regard to case, and to how accents are coded (a Mac writes « é » as two
signs, NFD): a single file that fits so is the one meant.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatcher.errors import in_french
from dispatcher.formats.manifest.grid import Fault
from dispatcher.formats.manifest.reader import Line

_LEFT = re.compile(r"^(\.|~\$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""What systems and open spreadsheets leave in a folder."""
MOST_TOLD = 20
"""Unlisted files named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where the files of the lines are."""

    paths: dict[int, Path]
    """By number of the line."""
    faults: tuple[Fault, ...] = ()
    unlisted: tuple[Path, ...] = ()
    """Files of the folder that no line names."""


def locate(lines: Sequence[Line], folder: Path, manifest: Path) -> Located:
    """Find the file of each line below ``folder``. Raises ``OSError`` when the folder cannot be listed."""
    top = folder.resolve()
    known: dict[Path, list[Path]] = {}
    paths: dict[int, Path] = {}
    faults: list[Fault] = []
    for line in lines:
        if not line.file:
            continue
        path, why = _find(line.file, top, known)
        if path is not None and path == manifest.resolve():
            path, why = None, "c'est le bordereau lui-même"
        if path is None:
            faults.append(Fault(line=line.number, column=line.column, text=why))
        else:
            paths[line.number] = path
    listed = set(paths.values()) | {manifest.resolve()}
    unlisted = tuple(one for one in _files(top, known) if one.resolve() not in listed)
    return Located(paths=paths, faults=tuple(faults), unlisted=unlisted)


def _files(folder: Path, known: dict[Path, list[Path]]) -> list[Path]:
    if folder not in known:
        known[folder] = sorted(one for one in folder.iterdir() if not _LEFT.match(one.name))
    return [one for one in known[folder] if one.is_file()]


def _find(text: str, top: Path, known: dict[Path, list[Path]]) -> tuple[Path | None, str]:
    parts = [part for part in re.split(r"[\\/]", text) if part not in ("", ".")]
    if re.match(r"^([A-Za-z]:|[\\/])", text) or ".." in parts or not parts:
        return None, "chemin hors du dossier ; donner le nom du fichier tel qu'il est dans le dossier du bordereau"
    place = top
    for number, part in enumerate(parts, 1):
        try:
            _files(place, known)
        except OSError as error:
            return None, f"dossier illisible ({in_french(error)})"
        there = [one for one in known[place] if one.is_file() == (number == len(parts))]
        found, why = _one_of(part, there)
        if found is None:
            return None, why
        place = found
    real = place.resolve()
    if not real.is_relative_to(top):
        return None, "chemin hors du dossier (raccourci vers un autre dossier) ; copier le fichier dans le dossier"
    return real, ""


def _one_of(name: str, there: Sequence[Path]) -> tuple[Path | None, str]:
    exact = [one for one in there if one.name == name]
    alike = exact or [one for one in there if _bare(one.name) == _bare(name)]
    if not alike and "." not in name:
        alike = [one for one in there if _bare(one.stem) == _bare(name)]
    if len(alike) == 1:
        return alike[0], ""
    if alike:
        return None, "plusieurs fichiers du dossier portent ce nom à la casse ou aux accents près ; l'écrire exactement"
    close = difflib.get_close_matches(_bare(name), [_bare(one.name) for one in there], n=1, cutoff=0.8)
    meant = next((one.name for one in there if close and _bare(one.name) == close[0]), "")
    return None, f"« {name} » : fichier introuvable dans le dossier" + (f" ; est-ce « {meant} » ?" if meant else "")


def _bare(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def unlisted_faults(unlisted: Sequence[Path], used: Iterable[Path]) -> tuple[Fault, ...]:
    """One fault for each file of the folder that would stay behind; ``used``: indexes and documents of listed ones."""
    left = [one.name for one in unlisted if one.resolve() not in set(used)]
    told = [
        Fault(text=f"« {name} » est dans le dossier mais dans aucune ligne ; l'ajouter, l'ôter, ou --ignore-unlisted")
        for name in left[:MOST_TOLD]
    ]
    more = [Fault(text=f"… et {len(left) - MOST_TOLD} autres fichiers du dossier")] if len(left) > MOST_TOLD else []
    return (*told, *more)
