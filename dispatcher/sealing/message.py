"""The mail as a value, and its bytes before any cryptography.

In: an :class:`OutgoingMail`. Out: the MIME entity to be sealed (:func:`inner_entity`), and the whole message around
what sealing made of it (:func:`outer`). The same value always gives the same bytes (decision D2): boundaries come from
the Message-ID, the date is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal

from dispatcher.clock import paris
from dispatcher.errors import SealError
from dispatcher.report.model import Attachment
from dispatcher.sealing import mime

_OWN_FIELDS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references"}
    | {"disposition-notification-to", "mime-version", "received", "return-path", "hp-outer"}
)
"""Fields written here or by the mail servers; never taken from :attr:`OutgoingMail.headers`."""


Charset = Literal["utf-8", "iso-8859-1", "windows-1252"]
"""Of the body, by its registered name."""


class HeaderProtection(StrEnum):
    """How header fields are repeated inside what is signed or enveloped (RFC 9788 §2.1, parameter ``hp``)."""

    NONE = ""
    CLEAR = "clear"
    """Signed only: the fields are repeated to be authenticated."""
    CIPHER = "cipher"
    """Enveloped: the true subject stands inside, the outer one says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """One mail to one recipient about one patient. ``repr`` shows neither subject, text nor attachments."""

    sender: str
    """Mail address of the channel."""
    sender_label: str = ""
    reply_to: str = ""
    recipient: str
    recipient_label: str = ""
    subject: str = field(repr=False)
    """What the recipient reads. May hold the patient's identity."""
    outer_subject: str = "[...]"
    """What stands outside when the mail is enveloped; never holds an identity (RFC 9788 §3.2.1 uses ``[...]``)."""
    text: str = field(repr=False)
    """Body; line ends of any kind."""
    charset: Charset = "utf-8"
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)
    message_id: str
    """With angle brackets."""
    date: datetime
    """Aware."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Further fields in order: X-MSS-…"""
    disposition_notification_to: str = ""
    """Asks for a read notice (RFC 8098 §2.1); must be the envelope sender, or no automatic notice comes back."""


Field = tuple[str, list[str]]
"""Name and encoded words."""


def _fields(mail: OutgoingMail, subject: str) -> list[Field]:
    """All header fields but the ``Content-`` ones, in the order of RFC 5322 §3.6."""
    if mail.date.tzinfo is None:
        raise SealError("Date du message sans fuseau horaire.", hint="Signaler ce défaut.", code="date")
    fields: list[Field] = [
        ("From", mime.mailbox_words("From", mail.sender_label, mail.sender)),
        ("To", mime.mailbox_words("To", mail.recipient_label, mail.recipient)),
    ]
    if mail.reply_to:
        fields.append(("Reply-To", [mime.address("Reply-To", mail.reply_to)]))
    fields += [
        ("Subject", mime.text_words("Subject", subject)),
        ("Date", format_datetime(paris(mail.date)).split(" ")),
        ("Message-ID", mime.message_ids("Message-ID", mail.message_id)),
    ]
    if mail.in_reply_to:
        fields.append(("In-Reply-To", mime.message_ids("In-Reply-To", mail.in_reply_to)))
    if mail.references:
        fields.append(("References", mime.message_ids("References", *mail.references)))
    if mail.disposition_notification_to:
        name = "Disposition-Notification-To"
        fields.append((name, [mime.address(name, mail.disposition_notification_to)]))
    return fields + _further_fields(mail)


def _folded(fields: list[Field]) -> list[bytes]:
    return [mime.fold(name, words) for name, words in fields]


def _further_fields(mail: OutgoingMail) -> list[Field]:
    seen: set[str] = set()
    found: list[Field] = []
    for raw, value in mail.headers:
        name = mime.field_name(raw)
        if name.lower() in _OWN_FIELDS | seen or name.lower().startswith("content-"):
            raise SealError(
                f"En-tête « {name} » donné deux fois ou réservé.",
                hint="Corriger la configuration du canal.",
                code="header-name",
            )
        seen.add(name.lower())
        found.append((name, mime.text_words(name, value)))
    return found


def _protected_fields(mail: OutgoingMail, protection: HeaderProtection) -> list[bytes]:
    """Fields repeated inside (RFC 9788 §2), and for ``cipher`` a record of what stands outside (``HP-Outer``, §2.2)."""
    if protection is HeaderProtection.NONE:
        return []
    inside = _fields(mail, mail.subject)
    if protection is HeaderProtection.CIPHER:
        inside += [("HP-Outer", [f"{name}:", *words]) for name, words in _fields(mail, mail.outer_subject)]
    return _folded(inside)


def inner_entity(mail: OutgoingMail, protection: HeaderProtection = HeaderProtection.NONE) -> bytes:
    """The MIME entity with the text and the attachments: ``text/plain`` alone, or ``multipart/mixed``.

    CRLF everywhere, ASCII only, no line over 76 characters but file names (RFC 2231 values are not cut, because many
    readers do not join them again) — never over 998. Raises :class:`SealError`: see :mod:`dispatcher.sealing.mime`.
    """
    parameter = f'; hp="{protection.value}"' if protection else ""
    before = _protected_fields(mail, protection)
    if not mail.attachments:
        fields, body = mime.text_entity(mail.text, mail.charset, parameter)
        return mime.CRLF.join([*before, *fields, b"", body])
    fields, body = mime.text_entity(mail.text, mail.charset)
    mark = mime.boundary(mail.message_id, "mixed")
    parts = [mime.CRLF.join([*fields, b"", body])]
    parts += [mime.attachment_entity(a.media_type, a.name, a.content) for a in mail.attachments]
    kind = f'Content-Type: multipart/mixed;\r\n boundary="{mark}"{parameter}'.encode("ascii")
    return mime.CRLF.join([*before, kind, b"", mime.multipart(mark, parts)])


def outer(mail: OutgoingMail, entity: bytes, *, enveloped: bool) -> bytes:
    """The message: our header fields, then ``entity`` (with its own ``Content-`` fields) to the byte.

    ``enveloped``: the neutral subject stands outside; otherwise the true one.
    """
    subject = mail.outer_subject if enveloped else mail.subject
    return mime.CRLF.join([*_folded(_fields(mail, subject)), b"MIME-Version: 1.0", entity])
