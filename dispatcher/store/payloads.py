"""Encrypted bytes, apart from the index tables (decision D4). The cipher is handed in; no key is seen here.

The context ``owner/kind`` is authenticated with the bytes, so a payload cannot be moved to another row unseen. Text
deflates to a third, so bytes are deflated before encryption (zlib level 1) when that makes them smaller.
"""

from __future__ import annotations

import zlib

from sqlalchemy import bindparam, delete, insert, select

from dispatcher.store import faults
from dispatcher.store.session import Session
from dispatcher.store.tables import payloads as table

LEVEL = 1
"""zlib level: the fastest; sealed mail, most of the bytes, hardly deflates anyway."""

_PLACE = (table.c.owner == bindparam("of_owner"), table.c.kind == bindparam("of_kind"))
_REMOVE = delete(table).where(*_PLACE)
_ADD = insert(table)
_ONE = select(table.c.key_id, table.c.packed, table.c.content).where(*_PLACE)


class SqlPayloads:
    """See :class:`dispatcher.ports.Payloads`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, owner: str, kind: str, content: bytes) -> None:
        """Keep ``content``; replaces what stood there."""
        deflated = zlib.compress(content, LEVEL)
        packed = len(deflated) < len(content)
        cipher = self._session.cipher
        sealed = cipher.encrypt(deflated if packed else content, _context(owner, kind))
        self._session.write(_REMOVE, {"of_owner": owner, "of_kind": kind})
        self._session.write(
            _ADD,
            {
                "owner": owner,
                "kind": kind,
                "key_id": cipher.key_id,
                "packed": packed,
                "size": len(content),
                "content": sealed,
            },
        )

    def get(self, owner: str, kind: str) -> bytes | None:
        """The bytes, or None. Raises :class:`dispatcher.errors.KeyringError`: key missing or bytes changed."""
        row = self._session.read(_ONE, {"of_owner": owner, "of_kind": kind}).first()
        if row is None:
            return None
        plain = self._session.cipher.decrypt(bytes(row.content), _context(owner, kind), row.key_id)
        if not row.packed:
            return plain
        try:
            return zlib.decompress(plain)
        except zlib.error as error:
            raise faults.fault(faults.CORRUPT) from error

    def kinds(self, owner: str) -> tuple[str, ...]:
        """What is kept for an owner, sorted."""
        rows = self._session.read(select(table.c.kind).where(table.c.owner == owner).order_by(table.c.kind))
        return tuple(row.kind for row in rows)


def _context(owner: str, kind: str) -> str:
    return f"{owner}/{kind}"
