"""Our mailbox by POP3 (RFC 1939) over TLS, for operators that offer nothing else.

It has no folders: what was understood is removed at the end of the session, what was not stays where it is, and its
UIDL is remembered so that it is not read again. A session that breaks removes nothing: its mails come once more.
"""

from __future__ import annotations

import contextlib
import poplib
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from dispatcher.errors import OurFault, TransportError, TryLater
from dispatcher.ports import Fetched, Fill, SetAside
from dispatcher.transport import tls as secure
from dispatcher.transport.passwords import read_password
from dispatcher.transport.tls import TlsOptions

poplib._MAXLINE = 1_000_000  # type: ignore[attr-defined]  # 2,048 would refuse mails that servers do hand out


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3Options:
    """Where and how. ``mode`` is ``starttls`` (STLS, RFC 2595) or ``tls``."""

    host: str
    port: int
    mode: str = "tls"
    tls: TlsOptions = field(default_factory=TlsOptions)
    user: str = ""
    password_file: Path | None = None
    timeout_seconds: float = 60.0


class InMemory:
    """A :class:`dispatcher.ports.SetAside` for one look (``dispatcher check``)."""

    def __init__(self) -> None:
        self._uids: set[str] = set()

    def known(self) -> frozenset[str]:
        return frozenset(self._uids)

    def add(self, uids: Iterable[str]) -> None:
        self._uids.update(uids)

    def keep_only(self, uids: Iterable[str]) -> None:
        self._uids.intersection_update(uids)


class Pop3Mailbox:
    """A :class:`dispatcher.ports.Mailbox`. One session from the first call to :meth:`close`."""

    def __init__(self, options: Pop3Options, aside: SetAside) -> None:
        self._options = options
        self._aside = aside
        self._line: poplib.POP3 | None = None
        self._numbers: dict[str, int] = {}

    def fetch(self, limit: int = 200) -> Iterator[Fetched]:
        """New mails, oldest first. Raises :class:`OurFault` or :class:`TryLater`."""
        known = self._aside.known()
        line = self._session()
        self._aside.keep_only(self._numbers)
        new = [(uid, number) for uid, number in self._numbers.items() if uid not in known]
        for uid, number in new[:limit]:
            with _faults():
                _, lines, _ = line.retr(number)
            yield Fetched(uid=uid, content=b"\r\n".join(lines) + b"\r\n")

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        """Mark for removal, or remember that it stays. Raises as :meth:`fetch`."""
        wanted = [uid for uid in uids if uid in self._numbers]
        if not understood:
            self._aside.add(wanted)
            return
        line = self._session()
        for uid in wanted:
            with _faults():
                line.dele(self._numbers.pop(uid))

    def bring_back(self, since: datetime) -> int | None:
        """What was understood has left the server; what was set aside is remembered by the database, and so is new."""
        return None

    def sent(self, message_ids: Iterable[str], *, since: datetime) -> frozenset[str]:
        """POP3 shows no Sent folder."""
        return frozenset()

    def fill(self) -> Fill:
        """By STAT; the limit is not told. Raises as :meth:`fetch`."""
        line = self._session()
        with _faults():
            count, used = line.stat()
            head = line.top(min(self._numbers.values()), 0)[1] if self._numbers else []
        return Fill(used=used, waiting=count, oldest=_arrived(b"\r\n".join(head)))

    def relieve(self, before: datetime, kept: Callable[[bytes], bool], limit: int = 200) -> int:
        """Nothing is filed here."""
        return 0

    def close(self) -> None:
        """End the session, which removes what was marked; never raises."""
        line, self._line, self._numbers = self._line, None, {}
        if line is not None:
            with contextlib.suppress(poplib.error_proto, OSError):
                line.quit()
            with contextlib.suppress(OSError, AttributeError):
                line.close()

    # -------------------------------------------------------------------------------------- the line

    def _session(self) -> poplib.POP3:
        if self._line is None:
            line = self._connect()
            try:
                self._log_in(line)
                with _faults():
                    _, listed, _ = line.uidl()
            except BaseException:
                line.close()
                raise
            rows = (row.decode("ascii", "replace").split(maxsplit=1) for row in listed)
            self._numbers = {uid: int(number) for number, uid in rows}
            self._line = line
        return self._line

    def _connect(self) -> poplib.POP3:
        options = self._options
        name = options.tls.server_name or options.host
        context = secure.context(options.tls)
        line: poplib.POP3 | None = None
        try:
            if options.mode == "tls":
                return _NamedPop3Tls(options.host, options.port, context, name, options.timeout_seconds)
            line = poplib.POP3(options.host, options.port, timeout=options.timeout_seconds)
            line.host = name  # the name poplib checks in the certificate
            line.stls(context)
            return line
        except ssl.SSLError as error:
            _shut(line)
            raise secure.handshake_error(error, name) from error
        except poplib.error_proto as error:
            _shut(line)
            raise OurFault(
                "Le serveur POP3 ne propose pas STARTTLS (STLS) : rien n'est transmis en clair.",
                stage="tls",
                hint="Vérifier « mailbox.port » et « mailbox.tls ».",
            ) from error
        except OSError as error:
            _shut(line)
            raise TryLater(
                f"Serveur POP3 {options.host}:{options.port} injoignable ({type(error).__name__}).", stage="connect"
            ) from error

    def _log_in(self, line: poplib.POP3) -> None:
        options = self._options
        if not options.user:
            raise OurFault(
                "POP3 : aucun identifiant.",
                stage="login",
                hint="Donner « mailbox.user » et « mailbox.password_file ».",
            )
        password = read_password(options.password_file)
        try:
            line.user(options.user)
            line.pass_(password)
        except poplib.error_proto as error:
            raise refused_login(error) from None
        except OSError as error:
            raise secure.refused_after_handshake() from error


class _NamedPop3Tls(poplib.POP3):
    """Implicit TLS with a certificate name that need not be the host's."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, name: str, timeout: float) -> None:
        self._context, self._name = context, name
        super().__init__(host, port, timeout=timeout)

    def _create_socket(self, timeout: float) -> Any:
        sock = super()._create_socket(timeout)  # type: ignore[misc]
        return self._context.wrap_socket(sock, server_hostname=self._name)


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except poplib.error_proto as error:
        raise OurFault(
            "POP3 : commande refusée par le serveur.",
            stage="mailbox",
            hint="Vérifier que le serveur offre UIDL et TOP.",
        ) from error
    except OSError as error:
        raise TryLater("POP3 : connexion perdue.", stage="connect") from error


def refused_login(error: poplib.error_proto) -> TransportError:
    """A box that is locked by another session (RFC 2449 §8.1.1, RFC 3206) is free again later."""
    if any(mark in str(error) for mark in ("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]")):
        return TryLater("POP3 : boîte occupée par une autre connexion.", stage="login")
    return OurFault(
        "POP3 : identification refusée.",
        stage="login",
        hint="Vérifier « mailbox.user », le mot de passe et le certificat client.",
    )


def _arrived(head: bytes) -> datetime | None:
    """When the server took the mail in: its topmost ``Received``, else ``Date``."""
    fields = BytesHeaderParser().parsebytes(head)
    for told in (str(fields.get("Received", "")).rpartition(";")[2], str(fields.get("Date", ""))):
        with contextlib.suppress(ValueError, TypeError, IndexError):
            found = parsedate_to_datetime(told.strip())
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return None


def _shut(line: poplib.POP3 | None) -> None:
    if line is not None:
        with contextlib.suppress(OSError, AttributeError):
            line.close()
