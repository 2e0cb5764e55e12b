"""A web server on loopback that publishes files as the Annuaire Santé does: HEAD, Content-Disposition, and faults."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Published:
    """One file under one path."""

    content: bytes
    name: str = ""
    """Told in Content-Disposition."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    head: int = 0
    """Status of HEAD, when it is another one."""


class FileServer:
    """Use as a context manager; ``files`` may be changed while it runs."""

    def __init__(self) -> None:
        self.files: dict[str, Published] = {}
        self.asked: list[str] = []
        """``HEAD /path`` and ``GET /path``, in order."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with suppress(ConnectionError):
                    server._answer(self, body=True)

            def do_HEAD(self) -> None:
                with suppress(ConnectionError):
                    server._answer(self, body=False)

            def log_message(self, *args: object) -> None:
                """Silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.port = int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        self.asked.append(f"{request.command} {request.path}")
        file = self.files.get(request.path) or Published(b"not found", status=404)
        request.send_response(file.head if file.head and not body else file.status)
        if file.name:
            request.send_header("Content-Disposition", f'attachment; filename="{file.name}"')
        for name, value in file.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(file.content)))
        request.end_headers()
        if body:
            request.wfile.write(file.content if file.cut is None else file.content[: file.cut])
            request.close_connection = file.cut is not None
