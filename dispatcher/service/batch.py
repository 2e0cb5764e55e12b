"""Use case: form the batches of one channel (lots): on the tick, when full, at once for urgent mail."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.clock import Clock
from dispatcher.outbox.batching import Waiting, due
from dispatcher.outbox.dispatch import Batch, Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import Store, UnitOfWork
from dispatcher.service.channel import Channel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """Batches made by one pass."""

    batches: tuple[Batch, ...] = ()


def form_batches(channel: Channel, store: Store, clock: Clock, *, now_whatever: str = "") -> Formed:
    """Put ``ready`` dispatches into batches while a batch is due. ``now_whatever`` forms one now, with that reason.

    Each batch is looked at and made in one transaction, alone on its channel: two processes never make two of one tick.
    """
    made: list[Batch] = []
    with store.reading() as uow:  # most of the time nothing waits, and nobody has to be kept from writing
        before = uow.batches.latest(channel.name, channel.batch.counts_from)
        if not uow.dispatches.batchable(channel.name)[0]:
            return Formed()
    while (batch := _form_one(channel, store, clock, now_whatever, (before, made))) is not None:
        made.append(batch)
        log.info("batch %s of channel %s: %d dispatches (%s)", batch.id, channel.name, batch.count, batch.reason)
    return Formed(batches=tuple(made))


def _form_one(
    channel: Channel, store: Store, clock: Clock, forced: str, known: tuple[Batch | None, list[Batch]]
) -> Batch | None:
    """``known``: the batch that counted when this pass began, and those it made: what a full one leaves behind goes
    with it when the window was over.
    """
    with store.transaction() as uow:
        uow.batches.alone(channel.name)
        now = clock.now()
        waiting = waiting_on(uow, channel.name)
        latest = uow.batches.latest(channel.name, channel.batch.counts_from)
        mine = latest is not None and latest.reason == "full" and latest in known[1]
        counted = known[0] if mine else latest
        decision = due(waiting, channel.batch, counted.created_at if counted is not None else None, now)
        reason = decision.reason if decision is not None else forced
        if not reason or not waiting.count:
            return None
        formed = uow.dispatches.assign_batch(
            Batch(id=store.new_id("L"), channel=channel.name, created_at=now, reason=reason),
            max_count=channel.batch.max_count,
            max_bytes=channel.batch.max_bytes,
            urgent_only=decision is not None and decision.urgent_only,
        )
        if formed.count == 0:
            return None
        uow.batches.add(formed)
    return formed


def queue_urgent(
    uow: UnitOfWork, store: Store, channels: Mapping[str, Channel], made: Iterable[Dispatch], now: datetime
) -> None:
    """Urgent mail waits for no tick: in the transaction that made it, it gets its batch and is queued."""
    urgent = {one.channel for one in made if one.lane is Lane.URGENT and one.state is State.READY}
    for name in sorted(urgent & channels.keys()):
        rule = channels[name].batch
        batch = Batch(id=store.new_id("L"), channel=name, created_at=now, reason="urgent")
        formed = uow.dispatches.assign_batch(
            batch, max_count=rule.max_count, max_bytes=rule.max_bytes, urgent_only=True
        )
        if formed.count:
            uow.batches.add(formed)


def waiting_on(uow: UnitOfWork, channel: str) -> Waiting:
    """What is ``ready`` on a channel."""
    count, size, oldest, urgent = uow.dispatches.batchable(channel)
    return Waiting(count=count, size=size, oldest=oldest, urgent=urgent)


def end_batches(store: Store, clock: Clock) -> tuple[Batch, ...]:
    """Batches with nothing pending any more are over; each gets its statement in the journal."""
    with store.reading() as uow:
        if not uow.batches.any_finished():
            return ()
    with store.transaction() as uow:
        ended = uow.batches.end_finished(clock.now())
    for batch in ended:
        log.info("batch %s of channel %s is over", batch.id, batch.channel)
    return ended
