"""The store under contract: the same tests on SQLite and on PostgreSQL, each with a database of its own."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.ports import Cipher
from dispatcher.store.engine import SqlStore, open_store
from dispatcher.store.tables import GENESIS, metadata
from tests.contract.store_kit import Database, Seed, make_cipher
from tests.servers.postgresql import PostgreSql, postgresql


@pytest.fixture
def cipher() -> Cipher:
    return make_cipher()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSql]:
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: PostgreSql) -> str:
    """A database with the schema in it, emptied before each test: much faster than making one."""
    name = postgresql_server.create()
    open_store(postgresql_server.url(name), make_cipher(), FrozenClock()).close()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.sqlite3"
    open_store(f"sqlite:///{path}", make_cipher(), FrozenClock()).close()
    return path


_EMPTY = "; ".join(
    [
        "SET session_replication_role = replica",  # past the triggers that keep the journal
        *(f"DELETE FROM {table.name}" for table in metadata.sorted_tables),
        f"INSERT INTO journal_head (id, number, digest) VALUES (1, 0, '{GENESIS}')",
    ]
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the schema, on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "store.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield Database(engine="sqlite", url=f"sqlite:///{path}")
        return
    server: PostgreSql = request.getfixturevalue("postgresql_server")
    name: str = request.getfixturevalue("postgresql_database")
    server.run(_EMPTY, name)
    yield Database(engine="postgresql", url=server.url(name), server=server, name=name)


@pytest.fixture
def store(database: Database, cipher: Cipher, clock: FrozenClock) -> Iterator[SqlStore]:
    opened = database.open(cipher, clock)
    yield opened
    opened.close()


@pytest.fixture
def seed(store: SqlStore, clock: FrozenClock) -> Seed:
    return Seed(store, clock)


@pytest.fixture
def raw(database: Database) -> Callable[[str], list[Any]]:
    """Runs one statement past the store, as somebody with the database's password would."""

    def run(statement: str) -> list[Any]:
        if database.server is not None:
            return database.server.run(statement, database.name)
        connection = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    return run
