"""The SMTP line itself: the standard library's client with what it lacks.

TCP_NODELAY (without it a TLS connection waits 40 ms for every mail, measured), several commands in one write where
the server allows (RFC 2920), the message sent in pieces so that the time limit counts per piece, and the final dot
sent alone: before it nothing can have been accepted, after it anything can.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
import weakref

from dispatcher.transport.transcript import Transcript

PIECE = 65_536
"""Bytes of the message per write."""


class Wire(smtplib.SMTP):
    """One connection. Raises what ``smtplib`` raises."""

    def __init__(
        self, *, local_name: str, timeout: float, tls: ssl.SSLContext | None, implicit: bool, server_name: str
    ) -> None:
        super().__init__(local_hostname=local_name, timeout=timeout)
        self._tls = tls
        self._implicit = implicit
        self._server_name = server_name
        self.transcript = Transcript()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Called by ``connect``; implicit TLS starts here."""
        line = socket.create_connection((host, port), timeout)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._implicit and self._tls is not None:
            try:
                secured = self._tls.wrap_socket(line, server_hostname=self._server_name)
            except OSError:
                line.close()
                raise
            self.transcript.tls(secured)
            return secured
        return line

    def start_tls(self) -> None:
        """STARTTLS with our context, the certificate checked against the configured name."""
        self._host = self._server_name
        self.starttls(context=self._tls)
        if isinstance(self.sock, ssl.SSLSocket):
            self.transcript.tls(self.sock)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Every command of the library itself."""
        self.transcript.client(f"{cmd} {args}".strip())
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        """Every reply."""
        code, text = super().getreply()
        self.transcript.server(code, text.decode("utf-8", errors="replace"))
        return code, text

    def tell(self, *commands: str) -> None:
        """Send commands in one write; the caller fetches as many replies."""
        for command in commands:
            self.transcript.client(command)
        self.send("".join(f"{command}\r\n" for command in commands).encode("utf-8"))

    def answer(self) -> tuple[int, str]:
        """The next reply, text as one line per reply line."""
        code, text = self.getreply()
        return code, text.decode("utf-8", errors="replace")

    def send_message_bytes(self, content: bytes) -> None:
        """Everything but the final dot: lines ended by CRLF, leading dots doubled (RFC 5321 §4.5.2)."""
        if content.count(b"\n") != content.count(b"\r\n") or content.count(b"\r") != content.count(b"\r\n"):
            content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
        content = re.sub(rb"(?m)^\.", b"..", content)
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        for start in range(0, len(content), PIECE):
            self.send(content[start : start + PIECE])
        self.transcript.remark(f"message transmis ({len(content)} octets)")

    def spoke_early(self) -> bool:
        """Whether the server answered or hung up before the final dot; the line is of no use then.

        Asked right before the dot: what is already lost is then known to be lost, not « perhaps accepted ».
        """
        if self.sock is None:
            return True
        limit = self.sock.gettimeout()
        try:
            self.sock.setblocking(False)
            if not (self.file and self.file.peek(1)):  # what came in one piece with the answer before
                self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.sock.settimeout(limit)
            return False
        except OSError:
            pass
        return True

    def send_dot(self) -> None:
        """The final dot. From here on the outcome is the server's."""
        self.transcript.remark("point final")
        self.send(b".\r\n")

    def set_time_limit(self, seconds: float) -> None:
        """Change the time limit of every further read and write."""
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def cut(self) -> None:
        """Break the line under a thread that waits on it; that thread gets an error and closes. Never raises.

        Below TLS, on purpose: a goodbye of TLS would wait for the other side.
        """
        line = self.sock
        if line is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close without a word; never raises."""
        try:
            super().close()
        except OSError:
            self.sock = None


class OpenLines:
    """The lines of one channel, so that a stop can break them. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wires: weakref.WeakSet[Wire] = weakref.WeakSet()

    def add(self, wire: Wire) -> None:
        """Remember it as long as it lives."""
        with self._lock:
            self._wires.add(wire)

    def cut(self) -> None:
        """Break them all."""
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.cut()
