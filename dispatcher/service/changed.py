"""What a person's decision did, and what it could not do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a decision did, and what it could not do, with the reason in French."""

    done: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    batches: tuple[str, ...] = ()
    """Batches it made."""
