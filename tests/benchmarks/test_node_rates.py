"""Several processes and several nodes on one PostgreSQL: files a second and processor time a file (docs/scaling.md).

Run with ``pytest tests/benchmarks/test_node_rates.py -s --files 200``. Nothing here asserts a time. As in
``test_whole_way.py`` (laboratory's PDF supplied) a file is two mails; database and far end run on the same machine, so
a curve flattens where its cores are used up: the processor time a file, by whom, says what more machines would give.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.benchmarks.laboratory import MAILS, ROOT, Laboratory, Sink, laboratory, prepare_keys, sink
from tests.benchmarks.test_whole_way import FEW, PATIENCE, WARM, check, cpu_seconds
from tests.servers.postgresql import PostgreSql, postgresql


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    prepare_keys(folder)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with postgresql(fsync=True) as running:
        yield running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every curve when figures are wanted, else one run of two nodes, so that the script stays right."""
    wanted = metafunc.config.getoption("--files")
    runs = [(1, 1), (1, 2), (1, 4), (2, 1), (3, 1)] if wanted else [(2, 1)]
    metafunc.parametrize(("nodes", "workers"), runs)


def test_nodes(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    keys: Path,
    server: PostgreSql,
    nodes: int,
    workers: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files, url = request.config.getoption("--files") or FEW, server.url(server.create())
    with sink(keys) as far:
        place = laboratory(tmp_path / "labo", keys, far.port, supplied=True, workers=workers, url=url)
        with services(place, nodes) as processes:
            place.drop(range(WARM * nodes))
            wait_for(far, WARM * nodes * MAILS, processes)
            ours = [process.pid for process in processes]
            before, base = cpu_seconds(*ours), cpu_seconds(server.pid)
            begun = time.perf_counter()
            place.drop(range(WARM * nodes, WARM * nodes + files))
            wait_for(far, (WARM * nodes + files) * MAILS, processes)
            seconds = time.perf_counter() - begun
            spent, stored = cpu_seconds(*ours) - before, cpu_seconds(server.pid) - base
    with capsys.disabled():
        print(
            f"\n{nodes} node(s) of {workers} worker(s): {files / seconds:.1f} files/s "
            f"({files * MAILS / seconds:.0f} mails/s); a file: {1000 * spent / files:.1f} ms of ours, "
            f"{1000 * stored / files:.1f} ms of the database; load of the machine {os.getloadavg()[0]:.1f}"
        )
    check(place, WARM * nodes + files)


def wait_for(far: Sink, mails: int, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while far.taken() < mails:
        assert all(process.poll() is None for process in processes), "a service ended"
        assert time.monotonic() < deadline, f"only {far.taken()} of {mails} mails came"
        time.sleep(0.02)


@contextmanager
def services(place: Laboratory, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """``count`` nodes that watch one folder."""
    text = place.config.read_text(encoding="utf-8")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            config = place.folder / f"n{number}.toml"
            config.write_text(text.replace("[service]", f'[service]\nnode = "n{number}"'), encoding="utf-8")
            with (place.folder / f"n{number}.log").open("wb") as log:
                command = [sys.executable, "-m", "dispatcher", "--config", str(config), "run"]
                processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT))
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(40)
