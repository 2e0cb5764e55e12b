"""What every transport promises, run on each of them. To add one: a context manager in ``MAKERS``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.errors import OurFault, Refused, TryLater
from dispatcher.ports import Mail, Transport
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.settings import ChannelSettings
from dispatcher.transport.open import open_transport
from dispatcher.transport.transcript import Transcript

SENDER = "resultats@labo.sandbox.test"


@dataclass(frozen=True)
class Case:
    """A transport under test."""

    transport: Transport
    good: str
    """An address it delivers to."""
    arrived: Callable[[], list[bytes]]
    """Mails that came out at the other end, in order."""
    bad: str = ""
    """An address it refuses for good; empty when it refuses nobody."""
    busy: str = ""
    """An address that is put off."""
    dsn: bool = False


@contextmanager
def sandbox(folder: Path) -> Iterator[Case]:
    with SandboxOperator(folder, certificates=()) as operator:
        settings = ChannelSettings.model_validate(operator.channel_settings() | {"timeout_seconds": 10})
        yield Case(
            transport=open_transport(settings),
            good="paul.durand@sandbox.mssante.test",
            arrived=lambda: [operator.mail(mail) for mail in operator.accepted()],
            bad="refused@sandbox.mssante.test",
            busy="try-later@sandbox.mssante.test",
            dsn=True,
        )


@contextmanager
def rehearsal(folder: Path) -> Iterator[Case]:
    out = folder / "out"
    settings = ChannelSettings.model_validate(
        {"family": "mssante", "sender": SENDER, "transport": "folder", "folder": out}
    )
    yield Case(
        transport=open_transport(settings),
        good="paul.durand@sandbox.mssante.test",
        arrived=lambda: [file.read_bytes() for file in sorted(out.glob("*.eml"))],
    )


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Case]]] = {"sandbox": sandbox, "folder": rehearsal}
ANSWERING = ("sandbox",)
"""Those with a server at the other end, which refuses and puts off."""


@pytest.fixture(params=sorted(MAKERS))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with MAKERS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=ANSWERING)
def answering(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with MAKERS[request.param](tmp_path) as made:
        assert made.bad
        assert made.busy
        yield made


def mail(recipient: str, number: int = 1, body: bytes = b"Bonjour\r\n") -> Mail:
    header = f"From: <{SENDER}>\r\nTo: <{recipient}>\r\nMessage-ID: <d-{number}@labo.sandbox.test>\r\n\r\n"
    return Mail(
        sender=SENDER,
        recipient=recipient,
        message_id=f"<d-{number}@labo.sandbox.test>",
        envid=f"D{number:04d}",
        content=header.encode() + body,
    )


def test_bytes_arrive_as_they_were_sealed(case: Case) -> None:
    body = b".dot first\r\n..two dots\r\n.\r\n\r\n " + b"x" * 900 + b"\r\nend without line end..\r\n.end\r\n"
    sent = mail(case.good, body=body)
    session = case.transport.open()
    accepted = session.send(sent)
    session.close()
    assert 200 <= accepted.reply <= 299
    assert accepted.dsn_requested is case.dsn
    assert case.arrived() == [sent.content]


def test_one_session_hands_over_many_mails_in_order(case: Case) -> None:
    mails = [mail(case.good, number) for number in range(1, 6)]
    session = case.transport.open()
    for one in mails:
        session.send(one)
    session.close()
    assert case.arrived() == [one.content for one in mails]


def test_sessions_work_side_by_side(case: Case) -> None:
    first, second = case.transport.open(), case.transport.open()
    first.send(mail(case.good, 1))
    second.send(mail(case.good, 2))
    first.send(mail(case.good, 3))
    first.close()
    second.close()
    assert len(case.arrived()) == 3


def test_a_large_mail_arrives_whole(case: Case) -> None:
    sent = mail(case.good, body=(b"A" * 76 + b"\r\n") * 30_000)
    session = case.transport.open()
    session.send(sent)
    session.close()
    assert case.arrived() == [sent.content]


def test_closing_twice_is_no_fault(case: Case) -> None:
    session = case.transport.open()
    session.close()
    session.close()
    assert case.arrived() == []


def test_a_refused_recipient_is_told_and_leaves_the_session_usable(answering: Case) -> None:
    session = answering.transport.open()
    with pytest.raises(Refused) as refusal:
        session.send(mail(answering.bad, 1))
    assert (refusal.value.reply, refusal.value.status, refusal.value.stage) == (550, "5.1.1", "rcpt")
    assert answering.bad not in str(refusal.value)
    session.send(mail(answering.good, 2))
    session.close()
    assert answering.arrived() == [mail(answering.good, 2).content]


def test_a_recipient_put_off_is_told_and_leaves_the_session_usable(answering: Case) -> None:
    session = answering.transport.open()
    with pytest.raises(TryLater) as later:
        session.send(mail(answering.busy, 1))
    assert (later.value.reply, later.value.stage) == (451, "rcpt")
    session.send(mail(answering.good, 2))
    session.close()
    assert len(answering.arrived()) == 1


def test_an_address_with_a_line_break_is_never_put_on_the_line(answering: Case) -> None:
    session = answering.transport.open()
    with pytest.raises(Refused):
        session.send(mail("x@sandbox.mssante.test>\r\nRCPT TO:<" + answering.good))
    session.close()
    assert answering.arrived() == []


def test_a_folder_that_cannot_be_written_is_our_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = {"family": "mssante", "sender": SENDER, "transport": "folder", "folder": tmp_path / "file" / "out"}
    with pytest.raises(OurFault):
        open_transport(ChannelSettings.model_validate(settings)).open()


def test_a_rehearsal_leaves_no_half_written_file_and_no_address_in_names(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as case:
        session = case.transport.open()
        session.send(mail(case.good, 1))
        session.send(mail(case.good, 1))
        session.send(Mail(sender=SENDER, recipient=case.good, message_id="<a/b@c>", envid="../x", content=b"y\r\n"))
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert len(names) == 2
    assert "D0001.eml" in names
    assert all("@" not in name and name.endswith(".eml") for name in names)


def test_what_was_said_is_kept_without_any_address(answering: Case) -> None:
    """Of each mail: the opening of its connection, and its own commands and replies with their times; no other's."""
    session = answering.transport.open()
    mail = Mail(
        sender=SENDER,
        recipient=answering.good,
        message_id="<a@labo.test>",
        envid="DAAA",
        content=b"Subject: x\r\n\r\ny",
    )
    first = session.send(mail).dialogue
    with pytest.raises(Refused) as refused:
        session.send(replace(mail, recipient=answering.bad, envid="DBBB"))
    second = session.send(replace(mail, envid="DCCC")).dialogue
    session.close()
    for said, own, others in (
        (first, "DAAA", "DBBB"),
        (refused.value.dialogue, "DBBB", "DAAA"),
        (second, "DCCC", "DBBB"),
    ):
        assert re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (C:|S:|\*) .+\n)+\Z", said)
        assert "@" not in said and "durand" not in said and "Subject" not in said
        assert f"ENVID={own}" in said and others not in said
        assert said.count(" S: 220 ") == 2, "greeting and STARTTLS"
        assert re.search(r"\* TLSv1\.\d \S+ certificat [0-9a-f]{64}\n", said)
    assert re.search(r"\* message transmis \(\d+ octets\)\n\S+ \* point final\n\S+ S: 250 .+\n\Z", first)
    assert re.search(r"S: 5\d\d .+", refused.value.dialogue) and "point final" not in refused.value.dialogue


def test_no_password_is_kept() -> None:
    kept = Transcript(lambda: datetime(2026, 3, 11, 9, tzinfo=UTC))
    for command in ("AUTH PLAIN AGV2ZQBzZWNyZXQ=", "c2VjcmV0", "RCPT TO:<a@b.test> ORCPT=rfc822;a+2Bb@b.test"):
        kept.client(command)
    assert kept.text() == (
        "2026-03-11T09:00:00.000Z C: AUTH …\n2026-03-11T09:00:00.000Z C: …\n"
        "2026-03-11T09:00:00.000Z C: RCPT TO:<…> ORCPT=…\n"
    )
