"""Our mailbox by IMAP4rev1 (RFC 3501) over TLS. Mails are moved to subfolders, never deleted.

A uid is told as ``<UIDVALIDITY>.<UID>``: after the server renumbers a folder, old uids mean nothing and are let be.
Bodies are fetched by PEEK, so a mail stays unread for people until it is filed.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dispatcher.errors import OurFault, TransportError, TryLater
from dispatcher.ports import Fetched
from dispatcher.transport import tls as secure
from dispatcher.transport.imap_names import quote
from dispatcher.transport.maildir import COPY_MARGIN, TO_EXAMINE, UNDERSTOOD
from dispatcher.transport.tls import TlsOptions

log = logging.getLogger(__name__)
T = TypeVar("T")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
    timeout_seconds: float = 60.0


class ImapMailbox:
    """A :class:`dispatcher.ports.Mailbox`. Connects when first asked, and again when the line was lost."""

    def __init__(self, options: ImapOptions) -> None:
        self._options = options
        self._line: imaplib.IMAP4 | None = None
        self._validity = ""
        self._made: set[str] = set()

    # -------------------------------------------------------------------------------------- the port

    def fetch(self, limit: int = 200) -> Iterator[Fetched]:
        """New mails, oldest first. Raises :class:`OurFault` or :class:`TryLater`."""
        for uid in self._steady(_new)[:limit]:
            content = self._steady(partial(_body, uid=uid))
            if content is not None:
                yield Fetched(uid=f"{self._validity}.{uid}", content=content)

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        """Move them to the subfolder of the understood, or of those to examine. Raises as :meth:`fetch`."""
        wanted = tuple(uids)
        if wanted:
            self._steady(lambda line: self._move(line, wanted, UNDERSTOOD if understood else TO_EXAMINE))

    def sent(self, message_ids: Iterable[str], *, since: datetime) -> frozenset[str]:
        """Asks the server (RFC 3501 §6.4.4) in the Sent folder, opened for reading only. Raises as :meth:`fetch`."""
        wanted = tuple(dict.fromkeys(message_ids))
        if not self._options.sent or not wanted:
            return frozenset()
        return self._steady(lambda line: self._ask_sent(line, wanted, since))

    def close(self) -> None:
        """Log out; never raises."""
        if self._line is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                self._line.logout()
        self._drop()

    # -------------------------------------------------------------------------------------- the line

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
                password = self._password()
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
        line.capabilities = tuple(_text(told[0]).upper().split()) if told and told[0] else line.capabilities

    def _password(self) -> str:
        path = self._options.password_file
        if path is None:
            raise OurFault("« mailbox.user » est donné sans « password_file ».", stage="login")
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise OurFault(
                f"Mot de passe illisible : « mailbox.password_file » ({path.name}).", stage="login"
            ) from error

    def _select(self, line: imaplib.IMAP4) -> None:
        kind, _ = line.select(quote(self._options.folder))
        if kind != "OK":
            raise OurFault(
                "IMAP : le dossier à relever n'existe pas ou n'est pas accessible.",
                stage="login",
                hint="Vérifier « mailbox.folder ».",
            )
        validity = line.response("UIDVALIDITY")[1]
        self._validity = _text(validity[0]) if validity and validity[0] else "0"

    def _ask_sent(self, line: imaplib.IMAP4, wanted: tuple[str, ...], since: datetime) -> frozenset[str]:
        kind, _ = line.select(quote(self._options.sent), readonly=True)
        try:
            if kind != "OK":
                raise OurFault(
                    "IMAP : le dossier des courriers envoyés n'existe pas ou n'est pas accessible.",
                    stage="mailbox",
                    hint="Vérifier « mailbox.sent », ou l'enlever.",
                )
            return frozenset(one for one in wanted if _has_copy(line, one, since))
        finally:
            self._select(line)

    def _drop(self) -> None:
        _shut(self._line)
        self._line = None

    # -------------------------------------------------------------------------------------- filing

    def _move(self, line: imaplib.IMAP4, wanted: tuple[str, ...], name: str) -> None:
        there = set(_search(line, "ALL"))
        numbers = [uid for validity, _, uid in (one.partition(".") for one in wanted) if validity == self._validity]
        ours = [uid for uid in numbers if uid in there]
        if not ours:
            return
        folder = self._folder(line, name)
        chosen = ",".join(ours)
        if "MOVE" in line.capabilities:
            _must(line.uid("MOVE", chosen, folder), "déplacement")
            return
        _must(line.uid("COPY", chosen, folder), "copie")
        _must(line.uid("STORE", chosen, "+FLAGS.SILENT", r"(\Deleted)"), "marquage")
        if "UIDPLUS" in line.capabilities:
            _must(line.uid("EXPUNGE", chosen), "retrait")
        else:
            _expunge_only(line, set(ours))

    def _folder(self, line: imaplib.IMAP4, name: str) -> str:
        """The subfolder, quoted; made when it is not there. Its prefix follows the server's namespace (RFC 2342)."""
        prefix = ""
        if "NAMESPACE" in line.capabilities:
            _, told = line.namespace()
            match = re.match(r'\(\("((?:[^"\\]|\\.)*)"', _text(told[0]) if told and told[0] else "")
            prefix = match[1].replace('\\"', '"') if match else ""
        quoted = quote(prefix + name)
        if quoted not in self._made:
            kind, _ = line.create(quoted)
            if kind == "OK":
                line.subscribe(quoted)
            self._made.add(quoted)
        return quoted


class _NamedImap4Tls(imaplib.IMAP4):
    """Implicit TLS with a certificate name that need not be the host's."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, name: str, timeout: float) -> None:
        self._context, self._name = context, name
        super().__init__(host, port, timeout=timeout)

    def _create_socket(self, timeout: float | None) -> Any:
        sock = super()._create_socket(timeout)  # type: ignore[misc]
        return self._context.wrap_socket(sock, server_hostname=self._name)


def _new(line: imaplib.IMAP4) -> list[str]:
    """Numbers of the mails there, those marked deleted left out. NOOP first: a search sees what was there before."""
    _must(line.noop(), "NOOP")
    return _search(line, "UNDELETED")


def _search(line: imaplib.IMAP4, what: str) -> list[str]:
    kind, data = line.uid("SEARCH", what)
    _must((kind, data), "recherche")
    return sorted(_text(data[0]).split() if data and data[0] else [], key=int)


def _has_copy(line: imaplib.IMAP4, message_id: str, since: datetime) -> bool:
    """A search finds parts of a header too, so the header itself is looked at."""
    text = message_id.replace("\\", "\\\\").replace('"', '\\"')
    for uid in _search(line, f'{_since(since - COPY_MARGIN)} HEADER Message-ID "{text}"'):
        kind, data = line.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        _must((kind, data), "lecture")
        headers = b"".join(part[1] for part in data if isinstance(part, tuple) and len(part) > 1)
        if message_id in _text(headers).split():
            return True
    return False


def _since(moment: datetime) -> str:
    """A search key by the day the server took the mail in; its days may be those of another zone."""
    return f"SINCE {moment.day}-{_MONTHS[moment.month - 1]}-{moment.year}"


def _body(line: imaplib.IMAP4, uid: str) -> bytes | None:
    """The whole mail, or None when it is gone meanwhile."""
    kind, data = line.uid("FETCH", uid, "(BODY.PEEK[])")
    _must((kind, data), "lecture")
    return next((bytes(part[1]) for part in data if isinstance(part, tuple) and len(part) > 1), None)


def _expunge_only(line: imaplib.IMAP4, ours: set[str]) -> None:
    """Without UIDPLUS, EXPUNGE takes every mail marked deleted: unmark the others meanwhile (RFC 4549 §4.2.4)."""
    others = ",".join(uid for uid in _search(line, "DELETED") if uid not in ours)
    if others:
        _must(line.uid("STORE", others, "-FLAGS.SILENT", r"(\Deleted)"), "marquage")
    _must(line.expunge(), "retrait")
    if others:
        _must(line.uid("STORE", others, "+FLAGS.SILENT", r"(\Deleted)"), "marquage")


def _must(answer: tuple[str, Any], what: str) -> None:
    if answer[0] != "OK":
        raise OurFault(
            f"IMAP : {what} refusé par le serveur.",
            stage="mailbox",
            hint="Vérifier la place (quota) et les droits de la boîte.",
        )


def _refused(error: imaplib.IMAP4.error) -> OurFault:
    return OurFault(f"IMAP : commande refusée ({type(error).__name__}).", stage="mailbox")


def _text(value: bytes | str) -> str:
    return value.decode("ascii", errors="replace") if isinstance(value, bytes) else value


def _shut(line: imaplib.IMAP4 | None) -> None:
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown()
