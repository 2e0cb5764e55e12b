"""``/health`` (does the service live?), ``/ready`` (is all well?) and ``/metrics``, on loopback unless told otherwise.

Nothing here names a patient, a recipient, a domain or a file: codes of alarms, names of channels and sources, numbers.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dispatcher import __version__
from dispatcher.daemon import measuring
from dispatcher.daemon.figures import FRESH, Figures, Look, look
from dispatcher.daemon.totals import Book
from dispatcher.errors import DispatcherError, StoreError
from dispatcher.service.internal import place
from dispatcher.settings.service import MetricsSettings
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

LIVES = 60.0
"""Seconds without a turn of the scheduler, or with a worker that does not come back, after which the service hangs."""
STARTING, STOPPING, NO_STORE = "starting", "stopping", "store"
"""Reasons of ``/ready`` that are no alarm codes."""
HANGS = "tick"
"""The code of that alarm; said also where the database that tells of alarms hangs itself."""
PATIENCE = 20.0
"""Seconds one waits for the look that another has begun: with a database that hangs, those who ask must not pile up."""
TICKS, WORKERS = "ticks", "workers"
"""Reasons of ``/health``."""


class Pulse:
    """Whether this process goes round. What only waits for a disk or a database is alive: a restart would not help."""

    def __init__(self, monotonic: Callable[[], float], workers_live: Callable[[], bool]) -> None:
        self._monotonic, self._workers_live = monotonic, workers_live
        self._turned = self._worked = monotonic()

    def beat(self) -> None:
        """The scheduler took its turn."""
        self._turned = self._monotonic()

    def faults(self) -> list[str]:
        """Empty: it lives."""
        now = self._monotonic()
        if self._workers_live():
            self._worked = now
        lasting = {TICKS: now - self._turned, WORKERS: now - self._worked}
        return [name for name, seconds in lasting.items() if seconds > LIVES]


class Health:
    """Answers those who ask; everything it needs of the daemon is handed in."""

    def __init__(
        self,
        office: Office,
        pulse: Pulse,
        *,
        phase: Callable[[], str],
        hanging: Callable[[], bool],
        workers: Callable[[], int],
    ) -> None:
        """``phase``: :data:`STARTING`, :data:`STOPPING`, or empty while it works; ``hanging``: a tick hangs."""
        self._office, self._pulse, self._phase, self._hanging = office, pulse, phase, hanging
        self.book = Book(office.store, office.settings.metrics.totals)
        self._figures = Figures(office, self.book, self._seen, workers)
        self._lock = threading.Lock()
        self._last: tuple[float, Look] | None = None

    def live(self) -> tuple[int, dict[str, Any]]:
        """Status and JSON of ``/health``."""
        faults = self._pulse.faults()
        return (503 if faults else 200), {"live": not faults, "reasons": faults, "version": __version__}

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and JSON of ``/ready``: the codes of the alarms that stand, each once, in the order of ``status``."""
        reasons = [phase] if (phase := self._phase()) else []
        if self._hanging():
            reasons.append(HANGS)
        try:
            reasons += [alarm.code for alarm in self._seen().alarms]
        except DispatcherError as error:
            log.error("ready: %s", error.code)
            reasons.append(NO_STORE)
        reasons = list(dict.fromkeys(reasons))
        return (503 if reasons else 200), {"ready": not reasons, "reasons": reasons, "version": __version__}

    def metrics(self) -> bytes:
        """The text of ``/metrics``."""
        from prometheus_client import CollectorRegistry, generate_latest

        own = CollectorRegistry()
        own.register(self._figures)
        return bytes(generate_latest(own) + generate_latest(measuring.registry()))

    def _seen(self) -> Look:
        """One look for all who ask within :data:`FRESH` seconds. Raises :class:`StoreError`."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise StoreError("La base ne répond pas.", code="slow")
        try:
            now = self._office.clock.monotonic()
            if self._last is None or now - self._last[0] > FRESH:
                self._last = (now, look(self._office))
            return self._last[1]
        finally:
            self._lock.release()


class Server:
    """Listens in a thread of its own."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The one it listens on; 0: none."""
        return int(self._server.server_address[1]) if self._server is not None else 0

    def start(self, wanted: MetricsSettings) -> None:
        """A port that cannot be had is told, and stops nobody's results."""
        handler = _handler(self._health)
        try:
            self._server = ThreadingHTTPServer((wanted.host, wanted.port), handler)
        except OSError as error:
            log.error("metrics: %s port %d cannot be had (%s)", wanted.host, wanted.port, error.strerror)
            return
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics: http://%s:%d/metrics", wanted.host, self.port)

    def stop(self) -> None:
        """At once; answers under way may be lost."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version, sys_version = "dispatcher", ""

        def do_GET(self) -> None:  # the library's name
            try:
                status, kind, content = _answer(health, self.path.partition("?")[0])
            except Exception as error:  # nobody foresaw it: the one who asks hears of it
                log.error("metrics: unexpected %s", place(error))
                status, kind, content = 500, "text/plain", b""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Whoever asks every second is not told of."""

    return Handler


def _answer(health: Health, path: str) -> tuple[int, str, bytes]:
    if path == "/metrics":
        from prometheus_client import CONTENT_TYPE_LATEST

        return 200, CONTENT_TYPE_LATEST, health.metrics()
    asked = {"/health": health.live, "/ready": health.ready}.get(path)
    if asked is None:
        return 404, "text/plain", b"/health /ready /metrics\n"
    status, told = asked()
    return status, "application/json", json.dumps(told).encode() + b"\n"
