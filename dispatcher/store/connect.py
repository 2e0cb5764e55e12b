"""Opening the database: SQLite and PostgreSQL set up so that a commit means *written*.

SQLite: WAL with ``synchronous=FULL`` (the last commit survives a power cut; NORMAL may lose it, which here is a mail
sent twice), foreign keys, 30 s of patience; what is deleted is overwritten with zeros (docs/adr/0027). The driver's own
transaction handling is switched off; we say
``BEGIN IMMEDIATE`` to write, so that no transaction can fail half-way for want of the write lock, else ``BEGIN``.

PostgreSQL: psycopg 3, read committed. Keep-alives and ``tcp_user_timeout`` on the client's side, without which a node
that is cut off hangs for minutes; and on the server's, without which the locks of a node that was cut off or froze in
the middle of a transaction (the head of the journal among them, which every writer needs) stop all the others.
"""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from dispatcher.errors import StoreError, in_french
from dispatcher.store import faults
from dispatcher.store.turnstile import Turnstile

BUSY_SECONDS = 30.0
"""Patience of a writer with another one."""
READING = "dispatcher_reading"
"""Execution option of the engine that only reads."""

PRAGMAS = (
    *("synchronous=FULL", "foreign_keys=ON", "journal_size_limit=67108864", "temp_store=MEMORY"),
    "secure_delete=ON",
)
"""Of every connection to SQLite."""

KEEPALIVE: dict[str, str] = {
    "connect_timeout": "5",  # seconds
    "keepalives": "1",
    "keepalives_idle": "5",  # seconds
    "keepalives_interval": "2",  # seconds
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",  # milliseconds
}
"""libpq parameters (PostgreSQL manual §34.1.2); one given in the URL stands."""

SESSION = (
    "SET TIME ZONE 'UTC'",
    "SET lock_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '20s'",
    "SET tcp_keepalives_idle = 5",  # seconds
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = '10s'",
)
"""What the server is told of every session (PostgreSQL manual §20.3.2, §20.11.1).

A node that is cut off loses its locks after 11 s, one that stands still (a paused virtual machine) after 20 s: both
before somebody who waits for a lock gives up, and no transaction of ours is silent that long. On a UNIX socket the
server passes over the three about TCP.
"""

_URL_HINT = "Attendu : « sqlite:///dossier/dispatcher.sqlite3 » ou « postgresql+psycopg://utilisateur@serveur/base »."


def parse_url(url: str, folder: Path | None = None) -> URL:
    """The URL of ``[store]``; a relative SQLite path is made absolute under ``folder``. Raises StoreError ``url``."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("Adresse de la base de données illisible.", hint=_URL_HINT, code="url") from error
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise StoreError(f"Base de données « {parsed.drivername} » non prise en charge.", hint=_URL_HINT, code="url")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise StoreError("Une base en mémoire perdrait les envois à l'arrêt.", hint=_URL_HINT, code="url")
    path = Path(parsed.database)
    if not path.is_absolute() and folder is not None:
        path = folder / path
    return parsed.set(drivername="sqlite+pysqlite", database=str(path))


def make_engine(url: URL, *, create: bool) -> Engine:
    """An engine for a URL of :func:`parse_url`. Raises StoreError: file missing, driver missing, no WAL."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, create=create)
    return _postgresql(url)


def reading_engine(engine: Engine) -> Engine:
    """The same pool, for transactions that only read."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(**{READING: True}, postgresql_readonly=True)
    return engine.execution_options(**{READING: True})


# ------------------------------------------------------------------------------------------------ SQLite


def _sqlite(url: URL, *, create: bool) -> Engine:
    path = Path(url.database or "")
    _make_private(path, create=create)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=24,
        pool_use_lifo=True,
        pool_reset_on_return=None,  # the store itself ends every transaction
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "cached_statements": 256},
    )
    event.listen(engine, "connect", _sqlite_connected)
    turnstile = Turnstile(path, BUSY_SECONDS)
    event.listen(engine, "begin", partial(_sqlite_begin, turnstile))
    event.listen(engine, "engine_disposed", lambda _engine: turnstile.close())
    try:
        mode = _switch_to_wal(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise faults.translate(error) from error
    except sqlite3.Error as error:
        engine.dispose()
        raise faults.translate_sqlite(error) from error
    if mode != "wal":
        engine.dispose()
        raise StoreError(
            f"SQLite refuse le mode WAL dans le dossier {path.parent}.",
            hint="Mettre la base sur un disque local : un partage réseau ne convient pas.",
            code="no-wal",
        )
    return engine


def _switch_to_wal(engine: Engine) -> str:
    """Outside any transaction; gives the mode the file is in now."""
    connection = engine.raw_connection()
    try:
        driver: Any = connection.dbapi_connection
        return str(driver.execute("PRAGMA journal_mode=WAL").fetchone()[0])
    finally:
        connection.close()


def _make_private(path: Path, *, create: bool) -> None:
    """The file and its folder, readable by their owner only."""
    if path.exists():
        return
    if not create:
        raise StoreError(
            f"Base de données introuvable : {path}.",
            hint="« dispatcher run » ou « dispatcher init » la créent ; sinon, vérifier « store.url ».",
            code="missing",
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"Impossible de créer la base de données {path} ({in_french(error)}).",
            hint="Vérifier le dossier et ses droits.",
            code=faults.UNAVAILABLE,
        ) from error


def _sqlite_connected(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(turnstile: Turnstile, connection: Connection) -> None:
    """Said to the driver: it opens every transaction."""
    driver: Any = connection.connection.dbapi_connection
    if connection.get_execution_options().get(READING, False):
        driver.execute("BEGIN")
    else:
        turnstile.begin(driver)


# ------------------------------------------------------------------------------------------------ PostgreSQL


def _postgresql(url: URL) -> Engine:
    given = {name for name in url.query if name in KEEPALIVE}
    try:
        engine = create_engine(
            url,
            isolation_level="READ COMMITTED",
            pool_size=10,
            max_overflow=20,
            pool_pre_ping=True,  # a connection that died while idle is no fault of the next caller
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={name: value for name, value in KEEPALIVE.items() if name not in given},
        )
    except ImportError as error:
        raise StoreError(
            "Le pilote PostgreSQL manque.", hint="Installer « dispatcher-labo[postgresql] ».", code="driver"
        ) from error
    event.listen(engine, "connect", _postgresql_connected)
    return engine


def _postgresql_connected(connection: Any, _record: object) -> None:
    """:data:`SESSION`; and a commit is durable."""
    before, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute("; ".join(SESSION))
        if cursor.execute("SHOW synchronous_commit").fetchone()[0] == "off":
            cursor.execute("SET synchronous_commit = on")
    connection.autocommit = before
