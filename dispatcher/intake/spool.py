"""One source folder: what stands in it, what is whole, and how a file leaves it once it is safe in the store.

Two contracts (settings ``contract``): with ``done-file`` a file is taken when its done-file stands beside it
(``NAME.HPR`` + ``NAME.OK`` or ``NAME.HPR.OK``); with ``stable`` when it is quiet over two looks **and** its content is
complete (trailer counts, HPRIM ``L`` line or end marker, closed XML, PDF trailer). A file that never gets complete is
taken after ``patience_seconds``, so that the reader can say what is missing and quarantine it: nothing stays unseen.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import logging
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dispatcher.clock import Clock
from dispatcher.errors import IntakeError
from dispatcher.formats.registry import is_complete, is_message, referenced_files
from dispatcher.intake.settling import Settling
from dispatcher.ports import Found, Taken
from dispatcher.settings import SourceSettings

log = logging.getLogger(__name__)

Signature = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Content:
    """What one look into a quiet file said."""

    signature: Signature
    complete: bool
    why: str
    message: bool
    references: tuple[str, ...]


class FolderSpool:
    """A folder a LIS writes into. Implements :class:`dispatcher.ports.Spool`; used by one thread."""

    def __init__(self, name: str, settings: SourceSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._folder = settings.folder
        self._clock = clock
        self._settling = Settling(settings.stable_seconds)
        self._contents: dict[str, _Content] = {}

    def scan(self) -> tuple[Found, ...]:
        """Every matching regular file, oldest first. Raises :class:`IntakeError` when the folder cannot be listed."""
        files = self._listing()
        self._settling.keep_only(files)
        self._contents = {path: content for path, content in self._contents.items() if path in files}
        found = [self._look(path, info) for path, info in files.items() if self._wanted(Path(path).name)]
        claimed = {str(self._folder / name) for content in self._contents.values() for name in content.references}
        return tuple(
            sorted((f for f in found if f.path not in claimed), key=lambda f: (f.mtime_ns, f.name)),
        )

    def take(self, found: Found) -> Taken | None:
        """Read the file and those it refers to; None when it changed or vanished since the scan."""
        if found.size > self._settings.max_bytes:
            raise IntakeError(
                f"Fichier trop gros dans la source « {self.name} » : {found.size} octets, "
                f"maximum {self._settings.max_bytes}.",
                hint="Relever « max_bytes » de la source, ou retirer le fichier.",
                code="too-large",
            )
        try:
            content = Path(found.path).read_bytes()
            info = Path(found.path).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IntakeError(
                f"Fichier illisible dans la source « {self.name} » ({type(error).__name__}).",
                hint="Vérifier les droits du compte de service sur ce dossier.",
                code="unreadable-file",
            ) from error
        if (info.st_size, info.st_mtime_ns) != (found.size, found.mtime_ns) or len(content) != found.size:
            return None
        return Taken(found=found, content=content, siblings=self._siblings(referenced_files(content)))

    def finish(self, path: str, siblings: Sequence[str] = ()) -> None:
        """Remove or archive a file that is safe in the store, with its done-file and siblings."""
        target = Path(path)
        for file in (target, *self._done_files(target), *(self._folder / Path(name).name for name in siblings)):
            with contextlib.suppress(FileNotFoundError):
                self._put_away(file)
        self._contents.pop(path, None)

    # ------------------------------------------------------------------------------------------ looking

    def _listing(self) -> dict[str, os.stat_result]:
        listing: dict[str, os.stat_result] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        info = entry.stat(follow_symlinks=False)
                        if stat.S_ISREG(info.st_mode):
                            listing[entry.path] = info
        except OSError as error:
            raise IntakeError(
                f"Dossier de la source « {self.name} » inaccessible : {self._folder} ({type(error).__name__}).",
                hint="Vérifier le chemin, le montage réseau et les droits du compte de service.",
                code="folder-unreachable",
            ) from error
        return listing

    def _wanted(self, name: str) -> bool:
        if any(fnmatch.fnmatch(name, pattern) for pattern in self._settings.ignore):
            return False
        if self._settings.contract == "done-file" and name.endswith(self._settings.done_suffix):
            return False
        return any(fnmatch.fnmatch(name, pattern) for pattern in self._settings.patterns)

    def _look(self, path: str, info: os.stat_result) -> Found:
        found = Found(
            path=path, name=Path(path).name, size=info.st_size, mtime_ns=info.st_mtime_ns, whole=False, why=""
        )
        if self._settings.contract == "done-file":
            done = any(file.exists() for file in self._done_files(Path(path)))
            return replace(found, whole=done, why="" if done else "attend son fichier de fin d'écriture")
        moment = self._clock.monotonic()
        quiet = self._settling.quiet_for(path, info.st_size, info.st_mtime_ns, moment)
        if quiet is None or quiet < self._settings.stable_seconds:
            return replace(found, why="vient d'être écrit, ou s'écrit encore")
        return self._judge(found, quiet)

    def _judge(self, found: Found, quiet: float) -> Found:
        """A quiet file: whole when its content is, or when patience ended."""
        content = self._content(found)
        if content is None:
            return replace(found, why="vient de changer")
        missing = [name for name in content.references if not (self._folder / Path(name).name).is_file()]
        if quiet >= self._settings.patience_seconds:
            return replace(found, whole=True)
        if not content.complete:
            return replace(found, why=content.why)
        if not content.message:
            return replace(found, why="attend le message qui l'annonce")
        if missing:
            return replace(found, why=f"attend {len(missing)} fichier(s) joint(s) annoncé(s)")
        return replace(found, whole=True)

    def _content(self, found: Found) -> _Content | None:
        signature = (found.size, found.mtime_ns)
        known = self._contents.get(found.path)
        if known is not None and known.signature == signature:
            return known
        if found.size > self._settings.max_bytes:
            return _Content(signature, True, "", True, ())
        try:
            data = Path(found.path).read_bytes()
        except OSError as error:
            log.info("source %s: a file cannot be opened yet (%s)", self.name, type(error).__name__)
            return None
        verdict = is_complete(data, found.name)
        content = _Content(signature, verdict.complete, verdict.why, is_message(data), referenced_files(data))
        self._contents[found.path] = content
        return content

    # ------------------------------------------------------------------------------------------ taking

    def _siblings(self, names: Sequence[str]) -> dict[str, bytes]:
        siblings: dict[str, bytes] = {}
        for name in names:
            file = self._folder / Path(name.replace("\\", "/")).name
            with contextlib.suppress(OSError):
                if file.is_file() and file.stat().st_size <= self._settings.max_bytes:
                    siblings[name] = file.read_bytes()
        return siblings

    def _done_files(self, file: Path) -> tuple[Path, ...]:
        if self._settings.contract != "done-file":
            return ()
        suffix = self._settings.done_suffix
        names = dict.fromkeys(
            candidate for base in (file.name, file.stem) for candidate in (base + suffix, base + suffix.lower())
        )
        return tuple(file.with_name(name) for name in names)

    def _put_away(self, file: Path) -> None:
        if self._settings.after == "remove" or self._settings.archive is None:
            file.unlink()
            return
        self._settings.archive.mkdir(parents=True, exist_ok=True)
        target = self._settings.archive / file.name
        if target.exists():
            digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
            target = target.with_name(f"{target.stem}.{digest}{target.suffix}")
        shutil.move(file, target)
