"""Answers to the LIS as the use cases see them: what is to be told is a row, written with the move it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import Dispatch, ReportVersion


class AnswerState(StrEnum):
    """State of an answer."""

    DUE = "due"
    """To be given; again and again until it is."""
    SENT = "sent"
    """Written into the return folder, or acknowledged by the LIS."""
    REFUSED = "refused"
    """The LIS does not want it."""
    VOID = "void"
    """Cannot be said: the file is no message of that language, or its original is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One thing told to one source in one format."""

    id: str
    """Its control id: the same however often it is given."""
    source: str
    format: str
    event: str
    """:class:`dispatcher.feedback.events.Event`."""
    subject: str
    """Id of the file, dispatch or batch; the date of a day."""
    file_id: str = ""
    report_id: str = ""
    at: datetime
    """When it happened."""
    detail: Mapping[str, object] = field(default_factory=dict)
    """What was true then, and may change; no identity of a patient."""
    state: AnswerState = AnswerState.DUE
    due_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    bundle: str = ""
    """Name of the file it stands in with others, fixed before that is written."""
    reason: str = ""
    """French: why it was not given the last time, was refused or cannot be said."""
    token: str = ""
    """What must not be told twice though no move guards it: a day, a long hold."""


class Answers(Protocol):
    """What is to be answered. Rows about moves are added by the moves themselves."""

    def note(self, row: AnswerRow) -> bool:
        """Add one; False when its token is known already."""

    def due(self, source: str, formats: Sequence[str], now: datetime, limit: int) -> tuple[AnswerRow, ...]:
        """Of one source in these formats, in the order in which it happened."""

    def in_bundle(self, bundle: str) -> tuple[AnswerRow, ...]:
        """Those of one file that are still due."""

    def fix_bundle(self, ids: Sequence[str], bundle: str) -> None:
        """They leave together, in a file of that name."""

    def given(self, ids: Sequence[str], now: datetime) -> None: ...
    def put_off(self, answer_id: str, until: datetime, reason: str) -> None: ...
    def end(self, answer_id: str, state: AnswerState, reason: str) -> None:
        """``refused`` or ``void``, with a journal line: the LIS does not know of it."""

    def again(self, ids: Sequence[str], *, actor: str) -> tuple[str, ...]:
        """Due again, under the same control id, with a journal line each; gives those that exist."""

    def list(
        self, *, source: str = "", states: Sequence[AnswerState] = (), subject: str = "", limit: int = 100
    ) -> tuple[AnswerRow, ...]:
        """The newest first."""

    def waiting(self) -> dict[str, tuple[int, datetime]]:
        """By source: how many are due, and since when the oldest."""

    def last_day(self, source: str, before: str) -> str:
        """The last day before that one whose statement was noted, or empty."""

    def long_held(self, source: str, before: datetime, limit: int = 200) -> tuple[tuple[Dispatch, datetime], ...]:
        """Held since before then, or until the LIS corrects its report, and not told yet; each with the moment its hold
        began, the oldest first."""

    def of_batch(self, batch_id: str, source: str) -> tuple[tuple[Dispatch, ReportVersion], ...]:
        """The dispatches of one source that went into a batch."""

    def of_period(self, source: str, since: datetime, until: datetime) -> tuple[tuple[Dispatch, ReportVersion], ...]:
        """The dispatches of one source made in that time."""
