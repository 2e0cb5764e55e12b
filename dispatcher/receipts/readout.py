"""What ``dispatcher receipts read --json`` prints about a file: the contract of design §10, keys in its order."""

from __future__ import annotations

from typing import Any

from dispatcher.receipts.mbox import mails
from dispatcher.receipts.notice import Kind, Notice
from dispatcher.receipts.notices import Opener, read

FIELDS = (
    "kind",
    "action",
    "status",
    "class",
    "recipient",
    "original_recipient",
    "message_id",
    "envid",
    "code",
    "diagnostic",
)
"""Keys of one notice, in order."""


def as_json(path: str, data: bytes, opener: Opener | None = None) -> dict[str, Any]:
    """One entry of ``files``: ``path``, ``problems`` (``{code, severity, where, message}``) and ``notices``.

    A file of several mails gives the notices of all of them; a problem then says which mail it is about.
    """
    parts = mails(data)
    notices, problems = [], []
    for number, mail in enumerate(parts, 1):
        said, odd = read(mail, opener)
        where = f"courrier {number}" if len(parts) > 1 else ""
        notices += [notice_as_json(notice) for notice in said]
        problems += [
            {"code": one.code, "severity": str(one.severity), "where": one.where or where, "message": one.message}
            for one in odd
        ]
    return {"path": path, "problems": problems, "notices": notices}


def notice_as_json(notice: Notice) -> dict[str, str | None]:
    """The fields of the contract, all present, null where the notice says nothing."""
    values = {name: getattr(notice, "class_" if name == "class" else name) for name in FIELDS}
    return {name: None if value is None else str(value) for name, value in values.items()}


def understood(entry: dict[str, Any]) -> bool:
    """Whether an entry of :func:`as_json` holds at least one notice that was understood (exit code 0)."""
    return any(notice["kind"] != str(Kind.OTHER) for notice in entry["notices"])
