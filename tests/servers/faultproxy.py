"""A TCP proxy on loopback that loses things on purpose. Threads, no dependency; switches work while lines are open.

*Up* is towards the server. A broken line is reset (RST) unless ``reset`` is off, then it ends by FIN.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass(eq=False)
class _Line:
    """One connection: the client's socket, the server's, and whether the server's answers still pass."""

    client: socket.socket
    server: socket.socket
    mute: bool = False
    passed: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    tail: bytes = b""


class FaultProxy:
    """Set the fields, connect to ``port``, look what the client makes of it. Use as a context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.refuse = False
        """Break every new line at once."""
        self.delay = 0.0
        """Seconds before each piece passes, either way."""
        self.blackhole = False
        """Let nothing pass, keep lines open."""
        self.cut_up: int | None = None
        """Break a line after that many bytes towards the server."""
        self.cut_down: int | None = None
        """Break a line after that many bytes towards the client."""
        self.cut_match: bytes | None = None
        """Once these bytes went up, the server gets them, and the line breaks instead of its next answer."""
        self.cut_answer: bytes | None = None
        """Break a line when the server says this, instead of passing it on."""
        self.hold_match: bytes | None = None
        """As ``cut_match``, but the answer is only withheld: the client runs into its time limit."""
        self.reset = True
        self._lines: set[_Line] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._spawn(self._accept)

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def cut(self) -> None:
        """Break every open line now."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            self._break(line)

    def close(self) -> None:
        """Stop listening, break what is open, wait for the threads."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, work, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                self._end(client)
                continue
            try:
                server = socket.create_connection(self.target, 5)
            except OSError:
                self._end(client)
                continue
            for side in (client, server):
                side.settimeout(None)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = _Line(client, server)
            with self._lock:
                self._lines.add(line)
            self._spawn(self._pump, line, "up", client, server)
            self._spawn(self._pump, line, "down", server, client)

    def _pump(self, line: _Line, way: str, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(CHUNK):
                if self.delay:
                    time.sleep(self.delay)
                while self.blackhole and not self._closed.is_set():
                    time.sleep(0.01)
                if not self._pass(line, way, data, sink):
                    break
            else:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        self._break(line)

    def _pass(self, line: _Line, way: str, data: bytes, sink: socket.socket) -> bool:
        """Hand a piece on; False when the line is to be broken."""
        if way == "down" and line.mute:
            return self.hold_match is not None
        if way == "down" and self.cut_answer and self.cut_answer in data:
            sink.sendall(data[: data.index(self.cut_answer)])
            return False
        limit = self.cut_up if way == "up" else self.cut_down
        room = None if limit is None else max(0, limit - line.passed[way])
        if way == "up":
            line.tail = (line.tail + data)[-4096:]
            watched = self.cut_match or self.hold_match
            line.mute = line.mute or bool(watched and watched in line.tail)
        line.passed[way] += len(data)
        sink.sendall(data if room is None else data[:room])
        return room is None or len(data) <= room

    def _break(self, line: _Line) -> None:
        with self._lock:
            self._lines.discard(line)
        self._end(line.client)
        self._end(line.server)

    def _end(self, side: socket.socket) -> None:
        """A plain close would not wake the other thread out of recv: shut down reading first."""
        with contextlib.suppress(OSError):
            if self.reset:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RD if self.reset else socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            side.close()
