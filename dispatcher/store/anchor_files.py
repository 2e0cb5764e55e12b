"""Anchors of the journal as files: to be copied where nobody who can write into the database can write.

``ancre-000000012345-3f2a9c01.txt`` (last line, begin of the text's digest) is the signed text, ``.p7s`` its signature,
``.tsr`` its time-stamp. A file that is there already is never written over.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dispatcher.errors import StoreError
from dispatcher.ports import AnchorRow
from dispatcher.receipts.anchor import digest
from dispatcher.whole_file import put


def name_of(row: AnchorRow) -> str:
    """File name without its ending. A restored database may sign another line of the same number."""
    return f"ancre-{row.last:012d}-{digest(row.statement)[:8]}"


def write(folder: Path, rows: Iterable[AnchorRow]) -> int:
    """Write those that are not there yet; gives how many. Raises OSError, :class:`StoreError` ``anchor-differs``."""
    count = 0
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        parts = {".p7s": row.signature, ".tsr": row.stamp, ".txt": row.statement.encode()}
        fresh = False
        for ending, content in parts.items():
            path = folder / f"{name_of(row)}{ending}"
            if content is None:
                continue
            if path.exists():
                _same(path, content)
                continue
            put(path, content)
            fresh = True
        count += fresh
    return count


def _same(path: Path, content: bytes) -> None:
    if path.suffix != ".tsr" and path.read_bytes() != content:
        raise StoreError(
            f"Cette ancre est déjà dans le dossier, et n'y est pas la même : « {path} ».",
            hint="Ne pas l'effacer : « dispatcher journal verify --anchors DOSSIER » dit laquelle est la bonne.",
            code="anchor-differs",
        )


def read(folder: Path) -> tuple[tuple[str, str, bytes, bytes | None], ...]:
    """(name, statement, signature, stamp) of every anchor in a folder, oldest first. Raises OSError."""
    found = []
    for path in sorted(folder.glob("ancre-*.txt")):
        signature, stamp = path.with_suffix(".p7s"), path.with_suffix(".tsr")
        found.append(
            (
                path.name,
                path.read_bytes().decode("utf-8", "replace"),
                signature.read_bytes() if signature.is_file() else b"",
                stamp.read_bytes() if stamp.is_file() else None,
            )
        )
    return tuple(found)
