"""The console as a server: uvicorn on one address, with TLS when there is a certificate."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from dispatcher.errors import ConfigError, in_french
from dispatcher.service.internal import place
from dispatcher.settings import ConsoleSettings

log = logging.getLogger(__name__)

STOP_SECONDS = 3
"""What pages in hand get to end."""
MOST_CONNECTIONS = 100
"""At a time: whoever opens more must not take the files that the service needs to send."""
SILENCE_SECONDS = 20
"""How long a connection may say nothing that is a request."""


class Serving:
    """One console on its port. It listens from the beginning and answers from :meth:`run` or :meth:`start` on."""

    def __init__(self, application: ASGIApp, wanted: ConsoleSettings) -> None:
        """Raises :class:`ConfigError`: the port is taken, the certificate cannot be used."""
        self._config = uvicorn.Config(
            application,
            http=_Impatient,
            loop="asyncio",  # the one that asks the door
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


class _Door(socket.socket):
    """Listens, and lets in :data:`MOST_CONNECTIONS` at a time: counted here, before any of them speaks TLS."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(fileno=listening.detach())
        self._inside: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises ConnectionAbortedError when it is full: the loop takes it for somebody who went away again."""
        come, address = super().accept()
        self._inside = [one for one in self._inside if one.fileno() != -1]
        if len(self._inside) >= MOST_CONNECTIONS:
            come.close()
            raise ConnectionAbortedError
        self._inside.append(come)
        return come, address


class _Impatient(H11Protocol):
    """Hangs up on whoever connects and asks for nothing: the library waits for ever."""

    _silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """From here on somebody is expected to speak."""
        super().connection_made(transport)
        self._listen_again()

    def data_received(self, data: bytes) -> None:
        """A request that is whole enough to be answered stops the watch; half a head does not."""
        super().data_received(data)
        self._listen_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody to wait for."""
        self._unwatch()
        super().connection_lost(exc)

    def _listen_again(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._silence is None:
            self._silence = self.loop.call_later(SILENCE_SECONDS, self._hang_up)

    def _unwatch(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _hang_up(self) -> None:
        self._silence = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _Door(socket.create_server((host, port), family=family, backlog=128))
    except OSError as error:
        raise ConfigError(
            f"La console ne peut pas répondre sur {host}, port {port} : {in_french(error)}.",
            hint="Un autre port : --port, ou [console] port.",
        ) from error
