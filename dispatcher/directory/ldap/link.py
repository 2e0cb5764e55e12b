"""A thin link to one LDAP server: connect with TLS, log in, search by pages. The only file that knows ``ldap3``.

RFC 4511 (the protocol; §4.1.9 result codes), RFC 4513 §3 (StartTLS, the server's name is checked) and §5.1.2 (a login
with an empty password is anonymous, hence refused here), RFC 2696 (pages).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from dispatcher.clock import SystemClock
from dispatcher.directory.ldap import faults
from dispatcher.directory.ldap.faults import LdapFault, Stage
from dispatcher.directory.syncing.deadline import Deadline
from dispatcher.errors import in_french
from dispatcher.settings.ldap import LdapSettings

SUCCESS = 0
MAX_BYTES = 100_000_000
"""Of the answer to one question (a page)."""
MAX_PAGES = 100_000
SLOWNESS = 3
"""One question may take so many times ``timeout_seconds``, however busily the server trickles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry as the server sent it. Values by attribute name in lower case, the option ``;binary`` left out."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]

    def get(self, attribute: str) -> tuple[bytes, ...]:
        """All values of an attribute, whatever the case of its name."""
        return self.values.get(attribute.lower().removesuffix(";binary"), ())


def equals(attribute: str, value: str) -> str:
    """The filter ``(attribute=value)``, safe for any value (RFC 4515 §3)."""
    return f"({attribute}={escape_filter_chars(value)})"


class _Tls(ldap3.Tls):  # type: ignore[misc]
    """The standard library's own check of the server's name: ldap3 calls one that Python 3.12 removed, and its spare
    one knows no IP addresses.
    """

    def __init__(self, settings: LdapSettings) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        if settings.client_cert is not None and settings.client_key is not None:
            self._context.load_cert_chain(settings.client_cert, settings.client_key)

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        plain = getattr(connection.socket, "line", connection.socket)
        wrapped = self._context.wrap_socket(
            plain, server_hostname=connection.server.host, do_handshake_on_connect=False
        )
        connection.socket = wrapped  # known before the handshake, so that the deadline can shut it
        wrapped.do_handshake()


class _Counted:
    """A socket that takes no more than :data:`MAX_BYTES` for one question: the library gathers a whole message, however
    long it says it is.
    """

    def __init__(self, line: Any) -> None:
        self.line, self.left = line, MAX_BYTES

    def recv(self, size: int) -> bytes:
        """As of a socket. Raises ``OSError`` beyond the bound."""
        piece = bytes(self.line.recv(size))
        self.left -= len(piece)
        if self.left < 0:
            raise OSError("answer too large")
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self.line, name)


class LdapLink:
    """One open connection, for one thread."""

    def __init__(self, name: str, settings: LdapSettings, connection: Any) -> None:
        self._name, self._settings, self._connection = name, settings, connection

    @classmethod
    @contextmanager
    def open(cls, name: str, settings: LdapSettings) -> Iterator[LdapLink]:
        """Connect to the server called ``name`` in the settings, and close at the end. Raises :class:`LdapFault`."""
        password = _password(name, settings)
        with _told(name, settings, Stage.FILES):
            connection = _connection(settings, password)
        try:
            _start(name, settings, connection)
            yield cls(name, settings, connection)
        finally:
            with suppress(LDAPException, OSError):
                connection.strategy.close()
            if connection.socket is not None:  # the library forgets it when the connection was never made
                connection.socket.close()

    def search(
        self, filter_: str, attributes: Sequence[str], *, page_size: int | None = None, below: bool = True
    ) -> Iterator[Record]:
        """Every entry under the base that ``filter_`` lets through (``below`` off: the base alone), whole or with a
        fault: never a part silently.

        Raises :class:`LdapFault`: base unknown, size limit, no right, a part that another server holds.
        """
        cookie, count, pages, scope = None, 0, 0, ldap3.SUBTREE if below else ldap3.BASE
        while True:
            page = {"paged_size": page_size, "paged_cookie": cookie} if page_size else {}
            pages += 1
            if pages > MAX_PAGES:
                raise faults.endless(self._name, count)
            with _in_time(self._name, self._settings, Stage.READ, self._connection):
                self._connection.search(self._settings.base, filter_, scope, attributes=list(attributes), **page)
            result, answers = self._connection.result, self._connection.response or []
            for answer in answers:
                if answer["type"] == "searchResEntry":
                    count += 1
                    yield _record(answer)
            if result["result"] != SUCCESS:
                raise faults.refused(self._name, self._settings, result, count)
            if any(answer["type"] == "searchResRef" for answer in answers):
                raise faults.elsewhere(self._name)
            control = (result.get("controls") or {}).get("1.2.840.113556.1.4.319")
            cookie = control["value"]["cookie"] if control and page_size else None
            if not cookie:
                return


@contextmanager
def _in_time(name: str, settings: LdapSettings, stage: Stage, connection: Any) -> Iterator[None]:
    """One question, within an outer bound of time and of bytes. Raises :class:`LdapFault`."""
    if isinstance(connection.socket, _Counted):
        connection.socket.left = MAX_BYTES
    deadline = Deadline(settings.timeout_seconds * SLOWNESS, SystemClock(), line=lambda: _line(connection))
    try:
        with deadline, _told(name, settings, stage):
            yield
    except LdapFault as fault:
        if deadline.late:
            raise faults.slow(name, settings) from fault
        raise
    if deadline.late:
        raise faults.slow(name, settings)


def _line(connection: Any) -> socket.socket | None:
    found = getattr(connection.socket, "line", connection.socket)
    return found if isinstance(found, socket.socket) else None


@contextmanager
def _told(name: str, settings: LdapSettings, stage: Stage) -> Iterator[None]:
    try:
        yield
    except (LDAPException, OSError) as error:
        raise faults.of(name, settings, str(error), stage) from error


def _record(answer: Mapping[str, Any]) -> Record:
    values: dict[str, tuple[bytes, ...]] = {}
    for name, found in answer["raw_attributes"].items():
        key = name.lower().removesuffix(";binary")
        values[key] = (*values.get(key, ()), *(bytes(value) for value in found))
    return Record(dn=str(answer["dn"]), values=values)


def _password(name: str, settings: LdapSettings) -> str | None:
    if settings.password_file is None:
        return None
    try:
        password = settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise LdapFault(
            f"Annuaire LDAP « {name} » : mot de passe illisible.", hint="Attendu : UTF-8.", code="ldap-login"
        ) from error
    except OSError as error:
        raise LdapFault(
            f"Annuaire LDAP « {name} » : fichier du mot de passe illisible ({in_french(error)}).",
            hint=f"Vérifier « directory.ldap.{name}.password_file ».",
            code="ldap-login",
        ) from error
    if not password:
        raise LdapFault(
            f"Annuaire LDAP « {name} » : le fichier du mot de passe est vide.",
            hint="Y écrire le mot de passe : sans lui, la connexion serait anonyme.",
            code="ldap-login",
        )
    return password


def _connection(settings: LdapSettings, password: str | None) -> Any:
    server = ldap3.Server(
        settings.url, tls=_Tls(settings), get_info=ldap3.NONE, connect_timeout=settings.timeout_seconds
    )
    return ldap3.Connection(
        server,
        user=settings.bind_dn or None,
        password=password,
        read_only=True,
        auto_referrals=False,
        check_names=False,
        return_empty_attributes=False,
        receive_timeout=settings.timeout_seconds,
    )


def _start(name: str, settings: LdapSettings, connection: Any) -> None:
    """TLS before anything else is said, then the login."""
    with _in_time(name, settings, Stage.CONNECT, connection):
        connection.open(read_server_info=False)
        connection.socket = _Counted(connection.socket)
        if not connection.server.ssl and settings.start_tls and not connection.start_tls(read_server_info=False):
            raise faults.no_tls(name)
        connection.socket = _Counted(getattr(connection.socket, "line", connection.socket))
    with _in_time(name, settings, Stage.LOGIN, connection):
        accepted = connection.bind(read_server_info=False)
    if not accepted:
        raise faults.login(name, settings, connection.result)
