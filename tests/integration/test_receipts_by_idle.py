"""The whole service beside a real Postfix and Dovecot: every kind of notice counts as soon as it is in our mailbox.

The look at fixed times is set to an hour, so what counts here came by IDLE. The figures are printed, not judged.
"""

from __future__ import annotations

import hashlib
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from tests.integration.laboratory import Installation, install
from tests.integration.test_postfix_to_dovecot import CHANNEL, HL7, MDN, ME, QUIET, READER
from tests.pki import pki
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers.postfix import Postfix, postfix
from tests.servers.process import free_port

pytestmark = [pytest.mark.real_server("postfix"), pytest.mark.real_server("dovecot")]
FULL, NOBODY = "pleine@dest.test", "inconnu@dest.test"
FAR, LATE = "loin@dest.test", "tard@dest.test"
HOLE = "hole@dest.test"
"""Postfix says « delivered » itself; of LMTP, which knows no DSN, it says « relayed »."""
WHO = {"READ": READER, "QUIET": QUIET, "FULL": FULL, "NOBODY": NOBODY, "FAR": FAR, "LATE": LATE, "HOLE": HOLE}
DEADLINE = 60.0
"""Seconds for the slowest of servers under load; Postfix tells of a delay after three."""


@pytest.fixture
def servers() -> Iterator[tuple[Postfix, Dovecot]]:
    plain, far, closed = free_port(), free_port(), free_port()
    sink = Controller(Sink(), hostname="127.0.0.1", port=far)  # a server that offers no DSN
    sink.start()
    try:
        with (
            dovecot(
                pki(), (ME, READER, QUIET, FULL), plain_smtp=plain, readers=(READER,), quotas={FULL: "*:bytes=2000"}
            ) as box,
            postfix(pki(), lmtp_port=box.lmtp_port, plain_port=plain, relays={FAR: far, LATE: closed}) as relay,
        ):
            yield relay, box
    finally:
        sink.stop()


@contextmanager
def service(labo: Installation) -> Iterator[None]:
    with (labo.folder / "service.log").open("wb") as log:
        command = [sys.executable, "-m", "dispatcher", "--config", str(labo.config), "run"]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0, (labo.folder / "service.log").read_text()


@pytest.fixture
def labo(servers: tuple[Postfix, Dovecot], tmp_path: Path) -> Iterator[Installation]:
    relay, box = servers
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    (tmp_path / "password").chmod(0o600)
    channel = CHANNEL.format(me=ME, smtp=relay.port, imap=box.imap_port, timeout=20)
    channel = channel.replace("[channels.mss.pace]", "[channels.mss.batch]\nevery_minutes = 0.01\n[channels.mss.pace]")
    lines = "".join(f"{code};;;;{address};{code};;;;;\n" for code, address in WHO.items())
    installation = install(tmp_path, pki(), channel=channel, local=lines)
    text = installation.config.read_text(encoding="utf-8")
    assert "collect_seconds = 1\n" in text
    text = text.replace("collect_seconds = 1\n", "collect_seconds = 3600\n")
    installation.config.write_text(text, encoding="utf-8")
    yield installation
    installation.office.close()


def by_code(labo: Installation) -> dict[str, Dispatch]:
    return {dispatch.label: dispatch for dispatch in labo.dispatches()}


def until(labo: Installation, done: Callable[[dict[str, Dispatch]], bool]) -> dict[str, Dispatch]:
    deadline = time.monotonic() + DEADLINE
    while not done(found := by_code(labo)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def actions(labo: Installation, dispatch: Dispatch) -> set[tuple[str, str]]:
    with labo.office.store.reading() as uow:
        return {(row.kind, row.action) for row in uow.receipts.of_dispatch(dispatch.id)}


def delays(labo: Installation, box: Dovecot) -> list[float]:
    """Seconds from the delivery of each notice into our mailbox to what it did being written down."""
    places = [box.maildir(ME) / folder / place for folder in (".Traites", ".A-examiner") for place in ("cur", "new")]
    filed = [file for place in places for file in place.iterdir()]
    arrived = {}
    for file in filed:
        content = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        seconds, _, rest = file.name.partition(".M")
        arrived[hashlib.sha256(content).hexdigest()] = float(seconds) + float(rest.partition("P")[0]) / 1e6
    with labo.office.store.reading() as uow:
        rows = uow.receipts.latest(100)
    found = [row.at.timestamp() - arrived[row.digest.partition(":")[0]] for row in rows if ":" in row.digest]
    assert len(found) == len(rows) == len(filed)
    return found


def test_every_notice_ends_its_dispatch_through_idle(labo: Installation, servers: tuple[Postfix, Dovecot]) -> None:
    with service(labo):
        for number, code in enumerate(WHO, 1):
            file = labo.inbox / f"{number}.hl7"
            file.write_text(HL7.format(code=code, number=f"IDLE-{number}"), encoding="utf-8", newline="")
        ends = {
            "READ": State.READ,
            "QUIET": State.DELIVERED,
            "FULL": State.FAILED,
            "NOBODY": State.FAILED,
            "FAR": State.DELIVERED,
            "HOLE": State.DELIVERED,
        }
        found = until(labo, lambda now: all(code in now and now[code].state is end for code, end in ends.items()))
        assert {code: found[code].state for code in ends} == ends, (labo.folder / "service.log").read_text()
        assert ("dsn", "relayed") in actions(labo, found["FAR"])
        assert ("dsn", "delivered") in actions(labo, found["HOLE"])
        assert found["FULL"].fault.startswith("5.2")
        assert found["NOBODY"].fault.startswith("5.1")

        with smtplib.SMTP("127.0.0.1", servers[0].plain_port) as link:
            mdn = MDN.format(me=ME, reader=QUIET, message_id=found["QUIET"].message_id)
            link.sendmail(QUIET, [ME], mdn)
            forged = MDN.format(me=ME, reader="voleur@dest.test", message_id=found["FAR"].message_id)
            link.sendmail("voleur@dest.test", [ME], forged)
        found = until(labo, lambda now: now["QUIET"].state is State.READ)
        assert found["QUIET"].state is State.READ
        found = until(labo, lambda now: ("dsn", "delayed") in actions(labo, now["LATE"]))
        assert ("dsn", "delayed") in actions(labo, found["LATE"])
        found = until(labo, lambda now: now["LATE"].state is State.FAILED)
        assert found["LATE"].state is State.FAILED, "given up by the relay in the end"
        assert found["FAR"].state is State.DELIVERED, "a stranger read nothing"
    figures = sorted(delays(labo, servers[1]))
    middle = figures[len(figures) // 2]
    print(f"{len(figures)} notices by IDLE: median {middle:.2f} s, slowest {figures[-1]:.2f} s after delivery")


def test_what_came_while_the_service_stood_still_is_read_at_its_start(
    labo: Installation, servers: tuple[Postfix, Dovecot]
) -> None:
    (labo.inbox / "1.hl7").write_text(HL7.format(code="QUIET", number="IDLE-9"), encoding="utf-8", newline="")
    labo.run()
    (dispatch,) = labo.dispatches()
    assert dispatch.state is State.SENT
    with service(labo):
        found = until(labo, lambda now: now["QUIET"].state is State.DELIVERED)
        assert found["QUIET"].state is State.DELIVERED
