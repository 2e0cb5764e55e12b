"""Kept versions of reference data, such as the list of allowed domains. Public data: not encrypted."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from dispatcher.ports import ReferenceRow
from dispatcher.store.session import Session
from dispatcher.store.tables import reference as table


class SqlReference:
    """See :class:`dispatcher.ports.Reference`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(
        self, kind: str, version: str, content: bytes, accepted_at: datetime, *, actor: str = "daemon", reason: str = ""
    ) -> None:
        """Keep a version; it is the newest from now on, also when it had been kept before."""
        self._session.write(delete(table).where(table.c.kind == kind, table.c.version == version))
        row = {"kind": kind, "version": version, "content": content, "accepted_at": accepted_at}
        self._session.write(insert(table), row)
        digest = hashlib.sha256(content).hexdigest()
        detail: dict[str, object] = {"version": version, "sha256": digest, "size": len(content)}
        event = "reference.accepted"
        if reason:
            event, detail = "reference.restored", {**detail, "reason": reason}
        self._session.journal.write(f"reference:{kind}", event, actor=actor, **detail)

    def newest(self, kind: str) -> tuple[str, bytes] | None:
        """(version, content) put last, or None."""
        wanted = select(table.c.version, table.c.content).where(table.c.kind == kind)
        row = self._session.read(wanted.order_by(table.c.number.desc()).limit(1)).first()
        return None if row is None else (row.version, bytes(row.content))

    def get(self, kind: str, version: str) -> bytes | None:
        """Content of a kept version, or None."""
        row = self._session.read(
            select(table.c.content).where(table.c.kind == kind, table.c.version == version)
        ).first()
        return None if row is None else bytes(row.content)

    def versions(self, kind: str) -> tuple[ReferenceRow, ...]:
        """Every version kept, the one put last first, without their content."""
        wanted = select(table.c.version, table.c.accepted_at, func.length(table.c.content).label("size"))
        rows = self._session.read(wanted.where(table.c.kind == kind).order_by(table.c.number.desc()))
        return tuple(ReferenceRow(version=row.version, accepted_at=row.accepted_at, size=int(row.size)) for row in rows)

    def drop(self, kind: str, version: str) -> None:
        """Keep a version no longer; the journal keeps its digest. One that is not there is no fault."""
        gone = self._session.write(delete(table).where(table.c.kind == kind, table.c.version == version))
        if gone.rowcount:
            self._session.journal.write(f"reference:{kind}", "reference.dropped", version=version)
