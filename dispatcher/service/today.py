"""Use case: this day so far, in Paris, and when the next batches are formed. No patient data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.clock import Clock, paris
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Store
from dispatcher.service.backlog import forms_of
from dispatcher.service.channel import Channel

LEFT = (State.SENT, State.DELIVERED, State.READ)
"""The operator has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Since midnight."""

    since: datetime
    files: int
    """Source files that came; those that still grow are left out."""
    made: int
    """Dispatches."""
    left: int
    """Of these, how many the operator has accepted."""
    next_batch: Mapping[str, datetime]
    """By channel on which something is ready: when it will be in a batch at the latest."""


def today(store: Store, clock: Clock, channels: Mapping[str, Channel]) -> Today:
    """Figures of the day."""
    now = clock.now()
    since = paris(now).replace(hour=0, minute=0, second=0, microsecond=0)
    with store.reading() as uow:
        files, made = uow.files.counts_since(since), uow.dispatches.counts_since(since)
        forms = {
            name: forms_of(uow, channel, now) for name, channel in channels.items() if uow.dispatches.batchable(name)[0]
        }
    return Today(
        since=since,
        files=sum(number for state, number in files.items() if state is not FileState.WAITING),
        made=sum(made.values()),
        left=sum(made.get(state, 0) for state in LEFT),
        next_batch={name: at for name, at in forms.items() if at is not None},
    )
