"""Files of several mails: every one is read, and a letter that only looks like one stays whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.receipts.mbox import mails
from dispatcher.receipts.readout import as_json
from dispatcher.resources import sample
from tests.notice_shapes.building import ENVID, MID, NADEGE, about, dsn, fields

SEPARATOR = b"From MAILER-DAEMON Tue Nov 17 09:12:44 2026\n"
FAILED = dsn(about(fields(), first=f"Reporting-MTA: dns; relais.test\nOriginal-Envelope-Id: {ENVID}\n")).replace(
    b"\r\n", b"\n"
)
READ = sample("receipts", "mdn_displayed.eml").read_bytes().replace(b"\r\n", b"\n")


def mbox(*contents: bytes) -> bytes:
    return b"".join(SEPARATOR + one.rstrip(b"\n") + b"\n\n" for one in contents)


def test_a_mail_alone_is_one_with_or_without_a_separator() -> None:
    assert mails(FAILED) == (FAILED,)
    (one,) = mails(SEPARATOR + FAILED)
    assert one.rstrip() == FAILED.rstrip()
    assert mails(b"") == (b"",)


def test_all_mails_of_a_file_are_read() -> None:
    told = as_json("avis.mbox", mbox(FAILED, READ, FAILED))
    assert [notice["kind"] for notice in told["notices"]] == ["dsn", "mdn", "dsn"]
    assert told["notices"][0]["recipient"] == NADEGE
    assert told["notices"][0]["message_id"] == MID


def test_problems_say_which_mail_they_are_about() -> None:
    letter = b"From: a@b.test\nSubject: Bonjour\n\nMerci.\n"
    told = as_json("avis.mbox", mbox(FAILED, letter))
    assert [(one["code"], one["where"]) for one in told["problems"]] == [("not-a-notice", "courrier 2")]
    assert as_json("x.eml", letter)["problems"][0]["where"] == ""


def test_words_that_begin_like_a_separator_cut_nothing() -> None:
    letter = b"Subject: x\n\nBonjour,\n\nFrom now on we write: by mail, as of Tue 17 November 2026.\n\nFrom: quoted\n"
    assert len(mails(mbox(letter, FAILED))) == 2
    assert len(mails(mbox(b"Subject: x\n\nun\n\nFrom Paris avec\nune ligne\n"))) == 1


def test_escaped_lines_come_back() -> None:
    (one,) = mails(mbox(b"Subject: x\n\n>From Paris\n>>From Rome\n"))
    assert one.endswith(b"\nFrom Paris\n>From Rome\n\n")


def test_line_ends_of_windows_are_no_matter() -> None:
    assert len(mails(mbox(FAILED, READ).replace(b"\n", b"\r\n"))) == 2


@given(st.lists(st.sampled_from([FAILED, READ]), min_size=1, max_size=6))
def test_as_many_come_out_as_went_in(contents: list[bytes]) -> None:
    assert [one.rstrip() for one in mails(mbox(*contents))] == [one.rstrip() for one in contents]


@given(st.binary(max_size=300))
def test_any_bytes_give_something(junk: bytes) -> None:
    assert len(mails(b"From " + junk)) >= 1
