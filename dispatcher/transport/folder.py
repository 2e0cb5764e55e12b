"""Rehearsal: instead of leaving, each mail is written into a folder as ``<dispatch>.eml``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from dispatcher.errors import OurFault, in_french
from dispatcher.outbox.dispatch import Accepted
from dispatcher.ports import Mail


class FolderTransport:
    """A :class:`dispatcher.ports.Transport`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> FolderSession:
        """Make the folder. Raises :class:`OurFault` when it cannot be made or written to."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _fault(self._folder, error) from error
        if not os.access(self._folder, os.W_OK):
            raise OurFault(f"Dossier de répétition sans droit d'écriture : {self._folder}.", stage="connect")
        return FolderSession(self._folder)

    def abort(self) -> None:
        """Nothing here ever waits."""


class FolderSession:
    """A :class:`dispatcher.ports.TransportSession`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: Mail, in_time: Callable[[], bool] | None = None) -> Accepted:
        """Write it, all or nothing; the same dispatch again replaces its file. Raises :class:`OurFault`."""
        target = self._folder / f"{_name(mail)}.eml"
        draft = target.with_suffix(f".{os.getpid()}.tmp")
        try:
            with draft.open("wb") as file:
                file.write(mail.content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _fault(self._folder, error) from error
        return Accepted(reply=250, status="2.0.0", text=f"Répétition : écrit dans {target.name}, rien n'est parti.")

    def close(self) -> None:
        """Nothing to close."""


def _name(mail: Mail) -> str:
    """The dispatch's id where it can name a file, else a hash: never an address."""
    if mail.envid and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", mail.envid):
        return mail.envid
    return hashlib.sha256((mail.envid or mail.message_id).encode()).hexdigest()[:24]


def _fault(folder: Path, error: OSError) -> OurFault:
    return OurFault(
        f"Dossier de répétition inutilisable : {folder} ({in_french(error)}).",
        stage="data",
        hint="Vérifier le chemin, les droits et la place sur le disque.",
    )
