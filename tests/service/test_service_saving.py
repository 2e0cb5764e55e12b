"""What a line knows is not forgotten while the store fails, and a start that never was one is no ``unknown``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import pairwise

import pytest

from dispatcher.errors import StoreError, TryLater
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Mail
from dispatcher.service import saving
from dispatcher.service.recover import recover
from dispatcher.store import faults
from tests.fakes import FaultyStore
from tests.service.bench import LEASE, Bench
from tests.service.samples import oru

BEGIN = 2
"""Number of the transaction that begins the first mail: the claim is the first."""


def queue(bench: Bench, count: int = 1) -> tuple[Dispatch, ...]:
    """Oldest first: that is the order they leave in."""
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}") for number in range(count)))
    bench.batch()
    return tuple(sorted(bench.dispatches(), key=lambda d: (str(d.created_at), d.id)))


def fails(bench: Bench, at: Callable[[int, str], bool], code: str) -> FaultyStore:
    store = FaultyStore(bench.real, lambda number, when: StoreError("Panne.", code=code) if at(number, when) else None)
    bench.use(store)  # type: ignore[arg-type]
    return store


def test_every_fault_that_passes_is_one_of_the_store() -> None:
    known = {value for name, value in vars(faults).items() if name.isupper() and isinstance(value, str)}
    assert known >= saving.PASSING


def test_a_start_whose_commit_ended_in_doubt_is_not_a_hand_over(on_both: Bench) -> None:
    """PostgreSQL was lost while committing, yet it had written: nothing has left, and no notice will ever come."""
    bench = on_both
    first, _ = queue(bench, 2)
    fails(bench, lambda number, when: (number, when) == (BEGIN, "after"), "commit-unknown")
    with pytest.raises(StoreError):
        bench.send()
    assert bench.transport.handed == []
    first = bench.get(first.id)
    assert (first.state, first.submitting_since) == (State.QUEUED, None)
    bench.use(bench.real)
    bench.recover()
    bench.send()
    assert bench.states() == [State.SENT] * 2
    assert len(bench.transport.handed) == 2


def test_the_mail_before_and_the_start_after_are_both_put_right(bench: Bench) -> None:
    """One commit holds the outcome of the first mail and the start of the second."""
    mails = queue(bench, 2)
    fails(bench, lambda number, when: (number, when) == (BEGIN + 1, "after"), "commit-unknown")
    with pytest.raises(StoreError):
        bench.send()
    assert [bench.get(mail.id).state for mail in mails] == [State.SENT, State.QUEUED]
    assert len(bench.transport.handed) == 1


def test_a_start_in_doubt_is_put_right_after_others_gave_it_up(bench: Bench) -> None:
    """The database stays away longer than the lease: another node has called the mail lost meanwhile."""
    queue(bench)
    (dispatch,) = bench.dispatches()

    def at(number: int, when: str) -> bool:
        if (number, when) == (BEGIN, "after"):
            bench.clock.advance(LEASE.total_seconds() + 1)
            assert [found.state for found in recover(bench.real, bench.clock)] == [State.UNKNOWN]
            return True
        return BEGIN < number <= BEGIN + 3 and when == "before"

    fails(bench, at, "unavailable")
    with pytest.raises(StoreError):
        bench.send()
    assert bench.get(dispatch.id).state is State.QUEUED
    assert bench.get(dispatch.id).unknown_since is None
    assert "Jamais parti" in bench.get(dispatch.id).reason
    assert bench.events(dispatch.id)[-1] == "dispatch.queued-late"
    bench.use(bench.real)
    assert bench.send().counts == {State.SENT: 1}
    assert len(bench.transport.handed) == 1


def test_a_start_that_somebody_else_took_over_is_left_to_him(bench: Bench) -> None:
    queue(bench)
    (dispatch,) = bench.dispatches()

    def at(number: int, when: str) -> bool:
        if (number, when) == (BEGIN, "after"):
            with bench.real.transaction() as uow:
                uow.dispatches.not_begun(dispatch.id, 1)
                uow.dispatches.release_claim(dispatch.id, 1)
            with bench.real.transaction() as uow:
                (taken,) = uow.dispatches.claim("pro", "another", 1, LEASE, bench.clock.now())
                uow.dispatches.begin_submission(taken.id, taken.fence, bench.clock.now())
        return (number, when) == (BEGIN, "after")

    fails(bench, at, "commit-unknown")
    with pytest.raises(StoreError):
        bench.send()
    now = bench.get(dispatch.id)
    assert (now.state, now.lease_owner, now.fence) == (State.SENDING, "another", 2)
    assert now.submitting_since is not None


@pytest.mark.parametrize("code", ["disk-full", "unavailable"])
def test_a_known_outcome_is_kept_through_an_outage_of_hours(bench: Bench, code: str) -> None:
    """Our own disk is full, or the database away, for two hours with an acceptance in hand."""
    queue(bench)
    back_at = bench.clock.elapsed + 7200
    tries: list[float] = []

    def at(number: int, when: str) -> bool:
        if number <= BEGIN or bench.clock.elapsed >= back_at or when == "after":
            return False
        tries.append(bench.clock.elapsed)
        return True

    fails(bench, at, code)
    with pytest.raises(StoreError):
        bench.send()
    assert bench.one().state is State.SENT
    assert len(bench.transport.accepted) == 1
    waits = [round(later - earlier, 3) for earlier, later in pairwise(tries[1:])]
    assert waits == sorted(waits) and waits[0] >= saving.FIRST, "growing"
    assert max(waits) == saving.LONGEST
    assert len(tries) < 7200 / saving.LONGEST + 10


def test_a_stop_ends_the_waiting(bench: Bench) -> None:
    queue(bench)
    fails(bench, lambda number, when: number > BEGIN, "disk-full")
    begun = bench.clock.elapsed
    with pytest.raises(StoreError):
        bench.send(stop=lambda: bench.clock.elapsed - begun > 3600)
    assert bench.clock.elapsed - begun < 3600 + saving.LONGEST + saving.LAST_TRIES * saving.FIRST + 1


def test_a_process_that_slept_through_its_lease_hands_nothing_over(bench: Bench) -> None:
    """Stopped (SIGSTOP, a frozen virtual machine) between the start's commit and the first byte."""
    first, _ = queue(bench, 2)

    def asleep(number: int, when: str) -> bool:
        if (number, when) == (BEGIN, "after"):
            back = bench.recover()
            assert State.UNKNOWN in {dispatch.state for dispatch in back}
        return False

    fails(bench, asleep, "")
    bench.send()
    assert first.message_id not in [handed.message_id for handed in bench.transport.handed]
    assert bench.get(first.id).state is State.QUEUED
    bench.use(bench.real)
    bench.send()
    assert bench.states() == [State.SENT] * 2
    assert len(bench.transport.handed) == 2


def test_a_machine_that_was_suspended_through_the_lease_claims_anew(bench: Bench) -> None:
    """The clock for waiting stands still meanwhile, those of other nodes do not."""
    (first,) = queue(bench)
    slept = LEASE.total_seconds() + 1

    def asleep(number: int, when: str) -> bool:
        if (number, when) == (BEGIN, "after"):
            bench.clock.step(slept)
            bench.clock.boot_origin -= slept
        return False

    fails(bench, asleep, "")
    bench.send()
    assert len(bench.transport.handed) == 1
    assert bench.get(first.id).fence == first.fence + 2, "given up, and claimed anew"


def test_a_pass_that_breaks_off_gives_back_what_it_did_not_begin(bench: Bench) -> None:
    queue(bench, 20)
    fails(bench, lambda number, when: number == BEGIN + 4, "busy")
    with pytest.raises(StoreError):
        bench.send()
    assert len(bench.transport.handed) == 4
    assert sorted(bench.states()) == [State.QUEUED] * 16 + [State.SENT] * 4


def test_what_a_broken_pass_could_not_give_back_is_not_kept_alive_by_the_next(bench: Bench) -> None:
    """The backlog lasts longer than the lease: the rows nobody holds stand in the queue again meanwhile."""
    queue(bench, 60)
    fails(bench, lambda number, when: number == BEGIN + 4 or number > BEGIN + 6, "busy")
    with pytest.raises(StoreError):
        bench.send()
    assert State.SENDING in bench.states()
    bench.use(bench.real)

    def during(mail: Mail) -> None:
        bench.clock.advance(LEASE.total_seconds() / 3 + 1)
        recover(bench.real, bench.clock)

    bench.transport.during = during
    bench.send()
    assert set(bench.states()) == {State.SENT}
    assert len(bench.transport.accepted) == 60


@pytest.mark.parametrize("number", range(1, 6))
def test_a_transaction_the_database_broke_off_is_repeated(bench: Bench, number: int) -> None:
    """A deadlock: nothing of it was written, so the pass goes on."""
    queue(bench, 4)
    fails(bench, lambda count, when: count in {number, number + 1}, "retry")
    assert bench.send().counts == {State.SENT: 4}
    assert len(bench.transport.handed) == 4


@pytest.mark.parametrize("number", range(1, 5))
def test_a_pause_and_a_hold_are_repeated_too_when_the_database_broke_them_off(bench: Bench, number: int) -> None:
    queue(bench)
    bench.transport.at_open = [TryLater("Absent.", stage="connect")]
    fails(bench, lambda count, when: count == number, "retry")
    assert bench.send().paused == "Absent."
    assert set(bench.states()) == {State.QUEUED}
    bench.use(bench.real)
    bench.clock.advance(90)
    with sqlite3.connect(bench.database) as connection:
        connection.execute("DELETE FROM payloads WHERE kind = 'sealed'")
    connection.close()
    fails(bench, lambda count, when: count == number, "retry")
    bench.send()
    assert set(bench.states()) == {State.HELD}
