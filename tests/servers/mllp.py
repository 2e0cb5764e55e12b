"""An MLLP server on loopback, as a LIS has one: takes HL7 messages and acknowledges them, or misbehaves when told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType

START, END = b"\x0b", b"\x1c\x0d"


class MllpServer:
    """``mode`` may be changed while it runs:

    ``AA``, ``AE``, ``AR``… : that acknowledgement; ``hang``: nothing; ``drip``: a byte now and then, never an end;
    ``cut``: takes the message and closes; ``cut-early``: closes at the first bytes; ``close-after``: acknowledges, then
    closes; ``garbage``: bytes that are no acknowledgement; ``split``: the acknowledgement byte by byte.
    """

    def __init__(self, mode: str = "AA", tls: ssl.SSLContext | None = None) -> None:
        self.mode = mode
        self.taken: list[str] = []
        """Control ids of whole messages, in the order of their coming."""
        self.messages: list[str] = []
        self.connections = 0
        self.reached = threading.Event()
        """A whole message came."""
        self._tls = tls
        self._end = threading.Event()
        self._lines: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> MllpServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._end.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _listen(self) -> None:
        while not self._end.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        self._lines.add(line)
        with contextlib.suppress(OSError), line:
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
                self._lines.add(line)
            with line:
                self._talk(line)

    def _talk(self, line: socket.socket) -> None:
        held = b""
        while piece := line.recv(65_536):
            if self.mode == "cut-early":
                return
            held += piece
            while END in held:
                message, _, held = held.partition(END)
                if not self._answer(line, message.removeprefix(START).decode()):
                    return

    def _answer(self, line: socket.socket, text: str) -> bool:
        control = text.split("\r", 1)[0].split("|")[9]
        self.taken.append(control)
        self.messages.append(text)
        self.reached.set()
        mode = self.mode
        if mode == "cut":
            return False
        if mode in {"hang", "drip"}:
            while not self._end.wait(0.05):
                if mode == "drip":
                    line.sendall(b".")
            return False
        if mode == "garbage":
            line.sendall(START + b"bonjour" + END)
            return True
        code = mode if len(mode) == 2 else "AA"
        head = "MSH|^~\\&|SIL|LABO|DISP|DISP|20260311100000||ACK|1|P|2.6"
        told = START + f"{head}\rMSA|{code}|{control}\r".encode() + END
        for part in [bytes([byte]) for byte in told] if mode == "split" else [told]:
            line.sendall(part)
        return mode != "close-after"
