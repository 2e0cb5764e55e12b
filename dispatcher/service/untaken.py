"""What lies in the source folders and no service has taken: the database cannot know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from dispatcher.clock import Clock
from dispatcher.errors import IntakeError
from dispatcher.outbox.states import FileState
from dispatcher.service.overview import StatusView
from dispatcher.settings import SourceSettings

LONG = timedelta(minutes=10)
"""A file that lies longer in its folder, beyond the patience of its source, is an alarm."""


class Lying(Protocol):
    """A source folder that is only looked at."""

    name: str

    def lying(self) -> tuple[float, ...]:
        """Since when (seconds since 1970) each file lies there. Raises :class:`IntakeError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Files that lie in the folder of a source. Only their number: a name may be a patient's."""

    source: str
    files: int
    oldest_seconds: float
    late: bool
    problem: str = ""
    """Why nobody can look into it (French)."""


def folders(spools: Iterable[Lying], sources: Mapping[str, SourceSettings], clock: Clock) -> tuple[Folder, ...]:
    """One per source whose folder is not empty, or cannot be read."""
    found = []
    for spool in spools:
        try:
            since = spool.lying()
        except IntakeError as error:
            found.append(Folder(source=spool.name, files=0, oldest_seconds=0, late=True, problem=str(error)))
            continue
        if since:
            oldest = max(0.0, clock.now().timestamp() - min(since))
            late = oldest > LONG.total_seconds() + sources[spool.name].patience_seconds
            found.append(Folder(source=spool.name, files=len(since), oldest_seconds=oldest, late=late))
    return tuple(found)


def nobody_works(view: StatusView, lying: Iterable[Folder], services: int) -> bool:
    """Something waits for a service, and none runs. One that died without a word has an alarm of its own."""
    waiting = sum(channel.waiting for channel in view.channels) + sum(one.files for one in lying)
    waiting += view.files.get(FileState.RECEIVED, 0) + view.files.get(FileState.READ, 0)
    return bool(waiting) and not services
