"""Contract of claims: one owner a row, fences, dead workers, and versions that keep their order."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import IllegalMove, LeaseLost
from dispatcher.outbox.breaker import Breaker, Circuit
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.store.engine import SqlStore
from dispatcher.store.suspects import MOST
from dispatcher.store.tables import SUSPECT
from tests.contract.store_kit import LEASE, Database, Seed


def ids(dispatches: tuple[Dispatch, ...]) -> list[str]:
    return [dispatch.id for dispatch in dispatches]


def begin(seed: Seed, dispatch: Dispatch) -> None:
    with seed.store.transaction() as uow:
        uow.dispatches.begin_submission(dispatch.id, dispatch.fence, seed.clock.now())


def expire(seed: Seed) -> tuple[Dispatch, ...]:
    with seed.store.transaction() as uow:
        return uow.dispatches.expire_leases(seed.clock.now())


def overtaken(seed: Seed) -> int:
    with seed.store.transaction() as uow:
        return uow.dispatches.withdraw_overtaken()


def test_a_claim_takes_what_is_due_urgent_first_then_oldest(seed: Seed, clock: FrozenClock) -> None:
    old = seed.dispatch()
    seed.dispatch(State.DEFERRED, due_at=clock.now() + timedelta(seconds=1))
    due = seed.dispatch(State.DEFERRED, due_at=clock.now())
    urgent = seed.dispatch(lane=Lane.URGENT)
    for state in State:
        if state not in {State.QUEUED, State.DEFERRED}:
            seed.dispatch(state)
    seed.dispatch(channel="autre")
    claimed = seed.claim()
    assert ids(claimed) == [urgent.id, old.id, due.id]
    assert {(d.state, d.lease_owner, d.fence) for d in claimed} == {(State.SENDING, "w1", 1)}
    assert [seed.get(d.id) for d in claimed] == list(claimed)
    assert seed.events(old.id) == ["dispatch.added", "dispatch.sending"]
    assert seed.events(due.id) == ["dispatch.added", "dispatch.due", "dispatch.sending"]
    assert seed.claim("w2") == ()


def test_a_claim_keeps_to_its_limit(seed: Seed) -> None:
    wanted = [seed.dispatch().id for _ in range(5)]
    assert ids(seed.claim(limit=2)) == wanted[:2]
    assert ids(seed.claim(limit=0)) == []
    assert ids(seed.claim(limit=9)) == wanted[2:]


def test_the_round_of_one_mail(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    seed.dispatch()
    (mine,) = seed.claim()
    begin(seed, mine)
    assert seed.get(mine.id).submitting_since == clock.now()
    with store.transaction() as uow:
        sent = uow.dispatches.move(mine.id, State.SENT, fence=mine.fence, attempts=1, reply="250 2.0.0 ok", due_at=None)
    assert sent == seed.get(mine.id)
    assert (sent.state, sent.lease_owner, sent.submitting_since, sent.fence) == (State.SENT, "", None, 1)
    assert (sent.attempts, sent.reply, sent.sent_at) == (1, "250 2.0.0 ok", clock.now())
    with store.reading() as uow:
        line = uow.journal.of_subject(mine.id)[-1]
    assert line.event == "dispatch.sent"
    assert line.detail == {"from": "sending", "attempts": 1, "reply": "250 2.0.0 ok"}


def test_a_held_move_may_change_anything_a_move_may(seed: Seed, store: SqlStore) -> None:
    seed.dispatch()
    (mine,) = seed.claim()
    with store.transaction() as uow:
        held = uow.dispatches.move(mine.id, State.HELD, fence=mine.fence, label="Dr Autre", reason="Voir")
    assert held == seed.get(mine.id) and held.label == "Dr Autre"
    seed.dispatch()
    (other,) = seed.claim()
    with pytest.raises(IllegalMove), store.transaction() as uow:
        uow.dispatches.move(other.id, State.READ, fence=other.fence)
    with pytest.raises(TypeError), store.transaction() as uow:
        uow.dispatches.move(other.id, State.SENT, fence=other.fence, lease_owner="x")


def test_a_late_worker_writes_nothing(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    seed.dispatch()
    (late,) = seed.claim("w1")
    clock.advance(121)
    expire(seed)
    (new,) = seed.claim("w2")
    assert new.fence == late.fence + 1
    before = seed.get(new.id)
    for call in (
        lambda uow: uow.dispatches.begin_submission(late.id, late.fence, clock.now()),
        lambda uow: uow.dispatches.move(late.id, State.SENT, fence=late.fence),
        lambda uow: uow.dispatches.release_claim(late.id, late.fence),
    ):
        with pytest.raises(LeaseLost, match=late.id), store.transaction() as uow:
            call(uow)
    assert seed.get(new.id) == before
    begin(seed, new)


def test_a_worker_whose_lease_was_taken_back_writes_nothing(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    """Same fence, but no longer ``sending``."""
    seed.dispatch()
    (late,) = seed.claim()
    begin(seed, late)
    clock.advance(121)
    expire(seed)
    with pytest.raises(LeaseLost), store.transaction() as uow:
        uow.dispatches.move(late.id, State.DEFERRED, fence=late.fence)
    assert seed.get(late.id).state is State.UNKNOWN


def test_a_claim_given_back_is_untouched(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    dispatch = seed.dispatch(attempts=2, reason="Refus temporaire")
    (mine,) = seed.claim()
    with store.transaction() as uow:
        uow.dispatches.release_claim(mine.id, mine.fence)
    back = seed.get(dispatch.id)
    assert (back.state, back.attempts, back.lease_owner) == (State.QUEUED, 2, "")
    assert back.reason == "Refus temporaire"
    (again,) = seed.claim()
    begin(seed, again)
    with pytest.raises(IllegalMove, match="commencé"), store.transaction() as uow:
        uow.dispatches.release_claim(again.id, again.fence)


def test_dead_workers_begun_is_unknown_the_rest_goes_back(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    for _ in range(3):
        seed.dispatch()
    begun, waiting, alive = seed.claim("dead", 2) + seed.claim("alive")
    begin(seed, begun)
    clock.advance(100)
    with store.transaction() as uow:
        uow.dispatches.extend_lease("alive", clock.now() + LEASE)
    clock.advance(19)
    assert expire(seed) == ()
    clock.advance(1)
    back = {d.id: d for d in expire(seed)}
    assert {i: d.state for i, d in back.items()} == {begun.id: State.UNKNOWN, waiting.id: State.QUEUED}
    assert "trancher" in back[begun.id].reason and back[begun.id].submitting_since is None
    assert back[waiting.id].attempts == 0
    assert all(seed.get(i) == d for i, d in back.items())
    assert seed.get(alive.id).state is State.SENDING
    assert seed.events(begun.id)[-1] == seed.events(waiting.id)[-1] == "dispatch.lease-expired"
    assert expire(seed) == ()


def test_a_row_in_sending_without_a_lease_is_taken_back_too(seed: Seed) -> None:
    dispatch = seed.dispatch(State.SENDING)
    assert ids(expire(seed)) == [dispatch.id]


def died(seed: Seed, clock: FrozenClock) -> dict[str, State]:
    """The leases of whoever held something run out."""
    clock.advance(121)
    return {dispatch.id: dispatch.state for dispatch in expire(seed)}


def test_what_kills_its_worker_is_set_aside_and_only_that(seed: Seed, clock: FrozenClock) -> None:
    """Two deaths in company make suspects of all; three more, each alone, tell which one it is."""
    culprit, other, third = (seed.dispatch() for _ in range(3))
    everybody = {culprit.id, other.id, third.id}
    for returns in range(1, SUSPECT + 1):
        assert set(ids(seed.claim())) == everybody
        assert died(seed, clock) == dict.fromkeys(everybody, State.QUEUED)
        assert {seed.get(one).returns for one in everybody} == {returns}
    for returns in range(SUSPECT + 1, MOST):
        assert ids(seed.claim()) == [culprit.id]
        assert died(seed, clock) == {culprit.id: State.QUEUED}
        assert seed.get(culprit.id).returns == returns
    assert ids(seed.claim()) == [culprit.id]
    assert died(seed, clock) == {culprit.id: State.HELD}
    held = seed.get(culprit.id)
    assert (held.hold_code, held.attempts, held.returns, held.lease_owner) == ("stopped-program", 0, 0, "")
    assert "journal technique" in held.reason and "libérer" in held.reason
    assert seed.events(culprit.id)[-1] == "dispatch.held"
    assert ids(seed.claim()) == [other.id]
    assert {seed.get(one.id).returns for one in (other, third)} == {SUSPECT}


def test_one_suspect_at_a_time_wherever_it_is_claimed(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    """Of two tried at once by threads of one process, the innocent would be counted with the culprit."""
    one, other, elsewhere = seed.dispatch(), seed.dispatch(), seed.dispatch(channel="autre")
    for _ in range(SUSPECT):
        assert len(seed.claim() + seed.claim(channel="autre")) == 3
        died(seed, clock)
    fresh = seed.dispatch()
    (tried,) = seed.claim("w1")
    assert tried.id == one.id
    assert seed.claim("w2", channel="autre") == ()
    assert ids(seed.claim("w2")) == [fresh.id]
    with store.transaction() as uow:
        uow.dispatches.opened(tried.id, tried.fence)
    assert seed.get(one.id).returns == 0
    assert ids(seed.claim("w2", channel="autre")) == [elsewhere.id]
    assert seed.claim("w3") == ()
    with store.transaction() as uow:
        uow.dispatches.release_claim(elsewhere.id, seed.get(elsewhere.id).fence)
    assert ids(seed.claim("w3")) == [other.id]


def test_two_nodes_never_try_two_suspects_at_once(
    database: Database, seed: Seed, store: SqlStore, clock: FrozenClock
) -> None:
    """The one does not see yet what the other has just claimed."""
    if database.engine == "sqlite":
        pytest.skip("one writer at a time")
    one, _ = seed.dispatch(), seed.dispatch(channel="autre")
    for _ in range(SUSPECT):
        assert len(seed.claim() + seed.claim(channel="autre")) == 2
        died(seed, clock)
    taken: list[str] = []
    with store.transaction() as uow:
        assert ids(uow.dispatches.claim("mss", "n1", 10, LEASE, clock.now())) == [one.id]
        node = threading.Thread(target=lambda: taken.extend(ids(seed.claim("n2", channel="autre"))), daemon=True)
        node.start()
        node.join(20)
        assert not node.is_alive(), "the one waits for the other"
    assert taken == []


def test_a_claim_that_ends_well_counts_anew_and_one_given_back_counts_nothing(
    seed: Seed, store: SqlStore, clock: FrozenClock
) -> None:
    seed.dispatch()
    (mine,) = seed.claim()
    died(seed, clock)
    (mine,) = seed.claim()
    with store.transaction() as uow:
        uow.dispatches.release_claim(mine.id, mine.fence)
    assert seed.get(mine.id).returns == 1
    (mine,) = seed.claim()
    begin(seed, mine)
    assert seed.get(mine.id).returns == 0


def test_a_suspect_waits_as_the_others_do(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    """For its domain, which rests, keeping nobody from leaving; then it is the one that tries."""
    suspect = seed.dispatch()
    for _ in range(SUSPECT):
        seed.claim()
        died(seed, clock)
    probe_at = clock.now() + timedelta(minutes=1)
    with store.transaction() as uow:
        uow.destinations.keep("mss", "dest.test", Breaker(), Breaker(state=Circuit.OPEN, openings=1, probe_at=probe_at))
    elsewhere = seed.dispatch(address="b@x.test", domain="x.test")
    assert ids(seed.claim()) == [elsewhere.id]
    clock.advance(60)
    assert ids(seed.claim()) == [suspect.id]
    with store.transaction() as uow:
        assert uow.destinations.breaker("mss", "dest.test").state is Circuit.HALF


# ------------------------------------------------------------------------------------------------ order of versions


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_a_newer_version_waits_for_an_older_one_in_doubt(seed: Seed, store: SqlStore, state: State) -> None:
    older = seed.dispatch(State.QUEUED if state is State.SENDING else state, chain="c", version=1)
    if state is State.SENDING:
        assert ids(seed.claim("w1")) == [older.id]
    newer = seed.dispatch(chain="c", version=2)
    someone_else = seed.dispatch(
        chain="c", version=2, report=seed.report("c", 3), recipient_key="RPPS:2", address="b@dest.test"
    )
    assert ids(seed.claim("w2")) == [someone_else.id]
    with store.transaction() as uow:
        uow.dispatches.move(older.id, State.SENT)
    assert ids(seed.claim("w2")) == [newer.id]


@pytest.mark.parametrize("channel", ["mss", "autre"])
def test_an_older_version_never_leaves_after_a_newer_one(seed: Seed, store: SqlStore, channel: str) -> None:
    older = seed.dispatch(chain="c", version=1)
    newer = seed.dispatch(chain="c", version=2, channel=channel)
    assert ids(seed.claim(channel=channel)) == [newer.id]
    assert seed.claim() == ()
    assert overtaken(seed) == 1 and overtaken(seed) == 0
    withdrawn = seed.get(older.id)
    assert withdrawn.state is State.WITHDRAWN and "plus récente" in withdrawn.reason
    assert seed.events(older.id)[-1] == "dispatch.withdrawn"


def test_one_box_under_two_codes_keeps_the_order_of_versions_too(seed: Seed, store: SqlStore) -> None:
    older = seed.dispatch(State.UNKNOWN, chain="c", version=1)
    newer = seed.dispatch(chain="c", version=2, recipient_key="local:D001")
    assert seed.claim() == ()
    with store.transaction() as uow:
        uow.dispatches.move(older.id, State.QUEUED)
    assert ids(seed.claim()) == [newer.id]
    assert overtaken(seed) == 1
    assert seed.get(older.id).state is State.WITHDRAWN


def test_two_recipients_without_an_address_are_not_one(seed: Seed) -> None:
    seed.dispatch(State.UNKNOWN, chain="c", version=1, address="")
    newer = seed.dispatch(chain="c", version=2, address="", recipient_key="local:D001")
    assert ids(seed.claim()) == [newer.id]


@pytest.mark.parametrize("state", [State.HELD, State.FAILED, State.WITHDRAWN, State.CLOSED, State.PAPER])
def test_a_newer_version_that_does_not_leave_stops_nothing(seed: Seed, state: State) -> None:
    older = seed.dispatch(chain="c", version=1)
    seed.dispatch(state, chain="c", version=2)
    assert ids(seed.claim()) == [older.id]


# ------------------------------------------------------------------------------------------------ several at once


def test_two_claimers_never_get_the_same_row(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    report = seed.report("c", 1)
    wanted = {seed.dispatch(report=report, recipient_key=f"k{n}").id for n in range(200)}
    claimed: list[list[str]] = [[] for _ in range(4)]
    start = threading.Barrier(4)

    def work(number: int) -> None:
        start.wait()
        empty = 0
        while empty < 3:
            with store.transaction() as uow:
                mine = uow.dispatches.claim("mss", f"w{number}", 7, LEASE, clock.now())
            claimed[number] += ids(mine)
            empty = 0 if mine else empty + 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    counted = Counter(dispatch_id for part in claimed for dispatch_id in part)
    assert set(counted) == wanted and set(counted.values()) == {1}
    with store.reading() as uow:
        assert uow.journal.verify()[1] == ""


def test_two_file_claimers_never_get_the_same_file(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    wanted = {seed.file().id for _ in range(60)}
    claimed: list[str] = []
    start = threading.Barrier(3)

    def work(number: int) -> None:
        start.wait()
        while True:
            with store.transaction() as uow:
                mine = uow.files.claim(f"w{number}", 4, LEASE, clock.now())
            if not mine:
                return
            claimed.extend(file.id for file in mine)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(claimed) == sorted(wanted)


def test_a_heartbeat_passes_over_the_row_its_own_line_writes_to(
    database: Database, store: SqlStore, clock: FrozenClock
) -> None:
    """It must not wait for it with other rows in its hands."""
    if database.engine == "sqlite":
        pytest.skip("one writer at a time")
    seed = Seed(store, clock)
    first, second = (seed.dispatch() for _ in range(2))
    seed.claim()
    until = clock.now() + 5 * LEASE
    done = threading.Event()

    def beat() -> None:
        with store.transaction() as uow:
            uow.dispatches.extend_lease("w1", until)
        done.set()

    with store.transaction() as uow:
        uow.dispatches.begin_submission(first.id, 1, clock.now())
        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        assert done.wait(20), "the heartbeat waits for the line"
    thread.join()
    clock.advance(LEASE.total_seconds() + 1)
    assert ids(expire(seed)) == [first.id]
    assert seed.get(second.id).state is State.SENDING
