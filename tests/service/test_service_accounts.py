"""Signing in, sessions, second factor, and the trace of who looked at what."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from dispatcher.keyring.console_secrets import ConsoleSecrets
from dispatcher.service import account_care as care
from dispatcher.service.accounts import SessionRules, Why, change_password, note_view, session_of, sign_out
from dispatcher.service.rights import Right, Role, User, may
from tests.service.bench import Bench
from tests.service.console_people import DESK, EVE, PASSWORD, WRONG, Door

NEW = "le chat de la voisine ronfle"


@pytest.fixture
def door(bench: Bench) -> Door:
    return Door(bench.store, bench.clock)


# ------------------------------------------------------------------------------------------------ signing in


def test_who_signs_in_has_a_session_with_the_rights_of_the_roles(on_both: Bench) -> None:
    door = Door(on_both.store, on_both.clock)
    door.add("marie", Role.OPERATOR, Role.AUDITOR)
    session = door.enter("Marie ")
    user = session_of(door.store, door.clock, session.token)
    assert user == session.user == User(name="marie", roles=frozenset({Role.OPERATOR, Role.AUDITOR}))
    assert may(user, Right.AUDIT)
    assert not may(user, Right.SEE_PATIENTS)
    assert door.events() == ["account.added", "console.signed-in"]
    assert door.journal()[-1].actor == "operator:marie"
    assert door.journal()[-1].detail == {"address": DESK}


def test_the_token_stands_nowhere(bench: Bench) -> None:
    door = Door(bench.store, bench.clock)
    door.add()
    session = door.enter()
    assert session.token not in repr(session)
    bench.store.close()
    content = b"".join(path.read_bytes() for path in bench.database.parent.glob(bench.database.name + "*"))
    assert session.token.encode() not in content
    assert PASSWORD.encode() not in content
    with sqlite3.connect(bench.database) as connection:
        assert connection.execute("SELECT count(*) FROM console_sessions").fetchone() == (1,)
    connection.close()


def test_unknown_wrong_and_closed_are_answered_alike_after_the_same_work(door: Door) -> None:
    door.add("marie")
    door.add("paul")
    door.add("eve", Role.ADMINISTRATOR)
    care.set_disabled(door.store, "paul", True, actor=EVE)
    door.secrets.compared.clear()
    answers = {door.refused("marie", WRONG), door.refused("personne", WRONG), door.refused("paul", PASSWORD)}
    assert len(answers) == 1
    assert door.secrets.compared == [True, False, False], "one comparison each, also with nobody's hash"
    assert [line.event for line in door.journal("console")] == ["console.refused"]
    assert door.events()[-1] == door.events("account:paul")[-1] == "console.refused"


def test_what_was_typed_as_an_unknown_name_is_kept_nowhere(bench: Bench) -> None:
    """People type their password into the field of the name."""
    door = Door(bench.store, bench.clock)
    door.refused(PASSWORD, "")
    bench.store.close()
    content = b"".join(path.read_bytes() for path in bench.database.parent.glob(bench.database.name + "*"))
    assert PASSWORD.encode() not in content


def test_a_hash_of_old_parameters_is_made_anew(door: Door) -> None:
    door.add()
    stronger = ConsoleSecrets(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    weak = _hash(door)
    door.enter()
    assert _hash(door) == weak
    door.secrets._hasher = stronger._hasher
    door.enter()
    assert stronger.verify(_hash(door), PASSWORD)
    assert not stronger.outdated(_hash(door))
    door.enter()


def test_one_keyboard_or_another_writes_the_same_password(door: Door) -> None:
    door.add(password="l'été près du phare")
    door.enter(password="l'e\u0301te\u0301 pre\u0300s du phare")


# ------------------------------------------------------------------------------------------------ sessions


def test_a_session_ends_when_nobody_uses_it_and_lives_while_somebody_does(door: Door) -> None:
    door.add()
    token = door.enter().token
    for _ in range(4):
        door.clock.advance(29 * 60)
        assert session_of(door.store, door.clock, token) is not None
    door.clock.advance(30 * 60)
    assert session_of(door.store, door.clock, token) is None


def test_a_page_that_renews_itself_keeps_no_session_alive(door: Door) -> None:
    door.add()
    token = door.enter().token
    door.clock.advance(29 * 60)
    assert session_of(door.store, door.clock, token, used=False) is not None
    door.clock.advance(2 * 60)
    assert session_of(door.store, door.clock, token) is None


def test_a_session_ends_after_twelve_hours_whatever_happens(door: Door) -> None:
    door.add()
    token = door.enter().token
    for _ in range(12 * 4 - 1):
        door.clock.advance(15 * 60)
        assert session_of(door.store, door.clock, token) is not None
    door.clock.advance(15 * 60)
    assert session_of(door.store, door.clock, token) is None


def test_the_settings_say_how_long(door: Door) -> None:
    door.add()
    found = door.knock(rules=SessionRules(idle=timedelta(minutes=2), whole=timedelta(minutes=3)))
    token = found.token
    door.clock.advance(100)
    assert session_of(door.store, door.clock, token) is not None
    door.clock.advance(70)
    assert session_of(door.store, door.clock, token) is not None
    door.clock.advance(20)
    assert session_of(door.store, door.clock, token) is None


def test_who_signs_out_is_out(door: Door) -> None:
    door.add()
    first, second = door.enter(), door.enter()
    assert first.token != second.token
    sign_out(door.store, first.token)
    sign_out(door.store, first.token)
    assert session_of(door.store, door.clock, first.token) is None
    assert session_of(door.store, door.clock, second.token) is not None
    assert door.events().count("console.signed-out") == 1
    for nobody in ("", "x", "\udce9"):
        assert session_of(door.store, door.clock, nobody) is None


def test_a_session_written_by_a_clock_that_stood_ahead_is_over(door: Door) -> None:
    door.add()
    door.clock.step(365 * 86400)
    token = door.enter().token
    door.clock.step(-365 * 86400)
    assert session_of(door.store, door.clock, token) is None


def test_roles_count_at_once_and_a_closed_account_is_out_at_once(door: Door) -> None:
    door.add("marie", Role.OPERATOR)
    door.add("eve", Role.ADMINISTRATOR)
    token = door.enter().token
    care.set_roles(door.store, "marie", [Role.AUDITOR], actor=EVE)
    user = session_of(door.store, door.clock, token)
    assert may(user, Right.AUDIT)
    assert not may(user, Right.OPERATE)
    care.set_disabled(door.store, "marie", True, actor=EVE)
    assert session_of(door.store, door.clock, token) is None
    care.set_disabled(door.store, "marie", False, actor=EVE)
    assert session_of(door.store, door.clock, token) is None
    door.enter()


# ------------------------------------------------------------------------------------------------ passwords


def test_a_password_made_for_somebody_gives_no_right_until_it_is_changed(door: Door) -> None:
    given = door.add("marie", Role.ADMINISTRATOR, password=None)
    session = door.enter(password=given)
    assert session.user.must_change
    assert not any(may(session.user, right) for right in Right)
    assert _change(door, session.user, given, NEW) == ()
    assert session_of(door.store, door.clock, session.token) is None, "every session of hers ends"
    assert may(door.enter(password=NEW).user, Right.ADMINISTER)
    assert door.refused(password=given).why is Why.CREDENTIALS


def test_a_new_password_is_judged_and_the_old_one_asked_for(door: Door) -> None:
    door.add()
    user = door.enter().user
    assert "12 caractères" in _change(door, user, PASSWORD, "court")[0]
    assert "actuel" in _change(door, user, WRONG, NEW)[0]
    assert "même" in _change(door, user, PASSWORD, PASSWORD)[0]
    door.enter()
    assert door.events()[-2] == "console.refused"


def test_the_old_password_is_not_guessed_from_an_open_session(door: Door) -> None:
    door.add()
    user = door.enter().user
    told = [_change(door, user, WRONG, NEW)[0] for _ in range(8)]
    assert "Trop d'essais" in told[-1]
    assert "Trop d'essais" in _change(door, user, PASSWORD, NEW)[0]


# ------------------------------------------------------------------------------------------------ second factor


def test_with_a_second_factor_the_password_alone_is_not_enough(door: Door) -> None:
    door.add()
    totp, _ = door.second_factor()
    assert door.refused(password=PASSWORD).why is Why.CODE_NEEDED
    assert door.refused(password=WRONG).why is Why.CREDENTIALS, "nothing is said of the factor without the password"
    assert door.refused(password=PASSWORD, code="000000") == door.refused(password=WRONG, code="000000")
    assert door.enter(code=door.shown(totp)[:3] + " " + door.shown(totp)[3:]).user.totp


def test_asking_for_the_code_costs_no_attempt(door: Door) -> None:
    door.add()
    door.second_factor()
    assert {door.refused(password=PASSWORD).why for _ in range(30)} == {Why.CODE_NEEDED}


def test_a_code_is_good_once(on_both: Bench) -> None:
    door = Door(on_both.store, on_both.clock)
    door.add()
    totp, _ = door.second_factor()
    code = door.shown(totp)
    door.enter(code=code)
    assert door.refused(password=PASSWORD, code=code).why is Why.CREDENTIALS
    door.clock.advance(30)
    assert door.refused(password=PASSWORD, code=code).why is Why.CREDENTIALS, "within the drift, but used"
    door.enter(code=door.shown(totp))


def test_the_code_that_confirmed_the_factor_is_used_up(door: Door) -> None:
    door.add()
    offer = care.offer_totp(door.store, door.secrets, "marie")

    code = door.shown(pyotp.TOTP(offer.secret))
    parts = (door.store, door.clock, door.cipher, door.secrets, "marie", offer.secret)
    assert care.confirm_totp(*parts, "000000", actor=EVE) == ()
    assert not door.enter().user.totp, "nothing is in force before it was seen to work"
    assert len(care.confirm_totp(*parts, code, actor=EVE)) == 10
    assert door.refused(password=PASSWORD, code=code).why is Why.CREDENTIALS


def test_one_step_of_drift_is_allowed_and_not_two(door: Door) -> None:
    door.add()
    totp, _ = door.second_factor()
    now = door.clock.now()
    assert door.refused(password=PASSWORD, code=door.shown(totp, now + timedelta(seconds=60)))
    door.enter(code=door.shown(totp, now + timedelta(seconds=30)))


def test_a_recovery_code_lets_in_once(door: Door) -> None:
    door.add()
    _, codes = door.second_factor()
    door.enter(code=codes[0].upper().replace("-", " "))
    assert door.refused(password=PASSWORD, code=codes[0]).why is Why.CREDENTIALS
    door.enter(code=codes[1])
    (standing,) = care.listing(door.store, door.clock, door.cipher)
    assert standing.codes_left == 8


def test_the_secret_is_enciphered_and_bound_to_its_account(door: Door) -> None:
    door.add()
    totp, _ = door.second_factor()
    with door.store.reading() as uow:
        row = uow.accounts.get("marie")
    assert row is not None
    assert row.totp is not None
    assert totp.secret.encode() not in row.totp
    assert door.cipher.decrypt(row.totp, "account/marie/totp", row.totp_key) == totp.secret.encode()


def test_without_the_factor_the_password_is_enough_again(door: Door) -> None:
    door.add()
    door.second_factor()
    care.drop_totp(door.store, "marie", actor=EVE)
    door.enter()
    assert "account.totp-off" in door.events()


# ------------------------------------------------------------------------------------------------ trace


def test_each_view_is_one_line_with_numbers_and_no_identity(door: Door) -> None:
    door.add()
    user = door.enter().user
    note_view(door.store, door.clock, user, "dispatch", ["D12AB34CD", "D12AB34CD", "C1"])
    line = door.journal()[-1]
    assert (line.event, line.actor) == ("console.viewed", "operator:marie")
    assert line.detail == {"what": "dispatch", "count": 2, "ids": "D12AB34CD C1"}


def test_a_long_list_is_told_to_its_last_number(door: Door) -> None:
    """The journal cuts a text at 300 characters."""
    door.add()
    user = door.enter().user
    shown = [f"D{number:09}" for number in range(120)]
    note_view(door.store, door.clock, user, "search", shown)
    detail = door.journal()[-1].detail
    texts = [str(value) for key, value in detail.items() if key.startswith("ids")]
    assert sorted(" ".join(texts).split()) == shown
    assert detail["count"] == 120


def _hash(door: Door, name: str = "marie") -> str:
    with door.store.reading() as uow:
        row = uow.accounts.get(name)
    assert row is not None
    return row.password


def _change(door: Door, user: User, old: str, new: str) -> tuple[str, ...]:
    parts = (door.store, door.clock, door.cipher, user, old, new)
    return change_password(*parts, address=DESK, secrets=door.secrets)
