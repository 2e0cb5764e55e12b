"""Encrypted bytes, apart from the index tables (decision D4). The cipher is handed in; no key is seen here.

The context ``owner/kind`` is authenticated with the bytes, so a payload cannot be moved to another row unseen. Text
deflates to a third, so bytes are deflated before encryption (zlib level 1) when that makes them smaller.

A kind such as ``sibling:<file name>`` may carry a patient's name: the file name is encrypted, and a keyed hash stands
in its place.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.store import faults
from dispatcher.store.session import Session
from dispatcher.store.tables import payloads as table

LEVEL = 1
"""zlib level: the fastest."""
DENSE = (b"%PDF-", b"PK\x03\x04", b"\xff\xd8\xff", b"\x89PNG")
"""How documents begin that are deflated inside already."""

_PLACE = (table.c.owner == bindparam("of_owner"), table.c.kind == bindparam("of_kind"))
_KINDS = select(table.c.kind, table.c.name, table.c.key_id).where(table.c.owner == bindparam("of_owner"))
_ONE = select(table.c.key_id, table.c.packed, table.c.content).where(*_PLACE)


def _dense(kind: str, content: bytes) -> bool:
    """Nothing to gain: encrypted mail, and documents deflated inside."""
    return kind == "sealed" or content.startswith(DENSE)


class SqlPayloads:
    """See :class:`dispatcher.ports.Payloads`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, owner: str, kind: str, content: bytes) -> None:
        """Keep ``content``; replaces what stood there."""
        self.put_all(owner, {kind: content})

    def put_all(self, owner: str, contents: Mapping[str, bytes]) -> None:
        """Keep several of one owner at once, by kind."""
        rows = [self._row(owner, kind, content) for kind, content in contents.items()]
        if rows:
            self._session.write(_put(self._session.postgresql), rows)

    def _row(self, owner: str, kind: str, content: bytes) -> dict[str, Any]:
        deflated = content if _dense(kind, content) else zlib.compress(content, LEVEL)
        packed = len(deflated) < len(content)
        cipher = self._session.cipher
        stored, name = self._stored(kind)
        return {
            "owner": owner,
            "kind": stored,
            "name": None if name is None else cipher.encrypt(name, f"{owner}/{stored}/name"),
            "key_id": cipher.key_id,
            "packed": packed,
            "size": len(content),
            "content": cipher.encrypt(deflated if packed else content, f"{owner}/{stored}"),
        }

    def get(self, owner: str, kind: str) -> bytes | None:
        """The bytes, or None. Raises :class:`dispatcher.errors.KeyringError`: key missing or bytes changed."""
        stored, _ = self._stored(kind)
        row = self._session.read(_ONE, {"of_owner": owner, "of_kind": stored}).first()
        if row is None:
            return None
        plain = self._session.cipher.decrypt(bytes(row.content), f"{owner}/{stored}", row.key_id)
        if not row.packed:
            return plain
        try:
            return zlib.decompress(plain)
        except zlib.error as error:
            raise faults.fault(faults.CORRUPT) from error

    def kinds(self, owner: str) -> tuple[str, ...]:
        """What is kept for an owner, sorted."""
        found = []
        for kind, name, key_id in self._session.read(_KINDS, {"of_owner": owner}).all():
            if name is None:
                found.append(kind)
                continue
            rest = json.loads(self._session.cipher.decrypt(bytes(name), f"{owner}/{kind}/name", key_id))
            found.append(kind.partition(":")[0] + ":" + rest)
        return tuple(sorted(found))

    def _stored(self, kind: str) -> tuple[str, bytes | None]:
        """The kind as its column holds it, and what of it must be encrypted. Any file name will do, surrogates too."""
        prefix, colon, rest = kind.partition(":")
        if not colon or prefix != "sibling":
            return kind, None
        name = json.dumps(rest)
        return f"{prefix}:{self._session.cipher.hash('sibling:' + name)}", name.encode("ascii")


@cache
def _put(on_postgresql: bool) -> Any:
    """INSERT that takes the place of what stood there."""
    statement: Any = (postgresql if on_postgresql else sqlite).insert(table)
    changed = {name: statement.excluded[name] for name in ("name", "key_id", "packed", "size", "content")}
    return statement.on_conflict_do_update(index_elements=[table.c.owner, table.c.kind], set_=changed)
