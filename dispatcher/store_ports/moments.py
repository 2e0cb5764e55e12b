"""Moments that a wrong clock wrote down, as the use cases see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.longest import Longest


class Moments(Protocol):
    """What waits for a moment that no clock will see soon."""

    def bring_back(self, longest: Longest) -> Mapping[str, int]:
        """Moments further ahead than the longest waits count as come; leases end one lease from now. Gives how many
        were brought back, by what they were for; with a line in the journal when there were any."""
