"""A process that has imported the whole program and forks services from it: a start without seconds of imports.

What runs in the fork is the installed command's own entry, in a process group of its own. It also looks at a database
nobody has open, and ends without closing it: so the next service finds the log of writes as the kill left it.

Spoken to by lines of JSON on its standard input, one answer a line: ``start``, ``poll``, ``wait``, ``look``.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.crash.looking import look

CHILD_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` of prctl(2): worker processes whose parent was killed become ours, to be waited for."""


def preload() -> None:
    """Everything a service imports, now or later."""
    import dispatcher

    for module in pkgutil.walk_packages(dispatcher.__path__, "dispatcher."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:  # Alembic runs those itself
            importlib.import_module(module.name)
    for name in (
        "psycopg",
        "sqlalchemy.dialects.sqlite",
        "sqlalchemy.dialects.postgresql.psycopg",
        "dispatcher.__main__",
    ):
        importlib.import_module(name)
    gc.freeze()


def serve(command: list[str], log: Path) -> None:
    """In the fork: what ``python -m dispatcher`` would do. Never returns."""
    from dispatcher.cli.main import main
    from dispatcher.daemon import membership

    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    membership.TOKEN = os.urandom(4).hex()  # drawn when that module was imported, which was in the parent
    sys.modules["__main__"] = sys.modules["dispatcher.__main__"]  # what worker processes are told to import
    sys.argv = ["dispatcher", *command]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def reap(wanted: int, wait: bool) -> int | None:
    """Exit code of ``wanted`` once it ended; with ``wait`` until none of its group is left."""
    found: int | None = None
    while True:
        try:
            pid, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == wanted:
            found = os.waitstatus_to_exitcode(status)


def in_child(work: Any) -> str:
    """What ``work()`` gives, as JSON, done by a fork that ends like a killed process."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with os.fdopen(write, "w") as out:
                json.dump(work(), out)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return text


def main() -> None:
    """Answer until the input ends."""
    ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    preload()
    print("null", file=answers)
    pid, code = 0, None
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "start":
            code, pid = None, os.fork()
            if pid == 0:
                serve(asked["command"], Path(asked["log"]))
            print(pid, file=answers)
        elif asked["do"] == "look":
            print(in_child(lambda url=asked["url"]: look(url)), file=answers)
        else:
            ended = reap(pid, asked["do"] == "wait")
            code = ended if ended is not None else code
            print(json.dumps(code), file=answers)
    if pid:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
