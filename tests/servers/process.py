"""Private instances of real servers: free ports, folders other users can enter, start, readiness, stop by process id.

A missing server skips with its name and the package to install; under ``CI`` it is a failure (``tests/needs.py``).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def free_port() -> int:
    """A free loopback port (free when asked)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def open_folder() -> Iterator[Path]:
    """A short folder that servers running as other users can enter (pytest's own is 0700)."""
    folder = Path(tempfile.mkdtemp(prefix="disp-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def greeting(port: int, expected: bytes) -> Callable[[], bool]:
    """Ready when a connection is greeted with ``expected``."""

    def ready() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
            link.settimeout(1)
            return link.recv(200).startswith(expected)
        return False

    return ready


@contextmanager
def running(command: Sequence[str], log: Path, ready: Callable[[], bool], *, patience: float = 10) -> Iterator[int]:
    """Start in the foreground, wait until ready, stop by pid; gives the pid."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + patience
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
