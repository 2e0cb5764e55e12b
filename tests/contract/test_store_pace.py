"""Contract of the pace book: one count for all who share the store, whatever their clocks and restarts (promise 4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import StoreError
from dispatcher.outbox.pacing import DAY, PaceLimit, Window, per_minute
from dispatcher.outbox.states import State
from dispatcher.ports import EVERYTHING
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Database, Seed, make_cipher

SCOPE = "channel:mss"
LIMIT = per_minute(4, 4)
SPAN = LIMIT.windows[0].span / 1000


def waits(store: SqlStore, *asks: tuple[str, PaceLimit]) -> dict[str, float]:
    with store.transaction() as uow:
        return dict(uow.pace.take_all(asks or ((SCOPE, LIMIT),)))


def take(store: SqlStore, scope: str = SCOPE, limit: PaceLimit = LIMIT) -> bool:
    return not waits(store, (scope, limit))


def took(store: SqlStore, limit: PaceLimit = LIMIT, scope: str = SCOPE) -> int:
    """How many may leave now."""
    count = 0
    while take(store, scope, limit):
        count += 1
    return count


def wait(store: SqlStore, limit: PaceLimit = LIMIT, scope: str = SCOPE) -> float:
    with store.reading() as uow:
        return uow.pace.wait(scope, limit)


class Node:
    """A machine of its own, with its clocks, on the shared database."""

    def __init__(self, database: Database, name: str, origin: float) -> None:
        self.clock = FrozenClock(elapsed=origin, boot_name=name)
        self.database = database
        self.store = database.open(make_cipher(), self.clock)

    def restart(self) -> None:
        """The process; the machine goes on."""
        self.store.close()
        self.store = self.database.open(make_cipher(), self.clock)

    def reboot(self) -> None:
        self.clock.boot_name += "+"
        self.clock.elapsed = 3.0
        self.restart()


@pytest.fixture
def nodes(database: Database) -> Iterator[tuple[Node, Node]]:
    pair = Node(database, "a", 1_000.0), Node(database, "b", 9_000_000.0)
    yield pair
    for node in pair:
        node.store.close()


def later(nodes: tuple[Node, Node], seconds: float) -> None:
    for node in nodes:
        node.clock.advance(seconds)


def test_the_pace_is_kept_over_restarts(database: Database, store: SqlStore, clock: FrozenClock) -> None:
    assert took(store) == 4
    other = database.open(make_cipher(), clock)
    assert not take(other)
    assert take(other, "channel:autre")
    clock.advance(20)
    assert SPAN - 20 <= wait(other) <= SPAN - 19.9
    clock.advance(SPAN - 20 + 0.1)
    assert (took(other), took(store)) == (4, 0)
    other.close()


def test_a_refusal_says_how_long_to_wait(store: SqlStore, clock: FrozenClock) -> None:
    assert took(store) == 4
    clock.advance(10)
    said = waits(store)
    assert said == {SCOPE: wait(store)} and SPAN - 10 <= said[SCOPE] < SPAN - 9.9
    clock.advance(said[SCOPE])
    assert take(store)


def test_all_scopes_or_none(store: SqlStore, clock: FrozenClock) -> None:
    domain, two = "domain:mss/dest.test", per_minute(2, 2)
    asks = ((SCOPE, LIMIT), (domain, two))
    assert [waits(store, *asks), waits(store, *asks)] == [{}, {}]
    assert set(waits(store, *asks)) == {domain}
    assert took(store) == 2, "the refused one cost the channel nothing"
    assert set(waits(store, *asks)) == {SCOPE, domain}
    assert wait(store, two, "domain:mss/ailleurs.test") == 0


def test_wall_time_says_nothing(store: SqlStore, clock: FrozenClock) -> None:
    """An hour back, a day forward, the end of summer time: no mail more, no second longer."""
    assert took(store) == 4
    for step in (-3600, 86_400, -7200, 10**7):
        clock.step(step)
        assert not take(store)
    clock.advance(SPAN + 0.1)
    clock.step(-(10**6))
    assert took(store) == 4


def test_nodes_share_one_count(nodes: tuple[Node, Node]) -> None:
    a, b = nodes
    assert [take(a.store), take(b.store), take(a.store), take(b.store)] == [True] * 4
    assert not take(a.store) and not take(b.store)
    later(nodes, SPAN - 0.1)
    assert not take(a.store) and not take(b.store)
    later(nodes, 0.2)
    assert took(b.store) + took(a.store) == 4


def test_what_a_node_saw_itself_counts_whoever_wrote_since(nodes: tuple[Node, Node]) -> None:
    """The machine that wrote last started a moment ago and knows no ages; the other one saw them go by."""
    a, b = nodes
    assert took(a.store, per_minute(3, 3)) == 3
    later(nodes, 50)
    assert take(b.store), "its first look"
    later(nodes, SPAN - 50 + 0.1)
    assert wait(b.store) > 30, "three of unknown age, seen ten seconds ago"
    assert took(a.store) == 3, "its own three are old, the one of b is not"


def test_a_machine_that_started_again_waits_a_window_at_most(nodes: tuple[Node, Node]) -> None:
    a, _ = nodes
    assert took(a.store) == 4
    later(nodes, 30)
    assert take(a.store, "channel:autre")
    a.reboot()
    assert SPAN - 1 < wait(a.store) <= SPAN + 0.1, "the thirty seconds since the writing cannot be proved"
    later(nodes, SPAN + 0.1)
    assert took(a.store) == 4


def test_a_process_that_started_again_waits_no_longer(nodes: tuple[Node, Node]) -> None:
    a, _ = nodes
    assert took(a.store) == 4
    later(nodes, 30)
    a.restart()
    assert wait(a.store) <= SPAN - 29.9


@pytest.mark.parametrize("running", [False, True])
def test_a_machine_put_back_to_an_earlier_state_gains_nothing(nodes: tuple[Node, Node], running: bool) -> None:
    """A snapshot of a virtual machine: same boot, its clock shows less than the row."""
    a, _ = nodes
    assert took(a.store) == 4
    a.clock.elapsed -= 500
    if not running:
        a.restart()
    assert not take(a.store)
    later(nodes, SPAN - 1)
    assert not take(a.store)
    later(nodes, 1.1)
    assert took(a.store) == 4


def test_a_machine_put_back_a_little_loses_no_more_than_that(nodes: tuple[Node, Node]) -> None:
    """What it wrote by its clock before is no proof of age any more, also once that clock has caught up."""
    a, _ = nodes
    assert took(a.store) == 4
    a.clock.elapsed -= 20
    assert not take(a.store)
    later(nodes, 21)
    assert wait(a.store) == pytest.approx(SPAN - 21, abs=0.1)


def test_what_this_process_wrote_itself_is_read_no_second_time(
    store: SqlStore, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row holds up to some hundred facts a window, and is asked about before every mail."""
    assert take(store)

    def refuse(found: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("dispatcher.store.pace.from_json", refuse)
    for _ in range(3):
        clock.advance(1)
        assert take(store)
    assert not take(store)
    clock.advance(SPAN - 3.1)
    assert wait(store) == pytest.approx(0.1, abs=0.01)


def test_a_grant_rolled_back_never_was(store: SqlStore, clock: FrozenClock) -> None:
    class Fault(Exception):
        pass

    for _ in range(9):
        with pytest.raises(Fault), store.transaction() as uow:
            assert not uow.pace.take_all([(SCOPE, LIMIT)])
            assert uow.pace.wait(SCOPE, per_minute(1)) > 0, "it sees its own"
            raise Fault
    assert took(store) == 4
    clock.advance(SPAN / 2)
    with pytest.raises(Fault), store.transaction() as uow:
        uow.pace.take_all([(SCOPE, per_minute(5, 5))])
        raise Fault
    assert not take(store)


def test_what_was_rolled_back_is_not_remembered_as_old(nodes: tuple[Node, Node]) -> None:
    """Else the next grant, of another node, would be taken for the one that never was."""

    class Fault(Exception):
        pass

    a, b = nodes
    assert take(a.store)
    later(nodes, SPAN + 1)
    with pytest.raises(Fault), a.store.transaction() as uow:
        assert not uow.pace.take_all([(SCOPE, LIMIT)])
        assert uow.pace.wait(SCOPE, LIMIT) == 0
        raise Fault
    later(nodes, 50)
    assert take(b.store)
    later(nodes, SPAN - 50 + 1)
    assert took(a.store) == 3


def test_several_windows_and_a_warm_up_hold(store: SqlStore, clock: FrozenClock) -> None:
    limit = per_minute(4, 4, longer=(Window(6, timedelta(hours=1)),), warm_up=((1, 8), (2, 9)))
    assert took(store, limit) == 4
    clock.advance(100)
    assert took(store, limit) == 2
    clock.advance(3700)
    assert took(store, limit) == 2
    clock.step(40 * 86_400)
    assert took(store, limit) == 0, "a clock set forward warms nothing up"
    clock.advance(86_400 - 3800 + 100)
    assert took(store, limit) == 4
    clock.advance(61)
    assert took(store, limit) == 1, "nine in a day; the first four are older"


def test_a_warm_up_goes_on_over_restarts(nodes: tuple[Node, Node]) -> None:
    a, b = nodes
    limit = per_minute(2, 2, warm_up=((1, 2),))
    assert took(a.store, limit) == 2
    later(nodes, DAY.total_seconds() + 100)
    a.restart()
    assert took(a.store, limit) == 2
    later(nodes, 61)
    a.reboot()
    assert took(b.store, limit) == 0, "its first look"
    later(nodes, 61)
    assert took(b.store, limit) == 2, "a knew that the first day is over, and wrote it down"


def test_a_row_of_an_earlier_version_counts_as_a_full_minute_once(
    store: SqlStore, clock: FrozenClock, raw: Callable[[str], list[Any]]
) -> None:
    with store.transaction() as uow:
        uow.pace.pause(SCOPE, clock.now(), "passé")
    raw("UPDATE pace SET first_at = '2026-03-01T09:00:00.000000+00:00', seconds = 864000")
    limit = per_minute(4, 4, longer=(Window(6, timedelta(hours=1)),), warm_up=((5, 1),))
    assert wait(store, limit) > 60
    clock.advance(40)
    assert 0 < wait(store, limit) < 21, "asking does not begin it anew"
    clock.advance(21)
    assert took(store, limit) == 2, "and is warm since long"


def test_a_smaller_limit_holds_at_once(store: SqlStore, clock: FrozenClock) -> None:
    assert took(store, per_minute(60, 60)) == 60
    clock.advance(30)
    assert not take(store)
    clock.advance(SPAN - 30 + 0.1)
    assert took(store) == 4


def test_the_scope_of_a_mailbox_names_nobody(store: SqlStore) -> None:
    with store.transaction() as uow:
        one, two = (uow.pace.mailbox("mss", address) for address in ("a.martin@dest.test", "b.martin@dest.test"))
        assert one == uow.pace.mailbox("mss", "a.martin@dest.test") != two
        assert one.startswith("mailbox:mss/") and "martin" not in one


def test_idle_recipients_are_forgotten_and_channels_never(
    store: SqlStore, clock: FrozenClock, raw: Callable[[str], list[Any]]
) -> None:
    def scopes() -> list[str]:
        return sorted(row[0] for row in raw("SELECT scope FROM pace"))

    def swept() -> int:
        with store.transaction() as uow:
            return uow.pace.sweep(most=2)

    recipients = [f"domain:mss/d{n}.test" for n in range(3)] + ["mailbox:mss/aa", "mailbox:mss/bb"]
    assert took(store) == 4
    assert all(take(store, scope) for scope in recipients)
    assert [swept() for _ in range(4)] == [0] * 4
    clock.advance(SPAN - 1)
    assert take(store, "mailbox:mss/bb")
    clock.advance(2)
    assert sum(swept() for _ in range(4)) == 4
    assert scopes() == [SCOPE, "mailbox:mss/bb"]
    assert took(store, scope="mailbox:mss/aa") == 4, "from the beginning"


def test_a_count_begun_anew_is_not_taken_for_the_old_one(nodes: tuple[Node, Node]) -> None:
    """What a node remembers of a row that was swept since says nothing of the row that came after it."""
    a, b = nodes
    domain = "domain:mss/dest.test"
    assert took(a.store, scope=domain) == 4
    assert wait(b.store, scope=domain) > 0
    later(nodes, SPAN + 1)
    with a.store.transaction() as uow:
        assert uow.pace.sweep() == 1
    later(nodes, 200)
    assert took(a.store, scope=domain) == 4
    assert not take(b.store, domain)


def test_a_domain_kept_back_is_not_claimed(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    for number, address in enumerate(["a@grand.test", "b@petit.test", "c@grand.test"]):
        seed.dispatch(recipient_key=f"k{number}", address=address, domain=address.rpartition("@")[2])
    until = clock.now() + timedelta(seconds=30)
    with store.transaction() as uow:
        uow.pace.keep_back("mss", "grand.test", until)
        uow.pace.keep_back("mss", "grand.test", until + timedelta(seconds=10))
        uow.pace.keep_back("mss", "d@petit.test", until)
        assert uow.pace.kept_back("mss", clock.now()) == until + timedelta(seconds=10)
        assert uow.pace.kept_back("mss", clock.now(), "d@petit.test") == until
        assert uow.pace.kept_back("autre", clock.now()) is None
    assert [dispatch.address for dispatch in seed.claim()] == ["b@petit.test"]
    clock.advance(41)
    assert {dispatch.address for dispatch in seed.claim()} == {"a@grand.test", "c@grand.test"}
    assert all(dispatch.state is State.SENDING for dispatch in seed.claim())


def test_a_pause_is_for_all_and_survives_a_restart(database: Database, store: SqlStore, clock: FrozenClock) -> None:
    def paused(one: SqlStore) -> str | None:
        with one.reading() as uow:
            return uow.pace.paused(SCOPE, clock.now())

    assert paused(store) is None
    with store.transaction() as uow:
        uow.pace.resume(SCOPE)
        uow.pace.pause(SCOPE, clock.now() + timedelta(minutes=1), "Mot de passe refusé")
        assert uow.pace.paused(SCOPE, clock.now()) == "Mot de passe refusé"
        assert uow.pace.tries_at(SCOPE, clock.now()) == clock.now() + timedelta(minutes=1), "by itself"
        assert uow.pace.tries_at("channel:other", clock.now()) is None
    other = database.open(make_cipher(), clock)
    assert paused(other) == "Mot de passe refusé"
    clock.advance(60)
    assert paused(other) is None
    with store.transaction() as uow:
        assert uow.pace.tries_at(SCOPE, clock.now()) is None, "it is over"
        uow.pace.pause(SCOPE, None, "Arrêt demandé")
        assert uow.pace.tries_at(SCOPE, clock.now()) is None, "a person ends it"
    clock.advance(10**6)
    assert paused(other) == "Arrêt demandé"
    with other.transaction() as uow:
        uow.pace.resume(SCOPE)
        assert uow.pace.paused(SCOPE, clock.now()) is None
    assert paused(store) is None and take(store)
    other.close()


def test_a_pause_of_everything_is_told_for_each_channel(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        assert uow.pace.take_all([(SCOPE, LIMIT)]) == {}
        uow.pace.pause(EVERYTHING, None, "Base restaurée")
        assert uow.pace.paused(SCOPE, clock.now()) == "Base restaurée", "also where the channel's row is locked already"
    with store.transaction() as uow:
        uow.pace.resume(SCOPE)
    with store.reading() as uow:
        assert uow.pace.paused(SCOPE, clock.now()) == uow.pace.paused("channel:autre", clock.now()) == "Base restaurée"
    with store.transaction() as uow:
        uow.pace.pause(SCOPE, None, "Mot de passe refusé")
        uow.pace.resume(EVERYTHING)
    with store.reading() as uow:
        assert uow.pace.paused("channel:autre", clock.now()) is None
        assert uow.pace.paused(SCOPE, clock.now()) == "Mot de passe refusé"


def test_a_pause_leaves_the_count_alone(store: SqlStore, clock: FrozenClock) -> None:
    assert took(store) == 4
    with store.transaction() as uow:
        uow.pace.pause(SCOPE, None, "Arrêt demandé")
        uow.pace.resume(SCOPE)
        assert uow.pace.take_all([(SCOPE, LIMIT)])
    assert not take(store)


def test_several_lines_share_one_count(store: SqlStore) -> None:
    limit = per_minute(50, 50)
    granted: list[bool] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for _ in range(30):
            granted.append(take(store, limit=limit))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(granted) == 120 and sum(granted) == 50


def test_several_lines_and_recipients_wait_in_no_circle(store: SqlStore) -> None:
    """Rows are made and locked by several at once, each with its own domains and mailboxes in another order."""
    limit, faults = per_minute(1000, 1000), list[BaseException]()
    start = threading.Barrier(4)

    def work(number: int) -> None:
        start.wait()
        try:
            for turn in range(15):
                one, two = (number + turn) % 4, (number * 3 + turn) % 4
                asks = [(f"mailbox:mss/{two}", limit), (SCOPE, limit), (f"domain:mss/{one}", limit)]
                assert not waits(store, *asks)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    with store.transaction() as uow:
        assert wait(store, per_minute(60, 60)) > 0
        assert uow.pace.take_all([(SCOPE, per_minute(61, 61))]) == {}


def test_a_damaged_count_is_told(store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    assert take(store)
    raw("UPDATE pace SET slots = '{\"id\": 3}'")
    with pytest.raises(StoreError) as raised:
        take(store)
    assert raised.value.code == "pace"
