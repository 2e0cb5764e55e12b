"""Use case: form the batches of one channel (lots): on the tick, when full, at once for urgent mail."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from dispatcher.clock import Clock
from dispatcher.outbox.batching import Waiting, due
from dispatcher.outbox.dispatch import Batch
from dispatcher.ports import Store
from dispatcher.service.channel import Channel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """Batches made by one pass."""

    batches: tuple[Batch, ...] = ()


def form_batches(channel: Channel, store: Store, clock: Clock, *, now_whatever: str = "") -> Formed:
    """Put ``ready`` dispatches into batches while a batch is due. ``now_whatever`` forms one now, with that reason."""
    made: list[Batch] = []
    while True:
        batch = _form_one(channel, store, clock, now_whatever)
        if batch is None:
            return Formed(batches=tuple(made))
        made.append(batch)
        log.info("batch %s of channel %s: %d dispatches (%s)", batch.id, channel.name, batch.count, batch.reason)


def _form_one(channel: Channel, store: Store, clock: Clock, forced: str) -> Batch | None:
    now = clock.now()
    with store.reading() as uow:
        count, size, oldest, urgent = uow.dispatches.batchable(channel.name)
        if count == 0:
            return None
        latest = uow.batches.list(channel=channel.name, limit=1)
    waiting = Waiting(count=count, size=size, oldest=oldest, urgent=urgent)
    decision = due(waiting, channel.batch, latest[0].created_at if latest else None, now)
    reason = decision.reason if decision is not None else forced
    if not reason:
        return None
    batch = Batch(id=store.new_id("L"), channel=channel.name, created_at=now, reason=reason)
    with store.transaction() as uow:
        formed = uow.dispatches.assign_batch(
            batch,
            max_count=channel.batch.max_count,
            max_bytes=channel.batch.max_bytes,
            urgent_only=decision is not None and decision.urgent_only,
        )
        if formed.count == 0:
            return None
        uow.batches.add(formed)
    return formed
