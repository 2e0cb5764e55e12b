"""POP3 on a real Dovecot: what is understood leaves the server, what nobody understood stays and is not read twice."""

from __future__ import annotations

import poplib
import smtplib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.errors import OurFault, TryLater
from dispatcher.ports import Fetched
from dispatcher.settings import MailboxSettings
from dispatcher.transport.open import open_mailbox
from dispatcher.transport.pop3 import InMemory, refused_login
from tests.pki import pki
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers.process import free_port

pytestmark = pytest.mark.real_server("dovecot")
USER = "resultats@labo.test"
LONG = b"x" * 5000


@dataclass
class Box:
    """A mailbox of the laboratory on a server of the test, and what the store remembers of it."""

    server: Dovecot
    settings: MailboxSettings
    aside: InMemory

    def deliver(self, number: int, body: bytes = b"") -> None:
        content = f"From: x@dest.test\r\nSubject: {number}\r\n\r\nmail {number}\r\n".encode() + body
        with smtplib.LMTP("127.0.0.1", self.server.lmtp_port) as line:
            line.sendmail("x@dest.test", [USER], content)

    def fetch(self, limit: int = 200) -> list[Fetched]:
        with closing(open_mailbox(self.settings, self.aside)) as mailbox:
            return list(mailbox.fetch(limit))

    def settle(self, numbers: list[int], *, understood: bool) -> None:
        with closing(open_mailbox(self.settings, self.aside)) as mailbox:
            found = list(mailbox.fetch())
            mailbox.settle([found[number].uid for number in numbers], understood=understood)

    def on_server(self) -> int:
        return sum(1 for place in ("new", "cur") for _ in (self.server.maildir(USER) / place).iterdir())


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = pki()
    (tmp_path / "ca.pem").write_bytes(made.authority.trust_pem())
    (tmp_path / "labo.pem").write_bytes(made.labo.chain_pem())
    (tmp_path / "labo.key").write_bytes(made.labo.key_pem())
    (tmp_path / "password").write_text(PASSWORD)
    with dovecot(made, [USER], plain_smtp=free_port(), pop3=True) as server:
        settings = MailboxSettings(
            kind="pop3",
            host="127.0.0.1",
            port=server.pop3_port,
            server_name="localhost",
            ca_file=tmp_path / "ca.pem",
            client_cert=tmp_path / "labo.pem",
            client_key=tmp_path / "labo.key",
            user=USER,
            password_file=tmp_path / "password",
        )
        yield Box(server, settings, InMemory())


def test_mails_come_whole_oldest_first_and_again_until_settled(box: Box) -> None:
    assert box.fetch() == []
    for number in (1, 2, 3):
        box.deliver(number, LONG if number == 2 else b".dot at the start\r\n")
    found = box.fetch()
    assert [b"Subject: %d" % number in one.content for number, one in enumerate(found, 1)] == [True] * 3
    assert found[1].content.rstrip().endswith(LONG)
    assert found[2].content.endswith(b"\r\n.dot at the start\r\n")
    assert len(box.fetch(limit=2)) == 2
    assert [one.uid for one in box.fetch()] == [one.uid for one in found]


def test_the_understood_leave_the_server_and_the_others_stay_unread_no_more(box: Box) -> None:
    for number in (1, 2, 3):
        box.deliver(number)
    box.settle([0], understood=True)
    assert box.on_server() == 2
    box.settle([0], understood=False)
    assert box.on_server() == 2, "nothing unknown is ever deleted"
    (left,) = box.fetch()
    assert b"mail 3" in left.content
    box.deliver(4)
    assert [b"mail 3" in one.content or b"mail 4" in one.content for one in box.fetch()] == [True, True]
    assert len(box.aside.known()) == 1


def test_a_mail_may_be_settled_while_others_are_still_being_fetched(box: Box) -> None:
    for number in (1, 2, 3):
        box.deliver(number)
    with closing(open_mailbox(box.settings, box.aside)) as mailbox:
        for fetched in mailbox.fetch():
            mailbox.settle([fetched.uid], understood=True)
    assert box.on_server() == 0


def test_a_session_that_breaks_removes_nothing(box: Box) -> None:
    box.deliver(1)
    mailbox = open_mailbox(box.settings, box.aside)
    (fetched,) = mailbox.fetch()
    mailbox.settle([fetched.uid], understood=True)
    mailbox._line.sock.shutdown(2)
    with pytest.raises(TryLater):
        mailbox.fill()
    mailbox.close()
    assert box.on_server() == 1
    assert len(box.fetch()) == 1


def test_what_a_person_took_away_is_forgotten(box: Box) -> None:
    box.deliver(1)
    box.settle([0], understood=False)
    for place in ("new", "cur"):
        for file in (box.server.maildir(USER) / place).iterdir():
            file.unlink()
    assert box.fetch() == []
    assert box.aside.known() == frozenset()


def test_fill_and_age_are_told(box: Box) -> None:
    with closing(open_mailbox(box.settings, box.aside)) as mailbox:
        assert (mailbox.fill().waiting, mailbox.fill().oldest) == (0, None)
    box.deliver(1, LONG)
    box.deliver(2)
    with closing(open_mailbox(box.settings, box.aside)) as mailbox:
        fill = mailbox.fill()
        assert mailbox.relieve(datetime.now(UTC), lambda content: True) == 0
        assert mailbox.sent(["<a@b>"], since=datetime.now(UTC)) == frozenset()
    assert fill.waiting == 2
    assert fill.used > 5000
    assert fill.oldest is not None
    assert abs(datetime.now(UTC) - fill.oldest) < timedelta(minutes=5)


def test_faults_of_ours_are_told_as_ours(box: Box, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    with pytest.raises(OurFault) as fault:
        box.fetch()
    assert fault.value.stage == "login"
    assert "wrong" not in str(fault.value)
    (tmp_path / "password").write_text(PASSWORD)
    with pytest.raises(OurFault) as fault:
        list(open_mailbox(box.settings.model_copy(update={"server_name": "autre.test"})).fetch())
    assert fault.value.stage == "tls"
    with pytest.raises(TryLater):
        list(open_mailbox(box.settings.model_copy(update={"port": free_port()})).fetch())


def test_a_box_that_another_session_holds_is_tried_later() -> None:
    assert isinstance(refused_login(poplib.error_proto(b"-ERR [IN-USE] Mailbox is locked")), TryLater)
    assert isinstance(refused_login(poplib.error_proto(b"-ERR [AUTH] Authentication failed.")), OurFault)


@pytest.mark.parametrize("wrong", [{"settled": "file"}, {"sent": "Sent"}, {"host": ""}])
def test_settings_that_pop3_cannot_keep_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="pop3"):
        MailboxSettings.model_validate({"kind": "pop3", "host": "pop.test"} | wrong)
