"""Mails of receiving software and of absent people: « KO Intégration » mails, automatic replies, abandoned mailboxes.

ANS, « Volet Transmission d'un document CDA-R2 par courriel MSSanté », courriel standard: where no MDN was asked for, an
integration error comes as an ordinary mail with the subject ``[KO Intégration système !][902] XDM/1.0/DDM+…``. The
guide's own example says ``[Erreur d’intégration !][902]``; only the shape is trusted. The rest of the subject names the
patient and is never kept.
"""

from __future__ import annotations

import re

from dispatcher.receipts import wording
from dispatcher.receipts.mailview import MailView
from dispatcher.receipts.mdn import CODE_LABELS

_KO_SUBJECT = re.compile(r"\[\s*(?:ko\b|erreurs?\b|[ée]chec\b)[^\]]{0,60}\]\s*(?:\[\s*(\d{1,3})\s*\])?", re.I)
_CODED_SUBJECT = re.compile(r"\[[^\]]{2,60}\]\s*\[\s*(90[0-6])\s*\]")
_INTEGRATION = re.compile(r"int.{1,4}gr")
_KO_BODY = re.compile(r"n'a (?:pas )?pu .{1,3}tre int.{1,4}gr|erreur (?:lors de|d') ?l?'?int.{1,4}gration")
_REASONS = (
    re.compile(r"(90[0-6]\s*\^[^\n]+)"),
    re.compile(r"(?i)erreur[^\S\n]+d[ée]tect[ée]e[^\S\n]*:[^\S\n]*([^\n]+)"),
    re.compile(r"(?i)raison[^\S\n]+suivante[^\S\n]*:[^\S\n]*\n?([^\n]+)"),
    re.compile(r"(?i)libell[ée][^\n:]{0,20}:[^\S\n]*([^\n]+)"),
    re.compile(r"(?i)\b(?:motif|cause|erreur)[^\S\n]*:[^\S\n]*([^\n]+)"),
)
_CODE_LINE = re.compile(r"(?i)code[^\n:]{0,20}:\s*(\d{1,3})\b")


def is_integration_error(view: MailView) -> bool:
    """Whether the mail is a refusal of the receiving software, in the shape of the ANS guide."""
    subject = view.subject
    ko = _KO_SUBJECT.search(subject)
    if _CODED_SUBJECT.search(subject):
        return True
    if ko and (_INTEGRATION.search(subject.lower()) or ko[1]):
        return True
    words = wording.plain(view.own_text)
    return bool(_KO_BODY.search(words)) and integration_code(view) is not None


def integration_code(view: MailView) -> str | None:
    """Business error code: from the text with its caret, from a « code » line, from the subject."""
    subject_code = _KO_SUBJECT.search(view.subject) or _CODED_SUBJECT.search(view.subject)
    text = view.own_text
    candidates = (
        *(match[1] for match in re.finditer(r"(90[0-6])\s*\^", text)),
        *(match[1] for match in _CODE_LINE.finditer(text)),
        (subject_code[1] or "") if subject_code else "",
        *(match[1] for match in re.finditer(r"(?i)erreur\s*(?:n°\s*)?(90[0-6])\b", text)),
    )
    return next((code for code in candidates if code in CODE_LABELS), None)


def integration_reason(view: MailView, code: str | None) -> str | None:
    """What the receiving software gives as reason, or our own words for the code."""
    for pattern in _REASONS:
        if match := pattern.search(view.own_text):
            return match[1].strip(' -«»"')
    if code in CODE_LABELS:
        return f"{code} {CODE_LABELS[code or '']}"
    technical = _KO_SUBJECT.search(view.subject)
    return f"code {technical[1]}" if technical and technical[1] else None


def is_auto_reply(view: MailView) -> bool:
    """Whether no person wrote this answer (RFC 3834 §5; subjects and headers of usual software, observed)."""
    submitted = view.header("auto-submitted").lower()
    if submitted.startswith(("auto-replied", "auto-notified")):
        return True
    for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply", "x-vacation"):
        if view.header(name).strip().lower() not in {"", "no", "false"}:
            return True
    if view.header("precedence").strip().lower() in {"auto_reply", "auto-reply", "junk"}:
        return True
    if view.header("return-path").strip() == "<>" and not view.from_daemon:  # RFC 3834 §3.3, RFC 5321 §4.5.5
        return True
    if "oof" in view.header("content-class").lower() or view.header("x-ms-exchange-inbox-rules-loop"):
        return True
    if wording.AUTO_SUBJECT.search(wording.plain(view.subject)):
        return True
    return bool(wording.AUTO_BODY.search(wording.plain(view.own_text)[:2000]))


def is_abandoned(view: MailView) -> bool:
    """An answer, automatic or not, that says the mailbox is not read any more."""
    return bool(wording.INACTIVE.search(wording.plain(view.own_text)[:2000]))
