"""An operator that takes every mail and keeps none: the far end of a measurement, in a process of its own.

Real SMTP dialogue (EHLO, STARTTLS with a client certificate, PIPELINING, SIZE, 8BITMIME), one thread a connection, and
nothing else, so that what is measured is the sender. ``python -m tests.benchmarks.sink PKI`` prints its port, then for
every line on standard input how many mails it has taken.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path

from dispatcher.sandbox.pki import SandboxPki

PIECE = 1 << 18
"""Bytes asked for at once."""
HELLO = b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 26214400\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
REPLIES = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
}


class Sink:
    """Listens on a free loopback port; counts what it has accepted."""

    def __init__(self, pki: Path) -> None:
        self._tls = SandboxPki(pki).server_context(require_client=True)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.count = 0
        self.port = int(self._listening.getsockname()[1])

    def serve(self) -> None:
        """Until the process ends."""
        while True:
            line, _ = self._listening.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            line.sendall(b"220 sink.test ESMTP\r\n")
            self._commands(line, secure=False)

    def _commands(self, line: socket.socket, *, secure: bool) -> None:
        pending = b""
        while True:
            while b"\r\n" not in pending:
                piece = line.recv(PIECE)
                if not piece:
                    return
                pending += piece
            command, _, pending = pending.partition(b"\r\n")
            verb = command[:4].upper()
            if verb == b"STAR" and not secure:
                line.sendall(b"220 2.0.0 Ready\r\n")
                with self._tls.wrap_socket(line, server_side=True) as inside:
                    self._commands(inside, secure=True)
                return
            if verb == b"DATA":
                line.sendall(b"354 Go on\r\n")
                pending = self._swallow(line, pending)
                with self._lock:
                    self.count += 1
                line.sendall(b"250 2.0.0 Ok: queued\r\n")
            elif verb == b"QUIT":
                line.sendall(b"221 2.0.0 Bye\r\n")
                return
            elif verb == b"EHLO":
                line.sendall(HELLO + (b"250 DSN\r\n" if secure else b"250 STARTTLS\r\n"))
            else:
                line.sendall(REPLIES.get(verb, b"500 5.5.2 What?\r\n"))

    @staticmethod
    def _swallow(line: socket.socket, pending: bytes) -> bytes:
        """Read to the final dot; gives what came after it."""
        while b"\r\n.\r\n" not in pending:
            piece = line.recv(PIECE)
            if not piece:
                raise ConnectionError
            pending = pending[-4:] + piece
        return pending.partition(b"\r\n.\r\n")[2]


def main() -> None:
    sink = Sink(Path(sys.argv[1]))
    threading.Thread(target=sink.serve, daemon=True).start()
    print(sink.port, flush=True)
    for _ in sys.stdin:
        print(sink.count, flush=True)


if __name__ == "__main__":
    main()
