"""Starts services and kills them (-9) at a random moment of their life: start-up, work, shut-down; or one worker."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY = 60.0
"""Seconds a start may take."""
KINDS = {"start": 30, "work": 50, "stop": 17, "workers": 3}
"""How often which moment is drawn. A life with several workers has more kills than one."""


class Mother:
    """The process of ``mother.py``."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.mother"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                bufsize=1,
            )
        self._answer()

    def ask(self, do: str, **more: Any) -> Any:
        """One order, its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks the services is gone"
        return json.loads(line)

    def close(self) -> None:
        """Its input ends: so does the service that still runs, and it."""
        self._process.__exit__(None, None, None)


class Life:
    """One service, from its fork on."""

    def __init__(self, mother: Mother, folder: Path, log: Path, workers: int) -> None:
        self._mother, self.log = mother, log
        self.log.touch()
        self.begun = time.monotonic()
        command = ["-v", "--config", str(folder / "dispatcher.toml"), "run", "--workers", str(workers)]
        self.pid: int = mother.ask("start", command=command, log=str(log))

    def ready(self) -> float:
        """Seconds until it says that it started. Raises AssertionError when it does not."""
        while b"service started" not in self.log.read_bytes():
            assert self.ended() is None and time.monotonic() < self.begun + READY, self.told()
            time.sleep(0.005)
        return time.monotonic() - self.begun

    def ended(self) -> int | None:
        """Its exit code, or None while it lives."""
        code: int | None = self._mother.ask("poll")
        return code

    def ask_to_stop(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> int:
        """kill -9 of the whole group; gives how it ended, 0 when it was already through with its own stop."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # through, or not yet the head of its group
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        code: int = self._mother.ask("wait")
        return code

    def kill_worker(self, chance: random.Random) -> bool:
        """kill -9 of one worker process, if one runs."""
        workers = workers_of(self.pid)
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
        return bool(workers)

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def workers_of(pid: int) -> list[int]:
    """Its worker processes, not the helper that the standard library starts beside them."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return sorted(found)


class Moments:
    """Draws when to kill. The length of a start is learned from those that were let through."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._start = 1.0

    def kind(self) -> str:
        return self._chance.choices(list(KINDS), list(KINDS.values()))[0]

    def kill(self, life: Life, kind: str, at_ready: Callable[[], None]) -> tuple[int, bool]:
        """Live on to the moment, and end it; gives the number of kills and whether it ended by itself before that."""
        if kind == "start":
            time.sleep(self._chance.uniform(0, self._start))
            return 1, life.kill() == 0
        self._start += 0.2 * (life.ready() - self._start)
        at_ready()
        kills = self._workers(life, at_ready) if kind == "workers" else 0
        time.sleep(self._chance.uniform(0, 4 if self._chance.random() < 0.2 else 1))
        if kind == "stop":
            life.ask_to_stop()
            time.sleep(self._chance.uniform(0, 0.8))
        itself = life.kill() == 0
        return kills + (not itself), itself

    def _workers(self, life: Life, look: Callable[[], None]) -> int:
        kills = 0
        for _ in range(4):
            time.sleep(self._chance.uniform(0.5, 3))
            kills += life.kill_worker(self._chance)
            look()
        return kills
