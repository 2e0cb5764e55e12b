"""Contract of what comes back: notices that match nothing, habits learned of recipients, mails that stay aside."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, Heard, ReceiptRow, Scope, StepRow, SupportRow
from dispatcher.receipts.ladder import Rung
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import Seed, make_cipher
from tests.contract.test_store_schema import plans_of, statements


def habits(store: SqlStore, name: str, channel: str = "mss") -> SupportRow | None:
    with store.reading() as uow:
        return next((row for row in uow.support.list(channel) if row.name == name), None)


def hear(store: SqlStore, what: Heard, at: datetime, address: str = "A@Dest.test") -> None:
    with store.transaction() as uow:
        uow.support.heard("mss", address, what, at)


def first_sweep(store: SqlStore, clock: FrozenClock) -> None:
    assert sweep(store, clock.now() - timedelta(hours=1)) == 0


def sweep(store: SqlStore, until: datetime, *, dsn: bool = True, mdn: bool = True) -> int:
    with store.transaction() as uow:
        return uow.support.sweep("mss", until, dsn=dsn, mdn=mdn)


def test_what_is_heard_is_kept_for_the_domain_and_the_address(store: SqlStore, clock: FrozenClock) -> None:
    hear(store, Heard.DELIVERED, clock.now())
    hear(store, Heard.READ, clock.now() + timedelta(minutes=5))
    hear(store, Heard.RELAYED, clock.now(), "b@dest.test")
    with store.reading() as uow:
        domain, address = uow.support.of("mss", "a@DEST.test")
        assert uow.support.of("autre", "a@dest.test") == (None, None)
        assert [row.scope for row in uow.support.list("mss", Scope.DOMAIN)] == [Scope.DOMAIN]
    assert domain is not None and address is not None
    assert (address.name, address.delivered_at, address.read_at) == (
        "a@dest.test",
        clock.now(),
        clock.now() + timedelta(minutes=5),
    )
    assert (domain.name, domain.delivered_at, domain.relayed_at) == ("dest.test", clock.now(), clock.now())
    assert address.relayed_at is None


def test_a_domain_that_is_heard_all_the_time_is_not_written_all_the_time(store: SqlStore, clock: FrozenClock) -> None:
    hear(store, Heard.DELIVERED, clock.now())
    hear(store, Heard.DELIVERED, clock.now() + timedelta(minutes=59))
    found = habits(store, "dest.test")
    assert found is not None and found.delivered_at == clock.now()
    hear(store, Heard.DELIVERED, clock.now() + timedelta(minutes=61))
    found = habits(store, "dest.test")
    assert found is not None and found.delivered_at == clock.now() + timedelta(minutes=61)


def test_silences_are_counted_once_and_ended_by_what_comes(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    for number in range(3):
        seed.dispatch(State.SENT, address="A@dest.test", message_id=f"<s{number}@l>")
    seed.dispatch(State.SENT, address="b@dest.test")
    seed.dispatch(State.DELIVERED, address="b@dest.test", delivered_at=clock.now())
    seed.dispatch(State.READ, address="b@dest.test", delivered_at=clock.now(), read_at=clock.now())
    seed.dispatch(State.FAILED, address="b@dest.test")
    seed.dispatch(State.SENT, address="c@dest.test", channel="autre")
    later = clock.now() + timedelta(hours=1)
    assert sweep(store, clock.now() - timedelta(hours=1)) == 0
    assert sweep(store, later) == 5
    assert sweep(store, later) == 0, "each mail counts once"
    told = {name: habits(store, name) for name in ("dest.test", "a@dest.test", "b@dest.test")}
    assert {name: (row.silent, row.unread) for name, row in told.items() if row} == {
        "dest.test": (4, 1),
        "a@dest.test": (3, 0),
        "b@dest.test": (1, 1),
    }
    hear(store, Heard.RELAYED, later, "b@dest.test")
    domain, own, other = habits(store, "dest.test"), habits(store, "b@dest.test"), habits(store, "a@dest.test")
    assert domain and own and other
    assert (domain.silent, domain.unread, own.silent, own.unread, other.silent) == (0, 1, 0, 1, 3)
    hear(store, Heard.READ, later, "b@dest.test")
    own = habits(store, "b@dest.test")
    assert own and (own.unread, own.read_at) == (0, later)
    clock.advance(7200)
    seed.dispatch(State.SENT, address="a@dest.test")
    assert sweep(store, clock.now() + timedelta(hours=1)) == 1
    other = habits(store, "a@dest.test")
    assert other and other.silent == 4


def test_a_clock_that_was_set_back_stops_no_learning(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    hear(store, Heard.DELIVERED, clock.now() + timedelta(days=365))
    sweep(store, clock.now() + timedelta(days=365))
    hear(store, Heard.DELIVERED, clock.now())
    found = habits(store, "dest.test")
    assert found and found.delivered_at == clock.now()
    assert sweep(store, clock.now()) == 0
    clock.advance(60)
    seed.dispatch(State.SENT, address="a@dest.test")
    assert sweep(store, clock.now() + timedelta(hours=1)) == 1


def test_the_first_sweep_counts_nothing_of_the_years_past(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    for number in range(40):
        seed.dispatch(State.DELIVERED, address="a@dest.test", delivered_at=clock.now(), message_id=f"<s{number}@l>")
    clock.advance(3600)
    assert sweep(store, clock.now()) == 0
    assert habits(store, "a@dest.test") is None and habits(store, "dest.test") is None


def test_silence_is_judged_from_when_a_mail_left_not_from_when_it_was_made(
    store: SqlStore, seed: Seed, clock: FrozenClock
) -> None:
    first_sweep(store, clock)
    left = clock.now() + timedelta(days=4)
    seed.dispatch(State.DELIVERED, address="a@dest.test", sent_at=left, delivered_at=left)
    assert sweep(store, left - timedelta(minutes=1)) == 0
    assert sweep(store, left + timedelta(minutes=1)) == 1
    own = habits(store, "a@dest.test")
    assert own and own.unread == 1


def test_what_the_ladder_put_on_paper_counts_as_unread(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    first_sweep(store, clock)
    now = clock.now()
    unread = seed.dispatch(State.PAPER, address="a@dest.test", sent_at=now, delivered_at=now)
    seed.dispatch(State.PAPER, address="a@dest.test", sent_at=now, delivered_at=now)  # a person did
    with store.transaction() as uow:
        assert uow.ladder.take(StepRow(dispatch_id=unread.id, step=1, rung=Rung.PAPER, at=now))
    assert sweep(store, now + timedelta(hours=1)) == 1
    own = habits(store, "a@dest.test")
    assert own and (own.unread, own.silent) == (1, 0)


@pytest.mark.parametrize(("dsn", "mdn"), [(True, False), (False, True), (False, False)])
def test_what_was_not_asked_for_is_no_silence(
    store: SqlStore, seed: Seed, clock: FrozenClock, dsn: bool, mdn: bool
) -> None:
    first_sweep(store, clock)
    seed.dispatch(State.SENT, address="a@dest.test")
    seed.dispatch(State.DELIVERED, address="a@dest.test", delivered_at=clock.now())
    sweep(store, clock.now() + timedelta(hours=1), dsn=dsn, mdn=mdn)
    found = habits(store, "a@dest.test")
    assert ((found.silent, found.unread) if found else (0, 0)) == (int(dsn), int(mdn))


def test_some_domains_may_be_left_out_of_a_list(store: SqlStore, seed: Seed) -> None:
    seed.dispatch(address="a@dest.test", domain="Dest.test")
    other = seed.dispatch(address="b@autre.test", domain="autre.test")
    with store.reading() as uow:
        assert [d.id for d in uow.dispatches.list(DispatchFilter(not_domains=("dest.test", "x")))] == [other.id]
        assert len(uow.dispatches.list(DispatchFilter())) == 2


def test_a_notice_is_held_only_with_its_dispatch(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    dispatch = seed.dispatch(State.SENT)
    rows = [
        ReceiptRow(id="A1", dispatch_id=dispatch.id, kind="dsn", at=clock.now(), digest="aa:0"),
        ReceiptRow(id="A2", dispatch_id="", kind="other", at=clock.now() + timedelta(seconds=1), digest="bb:0"),
        ReceiptRow(id="A3", dispatch_id=dispatch.id, kind="smtp", at=clock.now(), digest="cc"),
    ]
    with store.transaction() as uow:
        assert all(uow.receipts.add(row) for row in rows)
    with store.reading() as uow:
        assert [uow.receipts.holds(digest) for digest in ("aa:0", "bb:0", "cc", "dd")] == [True, False, False, False]
        assert [row.id for row in uow.receipts.latest()] == ["A2", "A1"], "a reply of a server is no notice"
        assert [row.id for row in uow.receipts.latest(1)] == ["A2"]
        assert uow.receipts.get("A1") == rows[0]
        assert uow.receipts.get("A9") is None


def test_lists_of_notices_use_their_indexes(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "plan.sqlite3"
    store = open_store(f"sqlite:///{path}", make_cipher(), clock)
    with statements(store) as seen, store.reading() as uow:
        uow.receipts.latest()
        uow.receipts.unmatched()
        uow.receipts.unmatched(before=clock.now())
    store.close()
    latest, unmatched, old = [plan for sql, plan in plans_of(path, seen) if "receipts" in sql]
    assert "ix_receipts_latest" in latest and "B-TREE" not in latest
    assert "ix_receipts_to_read" in unmatched and "ix_receipts_to_read (at<?)" in old


def test_mails_that_stay_are_remembered_by_channel(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.mails_aside.add("mss", ["u1", "u2"], clock.now())
        uow.mails_aside.add("mss", ["u2", "u3"], clock.now())
        uow.mails_aside.add("pro", ["u1"], clock.now())
        uow.mails_aside.add("pro", [], clock.now())
    with store.transaction() as uow:
        assert uow.mails_aside.known("mss") == {"u1", "u2", "u3"}
        uow.mails_aside.drop("mss", ["u1", "u9"])
    with store.reading() as uow:
        assert uow.mails_aside.known("mss") == {"u2", "u3"}
        assert uow.mails_aside.known("pro") == {"u1"}
