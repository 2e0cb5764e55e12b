"""A private PostgreSQL: one cluster, one database per test (``with postgresql() as server``)."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.needs import missing, needs_program
from tests.servers.process import free_port, open_folder, running

PACKAGE = "postgresql"
LOOPBACK = "127.0.0.1"


def program(name: str) -> str:
    """Debian keeps the server's programs out of PATH, one folder a version; the newest is taken."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return next((str(f / name) for f in folders if (f / name).exists()), name)


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        missing("psycopg missing: pip install 'dispatcher-labo[postgresql]'")
    return psycopg


class PostgreSql:
    """A running cluster. ``url(name)`` is what the store is given."""

    def __init__(self, folder: Path, port: int, fsync: bool, prefix: Sequence[str] = (), host: str = LOOPBACK) -> None:
        self.folder, self.port, self._fsync = folder, port, fsync
        self._prefix, self._host = prefix, host
        self._stack = ExitStack()
        self.pid = 0

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def url_from(self, host: str, port: int, database: str) -> str:
        """As :meth:`url`, for somebody who reaches the server under another address."""
        return f"postgresql+psycopg://postgres@{host}:{port}/{database}"

    def local_url(self, database: str) -> str:
        """By the UNIX socket, which no network concerns."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}&port={self.port}"

    def run(self, statement: str, database: str = "postgres", params: Sequence[Any] | None = None) -> list[Any]:
        """One statement, on its own, through the UNIX socket; its rows, if it has any."""
        psycopg = _driver()
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname=database, autocommit=True, connect_timeout=5
        ) as connection:
            cursor = connection.execute(statement, params)
            return list(cursor.fetchall()) if cursor.description else []

    def create(self, template: str = "template1") -> str:
        """A new database, copied from ``template``; gives its name."""
        name = "t" + secrets.token_hex(6)
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def cut_clients(self, database: str) -> None:
        """End every connection to ``database``, as a failing network would; the server goes on."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", params=[database])

    def start(self) -> None:
        """Start the server, after :meth:`crash` too: an old backend may hold the memory for a moment."""
        command = [
            *self._prefix,
            *_as_server(),
            program("postgres"),
            *("-D", str(self.folder / "data")),
            *("-c", f"port={self.port}", "-c", f"listen_addresses={self._host}"),
            *("-c", f"unix_socket_directories={self.folder}", "-c", f"fsync={'on' if self._fsync else 'off'}"),
            *("-c", "max_connections=100", "-c", "logging_collector=off"),
        ]
        self.pid = self._stack.enter_context(running(command, self.folder / "log" / "postgres.log", self._ready))

    def stop(self) -> None:
        self._stack.close()

    def restart(self) -> None:
        """As an administrator would: open transactions are broken off, what was committed stays."""
        os.kill(self.pid, signal.SIGINT)
        with suppress(ProcessLookupError):
            for _ in range(500):
                os.kill(self.pid, 0)
                if Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                    break
                time.sleep(0.02)
        self._stack.close()
        self.start()

    def crash(self) -> None:
        """Kill the server as a power cut would."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._stack.close()
        time.sleep(0.3)

    def _ready(self) -> bool:
        with suppress(_driver().OperationalError):
            self.run("SELECT 1")
            return True
        return False


def _as_server() -> list[str]:
    """PostgreSQL refuses to run as root: give up the rights of root for the server alone."""
    clean = ["env", "-i", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"]
    if os.geteuid() != 0:
        return clean
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *clean]


@contextmanager
def postgresql(*, fsync: bool = False, prefix: Sequence[str] = (), host: str = LOOPBACK) -> Iterator[PostgreSql]:
    """A cluster in a folder of its own. ``fsync`` on for crash tests. Skips (fails under CI) when not installed.

    ``prefix``, ``host``: in another network namespace, and where it listens there; that whole /24 may come in.
    """
    _driver()
    needs_program(program("initdb"), PACKAGE)
    if os.geteuid() == 0:
        needs_program("setpriv", "util-linux")
    with open_folder() as folder:
        (folder / "log").mkdir()
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "-N")
        made = subprocess.run(
            [*_as_server(), program("initdb"), "-D", str(folder / "data"), *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert made.returncode == 0, made.stderr[-2000:]
        if host != LOOPBACK:
            with (folder / "data" / "pg_hba.conf").open("a", encoding="ascii") as rules:
                rules.write(f"host all all {host.rsplit('.', 1)[0]}.0/24 trust\n")
        server = PostgreSql(folder, free_port(), fsync, prefix, host)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder / "data", ignore_errors=True)
