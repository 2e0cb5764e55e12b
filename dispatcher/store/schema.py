"""Versions of the schema: making it, bringing an older one up to date, refusing a newer one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.errors import StoreError
from dispatcher.store import faults
from dispatcher.store.connect import make_engine, parse_url, reading_engine

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every released revision, oldest first; the last is the one this program needs. A test compares with the files."""

_LOCK = 0x64697370  # "disp": nodes that start together upgrade one after the other


def sqlite_version() -> str:
    """Of the library in this Python."""
    return sqlite3.sqlite_version


def upgrade(url: str, folder: Path | None = None) -> str:
    """Make or upgrade the schema of the database at ``url``; gives the revision it has now.

    Raises :class:`StoreError`: unreachable, or newer than this program (``schema-newer``).
    """
    engine = make_engine(parse_url(url, folder), create=True)
    try:
        with engine.connect() as connection:
            upgrade_connection(connection)
            return revision(connection) or ""
    except SQLAlchemyError as error:
        raise faults.translate(error) from error
    finally:
        engine.dispose()


def standing(url: str, folder: Path | None = None) -> str | None:
    """The revision of the database at ``url`` without changing it, None when it is empty.

    Raises :class:`StoreError`: not there, unreachable, or newer than this program (``schema-newer``).
    """
    engine = make_engine(parse_url(url, folder), create=False)
    try:
        with reading_engine(engine).connect() as connection:
            return check(connection)
    except SQLAlchemyError as error:
        raise faults.translate(error) from error
    finally:
        engine.dispose()


def upgrade_connection(connection: Connection) -> None:
    """As :func:`upgrade`, in one transaction on ``connection``, which is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if check(connection) != REVISIONS[-1]:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    connection.commit()


def revision(connection: Connection) -> str | None:
    """The revision the database is at, None when it holds no schema of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def check(connection: Connection) -> str | None:
    """:func:`revision`, refusing a database newer than this program (StoreError ``schema-newer``)."""
    found = revision(connection)
    if found is not None and found not in REVISIONS:
        raise StoreError(
            f"La base de données est plus récente que ce programme : version {found}, connue jusqu'à {REVISIONS[-1]}.",
            hint="Installer la version du programme qui l'a mise à jour, ou restaurer une sauvegarde plus ancienne.",
            code="schema-newer",
        )
    return found


def require_current(connection: Connection) -> None:
    """Raise StoreError ``schema-older`` or ``schema-missing`` unless the schema is the one this program needs."""
    found = check(connection)
    if found is None:
        raise StoreError(
            "La base de données est vide.", hint="« dispatcher upgrade » en crée les tables.", code="schema-missing"
        )
    if found != REVISIONS[-1]:
        raise StoreError(
            f"La base de données est en version {found} ; ce programme attend {REVISIONS[-1]}.",
            hint="Faire une sauvegarde, puis « dispatcher upgrade ».",
            code="schema-older",
        )
