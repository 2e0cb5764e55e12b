"""An upgrade with a full outbox, from every released version on both engines: nothing is lost, nothing leaves twice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.states import State
from dispatcher.store import schema
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import LEASE, make_cipher
from tests.contract.test_store_schema import files

MODEL = "D7"
"""The queued dispatch of the released databases."""
PAST = "'2026-03-11T08:00:00.000000+00:00'"
FULL: dict[str, tuple[int, dict[str, str]]] = {
    "queued": (70, {}),
    "ready": (30, {}),
    "held": (15, {"hold_code": "'no-recipient'"}),
    "deferred": (20, {"due_at": PAST}),
    "sending": (10, {"lease_owner": "'w9'", "lease_until": PAST, "fence": "3"}),
    "urgent": (3, {"state": "'queued'", "lane": "0", "created_at": PAST}),
    "submitting": (
        5,
        {"state": "'sending'", "lease_owner": "'w9'", "lease_until": PAST, "fence": "3", "submitting_since": PAST},
    ),
}
"""How many of each kind, and what sets it apart from :data:`MODEL`: SQL values."""


def fill(run: Callable[[str], Any], columns: list[str]) -> dict[str, set[str]]:
    """Multiply the model, in the words of the old schema; gives the ids by kind."""
    made: dict[str, set[str]] = {}
    for kind, (count, changes) in FULL.items():
        made[kind] = set()
        for number in range(count):
            name = f"{kind}-{number}"
            values = {"state": f"'{kind}'"} | changes
            values |= {"id": f"'{name}'", "message_id": f"'<{name}@labo.test>'", "envid": f"'{name}'"}
            values |= {"recipient_key": f"'RPPS:{name}'", "address": f"'{name}@dest.test'"}
            row = ", ".join(values.get(column, column) for column in columns)
            names = ", ".join(columns)
            run(f"INSERT INTO dispatches ({names}) SELECT {row} FROM dispatches WHERE id = '{MODEL}'")
            made[kind].add(name)
    return made


@pytest.mark.parametrize("path", files(), ids=lambda p: p.name.removesuffix(".sql"))
def test_what_was_queued_is_sent_once_after_the_upgrade(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    script = path.read_text(encoding="utf-8")
    if ".sqlite." in path.name:
        file = tmp_path / "old.sqlite3"
        connection = sqlite3.connect(file)
        connection.executescript(script)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(dispatches)")]
        made = fill(connection.execute, columns)
        connection.commit()
        connection.close()
        check(f"sqlite:///{file}", made)
        return
    server = request.getfixturevalue("postgresql_server")
    name = server.create()
    server.run("\n".join(line for line in script.splitlines() if not line.startswith("\\")), name)
    listed = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'dispatches' ORDER BY ordinal_position"
    )
    statements: list[str] = []
    made = fill(statements.append, [row[0] for row in server.run(listed, name)])
    server.run("; ".join(statements), name)
    check(server.url(name), made)
    server.drop(name)


def check(url: str, made: dict[str, set[str]]) -> None:
    clock = FrozenClock()
    clock.advance(7200)
    kept_numbers = (schema.standing(url) or "") >= "0003"
    assert schema.upgrade(url) == schema.REVISIONS[-1]
    store = open_store(url, make_cipher(), clock, upgrade=False)
    if kept_numbers:  # the rows above went past them
        with store.transaction() as uow:
            uow.tallies.repair()
    with store.reading() as uow:
        counts = uow.dispatches.counts()
        assert uow.tallies.drift() == ()
    expected = Counter({State(kind): len(ids) for kind, ids in made.items() if kind in list(State)})
    expected += Counter(
        {State.SENDING: len(made["submitting"]), State.QUEUED: 1 + len(made["urgent"]), State.SENT: 1, State.UNKNOWN: 1}
    )
    assert {state: count for state, count in counts.items() if count} == dict(expected)
    with store.transaction() as uow:
        uow.dispatches.expire_leases(clock.now())
    with store.transaction() as uow:
        batch = Batch(id="L9", channel="mss", created_at=clock.now(), reason="tick", count=0, size=0)
        uow.batches.add(batch)
        assert uow.dispatches.assign_batch(batch, max_count=1000, max_bytes=10**9).count == len(made["ready"])
    with store.reading() as uow:
        late = {one.id for one in uow.dispatches.late(clock.now())}
    assert late == (set() if kept_numbers else made["urgent"]), "of this version, it has its clock from the start"
    sent = send_all(store, clock)
    assert max(sent.values()) == 1
    assert set(sent) == {MODEL, *made["queued"], *made["urgent"], *made["ready"], *made["deferred"], *made["sending"]}
    with store.reading() as uow:
        counts = uow.dispatches.counts()
        assert uow.tallies.drift() == () and uow.journal.verify()[1] == ""
    assert counts[State.HELD] == len(made["held"]), "waits for a person, as before"
    assert counts[State.UNKNOWN] == len(made["submitting"]) + 1, "may have left: never sent blindly"
    assert counts[State.SENT] == len(sent) + 1
    store.close()


def send_all(store: SqlStore, clock: FrozenClock) -> Counter[str]:
    """As a line does, until nothing more is due."""
    sent: Counter[str] = Counter()
    while True:
        with store.transaction() as uow:
            claimed = uow.dispatches.claim("mss", "w1", 20, LEASE, clock.now())
            for dispatch in claimed:
                uow.dispatches.begin_submission(dispatch.id, dispatch.fence, clock.now())
        if not claimed:
            return sent
        with store.transaction() as uow:
            for dispatch in claimed:
                uow.dispatches.move(dispatch.id, State.SENT, fence=dispatch.fence)
                sent[dispatch.id] += 1
