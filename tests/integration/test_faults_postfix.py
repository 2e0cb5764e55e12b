"""The table of faults with a real Postfix in front of a real Dovecot: the same mail, the same outcome."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dispatcher.outbox.states import State
from dispatcher.service.collect import collect
from dispatcher.settings import ChannelSettings
from dispatcher.transport.maildir import MaildirMailbox
from tests.pki import pki
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers.faultproxy import FaultProxy
from tests.servers.postfix import Postfix, postfix
from tests.servers.process import free_port
from tests.service.bench import SENDER, Bench
from tests.service.conftest import bench, fast_folder, tools, watch  # noqa: F401
from tests.service.faulty import CHANNEL, check_wait, expected, go_on, told, towards, waiting
from tests.tools.fault_table import FAULTS, SLOW_TIMEOUT, SLOWER, Fault

PLAYED = [fault for fault in FAULTS if fault.postfix]
BOX = "boite@dest.test"
USERS = (SENDER, BOX, "slow@dest.test", "tooslow@dest.test", "lostack@dest.test")
MORE_THAN_THERE_IS = 10**15
"""Bytes a disk must have free before this Postfix takes a mail."""


class Greylist(socketserver.ThreadingTCPServer):
    """A policy server (Postfix, « SMTP Access Policy Delegation »): not now, until it is told otherwise."""

    daemon_threads = True

    def __init__(self) -> None:
        self.open = False
        super().__init__(("127.0.0.1", 0), _Answer)
        self.port: int = self.server_address[1]

    @contextmanager
    def running(self) -> Iterator[Greylist]:
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield self
        self.shutdown()
        self.server_close()
        thread.join(5)


class _Answer(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        asked = False
        while line := self.rfile.readline():
            asked = asked or line.strip() != b""
            if line.strip() == b"" and asked:
                server = self.server
                assert isinstance(server, Greylist)
                answer = b"DUNNO" if server.open else b"450 4.7.1 Greylisted, come back later"
                self.wfile.write(b"action=" + answer + b"\n\n")
                asked = False


@dataclass(frozen=True)
class World:
    relay: Postfix
    box: Dovecot
    greylist: Greylist
    folder: Path = field(default_factory=Path)

    def mails(self, user: str, message_id: str) -> int:
        """How many mails with this Message-ID are in the box."""
        folder = self.box.maildir(user)
        found = [file.read_bytes() for place in ("new", "cur") for file in (folder / place).glob("*")]
        return sum(f"Message-ID: {message_id}".encode() in content for content in found)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    plain, folder = free_port(), tmp_path_factory.mktemp("keys")
    for name, content in (
        ("ca.pem", pki().authority.trust_pem()),
        ("stranger.pem", pki().alice.certificate_pem()),
        ("labo.pem", pki().labo.chain_pem()),
        ("labo.key", pki().labo.key_pem()),
        ("other.pem", pki().other.chain_pem()),
        ("other.key", pki().other.key_pem()),
        ("password", b"perime\n"),
        ("good-password", PASSWORD.encode() + b"\n"),
    ):
        (folder / name).write_bytes(content)
    with Greylist().running() as greylist, dovecot(pki(), USERS, plain_smtp=plain) as box:
        doors = {
            "disk-full": [f"queue_minfree={MORE_THAN_THERE_IS}"],
            "greylist": [f"smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:{greylist.port}"],
            "login": [
                "smtpd_sasl_auth_enable=yes",
                "smtpd_sasl_type=dovecot",
                f"smtpd_sasl_path={box.login_socket}",
                "smtpd_tls_auth_only=yes",
            ],
        }
        with postfix(pki(), lmtp_port=box.lmtp_port, plain_port=plain, doors=doors) as relay:
            yield World(relay, box, greylist, folder)


def channel(world: World, **changes: Any) -> ChannelSettings:
    """One that works, changed."""
    values: dict[str, Any] = {
        "family": "mssante",
        "sender": SENDER,
        "host": "127.0.0.1",
        "port": world.relay.port,
        "server_name": "localhost",
        "ca_file": world.folder / "ca.pem",
        "client_cert": world.folder / "labo.pem",
        "client_key": world.folder / "labo.key",
        "timeout_seconds": 20,
        "connections": 1,
        "pace": {"per_minute": 6000},
    }
    return ChannelSettings.model_validate(values | changes)


def plainly(world: World, port: int) -> ChannelSettings:
    """Without TLS, so that a proxy sees the bytes: as to a site's own encrypting proxy."""
    return ChannelSettings.model_validate(
        {
            "family": "apicrypt",
            "sender": SENDER,
            "host": "127.0.0.1",
            "port": port,
            "tls": "none",
            "domains": ["dest.test"],
            "connections": 1,
            "timeout_seconds": 20,
            "pace": {"per_minute": 6000},
        }
    )


def faulty(world: World, fault: Fault, proxy: FaultProxy) -> ChannelSettings:
    """The channel as the fault has it."""
    doors, folder = world.relay.doors, world.folder
    arranged: dict[str, dict[str, Any]] = {
        "closed-port": {"port": free_port()},
        "untrusted-server": {"ca_file": folder / "stranger.pem"},
        "unknown-client": {"client_cert": folder / "other.pem", "client_key": folder / "other.key"},
        "wrong-password": {"port": doors["login"], "user": BOX, "password_file": folder / "password"},
        "disk-full": {"port": doors["disk-full"]},
        "greylist": {"port": doors["greylist"]},
    }
    if fault.postfix == "cut-in-data":
        proxy.cut_answer = b"354 "
    if fault.postfix == "cut-after-dot":
        proxy.cut_match = b"\r\n.\r\n"
    if fault.postfix in {"cut-in-data", "cut-after-dot"}:
        return plainly(world, proxy.port)
    slow = {"timeout_seconds": SLOW_TIMEOUT} if fault.name in SLOWER else {}
    return channel(world, **slow | arranged.get(fault.postfix, {}))


def mended(world: World, fault: Fault, proxy: FaultProxy) -> ChannelSettings | None:
    """The channel when the fault is over; None when the mailbox itself is the fault."""
    if fault.postfix == "wrong-password":
        good = world.folder / "good-password"
        return channel(world, port=world.relay.doors["login"], user=BOX, password_file=good)
    if fault.postfix == "greylist":
        world.greylist.open = True
        return channel(world, port=world.relay.doors["greylist"])
    if fault.postfix in {"cut-in-data", "cut-after-dot"}:
        proxy.cut_answer, proxy.cut_match = None, None
        return plainly(world, proxy.port)
    return None if "@" in fault.postfix and fault.state is not fault.after else channel(world)


@pytest.mark.real_server("postfix", "dovecot")
@pytest.mark.parametrize("fault", PLAYED, ids=lambda fault: fault.name)
def test_what_becomes_of_the_mail(bench: Bench, world: World, fault: Fault) -> None:  # noqa: F811
    address = fault.postfix if "@" in fault.postfix else BOX
    world.greylist.open = False
    with FaultProxy(("127.0.0.1", world.relay.plain_port)) as proxy:
        towards(bench, faulty(world, fault, proxy))
        (dispatch,) = waiting(bench, address)
        bench.send(CHANNEL)
        assert told(bench, dispatch) == expected(fault), bench.get(dispatch.id).reason
        check_wait(bench, dispatch, fault)
        if fault.name == "mailbox-full-by-notice":
            assert _collected(bench, world, dispatch.id, fault.after) is fault.after
        over = mended(world, fault, proxy)
        if over is not None:
            towards(bench, over)
            go_on(bench, fault)
            assert bench.get(dispatch.id).state is fault.after, bench.get(dispatch.id).reason
    arrives = over is not None and fault.after is State.SENT
    if address in USERS:
        _comes_to(world, address, dispatch.message_id, 1 if fault.kept or arrives else 0)


def _collected(bench: Bench, world: World, dispatch_id: str, wanted: State) -> State:  # noqa: F811
    """Read our mailbox until the notice has come."""
    deadline = time.monotonic() + 30
    while bench.get(dispatch_id).state is not wanted and time.monotonic() < deadline:
        if (world.box.maildir(SENDER) / "new").is_dir():
            collect(CHANNEL, MaildirMailbox(world.box.maildir(SENDER)), bench.store, bench.clock)
        time.sleep(0.1)
    return bench.get(dispatch_id).state


def _comes_to(world: World, address: str, message_id: str, count: int) -> None:
    deadline = time.monotonic() + 20
    while world.mails(address, message_id) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    assert world.mails(address, message_id) == count
