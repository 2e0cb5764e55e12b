"""Anchors of the journal: the head of the chain, signed; and the certificates that signed them.

A certificate of ours is kept as an encrypted payload: who can write into the database but has not the master key cannot
make another one count as the laboratory's.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import bindparam, update
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.errors import StoreError
from dispatcher.ports import AnchorRow
from dispatcher.store import faults
from dispatcher.store.engine_tables import anchors as table
from dispatcher.store.payloads import SqlPayloads
from dispatcher.store.rows import ANCHOR
from dispatcher.store.session import Session

SUBJECT = "journal"
_SIGNER = "signer"
_BROKEN = (SQLAlchemyError, TypeError, ValueError, AttributeError)
"""What reading a column raises that holds something else than was written: SQLite takes any kind of value."""
_STAMP = update(table).where(table.c.last == bindparam("of_last")).values(stamp=bindparam("new_stamp"))


class SqlAnchors:
    """See :class:`dispatcher.ports.Anchors`."""

    def __init__(self, session: Session, payloads: SqlPayloads) -> None:
        self._session = session
        self._payloads = payloads

    def alone(self) -> None:
        """Until the end of the transaction nobody else anchors."""
        self._session.lock("anchors")

    def add(self, row: AnchorRow, certificate: bytes, *, told: str, actor: str = "daemon") -> None:
        """Keep an anchor and the certificate (DER) it is signed with; the journal tells ``told``, its digests."""
        self._session.write(table.insert(), ANCHOR.row(row))
        self._payloads.put(row.signer, _SIGNER, certificate)
        detail = {"first": row.first, "last": row.last, "sha256": told, "signer": row.signer}
        self._session.journal.write(SUBJECT, "journal.anchored", actor=actor, **detail)

    def stamp(self, last: int, stamp: bytes) -> None:
        """Keep the time-stamp of an anchor; the journal tells its digest."""
        self._session.write(_STAMP, {"of_last": last, "new_stamp": stamp})
        digest = hashlib.sha256(stamp).hexdigest()
        self._session.journal.write(SUBJECT, "journal.stamped", last=last, sha256=digest)

    def list(self) -> tuple[AnchorRow, ...]:
        """All of them, oldest first. Raises :class:`dispatcher.errors.StoreError` for one the database cannot give."""
        rows: list[AnchorRow] = []
        try:
            rows.extend(_whole(ANCHOR.value(row)) for row in self._session.read(ANCHOR.select.order_by(table.c.last)))
        except _BROKEN as error:
            after = f"qui suit la ligne {rows[-1].last}" if rows else "qui commence à la ligne 1"
            raise StoreError(
                f"L'ancre {after} est illisible dans la base.",
                hint=faults.MESSAGES[faults.CORRUPT][1],
                code=faults.CORRUPT,
            ) from error
        return tuple(rows)

    def newest(self) -> AnchorRow | None:
        """The last one made."""
        row = self._session.read(ANCHOR.select.order_by(table.c.last.desc()).limit(1)).first()
        return None if row is None else ANCHOR.value(row)

    def covering(self, number: int) -> AnchorRow | None:
        """The anchor over that line of the journal, or None."""
        wanted = ANCHOR.select.where(table.c.last >= number, table.c.first <= number)
        row = self._session.read(wanted.order_by(table.c.last).limit(1)).first()
        return None if row is None else ANCHOR.value(row)

    def unstamped(self, limit: int = 10) -> tuple[AnchorRow, ...]:
        """Those without a time-stamp, newest first."""
        wanted = ANCHOR.select.where(table.c.stamp.is_(None)).order_by(table.c.last.desc())
        return ANCHOR.values(self._session.read(wanted.limit(limit)))

    def certificate(self, fingerprint: str) -> bytes | None:
        """DER of a certificate of ours that signed an anchor. Raises :class:`dispatcher.errors.KeyringError`."""
        return self._payloads.get(fingerprint, _SIGNER)


def _whole(row: AnchorRow) -> AnchorRow:
    kinds = ((int, row.first, row.last), (str, row.statement, row.signer), (bytes, row.signature, row.stamp or b""))
    if not all(isinstance(value, kind) for kind, *values in kinds for value in values):
        raise ValueError("not what was written")
    return row
