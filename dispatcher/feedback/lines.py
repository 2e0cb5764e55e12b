"""Events as lines: CSV with a head line (semicolons, UTF-8), or one JSON object a line. Pure.

The columns are a contract (docs/retours.md): new ones are added at the end only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from dispatcher.clock import paris
from dispatcher.feedback.events import Event, Format
from dispatcher.feedback.told import Told
from dispatcher.terminology.csv_text import written

COLUMNS = (
    "id",
    "at",
    "event",
    "source",
    "message",
    "placer",
    "filler",
    "version",
    "file",
    "file_name",
    "sha256",
    "dispatch",
    "address",
    "recipient_id",
    "recipient_id_type",
    "channel",
    "code",
    "reason",
    "by",
)
_ABOUT_FILES = frozenset({Event.TAKEN, Event.DUPLICATE, Event.REFUSED})


def fields(told: Told) -> dict[str, str]:
    """The columns of one event."""
    of_file = told.event in _ABOUT_FILES
    return {
        "id": told.id,
        "at": paris(told.at).isoformat(timespec="seconds"),
        "event": told.event.value,
        "source": told.source,
        "message": told.headers.control_id(told.position),
        "placer": told.placer,
        "filler": told.filler,
        "version": str(told.version) if told.version else "",
        "file": told.file_id,
        "file_name": told.file_name,
        "sha256": told.sha256,
        "dispatch": "" if of_file else told.subject,
        "address": told.address,
        "recipient_id": told.recipient_id,
        "recipient_id_type": told.recipient_id_type,
        "channel": told.channel,
        "code": told.code,
        "reason": told.reason,
        "by": told.by,
    }


def file(events: Sequence[Told], wanted: Format) -> bytes:
    """The bytes of a file with these events, in their order."""
    rows = [fields(told) for told in events]
    if wanted is Format.JSON:
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
    return written([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)], ";", "\r\n").encode()
