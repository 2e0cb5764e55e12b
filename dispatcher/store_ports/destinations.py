"""Destinations, as the use cases see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.breaker import Breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRow:
    """One destination of a channel."""

    domain: str
    """:data:`dispatcher.outbox.breaker.CHANNEL` for the channel itself."""
    breaker: Breaker
    reason: str = ""
    """French: why it rests."""


class Destinations(Protocol):
    """The circuits of a channel's recipient domains, and of the channel itself."""

    def breaker(self, channel: str, domain: str) -> Breaker:
        """As it is; locked to the end of the transaction."""

    def troubled(self, channel: str, domain: str) -> Sequence[DestinationRow]:
        """The domain and the channel, those of the two that did not work lately; locked."""

    def open(self, channel: str) -> Sequence[DestinationRow]:
        """Those whose circuit is not closed, by name."""

    def keep(self, channel: str, domain: str, old: Breaker, new: Breaker, reason: str = "") -> None:
        """Write it down; an opening, and the closing after it, with a line in the journal."""
