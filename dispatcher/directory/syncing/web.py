"""HTTP for sources that are fetched: one fixed server each, bounded answers, faults as French sentences.

A :class:`Server` talks to the host of its base address and to no other: what stands in an answer can choose a path,
never a host, so a secret header cannot go astray. Redirections are refused for the same reason.
"""

from __future__ import annotations

import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, MaxRetryError, ProxyError, SSLError

from dispatcher import __version__
from dispatcher.clock import Clock
from dispatcher.directory.syncing.deadline import Deadline
from dispatcher.errors import DirectoryError, in_french
from dispatcher.settings.syncing import WebSection

PIECE = 65_536
AGENT = f"dispatcher-labo/{__version__}"


class ConnectionFault(DirectoryError):
    """The line was not made, broke or fell silent: worth another try."""

    code = "directory-connection"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole and unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Scheme, host and port of an address: where it leads, whatever its path."""

    scheme: str
    host: str
    port: int


def place(address: str) -> tuple[Place, str]:
    """Where an absolute address leads, and its path with query. Raises :class:`ValueError` for anything doubtful.

    Read by the library that makes the connection; what two parsers could read differently is refused beforehand.
    """
    if not address.isascii() or not address.isprintable() or any(sign in address for sign in ' \\"<>^`{}'):
        raise ValueError("characters that no address holds")
    try:
        url = urllib3.util.parse_url(address)
    except LocationParseError as error:
        raise ValueError("not an address") from error
    if url.scheme not in {"http", "https"} or not url.host or url.auth is not None:
        raise ValueError("not a plain web address")
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    return Place(url.scheme, url.host.lower(), port), url.request_uri


class Server:
    """The server of one source. Threads may share it."""

    def __init__(self, url: str, settings: WebSection, clock: Clock, headers: Mapping[str, str] | None = None) -> None:
        """``headers`` go with every request. Raises :class:`DirectoryError` when ``ca_file`` cannot be read."""
        self.place, self.path = place(url)
        self._settings, self._clock, self._headers = settings, clock, dict(headers or {})
        self._mine = threading.local()
        self._pool = self._open(url)
        self._pool.ConnectionCls = _tells_its_line(self._pool.ConnectionCls, self._mine)

    def _open(self, url: str) -> urllib3.HTTPConnectionPool:
        context = _context(self._settings)
        if self._settings.proxy:
            return urllib3.ProxyManager(self._settings.proxy, ssl_context=context).connection_from_url(url)
        if self.place.scheme == "https":
            return urllib3.PoolManager(ssl_context=context).connection_from_url(url)
        return urllib3.PoolManager().connection_from_url(url)

    def close(self) -> None:
        """Let go of open lines."""
        self._pool.close()

    def get(
        self,
        path: str,
        *,
        accept: str,
        max_bytes: int,
        sink: Callable[[bytes], object] | None = None,
        seconds: float | None = None,
        method: str = "GET",
        tick: Callable[[], object] = lambda: None,
    ) -> Answer:
        """One request, no second try. ``sink`` takes a body of status 200 instead of the answer; ``seconds``: the most
        the whole answer may take. Raises :class:`ConnectionFault`, or :class:`DirectoryError` (TLS, size).
        """
        timeout = urllib3.Timeout(connect=self._settings.timeout_seconds, read=self._settings.timeout_seconds)
        headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": AGENT, **self._headers}
        deadline = Deadline(seconds or self._settings.timeout_seconds * 2, self._clock, tick)
        self._mine.deadline = deadline
        try:
            with deadline:
                return self._talk(deadline, method, path, headers, timeout, sink, max_bytes, tick)
        except (HTTPError, OSError, DirectoryError) as error:
            if deadline.judge():
                raise self._slow() from error
            raise error if isinstance(error, DirectoryError) else self._fault(error) from error
        finally:
            self._mine.deadline = None

    def _slow(self) -> ConnectionFault:
        return ConnectionFault(f"{self.place.host} : réponse trop lente, abandonnée.", hint=_LATER)

    def _talk(
        self,
        deadline: Deadline,
        method: str,
        path: str,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        sink: Callable[[bytes], object] | None,
        max_bytes: int,
        tick: Callable[[], object],
    ) -> Answer:
        response = self._pool.urlopen(
            method,
            self._target(path),
            headers=headers,
            redirect=False,
            retries=False,
            timeout=timeout,
            preload_content=False,
            assert_same_host=False,  # the host of the target is the place, the pool's that of the proxy
        )
        whole = False
        try:
            deadline.heard()
            body = bytearray()
            take = sink if sink is not None and response.status == 200 else body.extend
            if method != "HEAD":
                self._pour(response, take, max_bytes, deadline, tick)
            whole = not deadline.judge()
        finally:
            response.release_conn() if whole else response.close()
        if not whole:
            raise self._slow()
        return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, bytes(body))

    def _target(self, path: str) -> str:
        """The path; for plain http through a proxy the whole address (RFC 9112 §3.2.2), as nothing else tells it."""
        if not self._settings.proxy or self.place.scheme != "http":
            return path
        return f"http://{self.place.host}:{self.place.port}{path}"

    def _pour(
        self,
        response: urllib3.BaseHTTPResponse,
        take: Callable[[bytes], object],
        max_bytes: int,
        deadline: Deadline,
        tick: Callable[[], object],
    ) -> None:
        """The body, unpacked within bounds: neither a slow nor a swelling one gets further than it may."""
        unpack = _unpacker(response.headers.get("content-encoding", ""))
        total = 0
        while piece := response.read1(PIECE, decode_content=False):
            tick()
            while piece:
                plain = unpack.decompress(piece, PIECE) if unpack else piece
                piece = unpack.unconsumed_tail if unpack else b""
                total += len(plain)
                if total > max_bytes:
                    raise DirectoryError(
                        f"{self.place.host} : réponse de plus de {max_bytes // 1_000_000} Mo, refusée.",
                        hint="Ce n'est pas ce qui est attendu à cette adresse ; vérifier « url » et « page_size ».",
                    )
                take(plain)
            if deadline.judge():
                raise self._slow()
        if unpack and response.status != 304 and not unpack.eof:  # 304 has no body, whatever its headers say
            raise ConnectionFault(f"{self.place.host} : réponse coupée.", hint=_LATER)

    def _fault(self, error: Exception) -> DirectoryError:
        """What to say of a fault of the line. Nothing of the request is quoted."""
        reason: BaseException = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        host = f"{self.place.host}:{self.place.port}"
        if isinstance(reason, ProxyError):
            proxy = urllib3.util.parse_url(self._settings.proxy)  # without an account that may stand in it
            return ConnectionFault(
                f"Le mandataire {proxy.host}:{proxy.port or 80} ne mène pas à {host}.", hint="Vérifier « proxy »."
            )
        if isinstance(reason, SSLError) and "CERTIFICATE" in str(reason).upper():
            return DirectoryError(
                f"{host} : le certificat du serveur n'est pas accepté.",
                hint="Donner son autorité par « ca_file » (IGC-Santé n'est dans aucun magasin public).",
            )
        cause = reason.__cause__ if not isinstance(reason, OSError) and reason.__cause__ else reason
        why = in_french(cause) if isinstance(cause, OSError) and cause.errno else _word(reason)
        return ConnectionFault(f"{host} : {why}.", hint=_LATER)


def _tells_its_line(kind: Any, mine: threading.local) -> Any:
    """The library's connection, telling the deadline of the request at hand which line to shut.

    A copy of the socket is kept for it: TLS takes the socket itself over before it shakes hands.
    """

    class Line(kind):  # type: ignore[misc]
        spare: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            self._forget()
            self.spare = made.dup()
            self._tell()
            return made

        def request(self, *args: Any, **options: Any) -> None:
            self._tell()
            super().request(*args, **options)

        def close(self) -> None:
            super().close()
            self._forget()

        def _tell(self) -> None:
            deadline = getattr(mine, "deadline", None)
            if deadline is not None:
                deadline.holds(self.spare)

        def _forget(self) -> None:
            if self.spare is not None:
                self.spare.close()
                self.spare = None

    return Line


_LATER = "Vérifier le réseau ; un nouvel essai aura lieu. Les données en service sont gardées."


def _word(error: BaseException) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "pas de réponse dans le délai"
    if "Resolution" in name:
        return "nom inconnu du réseau"
    if name in {"ProtocolError", "IncompleteRead", "DecodeError"}:
        return "connexion rompue"
    return f"connexion impossible ({name})"


class _Unpacker:
    """gzip in bounded steps; several members in a row are one body (RFC 1952 §2.2)."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self.unconsumed_tail = b""
        self.eof = False

    def decompress(self, piece: bytes, limit: int) -> bytes:
        """At most ``limit`` bytes; the rest waits in ``unconsumed_tail``."""
        if self._inner.eof:
            self._inner = zlib.decompressobj(wbits=31)
        try:
            plain = self._inner.decompress(piece, limit)
        except zlib.error as error:
            raise ConnectionFault("Réponse compressée abîmée.", hint=_LATER) from error
        self.unconsumed_tail = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
        self.eof = self._inner.eof
        return plain


def _unpacker(encoding: str) -> _Unpacker | None:
    if encoding.strip().lower() in {"", "identity"}:
        return None
    if encoding.strip().lower() in {"gzip", "x-gzip"}:
        return _Unpacker()
    raise DirectoryError(
        "Réponse dans une compression qui n'a pas été demandée.", hint="Vérifier « url » et « proxy »."
    )


def _context(settings: WebSection) -> ssl.SSLContext:
    path = settings.ca_file
    try:
        return ssl.create_default_context(cafile=str(path) if path else None)
    except (OSError, ssl.SSLError) as error:
        why = in_french(error) if isinstance(error, OSError) and error.errno in {2, 13} else "certificats PEM attendus"
        raise DirectoryError(
            f"Autorités du serveur illisibles : {path} ({why}).", hint="Corriger « ca_file »."
        ) from error


def wait_asked(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of ``Retry-After`` (RFC 9110 §10.2.3: seconds or a date); ``now``: seconds since 1970."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now) if text else None
    except (ValueError, OverflowError):
        return None
