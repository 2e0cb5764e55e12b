"""Our mailbox as a Maildir on this machine. Mails are filed; what was not understood is never removed.

New ones stand in ``new`` and ``cur``; understood ones go to the subfolder ``.Traites``, the others to ``.A-examiner``
(Maildir++ names, so that an IMAP server shows them).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from pathlib import Path

from dispatcher.errors import OurFault, in_french
from dispatcher.ports import Fetched, Fill

log = logging.getLogger(__name__)

UNDERSTOOD = "Traites"
TO_EXAMINE = "A-examiner"
HEADER_BYTES = 20_000
COPY_MARGIN = timedelta(days=1)
"""A copy may bear another clock's time."""
_INFO = ":2," if os.name != "nt" else ";2,"
"""Starts the flags in a file name; a colon cannot stand in a Windows file name."""


class MaildirMailbox:
    """A :class:`dispatcher.ports.Mailbox`. A mail's uid is its file name without flags."""

    def __init__(self, path: Path, sent: str = "", *, removes: bool = False) -> None:
        self._path = path
        self._sent = sent
        self._removes = removes

    def fetch(self, limit: int = 200) -> Iterator[Fetched]:
        """New mails, oldest first. Raises :class:`OurFault` when the Maildir or a mail in it cannot be read."""
        for file in self._waiting()[:limit]:
            try:
                content = file.read_bytes()
            except FileNotFoundError:
                continue  # another process filed it
            except OSError as error:
                raise self._fault(error) from error
            yield Fetched(uid=_uid(file.name), content=content)

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        """File away, or remove; a mail that is gone is no fault. Raises :class:`OurFault` when a mail stays."""
        wanted = frozenset(uids)
        removes = understood and self._removes
        target = self._path / f".{UNDERSTOOD if understood else TO_EXAMINE}"
        try:
            for place in ("cur", "new", "tmp"):
                (target / place).mkdir(parents=True, exist_ok=True)
            (target / "maildirfolder").touch()
            for file in self._waiting():
                if _uid(file.name) in wanted:
                    with contextlib.suppress(FileNotFoundError):
                        if removes:
                            file.unlink()
                        else:
                            file.rename(_free_name(target / "cur", _uid(file.name), seen=understood))
        except OSError as error:
            raise self._fault(error) from error

    def bring_back(self, since: datetime) -> int | None:
        """By the time of the files, a day before included. Raises as :meth:`fetch`."""
        oldest, count = (since - COPY_MARGIN).timestamp(), 0
        try:
            (self._path / "cur").mkdir(exist_ok=True)
            for file in (*self._filed(UNDERSTOOD), *self._filed(TO_EXAMINE)):
                with contextlib.suppress(FileNotFoundError):
                    if file.stat().st_mtime >= oldest:
                        file.rename(_free_name(self._path / "cur", _uid(file.name), seen=False))
                        count += 1
        except OSError as error:
            raise self._fault(error) from error
        return None if self._removes else count

    def sent(self, message_ids: Iterable[str], *, since: datetime) -> frozenset[str]:
        """Looks into the subfolder ``.<sent>``. Raises :class:`OurFault` when it cannot be read."""
        wanted, found = frozenset(message_ids), set[str]()
        if not self._sent or not wanted:
            return frozenset()
        oldest = (since - COPY_MARGIN).timestamp()
        try:
            for place in ("cur", "new"):
                folder = self._path / f".{self._sent}" / place
                if place == "new" and not folder.is_dir():
                    continue
                for file in folder.iterdir():
                    with contextlib.suppress(FileNotFoundError):
                        if file.stat().st_mtime >= oldest:
                            found.add(_message_id(file))
        except OSError as error:
            raise self._fault(error) from error
        return wanted & found

    def fill(self) -> Fill:
        """By the sizes of the files. Raises as :meth:`fetch`."""
        try:
            waiting = [file.stat() for file in (*self._waiting(), *self._filed(TO_EXAMINE))]
            used = sum(found.st_size for found in waiting)
            used += sum(file.stat().st_size for file in self._filed(UNDERSTOOD))
        except OSError as error:
            raise self._fault(error) from error
        oldest = min((found.st_mtime for found in waiting), default=None)
        return Fill(
            used=used, waiting=len(waiting), oldest=datetime.fromtimestamp(oldest, UTC) if oldest is not None else None
        )

    def relieve(self, before: datetime, kept: Callable[[bytes], bool], limit: int = 200) -> int:
        """Remove old files of the folder of the understood. Raises as :meth:`fetch`."""
        try:
            old = [file for file in self._filed(UNDERSTOOD) if file.stat().st_mtime < before.timestamp()][:limit]
            gone = [file for file in old if kept(file.read_bytes())]
            for file in gone:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise self._fault(error) from error
        return len(gone)

    def close(self) -> None:
        """Nothing to close."""

    def _filed(self, name: str) -> list[Path]:
        folders = [self._path / f".{name}" / place for place in ("new", "cur")]
        return sorted(file for folder in folders if folder.is_dir() for file in folder.iterdir())

    def _waiting(self) -> list[Path]:
        found: list[tuple[float, str, Path]] = []
        try:
            for place in ("new", "cur"):
                folder = self._path / place
                if place == "cur" and not folder.is_dir():
                    continue
                for file in folder.iterdir():
                    if not file.name.startswith(".") and "T" not in _flags(file.name):
                        with contextlib.suppress(FileNotFoundError):
                            found.append((file.stat().st_mtime, file.name, file))
        except OSError as error:
            raise self._fault(error) from error
        return [file for _, _, file in sorted(found)]

    def _fault(self, error: OSError) -> OurFault:
        return OurFault(
            f"Boîte Maildir inutilisable : {self._path} ({in_french(error)}).",
            stage="connect",
            hint="Vérifier « mailbox.path » et les droits du service.",
        )


def _message_id(file: Path) -> str:
    with file.open("rb") as content:
        header = BytesHeaderParser().parsebytes(content.read(HEADER_BYTES))
    return "".join(str(header.get("Message-ID", "")).split())


def _uid(name: str) -> str:
    for mark in (":2,", ";2,", "!2,"):
        name = name.partition(mark)[0]
    return name


def _flags(name: str) -> str:
    return name[len(_uid(name)) + 3 :]


def _free_name(folder: Path, uid: str, *, seen: bool) -> Path:
    """Never over another mail: a name already taken gets a number."""
    flags = f"{_INFO}S" if seen else f"{_INFO}"
    target, number = folder / f"{uid}{flags}", 1
    while target.exists():
        target, number = folder / f"{uid}.{number}{flags}", number + 1
    return target
