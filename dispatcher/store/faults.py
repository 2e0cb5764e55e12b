"""The one door for foreign errors: what SQLAlchemy and the drivers raise becomes :class:`StoreError`, cause chained.

``code`` tells programs what it was; nothing of the statement or its values goes into the message.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dispatcher.errors import StoreError

UNAVAILABLE = "unavailable"
BUSY = "busy"
RETRY = "retry"
CONFLICT = "conflict"
DISK_FULL = "disk-full"
CORRUPT = "corrupt"
IO = "disk-io"
COMMIT_UNKNOWN = "commit-unknown"
READ_ONLY = "read-only"

MESSAGES: dict[str, tuple[str, str]] = {
    UNAVAILABLE: (
        "La base de données ne répond pas.",
        "Vérifier qu'elle tourne et que le réseau y mène ; le travail reprend de lui-même ensuite.",
    ),
    BUSY: ("La base de données est occupée depuis trop longtemps.", "Chercher qui la retient, puis relancer."),
    RETRY: ("La base de données a interrompu l'écriture à cause d'une autre.", "Recommencer la même opération."),
    CONFLICT: ("La base de données refuse cette écriture : elle contredit une ligne existante.", ""),
    DISK_FULL: ("Plus de place sur le disque de la base de données.", "Libérer de la place, puis relancer."),
    IO: (
        "Le disque de la base de données refuse d'écrire ou de lire.",
        "Vérifier la place libre, les droits et le disque, puis relancer.",
    ),
    CORRUPT: (
        "Le fichier de la base de données est abîmé ou illisible.",
        "Arrêter le programme, mettre le fichier de côté et restaurer la dernière sauvegarde.",
    ),
    COMMIT_UNKNOWN: (
        "Connexion perdue pendant la validation : écrit ou non, impossible à dire.",
        "Relire avant de recommencer.",
    ),
    READ_ONLY: (
        "La base de données n'est ouverte qu'en lecture.",
        "Vérifier les droits sur le fichier et son dossier.",
    ),
    "store": ("La base de données a refusé l'opération.", "Voir le journal technique."),
}
"""French message and next step of each code."""

_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR: IO,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_NOTADB: CORRUPT,
    sqlite3.SQLITE_CANTOPEN: UNAVAILABLE,
    sqlite3.SQLITE_READONLY: READ_ONLY,
}
"""Primary result codes of SQLite (sqlite.org/rescode.html)."""

_POSTGRESQL = {
    "40001": RETRY,  # serialization_failure
    "40P01": RETRY,  # deadlock_detected
    "55P03": BUSY,  # lock_not_available
    "57014": BUSY,  # query_canceled (statement_timeout)
    "25006": READ_ONLY,  # read_only_sql_transaction
    "53100": DISK_FULL,
    "XX001": CORRUPT,
    "XX002": CORRUPT,
}
_POSTGRESQL_CLASSES = {"08": UNAVAILABLE, "57": UNAVAILABLE, "53": UNAVAILABLE, "23": CONFLICT}
"""SQLSTATE and its classes (PostgreSQL manual, appendix A)."""


def fault(code: str) -> StoreError:
    """The error of this code with its French text."""
    message, hint = MESSAGES.get(code, MESSAGES["store"])
    return StoreError(message, hint=hint, code=code)


def translate(error: SQLAlchemyError) -> StoreError:
    """The :class:`StoreError` that stands for ``error``; the caller chains it."""
    return fault(_code(error))


def translate_sqlite(error: sqlite3.Error) -> StoreError:
    """As :func:`translate`, for an error of the driver itself."""
    return fault(_of_sqlite(error) or UNAVAILABLE)


def translate_commit(error: SQLAlchemyError, *, networked: bool) -> StoreError:
    """As :func:`translate` for a failed commit.

    Over a network the answer may be lost after the server committed (1 in 185 when measured), so anything but a
    plain refusal by the server is ``commit-unknown``: look it up, never repeat it blindly.
    """
    code = _code(error)
    return fault(code if not networked or code in {RETRY, CONFLICT} else COMMIT_UNKNOWN)


def _code(error: SQLAlchemyError) -> str:
    if isinstance(error, PoolTimeout):
        return BUSY
    if isinstance(error, IntegrityError):
        return CONFLICT
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return UNAVAILABLE
        state = getattr(error.orig, "sqlstate", None)
        if isinstance(state, str):
            return _POSTGRESQL.get(state) or _POSTGRESQL_CLASSES.get(state[:2]) or "store"
        known = _of_sqlite(error.orig)
        if known:
            return known
        if isinstance(error, (OperationalError, InterfaceError)):
            return UNAVAILABLE
    if isinstance(error, StatementError):
        return "value"
    return "store"


def _of_sqlite(error: BaseException | None) -> str:
    """The code of an error of the SQLite driver; empty when it is none."""
    number = getattr(error, "sqlite_errorcode", None)
    return _SQLITE.get(number & 0xFF, "store") if isinstance(number, int) else ""
