"""Contract of doubt: since when a dispatch is ``unknown``, and a start that is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import LeaseLost
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import MOVES, State
from tests.contract.store_kit import LEASE, Seed


def begun(seed: Seed) -> Dispatch:
    seed.dispatch()
    (mine,) = seed.claim()
    with seed.store.transaction() as uow:
        uow.dispatches.begin_submission(mine.id, mine.fence, seed.clock.now())
    return mine


def test_doubt_begins_at_the_end_of_a_hand_over(seed: Seed, clock: FrozenClock) -> None:
    mine = begun(seed)
    clock.advance(60)
    with seed.store.transaction() as uow:
        moved = uow.dispatches.move(mine.id, State.UNKNOWN, fence=mine.fence)
    assert moved.unknown_since == clock.now() == seed.get(mine.id).unknown_since


def test_doubt_begins_when_the_lease_of_the_dead_has_run_out(seed: Seed, clock: FrozenClock) -> None:
    mine = begun(seed)
    clock.advance(LEASE.total_seconds() + 1)
    with seed.store.transaction() as uow:
        (back,) = uow.dispatches.expire_leases(clock.now())
    assert back.unknown_since == clock.now() == seed.get(mine.id).unknown_since


def test_what_was_never_begun_is_not_in_doubt(seed: Seed, clock: FrozenClock) -> None:
    seed.dispatch()
    seed.claim()
    clock.advance(LEASE.total_seconds() + 1)
    with seed.store.transaction() as uow:
        (back,) = uow.dispatches.expire_leases(clock.now())
    assert (back.state, back.unknown_since) == (State.QUEUED, None)


def test_an_undo_gives_the_moment_it_had(seed: Seed, clock: FrozenClock) -> None:
    one, earlier = seed.dispatch(), clock.now() - timedelta(days=1)
    with seed.store.transaction() as uow:
        uow.dispatches.move(one.id, State.UNKNOWN, unknown_since=earlier)
    assert seed.get(one.id).unknown_since == earlier


@pytest.mark.parametrize("state", sorted(MOVES[State.UNKNOWN]))
def test_doubt_ends_with_the_state(seed: Seed, state: State) -> None:
    mine = begun(seed)
    with seed.store.transaction() as uow:
        uow.dispatches.move(mine.id, State.UNKNOWN, fence=mine.fence)
    with seed.store.transaction() as uow:
        moved = uow.dispatches.move(mine.id, state)
    assert moved.unknown_since is None and seed.get(mine.id).unknown_since is None


def test_a_note_does_not_end_it(seed: Seed) -> None:
    mine = begun(seed)
    with seed.store.transaction() as uow:
        since = uow.dispatches.move(mine.id, State.UNKNOWN, fence=mine.fence).unknown_since
    with seed.store.transaction() as uow:
        uow.dispatches.update(mine.id, event="dispatch.noted", reason="vu")
    assert since is not None and seed.get(mine.id).unknown_since == since


def test_how_many_are_in_doubt_and_since_when(seed: Seed, clock: FrozenClock) -> None:
    def in_doubt(channel: str = "mss") -> tuple[int, object]:
        with seed.store.reading() as uow:
            return uow.dispatches.in_doubt(channel)

    assert in_doubt() == (0, None)
    young, old = seed.dispatch(), seed.dispatch()
    first = clock.now()
    for one in (old, young):
        with seed.store.transaction() as uow:
            uow.dispatches.move(one.id, State.UNKNOWN)
        clock.advance(10)
    assert in_doubt() == (2, first)
    assert in_doubt("autre") == (0, None)
    with seed.store.transaction() as uow:
        uow.dispatches.move(old.id, State.SENT)
    assert in_doubt() == (1, first + timedelta(seconds=10))


def test_a_start_taken_back_leaves_the_claim(seed: Seed) -> None:
    mine = begun(seed)
    with seed.store.transaction() as uow:
        uow.dispatches.not_begun(mine.id, mine.fence)
    now = seed.get(mine.id)
    assert (now.state, now.submitting_since, now.lease_owner) == (State.SENDING, None, "w1")
    with seed.store.transaction() as uow:
        uow.dispatches.release_claim(mine.id, mine.fence)
    assert seed.get(mine.id).state is State.QUEUED


@pytest.mark.parametrize("ended", [False, True])
def test_only_the_holder_takes_a_start_back(seed: Seed, ended: bool) -> None:
    mine = begun(seed)
    if ended:
        with seed.store.transaction() as uow:
            uow.dispatches.move(mine.id, State.UNKNOWN, fence=mine.fence)
    with pytest.raises(LeaseLost), seed.store.transaction() as uow:
        uow.dispatches.not_begun(mine.id, mine.fence - (0 if ended else 1))
    assert (seed.get(mine.id).submitting_since is None) == ended
