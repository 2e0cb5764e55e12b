"""What is kept no longer, as the use case of purging sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Kept(StrEnum):
    """Kinds of what a purge removes."""

    FILES = "files"
    """Source files whose contents go, no size."""
    ORIGINALS = "originals"
    RENDITIONS = "renditions"
    MAILS = "mails"
    NOTICES = "notices"
    """Notices whole; of those about a dispatch an extract without the patient stays."""
    ADDRESSES = "addresses"
    """Addresses of patients."""
    IDENTITIES = "identities"
    """Keyed hashes of patients, no size."""
    ANSWERS = "answers"
    PROOFS = "proofs"
    """Dispatches with their receipts, no size."""


@dataclass(frozen=True, slots=True)
class Weight:
    """How many of a kind, and their bytes in clear."""

    count: int = 0
    size: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.count + other.count, self.size + other.size)


Weights = dict[Kept, Weight]
Place = tuple[datetime, str]
"""Where a page ended: when a file was received, and its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some files, oldest first."""

    ids: tuple[str, ...] = ()
    """Those of them that may go."""
    first: datetime | None = None
    until: datetime | None = None
    """When the first and the last of the page were received."""
    last: Place | None = None
    """The end of the page; None: nothing comes after it."""


class Purging(Protocol):
    """What may go is looked for outside a transaction and asked again in the one that removes it."""

    def contents(self, before: datetime, after: Place | None, limit: int) -> Page:
        """Files nobody has anything left to do for, nothing having happened since ``before``, contents still there."""

    def weigh_contents(self, ids: Sequence[str]) -> Weights:
        """What :meth:`drop_contents` would remove; identities are not counted."""

    def drop_contents(self, ids: Sequence[str], before: datetime, now: datetime) -> Weights:
        """Remove the contents of those that still may go; gives what went."""

    def unmatched(self, before: datetime, limit: int) -> tuple[str, ...]:
        """Notices that belong to no dispatch, whose contents are still there."""

    def weigh_unmatched(self, before: datetime) -> Weight: ...
    def drop_unmatched(self, ids: Sequence[str]) -> Weight: ...
    def count_answers(self, before: datetime) -> int:
        """Answers given, or void, that nothing asks for any more."""

    def drop_answers(self, before: datetime, limit: int) -> int: ...
    def proofs(self, before: datetime, after: Place | None, limit: int) -> Page:
        """Files without contents, with every version of their reports, nothing having happened since ``before``."""

    def count_proofs(self, ids: Sequence[str]) -> int:
        """Dispatches of these files."""

    def drop_proofs(self, ids: Sequence[str], before: datetime) -> int:
        """Remove every row of those that still may go but the journal's; gives how many dispatches went."""

    def drop_rests(self, before: datetime) -> None:
        """Batches, print runs and figures that nothing belongs to any more, notices without a dispatch."""
