"""Kept versions of the table: what it was, since when, by whom.

Each version stands whole in ``sauvegardes/`` beside the table, named for the day and the first characters of its
SHA-256; ``NAME.historique`` there has one JSON line a version. The lines of the ledger stay, the oldest copies go.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dispatcher.clock import paris
from dispatcher.whole_file import put

FOLDER = "sauvegardes"
KEPT = 50
OUTSIDE = "hors du programme"
"""By whom, when nobody told: the file was saved by a spreadsheet."""
BY_HAND = "enregistrée hors du programme"


def digest_of(content: bytes | None) -> str:
    """First 12 characters of the SHA-256; empty for no table."""
    return "" if content is None else hashlib.sha256(content).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One version the table had."""

    number: int
    """From 1, oldest first; never used twice."""
    at: datetime
    by: str
    what: str
    """French, what was done."""
    digest: str
    before: str
    """Digest of the version it came from; empty for the first."""
    there: bool = True
    """Its copy is still kept."""


class History:
    """The versions of the table at ``table``; ``keep`` copies stay."""

    def __init__(self, table: Path, keep: int = KEPT) -> None:
        self.folder = table.parent / FOLDER
        self.ledger = self.folder / f"{table.stem}.historique"
        self._stem = table.stem
        self._keep = keep

    def versions(self) -> tuple[Kept, ...]:
        """Oldest first. A line torn by a stop in the middle of writing is left out."""
        if not self.ledger.is_file():
            return ()
        there = {digest for digest, _ in self._copies()}
        found: list[Kept] = []
        for line in self.ledger.read_text(encoding="utf-8").splitlines():
            kept = _read(line, len(found) + 1, there)
            if kept is not None:
                found.append(kept)
        return tuple(found)

    def content(self, digest: str) -> bytes | None:
        """The bytes of a version; None when its copy is gone or was changed."""
        for known, path in self._copies():
            if known == digest:
                content = path.read_bytes()
                return content if digest_of(content) == digest else None
        return None

    def last(self, digest: str) -> Kept | None:
        """The latest line about this version."""
        return next((kept for kept in reversed(self.versions()) if kept.digest == digest), None)

    def note(self, content: bytes, *, at: datetime, by: str, what: str, before: str) -> None:
        """Keep a version and write its line; nothing when it is the latest one already. Raises ``OSError``."""
        digest = digest_of(content)
        known = self.versions()
        if known and known[-1].digest == digest:
            return
        if self.content(digest) is None:
            moment = paris(at).strftime("%Y%m%d-%H%M%S")
            put(self.folder / f"{self._stem}-{moment}-{digest}.csv", content)
        line: dict[str, Any] = {"at": at.isoformat(), "by": by, "what": what, "digest": digest, "before": before}
        with self.ledger.open("ab") as file:
            if file.tell() and not self.ledger.read_bytes().endswith(b"\n"):
                file.write(b"\n")
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._prune()

    def _copies(self) -> list[tuple[str, Path]]:
        """(digest, path), newest first."""
        found = sorted(self.folder.glob(f"{self._stem}-*-????????????.csv"), reverse=True)
        return [(path.stem[-12:], path) for path in found]

    def _prune(self) -> None:
        used = [kept.digest for kept in reversed(self.versions())]
        order = {digest: place for place, digest in reversed(list(enumerate(dict.fromkeys(used))))}
        for digest, path in self._copies():
            if order.get(digest, self._keep) >= self._keep:
                path.unlink(missing_ok=True)


def _read(line: str, number: int, there: set[str]) -> Kept | None:
    try:
        data = json.loads(line)
        digest = str(data["digest"])
        return Kept(
            number=number,
            at=datetime.fromisoformat(data["at"]),
            by=str(data["by"]),
            what=str(data["what"]),
            digest=digest,
            before=str(data["before"]),
            there=digest in there,
        )
    except (ValueError, KeyError, TypeError):
        return None


def as_json(kept: Kept) -> dict[str, Any]:
    """A version for programs."""
    return asdict(kept)
