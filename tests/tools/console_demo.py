"""``python -m tests.tools.console_demo [--port 8741] [--keep DIR]``: the console on the store of a demo.

Whoever opens it is alice, who may do everything.
Development only: it is no part of the program.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher import wiring
from dispatcher.cli.demo import play
from dispatcher.cli.status_alarms import gathered
from dispatcher.console.app import build
from dispatcher.console.serve import Serving
from dispatcher.settings import ConsoleSettings, load
from tests.console.kit import FakeAccounts


class Alice:
    """Signs everybody in as alice."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            cookies = [value for name, value in scope["headers"] if name == b"cookie"]
            others = [pair for pair in scope["headers"] if pair[0] != b"cookie"]
            scope = {**scope, "headers": [*others, (b"cookie", b"; ".join([b"session=alice", *cookies]))]}
        await self._app(scope, receive, send)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8741)
    parser.add_argument("--keep", type=Path, help="folder of a demo: used when it is there, made when not")
    wanted = parser.parse_args()
    folder = (wanted.keep or Path(tempfile.mkdtemp(prefix="console-demo-"))).resolve()
    if not (folder / "dispatcher.toml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        play(folder, print)
    office = wiring.build(load(folder / "dispatcher.toml"))
    application = build(office, FakeAccounts(), gathered)
    found = Serving(Alice(application), ConsoleSettings(port=wanted.port))
    print(found.url, flush=True)
    try:
        found.run()
    finally:
        office.close()


if __name__ == "__main__":
    main()
