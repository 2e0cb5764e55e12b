"""The memory of alarms, and the looks that alarms need, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dispatcher.alarms.alarm import Level
from dispatcher.alarms.incident import Incident
from dispatcher.clock import FrozenClock
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import AlarmNote
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed


def incident(clock: FrozenClock, key: str = "held") -> Incident:
    return Incident(
        key=key,
        code="held",
        level=Level.ALARM,
        text="3 envois attendent",
        hint="",
        count=3,
        stage=0,
        began_at=clock.now(),
        seen_at=clock.now(),
    )


def test_an_incident_comes_back_as_it_was_put(store: SqlStore, clock: FrozenClock) -> None:
    one = incident(clock)
    changed = replace(one, told_at=clock.now(), flaps=2, level=Level.URGENT, acked_by="ève", count=10_000)
    for value in (one, changed):
        with store.transaction() as uow:
            uow.alarms.put(value)
        with store.reading() as uow:
            assert uow.alarms.incidents() == (value,)
    with store.transaction() as uow:
        uow.alarms.forget("held")
        assert uow.alarms.incidents() == ()


def test_notes_keep_their_order_and_their_way(store: SqlStore, clock: FrozenClock) -> None:
    rows = [
        AlarmNote(
            id=f"A{n}", way=way, kind="start", key="held", at=clock.now(), body={"kind": "start"}, due_at=clock.now()
        )
        for n, way in enumerate(("mail", "webhook", "mail"))
    ]
    tried = replace(rows[0], attempts=1, sent_at=clock.now(), reason="coupé")
    with store.transaction() as uow:
        for row in rows:
            uow.alarms.note(row)
        uow.alarms.change(tried)
        uow.alarms.drop([])
    with store.reading() as uow:
        assert uow.alarms.notes("mail") == (tried, rows[2])
        assert len(uow.alarms.notes()) == 3
    with store.transaction() as uow:
        uow.alarms.drop(["A0", "A1", "A2"])
        assert uow.alarms.notes() == ()


def test_a_sign_keeps_its_first_moment_and_its_newest_note(store: SqlStore, clock: FrozenClock) -> None:
    first = clock.now()
    with store.transaction() as uow:
        assert uow.alarms.sign("trouble:tick:scan@un", first, "a") == first
    clock.advance(60)
    with store.transaction() as uow:
        assert uow.alarms.sign("trouble:tick:scan@un", clock.now(), "b") == first
        uow.alarms.sign("watched:sil", clock.now())
    with store.reading() as uow:
        (sign,) = uow.alarms.signs("trouble:")
        assert (sign.at, sign.note) == (first, "b") and len(uow.alarms.signs()) == 2
    with store.transaction() as uow:
        uow.alarms.wipe("trouble:tick:scan@un")
        assert [one.name for one in uow.alarms.signs()] == ["watched:sil"]


def test_the_newest_file_of_a_source_leaves_growing_ones_out(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    now = clock.now()
    seed.file(received_at=now - timedelta(hours=2), state=FileState.DONE)
    seed.file(received_at=now - timedelta(hours=1), state=FileState.QUARANTINED)
    seed.file(received_at=now, state=FileState.WAITING)
    seed.file(received_at=now, source="autre")
    with store.reading() as uow:
        assert uow.alarms.newest_file("sil") == now - timedelta(hours=1)
        assert uow.alarms.newest_file("inconnue") is None
        assert uow.alarms.oldest_file("quarantined") == now - timedelta(hours=1)
        assert uow.alarms.oldest_file("duplicate") is None


def test_the_oldest_of_a_state_and_of_paper_what_nobody_printed(
    store: SqlStore, seed: Seed, clock: FrozenClock
) -> None:
    now = clock.now()
    seed.dispatch(state=State.HELD, created_at=now - timedelta(hours=1))
    seed.dispatch(state=State.HELD, created_at=now - timedelta(hours=3))
    seed.dispatch(state=State.PAPER, created_at=now - timedelta(hours=9), printed_at=now)
    seed.dispatch(state=State.PAPER, created_at=now - timedelta(hours=2))
    with store.reading() as uow:
        assert uow.alarms.oldest_dispatch("held") == now - timedelta(hours=3)
        assert uow.alarms.oldest_dispatch("paper") == now - timedelta(hours=2)
        assert uow.alarms.oldest_dispatch("failed") is None


def test_the_last_endings_of_a_channel_and_how_many_failed(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    for number in range(6):
        one = seed.dispatch(channel="mss" if number < 5 else "autre")
        with store.transaction() as uow:
            uow.dispatches.move(one.id, State.SENDING)
            uow.dispatches.move(one.id, State.FAILED if number in {1, 4} else State.SENT)
    with store.reading() as uow:
        assert uow.alarms.endings("mss", 100) == (5, 2)
        assert uow.alarms.endings("mss", 2) == (2, 1)
        assert uow.alarms.endings("autre", 100) == (1, 0)
        assert uow.alarms.endings("rien", 100) == (0, 0)
