"""What is measured must never end what it measures: a disk without room, in a process of its own each time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dispatcher.daemon import measuring

WORKER = """
import os, resource, sys
from dataclasses import dataclass
from types import SimpleNamespace
from dispatcher.daemon import measuring

@dataclass
class Channel:
    transport: object = None

folder, room, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ[measuring.SHARED] = folder
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
seen = []
settings = SimpleNamespace(metrics=SimpleNamespace(port=port))
channels = {f"canal-{number:02}": Channel() for number in range(20)}
office = SimpleNamespace(store=SimpleNamespace(on_commit=seen.append), channels=channels, settings=settings)
measuring.attach_worker(office)
for channel in channels if seen else ():
    for outcome in ("accepted", "permanent", "temporary", "ours", "unknown"):
        measuring._histogram(measuring.HANDOVER).labels(channel, outcome).observe(1.0)
print(len(seen), sum(channel.transport is not None for channel in channels.values()))
"""


def worker(folder: Path, *, room: int = 0, port: int = 9100) -> str:
    """How many watches for commits, and for channels, it set up."""
    command = [sys.executable, "-c", WORKER, str(folder), str(room), str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="files are limited by the rules of POSIX")
def test_without_room_nothing_is_measured(tmp_path: Path) -> None:
    assert worker(tmp_path, room=70_000) == "0 0", "the library itself would begin with 64 kB, and ask for more later"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="blocks are counted by POSIX")
def test_the_file_has_its_room_before_the_first_number(tmp_path: Path) -> None:
    assert worker(tmp_path) == "1 20"
    (file,) = tmp_path.iterdir()
    found = file.stat()
    assert found.st_blocks * 512 >= found.st_size
    used = int.from_bytes(file.read_bytes()[:4], sys.byteorder)
    assert 64 * 1024 < used < found.st_size
    assert found.st_size == 1024 * (15 + 20 * 5 * 13), "never made longer"


def test_no_process_measures_unless_the_settings_want_it(tmp_path: Path) -> None:
    """The folder may stand in the environment for another program."""
    assert worker(tmp_path, port=0) == "0 0"
    assert list(tmp_path.iterdir()) == []


def test_no_folder_for_it_stops_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with measuring.begun(3) as able:
        assert not able
