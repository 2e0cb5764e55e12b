"""Kept versions of reference data, such as the list of allowed domains. Public data: not encrypted."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import delete, insert, select

from dispatcher.store.session import Session
from dispatcher.store.tables import reference as table


class SqlReference:
    """See :class:`dispatcher.ports.Reference`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, kind: str, version: str, content: bytes, accepted_at: datetime) -> None:
        """Keep a version; it is the newest from now on, also when it had been kept before."""
        self._session.write(delete(table).where(table.c.kind == kind, table.c.version == version))
        row = {"kind": kind, "version": version, "content": content, "accepted_at": accepted_at}
        self._session.write(insert(table), row)
        digest = hashlib.sha256(content).hexdigest()
        self._session.journal.write(
            f"reference:{kind}", "reference.accepted", version=version, sha256=digest, size=len(content)
        )

    def newest(self, kind: str) -> tuple[str, bytes] | None:
        """(version, content) put last, or None."""
        wanted = select(table.c.version, table.c.content).where(table.c.kind == kind)
        row = self._session.read(wanted.order_by(table.c.number.desc()).limit(1)).first()
        return None if row is None else (row.version, bytes(row.content))
