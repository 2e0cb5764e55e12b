"""Hand-over by SMTP to our own operator (RFC 5321), with delivery notices asked for (RFC 3461).

One mail has one recipient, so every notice, refusal and silence is about one dispatch. Logs carry the ENVID (the
dispatch's id) and codes, never an address or a reply text.
"""

from __future__ import annotations

import contextlib
import logging
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dispatcher.errors import NotBegun, OurFault, Refused, TransportError, TryLater
from dispatcher.outbox.dispatch import Accepted
from dispatcher.ports import Mail
from dispatcher.receipts.addresses import xtext
from dispatcher.transport import tls as secure
from dispatcher.transport.replies import CLOSING, error_for, lost, status_of, without_addresses
from dispatcher.transport.tls import TlsOptions
from dispatcher.transport.wire import OpenLines, Wire

log = logging.getLogger(__name__)

QUIT_SECONDS = 2.0
NOTIFY = "SUCCESS,FAILURE,DELAY"
_UNSAFE = re.compile(r"[\x00-\x20<>\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpOptions:
    """Where and how. ``mode`` is ``starttls``, ``tls`` (from the first byte) or ``none`` (loopback only)."""

    host: str
    port: int
    mode: str = "starttls"
    tls: TlsOptions = field(default_factory=TlsOptions)
    user: str = ""
    password_file: Path | None = None
    timeout_seconds: float = 60.0
    """For connecting, and for every read and write after."""
    local_name: str = "localhost"
    """What EHLO says."""
    request_dsn: bool = True


class SmtpTransport:
    """A :class:`dispatcher.ports.Transport`."""

    def __init__(self, options: SmtpOptions) -> None:
        self._options = options
        self._open = OpenLines()

    def open(self) -> SmtpSession:
        """Connect, start TLS, log in. Raises :class:`OurFault` or :class:`TryLater`."""
        return SmtpSession(self._options, self._open)

    def abort(self) -> None:
        """Break every open line now, also one that still waits for its greeting; never raises."""
        self._open.cut()


class SmtpSession:
    """A :class:`dispatcher.ports.TransportSession`. Not for two threads at once."""

    def __init__(self, options: SmtpOptions, lines: OpenLines | None = None) -> None:
        self._options = options
        self._lines = lines if lines is not None else OpenLines()
        self._used = False
        self._known_here = False
        self._dsn = False
        self._dirty = False
        self._in_time = _always
        self._wire = self._connect()

    # -------------------------------------------------------------------------------------- opening

    def _connect(self) -> Wire:
        options = self._options
        context = secure.context(options.tls) if options.mode != "none" else None
        wire = Wire(
            local_name=options.local_name,
            timeout=options.timeout_seconds,
            tls=context,
            implicit=options.mode == "tls",
            server_name=options.tls.server_name or options.host,
        )
        self._lines.add(wire)
        try:
            self._greet(wire)
            if options.mode == "starttls":
                self._start_tls(wire)
            self._hello(wire, after_tls=options.mode != "none")
            if options.user:
                self._login(wire)
        except BaseException:
            wire.drop()
            raise
        self._dsn = options.request_dsn and wire.has_extn("dsn")
        self._used, self._dirty = False, False
        wire.transcript.opened()
        return wire

    def _greet(self, wire: Wire) -> None:
        options = self._options
        try:
            code, text = wire.connect(options.host, options.port)
        except smtplib.SMTPServerDisconnected as error:
            if options.mode == "tls" and not _timed_out(error):
                raise secure.refused_after_handshake() from error
            raise lost("connect") from error
        except (TimeoutError, ConnectionError) as error:
            raise _unreachable(options, type(error).__name__) from error
        except socket.gaierror as error:
            raise _unresolved(options, error) from error
        except OSError as error:
            if options.mode == "tls" and isinstance(error, ssl.SSLError):
                raise secure.handshake_error(error, options.tls.server_name or options.host) from error
            raise _unreachable(options, type(error).__name__) from error
        if code != 220:
            raise error_for("connect", code, text.decode("utf-8", errors="replace"))

    def _start_tls(self, wire: Wire) -> None:
        self._hello(wire, after_tls=False)
        if not wire.has_extn("starttls"):
            raise OurFault(
                "Le serveur ne propose pas STARTTLS : rien n'est transmis en clair.",
                stage="tls",
                hint="Vérifier « host », « port » et « tls » du canal (« tls » pour un port 465).",
            )
        try:
            wire.start_tls()
        except smtplib.SMTPResponseException as error:
            raise error_for("tls", error.smtp_code, _text(error.smtp_error)) from error
        except smtplib.SMTPException as error:
            raise lost("tls") from error
        except OSError as error:
            raise secure.handshake_error(error, self._options.tls.server_name or self._options.host) from error

    def _hello(self, wire: Wire, *, after_tls: bool) -> None:
        stage = "tls" if after_tls else "connect"
        try:
            code, text = wire.ehlo()
            if code in {500, 502} and self._options.mode == "none":
                code, text = wire.helo()
        except smtplib.SMTPException as error:
            if after_tls and not _timed_out(error):
                raise secure.refused_after_handshake() from error
            raise lost(stage) from error
        if code != 250:
            raise error_for(stage, code, _text(text))

    def _login(self, wire: Wire) -> None:
        password = self._password()
        try:
            wire.login(self._options.user, password)
        except smtplib.SMTPResponseException as error:
            raise error_for("login", error.smtp_code, _text(error.smtp_error)) from None
        except smtplib.SMTPNotSupportedError as error:
            raise OurFault(
                "Le serveur ne propose pas d'identification (AUTH).",
                stage="login",
                hint="Retirer « user » et « password_file », ou changer de port.",
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise lost("login") from error

    def _password(self) -> str:
        path = self._options.password_file
        if path is None:
            raise OurFault("« user » est donné sans « password_file ».", stage="login", hint="Compléter le canal.")
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise OurFault(
                f"Mot de passe illisible : « password_file » ({path.name}, {type(error).__name__}).",
                stage="login",
                hint="Vérifier le fichier et ses droits.",
            ) from error

    # -------------------------------------------------------------------------------------- handing over

    def send(self, mail: Mail, in_time: Callable[[], bool] | None = None) -> Accepted:
        """Hand over one mail. Raises one of the four :class:`TransportError` classes, or :class:`NotBegun`."""
        self._in_time = in_time or _always
        self._wire.transcript.begin()
        try:
            accepted = replace(self._send(mail), dialogue=self._wire.transcript.text())
        except TransportError as error:
            error.dialogue = self._wire.transcript.text()
            log.info(
                "hand-over %s: %s at %s, reply %s %s", mail.envid, error.code, error.stage, error.reply, error.status
            )
            raise
        log.debug("hand-over %s accepted, reply %s %s", mail.envid, accepted.reply, accepted.status)
        return accepted

    def _send(self, mail: Mail) -> Accepted:
        self._check(mail)
        reused = self._used
        try:
            replies = self._announce(mail)
        except TryLater as error:
            if not reused or error.stage != "mail":
                raise
            replies = self._announce_again(mail)
        else:
            if reused and any(stage == "mail" and code == CLOSING for stage, code, _ in replies):
                replies = self._announce_again(mail)
        self._judge(replies)
        return self._transmit(mail)

    def _announce_again(self, mail: Mail) -> list[tuple[str, int, str]]:
        """The server had closed an idle line: nothing has left, so begin again on a new one, once."""
        self._hang_up()
        self._wire = self._connect()
        self._check(mail)
        return self._announce(mail)

    def _check(self, mail: Mail) -> None:
        """What can be said no to before the first byte."""
        wire = self._wire
        if wire.sock is None:
            self._wire = wire = self._connect()
        for address in (mail.sender, mail.recipient):
            if _UNSAFE.search(address) or "@" not in address:
                ours = address is mail.sender
                raise (OurFault if ours else Refused)(
                    "Adresse impossible : vide, sans @ ou avec des caractères interdits.",
                    status="" if ours else "5.1.3",
                    stage="mail" if ours else "rcpt",
                )
        limit = wire.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(mail.content):
            raise Refused(
                f"Message de {len(mail.content)} octets : l'opérateur en accepte {limit} au plus.",
                status="5.3.4",
                stage="mail",
                hint="Réduire le message (document PDF) ou envoyer par une autre voie.",
            )
        if not (mail.sender + mail.recipient).isascii() and not wire.has_extn("smtputf8"):
            raise Refused(
                "Adresse accentuée : l'opérateur ne les accepte pas (SMTPUTF8).", status="5.6.7", stage="rcpt"
            )
        if not mail.content.isascii() and not wire.has_extn("8bitmime"):
            raise Refused("Message en 8 bits : l'opérateur ne propose pas 8BITMIME.", status="5.6.3", stage="content")

    def _announce(self, mail: Mail) -> list[tuple[str, int, str]]:
        """MAIL, RCPT, DATA (RSET first on a used line); gives (stage, code, text) of each reply."""
        steps = [("mail", "RSET")] if self._dirty else []
        steps += [("mail", self._mail_command(mail)), ("rcpt", self._rcpt_command(mail)), ("data", "DATA")]
        self._dirty = True
        together = self._wire.has_extn("pipelining")
        if together:
            self._begin()
            with self._line("mail"):
                self._wire.tell(*(command for _, command in steps))
        replies: list[tuple[str, int, str]] = []
        for stage, command in steps:
            if not together and command.startswith("MAIL"):
                self._begin()
            with self._line(stage):
                if not together:
                    self._wire.tell(command)
                code, text = self._wire.answer()
            replies.append((stage, code, text))
            if code == CLOSING or not (together or 200 <= code <= 399):
                break
        self._used = True
        return replies

    def _begin(self) -> None:
        """The line may have been opened again since the call, and that may have taken a minute."""
        if not self._in_time():
            raise NotBegun("La connexion a pris trop de temps : la place dans le débit est passée.", stage="mail")

    def _mail_command(self, mail: Mail) -> str:
        parts = [f"MAIL FROM:<{mail.sender}>"]
        if self._wire.has_extn("size"):
            parts.append(f"SIZE={len(mail.content)}")
        if not mail.content.isascii():
            parts.append("BODY=8BITMIME")
        if not (mail.sender + mail.recipient).isascii():
            parts.append("SMTPUTF8")
        if self._dsn:
            parts.append("RET=HDRS")
            if mail.envid:
                parts.append(f"ENVID={xtext(mail.envid)[:100]}")
        return " ".join(parts)

    def _rcpt_command(self, mail: Mail) -> str:
        dsn = ""
        if self._dsn:
            original = f" ORCPT=rfc822;{xtext(mail.recipient)}" if mail.recipient.isascii() else ""
            dsn = f" NOTIFY={NOTIFY}{original}"
        return f"RCPT TO:<{mail.recipient}>{dsn}"

    def _judge(self, replies: list[tuple[str, int, str]]) -> None:
        """Raise for the first negative reply; leaves the line in a state the next mail can use."""
        bad = next(((stage, code, text) for stage, code, text in replies if not _positive(stage, code)), None)
        if bad is None:
            self._known_here = True
            return
        stage, code, text = bad
        if 200 <= code <= 399:
            self._hang_up()  # out of step
        elif replies[-1][0] == "data" and replies[-1][1] == 354:
            # A pipelining server said go ahead without a recipient: end the empty message (RFC 2920 §3.1).
            with contextlib.suppress(TransportError), self._line("data"):
                self._wire.send_dot()
                self._wire.answer()
        if any(code == CLOSING for _, code, _ in replies):
            self._hang_up()
        raise error_for(stage, code, text, known_here=self._known_here)

    def _transmit(self, mail: Mail) -> Accepted:
        with self._line("data"):
            self._wire.send_message_bytes(mail.content)
        if self._wire.spoke_early():
            self._hang_up()
            raise lost("data")
        with self._line("final-dot"):
            self._wire.send_dot()
            code, text = self._wire.answer()
        if 200 <= code <= 299:
            return Accepted(reply=code, status=status_of(text), text=without_addresses(text), dsn_requested=self._dsn)
        if code == CLOSING or not 400 <= code <= 599:
            self._hang_up()
        raise error_for("final-dot", code, text, known_here=True)

    @contextlib.contextmanager
    def _line(self, stage: str) -> Iterator[None]:
        """Turn a lost or broken line into our error; the connection is gone after it."""
        try:
            yield
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            self._hang_up()
            reason = "délai dépassé" if _timed_out(error) else ""
            raise lost(stage, reason) from error

    def _hang_up(self) -> None:
        self._wire.drop()

    def close(self) -> None:
        """Say QUIT and hang up; never raises."""
        if self._wire.sock is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._wire.set_time_limit(QUIT_SECONDS)
                self._wire.tell("QUIT")
                self._wire.answer()
        self._hang_up()


def _always() -> bool:
    return True


def _positive(stage: str, code: int) -> bool:
    return code == 354 if stage == "data" else 200 <= code <= 299


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", errors="replace") if isinstance(said, bytes) else said


def _timed_out(error: BaseException) -> bool:
    """smtplib hides the time-out in the context of its own exception."""
    return any(isinstance(known, TimeoutError) for known in (error, error.__cause__, error.__context__))


def _unreachable(options: SmtpOptions, reason: str) -> TryLater:
    return TryLater(f"Serveur {options.host}:{options.port} injoignable ({reason}).", stage="connect")


def _unresolved(options: SmtpOptions, error: socket.gaierror) -> TransportError:
    if error.errno == socket.EAI_NONAME:
        return OurFault(
            f"Le nom de serveur « {options.host} » n'existe pas.", stage="connect", hint="Vérifier « host » et le DNS."
        )
    return TryLater(f"Le nom « {options.host} » n'a pas pu être résolu (DNS).", stage="connect")
