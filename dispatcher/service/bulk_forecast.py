"""Use case: when a planned bulk send would be through, at the pace and behind what waits already. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.outbox.forecast import Forecast
from dispatcher.outbox.states import State
from dispatcher.service.backlog import through
from dispatcher.service.bulk import Planned
from dispatcher.service.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One channel of a planned send."""

    channel: str
    mails: int
    size: int
    """Bytes of the sealed mails."""
    waiting: int
    """Mails of others that are in the queue already."""
    forecast: Forecast


def outlook(desk: Desk, planned: Sequence[Planned]) -> tuple[Outlook, ...]:
    """By channel, as if what is planned joined the queue now: a bulk send forms its batch at once."""
    ready = [one for plan in planned for one in plan.dispatches if one.state is State.READY]
    mails = Counter(one.channel for one in ready)
    found = []
    for name, count in sorted(mails.items()):
        with desk.store.reading() as uow:
            counts = Counter(uow.dispatches.counts(channel=name))
            waiting = counts[State.QUEUED] + counts[State.SENDING] + counts[State.READY]
            counts[State.QUEUED] += count + counts.pop(State.READY, 0)
            counts[State.READY] = 0
            told = through(uow, desk.channels[name], counts, desk.clock.now())
        size = sum(one.sealed_bytes for one in ready if one.channel == name)
        found.append(Outlook(channel=name, mails=count, size=size, waiting=waiting, forecast=told))
    return tuple(found)
