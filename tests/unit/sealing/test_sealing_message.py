"""Our MIME bytes, judged by the standard library's reader: what went in comes out, and nothing else."""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import SealError
from dispatcher.report.model import Attachment
from dispatcher.sealing import mime
from dispatcher.sealing.message import HeaderProtection, OutgoingMail, inner_entity, outer

PDF = Attachment(media_type="application/pdf", content=bytes(range(256)) * 40, name="compte-rendu.pdf")
ZIP = Attachment(media_type="application/zip", content=b"PK\x03\x04", name="IHE_XDM.zip")

MAIL = OutgoingMail(
    sender="resultats@labo.test",
    sender_label="Laboratoire des Érables",
    reply_to="secretariat@labo.test",
    recipient="paul.durand@dest.test",
    recipient_label='Dr DURAND Paul, "cardiologue"',
    subject="XDM/1.0/DDM+CR d'examens biologiques MARTINEAU Claire 04/07/1961",
    outer_subject="Résultats d'examens biologiques",
    text="Bonjour,\r\n\nVoici le résultat demandé.\rÀ bientôt",
    attachments=(ZIP, PDF),
    message_id="<D-7K3QWZ9MP@labo.test>",
    date=datetime(2026, 3, 11, 9, 0, tzinfo=UTC),
    in_reply_to="<D-1111@labo.test>",
    references=("<D-0000@labo.test>", "<D-1111@labo.test>"),
    headers=(("X-MSS-CODECDA", "11502-2"), ("X-MSS-INS", "O")),
    disposition_notification_to="resultats@labo.test",
)


def read(content: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert [d for part in message.walk() for d in part.defects] == []
    return message


def plain(mail: OutgoingMail) -> bytes:
    return outer(mail, inner_entity(mail), enveloped=False)


def lines_of(part: email.message.Message) -> str:
    """Text of a part; the wire's CRLF as one line end."""
    assert isinstance(part, email.message.EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def assert_clean_lines(content: bytes) -> None:
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert content.isascii()


def test_every_header_field_is_read_back() -> None:
    message = read(plain(MAIL))
    assert message["From"] == "Laboratoire des Érables <resultats@labo.test>"
    assert message["To"].addresses[0].display_name == 'Dr DURAND Paul, "cardiologue"'
    assert message["To"].addresses[0].addr_spec == "paul.durand@dest.test"
    assert message["Reply-To"] == "secretariat@labo.test"
    assert message["Subject"] == MAIL.subject
    assert message["Date"].datetime == MAIL.date
    assert message["Message-ID"] == "<D-7K3QWZ9MP@labo.test>"
    assert message["In-Reply-To"] == "<D-1111@labo.test>"
    assert message["References"] == "<D-0000@labo.test> <D-1111@labo.test>"
    assert message["Disposition-Notification-To"] == "resultats@labo.test"
    assert message["X-MSS-CODECDA"] == "11502-2"
    assert message["X-MSS-INS"] == "O"
    assert message["MIME-Version"] == "1.0"
    assert len(message.keys()) == len(set(message.keys()))


def test_the_date_is_written_with_the_french_offset() -> None:
    assert b"\r\nDate: Wed, 11 Mar 2026 10:00:00 +0100\r\n" in plain(MAIL)
    summer = replace(MAIL, date=datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
    assert b"\r\nDate: Wed, 01 Jul 2026 14:00:00 +0200\r\n" in plain(summer)


def test_text_and_attachments_come_back_to_the_byte() -> None:
    content = plain(MAIL)
    assert_clean_lines(content)
    text, *attachments = read(content).iter_parts()
    assert lines_of(text) == "Bonjour,\n\nVoici le résultat demandé.\nÀ bientôt\n"
    assert [(a.get_filename(), a.get_content_type(), a.get_payload(decode=True)) for a in attachments] == [
        (a.name, a.media_type, a.content) for a in MAIL.attachments
    ]
    assert {a.get_content_disposition() for a in attachments} == {"attachment"}


def test_base64_lines_hold_76_characters() -> None:
    for size in (0, 1, 56, 57, 58, 114, 1000):
        lines = mime.base64_lines(b"x" * size).split(b"\r\n")
        assert lines.pop() == b""
        assert all(len(line) == 76 for line in lines[:-1])
        assert len(lines[-1]) <= 76


def test_the_same_mail_gives_the_same_bytes_and_another_message_another_boundary() -> None:
    assert plain(MAIL) == plain(MAIL)
    other = replace(MAIL, message_id="<D-OTHER@labo.test>")
    first, second = (re.search(rb'boundary="([^"]+)"', plain(m)) for m in (MAIL, other))
    assert first and second and first[1] != second[1]


def test_without_attachments_the_text_stands_alone() -> None:
    message = read(plain(replace(MAIL, attachments=())))
    assert message.get_content_type() == "text/plain"
    assert not message.is_multipart()
    assert lines_of(message) == "Bonjour,\n\nVoici le résultat demandé.\nÀ bientôt\n"


def test_latin_1_text_is_declared_and_carried_as_such() -> None:
    content = plain(replace(MAIL, charset="iso-8859-1", attachments=(), text="Réf. : 0,4 à 4 µg\n"))
    assert b"Content-Type: text/plain; charset=iso-8859-1\r\n" in content
    assert b"R=E9f. : 0,4 =E0 4 =B5g\r\n" in content
    assert lines_of(read(content)) == "Réf. : 0,4 à 4 µg\n"


def test_plain_ascii_stays_readable_as_it_is() -> None:
    content = plain(replace(MAIL, attachments=(), text="TSH 2.1 mUI/l\n"))
    assert b"Content-Transfer-Encoding: 7bit\r\n\r\nTSH 2.1 mUI/l\r\n" in content


def test_a_character_outside_the_charset_tells_its_line_and_not_the_text() -> None:
    with pytest.raises(SealError) as caught:
        inner_entity(replace(MAIL, charset="iso-8859-1", text="ligne un\nPatient secret 10 €\n"))
    assert caught.value.code == "charset"
    assert "ligne 2" in str(caught.value)
    assert "U+20AC" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_lines_that_old_mail_programs_mangle_are_guarded() -> None:
    body = inner_entity(replace(MAIL, attachments=(), text="From ici\n.\n.cache\nfin \n\tx\t\n"))
    assert b"\r\n=46rom ici\r\n=2E\r\n=2Ecache\r\nfin=20\r\n\tx=09\r\n" in body


def test_an_accented_file_name_stands_once_with_an_ascii_fallback() -> None:
    name = "20260311_CR d'examens médicaux_MARTINEAU_Claire_42.pdf"
    entity = inner_entity(replace(MAIL, attachments=(replace(PDF, name=name),)))
    assert b"filename*=utf-8''20260311_CR%20d%27examens%20m%C3%A9dicaux" in entity
    assert b'name="20260311_CR d\'examens medicaux_MARTINEAU_Claire_42.pdf"' in entity
    part = read(b"MIME-Version: 1.0\r\n" + entity).get_payload()[1]  # type: ignore[index]
    assert part.get_filename() == name  # type: ignore[union-attr]
    assert part["content-disposition"].defects == ()  # type: ignore[index,union-attr]


@pytest.mark.parametrize("name", ["", "a/b.pdf", "..\\x.pdf", 'a"b.pdf', "a\r\nX: y.pdf", "é" * 100, " . "])
def test_file_names_that_could_do_harm_are_refused(name: str) -> None:
    with pytest.raises(SealError):
        inner_entity(replace(MAIL, attachments=(replace(PDF, name=name),)))


@pytest.mark.parametrize("media_type", ["message/rfc822", "multipart/mixed", "pdf", "a/b\r\nX: y", ""])
def test_media_types_we_never_attach_are_refused(media_type: str) -> None:
    with pytest.raises(SealError) as caught:
        inner_entity(replace(MAIL, attachments=(replace(PDF, media_type=media_type),)))
    assert caught.value.code == "media-type"


def test_enveloped_mail_shows_the_neutral_subject_outside_and_the_true_one_inside() -> None:
    entity = inner_entity(MAIL, HeaderProtection.CIPHER)
    inside = read(entity)
    assert inside["Subject"] == MAIL.subject
    assert inside["To"].addresses[0].addr_spec == MAIL.recipient
    assert inside.get_param("hp") == "cipher"
    shown = [str(value) for value in inside.get_all("HP-Outer", [])]
    assert "Subject: Résultats d'examens biologiques" in shown
    assert "Message-ID: <D-7K3QWZ9MP@labo.test>" in shown
    outside = outer(MAIL, b"Content-Type: application/pkcs7-mime\r\n\r\n", enveloped=True)
    assert read(outside)["Subject"] == "Résultats d'examens biologiques"
    assert b"MARTINEAU" not in outside


def test_signed_mail_repeats_its_header_fields_without_hiding_any() -> None:
    inside = read(inner_entity(MAIL, HeaderProtection.CLEAR))
    assert inside.get_param("hp") == "clear"
    assert inside["Subject"] == MAIL.subject
    assert inside["HP-Outer"] is None


ADDRESSES = ("sender", "recipient", "reply_to", "disposition_notification_to")


@pytest.mark.parametrize("field", ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        "x",
        "a b@c.test",
        "é@c.test",
        "a@",
        "a@-b.test",
        "a@b..test",
        "<a@b.test>",
        "a@b.test,c@d.test",
        "a" * 65 + "@b.test",
    ],
)
def test_addresses_that_are_none_are_refused_without_being_quoted(field: str, value: str) -> None:
    with pytest.raises(SealError) as caught:
        plain(replace(MAIL, **{field: value}))
    assert caught.value.code == "address"
    assert value not in str(caught.value).replace("« @ »", "") or len(value) == 1


def test_a_domain_with_accents_is_written_in_idna() -> None:
    assert b"<a@xn--labo-rables-fbb.test>" in plain(replace(MAIL, sender="a@labo-érables.test"))


@pytest.mark.parametrize("value", ["D-1@labo.test", "<D-1>", "<a b@c>", "<a@b>\r\nX: y", "<é@b>"])
def test_message_ids_out_of_shape_are_refused(value: str) -> None:
    for changes in ({"message_id": value}, {"in_reply_to": value}, {"references": (value,)}):
        with pytest.raises(SealError):
            plain(replace(MAIL, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Subject", "bcc", "Content-Type", "X MSS", "X:Y", "", "Éa", "X-A\r\nB"])
def test_further_fields_cannot_replace_ours(name: str) -> None:
    with pytest.raises(SealError):
        plain(replace(MAIL, headers=((name, "x"),)))


def test_a_further_field_given_twice_is_refused() -> None:
    with pytest.raises(SealError):
        plain(replace(MAIL, headers=(("X-MSS-NIL", "1"), ("x-mss-nil", "2"))))


def test_a_date_without_offset_is_refused() -> None:
    with pytest.raises(SealError):
        plain(replace(MAIL, date=datetime(2026, 1, 1)))  # noqa: DTZ001


TEXT_FIELDS = ("subject", "sender_label", "recipient_label")
INJECTED = st.tuples(
    st.text(max_size=20),
    st.sampled_from(["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1b", "\x85"]),
    st.text(max_size=20),
).map("".join)


@given(field=st.sampled_from((*TEXT_FIELDS, *ADDRESSES, "message_id", "in_reply_to")), value=INJECTED)
@settings(max_examples=200, deadline=None)
def test_no_value_can_bring_a_line_of_its_own(field: str, value: str) -> None:
    with pytest.raises(SealError):
        plain(replace(MAIL, **{field: value}))


@given(value=INJECTED)
@settings(max_examples=50, deadline=None)
def test_no_further_field_can_bring_a_line_of_its_own(value: str) -> None:
    with pytest.raises(SealError):
        plain(replace(MAIL, headers=(("X-MSS-NIL", value),)))


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=150)


@given(subject=PRINTABLE, label=PRINTABLE)
@settings(max_examples=200, deadline=None)
def test_any_printable_subject_and_label_keep_the_message_whole(subject: str, label: str) -> None:
    content = plain(replace(MAIL, subject=subject, sender_label=label))
    assert_clean_lines(content)
    head = content.partition(b"\r\n\r\n")[0]
    names = re.findall(rb"^([A-Za-z-]+):", head, re.MULTILINE)
    assert names == re.findall(rb"^([A-Za-z-]+):", plain(MAIL).partition(b"\r\n\r\n")[0], re.MULTILINE)
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if b"=?utf-8?" in line)
    # Read with the older decoder: the newer one strips the blanks at both ends of a subject.
    raw = email.message_from_bytes(content)["Subject"]
    parts = email.header.decode_header(raw)
    decoded = "".join(p.decode(c or "ascii") if isinstance(p, bytes) else p for p, c in parts)
    assert decoded.strip(" ") == subject.strip(" ")


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_with_its_lines(text: str) -> None:
    content = inner_entity(replace(MAIL, text=text, attachments=()))
    assert_clean_lines(content)
    assert max(len(line) for line in content.split(b"\r\n")) <= 76
    read_back = email.message_from_bytes(content).get_payload(decode=True)
    assert isinstance(read_back, bytes)
    wanted = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    assert read_back.decode().replace("\r\n", "\n") == wanted


def test_a_null_in_the_text_is_refused() -> None:
    with pytest.raises(SealError) as caught:
        inner_entity(replace(MAIL, text="a\0b"))
    assert caught.value.code == "control-character"


def test_the_value_shows_nobody_when_printed() -> None:
    shown = repr(MAIL)
    assert "MARTINEAU" not in shown
    assert "Voici" not in shown
