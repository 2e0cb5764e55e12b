"""A notice is taken in while another node changes the same dispatch: on PostgreSQL, whose nodes write side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

import dispatcher.service.collect as room
from dispatcher.outbox.states import State
from dispatcher.receipts.ladder import Rung, Step
from dispatcher.service.climb import climb
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import make_cipher
from tests.servers.postgresql import PostgreSql
from tests.service.bench import Bench
from tests.service.samples import dsn
from tests.service.test_service_ladder import hear, look, rules, sent


@pytest.fixture
def nodes(bench: Bench, server: PostgreSql) -> Iterator[tuple[Bench, SqlStore]]:
    """A bench on PostgreSQL, and the store as another node has it."""
    first, url = bench.real, server.url(server.create())
    bench.real = open_store(url, make_cipher(), bench.clock)
    bench.use(bench.real)
    other = open_store(url, make_cipher(), bench.clock)
    yield bench, other
    other.close()
    bench.real.close()
    bench.real = first


def test_the_ladder_of_another_node_puts_it_on_paper_while_its_delivery_notice_is_read(
    nodes: tuple[Bench, SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, other = nodes
    one, wanted = sent(bench), rules(Step(rung=Rung.PAPER, wait=timedelta(hours=1)))
    look(bench, wanted)
    bench.clock.advance(3 * 86400)
    hear(bench)
    matched = room.match

    def slowly(*asked: Any) -> Any:
        found = matched(*asked)
        assert climb(replace(bench.desk, store=other), wanted).papers == 1
        return found

    monkeypatch.setattr(room, "match", slowly)
    bench.mailbox.arrive(dsn(one.message_id, one.address))
    bench.collect()
    now = bench.get(one.id)
    assert now.state is State.PAPER and "jamais lu" in now.reason


def test_nobody_else_changes_a_dispatch_from_the_look_at_its_state_to_the_commit(
    nodes: tuple[Bench, SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, other = nodes
    one, meant = sent(bench), room.meant
    free: list[object] = []

    def looked_at(*asked: Any) -> Any:
        with other._engine.connect() as connection:
            wanted = text("SELECT id FROM dispatches WHERE id = :id FOR UPDATE SKIP LOCKED")
            free.extend(connection.execute(wanted, {"id": one.id}).scalars())
        return meant(*asked)

    monkeypatch.setattr(room, "meant", looked_at)
    bench.mailbox.arrive(dsn(one.message_id, one.address))
    bench.collect()
    assert bench.get(one.id).state is State.DELIVERED and free == []
