"""Anchors of the journal, as the use cases see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRow:
    """The head of the journal's chain at one moment, signed with a key of the laboratory."""

    last: int
    """Line of the journal it ends with."""
    first: int
    """First line that no anchor before it covers."""
    at: datetime
    statement: str
    """The signed text (:mod:`dispatcher.receipts.anchor`)."""
    signature: bytes = field(repr=False)
    """CMS, detached, DER."""
    signer: str
    """SHA-256 fingerprint of the certificate."""
    stamp: bytes | None = field(default=None, repr=False)
    """RFC 3161 response over ``signature``."""


class Anchors(Protocol):
    """Kept anchors. Lines of the journal tell their digests, so that one taken away is missed."""

    def alone(self) -> None:
        """Until the end of the transaction nobody else anchors."""

    def add(self, row: AnchorRow, certificate: bytes, *, told: str, actor: str = "daemon") -> None:
        """Keep an anchor and the certificate (DER) that signed it; the journal tells ``told``, its digests."""

    def stamp(self, last: int, stamp: bytes) -> None:
        """Keep the time-stamp of an anchor; the journal tells its digest."""

    def list(self) -> tuple[AnchorRow, ...]:
        """All of them, oldest first."""

    def newest(self) -> AnchorRow | None: ...
    def covering(self, number: int) -> AnchorRow | None:
        """The anchor over that line of the journal, or None."""

    def unstamped(self, limit: int = 10) -> tuple[AnchorRow, ...]:
        """Those without a time-stamp, newest first."""

    def certificate(self, fingerprint: str) -> bytes | None:
        """DER of a certificate of ours that signed an anchor; None: it never did."""
