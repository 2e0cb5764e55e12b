"""Everything at once, in threads: new versions arrive while others are sent, fail, come back and are swept.

What the journal tells afterwards must agree with the promise: each version sent at most once, in order, none lost.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dispatcher.clock import FrozenClock
from dispatcher.errors import IllegalMove, LeaseLost, StoreError
from dispatcher.outbox.dispatch import Batch, Dispatch, ReportVersion
from dispatcher.outbox.pacing import per_minute
from dispatcher.outbox.states import NOT_YET_LEFT, State
from dispatcher.ports import DispatchFilter
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed

CHAINS = 8
VERSIONS = 6


def again(work: Callable[[], Any]) -> Any:
    """What every caller does when the database broke off a write in favour of another one."""
    while True:
        try:
            return work()
        except StoreError as error:
            if error.code != "retry":
                raise


class Together:
    """The threads' common ground."""

    def __init__(self, store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
        self.store, self.seed, self.clock = store, seed, clock
        self.arriving = True
        self.faults: list[BaseException] = []
        self.template = seed.dispatch(State.CLOSED, chain="modèle")

    def run(self, work: Callable[[random.Random], None], number: int) -> None:
        try:
            work(random.Random(number))
        except BaseException as error:
            self.faults.append(error)

    # -------------------------------------------------------------------------------------- the workers

    def arrive(self, chance: random.Random) -> None:
        """New versions, as ``service/register.py`` commits them."""
        order = [f"chaîne{n}" for n in range(CHAINS)] * VERSIONS
        chance.shuffle(order)
        for chain in order:
            again(lambda chain=chain: self.register(chain))
            again(self.batch)

    def register(self, chain: str) -> None:
        file = self.seed.file(id=self.store.new_id("F"))
        with self.store.transaction() as uow:
            version = len(uow.reports.versions(chain)) + 1
            new = self.report(file.id, chain, version)
            uow.reports.add(new)
            for old in uow.dispatches.unsettled_of_chain(chain, below_version=version):
                if old.state in NOT_YET_LEFT:
                    uow.dispatches.move(old.id, State.WITHDRAWN)
            for recipient in ("k1", "k2"):
                uow.dispatches.add(self.dispatch(new.id, chain, version, recipient))

    def report(self, file_id: str, chain: str, version: int) -> ReportVersion:
        return ReportVersion(
            id=self.store.new_id("C"),
            file_id=file_id,
            position=0,
            chain=chain,
            version=version,
            fingerprint="",
            document_id="",
            set_id="",
        )

    def dispatch(self, report_id: str, chain: str, version: int, recipient: str) -> Dispatch:
        return replace(
            self.template,
            id=self.store.new_id("D"),
            report_id=report_id,
            chain=chain,
            version=version,
            state=State.READY,
            recipient_key=recipient,
            message_id="",
            envid="",
        )

    def batch(self) -> None:
        with self.store.transaction() as uow:
            batch = Batch(id=self.store.new_id("L"), channel="mss", created_at=self.clock.now(), reason="tick")
            uow.batches.add(uow.dispatches.assign_batch(batch, max_count=5, max_bytes=10**9))

    def send(self, chance: random.Random) -> None:
        """Claims a few, sends them one after the other, dies now and then in the middle."""
        owner = f"w{chance.random()}"
        idle = 0
        while idle < 3:
            claimed = again(lambda: self.seed.claim(owner, 4, lease=timedelta(seconds=50)))
            idle = 0 if claimed or self.arriving else idle + 1
            for position, mine in enumerate(claimed):
                if chance.random() < 0.1:
                    break  # dead: the sweep takes the rest back
                if chance.random() < 0.1:
                    self.give_back(claimed[position:])
                    break
                with contextlib.suppress(LeaseLost):
                    again(lambda mine=mine: self.begin(mine))
                    again(lambda mine=mine: self.end(mine, chance))

    def give_back(self, rest: tuple[Dispatch, ...]) -> None:
        for mine in rest:
            with contextlib.suppress(LeaseLost):
                again(lambda mine=mine: self.release(mine))

    def release(self, mine: Dispatch) -> None:
        with self.store.transaction() as uow:
            uow.dispatches.release_claim(mine.id, mine.fence)

    def begin(self, mine: Dispatch) -> None:
        with self.store.transaction() as uow:
            uow.pace.take_all([("channel:mss", per_minute(10_000))])
            uow.dispatches.begin_submission(mine.id, mine.fence, self.clock.now())

    def end(self, mine: Dispatch, chance: random.Random) -> None:
        state = chance.choice([State.SENT, State.SENT, State.DEFERRED, State.UNKNOWN])
        with self.store.transaction() as uow:
            uow.dispatches.move(mine.id, state, fence=mine.fence, due_at=self.clock.now())

    def sweep(self, chance: random.Random) -> None:
        """Time goes by; dead workers' rows are taken back; a person settles what is unknown."""
        while self.arriving or chance.random() > 0.02:
            self.clock.advance(20)
            again(self.expire)
            for dispatch in again(self.unknown):
                with contextlib.suppress(IllegalMove):
                    again(lambda dispatch=dispatch: self.settle(dispatch))

    def expire(self) -> None:
        with self.store.transaction() as uow:
            uow.dispatches.expire_leases(self.clock.now())

    def unknown(self) -> tuple[Dispatch, ...]:
        with self.store.reading() as uow:
            return uow.dispatches.list(DispatchFilter(states=(State.UNKNOWN,)))

    def settle(self, dispatch: Dispatch) -> None:
        with self.store.transaction() as uow:
            uow.dispatches.move(dispatch.id, State.SENT, actor="operator:anne")


def test_everything_at_once(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    together = Together(store, seed, clock)
    arriving = threading.Thread(target=together.run, args=(together.arrive, 0))
    others = [threading.Thread(target=together.run, args=(together.send, n)) for n in (1, 2, 3)]
    others.append(threading.Thread(target=together.run, args=(together.sweep, 4)))
    for thread in (arriving, *others):
        thread.start()
    arriving.join(90)
    together.arriving = False
    for thread in others:
        thread.join(90)
    assert together.faults == []
    check(store)


def check(store: SqlStore) -> None:
    with store.reading() as uow:
        every = uow.dispatches.list(DispatchFilter(limit=10_000))
        checked, fault = uow.journal.verify()
        lines = {d.id: uow.journal.of_subject(d.id) for d in every}
    assert fault == "" and checked > 0
    assert len(every) == 1 + 2 * CHAINS * VERSIONS
    sent: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for dispatch in every:
        numbers = [line.number for line in lines[dispatch.id] if line.event == "dispatch.sent"]
        assert len(numbers) <= 1
        assert (dispatch.state is State.SENT) == bool(numbers)
        sent[dispatch.chain, dispatch.recipient_key] += [(number, dispatch.version) for number in numbers]
    for order in sent.values():
        versions = [version for _, version in sorted(order)]
        assert versions == sorted(versions)
    latest = [d for d in every if d.version == VERSIONS]
    assert len(latest) == 2 * CHAINS and not {d.state for d in latest} & {State.WITHDRAWN, State.CLOSED}
