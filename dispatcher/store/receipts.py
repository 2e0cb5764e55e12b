"""What came back: SMTP replies, delivery and read notices. The bytes of a notice are an encrypted payload."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.ports import ReceiptRow
from dispatcher.receipts.redaction import extract
from dispatcher.routing.addresses import is_patient
from dispatcher.store.payloads import SqlPayloads
from dispatcher.store.receipt_tables import NOTICES
from dispatcher.store.rows import RECEIPT
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, files, reports
from dispatcher.store.tables import receipts as table

_OF_DISPATCH = RECEIPT.select.where(table.c.dispatch_id == bindparam("dispatch_id")).order_by(table.c.at, table.c.id)

_TO_READ = (
    RECEIPT.select.where(text("to_read"))  # in the words of its partial index
    .order_by(table.c.at.desc(), table.c.id)
    .limit(bindparam("most"))
)
_LATEST = RECEIPT.select.where(text(NOTICES)).order_by(table.c.at.desc(), table.c.id.desc()).limit(bindparam("most"))
_OLD_TO_READ = (
    RECEIPT.select.where(text("to_read"), table.c.at < bindparam("before"))
    .order_by(table.c.at.desc(), table.c.id)
    .limit(bindparam("most"))
)
_CLOSE = (
    update(table)
    .where(table.c.id == bindparam("of_id"), table.c.to_read)
    .values(to_read=False, dealt_at=bindparam("moment"), dealt_by=bindparam("by"), dealt_why=bindparam("why"))
    .returning(table.c.dispatch_id)
)
_TIE = (
    update(table)
    .where(table.c.id == bindparam("of_id"), table.c.dispatch_id == "")
    .values(
        dispatch_id=bindparam("to"),
        note=bindparam("said"),
        to_read=False,
        dealt_at=bindparam("moment"),
        dealt_by=bindparam("by"),
        dealt_why=bindparam("why"),
    )
    .returning(table.c.id)
)
CLOSED, TIED = "notice.closed", "notice.tied"
"""Events of a person's decision about a notice."""
_HOLDS = select(table.c.id).where(
    text("kind <> 'smtp'"),  # in the words of its partial index
    table.c.digest == bindparam("of_digest"),
    table.c.dispatch_id != "",
)
_PURGED = (
    select(dispatches.c.address)
    .select_from(
        dispatches.join(reports, reports.c.id == dispatches.c.report_id).join(files, files.c.id == reports.c.file_id)
    )
    .where(dispatches.c.id == bindparam("of_dispatch"), files.c.purged_at.is_not(None))
)
EXTRACT = "extract"
"""Kind of the payload that stays of a notice once its contents are purged."""


class SqlReceipts:
    """See :class:`dispatcher.ports.Receipts`."""

    def __init__(self, session: Session, payloads: SqlPayloads) -> None:
        self._session = session
        self._payloads = payloads

    def add(self, row: ReceiptRow, content: bytes | None = None) -> bool:
        """Insert, with a journal line that fixes the digest. False when the dispatch has this digest already."""
        if self._session.write(_insert_new(self._session.postgresql), RECEIPT.row(row)).first() is None:
            return False
        if content is not None:
            self._keep(row, content)
        self._came(row, "daemon")
        return True

    def _came(self, row: ReceiptRow, actor: str) -> None:
        self._session.journal.write(
            row.dispatch_id or row.id,
            f"receipt.{row.kind}",
            actor=actor,
            receipt=row.id,
            action=row.action,
            status=row.status,
            code=row.code,
            digest=row.digest,
            note=row.note,
        )

    def _keep(self, row: ReceiptRow, content: bytes) -> None:
        """Of a mail whose contents are purged a late notice stays as an extract only, of a patient's own nothing."""
        late = self._session.read(_PURGED, {"of_dispatch": row.dispatch_id}).scalar() if row.dispatch_id else None
        if late is None or row.kind == "smtp":
            self._payloads.put(row.id, "notice", content)
        elif not is_patient(late):
            self._payloads.put(row.id, EXTRACT, extract(content).encode("utf-8", "replace"))

    def of_dispatch(self, dispatch_id: str) -> tuple[ReceiptRow, ...]:
        """The receipts of a dispatch, oldest first."""
        return RECEIPT.values(self._session.read(_OF_DISPATCH, {"dispatch_id": dispatch_id}))

    def unmatched(self, limit: int = 100, *, before: datetime | None = None) -> tuple[ReceiptRow, ...]:
        """Receipts a person has to look at, newest first."""
        if before is None:
            return RECEIPT.values(self._session.read(_TO_READ, {"most": max(limit, 0)}))
        return RECEIPT.values(self._session.read(_OLD_TO_READ, {"most": max(limit, 0), "before": before}))

    def close(self, receipt_id: str, at: datetime, *, by: str, why: str) -> bool:
        """Nobody has to look at it any more; it stays."""
        found = self._session.write(_CLOSE, {"of_id": receipt_id, "moment": at, "by": by, "why": why}).first()
        if found is not None:
            self._session.journal.write(found[0] or receipt_id, CLOSED, actor=by, receipt=receipt_id, reason=why)
        return found is not None

    def tie(self, row: ReceiptRow) -> bool:
        """The line that fixes the digest is written for the dispatch as for any notice, what was typed in another."""
        told = {
            "to": row.dispatch_id,
            "said": row.note,
            "moment": row.dealt_at,
            "by": row.dealt_by,
            "why": row.dealt_why,
        }
        if self._session.write(_TIE, {"of_id": row.id, **told}).first() is None:
            return False
        self._came(row, row.dealt_by)
        self._session.journal.write(row.dispatch_id, TIED, actor=row.dealt_by, receipt=row.id, reason=row.dealt_why)
        return True

    def get(self, receipt_id: str) -> ReceiptRow | None:
        """One receipt."""
        found = self._session.read(RECEIPT.select.where(table.c.id == receipt_id)).first()
        return RECEIPT.value(found) if found is not None else None

    def latest(self, limit: int = 100) -> tuple[ReceiptRow, ...]:
        """Notices, newest first."""
        return RECEIPT.values(self._session.read(_LATEST, {"most": max(limit, 0)}))

    def holds(self, digest: str) -> bool:
        """Whether a notice of that digest is stored with its dispatch."""
        return self._session.read(_HOLDS, {"of_digest": digest}).first() is not None


@cache
def _insert_new(on_postgresql: bool) -> Any:
    """INSERT that gives back its id, or nothing when the digest is there already."""
    if on_postgresql:
        return postgresql.insert(table).on_conflict_do_nothing(**_TARGET).returning(table.c.id)
    return sqlite.insert(table).on_conflict_do_nothing(**_TARGET).returning(table.c.id)


_TARGET: dict[str, Any] = {
    "index_elements": [table.c.dispatch_id, table.c.digest],
    "index_where": text("digest <> ''"),  # a literal: with a bound value PostgreSQL's prepared plan finds no index
}
"""Only the double digest is passed over; a double id stays a conflict."""
