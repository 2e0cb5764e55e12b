"""A stand-in for the FHIR API « Annuaire Santé » v2 on loopback: real HTTP(S), Bundles of invented people, faults.

It keeps the documented behaviour (key header, ``_count``, paging by an opaque ``_page?id=``, ``_lastUpdated=ge``,
``active``, OperationOutcome) and notes every request with its moment, so that a test can count calls in any second.
"""

from __future__ import annotations

import base64
import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

Json = dict[str, Any]
KEY = "cle-d-essai-0123456789"


@dataclass
class Fault:
    """What happens to one request instead of a good answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """None: an OperationOutcome for an error, the good body for 0."""
    cut: int | None = None
    """Break the line after that many bytes of the body."""
    slow: float = 0.0
    """Seconds between small pieces of the body."""
    hang: float = 0.0
    """Seconds before anything is said."""
    only: str = ""
    """Only for requests whose path holds this."""


class FhirServer:
    """Use as a context manager. Fields may be changed while it runs."""

    def __init__(self, records: dict[str, list[Json]], *, tls: Path | None = None) -> None:
        """``tls``: PEM with chain and key; then it speaks HTTPS."""
        self.records = records
        self.key = KEY
        self.largest_page = 1000
        self.totals = True
        self.gzip = True
        self.now: datetime | None = None
        """Its clock, told in Bundle.meta and the header Date; None: the machine's."""
        self.tell_clock = True
        self.next_url = ""
        """What every next link says instead of the truth."""
        self.circle = False
        """Under new addresses, the same page again and again."""
        self.faults: list[Fault] = []
        """The first one that fits is used up by a request."""
        self.always: Fault | None = None
        self.pages = 0
        self.on_page: Callable[[int], object] = lambda number: None
        """Told the number of each page before it is sent."""
        self.arrivals: list[tuple[float, str]] = []
        self.keys: list[str | None] = []
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with suppress(ConnectionError, ssl.SSLError):
                    server._answer(self)

            def log_message(self, *args: object) -> None:
                """Silent."""

            def version_string(self) -> str:
                return "invented"

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(server.moment(), usegmt=True)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        self.port = int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/fhir/v2"

    def __enter__(self) -> FhirServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def moment(self) -> datetime:
        return (self.now or datetime.now(UTC)).astimezone(UTC)

    def most_in_a_second(self) -> int:
        """The highest number of requests that arrived in any second."""
        moments = sorted(moment for moment, _ in self.arrivals)
        return max((sum(start <= one < start + 1 for one in moments) for start in moments), default=0)

    def asked(self, word: str) -> list[str]:
        """Paths of the requests that hold ``word``."""
        return [path for _, path in self.arrivals if word in path]

    # ------------------------------------------------------------------------------------------ answers

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.arrivals.append((time.monotonic(), request.path))
            self.keys.append(request.headers.get("ESANTE-API-KEY"))
            fault = self._fault(request.path)
        if fault.hang:
            time.sleep(fault.hang)
        status, body = self._page(request)
        if fault.status:
            status = fault.status
            body = outcome(f"invented error {status}") if fault.body is None else fault.body
        elif fault.body is not None:
            body = fault.body
        headers = {"Content-Type": "application/fhir+json;charset=UTF-8", **fault.headers}
        if self.gzip and len(body) > 500 and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        self._send(request, body, fault)

    def _send(self, request: BaseHTTPRequestHandler, body: bytes, fault: Fault) -> None:
        if fault.cut is not None:
            request.wfile.write(body[: fault.cut])
            request.close_connection = True
            return
        if not fault.slow:
            request.wfile.write(body)
            return
        for start in range(0, len(body), 10):
            request.wfile.write(body[start : start + 10])
            request.wfile.flush()
            time.sleep(fault.slow)

    def _fault(self, path: str) -> Fault:
        for number, fault in enumerate(self.faults):
            if fault.only in path:
                return self.faults.pop(number)
        return self.always if self.always is not None and self.always.only in path else Fault()

    def _page(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        if request.headers.get("ESANTE-API-KEY") != self.key:
            return 401, outcome(f"Unauthorized: {request.headers.get('ESANTE-API-KEY')}")
        parts = urlsplit(request.path)
        name = parts.path.removeprefix("/fhir/v2/")
        if name == "_page":
            # the identifier is opaque and must come back as it was given
            kind, since, active, count, start = json.loads(
                base64.urlsafe_b64decode(unquote(parts.query.removeprefix("id=")).split("~")[0])
            )
        elif name in self.records:
            asked = parse_qs(parts.query)
            kind, start = name, 0
            since = asked.get("_lastUpdated", [""])[0].removeprefix("ge")
            active = asked.get("active", [""])[0]
            count = min(int(asked.get("_count", ["50"])[0]), self.largest_page)
        else:
            return 404, outcome(f"HAPI-0302: Unknown resource type '{name}'")
        with self._lock:
            self.pages += 1
            number = self.pages
        self.on_page(number)
        return 200, self._bundle(kind, since, active, count, start)

    def _bundle(self, kind: str, since: str, active: str, count: int, start: int) -> bytes:
        found = [
            record
            for record in self.records[kind]
            if (not since or _updated(record) >= datetime.fromisoformat(since))
            and (active != "true" or record.get("active", True))
        ]
        shown = found[:count] if self.circle else found[start : start + count]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "link": []}
        if self.tell_clock:
            bundle["meta"] = {"lastUpdated": self.moment().isoformat()}
        if self.totals:
            bundle["total"] = len(found)
        bundle["entry"] = [{"resource": record, "search": {"mode": "match"}} for record in shown]
        if self.next_url or self.circle or start + count < len(found):
            state = json.dumps([kind, since, active, count, start + count]).encode()
            opaque = quote(base64.urlsafe_b64encode(state).decode() + f"~{start}+/=|", safe="")
            url = self.next_url or f"{self.url}/_page?id={opaque}"
            bundle["link"].append({"relation": "next", "url": url})
        return json.dumps(bundle, ensure_ascii=False).encode("utf-8", "surrogatepass")


def outcome(text: str) -> bytes:
    """An OperationOutcome with these diagnostics."""
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


def _updated(record: Json) -> datetime:
    return datetime.fromisoformat(record["meta"]["lastUpdated"])


def replaced(records: Iterable[Json], new: Json) -> list[Json]:
    """``records`` with the one of the same id replaced."""
    return [new if record["id"] == new["id"] else record for record in records]
