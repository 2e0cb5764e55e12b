"""The console as a server: uvicorn on one address, with TLS when there is a certificate."""

from __future__ import annotations

import logging
import socket
import ssl
import threading

import uvicorn
from starlette.types import ASGIApp

from dispatcher.errors import ConfigError, in_french
from dispatcher.service.internal import place
from dispatcher.settings import ConsoleSettings

log = logging.getLogger(__name__)

STOP_SECONDS = 3
"""What pages in hand get to end."""


class Serving:
    """One console on its port. It listens from the beginning and answers from :meth:`run` or :meth:`start` on."""

    def __init__(self, application: ASGIApp, wanted: ConsoleSettings) -> None:
        """Raises :class:`ConfigError`: the port is taken, the certificate cannot be used."""
        self._config = uvicorn.Config(
            application,
            access_log=False,  # addresses are nobody's business, and the journal says who saw what
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=STOP_SECONDS,
            ssl_certfile=wanted.certificate,
            ssl_keyfile=wanted.key,
        )
        try:
            self._config.load()
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(
                f"Certificat ou clé de la console inutilisable : {wanted.certificate}.",
                hint="[console] certificate et key : PEM, la clé sans mot de passe.",
            ) from error
        self._socket = _listen(wanted.host, wanted.port)
        self._server = uvicorn.Server(self._config)
        self._thread: threading.Thread | None = None
        scheme = "https" if wanted.certificate is not None else "http"
        name = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
        self.url = f"{scheme}://{name}:{self._socket.getsockname()[1]}/"

    def run(self) -> None:
        """Until SIGINT or SIGTERM; only in the main thread."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def start(self) -> None:
        """In a thread of its own. Whatever happens there stops nobody else."""
        self._thread = threading.Thread(target=self._alone, name="console", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, within :data:`STOP_SECONDS` and a little."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_SECONDS + 1.0)

    def _alone(self) -> None:
        try:
            self.run()
        except BaseException as error:  # uvicorn ends by SystemExit too
            log.error("the console ended: %s; the service goes on", place(error))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(
            f"La console ne peut pas répondre sur {host}, port {port} : {in_french(error)}.",
            hint="Un autre port : --port, ou [console] port.",
        ) from error
