"""Contract of claims: domains and mailboxes take turns, nothing waits for ever, and what rests is passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from dispatcher.clock import FrozenClock
from dispatcher.outbox.breaker import CHANNEL, Breaker, BreakerRule, Circuit
from dispatcher.outbox.dispatch import Batch, Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed


def to(seed: Seed, address: str, **more: Any) -> Dispatch:
    domain = address.rpartition("@")[2]
    return seed.dispatch(address=address, domain=domain, recipient_key=address, **more)


def domains(claimed: tuple[Dispatch, ...]) -> Counter[str]:
    return Counter(dispatch.domain for dispatch in claimed)


def failed(seed: Seed, domain: str, times: int = 5) -> None:
    with seed.store.transaction() as uow:
        for _ in range(times):
            old = uow.destinations.breaker("mss", domain)
            uow.destinations.keep("mss", domain, old, old.failed(BreakerRule(), seed.clock.now()), "Ne répond pas.")


def test_one_huge_domain_does_not_delay_the_others(seed: Seed) -> None:
    report = seed.report()
    for n in range(60):
        to(seed, f"m{n}@grand.test", report=report)
    for n in range(3):
        to(seed, f"a@petit{n}.test", report=report)
    assert domains(seed.claim(limit=8)) == {"grand.test": 5, "petit0.test": 1, "petit1.test": 1, "petit2.test": 1}


def test_one_huge_mailbox_does_not_delay_the_others_of_its_domain(seed: Seed) -> None:
    report = seed.report()
    for _ in range(30):
        to(seed, "tout@grand.test", report=report)
    late = {to(seed, f"a{n}@grand.test", report=report).id for n in range(5)}
    assert late <= {dispatch.id for dispatch in seed.claim(limit=10)}


def test_a_claim_of_one_goes_round(seed: Seed) -> None:
    report = seed.report()
    for domain in ("a.test", "b.test", "c.test"):
        for box in ("x", "y"):
            for _ in range(2):
                to(seed, f"{box}@{domain}", report=report)
    got = [seed.claim(limit=1)[0] for _ in range(12)]
    assert [d.domain for d in got[:6]] == ["a.test", "b.test", "c.test"] * 2
    assert {d.address for d in got[:6]} == {f"{box}@{domain}.test" for box in "xy" for domain in "abc"}
    assert seed.claim() == ()


def test_in_one_mailbox_the_oldest_goes_first(seed: Seed) -> None:
    wanted = [to(seed, "a@b.test").id for _ in range(4)]
    assert [seed.claim(limit=1)[0].id for _ in range(4)] == wanted


def test_more_domains_than_one_look_shows(seed: Seed) -> None:
    report = seed.report()
    for n in range(150):
        to(seed, f"a@d{n:03}.test", report=report)
    got = Counter[str]()
    for _ in range(8):
        got += domains(seed.claim(limit=20))
    assert len(got) == 150 and set(got.values()) == {1}


def test_a_domain_without_a_name_is_served_too(seed: Seed) -> None:
    for _ in range(2):
        seed.dispatch(address="", domain="")
    assert len(seed.claim(limit=1)) == len(seed.claim(limit=1)) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sizes=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4), min_size=1, max_size=5),
    limits=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    arriving=st.booleans(),
)
def test_nobody_starves(seed: Seed, sizes: list[list[int]], limits: list[int], arriving: bool) -> None:
    """However long the queues of others are, and while they grow: after so many claims as there are domains, each has
    been served; after so many as there are mailboxes in it, each of them."""
    seed.claim(limit=10_000)
    report = seed.report()
    for d, boxes in enumerate(sizes):
        for b, count in enumerate(boxes):
            for _ in range(count):
                to(seed, f"b{b}@d{d}.test", report=report)
    waiting = {(f"d{d}.test", f"b{b}@d{d}.test") for d, boxes in enumerate(sizes) for b in range(len(boxes))}
    rounds = len(sizes) * max(len(boxes) for boxes in sizes)
    for n in range(rounds):
        if arriving:
            to(seed, "b0@d0.test", report=report)
        waiting -= {(one.domain, one.address) for one in seed.claim(limit=limits[n % len(limits)])}
    assert waiting == set()


# ------------------------------------------------------------------------------------------------ lanes


def test_urgent_mail_goes_first_and_leaves_routine_its_part(seed: Seed) -> None:
    report = seed.report()
    for n in range(20):
        to(seed, f"r{n}@a.test", report=report)
        to(seed, f"u{n}@a.test", report=report, lane=Lane.URGENT)
    claimed = seed.claim(limit=10)
    assert [d.lane for d in claimed] == [Lane.URGENT] * 7 + [Lane.ROUTINE] * 3
    assert [d.lane for d in seed.claim(limit=1)] == [Lane.URGENT]


def test_one_lane_alone(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    routine, urgent = to(seed, "a@a.test"), to(seed, "b@a.test", lane=Lane.URGENT)
    lease = timedelta(minutes=2)
    with store.transaction() as uow:
        assert [d.id for d in uow.dispatches.claim("mss", "w", 5, lease, clock.now(), lane=Lane.URGENT)] == [urgent.id]
        assert uow.dispatches.claim("mss", "w", 5, lease, clock.now(), lane=Lane.URGENT) == ()
        assert [d.id for d in uow.dispatches.claim("mss", "w", 5, lease, clock.now(), lane=Lane.ROUTINE)] == [
            routine.id
        ]


# ------------------------------------------------------------------------------------------------ passed over


def test_mails_of_a_paused_batch_wait(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.batches.add(Batch(id="L1", channel="mss", created_at=clock.now(), reason="tick", count=2))
    waiting = to(seed, "a@a.test", batch_id="L1")
    other = to(seed, "a@a.test")
    with store.transaction() as uow:
        uow.batches.pause("L1", reason="Trop d'échecs.")
    assert [d.id for d in seed.claim()] == [other.id]
    with store.transaction() as uow:
        uow.batches.resume("L1", reason="Vu.")
    assert [d.id for d in seed.claim()] == [waiting.id]


def test_a_destination_that_fails_rests_and_one_mail_tries(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    report = seed.report()
    for n in range(5):
        to(seed, f"a{n}@down.test", report=report)
    to(seed, "a@up.test", report=report)
    failed(seed, "down.test")
    assert domains(seed.claim()) == {"up.test": 1}
    clock.advance(59)
    assert seed.claim() == ()
    clock.advance(1)
    assert domains(seed.claim("w1")) == {"down.test": 1}
    assert seed.claim("w2") == (), "exactly one probe"
    failed(seed, "down.test", 1)
    clock.advance(119)
    assert seed.claim() == ()
    clock.advance(1)
    assert domains(seed.claim()) == {"down.test": 1}
    with store.transaction() as uow:
        (row,) = uow.destinations.open("mss")
        assert (row.domain, row.breaker.state, row.reason) == ("down.test", Circuit.HALF, "Ne répond pas.")
        uow.destinations.keep("mss", "down.test", row.breaker, row.breaker.passed())
    assert domains(seed.claim()) == {"down.test": 3}
    events = seed.events("destination:mss/down.test")
    assert events == ["destination.rests", "destination.rests", "destination.open-again"]


def test_a_probe_that_never_answers_is_not_the_last(seed: Seed, clock: FrozenClock) -> None:
    for n in range(2):
        to(seed, f"a{n}@down.test")
    failed(seed, "down.test")
    clock.advance(60)
    assert len(seed.claim("dead")) == 1
    assert seed.claim("w") == ()
    clock.advance(120)
    assert len(seed.claim("w")) == 1


@pytest.mark.parametrize("channel_rests", [False, True])
@pytest.mark.parametrize("state", [State.QUEUED, State.HELD, State.DEFERRED])
def test_a_probe_that_does_not_begin_leaves_its_place_at_once(
    seed: Seed, store: SqlStore, clock: FrozenClock, state: State, channel_rests: bool
) -> None:
    """Given back, held, or put off: it said nothing of the way, and the next need not wait until its lease is over."""
    to(seed, "before@down.test")
    (before,) = seed.claim("w0")
    for n in range(2):
        to(seed, f"a{n}@down.test")
    if channel_rests:
        with store.transaction() as uow:
            uow.destinations.keep("mss", CHANNEL, Breaker(), Breaker().paused(clock.now() + timedelta(minutes=1)))
    else:
        failed(seed, "down.test")
    clock.advance(60)
    (probe,) = seed.claim("w1")
    with store.transaction() as uow:
        uow.dispatches.release_claim(before.id, before.fence)
    assert seed.claim("w2") == (), "one claimed before says nothing of the probe"
    with store.transaction() as uow:
        if state is State.QUEUED:
            uow.dispatches.release_claim(probe.id, probe.fence)
        else:
            due_at = clock.now() + timedelta(hours=1) if state is State.DEFERRED else None
            uow.dispatches.move(probe.id, state, fence=probe.fence, due_at=due_at)
    assert len(seed.claim("w2")) == 1
    assert seed.claim("w3") == (), "and again exactly one"


def test_after_a_pause_of_the_channel_one_mail_of_one_worker_tries(
    seed: Seed, store: SqlStore, clock: FrozenClock
) -> None:
    for n in range(5):
        to(seed, f"a@d{n}.test")
    with store.transaction() as uow:
        uow.destinations.keep("mss", CHANNEL, Breaker(), Breaker().paused(clock.now()))
        assert uow.dispatches.claim("vide", "w", 5, timedelta(minutes=2), clock.now()) == ()
    assert len(seed.claim("w1")) == 1
    assert seed.claim("w2") == seed.claim("w1") == ()
    with store.transaction() as uow:
        (row,) = uow.destinations.troubled("mss", "d0.test")
        uow.destinations.keep("mss", CHANNEL, row.breaker, row.breaker.passed())
    assert len(seed.claim("w2")) == 4


def test_a_domain_kept_back_is_passed_over_until_then(seed: Seed, clock: FrozenClock, raw: Any) -> None:
    to(seed, "a@slow.test"), to(seed, "a@fast.test")
    failed(seed, "slow.test", 1)
    free = (clock.now() + timedelta(seconds=30)).isoformat(timespec="microseconds")
    raw(f"UPDATE destinations SET free_at = '{free}'")
    assert domains(seed.claim()) == {"fast.test": 1}
    clock.advance(30)
    assert domains(seed.claim()) == {"slow.test": 1}


# ------------------------------------------------------------------------------------------------ deferred


def test_deferred_mail_is_queued_again_when_it_is_due_and_not_before(seed: Seed, clock: FrozenClock) -> None:
    due = seed.dispatch(State.DEFERRED, due_at=clock.now() + timedelta(seconds=10), attempts=2)
    assert seed.claim() == ()
    assert seed.get(due.id).state is State.DEFERRED
    clock.advance(10)
    (claimed,) = seed.claim()
    assert (claimed.id, claimed.attempts) == (due.id, 2)


def test_whatever_is_deferred_is_due(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    dispatch = seed.dispatch()
    (claimed,) = seed.claim()
    with store.transaction() as uow:
        uow.dispatches.move(claimed.id, State.DEFERRED, fence=claimed.fence)
    assert seed.get(dispatch.id).due_at == clock.now()
    assert len(seed.claim()) == 1


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED])
def test_only_one_mail_at_a_time_is_under_suspicion(seed: Seed, store: SqlStore, state: State) -> None:
    one, other, elsewhere = (
        seed.dispatch(state, pauses=2),
        seed.dispatch(pauses=1),
        seed.dispatch(channel="x", pauses=1),
    )
    with store.transaction() as uow:
        uow.dispatches.clear_pauses("mss", but=other.id)
    assert [seed.get(d.id).pauses for d in (one, other, elsewhere)] == [0, 1, 1]


@pytest.mark.parametrize("limit", [1, 20])
def test_a_paused_batch_to_many_domains_starves_nobody_at_a_slow_pace(
    seed: Seed, store: SqlStore, clock: FrozenClock, limit: int
) -> None:
    with store.transaction() as uow:
        uow.batches.add(Batch(id="L1", channel="mss", created_at=clock.now(), reason="tick", count=100))
    for number in range(100):
        seed.dispatch(address=f"a@d{number:03}.test", domain=f"d{number:03}.test", batch_id="L1")
    with store.transaction() as uow:
        uow.batches.pause("L1", reason="x")
    free = {seed.dispatch(address=f"b{number}@zz.test", domain="zz.test").id for number in range(3)}
    claimed = [dispatch.id for _ in range(3) for dispatch in seed.claim(limit=limit)]
    assert set(claimed) == free


def test_a_claim_takes_its_rows_by_key_though_the_queue_was_empty_when_it_was_counted(
    seed: Seed, raw: Callable[[str], list[Any]]
) -> None:
    """PostgreSQL would else read all that is queued: it was last told, in a quiet hour, that nothing is."""
    report = seed.report()
    for number in range(200):
        to(seed, f"a@alt{number}.test", report=report, state=State.READ)
    raw("ANALYZE dispatches")
    for number in range(60):
        to(seed, f"a@neu{number}.test", report=report)
    seen: list[tuple[str, Any]] = []
    engine = seed.store._engine

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    assert len(seed.claim(limit=20)) == 20
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = next((sql, given) for sql, given in seen if sql.startswith("WITH picked"))
    ask = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"{ask} {statement}", parameters).fetchall())
    assert "ix_dispatches_queued" not in plan, plan
    assert "pk_dispatches" in plan or "sqlite_autoindex_dispatches_1" in plan, plan
