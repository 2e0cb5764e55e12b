"""One source folder: what stands in it, what is whole, and how a file leaves it once it is safe in the store.

Two contracts (settings ``contract``): with ``done-file`` a file is taken when its done-file stands beside it
(``NAME.HPR`` + ``NAME.OK`` or ``NAME.HPR.OK``); with ``stable`` when it is quiet over two looks **and** its content is
complete (trailer counts, HPRIM ``L`` line or end marker, closed XML, PDF trailer). A file that never gets complete is
taken after ``patience_seconds``, so that the reader can say what is missing and quarantine it: nothing stays unseen.

Files a message refers to (HPRIM ``FIC``) are taken with it, once they are whole too; one that never gets whole is left
out, so that nobody receives half a document. A message is never the attachment of another one.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import logging
import os
import shutil
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dispatcher.clock import Clock
from dispatcher.errors import IntakeError
from dispatcher.formats.pdf_index.rules import rules_of
from dispatcher.formats.registry import is_complete, is_index, is_message, referenced_files, speaks_by_name
from dispatcher.french import counted
from dispatcher.intake.aside import fence_of, holding, is_aside, put_back
from dispatcher.intake.settling import Settling
from dispatcher.ports import Found, Taken
from dispatcher.settings import SourceSettings

log = logging.getLogger(__name__)

Signature = tuple[int, int]

STUMBLED = (
    "défaut interne du programme ({}) en vérifiant si ce fichier est complet ; il sera pris tel quel après le délai "
    "de patience. Le signaler au support du logiciel"
)


@dataclass(frozen=True, slots=True)
class _Content:
    """What one look into a quiet file said."""

    signature: Signature
    complete: bool
    why: str
    message: bool
    references: tuple[str, ...]
    index: bool = False
    """Its references are reports of their own: each belongs to one index."""
    alone: bool = False
    """No message, but its name says whose it is."""


class FolderSpool:
    """A folder a LIS writes into. Implements :class:`dispatcher.ports.Spool`; used by one thread."""

    def __init__(self, name: str, settings: SourceSettings, clock: Clock) -> None:
        self.name = name
        self.fence = 0
        """Of the lease on this folder, when several nodes may watch it: set before each pass."""
        self.place = settings.folder.resolve()
        """Where it really is: two sources may watch one folder."""
        self._settings = settings
        self._folder = settings.folder
        self._clock = clock
        self._index = rules_of(settings.index)
        self._settling = Settling(settings.stable_seconds)
        self._contents: dict[str, _Content] = {}
        self._files: dict[str, os.stat_result] = {}
        """The last listing."""
        self._named: dict[str, list[str]] = {}
        """Its paths by name, without regard to case."""
        self._claims: Counter[str] = Counter()
        """How many of its messages refer to a file."""
        self._disputed: set[str] = set()
        """PDFs that an index and somebody else claim: whose they are cannot be known."""

    def scan(self) -> tuple[Found, ...]:
        """Every matching regular file, oldest first. Raises :class:`IntakeError` when the folder cannot be listed."""
        listing = self._listing()
        if self._put_back(listing):
            listing = self._listing()
        files = self._remember(listing)
        self._settling.keep_only(files)
        self._contents = {path: content for path, content in self._contents.items() if path in files}
        found = [self._look(path, info) for path, info in files.items() if self._wanted(Path(path).name)]
        named = (self._beside(name) for content in self._contents.values() for name in content.references)
        self._claims = Counter(path for path in named if path is not None and not self._is_message(path))
        indexed = {self._beside(n) for content in self._contents.values() if content.index for n in content.references}
        self._disputed = {p for p in files if p in self._disputed or (p in indexed and self._claims[p] > 1)}
        return tuple(sorted((f for f in found if not self._claims[f.path]), key=lambda f: (f.mtime_ns, f.name)))

    def lying(self) -> tuple[float, ...]:
        """Since when (seconds since 1970) each matching file lies there. Only looks. Raises :class:`IntakeError`."""
        listing = self._listing()
        return tuple(max(i.st_mtime, i.st_ctime) for path, i in listing.items() if self._wanted(Path(path).name))

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
        seen = self._looked_into((found.size, found.mtime_ns), content, found.name)
        return Taken(found=found, content=content, siblings=self._siblings(found, seen))

    def finish(self, path: str, siblings: Mapping[str, str], digest: str) -> None:
        """Remove or archive a file that is safe in the store, with its done-file and siblings.

        A file written again since stays: its new content is not in the store. So it is renamed aside first, which no
        writer can come between, then compared with ``digest`` (SHA-256 of what was committed; ``siblings``: the same by
        name), and put back when it differs. The done-file goes aside with it, so that it cannot vouch for the next file
        of that name; the file itself leaves last, so that a stop in between is recognised (the next scan puts back what
        stands aside). Raises :class:`IntakeError` when the folder does not let go of it.
        """
        target = Path(path)
        content = self._contents.pop(path, None)
        self._claims.subtract(filter(None, map(self._beside, content.references if content else ())))
        try:
            if self._written_again(path):
                log.warning("source %s: a file was written again after it was taken; it stays", self.name)
                return
            self._clear(target, siblings, digest)
        except OSError as error:
            raise IntakeError(
                f"Un fichier déjà pris en charge ne peut pas être retiré du dossier de la source « {self.name} » "
                f"({type(error).__name__}).",
                hint="Donner au compte de service le droit d'y supprimer. D'ici là, rien n'est envoyé deux fois.",
                code="not-removed",
            ) from error

    def _clear(self, target: Path, siblings: Mapping[str, str], digest: str) -> None:
        with contextlib.ExitStack() as aside:
            vouching = [aside.enter_context(holding(done, fence=self.fence)) for done in self._done_files(target)]
            held = aside.enter_context(holding(target, digest, self.fence))
            if held is None:
                log.warning("source %s: a file was written again after it was taken; it stays", self.name)
                return
            for done in filter(None, vouching):
                done.unlink(missing_ok=True)
            for name, known in siblings.items():
                beside = self._beside(name)
                if beside is None or self._claims[beside] > 0 or self._is_message(beside):
                    continue
                with holding(Path(beside), known, self.fence) as document:
                    if document is not None:
                        self._put_away(document, Path(beside).name)
            self._put_away(held, target.name)

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

    def _put_back(self, listing: Mapping[str, os.stat_result]) -> bool:
        """What a crash left aside stands where it stood: the store knows it, or reads it now.

        Under a lease: its own and those of the owners before; a later one's means that the lease is lost.
        """
        left = [Path(path) for path in listing if is_aside(Path(path).name)]
        left = [path for path in left if not self.fence or fence_of(path.name) <= self.fence]
        for path in left:
            try:
                put_back(path)
            except OSError as error:
                log.warning("source %s: a file left aside cannot be put back (%s)", self.name, type(error).__name__)
        return bool(left)

    def _remember(self, files: dict[str, os.stat_result]) -> dict[str, os.stat_result]:
        self._files, self._named = files, {}
        for path in files:
            self._named.setdefault(Path(path).name.casefold(), []).append(path)
        return files

    def _wanted(self, name: str) -> bool:
        if is_aside(name) or any(fnmatch.fnmatch(name, pattern) for pattern in self._settings.ignore):
            return False
        if self._settings.contract == "done-file" and name.lower().endswith(self._settings.done_suffix.lower()):
            return False
        return any(fnmatch.fnmatch(name, pattern) for pattern in self._settings.patterns)

    def _look(self, path: str, info: os.stat_result) -> Found:
        found = Found(
            path=path, name=Path(path).name, size=info.st_size, mtime_ns=info.st_mtime_ns, whole=False, why=""
        )
        moment = self._clock.monotonic()
        quiet = self._settling.quiet_for(path, info.st_size, info.st_mtime_ns, moment)
        if self._vouched:
            if not any(file.exists() for file in self._done_files(Path(path))):
                return replace(found, why="attend son fichier de fin d'écriture")
            return self._judge(found, quiet or 0.0)
        if quiet is None or quiet < self._settings.stable_seconds:
            return replace(found, why="vient d'être écrit, ou s'écrit encore")
        return self._judge(found, quiet)

    @property
    def _vouched(self) -> bool:
        """The LIS itself says what is whole."""
        return self._settings.contract == "done-file"

    def _judge(self, found: Found, quiet: float) -> Found:
        """A quiet or vouched file: whole when its content and what it refers to are, or when patience ended."""
        content = self._content(found)
        if content is None:
            return replace(found, why="ne peut pas être ouvert (droits, ou tenu par un autre programme)")
        if quiet >= self._settings.patience_seconds:
            return replace(found, whole=True)
        if not content.complete and not self._vouched:
            return replace(found, why=content.why)
        if not content.message and not content.alone:
            return replace(found, why="attend le message ou l'index qui l'annonce")
        missing = [name for name in content.references if not self._ready(name)]
        if missing:
            return replace(found, why=f"attend {counted(len(missing), 'fichier joint annoncé')}")
        return replace(found, whole=True)

    def _ready(self, name: str) -> bool:
        """The file a message refers to is there, and whole."""
        path = self._beside(name)
        if path is None or self._vouched:
            return path is not None
        info = self._files[path]
        if not self._settling.is_quiet(path, info.st_size, info.st_mtime_ns, self._clock.monotonic()):
            return False
        content = self._content(
            Found(path=path, name=Path(path).name, size=info.st_size, mtime_ns=info.st_mtime_ns, whole=False)
        )
        return content is not None and content.complete

    def _beside(self, name: str) -> str | None:
        """Path of the file called ``name`` in the last listing; else the only one that differs by case alone."""
        bare = Path(name.replace("\\", "/")).name
        alike = self._named.get(bare.casefold(), [])
        exact = [path for path in alike if Path(path).name == bare]
        return next(iter(exact or (alike if len(alike) == 1 else ())), None)

    def _is_message(self, path: str) -> bool:
        content = self._contents.get(path)
        return content is not None and content.message

    def _written_again(self, path: str) -> bool:
        """Its size or time is no longer what the last scan saw."""
        seen = self._files.get(path)
        if seen is None:
            return False
        try:
            now = Path(path).stat()
        except FileNotFoundError:
            return False
        return (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns)

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
        content = self._looked_into(signature, data, found.name)
        self._contents[found.path] = content
        return content

    def _looked_into(self, signature: Signature, data: bytes, name: str) -> _Content:
        """One file that our own check stumbles over waits, then is taken as it is; the others are none the worse."""
        try:
            rules = self._index
            verdict = is_complete(data, name, rules)
            message = is_message(data, rules)
            return _Content(
                signature,
                verdict.complete,
                verdict.why,
                message,
                referenced_files(data, name, rules),
                index=is_index(data, rules),
                alone=not message and speaks_by_name(name, rules),
            )
        except Exception as error:
            log.error("source %s: looking into a file failed (%s)", self.name, type(error).__name__)
            return _Content(signature, False, STUMBLED.format(type(error).__name__), True, ())

    # ------------------------------------------------------------------------------------------ taking

    def _siblings(self, found: Found, message: _Content) -> dict[str, bytes]:
        """Contents of the files a message refers to. Left out: itself, other messages, what is not whole, and a PDF of
        this index that another one claims."""
        siblings: dict[str, bytes] = {}
        for name in message.references:
            path = self._beside(name)
            if path is None or path == found.path or self._files[path].st_size > self._settings.max_bytes:
                continue
            if message.index and path in self._disputed:
                log.warning("source %s: two indexes claim one document; neither gets it", self.name)
                continue
            with contextlib.suppress(OSError):
                data = Path(path).read_bytes()
                seen = self._looked_into((len(data), 0), data, name)
                if not seen.message and seen.complete:
                    siblings[name] = data
        return siblings

    def _done_files(self, file: Path) -> tuple[Path, ...]:
        if self._settings.contract != "done-file":
            return ()
        suffix = self._settings.done_suffix
        names = dict.fromkeys(
            candidate for base in (file.name, file.stem) for candidate in (base + suffix, base + suffix.lower())
        )
        return tuple(file.with_name(name) for name in names)

    def _put_away(self, file: Path, name: str) -> None:
        if not file.exists():
            return
        if self._settings.after == "remove" or self._settings.archive is None:
            file.unlink()
            return
        self._settings.archive.mkdir(parents=True, exist_ok=True)
        target = self._settings.archive / name
        if target.exists():
            digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
            target = target.with_name(f"{target.stem}.{digest}{target.suffix}")
        shutil.move(file, target)
