"""Hints: what one thread takes in or queues wakes those that wait; a hint about nothing does no harm."""

from __future__ import annotations

import threading
import time

from dispatcher.clock import FrozenClock
from dispatcher.outbox.dispatch import Batch, Lane
from dispatcher.outbox.states import State
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed

LONG = 60.0
"""Seconds nobody waits here when hints work."""


def test_queued_mail_and_received_files_wake_who_waits(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    seed.dispatch(State.READY)

    def batch() -> None:
        with store.transaction() as uow:
            made = Batch(id="L1", channel="mss", created_at=clock.now(), reason="tick")
            uow.batches.add(uow.dispatches.assign_batch(made, max_count=5, max_bytes=10**9))

    for work in (batch, seed.file, store.hint):
        seen, begun = store.hints(), time.monotonic()
        thread = threading.Thread(target=work)
        thread.start()
        store.wait_hint(seen, LONG)
        assert time.monotonic() - begun < LONG / 2 and store.hints() > seen
        thread.join()
        store.wait_hint(seen, LONG)  # what was before is not waited for


def test_what_is_given_back_or_only_looked_at_wakes_nobody(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    seed.dispatch()
    seen = store.hints()
    (claimed,) = seed.claim()
    with store.transaction() as uow:
        uow.dispatches.release_claim(claimed.id, claimed.fence)
    with store.reading() as uow:
        assert uow.dispatches.any_queued("mss", Lane.ROUTINE, clock.now())
        assert not uow.dispatches.any_queued("mss", Lane.URGENT, clock.now())
        assert not uow.dispatches.any_queued("autre", Lane.ROUTINE, clock.now())
    assert store.hints() == seen
    store.wait_hint(seen, 0.01)
