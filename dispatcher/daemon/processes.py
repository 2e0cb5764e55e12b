"""Does the process that once wrote its mark into the database still run? Told only where it can be told for sure.

A number alone says little: it is given again, after a restart of the machine and in each container. The mark names the
run of the machine (boot id), the table of processes (its pid namespace) and the moment the process started. Where one
of the first two differs, or the system has no such things (Windows, macOS), the answer is « unknown ».
"""

from __future__ import annotations

import os
from pathlib import Path

from dispatcher.clock import SystemClock

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""Where they stand in ``/proc/PID/stat`` behind the name of the program, which may hold anything (proc(5))."""
_DEAD = {"Z", "X"}


def mark(number: int | str = "self") -> str:
    """Of this process, or of another that this one sees; empty where the system does not tell."""
    try:
        table = (_PROC / "self/ns/pid").readlink()
        state, started = _stat(number)
    except (OSError, ValueError, IndexError):
        return ""
    return "" if state in _DEAD else f"{SystemClock().boot()[0]} {table} {started}"


def runs(number: int, its_mark: str) -> bool | None:
    """Whether the process of that number and mark runs; None: it cannot be told from here."""
    place = its_mark.rpartition(" ")[0]
    if not place or mark().rpartition(" ")[0] != place:
        return None
    found = mark(number)
    if found:
        return found == its_mark
    return None if _hidden(number) else False


def _stat(number: int | str) -> tuple[str, str]:
    words = (_PROC / str(number) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return words[_STATE], words[_STARTED]


def _hidden(number: int) -> bool:
    """It is there, and only its entry is kept from us (mount option ``hidepid``); not so a dead one not yet buried."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not (_PROC / str(number)).exists()
