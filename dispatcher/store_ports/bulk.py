"""Bulk sends (envois groupés), as the use cases see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkSend:
    """What a person sent in one go. Names of files stand in its encrypted payload, not here."""

    id: str
    digest: str
    """Keyed hash of all that was ordered: the same order is the same send."""
    place: str
    """Keyed hash of where it came from: the manifest's path, or what was named on the command line."""
    made_at: datetime
    actor: str
    files: int
    count: int
    """Lines asked for: one for each document and recipient, one for a document that names its recipients itself."""


class BulkSends(Protocol):
    """The sends, and which file each document became."""

    def add(self, send: BulkSend) -> BulkSend:
        """Insert; the one there is when the same order was given before."""

    def get(self, send_id: str) -> BulkSend | None: ...
    def by_digest(self, digest: str) -> BulkSend | None: ...
    def last_from(self, place: str) -> BulkSend | None: ...
    def list(self, limit: int = 20) -> tuple[BulkSend, ...]:
        """Newest first."""

    def alone(self, send_id: str) -> None:
        """Nobody else takes files in for this send until the end of the transaction. Raises StoreError."""

    def items(self, send_id: str) -> dict[int, str]:
        """File of each document taken in, by position."""

    def put_item(self, send_id: str, position: int, file_id: str) -> None: ...
    def named(self, before: datetime, limit: int) -> tuple[str, ...]:
        """Sends made before whose order still names its documents, though all are taken in and their contents gone."""

    def drop_payload(self, send_id: str, kind: str) -> None: ...
    def drop(self, before: datetime, limit: int) -> int:
        """Sends made before that name nothing any more go, with their items and payloads. How many."""
