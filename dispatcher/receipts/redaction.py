"""A received notice without what it may repeat of the report: for evidence handed to somebody else.

A delivery notice may return the mail it is about, a read notice usually quotes its subject; where the mail was not
enveloped both name the patient. What is kept is what a notice is for: who says it, when, and the fields of its report.
"""

from __future__ import annotations

import re
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser

KEPT = (
    *("Return-Path", "Received", "Date", "From", "To", "Message-ID", "In-Reply-To", "References"),
    *("Auto-Submitted", "Content-Type"),
)
"""Header fields that say who and when; never the subject."""
REPORTS = frozenset(
    f"message/{wide}{kind}" for wide in ("", "global-") for kind in ("delivery-status", "disposition-notification")
)
_ABOUT = re.compile(r"XDM/1\.0|examens biologiques|DDM\+", re.IGNORECASE)
"""What every subject of ours begins with (docs/adr/0007)."""
_NOTHING_MORE = re.compile(r"[\s\"'»«”)\]>.…]*")


def quiet(content: bytes, subject: str) -> bool:
    """Whether the notice says nothing but what stood outside the envelope of our mail, whose subject that was.

    Wherever it quotes a subject of ours, nothing follows the outer one: a reader that opened the mail may quote the
    inner one, with the patient's name behind.
    """
    if not subject or _ABOUT.search(subject) is None:
        return False
    for text in _texts(content):
        for line in text.splitlines():
            rest = line.replace(subject, "\0")
            for piece in rest.split("\0")[1:]:
                if not _NOTHING_MORE.fullmatch(piece):
                    return False
            if _ABOUT.search(rest.replace("\0", "")):
                return False
    return True


def subject_of(content: bytes) -> str:
    """Decoded subject of a mail."""
    try:
        return str(BytesParser(policy=policy.default).parsebytes(content, headersonly=True).get("Subject", ""))
    except (ValueError, IndexError, AttributeError, LookupError):
        return ""


def extract(content: bytes) -> str:
    """Who says it and when, and the fields of its report, in their own words."""
    message = BytesParser(policy=policy.compat32).parsebytes(content)
    lines = [f"{name}: {_flat(value)}" for name in KEPT for value in message.get_all(name, [])]
    for part in message.walk():
        if part.get_content_type() in REPORTS:
            lines += ["", f"[{part.get_content_type()}]", *_fields(part)]
    return "\n".join(lines) + "\n"


def _fields(part: Message) -> list[str]:
    blocks = part.get_payload()
    if not isinstance(blocks, list):
        return []
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Message):
            found += [f"{name}: {_flat(value)}" for name, value in block.items()]
            found += [""]
    return found


def _flat(value: object) -> str:
    return " ".join(str(value).split())


def _texts(content: bytes) -> list[str]:
    """Everything a person can read in it: decoded header fields and text parts, returned headers too."""
    message = BytesParser(policy=policy.default).parsebytes(content)
    found: list[str] = []
    for part in message.walk():
        try:
            found += [_flat(value) for value in part.values()]
            if part.get_content_maintype() == "text" and isinstance(part, EmailMessage):
                found.append(str(part.get_content()))
        except (LookupError, ValueError, AttributeError, IndexError):
            found.append("XDM/1.0 illisible")  # what cannot be read is not known to be quiet
    return found
