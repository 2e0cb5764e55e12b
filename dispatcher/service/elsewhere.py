"""What the directories say of a recipient whose address a server refused (``service/look_again.py``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.routing.route import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What they say today."""

    text: str
    """French sentence."""
    hold: Hold | None = None
    """With the boxes to choose from; None: there is no other, and the refusal stands."""


LookAgain = Callable[[Dispatch], Found | None]
"""None when they cannot be asked. Never in a transaction: it may take long. Raises StoreError."""
