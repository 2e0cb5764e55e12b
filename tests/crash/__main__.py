"""The long kill run: ``python -m tests.crash --kills 1000 --engine sqlite|postgresql``. Exit code 1 on any fault."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.crash.town import Town, stop_quietly, table


def main() -> int:
    """Run, tell, keep the folder when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=0, help="of a run before; 0: a new one")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    asked = parser.parse_args()
    seed = asked.seed or secrets.randbelow(10**9)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    say(f"{asked.kills} kills on {asked.engine}, seed {seed}, in {folder}")
    stop_quietly()
    begun, good = time.monotonic(), False
    try:
        with ExitStack() as closing:
            url = database(asked.engine, folder, closing)
            town = closing.enter_context(Town(folder, url, seed, say))
            good = town.run(asked.kills)
            say(table(town, time.monotonic() - begun))
            for fault in town.truth.faults:
                say(f"FAULT {fault}")
    finally:
        if good and not asked.keep:
            shutil.rmtree(folder)
        else:
            say(f"kept: {folder}")
    return 0 if good else 1


def database(engine: str, folder: Path, closing: ExitStack) -> str:
    """URL of an empty one, that forces its writes to the disk."""
    if engine == "sqlite":
        return "sqlite:///state/dispatcher.sqlite3"
    from tests.servers.postgresql import postgresql

    server = closing.enter_context(postgresql(fsync=True))
    return server.url(server.create())


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
