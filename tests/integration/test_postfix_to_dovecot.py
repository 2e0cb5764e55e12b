"""A result through a real Postfix into a real Dovecot: delivered by its DSN, read by its MDN, faults told apart."""

from __future__ import annotations

import email
import email.policy
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.daemon import steps
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from tests.integration.laboratory import Installation, install
from tests.pki import pki
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers.postfix import Postfix, postfix
from tests.servers.process import free_port

ME = "resultats@labo.test"
READER = "lecteur@dest.test"
QUIET = "discret@dest.test"
USERS = (ME, READER, QUIET, "lostack@dest.test", "hole@dest.test")

CHANNEL = """
[channels.mss]
family = "mssante"
sender = "{me}"
host = "127.0.0.1"
port = {smtp}
tls = "starttls"
server_name = "localhost"
ca_file = "ca.pem"
client_cert = "labo.pem"
client_key = "labo.key"
timeout_seconds = {timeout}
connections = 1

[channels.mss.pace]
per_minute = 6000

[channels.mss.mailbox]
kind = "imap"
host = "127.0.0.1"
port = {imap}
tls = "starttls"
server_name = "localhost"
ca_file = "ca.pem"
client_cert = "labo.pem"
client_key = "labo.key"
user = "{me}"
password_file = "password"
"""

HL7 = (
    "MSH|^~\\&|SIL|LABO|DISP|DISP|20261120101500||ORU^R01^ORU_R01|{number}|P|2.5|||||FRA|UNICODE UTF-8\r"
    "PID|1||{number}^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F\r"
    "OBR|1||{number}^LABO|NFS^Numération^L|||20261120080000|||||||||{code}^TEST^Ana|||||||20261120101000||HM|F\r"
    "OBX|1|NM|718-7^Hémoglobine^LN||13.2|g/dL|12.0-16.0||||F\r"
)


MDN = """\
From: {reader}
To: {me}
Subject: Lu
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b
Content-Type: text/plain

Lu.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; {reader}
Original-Message-ID: {message_id}
Disposition: manual-action/MDN-sent-manually; displayed

--b--
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postfix, Dovecot]]:
    plain = free_port()
    with (
        dovecot(pki(), USERS, plain_smtp=plain, readers=(READER,)) as box,
        postfix(pki(), lmtp_port=box.lmtp_port, plain_port=plain) as relay,
    ):
        yield relay, box


@pytest.fixture
def labo(servers: tuple[Postfix, Dovecot], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    relay, box = servers
    timeout = getattr(request, "param", 20)
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    (tmp_path / "password").chmod(0o600)
    channel = CHANNEL.format(me=ME, smtp=relay.port, imap=box.imap_port, timeout=timeout)
    addresses = {"R1": READER, "Q1": QUIET, "P1": "perm@dest.test", "G1": "gone@dest.test", "B1": "busy@dest.test"}
    addresses |= {"L1": "lostack@dest.test"}
    lines = "".join(f"{code};;;;{address};{code};;;;;\n" for code, address in addresses.items())
    installation = install(tmp_path, pki(), channel=channel, local=lines)
    yield installation
    installation.office.close()


def drop(labo: Installation, code: str, number: str) -> Dispatch:
    (labo.inbox / f"{number}.hl7").write_text(HL7.format(code=code, number=number), encoding="utf-8", newline="")
    labo.run()
    (dispatch,) = labo.dispatches(order=number)
    return dispatch


def collect_until(labo: Installation, dispatch: Dispatch, state: State, seconds: float = 20) -> Dispatch:
    """Read the mailbox by IMAP until the dispatch is in ``state``."""
    deadline = time.monotonic() + seconds
    while True:
        steps.collect_all(labo.office)
        (now,) = [d for d in labo.dispatches() if d.id == dispatch.id]
        if now.state is state or time.monotonic() > deadline:
            return now
        time.sleep(0.2)


def test_the_dsn_makes_it_delivered_then_the_mdn_makes_it_read(
    labo: Installation, servers: tuple[Postfix, Dovecot]
) -> None:
    dispatch = drop(labo, "Q1", "PF-0001")
    assert dispatch.state is State.SENT, dispatch.reason
    delivered = collect_until(labo, dispatch, State.DELIVERED)
    assert delivered.state is State.DELIVERED
    (mail,) = servers[1].maildir(QUIET).glob("new/*")
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    assert message["Message-ID"] == dispatch.message_id
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names[0] == "IHE_XDM.zip"
    assert names[1].endswith(".pdf")
    assert message["X-MSS-CODECDA"] == "11502-2"
    with smtplib.SMTP("127.0.0.1", servers[0].plain_port) as link:
        link.sendmail(QUIET, [ME], MDN.format(me=ME, reader=QUIET, message_id=dispatch.message_id))
    read = collect_until(labo, dispatch, State.READ)
    assert read.state is State.READ
    assert read.delivered_at is not None
    assert read.read_at is not None


def test_software_that_answers_by_itself_makes_it_read(labo: Installation) -> None:
    dispatch = drop(labo, "R1", "PF-0002")
    assert dispatch.state is State.SENT, dispatch.reason
    read = collect_until(labo, dispatch, State.READ)
    assert read.state is State.READ
    assert read.read_at is not None
    with labo.office.store.reading() as uow:
        kinds = {row.kind for row in uow.receipts.of_dispatch(dispatch.id)}
    assert {"smtp", "mdn"} <= kinds


def test_a_refusal_at_rcpt_is_a_failure(labo: Installation) -> None:
    dispatch = drop(labo, "P1", "PF-0003")
    assert dispatch.state is State.FAILED
    assert "550" in dispatch.reply


def test_a_bounce_makes_it_failed(labo: Installation) -> None:
    dispatch = drop(labo, "G1", "PF-0004")
    assert dispatch.state is State.SENT, dispatch.reason
    assert collect_until(labo, dispatch, State.FAILED).state is State.FAILED


def test_a_busy_server_defers(labo: Installation) -> None:
    dispatch = drop(labo, "B1", "PF-0005")
    assert dispatch.state is State.DEFERRED
    assert dispatch.due_at is not None
    assert dispatch.attempts == 1


@pytest.mark.parametrize("labo", [1], indirect=True)
def test_a_reply_lost_after_the_dot_is_unknown_then_settled_by_its_dsn(labo: Installation) -> None:
    """Postfix keeps the final reply for three seconds; we hang up after one. The mail was accepted all the same."""
    dispatch = drop(labo, "L1", "PF-0006")
    assert dispatch.state is State.UNKNOWN, dispatch.reason
    labo.run()
    (again,) = labo.dispatches(order="PF-0006")
    assert again.state is State.UNKNOWN, "nothing may be sent again on its own"
    assert collect_until(labo, dispatch, State.DELIVERED).state is State.DELIVERED
