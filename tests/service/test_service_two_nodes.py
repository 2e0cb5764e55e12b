"""Several nodes on one store: one cares for a folder, and whoever was frozen or cut off spoils nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.daemon import steps
from dispatcher.daemon.membership import Membership, node_name
from dispatcher.daemon.worker import ORDERS, Orders
from dispatcher.errors import NameTaken, StoreError
from dispatcher.intake import aside
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Found, Taken
from dispatcher.service import alarms, nodes
from dispatcher.service.receive import Received
from dispatcher.settings.service import ServiceSettings
from tests.service.bench import LEASE, Bench
from tests.service.samples import oru

LONG = LEASE.total_seconds() + 1


class Node:
    """A service on the bench's store and folder."""

    def __init__(self, bench: Bench, name: str, spool: FolderSpool | None = None) -> None:
        self.table = "v1"
        service = ServiceSettings(node=name, lease_seconds=LEASE.total_seconds(), collect_seconds=30)
        office: Any = SimpleNamespace(
            store=bench.real,
            clock=bench.clock,
            settings=SimpleNamespace(service=service),
            directory=SimpleNamespace(versions=lambda: {"local": self.table}),
            channels={},
        )
        self.bench, self.office, self.member = bench, office, Membership(office)
        self.member.owner = f"{name}:1:token"  # as from a process of its own
        self.spools = [spool or FolderSpool("sil", bench.sources["sil"], bench.clock)]

    def scan(self) -> Received:
        return steps.scan(self.office, self.spools, self.member)

    def take(self) -> Received:
        self.scan()
        self.bench.clock.advance(1.5)
        return self.scan()


def in_folder(bench: Bench) -> list[str]:
    return sorted(path.name for path in bench.inbox.iterdir())


class Frozen(FolderSpool):
    """Stands still at a moment, while ``meanwhile`` happens."""

    def __init__(self, bench: Bench, moment: str, meanwhile: Callable[[], object]) -> None:
        super().__init__("sil", bench.sources["sil"], bench.clock)
        self.moment, self.meanwhile, self.waits = moment, meanwhile, True

    def _stand_still(self, moment: str) -> None:
        if self.waits and self.moment == moment:
            self.waits = False
            self.meanwhile()

    def take(self, found: Found) -> Taken | None:
        taken = super().take(found)
        self._stand_still("read")
        return taken

    def finish(self, path: str, siblings: Any, digest: str) -> None:
        self._stand_still("committed")
        super().finish(path, siblings, digest)

    def _put_away(self, file: Any, name: str) -> None:
        self._stand_still("aside")
        super()._put_away(file, name)


def test_one_node_cares_for_a_folder(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    first, second = Node(bench, "nord"), Node(bench, "sud")
    first.scan()
    assert second.take().elsewhere == ["sil"]
    assert first.scan().taken == 1
    assert bench.file_states() == [FileState.RECEIVED] and in_folder(bench) == []


def test_what_one_holds_aside_the_other_does_not_put_back(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    second = Node(bench, "sud")
    seen: list[list[str]] = []

    def other() -> None:
        second.take()
        seen.append(in_folder(bench))

    assert Node(bench, "nord", Frozen(bench, "aside", other)).take().taken == 1
    assert seen == [[f"{aside.PREFIX}-1.a.hl7"]]
    assert bench.file_states() == [FileState.RECEIVED] and in_folder(bench) == []


@pytest.mark.parametrize("moment", ["read", "committed", "aside"])
def test_who_wakes_up_after_his_lease_doubles_nothing(bench: Bench, moment: str) -> None:
    """The other node has taken the folder over, and all that stands in it, when the first goes on."""
    bench.drop("a.hl7", oru())
    second = Node(bench, "sud")

    def frozen() -> None:
        bench.clock.advance(LONG)
        second.take()
        second.take()

    first = Node(bench, "nord", Frozen(bench, moment, frozen))
    first.take()
    states = bench.file_states()
    assert states.count(FileState.RECEIVED) == 1 and set(states) <= {FileState.RECEIVED}
    assert first.scan().elsewhere == ["sil"]
    second.take()
    assert in_folder(bench) == [] and len(bench.files()) == 1


@pytest.mark.parametrize("linked", [False, True])
def test_two_sources_of_one_folder_are_in_the_care_of_one_node(bench: Bench, linked: bool) -> None:
    """Else the node of one source would put back what the other's holds aside."""
    bench.drop("a.hl7", oru())
    place = bench.inbox
    if linked:
        place = bench.inbox.parent / "link"
        place.symlink_to(bench.inbox)
    settings = bench.sources["sil"]
    docs = settings.model_copy(update={"folder": place, "patterns": ["*.pdf"]})
    first, second = Node(bench, "nord"), Node(bench, "sud")
    for node in (first, second):
        node.spools.append(FolderSpool("docs", docs, bench.clock))
    second.scan()
    with bench.real.transaction() as uow:
        uow.leases.let_go(second.member.owner, "source:sil")  # as if it had lost this one alone
    assert first.take().elsewhere == ["sil", "docs"]
    assert second.scan().taken == 1


def test_who_wakes_up_removes_nothing_of_his_successors(bench: Bench) -> None:
    """A file of the same name came meanwhile and stands aside under the successor's fence when the first goes on."""
    path = bench.drop("a.hl7", oru())
    second, other = Node(bench, "sud"), oru("R001")
    successor: list[Any] = []

    def frozen() -> None:
        bench.clock.advance(LONG)
        second.take()
        second.take()
        bench.drop("a.hl7", other)
        successor.append(aside.holding(path, fence=2))
        successor[0].__enter__()

    Node(bench, "nord", Frozen(bench, "aside", frozen)).take()
    assert in_folder(bench) == [f"{aside.PREFIX}-2.a.hl7"]
    successor[0].__exit__(None, None, None)
    assert path.read_bytes() == other


def test_a_stale_node_leaves_aside_what_its_successor_holds(bench: Bench) -> None:
    path = bench.drop("a.hl7", oru())
    late = FolderSpool("sil", bench.sources["sil"], bench.clock)
    late.fence = 3
    with aside.holding(path, fence=4):
        assert late.scan() == () and in_folder(bench) == [f"{aside.PREFIX}-4.a.hl7"]
    with aside.holding(path, fence=2):
        assert len(late.scan()) == 1 and in_folder(bench) == ["a.hl7"]


def test_a_clean_end_frees_the_folder_at_once(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    first, second = Node(bench, "nord"), Node(bench, "sud")
    first.member.join()
    first.scan()
    first.member.leave()
    assert second.take().taken == 1
    assert first.scan().elsewhere == ["sil"], "who said goodbye takes nothing any more"


def test_who_starts_again_after_a_kill_waits_for_nobody(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    dead = Node(bench, "nord")
    dead.member.join()
    dead.scan()
    again = Node(bench, "nord")
    again.member.owner = "nord:2:other"
    again.member.join()
    assert again.take().taken == 1


def test_once_beside_the_living_service_says_whose_the_folder_is(bench: Bench) -> None:
    service, once = Node(bench, "nord"), Node(bench, "nord")
    once.member.owner = "nord:2:once"
    service.member.join()
    service.scan()
    nodes.take_over_own(bench.real, "nord")
    assert once.scan().elsewhere == ["sil"]
    bench.clock.advance(nodes.SILENT.total_seconds() + 1)  # it was killed
    nodes.take_over_own(bench.real, "nord")
    assert once.scan().elsewhere == []


# ------------------------------------------------------------------------------------------------ ticks


def test_a_tick_is_one_nodes_until_it_stops_coming(bench: Bench) -> None:
    ran: list[str] = []
    a, b = Node(bench, "nord"), Node(bench, "sud")
    for _ in range(5):
        for node in (a, b):
            node.member.elected("batch", 2, lambda n=node: ran.append(n.member.name))  # type: ignore[misc]
        bench.clock.advance(2)
    assert ran == ["nord"] * 5
    bench.clock.advance(10)  # five missed ticks of two seconds
    b.member.elected("batch", 2, lambda: ran.append("sud"))
    a.member.elected("batch", 2, lambda: ran.append("nord"))
    assert ran[5:] == ["sud"]


def test_a_long_job_keeps_its_tick(bench: Bench) -> None:
    ran: list[str] = []
    a, b = Node(bench, "nord"), Node(bench, "sud")
    a.member.join()

    def long() -> None:
        for _ in range(20):
            bench.clock.advance(5)
            a.member.beat()
            b.member.elected("drift", 600, lambda: ran.append("sud"))

    a.member.elected("drift", 2, long)
    assert ran == []


def test_a_hung_share_is_not_kept_by_the_heartbeat(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    a, b = Node(bench, "nord"), Node(bench, "sud")
    a.member.join()
    a.scan()
    for _ in range(int(LONG // 5) + 1):
        bench.clock.advance(5)
        a.member.beat()
    assert b.take().taken == 1


# ------------------------------------------------------------------------------------------------ drain


def test_a_drained_node_lets_go_and_takes_nothing_until_it_resumes(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    a, b = Node(bench, "nord"), Node(bench, "sud")
    for node in (a, b):
        node.member.join()
    a.scan()
    assert nodes.drain(bench.real, "nord", actor="operator:eve") == "draining"
    assert a.member.beat() and not b.member.beat()
    assert b.take().taken == 1, "the folder is free at once"
    assert a.scan().elsewhere == ["sil"]
    assert nodes.resume(bench.real, "nord", actor="operator:eve")
    assert not a.member.beat()
    b.member.leave()
    assert a.scan().elsewhere == []


def test_the_last_node_at_work_is_not_drained_by_mistake(bench: Bench) -> None:
    a, b = Node(bench, "nord"), Node(bench, "sud")
    for node in (a, b):
        node.member.join()
    drain = lambda name, **more: nodes.drain(bench.real, name, actor="operator:eve", **more)  # noqa: E731
    assert drain("est") == "unknown"
    assert (drain("nord"), drain("sud")) == ("draining", "last")
    nodes.resume(bench.real, "nord", actor="operator:eve")
    bench.clock.advance(nodes.SILENT.total_seconds() + 1)
    b.member.beat()
    assert drain("sud") == "last", "a silent node takes over nothing"
    assert not b.member.beat()
    assert drain("sud", force=True) == "draining"


def test_that_all_nodes_drain_is_told_by_one_that_drains(bench: Bench) -> None:
    """Its own ticks are at rest, and a laboratory with one machine would hear of nothing."""
    a = Node(bench, "nord")
    a.member.join()
    nodes.drain(bench.real, "nord", actor="operator:eve", force=True)
    assert a.member.beat()
    (told,) = nodes.view(bench.real).alarms
    assert "(nord)" in told and "nodes resume nord" in told
    assert alarms.standing(bench.real, nodes.DRAINED) == told
    nodes.resume(bench.real, "nord", actor="operator:eve")
    assert not a.member.beat()
    a.member.elected("nodes", nodes.BEAT.total_seconds(), lambda: nodes.watch(bench.real))
    assert nodes.view(bench.real).alarms == () and alarms.standing(bench.real, nodes.DRAINED) == ""


def test_a_worker_process_hears_of_the_drain(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Node(bench, "nord")
    a.member.join()
    orders = Orders(a.office)
    assert not orders.draining()
    nodes.drain(bench.real, "nord", actor="operator:eve", force=True)
    assert [orders.draining() for _ in range(ORDERS)][-1]
    with monkeypatch.context() as away:
        away.setattr(type(bench.real), "reading", _away)
        assert all(orders.draining() for _ in range(3 * ORDERS)), "without an answer the last one stands"
    nodes.resume(bench.real, "nord", actor="operator:eve")
    assert not [orders.draining() for _ in range(ORDERS + 1)][-1]


def _away(*given: object, **more: object) -> None:
    raise StoreError("away", code="unavailable")


def test_forgetting_is_for_the_silent(bench: Bench) -> None:
    a = Node(bench, "nord")
    a.member.join()
    forget = lambda **more: nodes.forget(bench.real, bench.clock, "nord", actor="operator:eve", **more)  # noqa: E731
    assert forget() == "alive"
    assert forget(force=True) == "forgotten"
    assert forget() == "unknown"
    a.member.beat()  # it lived: it stands again
    assert [one.node.name for one in nodes.view(bench.real).nodes] == ["nord"]
    bench.clock.advance(nodes.SILENT.total_seconds() + 1)
    assert forget() == "forgotten"


def test_what_a_forgotten_node_claimed_is_queued_again(bench: Bench) -> None:
    bench.bring(oru())
    bench.batch()
    with bench.real.transaction() as uow:
        uow.dispatches.claim("pro", "nord:1:token/send/0", 1, LEASE, bench.clock.now())
    Node(bench, "nord").member.join()
    assert nodes.forget(bench.real, bench.clock, "nord", actor="operator:eve", force=True) == "forgotten"
    assert bench.states() == [State.QUEUED]


@pytest.mark.parametrize("clean", [True, False])
def test_two_services_under_one_name_are_told(bench: Bench, caplog: pytest.LogCaptureFixture, clean: bool) -> None:
    a, b = Node(bench, "nord"), Node(bench, "nord")
    a.member.join()
    b.member.join()
    for _ in range(3):
        a.member.beat()
        b.member.beat()
    assert sum("another service bears the name nord" in record.message for record in caplog.records) == 1
    (one,) = nodes.view(bench.real).nodes
    assert "Deux services portent le nom de poste « nord »" in one.twin and one.owns == ()
    assert (nodes.watch(bench.real), nodes.watch(bench.real)) == (1, 0)
    assert alarms.standing(bench.real, nodes.twins("nord")) == one.twin
    if clean:
        a.member.leave()
    else:  # a kill tells nobody
        for _ in range(int(nodes.SILENT.total_seconds()) // 5 + 1):
            bench.clock.advance(5)
            b.member.beat()
    nodes.watch(bench.real)
    assert nodes.view(bench.real).alarms == ()
    assert alarms.standing(bench.real, nodes.twins("nord")) == ""


def test_who_lost_his_place_to_one_that_died_stands_there_again(bench: Bench) -> None:
    a, b = Node(bench, "nord"), Node(bench, "nord")
    a.member.join()
    b.member.join()
    bench.clock.advance(nodes.SILENT.total_seconds() + 1)
    a.member.beat()
    assert nodes.view(bench.real).alarms == ()


# ------------------------------------------------------------------------------------------------ alarms


def test_a_silent_node_and_a_different_table_alarm_once_at_each_end(bench: Bench) -> None:
    a, b = Node(bench, "nord"), Node(bench, "sud")
    b.table = "v2"
    for node in (a, b):
        node.member.join()
    assert "table des destinataires" in nodes.view(bench.real).different
    assert (nodes.watch(bench.real), nodes.watch(bench.real)) == (1, 0)
    b.table = "v1"
    b.member.beat()
    assert nodes.watch(bench.real) == 1
    bench.clock.advance(nodes.SILENT.total_seconds() + 1)
    a.member.beat()
    (told,) = nodes.view(bench.real).alarms
    assert "« sud » ne donne plus signe de vie" in told and "nodes forget sud" in told
    assert (nodes.watch(bench.real), nodes.watch(bench.real)) == (1, 0)
    assert alarms.standing(bench.real, nodes.silence("sud")) == told
    nodes.forget(bench.real, bench.clock, "sud", actor="operator:eve")
    assert alarms.standing(bench.real, nodes.silence("sud")) == ""


@pytest.mark.parametrize(("skew", "told"), [(4.0, ""), (7.0, "avance de 7"), (-7.0, "retarde de 7")])
def test_a_wrong_clock_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch, skew: float, told: str) -> None:
    monkeypatch.setattr("dispatcher.store.nodes.SqlNodes._skew", lambda self: skew)
    Node(bench, "nord").member.join()
    text = "".join(nodes.view(bench.real).alarms)
    assert told in text and bool(text) == bool(told)


def test_a_name_is_found_for_a_machine_that_has_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Any = SimpleNamespace(service=ServiceSettings())
    for host, expected in (("LABO_É-1.chu.example", "labo_--1.chu.example"), ("...", "poste")):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        assert node_name(settings) == expected
        ServiceSettings(node=expected)


def test_nobody_is_stopped_by_a_store_that_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A goodbye that cannot be said ends all the same."""
    a = Node(bench, "nord")
    a.member.join()
    bench.real.close()
    monkeypatch.setattr(type(bench.real), "transaction", _away)
    thread = threading.Thread(target=a.member.leave)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    with suppress(StoreError):
        bench.real.close()


# ------------------------------------------------------------------------------------------------ one service a name


def enter(node: Node, monkeypatch: pytest.MonkeyPatch, runs: bool | None, each: Callable[[], object]) -> bool:
    """Start it while of the other one's process ``runs`` is known; ``each``: what happens meanwhile."""

    def stop() -> bool:
        each()
        return False

    monkeypatch.setattr("dispatcher.daemon.processes.runs", lambda number, mark: runs)
    return node.member.enter(stop)


def nothing() -> None:
    """Meanwhile."""


def test_a_second_service_of_a_name_does_not_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is seen to run here: refused at once, and the first keeps all it has."""
    bench.drop("a.hl7", oru())
    first, second = Node(bench, "nord"), Node(bench, "nord")
    assert enter(first, monkeypatch, True, nothing)
    first.scan()
    began = bench.clock.monotonic()
    with pytest.raises(NameTaken) as raised:
        enter(second, monkeypatch, True, nothing)
    assert bench.clock.monotonic() == began
    (row,) = (one.node for one in nodes.view(bench.real).nodes)
    assert "« nord »" in str(raised.value) and row.host in str(raised.value) and str(row.pid) in str(raised.value)
    assert "11/03/2026 10:00" in str(raised.value) and "[service] node" in raised.value.hint
    assert not first.member.beat() and first.member.take("source:sil") is not None
    assert not second.member.beat(), "it stands nowhere"


def test_who_was_killed_here_is_replaced_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.drop("a.hl7", oru())
    dead, again = Node(bench, "nord"), Node(bench, "nord")
    assert enter(dead, monkeypatch, None, nothing)
    dead.scan()
    again.member.owner = "nord:2:other"
    began = bench.clock.monotonic()
    assert enter(again, monkeypatch, False, nothing)
    assert bench.clock.monotonic() == began and again.take().taken == 1


def test_who_cannot_be_seen_from_here_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another container, or on another machine: its next sign of life refuses, its silence lets start."""
    other, here = Node(bench, "nord"), Node(bench, "nord")
    assert enter(other, monkeypatch, None, nothing)
    with pytest.raises(NameTaken):
        enter(here, monkeypatch, None, other.member.beat)
    began = bench.clock.monotonic()
    assert enter(here, monkeypatch, None, nothing)
    waited = bench.clock.monotonic() - began
    assert nodes.SILENT.total_seconds() <= waited < 2 * nodes.SILENT.total_seconds()
    assert not other.member.draining and len(nodes.view(bench.real).nodes) == 1


def test_a_sign_of_life_from_the_future_is_not_waited_for_until_then(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock was set back since."""
    dead, again = Node(bench, "nord"), Node(bench, "nord")
    assert enter(dead, monkeypatch, None, nothing)
    bench.clock.step(-3600)
    assert enter(again, monkeypatch, None, nothing)
    assert bench.clock.monotonic() < 2 * nodes.SILENT.total_seconds()


def test_a_stop_ends_the_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    other, here = Node(bench, "nord"), Node(bench, "nord")
    assert enter(other, monkeypatch, None, nothing)
    stops = iter((False, False, True))
    assert not here.member.enter(lambda: next(stops))


@pytest.mark.parametrize(
    ("runs", "said", "unsaid"),
    [
        (True, "n'écrit plus rien dans la base depuis 21 s", "nodes forget"),
        (False, "depuis 21 s et son processus n'existe plus", "disque"),
        (None, "Regarder sur la machine", "n'existe plus"),
    ],
)
def test_a_silent_service_that_lives_is_not_to_be_started_again(
    bench: Bench, runs: bool | None, said: str, unsaid: str
) -> None:
    Node(bench, "nord").member.join()
    bench.clock.advance(nodes.SILENT.total_seconds() + 1)
    (told,) = nodes.view(bench.real, lambda number, mark: runs).alarms
    assert said in told and unsaid not in told
