"""A copy of the database at one moment while others write, and what such a copy says of itself.

SQLite: ``Connection.backup`` in one step, which reads one snapshot of the WAL and stops no writer. PostgreSQL: a
snapshot (``pg_export_snapshot``) that ``pg_dump`` is started on, so that what we count is what it writes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.errors import StoreError
from dispatcher.store import faults, schema
from dispatcher.store.connect import make_engine, parse_url, reading_engine

PAUSED_SQL = (
    "INSERT INTO public.pace (scope, paused, pause_reason) VALUES ('all', true, '{reason}') ON CONFLICT (scope) "
    "DO UPDATE SET paused = true, paused_until = NULL, pause_reason = excluded.pause_reason;\n"
)
"""Goes into the transaction that fills a PostgreSQL database: a service that starts meanwhile finds it paused."""
ASIDE = "avant_restauration_"
"""Schemas of PostgreSQL that earlier restores moved aside; no backup holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a copy holds."""

    revision: str
    number: int
    """Of the last line of the journal."""
    digest: str
    keys: tuple[str, ...]
    """Ids of the master keys that its payloads and second factors were encrypted with."""
    dispatches: dict[str, int]
    files: dict[str, int]
    """How many, by state."""


def sqlite_file(url: str, folder: Path) -> Path | None:
    """Where the database is; None when it is PostgreSQL."""
    parsed = parse_url(url, folder)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def libpq(url: str) -> tuple[str, dict[str, str]]:
    """For PostgreSQL's own programs: a connection string without password, and the environment that carries it."""
    parsed = parse_url(url)
    password = parsed.password or parsed.query.get("password")
    rest = {name: value for name, value in parsed.query.items() if name != "password"}
    bare = URL.create("postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database, rest)
    secret = {"PGPASSWORD": str(password)} if password else {}
    return bare.render_as_string(hide_password=False), secret


def copy_sqlite(source: Path, target: Path) -> Facts:
    """A whole copy in one file, checked and flushed. Raises :class:`StoreError`: disk full, damaged …"""
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as old:
            target.touch(mode=0o600)
            with closing(sqlite3.connect(target)) as new:
                old.backup(new)
        found = facts_of(f"sqlite:///{target}")
        with closing(sqlite3.connect(target)) as new:
            new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            verdict = str(new.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        raise faults.translate_sqlite(error) from error
    if verdict != "ok":
        raise faults.fault(faults.CORRUPT)
    flush(target)
    return found


def facts_of(url: str) -> Facts:
    """What the database at ``url`` holds; nothing is changed. Raises :class:`StoreError`."""
    with snapshot(url) as (_, found):
        return found


@contextmanager
def snapshot(url: str, folder: Path | None = None) -> Iterator[tuple[str, Facts]]:
    """One moment of the database, held open: its name for ``pg_dump`` (empty on SQLite) and what it holds."""
    engine = make_engine(parse_url(url, folder), create=False)
    try:
        options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        with reading_engine(engine).connect().execution_options(**options) as connection:
            name = ""
            if options:
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                name = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())
            yield name, _facts(connection)
    except SQLAlchemyError as error:
        raise faults.translate(error) from error
    finally:
        engine.dispose()


def _facts(connection: Connection) -> Facts:
    def counts(table: str) -> dict[str, int]:
        rows = connection.execute(text(f"SELECT state, COUNT(*) FROM {table} GROUP BY state ORDER BY state"))  # noqa: S608
        return {str(state): int(count) for state, count in rows}

    if schema.check(connection) is None:
        schema.require_current(connection)
    number, digest = connection.execute(text("SELECT number, digest FROM journal_head WHERE id = 1")).one()
    used = "SELECT DISTINCT key_id FROM payloads"
    if inspect(connection).has_table("accounts"):  # since revision 0004
        used += " UNION SELECT totp_key FROM accounts WHERE totp_key <> ''"
    keys = connection.execute(text(f"{used} ORDER BY 1")).scalars()
    return Facts(
        revision=schema.revision(connection) or "",
        number=number,
        digest=digest,
        keys=tuple(map(str, keys)),
        dispatches=counts("dispatches"),
        files=counts("files"),
    )


def is_empty(url: str) -> bool:
    """A PostgreSQL database without a table of ours."""
    try:
        return schema.standing(url) is None
    except StoreError as error:
        if error.code == "schema-newer":
            return False
        raise


def move_schema_aside(url: str, stamp: str) -> str:
    """Every table and function of PostgreSQL's ``public`` goes to a schema of its own; gives its name."""
    aside = f"{ASIDE}{stamp.lower()}"
    engine = make_engine(parse_url(url), create=False)
    tables = "SELECT format('ALTER TABLE public.%I SET SCHEMA ', tablename) FROM pg_tables WHERE schemaname = 'public'"
    functions = (
        "SELECT format('ALTER FUNCTION %s SET SCHEMA ', p.oid::regprocedure) FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public' WHERE NOT EXISTS "
        "(SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
    )
    try:
        with engine.begin() as connection:
            connection.execute(text(f'CREATE SCHEMA "{aside}"'))
            for query in (tables, functions):
                for command in list(connection.execute(text(query)).scalars()):
                    connection.exec_driver_sql(f'{command}"{aside}"'.replace("%", "%%"))
    except SQLAlchemyError as error:
        raise faults.translate(error) from error
    finally:
        engine.dispose()
    return aside


def put_in_place(new: Path, target: Path, stamp: str) -> Path | None:
    """The SQLite file ``new`` becomes ``target``; what stood there is kept beside it, whose name is given."""
    flush(new)
    aside = None
    if target.exists():
        aside = target.with_name(f"{target.name}.avant-{stamp}")
        try:
            os.link(target, aside)  # at no moment is there no database: a service that starts would make an empty one
        except OSError:
            shutil.copy2(target, aside)
    for end in ("-wal", "-shm"):
        rest = target.with_name(target.name + end)
        if rest.exists():
            rest.replace(rest.with_name(f"{aside.name}{end}" if aside else f"{rest.name}.avant-{stamp}"))
    new.replace(target)
    flush(target.parent)
    return aside


def flush(path: Path) -> None:
    """A file, or the names in a folder, written through to the disk."""
    with suppress(PermissionError):  # a folder on Windows
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
