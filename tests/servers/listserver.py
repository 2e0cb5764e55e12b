"""A stand-in for the web server of the list of allowed domains: HTTPS on loopback, conditional answers, faults."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

PATH = "/listeblanchemssante.xml"


@dataclass
class ListServer:
    """Use as a context manager; fields may be changed while it runs."""

    tls: Path
    """PEM with chain and key."""
    content: bytes = b""
    etag: str = ""
    status: int = 200
    location: str = ""
    """With a status of 3xx: where to."""
    cut: int | None = None
    """Break the line after that many bytes."""
    endless: bool = False
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers (lower case) of every request."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.tls)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}{PATH}"


def _handler(server: ListServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            with suppress(OSError):
                self._answer()

        def _answer(self) -> None:
            status = server.status if self.path == PATH else 200
            if status == 200 and server.etag and self.headers.get("If-None-Match") == server.etag:
                status = 304
            body = server.content if status == 200 else b""
            self.send_response(status)
            if 300 < status < 400 and status != 304:
                self.send_header("Location", server.location)
            if status in {200, 304} and server.etag:
                self.send_header("ETag", server.etag)
            if server.endless:
                self.send_header("Connection", "close")
                self.end_headers()
                while True:
                    self.wfile.write(b" " * 1_000_000)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: server.cut])
            if server.cut is not None:
                self.wfile.flush()
                time.sleep(0.05)
                self.connection.shutdown(socket.SHUT_RDWR)

    return Handler
