"""Which reply at which stage is whose fault: a row each."""

import pytest

from dispatcher.errors import OurFault, OutcomeUnknown, Refused, TryLater
from dispatcher.transport.imap_names import encode, quote
from dispatcher.transport.replies import error_for, lost, status_of, without_addresses

PATIENT = "279035121518989@patient.mssante.test"


@pytest.mark.parametrize(
    ("stage", "code", "text", "kind"),
    [
        ("connect", 421, "4.3.2 too busy", TryLater),
        ("connect", 554, "5.7.1 Client host rejected", OurFault),
        ("connect", 554, "no service here", OurFault),
        ("tls", 454, "TLS not available due to temporary reason", TryLater),
        ("tls", 501, "syntax", OurFault),
        ("tls", 421, "4.7.1 relais.test Error: No client certificate presented", OurFault),
        ("tls", 421, "4.7.1 relais.test Error: Client certificate not trusted", OurFault),
        ("rcpt", 450, "4.7.1 Client host rejected: cannot find your hostname", TryLater),
        ("login", 535, "5.7.8 authentication failed", OurFault),
        ("login", 454, "4.7.0 temporary authentication failure", TryLater),
        ("mail", 530, "5.7.0 Must issue a STARTTLS command first", OurFault),
        ("mail", 550, "5.7.1 sender refused", OurFault),
        ("mail", 552, "5.3.4 message too big", Refused),
        ("mail", 451, "4.3.0 try again", TryLater),
        ("rcpt", 550, "5.1.1 <x@y.test>: unknown user", Refused),
        ("rcpt", 552, "5.2.2 mailbox full", Refused),
        ("rcpt", 450, "4.7.1 greylisted", TryLater),
        ("rcpt", 421, "4.7.0 closing", TryLater),
        ("rcpt", 554, "5.7.1 <unknown[127.0.0.1]>: Client host rejected: Access denied", OurFault),
        ("rcpt", 530, "5.7.1 Authentication required", OurFault),
        ("rcpt", 553, "5.7.1 <a@b.test>: Sender address rejected: not owned by user labo", OurFault),
        ("rcpt", 554, "5.7.1 <x@y.test>: Relay access denied", OurFault),
        ("data", 554, "5.5.1 no valid recipients", Refused),
        ("data", 451, "4.3.0 queue file write error", TryLater),
        ("final-dot", 554, "5.7.1 blocked", Refused),
        ("final-dot", 552, "5.2.2 quota", Refused),
        ("final-dot", 451, "4.3.0 busy", TryLater),
        ("final-dot", -1, "garbage", OutcomeUnknown),
        ("data", 250, "out of step", TryLater),
    ],
)
def test_reply_is_classified(stage: str, code: int, text: str, kind: type[Exception]) -> None:
    error = error_for(stage, code, text)
    assert type(error) is kind
    assert error.stage == stage
    assert error.status == status_of(text)


def test_relay_denied_is_the_recipients_once_the_server_knows_us() -> None:
    assert type(error_for("rcpt", 554, "5.7.1 <x@y.test>: Relay access denied", known_here=True)) is Refused


def test_no_message_repeats_an_address() -> None:
    error = error_for("rcpt", 550, f"5.1.1 <{PATIENT}>: Recipient address rejected: {PATIENT} unknown")
    assert "patient.mssante" not in str(error)
    assert "279035121518989" not in str(error)
    assert "Recipient address rejected" in str(error)


def test_reply_text_for_the_store_is_one_short_line() -> None:
    assert without_addresses("2.0.0 Ok:\nqueued\t as <a@b.test> for c@d.test") == "2.0.0 Ok: queued as <…> for <…>"
    assert len(without_addresses("x" * 999)) == 200


@pytest.mark.parametrize(("text", "status"), [("5.1.1 no", "5.1.1"), ("no 5.1.1", ""), ("", ""), ("#4.7.1 x", "4.7.1")])
def test_status_is_read_at_the_head_only(text: str, status: str) -> None:
    assert status_of(text) == status


@pytest.mark.parametrize("stage", ["connect", "tls", "login", "mail", "rcpt", "data"])
def test_a_line_lost_before_the_final_dot_is_to_be_tried_later(stage: str) -> None:
    assert type(lost(stage)) is TryLater


def test_a_line_lost_after_the_final_dot_is_unknown() -> None:
    assert type(lost("final-dot")) is OutcomeUnknown


def test_folder_names_go_out_in_modified_utf7_and_quoted() -> None:
    assert encode("Boîte & co") == "Bo&AO4-te &- co"
    assert encode("Traites") == "Traites"
    assert quote('a"b\\c') == '"a\\"b\\\\c"'
