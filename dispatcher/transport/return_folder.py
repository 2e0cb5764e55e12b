"""A folder the LIS looks into for our answers: each file appears whole or not at all.

Written under a hidden name, flushed, renamed, and the folder flushed too: what was told as given is there after a power
cut. The folder is never made here: a share that is not mounted must not swallow answers.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from dispatcher.errors import OurFault, in_french

_DIRECTORY = getattr(os, "O_DIRECTORY", None)


class ReturnFolder:
    """An :class:`dispatcher.ports.AnswerLine`."""

    def __init__(self, folder: Path, done_suffix: str = "") -> None:
        """``done_suffix``: of an empty file put beside each, after it, for a LIS that waits for one."""
        self._folder = folder
        self._done_suffix = done_suffix

    def give(self, name: str, content: bytes) -> bytes:
        """Write it. Raises :class:`OurFault` when the folder is missing, forbidden or full."""
        if not self._folder.is_dir():
            raise OurFault(
                f"Dossier de retour introuvable : {self._folder}.",
                stage="connect",
                hint="Créer le dossier, remonter le partage, ou corriger « folder » dans [sources.NOM.answers].",
            )
        try:
            self._put(name, content)
            if self._done_suffix:
                self._put(f"{name}{self._done_suffix}", b"")
        except OSError as error:
            raise OurFault(
                f"Dossier de retour inutilisable : {self._folder} ({in_french(error)}).",
                stage="data",
                hint="Vérifier les droits du compte de service et la place sur le disque.",
            ) from error
        return b""

    def close(self) -> None:
        """Nothing to close."""

    def _put(self, name: str, content: bytes) -> None:
        target = self._folder / name
        draft = self._folder / f".{name}.tmp"  # one writer a source: a half-written one of a dead process is replaced
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        self._flush_folder()

    def _flush_folder(self) -> None:
        """So that the name is safe too; some shares have no such thing."""
        if _DIRECTORY is None:
            return
        with contextlib.suppress(OSError):
            handle = os.open(self._folder, os.O_RDONLY | _DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
