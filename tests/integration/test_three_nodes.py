"""Three nodes on one PostgreSQL: one is killed, one cut off in the middle of a hand-over, the database restarted.

Counted at the SMTP side: nothing lost, nothing doubled, ``unknown`` for at most the hand-overs that were under way. The
nodes are installed services in network namespaces of their own; where those may not be made, on loopback behind proxies
(``tests/servers/network.py``). ``DISPATCHER_TEST_NETWORK=proxies`` asks for the latter.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher import wiring
from dispatcher.cli.installation import lay_out
from dispatcher.outbox.dispatch import JournalLine
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter, LeaseRow
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.service import nodes
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.crash.kit import CONFIG, drop
from tests.servers.network import Namespaces, Proxies, allowed, network, wait_for_port
from tests.servers.postgresql import PostgreSql, postgresql
from tests.servers.process import free_port

ROOT = Path(__file__).resolve().parents[2]
LEASE = 10.0
CONNECTIONS = 2
"""Of each node."""
SLACK = 5.0
"""Seconds a loaded machine may be late with a tick."""
FINAL = {State.READ, State.DELIVERED, State.UNKNOWN}
KIND = os.environ.get("DISPATCHER_TEST_NETWORK") or ("namespaces" if allowed() else "proxies")


@dataclass
class Cluster:
    """Three services, their hub, and the truth as seen past the network."""

    net: Namespaces | Proxies
    folder: Path
    database: PostgreSql
    office: Office
    operator: SandboxOperator
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    dropped: int = 0

    def start(self, node: int) -> None:
        command = [sys.executable, "-m", "dispatcher", "-v", "--config", str(self.folder / f"n{node}.toml"), "run"]
        self.running[node] = self.net.popen(node, command, self.folder / f"n{node}.log")

    def drop(self, count: int) -> None:
        drop(self.folder, range(self.dropped, self.dropped + count))
        self.dropped += count

    def unfinished(self) -> int:
        with self.office.store.reading() as uow:
            files, dispatches = uow.files.counts(), uow.dispatches.counts()
        moving = sum(files.get(state, 0) for state in (FileState.WAITING, FileState.RECEIVED, FileState.READ))
        return moving + sum(count for state, count in dispatches.items() if state not in FINAL)

    def standing(self) -> int:
        return len([path for path in (self.folder / "entree").iterdir() if path.is_file()])

    def held(self) -> int:
        """Final dots that wait for their answer."""
        path = self.folder / "bac-a-sable" / "held"
        return int(path.read_text(encoding="ascii") or 0) if path.exists() else 0

    def begun(self) -> Counter[str]:
        """Hand-overs under way, by node."""
        with self.office.store.reading() as uow:
            found = uow.dispatches.list(DispatchFilter(states=(State.SENDING,), limit=10_000))
        return Counter(one.lease_owner.partition(":")[0] for one in found if one.submitting_since is not None)

    def operator_count(self) -> int:
        path = self.operator.accepted_file
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def hold(self, wanted: bool) -> None:
        path = self.folder / "bac-a-sable" / "hold"
        path.touch() if wanted else path.unlink()

    def wait(self, what: Callable[[], object], patience: float = 300) -> None:
        deadline = time.monotonic() + patience
        while not what():
            if time.monotonic() > deadline:
                logs = "\n".join((self.folder / f"n{n}.log").read_text(errors="replace")[-1500:] for n in self.running)
                pytest.fail(f"not in {patience} s; held {self.held()}, unfinished {self.unfinished()}\n{logs}")
            time.sleep(0.1)

    def settle(self) -> None:
        """Until everything dropped so far is at its end."""
        self.wait(lambda: not self.standing() and not self.unfinished())

    def journal(self) -> dict[str, tuple[JournalLine, ...]]:
        with self.office.store.reading() as uow:
            found = uow.dispatches.list(DispatchFilter(limit=10_000))
            return {one.id: uow.journal.of_subject(one.id) for one in found}

    def doubted(self) -> int:
        """Hand-overs that ever were of unknown outcome."""
        lines = [line for told in self.journal().values() for line in told]
        return sum(
            line.event == "dispatch.unknown"
            or (line.event == "dispatch.lease-expired" and line.detail.get("to") == "unknown")
            for line in lines
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as closing:
        net = closing.enter_context(network(3, kind=KIND))
        database = closing.enter_context(postgresql(fsync=True, prefix=net.in_hub(), host=net.hub))
        name, port = database.create(), free_port()
        operator = SandboxOperator(tmp_path / "bac-a-sable")
        text = CONFIG.replace("lease_seconds = 2", f"lease_seconds = {LEASE}").replace(
            "per_minute = 600\nburst = 20", "per_minute = 6000\nburst = 100"
        )
        local = text.format(url=database.local_url(name), port=port, workers=1)
        lay_out(tmp_path, operator, config=local, now=datetime.now(UTC))
        for node in (1, 2, 3):
            host, smtp = net.route(node, port)
            url = database.url_from(*net.route(node, database.port), name)
            own = text.format(url=url, port=smtp, workers=1).replace('host = "127.0.0.1"', f'host = "{host}"')
            own = own.replace("[service]", f'[service]\nnode = "n{node}"')
            (tmp_path / f"n{node}.toml").write_text(own, encoding="utf-8")
        command = [*net.in_hub(), sys.executable, "-m", "tests.servers.hub_operator"]
        with (tmp_path / "operator.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, str(operator.folder), net.hub, str(port)], cwd=ROOT, stdout=log, stderr=log
            )
        closing.callback(process.wait, 10)
        closing.callback(process.kill)
        wait_for_port(net.in_hub(), net.hub, port)
        office = wiring.build(load(tmp_path / "dispatcher.toml"))
        closing.callback(office.close)
        yield Cluster(net, tmp_path, database, office, operator)


def of_node(line: JournalLine, *numbers: int) -> bool:
    return str(line.detail.get("owner", "")).startswith(tuple(f"n{number}:" for number in numbers))


def check_fences(told: dict[str, tuple[JournalLine, ...]]) -> None:
    """Who lost a dispatch writes nothing more over it: an outcome follows a claim, fences rise."""
    outcomes = {"dispatch.sent", "dispatch.deferred", "dispatch.failed", "dispatch.unknown"}
    for lines in told.values():
        held, fence, doubt = False, 0, False
        for line in lines:
            if line.event == "dispatch.sending":
                assert int(str(line.detail["fence"])) > fence and not doubt, "begun again in doubt"
                held, fence = True, int(str(line.detail["fence"]))
            elif line.event in {"dispatch.lease-expired", "dispatch.released"}:
                held, doubt = False, line.detail.get("to") == "unknown"
            elif line.event in outcomes:
                assert held, f"{line.event} by somebody who held nothing any more"
                held, doubt = False, line.event == "dispatch.unknown"
            elif line.event.endswith("-late"):
                doubt = False


def check_counts(cluster: Cluster, doubted: int) -> None:
    """The SMTP side against the store."""
    accepted = Counter(
        json.loads(line)["message_id"] for line in cluster.operator.accepted_file.read_text().splitlines()
    )
    with cluster.office.store.reading() as uow:
        dispatches = uow.dispatches.list(DispatchFilter(limit=10_000))
        files = uow.files.counts()
        lines, fault = uow.journal.verify()
    assert [message_id for message_id, count in accepted.items() if count > 1] == [], "doubled"
    assert len(dispatches) == cluster.dropped == files.get(FileState.DONE, 0), "one dispatch a file, none lost"
    assert {d.state for d in dispatches} <= FINAL, Counter(d.state for d in dispatches)
    never = {d.message_id for d in dispatches} - set(accepted)
    assert never <= {d.message_id for d in dispatches if d.state is State.UNKNOWN}, "lost"
    assert set(accepted) <= {d.message_id for d in dispatches}
    assert files.get(FileState.DUPLICATE, 0) == files.get(FileState.QUARANTINED, 0) == 0
    assert fault == "" and lines > cluster.dropped
    assert cluster.doubted() <= doubted, "unknown for more than what was under way"
    check_fences(cluster.journal())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_node_killed_and_one_cut_off_in_mid_send(cluster: Cluster) -> None:
    for node in (1, 2, 3):
        cluster.start(node)
    cluster.wait(lambda: len(nodes.view(cluster.office.store).nodes) == 3)
    cluster.hold(True)
    cluster.drop(180)
    cluster.wait(lambda: len(cluster.begun()) == 3 and cluster.held() == cluster.begun().total())
    begun = cluster.begun()
    owners = {one.name: one.node for one in _leases(cluster)}

    moment = datetime.now(UTC)
    os.killpg(cluster.running[1].pid, signal.SIGKILL)
    cluster.net.cut(2)
    cluster.hold(False)
    cluster.drop(20)
    cluster.settle()
    late = timedelta(seconds=1.25 * LEASE + SLACK + (0 if KIND == "namespaces" else 20))  # a proxy hides who is gone
    expired = [
        line
        for told in cluster.journal().values()
        for line in told
        if line.event == "dispatch.lease-expired" and of_node(line, 1, 2)
    ]
    taken = [(line.at - moment).total_seconds() for line in expired]
    print(f"{KIND}: {len(taken)} taken back after {min(taken):.1f} to {max(taken):.1f} s; owners before {owners}")
    assert len(expired) >= begun["n1"] + begun["n2"] and max(line.at for line in expired) - moment <= late
    assert {one.node for one in _leases(cluster)} == {"n3"}, "folder, mailbox and ticks too"
    cluster.wait(lambda: len(nodes.view(cluster.office.store).alarms) == 2)  # silence counts from 20 s on

    cluster.net.heal(2)
    cluster.start(1)
    back = datetime.now(UTC)
    cluster.wait(lambda: not nodes.view(cluster.office.store).alarms)

    def all_claim() -> bool:
        """Work comes in until each has had some; the healed one may first wait out a reply that the cut swallowed."""
        if not cluster.unfinished():
            cluster.drop(100)  # more than the first to wake can take at once
        lines = [line for told in cluster.journal().values() for line in told if line.event == "dispatch.sending"]
        return {n for n in (1, 2, 3) for line in lines if line.at > back and of_node(line, n)} == {1, 2, 3}

    cluster.wait(all_claim)
    cluster.settle()
    _stop(cluster)
    check_counts(cluster, doubted=2 * CONNECTIONS)
    assert cluster.doubted() >= begun["n1"] + begun["n2"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_postgresql_restarted_and_crashed_under_load(cluster: Cluster) -> None:
    for node in (1, 2, 3):
        cluster.start(node)
    cluster.wait(lambda: len(nodes.view(cluster.office.store).nodes) == 3)
    for again in (cluster.database.restart, _crash(cluster.database)):
        before = cluster.operator_count()
        cluster.drop(120)
        cluster.wait(lambda before=before: cluster.operator_count() > before + 10)  # type: ignore[misc]
        again()
    cluster.settle()
    assert all(process.poll() is None for process in cluster.running.values()), "each went on by itself"
    _stop(cluster)
    check_counts(cluster, doubted=2 * 3 * CONNECTIONS)


@pytest.mark.timeout(300)
def test_a_drained_node_stays_up_and_the_others_go_on(cluster: Cluster) -> None:
    for node in (1, 2):
        cluster.start(node)
    cluster.wait(lambda: len(nodes.view(cluster.office.store).nodes) == 2)
    assert nodes.drain(cluster.office.store, "n1", actor="operator:eve") == "draining"
    cluster.wait(lambda: all(one.node == "n2" for one in _leases(cluster)) and "worker drains" in _log(cluster, 1))
    moment = datetime.now(UTC)
    cluster.drop(40)
    cluster.settle()
    claims = [line for told in cluster.journal().values() for line in told if line.event == "dispatch.sending"]
    assert not [line for line in claims if line.at > moment and of_node(line, 1)]
    assert cluster.running[1].poll() is None
    assert nodes.resume(cluster.office.store, "n1", actor="operator:eve")
    cluster.wait(lambda: "worker goes on" in _log(cluster, 1))
    _stop(cluster)
    assert nodes.view(cluster.office.store).nodes == (), "they said goodbye"
    check_counts(cluster, doubted=0)


@pytest.mark.parametrize("kind", ["namespaces", "proxies"])
def test_the_network_is_cut_and_healed(kind: str, tmp_path: Path) -> None:
    """The tool of the tests above: silence while cut, on one node only."""
    if kind == "namespaces" and not allowed():
        kind = "proxies"
    code = (
        "import socket, sys\nline = socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)\n"
        "line.settimeout(1)\nline.sendall(b'x')\nassert line.recv(1) == b'y'"
    )
    server = (
        "import socket, sys\nlistening = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
        "while True:\n    line, _ = listening.accept()\n    try:\n"
        "        line.recv(1)\n        line.sendall(b'y')\n    except OSError:\n        pass\n    line.close()"
    )
    with network(2, kind=kind) as net:
        port = free_port()
        process = subprocess.Popen(
            [*net.in_hub(), sys.executable, "-c", server, net.hub, str(port)], stderr=subprocess.DEVNULL
        )
        try:
            wait_for_port(net.in_hub(), net.hub, port)

            def reaches(node: int) -> bool:
                host, there = net.route(node, port)
                return net.popen(node, [sys.executable, "-c", code, host, str(there)], tmp_path / "log").wait(30) == 0

            assert reaches(1) and reaches(2)
            net.cut(2)
            assert reaches(1) and not reaches(2)
            net.heal(2)
            assert reaches(2)
        finally:
            process.kill()
            process.wait(10)


def _leases(cluster: Cluster) -> list[LeaseRow]:
    with cluster.office.store.reading() as uow:
        now = uow.nodes.now()
        return [one for one in uow.leases.list() if one.owner and one.until is not None and one.until > now]


def _log(cluster: Cluster, node: int) -> str:
    return (cluster.folder / f"n{node}.log").read_text(errors="replace")


def _crash(database: PostgreSql) -> Callable[[], None]:
    def crash() -> None:
        database.crash()
        database.start()

    return crash


def _stop(cluster: Cluster) -> None:
    time.sleep(1.5)  # the last notices
    for process in cluster.running.values():
        process.send_signal(signal.SIGTERM)
    for process in cluster.running.values():
        assert process.wait(40) == 0
