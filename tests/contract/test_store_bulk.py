"""Bulk sends in the store: the same order is one send, a document is one file at a time."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.outbox.states import FileState
from dispatcher.ports import BulkSend
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Seed


def send(clock: FrozenClock, **changes: Any) -> BulkSend:
    values: dict[str, Any] = {
        "id": "G1",
        "digest": "d1",
        "place": "p1",
        "actor": "operator:eve",
        "files": 2,
        "count": 3,
    }
    return BulkSend(**values | {"made_at": clock.now()} | changes)


def test_the_same_order_is_the_send_there_is(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        assert uow.bulk.add(send(clock)).id == "G1"
    clock.advance(60)
    with store.transaction() as uow:
        assert uow.bulk.add(send(clock, id="G2")) == send(clock, id="G1", made_at=uow.bulk.list()[0].made_at)
        assert uow.bulk.add(send(clock, id="G3", digest="d3")).id == "G3"
    with store.reading() as uow:
        assert [one.id for one in uow.bulk.list()] == ["G3", "G1"]
        newest = uow.bulk.last_from("p1")
        assert newest is not None and newest.id == "G3"
        assert (uow.bulk.by_digest("d1"), uow.bulk.by_digest("d9")) == (uow.bulk.get("G1"), None)
        assert [line.event for line in uow.journal.of_subject("G1")] == ["bulk.ordered"]


def test_a_document_is_one_file_at_a_time(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.bulk.add(send(clock))
        uow.bulk.alone("G1")
        uow.bulk.put_item("G1", 1, "F2")
        uow.bulk.put_item("G1", 0, "F1")
        uow.bulk.put_item("G1", 0, "F3")
    with store.reading() as uow:
        assert uow.bulk.items("G1") == {0: "F3", 1: "F2"}
        assert uow.bulk.items("G2") == {}
    with pytest.raises(StoreError, match="G9"), store.transaction() as uow:
        uow.bulk.alone("G9")


def test_names_go_first_and_sends_at_last(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.bulk.add(send(clock))
        uow.payloads.put_all("G1", {"order": b"{}", "title": b"t"})
        uow.bulk.put_item("G1", 0, "F1")
        uow.bulk.put_item("G1", 1, "F2")
    old = clock.now()
    clock.advance(60)
    with store.transaction() as uow:
        uow.bulk.add(send(clock, id="G2", digest="d2"))
        uow.payloads.put("G2", "title", b"t")
        assert uow.bulk.named(old, 10) == ()
        assert uow.bulk.named(clock.now(), 10) == ("G1",)
        uow.bulk.drop_payload("G1", "title")
        assert uow.bulk.named(clock.now(), 10) == ()
    with store.transaction() as uow:
        assert uow.bulk.drop(old, 10) == 0
        assert uow.bulk.drop(clock.now(), 10) == 1
    with store.reading() as uow:
        assert (uow.bulk.get("G1"), uow.bulk.items("G1"), uow.payloads.get("G1", "order")) == (None, {}, None)
        assert uow.bulk.get("G2") is not None and uow.payloads.get("G2", "title") == b"t"


def test_an_unfinished_send_keeps_its_names_and_stays(store: SqlStore, clock: FrozenClock, seed: Seed) -> None:
    file = seed.file(state=FileState.DONE, removed=True)
    with store.transaction() as uow:
        uow.bulk.add(send(clock))
        uow.payloads.put_all("G1", {"order": b"{}", "title": b"t"})
        uow.bulk.put_item("G1", 0, "F9")  # a file whose proof is gone
    clock.advance(60)
    now = clock.now()
    with store.transaction() as uow:
        assert (uow.bulk.named(now, 10), uow.bulk.drop(now, 10)) == ((), 0), "a document is not taken in"
        uow.bulk.put_item("G1", 1, file.id)
        assert (uow.bulk.named(now, 10), uow.bulk.drop(now, 10)) == ((), 0), "a file has its contents"
        assert uow.purging.drop_contents([file.id], now, now)
        assert uow.bulk.named(now, 10) == ("G1",)
        uow.bulk.drop_payload("G1", "title")
        assert uow.bulk.drop(now, 10) == 1
