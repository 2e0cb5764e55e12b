"""The sandbox operator as a process in the hub of a test's network: ``python -m tests.servers.hub_operator``.

Arguments: folder, address, port. The program's own sandbox listens on loopback only, since its keys are public; a hub
is a network that nobody else reaches. A file ``hold`` in the folder holds every final dot back for as long as it is
there; ``held`` tells how many mails wait for their answer.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from dispatcher.sandbox import smtp_server
from dispatcher.sandbox.operator import SandboxOperator


class HeldDots:
    """Stands before the handler that keeps mails and answers."""

    def __init__(self, folder: Path) -> None:
        self.hold, self.held = folder / "hold", folder / "held"
        self.waiting = 0
        self.answer = smtp_server.Handler.handle_DATA

    async def handle(self, handler: Any, server: Any, session: Any, envelope: Any) -> str:
        self._count(1)
        try:
            while self.hold.exists():
                await asyncio.sleep(0.02)
        finally:
            self._count(-1)
        return str(await self.answer(handler, server, session, envelope))

    def _count(self, change: int) -> None:
        self.waiting += change
        part = self.held.with_suffix(".part")
        part.write_text(str(self.waiting), encoding="ascii")
        part.replace(self.held)


def main(folder: Path, host: str, port: int) -> None:
    """Until SIGTERM."""
    dots = HeldDots(folder)
    smtp_server.Handler.handle_DATA = lambda *given: dots.handle(*given)  # type: ignore  # noqa: PLW0108, PGH003
    operator = SandboxOperator(folder, port=port, notice_delay=0.05)
    operator.host = host
    operator.start()
    print("listening", flush=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    operator.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
