"""Single rules of the notice readers, and the promise that no bytes bring them down."""

import base64
import contextlib
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.receipts import addresses, cms, dsn
from dispatcher.receipts.mime import parse
from dispatcher.receipts.notice import DIAGNOSTIC_MAX, Kind
from dispatcher.receipts.notices import read
from dispatcher.receipts.readout import FIELDS, as_json
from dispatcher.resources import sample

SAMPLES = [file.read_bytes() for file in sample("receipts").iterdir() if file.name.endswith(".eml")]


def mail(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def report(fields: str, human: str = "See below.", top: str = "") -> bytes:
    return mail(
        f"From: MAILER-DAEMON@relais.test\nSubject: Report\n{top}"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{human}\n--b\nContent-Type: message/delivery-status\n\n{fields}\n--b--\n"
    )


def only(data: bytes):
    notices, _ = read(data)
    assert len(notices) == 1
    return notices[0]


@pytest.mark.parametrize(
    ("action", "status", "expected", "class_"),
    [
        ("failed", "4.4.7", "failed", "permanent"),
        ("Failure (host gone)", "5.0.0", "failed", "permanent"),
        ("error", "5.0.0", "failed", "permanent"),
        ("DELAYED", "5.1.1", "delayed", "temporary"),
        ("delivered (to mailbox)", "2.0.0", "delivered", "success"),
        ("relayed", "4.0.0", "relayed", "success"),
        ("", "5.2.2", None, "permanent"),
        ("", "4.2.2", None, "temporary"),
    ],
)
def test_action_is_believed_before_the_class_of_the_status(action, status, expected, class_) -> None:
    notice = only(report(f"Final-Recipient: rfc822; a@b.test\nAction: {action}\nStatus: {status}\n"))
    assert (notice.action, notice.class_) == (expected, class_)


def test_the_status_is_taken_from_the_diagnostic_when_its_field_is_missing() -> None:
    notice = only(report("Final-Recipient: rfc822; a@b.test\nAction: failed\nDiagnostic-Code: smtp; 550 #5.1.1 no\n"))
    assert notice.status == "5.1.1"


@pytest.mark.parametrize("text", ["connect to 192.0.2.5.1.1", "version 5.5.2656", "5.1", "10.5.1.1", "1.5.1.1"])
def test_addresses_and_versions_are_no_status(text: str) -> None:
    assert dsn.find_status(text) is None


def test_unindented_continuation_lines_belong_to_the_diagnostic() -> None:
    fields = "Final-Recipient: rfc822; a@b.test\nAction: failed\n"
    notice = only(report(f"{fields}Diagnostic-Code: smtp; 550-5.1.1 first\n550 5.1.1 last\n"))
    assert notice.diagnostic == "smtp; 550-5.1.1 first 550 5.1.1 last"


def test_a_doubled_block_is_told_once() -> None:
    block = "Final-Recipient: rfc822; a@b.test\nAction: failed\nStatus: 5.1.1\n\n"
    assert len(read(report(block * 5))[0]) == 1


def test_xtext_of_the_original_recipient_is_undone() -> None:
    notice = only(
        report("Original-Recipient: rfc822; jean+2Bx+40b.test\nFinal-Recipient: rfc822; j@c.test\nAction: failed\n")
    )
    assert notice.original_recipient == "jean+x@b.test"
    assert notice.recipient == "j@c.test"


def test_the_diagnostic_is_cut() -> None:
    notice = only(report(f"Final-Recipient: rfc822; a@b.test\nAction: failed\nDiagnostic-Code: smtp; {'x' * 2000}\n"))
    assert notice.diagnostic is not None
    assert len(notice.diagnostic) == DIAGNOSTIC_MAX


def test_fields_in_a_file_without_mail_headers_are_still_read() -> None:
    assert only(b"Final-Recipient: rfc822; a@b.test\nAction: failed\nStatus: 5.0.0\n").action == "failed"


def test_the_notices_own_message_id_is_never_taken_for_ours() -> None:
    notice = only(report("Final-Recipient: rfc822; a@b.test\nAction: failed\n", top="Message-ID: <own@relais.test>\n"))
    assert notice.message_id is None


def test_an_address_in_the_returned_copy_is_no_recipient() -> None:
    notice = only(
        mail(
            "From: MAILER-DAEMON@x.test\nSubject: failure notice\n\n<a@b.test>:\nNo such user\n\n"
            "--- Below this line is a copy of the message.\n\nMessage-ID: <m@labo.test>\n\n<c@d.test>:\nautre\n"
        )
    )
    assert (notice.recipient, notice.message_id) == ("a@b.test", "<m@labo.test>")


def test_a_person_who_writes_of_failures_is_not_a_mail_server() -> None:
    notice = only(
        mail(
            "From: Dr X <x@cab.test>\nSubject: Re: bilan\nIn-Reply-To: <m@labo.test>\n\n"
            "Le courrier n'a pas pu être remis au patient, adresse inconnue : y@z.test\n"
        )
    )
    assert notice.kind is Kind.OTHER


def test_an_out_of_office_answer_is_no_failure_and_no_read_notice() -> None:
    notice = only(mail("From: x@cab.test\nSubject: Absence du bureau : bilan\n\nDe retour lundi.\n"))
    assert (notice.kind, notice.action, notice.class_) == (Kind.AUTO_REPLY, None, None)


def test_several_unexplained_addresses_are_not_guessed_from() -> None:
    notice = only(
        mail("From: MAILER-DAEMON@x.test\nSubject: Returned mail\n\nNot delivered. Try one@x.test, two@x.test\n")
    )
    assert notice.recipient is None


def certificate() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relais.test")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=900))
    return key, builder.sign(key, hashes.SHA256())


def signed(inner: bytes, options: list[pkcs7.PKCS7Options], encoding=serialization.Encoding.DER) -> bytes:
    key, own = certificate()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(own, key, hashes.SHA256())
    return builder.sign(encoding, options)


INNER = (
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n'
    b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.test\r\nAction: failed\r\n"
    b"Status: 5.1.1\r\n\r\n--b--\r\n"
)


def test_an_opaque_signed_notice_is_opened_and_marked_unverified() -> None:
    der = signed(INNER, [pkcs7.PKCS7Options.Binary])
    wrapped = (
        b"From: postmaster@relais.test\r\nIn-Reply-To: <m@labo.test>\r\n"
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(der)
    )
    for data in (wrapped, der):
        notices, problems = read(data)
        assert [(n.action, n.status) for n in notices] == [("failed", "5.1.1")]
        assert [p.code for p in problems] == ["signature-not-verified"]
    assert read(wrapped)[0][0].message_id == "<m@labo.test>"


def test_a_clear_signed_notice_is_read_and_marked_unverified() -> None:
    data = signed(INNER, [pkcs7.PKCS7Options.DetachedSignature], serialization.Encoding.SMIME)
    notices, problems = read(b"From: postmaster@relais.test\r\n" + data)
    assert [n.action for n in notices] == ["failed"]
    assert "signature-not-verified" in [p.code for p in problems]


def test_an_encrypted_notice_is_said_to_be_unread() -> None:
    envelope = bytes.fromhex("300d06092a864886f70d010703a000")
    notices, problems = read(
        b"From: x@cab.test\r\nIn-Reply-To: <m@labo.test>\r\nContent-Type: application/pkcs7-mime\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(envelope)
    )
    assert [n.kind for n in notices] == [Kind.OTHER]
    assert "encrypted" in [p.code for p in problems]


def test_indefinite_lengths_and_octets_in_pieces_are_joined() -> None:
    oid_data = bytes.fromhex("06092a864886f70d010701")
    pieces = b"\x24\x80\x04\x02ab\x04\x01c\x00\x00"
    encapsulated = b"\x30\x80" + oid_data + b"\xa0\x80" + pieces + b"\x00\x00\x00\x00"
    body = b"\x30\x80\x02\x01\x01\x31\x00" + encapsulated + b"\x00\x00"
    whole = b"\x30\x80" + bytes.fromhex("06092a864886f70d010702") + b"\xa0\x80" + body + b"\x00\x00\x00\x00"
    assert cms.signed_content(whole) == b"abc"


@given(st.binary(max_size=400))
def test_no_bytes_break_the_structure_reader(data: bytes) -> None:
    with contextlib.suppress(cms.NotCms):
        cms.signed_content(data)
    assert cms.is_encrypted(data) in {True, False}


@given(st.binary(max_size=600))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    entry = as_json("x", data)
    assert set(entry) == {"path", "problems", "notices"}
    assert entry["notices"] or entry["problems"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=6)), max_size=8))
def test_a_damaged_notice_gives_an_answer_of_the_contract(data: bytes, edits: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(data)
    for place, junk in edits:
        damaged[place : place + len(junk) + 2] = junk
    for notice in as_json("x", bytes(damaged))["notices"]:
        assert tuple(notice) == FIELDS
        assert notice["class"] in {None, "permanent", "temporary", "success"}
        assert notice["recipient"] == (notice["recipient"] or "").lower() or notice["recipient"] is None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 3000))
def test_a_notice_cut_short_gives_an_answer(data: bytes, length: int) -> None:
    entry = as_json("x", data[:length])
    assert entry["notices"] or entry["problems"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "filler", [b"\n" * 300_000, b"-" * 300_000, b"<a " * 100_000, b"<style" * 50_000, b"a@" * 150_000, b"( :" * 90_000]
)
def test_hostile_repetition_takes_no_time(filler: bytes) -> None:
    for kind in (b"text/plain", b"text/html"):
        read(
            b"From: MAILER-DAEMON@x.test\nSubject: failure notice\nContent-Type: " + kind + b"\n\n" + filler + b"\nx\n"
        )


def test_deep_and_wide_nesting_ends() -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(500))
    assert parse(b"From: a@b.test\n" + deep)
    read(b"From: a@b.test\nContent-Type: message/rfc822\n\n" * 200)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_xtext_goes_there_and_back(text: str) -> None:
    encoded = addresses.xtext(text)
    assert "=" not in encoded
    assert addresses.unxtext(encoded) == text


def test_the_same_mailbox_is_seen_through_case_brackets_and_idna() -> None:
    assert addresses.same_address("<Camille@Hôpital.test>", "camille@xn--hpital-ixa.test")
    assert not addresses.same_address("camille@a.test", "camille@b.test")
    assert not addresses.same_address(None, None)


def test_a_report_that_names_only_the_original_recipient_is_about_that_one() -> None:
    notice = only(report("Original-Recipient: <k@dest.test>\nAction: failed\n"))
    assert (notice.recipient, notice.original_recipient) == ("k@dest.test", "k@dest.test")


def test_a_refusal_sent_from_another_box_of_the_recipient_still_names_the_one_we_wrote_to() -> None:
    notice = only(
        mail(
            "From: integration@ch.test\nSubject: [KO Int\u00e9gration syst\u00e8me !][904] XDM/1.0/DDM\n"
            'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nKO\n'
            "--b\nContent-Type: message/rfc822\n\nTo: service@ch.test\nMessage-ID: <m@labo.test>\n\nx\n--b--\n"
        )
    )
    assert (notice.recipient, notice.original_recipient) == ("integration@ch.test", "service@ch.test")
    assert (notice.code, notice.message_id) == ("904", "<m@labo.test>")


def test_a_gateway_that_shows_the_envelope_names_its_recipient() -> None:
    notice = only(
        mail(
            "From: post_master@relais.test\nTo: labo@labo.test\nSubject: Re:bilan\nIn-Reply-To: <m@labo.test>\n\n"
            "Error: Invalid user address\n\n550 - Requested action not taken: no such user here\n\n"
            "  MAIL FROM: labo@labo.test\n  RCPT TO: k@dest.test\n"
        )
    )
    assert (notice.kind, notice.action, notice.recipient) == (Kind.ERROR_MAIL, "failed", "k@dest.test")


@pytest.mark.parametrize("final", ["x400; /S=k/OU=dest/PRMD=dest/ADMD= /C=FR/", "LOCAL;kerouac", "system;<>"])
def test_a_final_recipient_that_is_no_mail_address_leaves_the_one_we_wrote_to(final: str) -> None:
    notice = only(report(f"Original-Recipient: rfc822; k@dest.test\nFinal-Recipient: {final}\nAction: failed\n"))
    assert (notice.recipient, notice.original_recipient) == ("k@dest.test", "k@dest.test")


def test_a_returned_mail_without_the_blank_line_before_it_still_gives_its_message_id() -> None:
    returned = "Received: from labo.test by relais.test\nMessage-ID: <m@labo.test>\nTo: k@dest.test\n\nbody\n"
    notice = only(
        mail(
            "From: MAILER-DAEMON@relais.test\nMessage-ID: <own@relais.test>\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; k@dest.test\nAction: failed\n"
            f"--b\nContent-Type: message/rfc822\nContent-Description: Message\n retourne\n{returned}--b--\n"
        )
    )
    assert notice.message_id == "<m@labo.test>"


def test_a_mail_that_is_nothing_but_another_mail_is_opened() -> None:
    inner = "From: MAILER-DAEMON@relais.test\nX-Failed-Recipients: k@dest.test\n\nmailbox unavailable\n"
    notice = only(mail(f"From: x@labo.test\nMessage-ID: <m@labo.test>\nContent-Type: message/rfc822\n\n{inner}"))
    assert (notice.action, notice.recipient) == ("failed", "k@dest.test")


def test_blank_lines_before_the_header_are_skipped() -> None:
    notice = only(
        b"  \r\n\t\r\n\r\n" + mail("From: MAILER-DAEMON@x.test\nSubject: failure notice\n\n<a@b.test>:\nno\n")
    )
    assert (notice.kind, notice.recipient) == (Kind.ERROR_MAIL, "a@b.test")


def test_fields_that_a_person_quotes_or_attaches_are_no_delivery_and_no_read_notice() -> None:
    head = "From: Dr X <x@cab.test>\nSubject: Re: bilan\nIn-Reply-To: <m@labo.test>\n"
    delivered = "Final-Recipient: rfc822; x@cab.test\nAction: delivered\nStatus: 2.0.0\n"
    displayed = "Final-Recipient: rfc822; x@cab.test\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    for quoted in (delivered, displayed, delivered.replace("delivered", "failed").replace("2.0.0", "5.1.1")):
        attached = f"--b\nContent-Type: text/plain; name=avis.txt\n\n{quoted}\n--b--\n"
        assert only(mail(f"{head}\nVu ceci :\n\n{quoted}")).kind is Kind.OTHER
        assert only(mail(f'{head}Content-Type: multipart/mixed; boundary="b"\n\n{attached}')).kind is Kind.OTHER


def test_a_server_may_say_delivered_in_a_part_of_the_wrong_type_with_its_fields_about_the_mail() -> None:
    head = "From: MAILER-DAEMON@relais.test\nSubject: Delivery report\n\n"
    block = "Final-Recipient: rfc822; a@b.test\nAction: delivered\nStatus: 2.0.0\n"
    assert only(mail(f"{head}Reporting-MTA: dns; relais.test\n\n{block}")).action == "delivered"
    assert only(mail(head + block)).class_ is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_a_mail_saved_as_unicode_is_read(encoding: str) -> None:
    text = report("Final-Recipient: rfc822; a@b.test\nAction: failed\n").decode()
    data = ("\ufeff" if encoding == "utf-16-be" else "").encode(encoding) + text.encode(encoding)
    assert (only(data).kind, only(data).action) == (Kind.DSN, "failed")
