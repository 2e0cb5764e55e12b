"""The statement of a batch or a day for one source: a line a dispatch and the sums, which always reconcile. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatcher.clock import paris
from dispatcher.feedback.events import Format
from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.outbox.statement import Statement
from dispatcher.terminology.csv_text import written

COLUMNS = (
    "dispatch",
    "placer",
    "filler",
    "version",
    "file",
    "address",
    "recipient_id",
    "recipient_id_type",
    "channel",
    "state",
    "made_at",
    "sent_at",
    "delivered_at",
    "read_at",
    "code",
    "unread",
)
TOTAL = "total"
"""First column of the last lines of the CSV: a word of the statement and its number in the two columns after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a statement is about."""

    source: str
    batch: str = ""
    day: str = ""
    written_at: datetime
    dispatches: Sequence[tuple[Dispatch, ReportVersion]]
    unread: frozenset[str] = frozenset()
    """Of these, by number: left, missed on the ladder and still not read. No word of the sum."""

    @property
    def name(self) -> str:
        """Of its file, without the ending: the same however often it is written."""
        return f"releve-{self.source}-{f'lot-{self.batch}' if self.batch else f'jour-{self.day}'}"


def file(listed: Listed, wanted: Format) -> bytes:
    """The bytes of the file."""
    rows = [_fields(dispatch, version, dispatch.id in listed.unread) for dispatch, version in listed.dispatches]
    sums = Statement.of_states([dispatch.state for dispatch, _ in listed.dispatches]).as_json()
    if wanted is Format.JSON:
        about = {"batch": listed.batch} if listed.batch else {"day": listed.day}
        head = {"source": listed.source, **about, "written_at": _moment(listed.written_at)}
        whole: dict[str, Any] = {**head, "sums": sums, "unread": len(listed.unread), "dispatches": rows}
        return f"{json.dumps(whole, ensure_ascii=False, indent=1)}\n".encode()
    totals = [[TOTAL, word, str(count)] for word, count in sums.items()]
    return written([COLUMNS, *([row[name] for name in COLUMNS] for row in rows), *totals], ";", "\r\n").encode()


def _fields(dispatch: Dispatch, version: ReportVersion, unread: bool) -> dict[str, str]:
    return {
        "dispatch": dispatch.id,
        "placer": version.order_placer,
        "filler": version.order_filler,
        "version": str(version.version),
        "file": version.file_id,
        "address": dispatch.address,
        "recipient_id": dispatch.recipient_id,
        "recipient_id_type": dispatch.recipient_id_type,
        "channel": dispatch.channel,
        "state": dispatch.state.value,
        "made_at": _moment(dispatch.created_at),
        "sent_at": _moment(dispatch.sent_at),
        "delivered_at": _moment(dispatch.delivered_at),
        "read_at": _moment(dispatch.read_at),
        "code": dispatch.fault or dispatch.hold_code,
        "unread": "1" if unread else "",
    }


def _moment(at: datetime | None) -> str:
    return paris(at).isoformat(timespec="seconds") if at is not None else ""
