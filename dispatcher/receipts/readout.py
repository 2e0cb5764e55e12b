"""What ``dispatcher receipts read --json`` prints about a file: the contract of design §10, keys in its order."""

from __future__ import annotations

from typing import Any

from dispatcher.receipts.notice import Kind, Notice
from dispatcher.receipts.notices import read

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


def as_json(path: str, data: bytes) -> dict[str, Any]:
    """One entry of ``files``: ``path``, ``problems`` (``{code, severity, where, message}``) and ``notices``."""
    notices, problems = read(data)
    return {
        "path": path,
        "problems": [
            {"code": one.code, "severity": str(one.severity), "where": one.where, "message": one.message}
            for one in problems
        ],
        "notices": [notice_as_json(notice) for notice in notices],
    }


def notice_as_json(notice: Notice) -> dict[str, str | None]:
    """The fields of the contract, all present, null where the notice says nothing."""
    values = {name: getattr(notice, "class_" if name == "class" else name) for name in FIELDS}
    return {name: None if value is None else str(value) for name, value in values.items()}


def understood(entry: dict[str, Any]) -> bool:
    """Whether an entry of :func:`as_json` holds at least one notice that was understood (exit code 0)."""
    return any(notice["kind"] != str(Kind.OTHER) for notice in entry["notices"])
