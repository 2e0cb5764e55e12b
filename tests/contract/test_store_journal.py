"""Contract of ``Journal``: it only grows, every line is chained, and whoever touches it is found out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.outbox.states import State
from dispatcher.ports import AnchorRow
from dispatcher.store.engine import SqlStore
from dispatcher.store.tables import journal
from tests.contract.store_kit import Database, Seed, make_cipher


@pytest.fixture
def tamper(database: Database, raw: Callable[[str], list[Any]]) -> Callable[[str], None]:
    """Changes the journal past its triggers, as the owner of the database could."""

    def run(statement: str) -> None:
        if database.engine == "postgresql":
            raw(f"SET session_replication_role = replica; {statement}")
            return
        triggers = raw("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'journal'")
        for name, _ in triggers:
            raw(f"DROP TRIGGER {name}")
        raw(statement)
        for _, sql in triggers:
            raw(sql)

    return run


def write(store: SqlStore, count: int = 5) -> None:
    for number in range(count):
        with store.transaction() as uow:
            uow.journal.write(f"D{number % 2}", "test.line", actor="operator:anne", n=number)


def verify(store: SqlStore) -> tuple[int, str]:
    with store.reading() as uow:
        return uow.journal.verify()


def test_lines_come_back_in_order(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.journal.write("D1", "a", reason="Accentué « œ »", n=1, x=2.5, ok=True, none=None, at=clock.now())
        uow.journal.write("D2", "b", actor="operator:anne")
        uow.journal.write("D1", "c")
        inside = uow.journal.of_subject("D1")
    with store.reading() as uow:
        first, third = uow.journal.of_subject("D1")
        assert uow.journal.of_subject("D404") == ()
    assert inside == (first, third)
    assert (first.number, first.event, first.actor, first.at) == (1, "a", "daemon", clock.now())
    assert first.detail == {
        "reason": "Accentué « œ »",
        "n": 1,
        "x": 2.5,
        "ok": True,
        "none": None,
        "at": "2026-03-11T09:00:00+00:00",
    }
    assert (first.previous, third.number) == ("0" * 64, 3)
    assert verify(store) == (3, "")


def test_anybody_can_check_the_chain_without_this_program(
    store: SqlStore, seed: Seed, raw: Callable[[str], list[Any]]
) -> None:
    """As the module's docstring says, with nothing but SHA-256 and JSON."""
    seed.dispatch(State.HELD, reason="Inconnu « é »")
    write(store)
    previous = "0" * 64
    rows = raw("SELECT number, at, subject, event, actor, detail, previous, digest FROM journal ORDER BY number")
    assert len(rows) > 5
    for number, at, subject, event, actor, detail, before, digest in rows:
        moment = at if isinstance(at, str) else at.astimezone(UTC).isoformat(timespec="microseconds")
        line = {
            "actor": actor,
            "at": moment,
            "detail": json.loads(detail),
            "event": event,
            "number": number,
            "subject": subject,
        }
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert before == previous
        assert digest == hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
        previous = digest


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x" * 400, "x" * 300),
        ("a\x00b", "a\ufffdb"),
        (State.SENT, "sent"),
        (timedelta(minutes=2), 120.0),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (2**70, 2**70),
    ],
)
def test_what_a_detail_may_hold(store: SqlStore, value: object, kept: object) -> None:
    with store.transaction() as uow:
        uow.journal.write("D1", "x", value=value)
    with store.reading() as uow:
        assert uow.journal.of_subject("D1")[0].detail == {"value": kept}
    assert verify(store) == (1, "")


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], b"x", float("nan"), float("inf"), object()])
def test_what_a_detail_may_not_hold(store: SqlStore, value: object) -> None:
    with pytest.raises(StoreError, match="valeur") as raised, store.transaction() as uow:
        uow.journal.write("D1", "x", valeur=value)
    assert raised.value.code == "journal-detail"
    assert verify(store) == (0, "")


@pytest.mark.parametrize("statement", ["UPDATE journal SET event = 'z'", "DELETE FROM journal"])
def test_the_database_refuses_to_change_a_line(
    store: SqlStore, raw: Callable[[str], list[Any]], statement: str
) -> None:
    write(store)
    with pytest.raises(Exception, match="only grows"):
        raw(statement)
    assert verify(store) == (5, "")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has no TRUNCATE
def test_postgresql_refuses_to_empty_it_too(store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    write(store)
    with pytest.raises(Exception, match="only grows"):
        raw("TRUNCATE journal")


@pytest.mark.parametrize(
    ("statement", "checked", "told"),
    [
        ("UPDATE journal SET event = 'autre' WHERE number = 3", 2, "Ligne 3 : son contenu a été changé."),
        ("UPDATE journal SET detail = '{\"n\":9}' WHERE number = 3", 2, "Ligne 3 : son contenu a été changé."),
        ("UPDATE journal SET previous = digest WHERE number = 3", 2, "Ligne 3 : elle n'est pas chaînée"),
        ("UPDATE journal SET digest = previous WHERE number = 5", 4, "Ligne 5 : son contenu a été changé."),
        ("DELETE FROM journal WHERE number = 3", 2, "Ligne 3 absente : la suivante porte le numéro 4."),
        ("DELETE FROM journal WHERE number > 3", 3, "la tête annonce 5 lignes, 3 sont présentes"),
        ("DELETE FROM journal", 0, "la tête annonce 5 lignes, 0 sont présentes"),
        ("UPDATE journal SET number = 9 WHERE number = 3", 2, "Ligne 3 absente"),
        ("UPDATE journal_head SET digest = 'x'", 5, "La tête du journal ne correspond pas à la ligne 5."),
        ("UPDATE journal_head SET number = 4", 4, "La tête du journal ne correspond pas à la ligne 4."),
        (
            "INSERT INTO journal SELECT 6, at, subject, event, actor, detail, previous, digest FROM journal "
            "WHERE number = 5",
            5,
            "Ligne 6 ajoutée hors du programme",
        ),
    ],
)
def test_every_tampering_is_found(
    store: SqlStore, tamper: Callable[[str], None], statement: str, checked: int, told: str
) -> None:
    write(store)
    assert verify(store) == (5, "")
    tamper(statement)
    count, fault = verify(store)
    assert count == checked and told in fault


def test_a_transaction_that_fails_leaves_no_line(store: SqlStore) -> None:
    write(store, 2)
    with pytest.raises(RuntimeError), store.transaction() as uow:
        uow.journal.write("D1", "lost")
        assert len(uow.journal.of_subject("D1")) == 2
        raise RuntimeError
    write(store, 1)
    assert verify(store) == (3, "")


def test_several_programs_write_one_chain(database: Database, clock: FrozenClock, store: SqlStore) -> None:
    """Each store has its own idea of the last line; a wrong one is noticed and put right."""
    stores = [store, database.open(make_cipher(), clock), database.open(make_cipher(), clock)]
    try:
        for _ in range(3):
            for one in stores:
                write(one, 1)
        start = threading.Barrier(3)

        def work(one: SqlStore) -> None:
            start.wait()
            write(one, 20)

        threads = [threading.Thread(target=work, args=(one,)) for one in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert verify(store) == (69, "")
    finally:
        for one in stores[1:]:
            one.close()


def test_a_long_journal_is_read_in_pieces(store: SqlStore) -> None:
    with store.transaction() as uow:
        for number in range(2500):
            uow.journal.write("D1", "x", n=number)
    assert verify(store) == (2500, "")


def test_the_trigger_also_stops_the_program_itself(store: SqlStore) -> None:
    write(store, 1)
    with pytest.raises(DBAPIError), store._engine.begin() as connection:
        connection.execute(journal.delete())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_flipped_byte_of_a_line_is_found_and_the_line_named(store: SqlStore, database: Database) -> None:
    """Also where the byte makes the text one that cannot be read any more."""
    write(store)
    with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER journal_no_update")
        flips = 0
        for column in ("at", "subject", "event", "actor", "detail", "previous", "digest"):
            read = f"SELECT CAST({column} AS BLOB) FROM journal WHERE number = 3"
            kept: bytes = connection.execute(read).fetchone()[0]
            for place in range(len(kept)):
                for bit in (0x01, 0x80):
                    flipped = kept[:place] + bytes([kept[place] ^ bit]) + kept[place + 1 :]
                    put = f"UPDATE journal SET {column} = CAST(? AS TEXT) WHERE number = 3"
                    connection.execute(put, (flipped,))
                    count, fault = verify(store)
                    assert count == 2 and fault.startswith("Ligne 3 "), (column, place, bit, fault)
                    flips += 1
            connection.execute(f"UPDATE journal SET {column} = CAST(? AS TEXT) WHERE number = 3", (kept,))
    assert flips > 300 and verify(store) == (5, "")


def test_a_value_of_another_kind_is_found_too(store: SqlStore, tamper: Callable[[str], None]) -> None:
    write(store)
    if store._engine.dialect.name == "sqlite":
        tamper("UPDATE journal SET detail = x'00ff' WHERE number = 3")
        assert verify(store) == (2, "Ligne 3 : son contenu a été changé.")


def test_a_part_of_the_chain_is_checked_from_a_known_line_on(store: SqlStore, tamper: Callable[[str], None]) -> None:
    write(store)
    seen: list[tuple[int, str]] = []
    with store.reading() as uow:
        digests = list(uow.journal.digests(1, 5))
        assert uow.journal.last() == (5, digests[-1])
        assert uow.journal.verify(lambda *line: seen.append(line), after=(2, digests[1])) == (5, "")
        assert seen == list(zip([3, 4, 5], digests[2:], strict=True))
        assert list(uow.journal.digests(2, 3)) == digests[1:3]
    tamper("UPDATE journal SET event = 'autre' WHERE number = 1")
    with store.reading() as uow:
        assert uow.journal.verify(after=(2, digests[1])) == (5, "")
        assert uow.journal.verify(after=(2, digests[0])) == (2, "Ligne 3 : elle n'est pas chaînée à la précédente.")


def test_a_line_tells_the_text_its_digest_covers(store: SqlStore) -> None:
    write(store, 2)
    with store.reading() as uow:
        lines = uow.journal.of_subject("D1")
    for line in lines:
        assert hashlib.sha256(f"{line.previous}\n{line.text}".encode()).hexdigest() == line.digest


def test_anchors_are_kept_with_a_line_of_the_journal(store: SqlStore, clock: FrozenClock) -> None:
    def row(first: int, last: int) -> AnchorRow:
        return AnchorRow(
            last=last, first=first, at=clock.now(), statement=f"{last}\n", signature=b"s", signer="ab" * 32
        )

    write(store)
    with store.transaction() as uow:
        uow.anchors.alone()
        uow.anchors.add(row(1, 5), b"DER", told="cd")
        uow.anchors.add(row(6, 9), b"DER", told="ef")
        uow.anchors.stamp(5, b"stamp")
    with store.reading() as uow:
        assert [a.last for a in uow.anchors.list()] == [5, 9] and uow.anchors.newest() == row(6, 9)
        assert uow.anchors.covering(1) == uow.anchors.covering(5) == replace(row(1, 5), stamp=b"stamp")
        assert uow.anchors.covering(6) == row(6, 9) and uow.anchors.covering(10) is None
        assert uow.anchors.unstamped() == (row(6, 9),)
        assert uow.anchors.certificate("ab" * 32) == b"DER" and uow.anchors.certificate("00" * 32) is None
        events = [(line.event, line.detail["sha256"]) for line in uow.journal.of_subject("journal")]
    stamped = ("journal.stamped", hashlib.sha256(b"stamp").hexdigest())
    assert events == [("journal.anchored", "cd"), ("journal.anchored", "ef"), stamped]


def test_what_came_after_a_line_is_told_with_the_channel_of_its_dispatch(seed: Seed) -> None:
    dispatch = seed.dispatch(state=State.READY, channel="mss")
    with seed.store.reading() as uow:
        head = uow.journal.last()[0]
    with seed.store.transaction() as uow:
        uow.dispatches.move(dispatch.id, State.HELD, actor="camille", hold_code="x", reason="Non.")
        uow.journal.write("somebody", "other.event", code=7)
    with seed.store.reading() as uow:
        first, second = uow.journal.after(head, 10)
        assert uow.journal.after(head, 1) == (first,)
        assert uow.journal.after(second.number, 10) == ()
        assert uow.installation.size() > 4096
    assert (first.event, first.subject, first.actor, first.channel) == ("dispatch.held", dispatch.id, "camille", "mss")
    assert first.detail["from"] == "ready"
    assert (second.channel, second.detail) == ("", {"code": 7})


def test_each_commit_is_timed(store: SqlStore) -> None:
    told: list[float] = []
    store.on_commit(told.append)
    with store.transaction() as uow:
        uow.journal.write("a", "b")
    with store.reading() as uow:
        uow.journal.last()
    assert len(told) == 1 and told[0] >= 0
