"""National files published at a web address: fetched when there is a newer one, imported as from a disk.

Source: Annuaire Santé, open extractions. ``HEAD`` answers with ``Content-Disposition: attachment;
filename=…_AAAAMMJJhhmm.zip``: a cheap look at which file is out.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from dispatcher.clock import Clock
from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.snapshots import soundness, tables
from dispatcher.directory.syncing import state as held
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, rest, silent
from dispatcher.directory.syncing.web import Answer, ConnectionFault, Server
from dispatcher.errors import DirectoryError, in_french
from dispatcher.routing.sources import label
from dispatcher.settings.syncing import DownloadSettings

MAX_BYTES = 2_500_000_000
SECONDS = 3600.0
"""The most a whole file may take."""
TRIES = 3
WAIT = 5.0


class DownloadSync:
    """One national file (:class:`dispatcher.directory.syncing.base.Sync`)."""

    def __init__(
        self, name: str, settings: DownloadSettings, folder: Path, clock: Clock, *, shrink_percent: float = 5.0
    ) -> None:
        self.name, self._settings, self._clock, self._shrink = name, settings, clock, shrink_percent
        self.title = f"Fichier « {label(name)} »"
        self.target = folder / f"{name}.sqlite3"
        self.schedule = Schedule(
            at=settings.at,
            every_hours=settings.every_hours,
            retry_minutes=settings.retry_minutes,
            max_age_days=settings.max_age_days,
        )

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        """See :meth:`dispatcher.directory.syncing.base.Sync.run`; ``full``: import again what is held already."""
        with closing(Server(self._settings.url, self._settings, self._clock)) as server:
            tag = _tag(self._ask(server, progress, method="HEAD").headers)
            if not full and tag and (same := self._held(tag)) is not None:
                return same
            with self._private_folder() as folder:
                file, tag = self._fetch(server, folder, progress)
                return self._import(file, tag, force, progress)

    def _held(self, tag: str) -> SyncReport | None:
        """The report of a run that finds the very file that is in service; None when it is another."""
        state, meta = held.load(self.target), tables.read_meta(self.target)
        if meta is None or state.tag != tag or state.version != meta.get("version"):
            return None
        try:
            soundness.check(self.target)
        except DirectoryError:
            return None
        rows = int(meta["rows"])
        return SyncReport(
            name=self.name,
            full=False,
            changed=False,
            version=meta["version"],
            as_of=datetime.fromisoformat(meta["source_date"]),
            rows=rows,
            previous_rows=rows,
            tag=tag,
        )

    def _fetch(self, server: Server, folder: Path, progress: Progress) -> tuple[Path, str]:
        """The file on disk under its published name, and its tag."""
        scratch = folder / "corps"
        for number in range(TRIES):
            try:
                with scratch.open("wb") as file:
                    answer = self._ask(server, progress, into=file)
                break
            except ConnectionFault:
                if number == TRIES - 1:
                    raise
                rest(WAIT, self._clock, lambda: progress("téléchargement", 0, None))
        return _named(scratch, server.path, answer.headers), _tag(answer.headers)

    def _ask(self, server: Server, progress: Progress, *, method: str = "GET", into: IO[bytes] | None = None) -> Answer:
        """A good answer. Raises :class:`DirectoryError`; a server without ``HEAD`` gives an empty one for it."""
        progress("téléchargement", 0, None)
        answer = server.get(
            server.path,
            method=method,
            accept="*/*",
            max_bytes=MAX_BYTES,
            seconds=SECONDS,
            sink=_into(into) if into else None,
            tick=lambda: progress("téléchargement (octets)", into.tell() if into else 0, None),
        )
        if answer.status == 200:
            return answer
        if method == "HEAD" and answer.status in {400, 403, 404, 405, 501}:
            return Answer(answer.status, {}, b"")
        raise DirectoryError(
            f"{self.title} : le serveur {server.place.host} a répondu {answer.status} au lieu du fichier.",
            hint=f"Vérifier « url » dans [directory.downloads.{self.name}] ; les données en service sont gardées.",
        )

    def _import(self, file: Path, tag: str, force: bool, progress: Progress) -> SyncReport:
        report = import_file(
            file,
            self.target.parent,
            now=self._clock.now(),
            kind=self.name,
            shrink_percent=self._shrink,
            force=force,
            progress=lambda lines: progress("lignes lues", lines, None),
        )
        left_out = [f"{report.bad_count} ligne(s) illisible(s) laissée(s)."] if report.bad_count else []
        return SyncReport(
            name=self.name,
            full=True,
            version=report.version,
            as_of=report.source_date,
            rows=report.rows + report.pairs,
            previous_rows=report.previous_rows,
            fetched=report.lines,
            notes=(*report.notes, *left_out),
            tag=tag,
        )

    @contextmanager
    def _private_folder(self) -> Iterator[Path]:
        """Beside the snapshot, so that there is room for it; those of killed runs are swept: the lock is held."""
        parent, prefix = self.target.parent, f".{self.name}.download-"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for left in parent.glob(f"{prefix}*"):
                shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            raise DirectoryError(
                f"{parent} : {in_french(error)}.", hint="Vérifier la place libre et les droits ; rien n'a changé."
            ) from error


def _into(file: IO[bytes]) -> Callable[[bytes], object]:
    """A sink that tells a full disk from a broken line."""

    def keep(piece: bytes) -> None:
        try:
            file.write(piece)
        except OSError as error:
            raise DirectoryError(
                f"Le fichier téléchargé n'a pas pu être écrit ({in_french(error)}).", hint="Faire de la place."
            ) from error

    return keep


def _published_name(headers: Mapping[str, str]) -> str:
    """``filename`` of ``Content-Disposition`` (RFC 6266), without any folder."""
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    found = message.get_filename() or ""
    return re.sub(r"[^A-Za-z0-9._-]", "_", found.replace("\\", "/").rpartition("/")[2])[:150].lstrip(".")


def _tag(headers: Mapping[str, str]) -> str:
    """What tells one published file from the next; empty when the server says nothing of the kind."""
    name = _published_name(headers)
    if re.search(r"20\d{6}", name):
        return name
    return headers.get("etag", "") or headers.get("last-modified", "")


def _named(file: Path, path: str, headers: Mapping[str, str]) -> Path:
    """The file under its published name (the date of the data stands there), else dated by ``Last-Modified``."""
    fallback = re.sub(r"[^A-Za-z0-9._-]", "_", unquote(path.partition("?")[0]).rstrip("/").rpartition("/")[2])[:150]
    target = file.with_name(_published_name(headers) or fallback.lstrip(".") or "fichier")
    try:
        written = parsedate_to_datetime(headers.get("last-modified", "")).timestamp()
        os.utime(file, (written, written))
    except (ValueError, OverflowError, OSError):
        pass
    return file.replace(target)
