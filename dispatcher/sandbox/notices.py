"""The notices the pretend operator and its readers send back: DSN (RFC 3464), MDN (RFC 8098), the ANS « KO » mail."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from dispatcher.clock import paris
from dispatcher.receipts.mime import parse
from dispatcher.sandbox.people import Conduct

REPORTER = "relais.sandbox.mssante.test"
HEADER_MAX = 65_536
DAEMON = f"MAILER-DAEMON@{REPORTER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A mail that was accepted for one recipient."""

    sender: str
    recipient: str
    message_id: str
    envid: str
    original_recipient: str
    notify: frozenset[str]
    """RFC 3461 NOTIFY, upper case; empty when the client did not say."""
    wants_mdn: bool
    header: bytes
    """Header lines of the mail, for the notice to return."""

    @property
    def wants_success(self) -> bool:
        """A delivery notice is asked for."""
        return "SUCCESS" in self.notify

    @property
    def wants_failure(self) -> bool:
        """Failures are told unless the client forbade it (RFC 3461 §4.1)."""
        return not self.notify or "FAILURE" in self.notify


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A notice to be delivered after so many delays."""

    content: bytes
    rank: int
    """1: at once (after the configured delay), 2: after twice that, and so on."""


def header_of(content: bytes) -> bytes:
    """The header of a mail, CRLF lines, without the empty line."""
    ends = [place for mark in (b"\r\n\r\n", b"\n\n") if (place := content.find(mark, 0, HEADER_MAX)) >= 0]
    header = content[: min(ends, default=HEADER_MAX)]
    return header.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"


def sent_from(
    content: bytes, *, sender: str, recipient: str, envid: str, original_recipient: str, notify: frozenset[str]
) -> Sent:
    """Read what the notices need from the mail itself."""
    header = header_of(content)
    part = parse(header + b"\r\n")
    return Sent(
        sender=sender,
        recipient=recipient,
        message_id=part.get("message-id").strip(),
        envid=envid,
        original_recipient=original_recipient or recipient,
        notify=notify,
        wants_mdn=bool(part.get("disposition-notification-to")),
        header=header,
    )


def plan(conduct: Conduct, sent: Sent, at: datetime) -> list[Planned]:
    """What comes back, in order, for a mail that was accepted."""
    if conduct is Conduct.SILENT:
        return []
    if conduct is Conduct.BOUNCES:
        return _failure(sent, at, "5.1.1", "550 5.1.1 User unknown")
    if conduct is Conduct.MAILBOX_FULL:
        return _failure(sent, at, "5.2.2", "552 5.2.2 Mailbox full")
    planned: list[Planned] = []
    if conduct is Conduct.DELAYED and "DELAY" in sent.notify:
        planned.append(Planned(content=dsn(sent, at, "delayed", "4.4.1", "451 4.4.1 Connection timed out"), rank=1))
    if sent.wants_success:
        action = "relayed" if conduct is Conduct.RELAYED else "delivered"
        planned.append(Planned(content=dsn(sent, at, action, "2.0.0", "250 2.0.0 OK"), rank=len(planned) + 1))
    if conduct is Conduct.NEVER_READS:
        return planned
    if conduct is Conduct.REJECTS_902:
        answer = mdn(sent, at, "processed", error=_ERROR) if sent.wants_mdn else error_mail(sent, at)
        return [*planned, Planned(content=answer, rank=len(planned) + 1)]
    if sent.wants_mdn:
        kind = "displayed" if conduct is Conduct.DISPLAYS else "processed"
        planned.append(Planned(content=mdn(sent, at, kind), rank=len(planned) + 1))
    return planned


_ERROR = "902^Identifiant de patient inconnu^messageErrorCondition| E^Error^errorSeverity"


def _failure(sent: Sent, at: datetime, status: str, reply: str) -> list[Planned]:
    return [Planned(content=dsn(sent, at, "failed", status, reply), rank=1)] if sent.wants_failure else []


def dsn(sent: Sent, at: datetime, action: str, status: str, reply: str) -> bytes:
    """A delivery notice as Postfix words it, returning the header of the mail."""
    subject = {
        "failed": "Undelivered Mail Returned to Sender",
        "delayed": "Delayed Mail (still being retried)",
    }.get(action, "Successful Mail Delivery Report")
    envelope = f"Original-Envelope-Id: {sent.envid}\r\n" if sent.envid else ""
    fields = (
        f"Reporting-MTA: dns; {REPORTER}\r\n{envelope}Arrival-Date: {_date(at)}\r\n\r\n"
        f"Final-Recipient: rfc822; {sent.recipient}\r\n"
        f"Original-Recipient: rfc822;{sent.original_recipient}\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; {sent.recipient.rpartition('@')[2]}\r\nDiagnostic-Code: smtp; {reply}\r\n"
    )
    text = f"This is the mail system at host {REPORTER}.\r\n\r\n<{sent.recipient}>: {action}: {reply}\r\n"
    return _report(
        sent,
        at,
        sender=f"{DAEMON} (Mail Delivery System)",
        host=REPORTER,
        subject=subject,
        kind="delivery-status",
        text=text,
        fields=fields,
        null_path=True,
    )


def mdn(sent: Sent, at: datetime, kind: str, *, error: str = "") -> bytes:
    """A read notice of the recipient's software."""
    modifier = f"/Error: {error}" if error else ""
    mode = "manual-action/MDN-sent-automatically" if kind == "displayed" else "automatic-action/MDN-sent-automatically"
    text = "Le document n'a pas pu être intégré.\r\n" if error else "Le message a été traité.\r\n"
    if error:
        text += f"Le système a retourné l'erreur {error}\r\n"
    fields = (
        f"Reporting-UA: logiciel.sandbox.test; Logiciel d'essai\r\n"
        f"Original-Recipient: rfc822;{sent.original_recipient}\r\nFinal-Recipient: rfc822;{sent.recipient}\r\n"
        f"Original-Message-ID: {sent.message_id}\r\nDisposition: {mode}; {kind}{modifier}\r\n"
    )
    return _report(
        sent,
        at,
        sender=sent.recipient,
        host=sent.recipient.rpartition("@")[2],
        subject="=?utf-8?q?=5BKO_Int=C3=A9gration_syst=C3=A8me_!=5D=5B902=5D_XDM/1.0/DDM?=" if error else "XDM/1.0/DDM",
        kind="disposition-notification",
        text=text,
        fields=fields,
        null_path=False,
    )


def error_mail(sent: Sent, at: datetime) -> bytes:
    """The ordinary mail the ANS guide asks for where no MDN was requested."""
    boundary = uuid.uuid4().hex
    header = _header(
        sent,
        at,
        sender=sent.recipient,
        host=sent.recipient.rpartition("@")[2],
        subject="=?utf-8?q?=5BKO_Int=C3=A9gration_syst=C3=A8me_!=5D=5B902=5D_XDM/1.0/DDM?=",
        null_path=False,
        content_type=f'multipart/mixed; boundary="{boundary}"',
    )
    text = (
        "Le message ci-dessous n'a pas pu être intégré automatiquement dans le DPI pour la raison suivante : "
        "Identifiant de patient inconnu\r\n"
    )
    return (header + _parts(boundary, text, None, "", sent)).encode("utf-8", errors="replace")


def _report(
    sent: Sent,
    at: datetime,
    *,
    sender: str,
    host: str,
    subject: str,
    kind: str,
    text: str,
    fields: str,
    null_path: bool,
) -> bytes:
    boundary = uuid.uuid4().hex
    header = _header(
        sent,
        at,
        sender=sender,
        host=host,
        subject=subject,
        null_path=null_path,
        content_type=f'multipart/report; report-type={kind};\r\n boundary="{boundary}"',
    )
    return (header + _parts(boundary, text, f"message/{kind}", fields, sent)).encode("utf-8", errors="replace")


def _header(
    sent: Sent, at: datetime, *, sender: str, host: str, subject: str, null_path: bool, content_type: str
) -> str:
    path = "<>" if null_path else f"<{sent.recipient}>"
    return (
        f"Return-Path: {path}\r\nDelivered-To: {sent.sender}\r\nDate: {_date(at)}\r\nFrom: {sender}\r\n"
        f"To: {sent.sender}\r\nSubject: {subject}\r\nMessage-ID: <{uuid.uuid4().hex}@{host}>\r\n"
        f"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n"
    )


def _parts(boundary: str, text: str, report_type: str | None, fields: str, sent: Sent) -> str:
    middle = f"--{boundary}\r\nContent-Type: {report_type}\r\n\r\n{fields}\r\n" if report_type else ""
    returned = sent.header.decode("utf-8", errors="replace")
    return (
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        f"{middle}--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}\r\n--{boundary}--\r\n"
    )


def _date(at: datetime) -> str:
    return format_datetime(paris(at))
