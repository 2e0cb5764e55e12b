"""A bench per test, and a watch over everything the tests make the program write: no patient anywhere in clear."""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.store.engine import open_store
from tests.contract.store_kit import make_cipher
from tests.servers.postgresql import PostgreSql, postgresql
from tests.service.bench import Bench, Tools
from tests.service.samples import SECRETS

_SECRET = re.compile("|".join(re.escape(text) for text in SECRETS), re.IGNORECASE)

_DIGEST = re.compile(r"[0-9a-f]{40,}")
"""Among a million of them some hold the eight digits of a birth date by chance."""


def tells(text: str) -> bool:
    return _SECRET.search(_DIGEST.sub("", text)) is not None


class Watch(logging.Handler):
    """Reads every log record with its trace, at every level, of every library."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.name.startswith("dispatcher"):
            self.records.append(record)
        if tells(text):
            self.leaks.append(f"{record.name}: {record.msg}")

    @property
    def text(self) -> str:
        return "\n".join(self.format(record) for record in self.records)


@pytest.fixture(autouse=True)
def watch() -> Iterator[Watch]:
    """No test may make any logger say a name, a birth date, a number or a result of the sample patients."""
    handler, root = Watch(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)
    assert handler.leaks == []


@pytest.fixture(scope="session")
def fast_folder() -> Iterator[Path]:
    """In memory where there is such a folder: the tests commit thousands of times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="service-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def tools(fast_folder: Path) -> Iterator[Tools]:
    made = Tools(fast_folder)
    yield made
    made.close()


@pytest.fixture
def bench(tools: Tools, fast_folder: Path) -> Iterator[Bench]:
    folder = Path(tempfile.mkdtemp(dir=fast_folder))
    made = Bench(tools, folder)
    yield made
    made.close()
    leaks = index_leaks(made.database)
    shutil.rmtree(folder)
    assert leaks == []


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSql]:
    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on each engine."""
    if request.param == "sqlite":
        yield bench
        return
    running: PostgreSql = request.getfixturevalue("server")
    first = bench.real
    bench.real = open_store(running.url(running.create()), make_cipher(), bench.clock)
    bench.use(bench.real)
    yield bench
    bench.real.close()
    bench.real = first


def index_leaks(database: Path) -> list[str]:
    """Columns of the index tables (all but payloads) that hold a secret of the sample patients."""
    with sqlite3.connect(database) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = []
        for table in names:
            if table == "payloads":
                continue
            cursor = connection.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    if tells(text) or tells(text.encode("latin-1", "replace").decode("utf-8", "replace")):
                        found.append(f"{table}.{column}")
    connection.close()
    return sorted(set(found))
