"""Alarms as the use cases see them: what stands, what was told, what is still to be told by each way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.alarms.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNote:
    """One message that one way has to carry."""

    id: str
    """The same however often it is tried."""
    way: str
    kind: str
    """:class:`dispatcher.alarms.incident.Kind`."""
    key: str
    """Of its incident; empty: of several."""
    at: datetime
    body: Mapping[str, object]
    """What is told; no patient."""
    due_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    reason: str = ""
    """French: why it could not be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRow:
    """Something noted once and asked again later: since when a source is watched, a tick hangs, a way fails."""

    name: str
    at: datetime
    note: str = ""
    """French."""


class AlarmBook(Protocol):
    """The memory of alarms."""

    def incidents(self) -> tuple[Incident, ...]:
        """Those that stand, and those that ended lately; in a transaction nobody else judges before its end."""

    def put(self, incident: Incident) -> None: ...
    def forget(self, key: str) -> None: ...

    def note(self, row: AlarmNote) -> None:
        """To be carried."""

    def notes(self, way: str = "") -> tuple[AlarmNote, ...]:
        """Of one way or all, told or not, in the order in which they were made."""

    def change(self, row: AlarmNote) -> None:
        """Tried or told."""

    def drop(self, ids: Sequence[str]) -> None: ...

    def signs(self, prefix: str = "") -> tuple[SignRow, ...]:
        """By name."""

    def sign(self, name: str, at: datetime, note: str = "") -> datetime:
        """Noted at the first call, whose moment stays; the note is the newest. Gives since when."""

    def wipe(self, name: str) -> None:
        """It is so no more."""

    def newest_file(self, source: str) -> datetime | None:
        """When the newest file of a source came, growing ones left out."""

    def oldest_file(self, state: str) -> datetime | None:
        """When the oldest file in that state came."""

    def oldest_dispatch(self, state: str) -> datetime | None:
        """When the oldest dispatch in that state was made; of ``paper``, of those nobody printed."""

    def endings(self, channel: str, most: int) -> tuple[int, int]:
        """Of the last acceptances and failures of a channel: how many there are, how many failed."""
