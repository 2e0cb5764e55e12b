"""Contract of a clock that stood far ahead and was set right: nothing waits for the moments it wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.outbox.breaker import Breaker, Circuit
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.longest import Longest
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.outbox.states import FileState, State
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import LEASE, Seed

YEAR = timedelta(days=365)
LONGEST = Longest(lease=LEASE)


def bring_back(store: SqlStore, longest: Longest = LONGEST) -> Mapping[str, int]:
    with store.transaction() as uow:
        return uow.moments.bring_back(longest)


def test_a_mail_deferred_by_a_clock_a_year_ahead_is_due_now(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    far = seed.dispatch(State.DEFERRED, due_at=clock.now() + YEAR)
    ours = seed.dispatch(State.DEFERRED, due_at=clock.now() + timedelta(hours=2))
    assert seed.claim() == ()
    assert bring_back(store) == {"due": 1}
    assert [one.id for one in seed.claim()] == [far.id]
    assert seed.get(ours.id).due_at == ours.due_at
    assert seed.events("store") == ["store.clock-set-back"]


def test_who_lets_mails_wait_longer_keeps_his_patience(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    seed.dispatch(State.DEFERRED, due_at=clock.now() + timedelta(days=3))
    patient = Longest.of([RetryPolicy(maximum=timedelta(days=3))], timedelta(minutes=10), LEASE)
    assert bring_back(store, patient) == {}
    assert seed.events("store") == []
    assert bring_back(store) == {"due": 1}


def test_what_a_more_patient_node_wrote_is_not_taken_for_a_wrong_clock(
    seed: Seed, store: SqlStore, clock: FrozenClock
) -> None:
    """Nodes on one database may be set differently; only the absurd is brought back."""
    brief = timedelta(minutes=1)
    hasty = Longest(retry=brief, rest=brief, urgent=brief, lease=LEASE)
    later = clock.now() + timedelta(hours=47)
    seed.dispatch(State.DEFERRED, due_at=later, escalate_at=clock.now() + timedelta(minutes=45))
    with store.transaction() as uow:
        uow.pace.pause("channel:mss", later, "TLS")
        uow.destinations.keep("mss", "dest.test", Breaker(), Breaker(state=Circuit.OPEN, openings=1, probe_at=later))
    assert bring_back(store, hasty) == {}
    clock.at -= timedelta(hours=2)
    assert bring_back(store, hasty) == {"due": 1, "urgent": 1, "probes": 1, "pauses": 1}


def test_a_pause_of_ours_ends_one_of_a_person_stays(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.pace.pause("channel:mss", clock.now() + YEAR, "mot de passe")
        uow.pace.pause("channel:pro", None, "travaux")
        uow.pace.pause("channel:soon", clock.now() + timedelta(minutes=20), "TLS")
    assert bring_back(store) == {"pauses": 1}
    with store.reading() as uow:
        assert [uow.pace.paused(f"channel:{name}", clock.now()) for name in ("mss", "pro", "soon")] == [
            None,
            "travaux",
            "TLS",
        ]


def test_destinations_are_tried_again(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    far = clock.now() + YEAR
    with store.transaction() as uow:
        for domain in ("dest.test", "other.test"):
            moment = far if domain == "dest.test" else clock.now() + timedelta(minutes=30)
            uow.destinations.keep("mss", domain, Breaker(), Breaker(state=Circuit.OPEN, openings=1, probe_at=moment))
        uow.pace.keep_back("mss", "busy.test", far)
        uow.pace.keep_back("mss", "box@busy.test", far)
        uow.pace.keep_back("mss", "soon.test", clock.now() + timedelta(minutes=1))
        uow.pace.keep_back("mss", "box@soon.test", clock.now() + timedelta(hours=5))
    waiting = seed.dispatch()
    kept = seed.dispatch(domain="busy.test", address="b@busy.test")
    assert seed.claim() == ()
    assert bring_back(store) == {"probes": 1, "domains": 1, "mailboxes": 1}
    assert {one.id for one in seed.claim()} == {waiting.id, kept.id}
    with store.reading() as uow:
        assert uow.pace.kept_back("mss", clock.now(), "soon.test") is not None
        assert uow.pace.kept_back("mss", clock.now(), "box@soon.test") is not None


def test_the_clock_of_urgent_mail_begins_anew(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    late = seed.dispatch(lane=Lane.URGENT, escalate_at=clock.now() + YEAR)
    told = seed.dispatch(lane=Lane.URGENT, escalate_at=clock.now() + YEAR, escalation=1)
    assert bring_back(store) == {"urgent": 1}
    assert seed.get(late.id).escalate_at == clock.now() + LONGEST.urgent
    assert seed.get(told.id).escalate_at == clock.now() + YEAR


def test_since_when_a_doubt_lasts_is_never_moved(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    """The clock of now may be the wrong one: the doubt would look years old once it is set right, and leave again."""
    since = clock.now() + YEAR
    doubtful = seed.dispatch(State.UNKNOWN, unknown_since=since)
    assert bring_back(store) == {}
    assert seed.get(doubtful.id).unknown_since == since


def test_leases_end_one_lease_from_now(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    """So a living holder keeps what it has; a dead one's is taken back."""
    seed.dispatch()
    file = seed.file(state=FileState.RECEIVED)
    (held,) = seed.claim(now=clock.now() + YEAR)
    with store.transaction() as uow:
        assert file.id in {one.id for one in uow.files.claim("w1", 9, LEASE, clock.now() + YEAR)}
    found = bring_back(store)
    assert found["sending"] == 1 and found["files"] >= 1
    with store.transaction() as uow:
        assert uow.dispatches.expire_leases(clock.now()) == ()
    clock.advance(LEASE.total_seconds())
    with store.transaction() as uow:
        assert [one.id for one in uow.dispatches.expire_leases(clock.now())] == [held.id]
        assert file.id in {uow.files.claim("w2", 1, LEASE, clock.now())[0].id for _ in range(found["files"])}


@pytest.mark.parametrize("mine", [True, False])
def test_a_name_held_by_a_clock_of_the_future_is_free_one_lease_later(
    store: SqlStore, clock: FrozenClock, mine: bool
) -> None:
    """Also when its own holder prolongs it, and then dies."""
    clock.at += YEAR
    with store.transaction() as uow:
        assert uow.leases.take("tick:recover", "a", "one", LEASE) == 1
    clock.at -= YEAR
    with store.transaction() as uow:
        assert uow.leases.take("tick:recover", "a" if mine else "b", "one", LEASE) == (1 if mine else None)
    clock.advance(LEASE.total_seconds())
    with store.transaction() as uow:
        assert uow.leases.take("tick:recover", "b", "two", LEASE) == 2
