"""One line to an IMAP4rev1 server (RFC 3501) over TLS: connect, log in, open the folder, and again when it was lost."""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dispatcher.errors import OurFault, TransportError, TryLater
from dispatcher.transport import tls as secure
from dispatcher.transport.imap_names import quote
from dispatcher.transport.passwords import read_password
from dispatcher.transport.tls import TlsOptions

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapOptions:
    """Where and how. ``mode`` is ``starttls`` or ``tls``."""

    host: str
    port: int
    mode: str = "starttls"
    tls: TlsOptions = field(default_factory=TlsOptions)
    user: str = ""
    password_file: Path | None = None
    folder: str = "INBOX"
    sent: str = ""
    removes: bool = False
    """What was understood is removed, not filed."""
    timeout_seconds: float = 60.0


class ImapLine:
    """Connects when first used."""

    def __init__(self, options: ImapOptions) -> None:
        self._options = options
        self._line: imaplib.IMAP4 | None = None
        self._validity = ""

    def close(self) -> None:
        """Log out; never raises."""
        if self._line is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                self._line.logout()
        self._drop()

    def _steady(self, act: Callable[[imaplib.IMAP4], T]) -> T:
        """Do something on the line; on a lost one connect again and do it once more (every act may be repeated)."""
        fresh = self._line is None
        try:
            return act(self._connected())
        except (imaplib.IMAP4.abort, OSError) as error:
            self._drop()
            if fresh:
                raise TryLater("IMAP : connexion perdue.", stage="connect") from error
        except imaplib.IMAP4.error as error:
            raise _refused(error) from error
        try:
            return act(self._connected())
        except (imaplib.IMAP4.abort, OSError) as error:
            self._drop()
            raise TryLater("IMAP : connexion perdue deux fois de suite.", stage="connect") from error
        except imaplib.IMAP4.error as error:
            raise _refused(error) from error

    def _connected(self) -> imaplib.IMAP4:
        if self._line is None:
            line = self._connect()
            try:
                self._log_in(line)
                self._select(line)
            except BaseException:
                _shut(line)
                raise
            self._line = line
        return self._line

    def _connect(self) -> imaplib.IMAP4:
        options = self._options
        name = options.tls.server_name or options.host
        context = secure.context(options.tls)
        line: imaplib.IMAP4 | None = None
        try:
            if options.mode == "tls":
                return _NamedImap4Tls(options.host, options.port, context, name, options.timeout_seconds)
            line = imaplib.IMAP4(options.host, options.port, timeout=options.timeout_seconds)
            if "STARTTLS" not in line.capabilities:
                raise OurFault(
                    "Le serveur IMAP ne propose pas STARTTLS : rien n'est transmis en clair.",
                    stage="tls",
                    hint="Vérifier « mailbox.port » et « mailbox.tls ».",
                )
            line.host = name  # the name imaplib checks in the certificate
            line.starttls(context)
            return line
        except ssl.SSLError as error:
            _shut(line)
            raise secure.handshake_error(error, name) from error
        except (OSError, imaplib.IMAP4.error) as error:
            _shut(line)
            raise TryLater(
                f"Serveur IMAP {options.host}:{options.port} injoignable ({type(error).__name__}).", stage="connect"
            ) from error
        except TransportError:
            _shut(line)
            raise

    def _log_in(self, line: imaplib.IMAP4) -> None:
        options = self._options
        if line.state == "AUTH":  # PREAUTH greeting
            return
        try:
            if options.user:
                password = read_password(options.password_file)
                line.authenticate("PLAIN", lambda _: f"\0{options.user}\0{password}".encode())
            elif "AUTH=EXTERNAL" in line.capabilities:
                line.authenticate("EXTERNAL", lambda _: b"")
            else:
                raise OurFault(
                    "IMAP : aucun identifiant, et le serveur n'accepte pas le certificat seul.",
                    stage="login",
                    hint="Donner « mailbox.user » et « mailbox.password_file ».",
                )
        except imaplib.IMAP4.abort as error:
            raise secure.refused_after_handshake() from error
        except imaplib.IMAP4.error:
            raise OurFault(
                "IMAP : identification refusée.",
                stage="login",
                hint="Vérifier « mailbox.user », le mot de passe et le certificat client.",
            ) from None
        _, told = line.capability()  # more is offered after the login
        line.capabilities = tuple(plain(told[0]).upper().split()) if told and told[0] else line.capabilities

    def _select(self, line: imaplib.IMAP4) -> None:
        kind, _ = line.select(quote(self._options.folder))
        if kind != "OK":
            raise OurFault(
                "IMAP : le dossier à relever n'existe pas ou n'est pas accessible.",
                stage="login",
                hint="Vérifier « mailbox.folder ».",
            )
        validity = line.response("UIDVALIDITY")[1]
        self._validity = plain(validity[0]) if validity and validity[0] else "0"

    def _drop(self) -> None:
        _shut(self._line)
        self._line = None


class _NamedImap4Tls(imaplib.IMAP4):
    """Implicit TLS with a certificate name that need not be the host's."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, name: str, timeout: float) -> None:
        self._context, self._name = context, name
        super().__init__(host, port, timeout=timeout)

    def _create_socket(self, timeout: float | None) -> Any:
        sock = super()._create_socket(timeout)  # type: ignore[misc]
        return self._context.wrap_socket(sock, server_hostname=self._name)


def must(answer: tuple[str, Any], what: str) -> None:
    """Raise :class:`OurFault` unless the server answered OK."""
    if answer[0] != "OK":
        raise OurFault(
            f"IMAP : {what} refusé par le serveur.",
            stage="mailbox",
            hint="Vérifier la place (quota) et les droits de la boîte.",
        )


def _refused(error: imaplib.IMAP4.error) -> OurFault:
    return OurFault(f"IMAP : commande refusée ({type(error).__name__}).", stage="mailbox")


def plain(value: bytes | str) -> str:
    """ASCII of a server's answer."""
    return value.decode("ascii", errors="replace") if isinstance(value, bytes) else value


def _shut(line: imaplib.IMAP4 | None) -> None:
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown()
