"""What mails that come back are built from: one invented laboratory, its recipients, and the parts of a notice.

Each module beside this one writes the shapes of one family of programs (layout and wording as those programs write
them; people, servers and numbers are invented) and says for each what the contract of design §10 asks.
"""

from __future__ import annotations

import base64
import quopri
from dataclasses import dataclass

OURS = "resultats@labo-rivage.test"
NADEGE = "nadege.morvan@cabinet-morvan.test"
SOINS = "soins@ehpad-tilleuls.test"
MID = "<d-4H7T2WQ9C.1@labo-rivage.test>"
ENVID = "d-4H7T2WQ9C"

RETURNED_HEADER = (
    f"Return-Path: <{OURS}>\n"
    "Received: from sortie.labo-rivage.test (sortie.labo-rivage.test [192.0.2.25])\n"
    "\tby relais.test (Postfix) with ESMTPS id 4XB0Q1\n"
    f"Message-ID: {MID}\n"
    f"From: Laboratoire du Rivage <{OURS}>\n"
    f"To: {NADEGE}\n"
    "Subject: XDM/1.0/DDM+CR de biologie\n"
    "MIME-Version: 1.0\n"
)
RETURNED = RETURNED_HEADER + "\nCorps du courriel\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one notice must say; ``words`` stand in its diagnostic (empty: nothing is asked of it)."""

    kind: str = "dsn"
    action: str | None = "failed"
    status: str | None = None
    class_: str | None = "permanent"
    recipient: str | None = NADEGE
    original: str | None = None
    message_id: str | None = MID
    envid: str | None = None
    code: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One mail and what is said in it."""

    name: str
    mail: bytes
    says: tuple[Said, ...]


def header(sender: str, subject: str, *more: str) -> str:
    """Header of a notice to us."""
    lines = (
        f"From: {sender}",
        f"To: {OURS}",
        f"Subject: {subject}",
        "Date: Tue, 17 Nov 2026 09:12:44 +0100",
        "Message-ID: <avis.20261117@relais.test>",
        *more,
    )
    return "\n".join(lines) + "\n"


def mail(head: str, body: str, charset: str = "utf-8") -> bytes:
    """A mail of one text part, lines ended as on the wire."""
    return f"{head}\n{body}".replace("\n", "\r\n").encode(charset)


def part(content_type: str, body: str, encoding: str = "", charset: str = "utf-8") -> bytes:
    """One MIME part; ``encoding`` base64 or quoted-printable is carried out and declared."""
    raw = body.encode(charset)
    declared = ""
    if encoding:
        raw = base64.encodebytes(raw) if encoding == "base64" else quopri.encodestring(raw)
        declared = f"Content-Transfer-Encoding: {encoding}\n"
    return f"Content-Type: {content_type}\n{declared}\n".encode() + raw


def multipart(head: str, kind: str, *parts: bytes, boundary: str = "=_limite/relais.test") -> bytes:
    """A multipart mail; ``kind`` is its type with parameters, without the boundary."""
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\n" + piece.rstrip(b"\n") + b"\n\n" for piece in parts)
    top = f'{head}MIME-Version: 1.0\nContent-Type: {kind}; boundary="{boundary}"\n\n'.encode()
    return (top + b"This is a MIME-encapsulated message.\n\n" + body + mark + b"--\n").replace(b"\n", b"\r\n")


DSN = "multipart/report; report-type=delivery-status"
MDN = "multipart/report; report-type=disposition-notification"
MAILER = "Mail Delivery System <MAILER-DAEMON@relais.test>"


def fields(
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 User unknown",
    *,
    final: str = f"rfc822; {NADEGE}",
    original: str = "",
    more: str = "",
) -> str:
    """Fields about one recipient (RFC 3464 §2.3); an empty value leaves the field out."""
    given = (
        ("Original-Recipient", original),
        ("Final-Recipient", final),
        ("Action", action),
        ("Status", status),
        ("Diagnostic-Code", diagnostic),
    )
    return "".join(f"{name}: {value}\n" for name, value in given if value) + more


def about(*blocks: str, first: str = "Reporting-MTA: dns; relais.test\n") -> str:
    """The body of a ``message/delivery-status`` part: the fields of the mail, then one block per recipient."""
    return "\n".join((first, *blocks))


def dsn(
    status_text: str,
    human: str = "Your message could not be delivered.",
    *,
    head: str = "",
    returned: str = RETURNED,
    returned_type: str = "message/rfc822",
    status_type: str = "message/delivery-status",
    kind: str = DSN,
) -> bytes:
    """A report in the usual three parts; no third one when ``returned`` is empty."""
    parts = [part("text/plain; charset=utf-8", human), part(status_type, status_text)]
    if returned:
        parts.append(part(returned_type, returned))
    return multipart(head or header(MAILER, "Undelivered Mail Returned to Sender"), kind, *parts)
