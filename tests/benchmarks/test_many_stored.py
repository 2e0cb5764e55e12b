"""Does the store stay quick when much lies in it? (run with ``pytest tests/benchmarks/test_many_stored.py -s``)

``--stored N`` dispatches of before (a few thousand by default; 1,000,000 is the promise: claim rate within 10 % and
``status`` within 100 ms of an empty store, on both engines). They are written by one INSERT … SELECT a table, from one
row of each kind that the program itself wrote: dispatches, reports, files, members of batches and journal lines; 1 % of
them deferred and 1 % failed. Nothing here asserts a time: it prints both, and what they should be.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Table, text

from dispatcher.clock import SystemClock
from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.dispatch import Batch, Dispatch
from dispatcher.outbox.pacing import per_minute
from dispatcher.outbox.states import FileState, State
from dispatcher.service import overview
from dispatcher.service.channel import Channel
from dispatcher.store import tables
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import LEASE, Seed, make_cipher
from tests.servers.postgresql import postgresql

MAILS = 1000
"""Claimed in one round, over 50 domains."""
CLAIM = 20
ROUNDS = 9
BATCH = 500

STATES = (
    "CASE WHEN i % 100 < 80 THEN 'read' WHEN i % 100 < 90 THEN 'delivered' WHEN i % 100 < 97 THEN 'sent' "
    "WHEN i % 100 = 97 THEN 'closed' WHEN i % 100 = 98 THEN 'failed' ELSE 'deferred' END"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}", f"sqlite:///{tmp_path / 'full.sqlite3'}"
        return
    with postgresql() as server:
        yield server.url(server.create()), server.url(server.create())


@pytest.fixture
def stores(urls: tuple[str, str]) -> Iterator[tuple[SqlStore, SqlStore]]:
    """One that stays empty but for what is measured, one to fill."""
    empty, full = (open_store(url, make_cipher(), SystemClock()) for url in urls)
    yield empty, full
    empty.close()
    full.close()


def name(prefix: str, number: str = "i") -> str:
    return f"'{prefix}' || CAST(1000000000 + {number} AS TEXT)"


def copy(connection: Any, table: Table, pattern: str, stored: int, values: dict[str, str]) -> None:
    """``stored`` rows like the one that ``pattern`` finds, but for ``values`` (SQL over ``i``)."""
    columns = [column.name for column in table.columns]
    chosen = ", ".join(values.get(column, f"p.{column}") for column in columns)
    connection.execute(
        text(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {stored}) "
            f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {chosen} FROM n, {table.name} p WHERE {pattern}"
        )
    )


def fill(store: SqlStore, stored: int) -> None:
    """What years of work leave behind, with the tallies and the journal's head as they would be."""
    seed = Seed(store, SystemClock())  # type: ignore[arg-type]
    file = seed.file(id="F0", state=FileState.DONE)
    seed.report("chain0", 1, id="C0", file_id=file.id)
    values = {
        "id": "D0",
        "report_id": "C0",
        "chain": "chain0",
        "version": 1,
        "recipient_key": "r",
        "role": "prescriber",
    }
    own = {
        "message_id": "<D0@x>",
        "envid": "D0",
        "label": "Dr Hélène Œillet",
        "address": "a0@d0.test",
        "channel": "mss",
    }
    decision = {"trace": [{"rule": "rpps", "outcome": "chosen", "text": "Trouvé dans l'annuaire national."}] * 4}
    made = Batch(id="L0", channel="mss", created_at=SystemClock().now(), reason="tick", count=1)
    with store.transaction() as uow:
        uow.dispatches.add(Dispatch(state=State.READ, decision=decision, sealed_bytes=60_000, **values, **own))
        uow.batches.add(made)
        uow.batches.join("L0", ["D0"], made.created_at)
    with store._engine.connect() as connection:
        connection.begin()
        moment = (
            "p.created_at - INTERVAL '400 days' + i * INTERVAL '1 second'"
            if store._networked
            else "strftime('%Y-%m-%dT%H:%M:%f000+00:00', 1735689600 + i, 'unixepoch')"
        )
        _rows(connection, stored, moment)
        connection.commit()
    if store._networked:  # as autovacuum does by itself, and the checkpointer in the minutes after so much writing
        with store._engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.execute(text("VACUUM ANALYZE"))
            alone.execute(text("CHECKPOINT"))


def _rows(connection: Any, stored: int, moment: str) -> None:
    own = {"received_at": moment.replace("created_at", "received_at")}
    copy(
        connection,
        tables.files,
        "p.id = 'F0'",
        stored,
        own | {"id": name("F"), "path_hash": name("h"), "sha256": name("s")},
    )
    report = {"id": name("C"), "file_id": name("F"), "chain": name("c"), "created_at": moment}
    copy(connection, tables.reports, "p.id = 'C0'", stored, report)
    dispatch = report | {"id": name("D"), "report_id": name("C"), "message_id": name("M"), "envid": name("E")}
    del dispatch["file_id"]
    dispatch |= {"state": STATES, "recipient_key": name("r", "i % 5000"), "batch_id": name("L", f"i / {BATCH}")}
    dispatch |= {"address": f"{name('a', 'i % 5000')} || '@d.test'", "domain": f"{name('d', 'i % 300')} || '.test'"}
    dispatch |= {"channel": "CASE WHEN i % 3 = 0 THEN 'two' ELSE 'mss' END", "fence": "1"}
    later = moment.replace("400 days", "-900 days").replace("1735689600", "1893456000")
    dispatch["due_at"] = f"CASE WHEN i % 100 = 99 THEN {later} END"
    copy(connection, tables.dispatches, "p.id = 'D0'", stored, dispatch)
    member = {"batch_id": name("L", f"i / {BATCH}"), "dispatch_id": name("D")}
    copy(connection, tables.batch_members, "p.dispatch_id = 'D0'", stored, member)
    batch = {"id": name("L", "i - 1"), "created_at": moment, "count": str(BATCH), "state": "'done'"}
    copy(connection, tables.batches, "p.id = 'L0'", stored // BATCH + 1, batch)
    for turn in range(2):
        line = {
            "number": f"1000000 + {turn * stored} + i",
            "subject": name("D"),
            "at": moment.replace("created_at", "at"),
        }
        copy(connection, tables.journal, "p.number = 2", stored, line)
    connection.execute(text(f"UPDATE journal_head SET number = {1_000_000 + 2 * stored}"))
    connection.execute(text("DELETE FROM tallies"))
    for kind, column, table in (("dispatch", "channel", "dispatches"), ("file", "''", "files")):
        connection.execute(
            text(
                "INSERT INTO tallies (kind, channel, state, shard, count) "
                f"SELECT '{kind}', {column}, state, 0, COUNT(*) FROM {table} GROUP BY {column}, state"
                if column != "''"
                else f"INSERT INTO tallies SELECT '{kind}', '', state, 0, COUNT(*) FROM {table} GROUP BY state"
            )
        )


def claims(store: SqlStore) -> float:
    """Claims a second, each in its transaction, of mails that wait in 50 domains; they are sent afterwards."""
    seed = Seed(store, SystemClock())  # type: ignore[arg-type]
    report = seed.report(store.new_id("c"), 1, id=store.new_id("C"), file_id=seed.file(id=store.new_id("F")).id)
    with store.transaction() as uow:
        for number in range(MAILS):
            key = store.new_id("D")
            values: dict[str, Any] = {"address": f"m{number}@e{number % 50}.test", "domain": f"e{number % 50}.test"}
            values |= {"recipient_key": f"R{number}", "message_id": f"<{key}@x>", "envid": key, "channel": "mss"}
            uow.dispatches.add(
                Dispatch(
                    id=key, report_id=report.id, chain=f"c{key}", version=1, state=State.QUEUED, role="x", **values
                )
            )
    spent, claimed = 0.0, []
    while True:
        begun = time.perf_counter()
        with store.transaction() as uow:
            found = uow.dispatches.claim("mss", "w", CLAIM, LEASE, SystemClock().now())
        if not found:
            break
        spent += time.perf_counter() - begun
        claimed += found
    with store.transaction() as uow:
        for dispatch in claimed:
            uow.dispatches.move(dispatch.id, State.SENT, fence=dispatch.fence)
    assert len(claimed) == MAILS
    return MAILS / spent


def looks(store: SqlStore) -> float:
    """Seconds one ``status`` takes."""
    rule = BatchRule(every=timedelta(minutes=5), max_count=500, max_bytes=10**9)
    channels = {
        channel: cast(
            Channel, SimpleNamespace(name=channel, scope=f"channel:{channel}", limit=per_minute(60), batch=rule)
        )
        for channel in ("mss", "two")
    }
    begun = time.perf_counter()
    overview.status(store, SystemClock(), channels)
    return time.perf_counter() - begun


def nothing(store: SqlStore) -> float:
    """Seconds a claim takes that finds nothing."""
    begun = time.perf_counter()
    with store.transaction() as uow:
        assert uow.dispatches.claim("two", "w", CLAIM, LEASE, SystemClock().now()) == ()
    return time.perf_counter() - begun


def in_turn(empty: SqlStore, full: SqlStore, one: Callable[[SqlStore], float]) -> tuple[float, float]:
    """The median of each, measured in turn: what else the machine does meets both."""
    one(empty), one(full)  # statements are compiled once a process
    found = [(one(empty), one(full)) for _ in range(ROUNDS)]
    return statistics.median(of for of, _ in found), statistics.median(of for _, of in found)


@pytest.mark.timeout(3600)
def test_a_full_store_is_as_quick_as_an_empty_one(
    stores: tuple[SqlStore, SqlStore], request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = request.config.getoption("--stored")
    begun = time.perf_counter()
    fill(stores[1], stored)
    filled = time.perf_counter() - begun
    rate, look, no_claim = (in_turn(*stores, one) for one in (claims, looks, nothing))
    begun = time.perf_counter()
    with stores[1].reading() as uow:
        assert uow.tallies.drift() == ()
        assert sum(uow.dispatches.counts().values()) == stored + 1 + MAILS * (ROUNDS + 1)
    recounted = time.perf_counter() - begun
    with capsys.disabled():
        print(
            f"\n{stores[1]._engine.dialect.name}, {stored:,} stored (filled in {filled:.0f} s)\n"
            f"  claims   {rate[0]:8.0f}/s empty, {rate[1]:8.0f}/s full: {rate[1] / rate[0]:6.1%} (promise: 90 %)\n"
            f"  status   {look[0] * 1e3:8.1f} ms empty, {look[1] * 1e3:8.1f} ms full: "
            f"{(look[1] - look[0]) * 1e3:+.1f} ms (promise: +100 ms)\n"
            f"  no claim {no_claim[0] * 1e3:8.1f} ms empty, {no_claim[1] * 1e3:8.1f} ms full\n"
            f"  recount  {recounted * 1e3:8.0f} ms"
        )
