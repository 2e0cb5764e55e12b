"""Whether a process of before still runs, on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dispatcher.daemon import processes

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait(5)


@linux
def test_a_living_process_runs_and_a_killed_one_does_not(sleeper: subprocess.Popen[bytes]) -> None:
    mark = processes.mark(sleeper.pid)
    assert mark and processes.runs(sleeper.pid, mark) is True
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert processes.runs(sleeper.pid, mark) is True, "frozen is not dead"
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.runs(sleeper.pid, mark) is False, "nobody has buried it yet"
    sleeper.wait(5)
    assert processes.runs(sleeper.pid, mark) is False


@linux
def test_a_number_given_again_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    """As in each container, where the service is number 1."""
    place, _, started = processes.mark(sleeper.pid).rpartition(" ")
    assert processes.runs(sleeper.pid, f"{place} {int(started) - 1}") is False


@linux
@pytest.mark.parametrize("part", [0, 1])
def test_of_another_machine_or_container_nothing_is_known(part: int) -> None:
    words = processes.mark().split(" ")
    words[part] += "0"
    assert processes.runs(os.getpid(), " ".join(words)) is None


def test_without_a_mark_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes.runs(os.getpid(), "") is None
    monkeypatch.setattr(processes, "_PROC", processes.Path("/nowhere"))
    assert processes.mark() == "" and processes.runs(os.getpid(), "boot pid:[1] 5") is None


@linux
def test_a_process_that_is_kept_from_us_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``hidepid`` its entry is missing, and it lives."""
    mine = processes.mark()
    monkeypatch.setattr(processes, "mark", lambda number="self": mine if number == "self" else "")
    monkeypatch.setattr(processes.os, "kill", _refused)
    assert processes.runs(1, mine) is None


def _refused(number: int, sign: int) -> None:
    raise PermissionError
