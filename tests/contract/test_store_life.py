"""The life of dispatches under any order of events: hypothesis plays workers that die, clocks, operators and receipts.

What must hold at every moment is the promise itself (design §2): no mail begins twice without a known outcome or a
person in between, versions keep their order, and nothing is lost.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from dispatcher.clock import FrozenClock
from dispatcher.errors import IllegalMove, LeaseLost
from dispatcher.outbox.dispatch import Batch, Dispatch, Lane
from dispatcher.outbox.states import MOVES, State
from dispatcher.ports import DispatchFilter
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import Seed, make_cipher

LEASE = timedelta(seconds=100)
OUTCOMES = (State.SENT, State.DEFERRED, State.FAILED, State.HELD, State.UNKNOWN, State.QUEUED)
TEMPLATE: list[Path] = []


def template() -> Path:
    if not TEMPLATE:
        folder = Path(tempfile.mkdtemp(prefix="disp-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        TEMPLATE.append(folder / "t.sqlite3")
        open_store(f"sqlite:///{TEMPLATE[0]}", make_cipher(), FrozenClock()).close()
    return TEMPLATE[0]


class Life(RuleBasedStateMachine):
    """A few chains of report versions to a few recipients, and everything that may happen to them."""

    held = Bundle("held")
    """Claims somebody believes to hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="disp-"))
        shutil.copy(template(), self.folder / "s.sqlite3")
        self.clock = FrozenClock()
        self.store: SqlStore = open_store(f"sqlite:///{self.folder}/s.sqlite3", make_cipher(), self.clock)
        self.seed = Seed(self.store, self.clock)
        self.chains: dict[str, int] = {}
        self.added = 0
        self.begun: set[str] = set()
        """Mails that began and whose outcome nobody has said."""

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    # -------------------------------------------------------------------------------------- what happens

    @rule(chain=st.sampled_from("ab"), lane=st.sampled_from(list(Lane)), recipients=st.integers(1, 2))
    def a_version_arrives(self, chain: str, lane: Lane, recipients: int) -> None:
        version = self.chains[chain] = self.chains.get(chain, 0) + 1
        report = self.seed.report(chain, version)
        for number in range(recipients):
            self.seed.dispatch(State.READY, report=report, recipient_key=f"k{number}", lane=lane)
            self.added += 1

    @rule(count=st.integers(1, 4))
    def a_batch_is_made(self, count: int) -> None:
        with self.store.transaction() as uow:
            batch = Batch(id=self.store.new_id("L"), channel="mss", created_at=self.clock.now(), reason="tick")
            uow.batches.add(uow.dispatches.assign_batch(batch, max_count=count, max_bytes=10**9))

    @rule(target=held, owner=st.sampled_from(["w1", "w2"]), limit=st.integers(1, 3))
    def a_worker_claims(self, owner: str, limit: int) -> Any:
        claimed = self.seed.claim(owner, limit, lease=LEASE)
        assert len(claimed) <= limit
        for dispatch in claimed:
            assert dispatch.id not in self.begun
            self.check_order(dispatch)
        return multiple(*claimed)

    @rule(mine=held)
    def a_hand_over_begins(self, mine: Dispatch) -> None:
        before = self.seed.get(mine.id)
        try:
            with self.store.transaction() as uow:
                uow.dispatches.begin_submission(mine.id, mine.fence, self.clock.now())
        except LeaseLost:
            assert before.state is not State.SENDING or before.fence != mine.fence
            return
        assert before.state is State.SENDING and before.fence == mine.fence
        self.begun.add(mine.id)

    @rule(mine=consumes(held), outcome=st.sampled_from(OUTCOMES), minutes=st.integers(1, 3))
    def a_hand_over_ends(self, mine: Dispatch, outcome: State, minutes: int) -> None:
        before = self.seed.get(mine.id)
        due = self.clock.now() + timedelta(minutes=minutes) if outcome is State.DEFERRED else None
        try:
            with self.store.transaction() as uow:
                after = uow.dispatches.move(mine.id, outcome, fence=mine.fence, due_at=due)
        except LeaseLost:
            assert before.state is not State.SENDING or before.fence != mine.fence
            assert self.seed.get(mine.id) == before
            return
        assert before.fence == mine.fence == after.fence and after.lease_owner == ""
        if outcome is not State.UNKNOWN:
            self.begun.discard(mine.id)

    @rule(mine=consumes(held))
    def a_claim_is_given_back(self, mine: Dispatch) -> None:
        before = self.seed.get(mine.id)
        try:
            with self.store.transaction() as uow:
                uow.dispatches.release_claim(mine.id, mine.fence)
        except LeaseLost:
            assert before.state is not State.SENDING or before.fence != mine.fence
        except IllegalMove:
            assert before.submitting_since is not None
        else:
            assert self.seed.get(mine.id).state is State.QUEUED and before.submitting_since is None

    @rule(seconds=st.sampled_from([1, 60, 101, 200]))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(owner=st.sampled_from(["w1", "w2"]))
    def a_heartbeat(self, owner: str) -> None:
        with self.store.transaction() as uow:
            uow.dispatches.extend_lease(owner, self.clock.now() + LEASE)

    @rule()
    def dead_workers_are_swept(self) -> None:
        with self.store.transaction() as uow:
            back = uow.dispatches.expire_leases(self.clock.now())
        for dispatch in back:
            expected = {State.UNKNOWN} if dispatch.id in self.begun else {State.QUEUED, State.HELD}
            assert dispatch.state in expected and dispatch.lease_owner == ""
            assert dispatch.state is not State.HELD

    @rule(choice=st.randoms(use_true_random=False), state=st.sampled_from(list(State)))
    def a_person_or_a_receipt_moves_one(self, choice: Any, state: State) -> None:
        """Any move a person or a receipt may ask for; those that are not in the table change nothing."""
        every = self.everything()
        if not every or state is State.SENDING:
            return
        old = choice.choice(every)
        if old.state is State.SENDING:  # its worker speaks, nobody else
            return
        try:
            with self.store.transaction() as uow:
                uow.dispatches.move(old.id, state, actor="operator:anne")
        except IllegalMove:
            assert state not in MOVES[old.state] and self.seed.get(old.id) == old
            return
        assert state in MOVES[old.state]
        if old.state is State.UNKNOWN:
            self.begun.discard(old.id)  # a person or a receipt said what became of it

    @rule()
    def the_program_starts_again(self) -> None:
        self.store.close()
        self.store = open_store(f"sqlite:///{self.folder}/s.sqlite3", make_cipher(), self.clock)
        self.seed.store = self.store

    # -------------------------------------------------------------------------------------- what must hold

    def everything(self) -> tuple[Dispatch, ...]:
        with self.store.reading() as uow:
            return uow.dispatches.list(DispatchFilter(limit=10_000))

    def check_order(self, mine: Dispatch) -> None:
        """Nothing of the same chain and recipient is in doubt before it, or under way after it."""
        for other in self.everything():
            if (other.chain, other.recipient_key) == (mine.chain, mine.recipient_key):
                if other.version < mine.version:
                    assert other.state not in {State.SENDING, State.UNKNOWN}
                if other.version > mine.version:
                    assert other.state not in {State.SENDING, State.SENT, State.DELIVERED, State.READ, State.QUEUED}

    @invariant()
    def nothing_is_lost(self) -> None:
        with self.store.reading() as uow:
            assert sum(uow.dispatches.counts().values()) == self.added
            assert uow.journal.verify()[1] == ""

    @invariant()
    def a_mail_in_doubt_is_never_in_the_queue(self) -> None:
        for dispatch in self.everything():
            if dispatch.id in self.begun:
                assert dispatch.state in {State.SENDING, State.UNKNOWN}, dispatch.state
            if dispatch.state is not State.SENDING:
                assert dispatch.lease_owner == "" and dispatch.submitting_since is None


Life.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestLife = Life.TestCase
