"""The tallies, as the use cases see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A tally that is not what the rows say."""

    kind: str
    """``dispatch`` or ``file``."""
    channel: str
    state: str
    counted: int
    """Rows in that state."""
    kept: int
    """What the tally said."""


class Tallies(Protocol):
    """Numbers of dispatches and files by state, kept with every move."""

    def drift(self) -> tuple[Drifted, ...]:
        """Where they are not what the rows say; counts every row."""

    def repair(self) -> tuple[Drifted, ...]:
        """Make them what the rows say, each with a journal line; gives what was wrong."""
