"""HL7 messages to an MLLP server of the LIS, each acknowledged before the next (HL7 v2, appendix C: « minimal lower
layer protocol »).

One message is ``0x0B … 0x1C 0x0D`` both ways. The connection is kept for the messages that follow; one time limit holds
for a whole exchange, so that a server that sends a byte now and then cannot hold it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from dispatcher.errors import OurFault, OutcomeUnknown, TryLater, in_french
from dispatcher.transport.tls import TlsOptions, context, handshake_error

START, END = b"\x0b", b"\x1c\x0d"
MOST = 1_000_000
"""Bytes of an acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpOptions:
    """Where, how secured, how patient."""

    host: str
    port: int
    tls: TlsOptions | None = None
    timeout_seconds: float = 10.0


class MllpLine:
    """An :class:`dispatcher.ports.AnswerLine`; connects when first used."""

    def __init__(self, options: MllpOptions, clock: Callable[[], float] = monotonic) -> None:
        self._options = options
        self._clock = clock
        self._line: socket.socket | None = None
        self._rest = b""

    def give(self, name: str, content: bytes) -> bytes:
        """One message and its acknowledgement. Any fault closes the connection: what comes late is nobody's answer."""
        del name
        deadline = self._clock() + self._options.timeout_seconds
        try:
            self._drop_if_dead()
            if self._line is None:
                self._line = self._connect(deadline)
            self._send(self._line, content, deadline)
            return self._receive(self._line, deadline)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        line, self._line, self._rest = self._line, None, b""
        if line is not None:
            with contextlib.suppress(OSError):
                line.close()

    def _drop_if_dead(self) -> None:
        """The server closed meanwhile, or said something unasked: a new connection, nothing was given on this one."""
        if self._line is None:
            return
        try:
            self._line.settimeout(0)
            self._line.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            pass
        self.close()

    def _connect(self, deadline: float) -> socket.socket:
        options = self._options
        tls = context(options.tls) if options.tls is not None else None
        try:
            line = socket.create_connection((options.host, options.port), self._left(deadline))
        except TimeoutError as error:
            raise TryLater(f"Serveur MLLP {self._name} : pas de réponse à la connexion.", stage="connect") from error
        except socket.gaierror as error:
            hint = "Vérifier « host » dans [sources.NOM.answers.mllp]."
            raise OurFault(f"Serveur MLLP {self._name} : nom inconnu.", stage="connect", hint=hint) from error
        except OSError as error:
            raise TryLater(f"Serveur MLLP {self._name} : {in_french(error)}.", stage="connect") from error
        if tls is None or options.tls is None:
            return line
        name = options.tls.server_name or options.host
        try:
            return tls.wrap_socket(line, server_hostname=name)
        except OSError as error:
            line.close()
            raise handshake_error(error, name) from error

    def _send(self, line: socket.socket, content: bytes, deadline: float) -> None:
        """A message of which the last bytes never left cannot have been taken: the server has no end of it."""
        try:
            line.settimeout(self._left(deadline))
            line.sendall(START + content)
        except OSError as error:
            raise TryLater(f"Serveur MLLP {self._name} : connexion rompue à l'envoi.", stage="data") from error
        try:
            line.settimeout(self._left(deadline))
            line.sendall(END)
        except OSError as error:
            raise self._unknown("connexion rompue à la fin du message") from error

    def _receive(self, line: socket.socket, deadline: float) -> bytes:
        while END not in self._rest:
            try:
                line.settimeout(self._left(deadline))
                piece = line.recv(65_536)
            except TimeoutError as error:
                raise self._unknown("pas d'acquittement dans le délai") from error
            except OSError as error:
                raise self._unknown("connexion rompue avant l'acquittement") from error
            if not piece:
                raise self._unknown("connexion fermée avant l'acquittement")
            self._rest += piece
            if len(self._rest) > MOST:
                raise self._unknown("acquittement démesuré")
        found, _, self._rest = self._rest.partition(END)
        return found.rpartition(START)[2]

    def _left(self, deadline: float) -> float:
        """Seconds left; never zero, which would mean « do not wait » to a socket."""
        return max(0.001, deadline - self._clock())

    def _unknown(self, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(f"Serveur MLLP {self._name} : {what}.", stage="final-dot")

    @property
    def _name(self) -> str:
        return f"{self._options.host}:{self._options.port}"
