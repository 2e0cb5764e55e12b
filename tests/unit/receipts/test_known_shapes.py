"""Failure mails whose recipient only a detector of Mailman's knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.receipts import known_shapes
from dispatcher.receipts.notices import read

AOL = (
    b'From: "Mail Delivery Subsystem" <MAILER-DAEMON@AOL.com>\r\nTo: <resultats@labo.test>\r\n'
    b"Subject: Mail Delivery Problem\r\nContent-Type: text/plain\r\n\r\n"
    b"Your mail to the following recipients could not be delivered because "
    b"they are not accepting mail from resultats@labo.test:\r\n\tcabinet.du.port\r\n"
)


def test_a_name_without_its_domain_becomes_an_address() -> None:
    (notice,) = read(AOL)[0]
    assert (notice.recipient, notice.action, notice.class_) == ("cabinet.du.port@aol.com", "failed", "permanent")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"AOL.com>", b"AOL.com> (\xe9t\xe9)"), (b"\tcab", b"\t\xff\xfe cab")],
    ids=["header", "body"],
)
def test_what_a_detector_falls_over_is_no_fault(old: bytes, new: bytes) -> None:
    assert len(read(AOL.replace(old, new))[0]) == 1


@given(st.binary(max_size=300))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    assert isinstance(known_shapes.recipients(AOL[:200] + data), tuple)


def test_a_mail_without_failure_names_nobody() -> None:
    assert known_shapes.recipients(b"From: a@b.test\r\nSubject: Bonjour\r\n\r\nMerci, a@c.test\r\n") == ()
