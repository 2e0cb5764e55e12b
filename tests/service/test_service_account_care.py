"""Accounts made, changed and closed; roles and rights as the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.errors import ConfigError
from dispatcher.ports import AccountRow
from dispatcher.service import account_care as care
from dispatcher.service.accounts import Session
from dispatcher.service.rights import IN_FRENCH, RIGHTS, Right, Role, User, may, roles_of, written
from tests.service.bench import Bench
from tests.service.console_people import EVE, PASSWORD, Door

PAGE = Path(__file__).resolve().parents[2] / "docs/comptes.md"


@pytest.fixture
def door(bench: Bench) -> Door:
    return Door(bench.store, bench.clock)


# ------------------------------------------------------------------------------------------------ rights


def test_the_page_shows_which_role_has_which_right() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"| rôle | {' | '.join(f'`{right}`' for right in Right)} |" in text
    for role, rights in RIGHTS.items():
        cells = " | ".join("oui" if right in rights else "–" for right in Right)
        assert f"| `{role}` ({IN_FRENCH[role]}) | {cells} |" in text
    assert all(f"| `{right}` | " in text for right in Right)
    assert set(RIGHTS) == set(Role) == set(IN_FRENCH)


def test_every_event_of_the_journal_is_on_the_page() -> None:
    sources = Path(care.__file__).parents[1]
    written_by = "".join(
        (sources / name).read_text(encoding="utf-8")
        for name in ("service/accounts.py", "service/account_care.py", "store/accounts.py")
    )
    found = set(re.findall(r'"((?:account|console)\.[a-z-]+)"', written_by))
    assert len(found) >= 13
    assert {event for event in found if f"`{event}`" not in PAGE.read_text(encoding="utf-8")} == set()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", list(Right))
def test_rights_are_those_of_the_roles_together(role: Role, right: Right) -> None:
    user = User(name="marie", roles=frozenset({role}))
    assert may(user, right) is may(user, right.value) is (right in RIGHTS[role])
    both = User(name="marie", roles=frozenset({role, Role.AUDITOR}))
    assert may(both, right) is (right in RIGHTS[role] | RIGHTS[Role.AUDITOR])
    assert not may(None, right)
    assert not may(User(name="marie", roles=frozenset()), right)
    assert not may(User(name="marie", roles=frozenset(Role), must_change=True), right)


def test_a_right_that_there_is_not_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="see_patient"):
        may(User(name="marie", roles=frozenset(Role)), "see_patient")


def test_a_role_of_a_later_version_gives_nothing() -> None:
    assert roles_of("auditor king") == {Role.AUDITOR}
    assert written([Role.OPERATOR, Role.AUDITOR, Role.OPERATOR]) == "auditor operator"


# ------------------------------------------------------------------------------------------------ accounts


@pytest.mark.parametrize("name", ["", "m", "marie durand", "zoé", "-marie", "x" * 65, "../marie"])
def test_names_that_are_none_are_refused(door: Door, name: str) -> None:
    with pytest.raises(ConfigError, match="ne convient pas"):
        door.add(name)


def test_a_name_is_one_person_however_it_is_written(door: Door) -> None:
    door.add("Marie.Durand")
    with pytest.raises(ConfigError, match="existe déjà"):
        door.add("marie.durand")
    assert isinstance(door.knock("MARIE.DURAND"), Session)


def test_a_poor_password_and_no_role_are_refused(door: Door) -> None:
    with pytest.raises(ConfigError, match="mot de passe") as refused:
        door.add(password="motdepasse2024")
    assert "Trop courant" in refused.value.faults[0]
    with pytest.raises(ConfigError, match="Aucun rôle"):
        care.create(door.store, door.clock, door.secrets, "marie", [], PASSWORD, actor=EVE)
    assert care.listing(door.store, door.clock, door.cipher) == ()


def test_a_password_given_by_another_person_is_made_by_chance(door: Door) -> None:
    first, second = door.add("marie", password=None), door.add("paul", password=None)
    assert first != second
    assert care.set_password(door.store, door.secrets, "marie", None, actor=EVE) not in {"", first}
    assert care.set_password(door.store, door.secrets, "marie", PASSWORD, actor=EVE) == ""
    assert not door.enter().user.must_change


CHANGES: dict[str, Callable[[Door], object]] = {
    "disable": lambda door: care.set_disabled(door.store, "marie", True, actor=EVE),
    "role": lambda door: care.set_roles(door.store, "marie", [Role.OPERATOR], actor=EVE),
}


@pytest.mark.parametrize("how", sorted(CHANGES))
def test_the_last_administrator_stays(door: Door, how: str) -> None:
    door.add("marie", Role.ADMINISTRATOR, Role.OPERATOR)
    door.add("paul", Role.ADMINISTRATOR)
    care.set_disabled(door.store, "paul", True, actor=EVE)
    with pytest.raises(ConfigError, match="dernier administrateur"):
        CHANGES[how](door)
    assert isinstance(door.knock(), Session)
    care.set_disabled(door.store, "paul", False, actor=EVE)
    CHANGES[how](door)
    with pytest.raises(ConfigError, match="dernier administrateur"):
        care.set_disabled(door.store, "paul", True, actor=EVE)


def test_of_whom_another_house_says_who_it_is_only_the_door_is_ours(door: Door) -> None:
    row = AccountRow(
        name="899700000001",
        roles="administrator",
        origin="https://issuer.test 1234",
        created_at=door.clock.now(),
        created_by="issuer",
    )
    with door.store.transaction() as uow:
        uow.accounts.add(row, actor="issuer")
    for change in (
        lambda: care.set_password(door.store, door.secrets, row.name, PASSWORD, actor=EVE),
        lambda: care.set_roles(door.store, row.name, [Role.OPERATOR], actor=EVE),
        lambda: care.offer_totp(door.store, door.secrets, row.name),
        lambda: care.drop_totp(door.store, row.name, actor=EVE),
    ):
        with pytest.raises(ConfigError, match=r"vient de https://issuer\.test"):
            change()
    assert door.refused(row.name, "").why == "credentials", "no password lets in"
    door.add("marie", Role.ADMINISTRATOR)
    with pytest.raises(ConfigError, match="dernier administrateur"):
        care.set_disabled(door.store, "marie", True, actor=EVE)
    care.set_disabled(door.store, row.name, True, actor=EVE)


def test_nobody_is_changed_who_is_not_there(door: Door) -> None:
    for change in (
        lambda: care.set_password(door.store, door.secrets, "paul", PASSWORD, actor=EVE),
        lambda: care.set_roles(door.store, "paul", [Role.OPERATOR], actor=EVE),
        lambda: care.set_disabled(door.store, "paul", True, actor=EVE),
        lambda: care.unlock(door.store, door.cipher, "paul", actor=EVE),
        lambda: care.drop_totp(door.store, "paul", actor=EVE),
    ):
        with pytest.raises(ConfigError, match="Aucun compte « paul »"):
            change()
    assert door.journal("account:paul") == ()
