"""Servers that trickle: no socket timeout ever runs out, and yet the wait ends, and a stop is heard."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dispatcher.clock import SystemClock
from dispatcher.directory.ldap import link
from dispatcher.directory.ldap.faults import LdapFault
from dispatcher.directory.ldap.link import LdapLink
from dispatcher.directory.syncing.base import SyncStopped
from dispatcher.directory.syncing.web import ConnectionFault, Server
from dispatcher.settings.ldap import LdapSettings
from dispatcher.settings.revocation import RevocationSettings


@contextmanager
def serving(first: bytes, piece: bytes, pause: float = 0.2) -> Iterator[int]:
    """The port of a server that sends ``first``, then ``piece`` again and again."""
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        try:
            line, _ = listener.accept()
            with line:
                line.recv(4096)
                line.sendall(first)
                while not over.wait(pause):
                    line.sendall(piece)
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()
        thread.join(5)


def ends(ask: Callable[[], object]) -> BaseException:
    """What ``ask`` raises; it must not hang."""
    raised: list[BaseException] = []

    def go() -> None:
        try:
            ask()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(20)
    assert raised, "still waiting"
    return raised[0]


@pytest.mark.parametrize(
    ("first", "piece"),
    [(b"HTTP/1.1 200 OK\r\nX: ", b"a"), (b"HTTP/1.1 200 OK\r\n\r\n", b"a"), (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")],
    ids=["header", "body", "headers"],
)
def test_an_answer_that_trickles_is_given_up(first: bytes, piece: bytes) -> None:
    with serving(first, piece) as port:
        server = Server(f"http://127.0.0.1:{port}/x", RevocationSettings(timeout_seconds=1), SystemClock())
        error = ends(lambda: server.get("/x", accept="*/*", max_bytes=10_000, seconds=1))
        assert isinstance(error, ConnectionFault)
        assert "trop lente" in error.message
        server.close()


def test_a_stop_is_heard_while_headers_trickle() -> None:
    begun = time.monotonic()

    def tick() -> None:
        if time.monotonic() - begun > 0.5:
            raise SyncStopped

    with serving(b"HTTP/1.1 200 OK\r\nX: ", b"a") as port:
        server = Server(f"http://127.0.0.1:{port}/x", RevocationSettings(timeout_seconds=60), SystemClock())
        assert isinstance(ends(lambda: server.get("/x", accept="*/*", max_bytes=100, tick=tick)), SyncStopped)
        server.close()


def search(port: int) -> None:
    settings = LdapSettings(
        url=f"ldap://127.0.0.1:{port}",
        start_tls=False,
        base="dc=essai",
        timeout_seconds=1,
        attributes={"address": "mail"},
    )
    with LdapLink.open("essai", settings) as opened:
        list(opened.search("(mail=a)", ["mail"]))


MESSAGE = b"\x30\x84\x7f\xff\xff\x00"
"""The head of a message of two thousand million bytes."""


def test_an_ldap_server_that_trickles_is_given_up() -> None:
    with serving(MESSAGE, b"a") as port:
        error = ends(lambda: search(port))
    assert isinstance(error, LdapFault)
    assert "trop lent" in error.message
    assert error.code == "ldap-unreachable"


def test_an_ldap_message_without_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MAX_BYTES", 50_000, raising=False)
    with serving(MESSAGE, b"a" * 10_000, pause=0.05) as port:
        error = ends(lambda: search(port))
    assert isinstance(error, LdapFault)
    assert "démesurée" in error.message


def test_nothing_new_is_no_broken_answer_whatever_its_headers_say() -> None:
    with serving(b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n", b"") as port:
        server = Server(f"http://127.0.0.1:{port}/x", RevocationSettings(timeout_seconds=5), SystemClock())
        assert server.get("/x", accept="*/*", max_bytes=100).status == 304
        server.close()
