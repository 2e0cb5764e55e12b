"""Secret files: written once, never over another, for their owner only; refused when the world can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dispatcher.errors import KeyringError, in_french

_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP
"""Others may do nothing; the group may read (a service account's group), not write."""


def write_new(path: Path, content: bytes, *, secret: bool = True) -> None:
    """Create ``path`` with ``content``, flushed to disk; mode 0600 when ``secret``, folders made 0700.

    Raises :class:`KeyringError` when the file exists already or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o600 if secret else 0o644)
    except FileExistsError as error:
        raise KeyringError(
            f"Le fichier « {path} » existe déjà ; une clé n'est jamais écrasée.",
            hint="Le déplacer ou choisir un autre nom, puis recommencer.",
            code="key-file-exists",
        ) from error
    except OSError as error:
        raise unwritable(path, error) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def unwritable(path: Path, error: OSError) -> KeyringError:
    """The error for a file that cannot be written."""
    return KeyringError(
        f"Impossible d'écrire « {path} » ({in_french(error)}).",
        hint="Vérifier les droits du dossier et la place disponible.",
        code="key-file-unwritable",
    )


def read_bytes(path: Path) -> bytes:
    """Content of ``path``. Raises :class:`KeyringError` when it is missing or unreadable."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KeyringError(
            f"Fichier introuvable : « {path} ».",
            hint="Vérifier le chemin dans la configuration.",
            code="key-file-missing",
        ) from error
    except OSError as error:
        raise KeyringError(
            f"Fichier illisible : « {path} » ({in_french(error)}).",
            hint="Le compte du service doit pouvoir le lire.",
            code="key-file-unreadable",
        ) from error


def exposure(path: Path) -> str:
    """Why the rights of a secret file are too wide, in French; empty when they are right (always on Windows)."""
    if os.name != "posix":
        return ""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & _TOO_OPEN:
        return ""
    return f"le fichier est ouvert à d'autres comptes (droits {mode:04o}, attendu 0600 ou 0640) : chmod 600 « {path} »"


def read_secret(path: Path) -> bytes:
    """Content of a secret file. Raises :class:`KeyringError` when it is missing, unreadable or too widely readable."""
    content = read_bytes(path)
    problem = exposure(path)
    if problem:
        raise KeyringError(
            f"« {path.name} » est refusé : {problem}.",
            hint="Si la machine est partagée, considérer la clé comme divulguée et en demander une autre.",
            code="key-file-open",
        )
    return content
