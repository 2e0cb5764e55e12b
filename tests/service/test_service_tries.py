"""How often one may try: waits that grow, and that no stranger turns against the owner."""

from __future__ import annotations

import threading

import pytest

from dispatcher.service import account_care as care
from dispatcher.service.accounts import Refusal, Session, Why
from dispatcher.service.rights import Role
from dispatcher.service.tries import FREE_OF_ACCOUNT, FREE_OF_ADDRESS, place_of
from tests.service.bench import Bench
from tests.service.console_people import DESK, ELSEWHERE, EVE, PASSWORD, WRONG, Door

QUARTER = 15 * 60


@pytest.fixture
def door(bench: Bench) -> Door:
    made = Door(bench.store, bench.clock)
    made.add("marie", Role.ADMINISTRATOR)
    return made


def exhaust(door: Door, times: int, name: str = "marie", address: str = ELSEWHERE) -> list[int]:
    """Fail that often, waiting each time as long as one is told; gives the waits."""
    waits = []
    for _ in range(times):
        waits.append(door.refused(name, WRONG, address=address).wait)
        door.clock.advance(waits[-1])
    return waits


@pytest.mark.parametrize("name", ["marie", "personne"])
def test_the_wait_grows_to_a_quarter_of_an_hour_for_every_name(door: Door, name: str) -> None:
    assert exhaust(door, FREE_OF_ACCOUNT + 7, name) == [0] * FREE_OF_ACCOUNT + [30, 60, 120, 240, 480, 900, 900]


def test_a_wait_is_in_the_journal_and_told_in_french(door: Door) -> None:
    exhaust(door, FREE_OF_ACCOUNT)
    assert door.refused(address=ELSEWHERE).message == (
        "Nom, mot de passe ou code incorrect. Nouvel essai possible dans 30 s."
    )
    said = door.refused(password=PASSWORD, address=ELSEWHERE)
    assert (said.why, said.message) == (Why.WAIT, "Trop d'essais. Nouvel essai possible dans 30 s.")
    line = door.journal()[-1]
    assert (line.event, line.detail) == ("console.locked", {"address": ELSEWHERE, "wait": 30})


def test_while_one_waits_nothing_is_looked_at_counted_or_written(door: Door) -> None:
    exhaust(door, FREE_OF_ACCOUNT)
    door.refused(address=ELSEWHERE)
    compared, lines = len(door.secrets.compared), len(door.journal())
    for _ in range(20):
        assert door.refused(password=PASSWORD, address=ELSEWHERE).why is Why.WAIT
    assert (len(door.secrets.compared), len(door.journal())) == (compared, lines)
    door.clock.advance(30)
    door.enter(address=ELSEWHERE)


def test_a_stranger_does_not_keep_the_owner_from_her_desk(door: Door) -> None:
    """However long he goes on, and from however many places."""
    door.enter()
    for number in range(60):
        door.refused(address=f"198.51.100.{number}")
        door.clock.advance(1)
    assert door.refused(address=ELSEWHERE).why is Why.WAIT
    door.enter()
    assert door.refused(password=PASSWORD, address=ELSEWHERE).why is Why.WAIT, "her coming in frees no stranger"


def test_behind_one_address_with_a_stranger_the_owner_waits_a_minute_at_most(door: Door) -> None:
    """A proxy shows one address for everybody."""
    door.enter()
    waits = exhaust(door, 40, address=DESK)
    assert max(waits) == 60
    door.enter()


def test_the_owner_comes_in_from_elsewhere_after_a_quarter_of_an_hour(door: Door) -> None:
    exhaust(door, FREE_OF_ACCOUNT + 8)
    door.refused(address=ELSEWHERE)
    door.clock.advance(QUARTER)
    door.enter(address="198.51.100.1")


def test_on_the_machine_it_is_undone_at_once(door: Door) -> None:
    exhaust(door, FREE_OF_ACCOUNT)
    door.refused(address=ELSEWHERE)
    (standing,) = care.listing(door.store, door.clock, door.cipher)
    assert (standing.failed, standing.waits) == (FREE_OF_ACCOUNT + 1, 30)
    care.unlock(door.store, door.cipher, "marie", actor=EVE)
    assert door.events()[-1] == "account.unlocked"
    door.enter(address=ELSEWHERE)


def test_many_names_from_one_address_wait_too(door: Door) -> None:
    waits = [door.refused(f"nom{number}", address=ELSEWHERE).wait for number in range(FREE_OF_ADDRESS + 1)]
    assert waits == [0] * FREE_OF_ADDRESS + [30]
    assert door.refused("encore", address=ELSEWHERE).why is Why.WAIT
    door.enter()


def test_signing_in_between_does_not_clear_the_way_to_other_accounts(door: Door) -> None:
    """Who has one account guesses at the others from the same place."""
    door.add("paul")
    waits = []
    for number in range(FREE_OF_ADDRESS + 1):
        door.enter("paul", address=ELSEWHERE)
        waits.append(door.refused(f"nom{number}", address=ELSEWHERE).wait)
    assert waits[-1] == 30
    assert door.refused("paul", PASSWORD, address=ELSEWHERE).why is Why.WAIT


def test_mistakes_of_a_day_are_forgotten(door: Door) -> None:
    exhaust(door, FREE_OF_ACCOUNT)
    door.clock.advance(24 * 3600 + 1)
    assert exhaust(door, FREE_OF_ACCOUNT) == [0] * FREE_OF_ACCOUNT


def test_a_clock_set_right_keeps_nobody_out(door: Door) -> None:
    door.clock.step(365 * 86400)
    exhaust(door, FREE_OF_ACCOUNT + 6)
    door.refused(address=ELSEWHERE)
    door.clock.step(-366 * 86400)
    door.enter(address=ELSEWHERE)


def test_many_at_one_moment_gain_nothing(door: Door) -> None:
    """Each is counted before its password is looked at."""
    found: list[Session | Refusal] = []
    start = threading.Barrier(12)

    def work() -> None:
        start.wait()
        found.append(door.knock(password=WRONG, address=ELSEWHERE))

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 12
    assert len(door.secrets.compared) == FREE_OF_ACCOUNT + 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("testclient", "TESTCLIENT ", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (place_of(one) == place_of(other)) is same
