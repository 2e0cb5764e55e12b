"""One writer of the table at a time, and nobody's open spreadsheet overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatcher.directory.file_lock import take
from dispatcher.errors import DirectoryError, in_french

PATIENCE = 5.0
"""Seconds to wait for another command."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold the table at ``path`` for one change. The lock is the system's: a killed process leaves none behind.

    Raises :class:`DirectoryError` when another command holds it for longer than :data:`PATIENCE`, or when LibreOffice
    has the file open. Excel needs no look: it holds the file itself, and the write fails.
    """
    try:
        with locked(path):
            _not_open(path)
            yield
    except TimeoutError as error:
        raise DirectoryError(
            f"{path.name} : une autre commande est en train de changer la table.", hint="Recommencer dans un instant."
        ) from error
    except OSError as error:
        raise DirectoryError(
            f"{path.name} : écriture impossible ({in_french(error)}).",
            hint="Fermer le fichier s'il est ouvert dans un tableur ; vérifier les droits et la place libre.",
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the table against other commands. Raises ``OSError``; ``TimeoutError`` after :data:`PATIENCE`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.verrou").open("a+b") as file:
        if not take(file.fileno(), PATIENCE):
            raise TimeoutError
        yield


def _not_open(path: Path) -> None:
    """LibreOffice leaves ``.~lock.NAME#`` beside a file it has open, with the name of the person in it."""
    mark = path.parent / f".~lock.{path.name}#"
    if not mark.exists():
        return
    cells = mark.read_text(encoding="utf-8", errors="replace").split(",")
    who = next((cell.strip() for cell in cells[:2] if cell.strip()), "quelqu'un")
    raise DirectoryError(
        f"{path.name} est ouvert dans LibreOffice par {who} : rien n'a été écrit.",
        hint=f"Le fermer, puis recommencer. Si personne ne l'a ouvert, supprimer « {mark.name} ».",
    )
