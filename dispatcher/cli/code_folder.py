"""The folder of the laboratory's tables: read, looked at, written whole with a copy of what was there before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from dispatcher.cli.context import config_exists, settings
from dispatcher.clock import SystemClock, paris
from dispatcher.errors import ConfigError, DispatcherError, in_french
from dispatcher.settings import TerminologySettings
from dispatcher.terminology.codebook import CodeBook, new_book, parse_book
from dispatcher.terminology.rows import Faults, decoded
from dispatcher.terminology.tables import Terminology, survey
from dispatcher.whole_file import put
from dispatcher.wiring import terminology_options, terminology_texts

CODES = "codes.csv"
BACKUPS = "sauvegardes"


@dataclass(frozen=True, slots=True)
class CodeFolder:
    """Where the tables stand. Made by :func:`open_folder`."""

    path: Path
    wanted: TerminologySettings
    sources: tuple[str, ...]
    """Sources of the configuration; empty without one."""

    def survey(self, instead: dict[str, str] | None = None) -> tuple[Terminology, Faults]:
        """The tables and all their faults; ``instead`` replaces files by a text not written yet."""
        return survey(terminology_texts(self.wanted, instead or {}), terminology_options(self.wanted))

    def read(self, name: str) -> bytes | None:
        """One file, or ``None``."""
        path = self.path / name
        return path.read_bytes() if path.is_file() else None

    def book(self) -> tuple[CodeBook, bytes | None]:
        """``codes.csv`` and its bytes. Raises :class:`DispatcherError` when its columns cannot be read."""
        content = self.read(CODES)
        return (new_book() if content is None else parse_book(decoded(content))), content

    def write(self, name: str, text: str, before: bytes | None, now: datetime) -> Path | None:
        """Write one file whole; gives the copy of the old one. ``before`` is what was read: another hand in between
        is an error, and nothing is written. Raises :class:`DispatcherError`.
        """
        content = text.encode("utf-8-sig" if before is None or not _plain_utf8(before) else "utf-8")
        if self.read(name) != before:
            raise DispatcherError(f"{name} a été changé entre-temps.", hint="Recommencer : rien n'a été écrit.")
        try:
            kept = self._backup(name, before, now) if before is not None else None
            put(self.path / name, content)
        except OSError as error:
            raise DispatcherError(
                f"{name} : écriture impossible ({in_french(error)}).",
                hint="Fermer le fichier s'il est ouvert dans un tableur ; vérifier les droits et la place libre.",
            ) from error
        return kept

    def _backup(self, name: str, content: bytes, now: datetime) -> Path:
        stem, suffix = Path(name).stem, Path(name).suffix
        moment = paris(now).strftime("%Y%m%d-%H%M%S")
        for number in range(1, 1000):
            path = self.path / BACKUPS / f"{stem}-{moment}{f'-{number}' if number > 1 else ''}{suffix}"
            if not path.exists():
                put(path, content)
                return path
        raise DispatcherError("Trop de sauvegardes à la même seconde.", hint="Recommencer dans un instant.")


def _plain_utf8(content: bytes) -> bool:
    """UTF-8 without mark: kept so. Anything else becomes UTF-8 with mark, which spreadsheets recognise."""
    return not content.startswith(b"\xef\xbb\xbf") and content.decode("utf-8", "ignore").encode("utf-8") == content


def open_folder(folder: Path | None) -> CodeFolder:
    """The folder given, else that of the configuration. Raises :class:`ConfigError` when there is neither."""
    known = settings() if config_exists() else None
    wanted = known.terminology if known else TerminologySettings()
    if folder is not None:
        wanted = wanted.model_copy(update={"folder": folder})
    if wanted.folder is None:
        raise ConfigError(
            "Aucun dossier de tables.", hint="Le donner par --folder DOSSIER, ou par « [terminology] folder »."
        )
    return CodeFolder(wanted.folder, wanted, tuple(known.sources) if known else ())


def today() -> date:
    """The day in Paris."""
    return paris(SystemClock().now()).date()


def parse_day(text: str, read: Callable[[str], date | None]) -> date:
    """A day typed by a person; today when empty. Raises :class:`ConfigError`."""
    found = read(text) if text else today()
    if found is None:
        raise ConfigError(f"Date illisible : « {text} ».", hint="Attendu : AAAA-MM-JJ ou JJ/MM/AAAA.")
    return found
