"""Contract of accounts, sessions and what is counted of attempts, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.ports import AccountRow, MarkRow, SessionRow
from dispatcher.store import copies
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Database, Seed

HOUR = timedelta(hours=1)


@pytest.fixture
def marie(store: SqlStore, clock: FrozenClock) -> AccountRow:
    row = AccountRow(
        name="marie", password="$hash", roles="operator", created_at=clock.now(), created_by="operator:eve"
    )
    with store.transaction() as uow:
        assert uow.accounts.add(row, actor="operator:eve")
    return row


def account(store: SqlStore, name: str = "marie") -> AccountRow:
    with store.reading() as uow:
        found = uow.accounts.get(name)
    assert found is not None
    return found


def session(clock: FrozenClock, **changes: Any) -> SessionRow:
    now = clock.now()
    row = SessionRow(
        digest="d1", account="marie", created_at=now, seen_at=now, idle_until=now + HOUR, ends_at=now + 12 * HOUR
    )
    return replace(row, **changes)


def test_an_account_comes_back_as_it_was_written(store: SqlStore, marie: AccountRow) -> None:
    assert account(store) == marie
    with store.reading() as uow:
        assert uow.accounts.list() == (marie,)
        assert uow.accounts.get("pierre") is None
    assert "$hash" not in repr(marie)


def test_a_name_is_given_once(store: SqlStore, marie: AccountRow, seed: Seed) -> None:
    with store.transaction() as uow:
        assert not uow.accounts.add(replace(marie, password="$other"), actor="operator:eve")
    assert account(store).password == "$hash"
    assert seed.events("account:marie") == ["account.added"]


def test_what_changes_rights_is_in_the_journal_and_names_who(store: SqlStore, marie: AccountRow) -> None:
    with store.transaction() as uow:
        uow.accounts.set_roles("marie", "biologist", actor="operator:eve")
        uow.accounts.set_password("marie", "$new", must_change=True, actor="operator:eve")
        uow.accounts.set_totp("marie", b"sealed", "k2", ["c1"], actor="operator:eve")
        uow.accounts.set_disabled("marie", True, actor="operator:eve")
        uow.accounts.set_disabled("marie", False, actor="operator:eve")
        uow.accounts.set_totp("marie", None, "", (), actor="operator:eve")
        uow.accounts.rehash("marie", "$newer")
        uow.accounts.signed_in("marie", marie.created_at)
    with store.reading() as uow:
        lines = uow.journal.of_subject("account:marie")
        assert uow.journal.verify()[1] == ""
    assert [line.event for line in lines[1:]] == [
        *("account.roles", "account.password", "account.totp-on"),
        *("account.disabled", "account.enabled", "account.totp-off"),
    ]
    assert {line.actor for line in lines} == {"operator:eve"}
    assert lines[1].detail == {"roles": "biologist", "before": "operator"}
    assert "$n" not in str([line.text for line in lines]), "no hash in the journal"
    assert account(store) == replace(
        marie, roles="biologist", password="$newer", must_change=True, signed_in_at=marie.created_at
    )


def test_a_time_step_is_used_once_and_never_an_older_one(store: SqlStore, marie: AccountRow) -> None:
    with store.transaction() as uow:
        assert uow.accounts.use_step("marie", 100)
    with store.transaction() as uow:
        assert not uow.accounts.use_step("marie", 100)
        assert not uow.accounts.use_step("marie", 99)
        assert uow.accounts.use_step("marie", 101)
        assert not uow.accounts.use_step("pierre", 101)


def test_a_recovery_code_is_used_once(store: SqlStore, marie: AccountRow) -> None:
    with store.transaction() as uow:
        uow.accounts.set_totp("marie", b"sealed", "k2", ["c1", "c2"], actor="operator:eve")
    with store.transaction() as uow:
        assert uow.accounts.use_code("marie", "c1")
        assert not uow.accounts.use_code("marie", "c1")
        assert not uow.accounts.use_code("pierre", "c2")
        assert uow.accounts.codes_left("marie") == 1
        uow.accounts.set_totp("marie", b"other", "k2", ["c3"], actor="operator:eve")
        assert not uow.accounts.use_code("marie", "c2"), "those of the factor before are gone"


def test_sessions_come_and_go(store: SqlStore, clock: FrozenClock) -> None:
    row = session(clock, address="192.0.2.1")
    later = clock.now() + HOUR
    with store.transaction() as uow:
        uow.console_sessions.add(row)
        uow.console_sessions.touch("d1", later, later + HOUR)
        assert uow.console_sessions.get("d1") == replace(row, seen_at=later, idle_until=later + HOUR)
        assert uow.console_sessions.end("d1")
        assert not uow.console_sessions.end("d1")
        assert uow.console_sessions.get("d1") is None


def test_sessions_that_are_over_are_forgotten(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.console_sessions.add(session(clock))
        uow.console_sessions.add(session(clock, digest="d2", idle_until=clock.now() + 3 * HOUR))
        uow.console_sessions.add(session(clock, digest="d3", account="pierre", ends_at=clock.now() + HOUR / 2))
    clock.advance(3600)
    with store.transaction() as uow:
        assert uow.console_sessions.sweep(clock.now()) == 2
        assert uow.console_sessions.get("d2") is not None
        assert uow.console_sessions.end_all("pierre") == 0
        assert uow.console_sessions.end_all("marie") == 1


@pytest.mark.parametrize("how", ["password", "disabled"])
def test_a_new_password_and_a_closed_account_end_its_sessions(
    store: SqlStore, clock: FrozenClock, marie: AccountRow, how: str
) -> None:
    with store.transaction() as uow:
        uow.console_sessions.add(session(clock))
        uow.console_sessions.add(session(clock, digest="d2", account="pierre"))
    with store.transaction() as uow:
        if how == "password":
            uow.accounts.set_password("marie", "$new", must_change=False, actor="operator:eve")
        else:
            uow.accounts.set_disabled("marie", True, actor="operator:eve")
        assert uow.console_sessions.get("d1") is None
        assert uow.console_sessions.get("d2") is not None


def test_marks_are_replaced_dropped_and_swept(store: SqlStore, clock: FrozenClock) -> None:
    now = clock.now()
    first = MarkRow(key="a", count=1, at=now)
    with store.transaction() as uow:
        uow.sign_ins.put(first)
        uow.sign_ins.put(MarkRow(key="b", count=7, at=now + HOUR, until=now + 2 * HOUR))
        uow.sign_ins.put(replace(first, count=2))
    with store.transaction() as uow:
        assert {key: row.count for key, row in uow.sign_ins.of(["a", "b", "c"]).items()} == {"a": 2, "b": 7}
        assert uow.sign_ins.of([]) == {}
        assert uow.sign_ins.sweep(now + HOUR) == 1
        assert uow.sign_ins.drop(["b", "c"]) == 1
        assert uow.sign_ins.of(["a", "b"]) == {}


def test_a_reading_view_changes_no_account(store: SqlStore, marie: AccountRow) -> None:
    with pytest.raises(StoreError), store.reading() as uow:
        uow.accounts.set_roles("marie", "administrator", actor="operator:eve")
    assert account(store).roles == "operator"


def test_a_backup_names_the_keys_of_second_factors(
    store: SqlStore, database: Database, marie: AccountRow, raw: Callable[[str], list[Any]]
) -> None:
    """Restored with a master key that lacks them, nobody with a second factor could sign in."""
    with store.transaction() as uow:
        uow.accounts.set_totp("marie", b"sealed", "k-old", (), actor="operator:eve")
    assert copies.facts_of(database.url).keys == ("k-old",)
