"""Who wrote a notice, where a stranger tries to look like the recipient, and where a recipient writes oddly."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.receipts.author import author
from dispatcher.receipts.notices import read
from tests.unit.receipts.test_notice_matching import CAMILLE, OURS, READ, found, problem

REAL = "camille.durand@cabinets.mssante.test"
STRANGE = "evil@evil.test"
FORGED = (
    "quoted two-fields two-fields-turned two two-turned in-name route comment name word bare group brackets fold none"
)
REAL_ONES = "bare brackets name comma word folded utf8 comment full-stops quoted-word loose"


def mail(head: str) -> bytes:
    return (
        f"{head}\r\nTo: resultats@labo.test\r\nSubject: Lu\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=m\r\n\r\n"
        "--m\r\nContent-Type: text/plain\r\n\r\nLu.\r\n--m\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822; {REAL}\r\nOriginal-Message-ID: <d-1@labo.test>\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n--m--\r\n"
    ).encode()


@pytest.mark.parametrize(
    "head",
    [
        f'From: "x@cabinets.mssante.test"@{STRANGE.partition("@")[2]}',
        f"From: {REAL}\r\nFrom: {STRANGE}",
        f"From: {STRANGE}\r\nFrom: {REAL}",
        f"From: {REAL}, {STRANGE}",
        f"From: {STRANGE}, {REAL}",
        f'From: "evil <{REAL}> {STRANGE}"',
        f"From: <@cabinets.mssante.test:{STRANGE}>",
        f"From: {STRANGE} ({REAL})",
        f'From: "{REAL}" <{STRANGE}>',
        f"From: =?utf-8?q?{REAL.replace('@', '=40')}?= <{STRANGE}>",
        f"From: =?utf-8?q?=3C{REAL.replace('@', '=40')}=3E?= {STRANGE}",
        f"From: Cabinet: {STRANGE};",
        f"From: <{REAL}> <{STRANGE}>",
        f"From: {REAL}\r\n <{STRANGE}>",
        f"Sender: {REAL}\r\nReply-To: {REAL}",
    ],
    ids=FORGED.split(),
)
def test_a_stranger_behind_the_recipients_name_is_not_him(head: str) -> None:
    (notice,) = read(mail(head))[0]
    assert notice.sender != REAL and not (notice.sender or "").endswith("@cabinets.mssante.test")


@pytest.mark.parametrize(
    "field",
    [
        REAL,
        f"<{REAL}>",
        f"Dr Camille DURAND <{REAL}>",
        f'"DURAND, Camille" <{REAL}>',
        f"=?utf-8?q?DURAND=2C_Camille?= <{REAL}>",
        f"=?iso-8859-1?Q?Cabinet_m=E9dical?=\r\n <{REAL}>",
        f"Cabinet médical <{REAL.upper()}>",
        f"{REAL} (Cabinet du port)",
        f"Dr. C. DURAND <{REAL}>",
        f'"=?utf-8?q?Cabinet_m=C3=A9dical?=" <{REAL}>',
        f"DURAND, Camille [secrétariat] <{REAL}>",
    ],
    ids=REAL_ONES.split(),
)
def test_a_recipient_who_writes_as_mail_programs_do_is_him(field: str) -> None:
    (notice,) = read(mail(f"From: {field}"))[0]
    assert notice.sender == REAL


def test_a_notice_wrapped_up_by_a_stranger_counts_for_nobody() -> None:
    assert problem(replace(READ, forwarders=(STRANGE,))) == "strange-sender"
    assert problem(replace(READ, forwarders=("",))) == "strange-sender"
    ours = "accueil@" + OURS.message_id.strip("<>").partition("@")[2]
    assert found(replace(READ, forwarders=(ours,))).dispatch is OURS
    assert found(replace(READ, forwarders=(CAMILLE,))).dispatch is OURS


@given(st.lists(st.text(st.sampled_from("a@.<>\"'(),:; \\\n=?q"), max_size=40), max_size=3))
def test_no_field_is_too_odd(fields: list[str]) -> None:
    said = author(tuple(fields))
    assert said is None or (len(fields) == 1 and said.count("@") == 1)
