"""Report versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from dispatcher.outbox.dispatch import ReportVersion
from dispatcher.store.rows import REPORT
from dispatcher.store.session import Session
from dispatcher.store.tables import reports as table

_ONE = REPORT.select.where(table.c.id == bindparam("id"))
_CHAIN = REPORT.select.where(table.c.chain == bindparam("chain"))
_VERSIONS = _CHAIN.order_by(table.c.version)
_OF_FILE = REPORT.select.where(table.c.file_id == bindparam("file_id")).order_by(table.c.position)
_OF_ORDER = REPORT.select.where(
    table.c.order_filler == bindparam("order_filler"),
    table.c.laboratory == bindparam("laboratory"),
    table.c.created_at >= bindparam("since"),
).order_by(table.c.created_at, table.c.id)
_ADD = insert(table)
_SUPERSEDE = (
    update(table)
    .where(
        table.c.chain == bindparam("of_chain"),
        table.c.version < bindparam("before_version"),
        table.c.superseded.is_(False),
    )
    .values(superseded=True)
    .returning(table.c.id)
)


class SqlReports:
    """See :class:`dispatcher.ports.Reports`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, version: ReportVersion) -> None:
        """Insert, with its journal line. Raises StoreError ``conflict``: this version, or place in its file, exists."""
        if version.created_at is None:
            version = replace(version, created_at=self._session.now())
        self._session.write(_ADD, REPORT.row(version))
        self._session.journal.write(
            version.id,
            "report.added",
            file_id=version.file_id,
            chain=version.chain,
            version=version.version,
            status=version.status,
            fingerprint=version.fingerprint,
            document_id=version.document_id,
            replaces=version.replaces,
        )

    def get(self, report_id: str) -> ReportVersion | None:
        """The version, or None."""
        return self._first(_ONE, id=report_id)

    def versions(self, chain: str) -> tuple[ReportVersion, ...]:
        """All versions of a chain, oldest first. In a transaction the chain stays locked until its end, so that two
        nodes cannot make the same next version.
        """
        self._session.lock(f"chain:{chain}")
        return REPORT.values(self._session.read(_VERSIONS, {"chain": chain}))

    def of_file(self, file_id: str) -> tuple[ReportVersion, ...]:
        """The reports of a file, in its order."""
        return REPORT.values(self._session.read(_OF_FILE, {"file_id": file_id}))

    def of_order(self, laboratory: str, order_filler: str, *, since: datetime) -> tuple[ReportVersion, ...]:
        """Versions of one laboratory's order number made since then, oldest first, of every patient. In a transaction
        the number stays locked until its end.
        """
        self._session.lock(f"order:{order_filler}")
        params = {"laboratory": laboratory, "order_filler": order_filler, "since": since}
        return REPORT.values(self._session.read(_OF_ORDER, params))

    def superseded(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of these versions that a newer one replaced."""
        found = select(table.c.id).where(table.c.id.in_(list(ids)), table.c.superseded.is_(True))
        return frozenset(self._session.read(found).scalars())

    def supersede(self, chain: str, before_version: int) -> None:
        """Mark every version of the chain below ``before_version`` as superseded, each with its journal line."""
        params = {"of_chain": chain, "before_version": before_version}
        for (report_id,) in sorted(self._session.write(_SUPERSEDE, params).all()):
            self._session.journal.write(report_id, "report.superseded", by_version=before_version)

    def count(self) -> int:
        """Number of report versions."""
        return int(self._session.read(select(func.count()).select_from(table)).scalar_one())

    def _first(self, statement: Any, **params: Any) -> ReportVersion | None:
        row = self._session.read(statement, params).first()
        return None if row is None else REPORT.value(row)
