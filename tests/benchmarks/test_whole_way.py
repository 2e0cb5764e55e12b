"""The whole way of a file, by the installed service: dropped in its folder until both its mails are accepted.

Run with ``pytest tests/benchmarks/test_whole_way.py -s`` (``--fsync-ms 1``: a disk that takes a millisecond a commit;
``--files N``). Nothing here asserts a time. What is measured stands in :mod:`tests.benchmarks.laboratory`; the far end
is a process of its own on the same machine. Beside it, in the same run: what hl7apy takes to *read* such a file, and
nothing else; and one RSA-3072 signature, of which every file needs two. On a machine that has other work to do,
processor time in signatures is the figure to trust: the neighbours slow both down alike.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hl7apy.parser import parse_message

from dispatcher.outbox.states import FileState, State
from dispatcher.settings import load
from dispatcher.wiring import build
from tests.benchmarks.laboratory import MAILS, ROOT, Laboratory, Sink, laboratory, prepare_keys, sink

WARM = 40
"""Files that go before the measured ones: every worker has then compiled, loaded and connected."""
PATIENCE = 300.0
"""Seconds for all files of a run."""
READ_BY_HL7APY, SIGNATURES = 5, 100
"""Times each yardstick is measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    files: int
    seconds: float
    cpu_ms: float
    """Processor time a file, of the service with its workers and of the far end; only where the system tells."""
    start: float
    """Seconds from the start of the process to the first mail."""

    @property
    def rate(self) -> float:
        return self.files / self.seconds


FEW = 10
"""Files of a run that is no measurement."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    prepare_keys(folder)
    return folder


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("pdf", ["supplied", "rendered"])
def test_whole_way(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    keys: Path,
    pdf: str,
    workers: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files, disk = request.config.getoption("--files") or FEW, request.config.getoption("--fsync-ms")
    with sink(keys) as far:
        place = laboratory(tmp_path / "labo", keys, far.port, supplied=pdf == "supplied", workers=workers)
        measured = run(place, far, files, disk)
    with capsys.disabled():
        print("\n" + told(place, measured, f"{pdf}, {workers} worker(s), fsync +{disk:g} ms"))
    check(place, files + WARM)


def told(place: Laboratory, measured: Measured, what: str) -> str:
    cores = os.cpu_count() or 1
    key = load_pem_private_key((place.folder / "bac-a-sable" / "pki" / "signer.key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    unit = milliseconds(lambda: key.sign(b"report", PKCS1v15(), SHA256()), SIGNATURES)
    other = milliseconds(lambda: parse_message(place.message.decode(), find_groups=False), READ_BY_HL7APY)
    return (
        f"{what}: {measured.rate:.1f} files/s ({measured.rate * MAILS:.0f} mails/s); {measured.cpu_ms:.1f} ms of "
        f"processor a file, far end included ({cores} cores of our own: {cores * 1000 / measured.cpu_ms:.0f} files/s); "
        f"one RSA-3072 signature {unit:.2f} ms, one file read by hl7apy {other:.0f} ms; first mail after "
        f"{measured.start:.1f} s"
    )


def milliseconds(job: Callable[[], object], times: int) -> float:
    """Of processor, each."""
    begun = time.process_time()
    for _ in range(times):
        job()
    return 1000 * (time.process_time() - begun) / times


def run(place: Laboratory, far: Sink, files: int, disk: float) -> Measured:
    """``files`` through a running, warm service."""
    place.drop(range(WARM))
    begun = time.perf_counter()
    with service(place, disk) as process:
        wait_for(far, 1, process)
        start = time.perf_counter() - begun
        wait_for(far, WARM * MAILS, process)
        busy, begun = cpu_seconds(process.pid, far.process.pid), time.perf_counter()
        place.drop(range(WARM, WARM + files))
        wait_for(far, (WARM + files) * MAILS, process)
        seconds = time.perf_counter() - begun
        spent = cpu_seconds(process.pid, far.process.pid) - busy
    return Measured(files, seconds, 1000 * spent / files, start)


def wait_for(far: Sink, mails: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while far.taken() < mails:
        assert process.poll() is None, "the service ended"
        assert time.monotonic() < deadline, f"only {far.taken()} of {mails} mails came"
        time.sleep(0.02)


@contextmanager
def service(place: Laboratory, disk: float) -> Iterator[subprocess.Popen[bytes]]:
    with (place.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.slow_disk", "--config", str(place.config), "run"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "FSYNC_MS": str(disk)},
        )
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)  # it ends within 30 seconds, by itself


def cpu_seconds(*roots: int) -> float:
    """Of these processes and their children, as far as the system tells (Linux)."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        number = int(stat.parent.name)
        parents[number], spent[number] = int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return sum(seconds for number, seconds in spent.items() if {number, parents[number]} & set(roots))


def check(place: Laboratory, files: int) -> None:
    """Every file is done, both its mails are sent."""
    office = build(load(place.config))
    with office.store.reading() as uow:
        assert uow.files.counts()[FileState.DONE] == files
        assert uow.dispatches.counts()[State.SENT] == files * MAILS
    office.close()
