"""Contract of ``Dispatches``: moves, fields, look-ups, lists, counts, batches; and of ``Reports`` and ``Batches``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.dispatch import Batch, Dispatch, Lane, ReportVersion
from dispatcher.outbox.states import MOVES, UNFINISHED, State
from dispatcher.ports import DispatchFilter
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed


def test_a_dispatch_comes_back_as_it_was(seed: Seed, clock: FrozenClock) -> None:
    moment = clock.now() + timedelta(microseconds=1)
    dispatch = seed.dispatch(
        State.DEFERRED,
        lane=Lane.URGENT,
        attempts=2,
        due_at=moment,
        sent_at=moment,
        delivered_at=moment,
        read_at=moment,
        hold_code="x",
        reason="Boîte pleine",
        reply="452 4.2.2 plein",
        certificate="aa",
        signer="bb",
        envelope="smime",
        format="cda",
        sealed_sha256="cc",
        decision={"accents": "éèà œ", "liste": [1, 2.5, None, True], "vide": {}},
    )
    assert seed.get(dispatch.id) == dispatch
    assert seed.events(dispatch.id) == ["dispatch.added"]


def test_a_report_version_comes_back_as_it_was(seed: Seed, store: SqlStore) -> None:
    report = seed.report("c", 3, replaces="doc0", status="corrected", order_filler="2026-1", patient_hash="ff")
    with store.reading() as uow:
        assert uow.reports.get(report.id) == report
        assert uow.reports.get("C404") is None


def test_every_field_of_the_values_has_its_column(store: SqlStore, seed: Seed) -> None:
    for value, kept in ((seed.dispatch(), Dispatch), (seed.report(), ReportVersion)):
        assert {f.name for f in fields(value)} == {f.name for f in fields(kept)}


def test_unknown_ids(store: SqlStore, seed: Seed) -> None:
    with store.reading() as uow:
        assert uow.dispatches.get("D404") is None
    for call in (
        lambda uow: uow.dispatches.move("D404", State.CLOSED),
        lambda uow: uow.dispatches.move("D404", State.SENT, fence=1),
        lambda uow: uow.dispatches.update("D404", event="x"),
        lambda uow: uow.dispatches.release_claim("D404", 1),
    ):
        with pytest.raises(StoreError, match="D404") as raised, store.transaction() as uow:
            call(uow)
        assert raised.value.code == "not-found"


@pytest.mark.parametrize("old", list(State))
def test_only_the_moves_of_the_table_are_made(seed: Seed, store: SqlStore, old: State) -> None:
    for new in State:
        dispatch = seed.dispatch(old)
        if new in MOVES[old]:
            with store.transaction() as uow:
                assert uow.dispatches.move(dispatch.id, new).state is new
            assert seed.get(dispatch.id).state is new
            assert seed.events(dispatch.id) == ["dispatch.added", f"dispatch.{new}"]
        else:
            with pytest.raises(IllegalMove), store.transaction() as uow:
                uow.dispatches.move(dispatch.id, new)
            assert seed.get(dispatch.id) == dispatch
            assert seed.events(dispatch.id) == ["dispatch.added"]


def test_a_move_tells_the_journal_what_changed(seed: Seed, store: SqlStore) -> None:
    dispatch = seed.dispatch(State.HELD, hold_code="unknown-recipient", reason="Inconnu", channel="")
    with store.transaction() as uow:
        moved = uow.dispatches.move(
            dispatch.id,
            State.READY,
            actor="operator:anne",
            event="dispatch.released",
            reason="Confirmé par téléphone",
            hold_code="",
            channel="mss",
            address="autre@dest.test",
            label="Dr Paul Durand",
            lane=Lane.URGENT,
        )
        (_, line) = uow.journal.of_subject(dispatch.id)
    assert seed.get(dispatch.id) == moved
    assert (line.event, line.actor) == ("dispatch.released", "operator:anne")
    assert line.detail == {
        "from": "held",
        "reason": "Confirmé par téléphone",
        "hold_code": "",
        "channel": "mss",
        "address": "autre@dest.test",
        "lane": "urgent",
    }
    with store.reading() as uow:  # and the search follows
        assert uow.dispatches.list(DispatchFilter(recipient="durand")) == (moved,)
        assert uow.dispatches.list(DispatchFilter(recipient="oeillet")) == ()


def test_an_update_keeps_the_state(seed: Seed, store: SqlStore) -> None:
    dispatch = seed.dispatch(State.HELD)
    with store.transaction() as uow:
        updated = uow.dispatches.update(dispatch.id, event="dispatch.looked-again", reason="Toujours inconnu")
    assert updated == replace(dispatch, reason="Toujours inconnu") == seed.get(dispatch.id)
    assert seed.events(dispatch.id)[-1] == "dispatch.looked-again"


@pytest.mark.parametrize("name", ["state", "id", "fence", "lease_owner", "submitting_since", "lease_until", "nom"])
def test_fields_that_are_not_the_callers(seed: Seed, store: SqlStore, name: str) -> None:
    dispatch = seed.dispatch(State.HELD)
    with pytest.raises(TypeError, match=name), store.transaction() as uow:
        uow.dispatches.update(dispatch.id, event="x", **{name: "y"})
    assert seed.get(dispatch.id) == dispatch


def test_moments_are_filled_in_when_nobody_gives_them(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    dispatch = seed.dispatch(State.UNKNOWN)
    earlier = clock.now() - timedelta(hours=1)
    with store.transaction() as uow:
        assert uow.dispatches.move(dispatch.id, State.SENT).sent_at == clock.now()
        assert uow.dispatches.move(dispatch.id, State.DELIVERED, delivered_at=earlier).delivered_at == earlier
        assert uow.dispatches.move(dispatch.id, State.READ).read_at == clock.now()
    assert seed.get(dispatch.id).read_at == clock.now()


def test_text_a_database_cannot_hold_is_made_fit(seed: Seed, store: SqlStore) -> None:
    dispatch = seed.dispatch(State.SENT)
    with store.transaction() as uow:
        uow.dispatches.move(dispatch.id, State.FAILED, reply="550 \x00 \udce9 refusé", reason="a\x00b")
    failed = seed.get(dispatch.id)
    assert failed.reply == "550 \ufffd ? refusé" and failed.reason == "a\ufffdb"


def test_a_naive_moment_is_refused(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    dispatch = seed.dispatch(State.SENT)
    with pytest.raises(StoreError), store.transaction() as uow:
        uow.dispatches.update(dispatch.id, event="x", due_at=clock.now().replace(tzinfo=None))


def test_doubles_are_conflicts(seed: Seed, store: SqlStore) -> None:
    dispatch = seed.dispatch()
    report = seed.report("c", 1)
    for double in (dispatch, replace(dispatch, id="D999"), replace(dispatch, id="D999", report_id="C404")):
        with pytest.raises(StoreError) as raised, store.transaction() as uow:
            uow.dispatches.add(double)
        assert raised.value.code == "conflict"
    for version in (replace(report, id="C998", position=1), replace(report, id="C998", version=9)):
        with pytest.raises(StoreError) as raised, store.transaction() as uow:
            uow.reports.add(version)
        assert raised.value.code == "conflict"
    for n in range(2):  # no Message-ID yet: no conflict
        seed.dispatch(State.HELD, id=f"H{n}", message_id="", envid="")


def test_a_receipt_finds_its_dispatch(seed: Seed, store: SqlStore) -> None:
    first, second = seed.dispatch(), seed.dispatch()
    seed.dispatch(State.HELD, message_id="", envid="")
    with store.reading() as uow:
        find = uow.dispatches.find_message
        assert find(message_id=first.message_id) == first
        assert find(envid=second.envid) == second
        assert find(message_id="<inconnu@x>", envid=second.envid) == second
        assert find(message_id=first.message_id, envid=second.envid) == first
        assert find(message_id="<inconnu@x>") is None
        assert find() is None


def test_lists_by_every_field(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    file = seed.file()
    report = seed.report("chaine", 2, file_id=file.id, order_filler="LAB-1", order_placer="PRE-1")
    wanted = seed.dispatch(State.FAILED, report=report, channel="apicrypt", batch_id="L1", label="Dr Zoé Ñandú-Çelik")
    seed.dispatch()
    with store.transaction() as uow:
        uow.batches.join("L1", [wanted.id], clock.now())
    filters = {
        "states": (State.FAILED, State.HELD),
        "channel": "apicrypt",
        "batch_id": "L1",
        "report_id": report.id,
        "file_id": file.id,
        "chain": "chaine",
    }
    with store.reading() as uow:
        find = uow.dispatches.list
        for name, value in filters.items():
            assert find(DispatchFilter(**{name: value})) == (wanted,), name
        assert find(DispatchFilter(**filters)) == (wanted,)
        assert find(DispatchFilter(order="LAB-1")) == find(DispatchFilter(order="PRE-1")) == (wanted,)
        assert find(DispatchFilter(order="LAB")) == ()
        for text in ("zoé", "ZOE", "nandu", "celik zoe", "Ñandú-Ç"):
            assert find(DispatchFilter(recipient=text)) == (wanted,), text
        assert len(find(DispatchFilter(recipient="1000123"))) == 2
        assert len(find(DispatchFilter(recipient="@dest.test"))) == 2
        assert find(DispatchFilter(recipient="%")) == find(DispatchFilter(recipient="_")) == ()
        assert find(DispatchFilter(states=(State.READ,))) == ()


def test_lists_by_time_order_and_limit(seed: Seed, store: SqlStore) -> None:
    dispatches = [seed.dispatch() for _ in range(3)]
    second = dispatches[1].created_at
    with store.reading() as uow:
        find = uow.dispatches.list
        assert list(find(DispatchFilter())) == dispatches
        assert list(find(DispatchFilter(oldest_first=False, limit=2))) == dispatches[:0:-1]
        assert list(find(DispatchFilter(since=second))) == dispatches[1:]
        assert list(find(DispatchFilter(until=second))) == dispatches[:1]
        assert find(DispatchFilter(limit=0)) == ()


def test_counts_and_what_is_oldest(seed: Seed, store: SqlStore) -> None:
    with store.reading() as uow:
        assert uow.dispatches.oldest_unfinished() is None
        assert set(uow.dispatches.counts().values()) == {0}
    each = [seed.dispatch(state, channel="mss" if state in UNFINISHED else "autre") for state in State]
    with store.transaction() as uow:
        uow.batches.join("L1", [dispatch.id for dispatch in each], seed.clock.now())
    seed.dispatch(State.HELD)
    with store.reading() as uow:
        counts = uow.dispatches.counts()
        assert counts == dict.fromkeys(State, 1) | {State.HELD: 2}
        assert uow.dispatches.counts(batch_id="L1") == dict.fromkeys(State, 1)
        assert uow.dispatches.counts(channel="mss")[State.SENT] == 0
        assert uow.dispatches.counts(channel="mss")[State.HELD] == 2
        oldest = uow.dispatches.oldest_unfinished()
        assert oldest is not None and oldest.state is State.HELD
    for state in (State.SENT, State.READ):  # ends are not unfinished, however old
        seed.dispatch(state, created_at=oldest.created_at - timedelta(days=300))
    with store.reading() as uow:
        assert uow.dispatches.oldest_unfinished() == oldest


def test_next_due(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    soon = clock.now() + timedelta(minutes=3)
    seed.dispatch(State.DEFERRED, due_at=soon + timedelta(minutes=1))
    seed.dispatch(State.DEFERRED, due_at=soon)
    seed.dispatch(State.DEFERRED, due_at=clock.now(), channel="autre")
    seed.dispatch(State.FAILED, due_at=clock.now())
    with store.reading() as uow:
        assert uow.dispatches.next_due("mss") == soon
        assert uow.dispatches.next_due("vide") is None


# ------------------------------------------------------------------------------------------------ batches


def batch(clock: FrozenClock, batch_id: str = "L1") -> Batch:
    return Batch(id=batch_id, channel="mss", created_at=clock.now(), reason="tick")


def test_what_can_be_batched(seed: Seed, store: SqlStore) -> None:
    with store.reading() as uow:
        assert uow.dispatches.batchable("mss") == (0, 0, None, 0)
    first = seed.dispatch(State.READY, sealed_bytes=10)
    seed.dispatch(State.READY, sealed_bytes=5_000_000_000, lane=Lane.URGENT)
    seed.dispatch(State.QUEUED)
    seed.dispatch(State.READY, channel="autre")
    with store.reading() as uow:
        assert uow.dispatches.batchable("mss") == (2, 5_000_000_010, first.created_at, 1)


def test_a_batch_takes_urgent_then_oldest_up_to_the_ceilings(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    routine = [seed.dispatch(State.READY, sealed_bytes=100) for _ in range(4)]
    urgent = seed.dispatch(State.READY, sealed_bytes=100, lane=Lane.URGENT)
    with store.transaction() as uow:
        made = uow.dispatches.assign_batch(batch(clock), max_count=3, max_bytes=10_000)
        uow.batches.add(made)
    assert (made.count, made.size) == (3, 300)
    with store.reading() as uow:
        inside = uow.dispatches.list(DispatchFilter(batch_id="L1"))
        assert {d.id for d in inside} == {urgent.id, routine[0].id, routine[1].id}
        assert {d.state for d in inside} == {State.QUEUED}
        assert uow.batches.get("L1") == made
    assert seed.events(urgent.id) == ["dispatch.added", "dispatch.queued"] and seed.events("L1") == ["batch.made"]
    with store.transaction() as uow:
        assert uow.dispatches.assign_batch(batch(clock, "L2"), max_count=9, max_bytes=150).count == 1
        assert uow.dispatches.assign_batch(batch(clock, "L3"), max_count=9, max_bytes=9, urgent_only=True).count == 0


def test_a_mail_larger_than_the_ceiling_leaves_alone(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    seed.dispatch(State.READY, sealed_bytes=500)
    seed.dispatch(State.READY, sealed_bytes=1)
    with store.transaction() as uow:
        made = uow.dispatches.assign_batch(batch(clock), max_count=9, max_bytes=100)
    assert (made.count, made.size) == (1, 500)


def test_batches_newest_first(store: SqlStore, clock: FrozenClock) -> None:
    made = []
    for n, channel in enumerate(("mss", "autre", "mss")):
        clock.advance(1)
        made.append(replace(batch(clock, f"L{n}"), channel=channel))
        with store.transaction() as uow:
            uow.batches.add(made[-1])
    with store.reading() as uow:
        assert uow.batches.list() == (made[2], made[1], made[0])
        assert uow.batches.list(channel="mss", limit=1) == (made[2],)
        assert uow.batches.get("L404") is None


# ------------------------------------------------------------------------------------------------ reports


def test_versions_of_a_chain(seed: Seed, store: SqlStore) -> None:
    first, second, third = (seed.report("c", version) for version in (1, 2, 3))
    seed.report("autre", 9)
    with store.transaction() as uow:
        assert uow.reports.versions("c") == (first, second, third)
        assert uow.reports.versions("rien") == ()
        uow.reports.supersede("c", 3)
        assert [v.superseded for v in uow.reports.versions("c")] == [True, True, False]
        assert uow.reports.count() == 4
        assert uow.reports.of_file(second.file_id) == (replace(second, superseded=True),)
    assert seed.events(first.id) == ["report.added", "report.superseded"]
    with store.transaction() as uow:
        uow.reports.supersede("c", 3)
    assert seed.events(first.id) == ["report.added", "report.superseded"]


def test_unsettled_dispatches_of_older_versions(seed: Seed, store: SqlStore) -> None:
    first, second, third = (seed.report("c", version) for version in (1, 2, 3))
    held = seed.dispatch(State.HELD, report=second)
    unknown = seed.dispatch(State.UNKNOWN, report=first)
    paper = seed.dispatch(State.PAPER, report=first)
    for state in (State.SENT, State.READ, State.CLOSED, State.WITHDRAWN):
        seed.dispatch(state, report=first)
    seed.dispatch(State.HELD, report=third)
    with store.transaction() as uow:
        assert uow.dispatches.unsettled_of_chain("c", below_version=3) == (unknown, paper, held)
        assert uow.dispatches.unsettled_of_chain("c", below_version=1) == ()


def test_no_patient_identity_in_the_index_tables(seed: Seed, raw: Callable[[str], list[Any]]) -> None:
    """There is no column a name, a birth date or an identifier of a patient could stand in."""
    seed.dispatch()
    for table in ("files", "reports", "dispatches", "receipts", "journal"):
        row = str(raw(f"SELECT * FROM {table}"))
        assert "DUPONT" not in row


def test_recipients_of_lately_are_counted_by_address_recipient_and_channel(
    store: SqlStore, seed: Seed, clock: FrozenClock
) -> None:
    for state in (State.SENT, State.HELD, State.READ):
        newest = seed.dispatch(state)
    seed.dispatch(State.SENT, address="autre@dest.test")
    seed.dispatch(State.SENT, address="")
    seed.dispatch(State.SENT, created_at=clock.now() - timedelta(days=91))
    with store.reading() as uow:
        first, second = uow.dispatches.recipients(clock.now() - timedelta(days=90))
    assert (first.address, first.count, first.waiting, first.last_id) == (newest.address, 3, 1, newest.id)
    assert first.last_at == newest.created_at
    assert first.first_at < first.last_at
    assert (second.address, second.count, second.waiting) == ("autre@dest.test", 1, 0)
