"""One run or import of a source at a time on this machine: a lock file beside the snapshot.

A lock file, not a lease in the store: the snapshot is a file of this machine, every node keeps its own copy, so what
must not happen twice at once is two writers of one file. The system gives the lock back when its process dies, however
it dies; nothing has to expire. (Two nodes with one FHIR key: ``calls_per_second`` is shared out in their settings.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dispatcher.directory.file_lock import free, take
from dispatcher.errors import DirectoryError, in_french

PATIENCE = 0.3
"""Seconds: whoever looks, or keeps a source's state, is done long before."""


class SyncBusy(DirectoryError):
    """Another process fetches or imports this source right now."""

    code = "sync-busy"


@contextmanager
def only_one(target: Path, title: str) -> Iterator[None]:
    """Hold the lock of the snapshot at ``target``. Raises :class:`SyncBusy`, or :class:`DirectoryError` (disk)."""
    path = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise DirectoryError(
            f"{path} : {in_french(error)}.", hint="Vérifier les droits du dossier des annuaires."
        ) from error
    try:
        if not _taken(handle):
            raise SyncBusy(
                f"{title} : une synchronisation ou un import est déjà en cours sur cette machine.",
                hint="Attendre sa fin ; « dispatcher directory status » dit quand la dernière a réussi.",
            )
        yield
    finally:
        os.close(handle)  # gives the lock back


def _taken(handle: int) -> bool:
    try:
        return take(handle, PATIENCE)
    except OSError:  # a disk without locks
        return False


def busy(target: Path) -> bool:
    """Another process holds the lock now. Looking never keeps a run from starting."""
    path = target.with_name(f".{target.name}.lock")
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR)
        try:
            return not free(handle)
        finally:
            os.close(handle)
    return False
