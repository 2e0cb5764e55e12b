"""Several nodes on a network that can be cut: ``with network(3) as net``.

As root each node lives in a network namespace of its own, beside a hub with a bridge, the database and the operator: a
cut takes the node's port off the bridge, so that neither side sees more than silence. Where namespaces may not be made
(an ordinary user, most containers) the nodes stand on loopback and reach the hub through fault proxies of their own,
which swallow everything while cut: the behaviour under test is the same. Nothing is added to the machine's own network.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.servers.faultproxy import FaultProxy

HUB = "198.18.0.1"
"""RFC 2544: for tests, never routed."""


class Network(Protocol):
    """What both kinds can do. Nodes are numbered from 1."""

    kind: str
    hub: str
    """Where servers of the hub listen."""

    def in_hub(self) -> tuple[str, ...]:
        """Words before the command of a server in the hub."""

    def route(self, node: int, port: int) -> tuple[str, int]:
        """Address and port under which a node reaches that port of the hub."""

    def popen(self, node: int, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a command on a node, in a process group of its own, its output added to ``log``."""

    def cut(self, node: int) -> None:
        """From now on nothing passes between the node and the hub; open connections are not broken."""

    def heal(self, node: int) -> None:
        """It passes again."""


@dataclass
class Started:
    """Processes of nodes; none outlives the test."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


class Namespaces:
    """One network namespace a node, and the hub's with the bridge."""

    kind, hub = "namespaces", HUB

    def __init__(self, count: int) -> None:
        self._id = f"t{os.getpid() % 100_000}"
        self._names: list[str] = []
        self._count = count
        self._started = Started()

    def make(self) -> None:
        """Raises CalledProcessError when this machine does not allow it."""
        hub = self._add("hub")
        # a bridge takes the lowest address of its ports, so a cut would change it under the feet of the others
        bridge = "link add br0 address 02:00:00:00:00:01 type bridge"
        for words in (bridge, f"addr add {HUB}/24 dev br0", "link set lo up", "link set br0 up"):
            _ip("-n", hub, *words.split())
        for number in range(1, self._count + 1):
            node = self._add(f"n{number}")
            _ip("link", "add", "eth0", "netns", node, "type", "veth", "peer", "name", f"to{number}", "netns", hub)
            _ip("-n", hub, "link", "set", f"to{number}", "master", "br0", "up")
            for words in (f"addr add 198.18.0.{10 + number}/24 dev eth0", "link set lo up", "link set eth0 up"):
                _ip("-n", node, *words.split())

    def _add(self, name: str) -> str:
        whole = f"{self._id}-{name}"
        _ip("netns", "add", whole)
        self._names.append(whole)
        return whole

    def in_hub(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", f"{self._id}-hub")

    def route(self, node: int, port: int) -> tuple[str, int]:
        del node
        return HUB, port

    def popen(self, node: int, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        return self._started.start(["ip", "netns", "exec", f"{self._id}-n{node}", *command], log)

    def cut(self, node: int) -> None:
        """The node keeps its carrier: only silence tells."""
        _ip("-n", f"{self._id}-hub", "link", "set", f"to{node}", "nomaster")

    def heal(self, node: int) -> None:
        _ip("-n", f"{self._id}-hub", "link", "set", f"to{node}", "master", "br0")

    def close(self) -> None:
        self._started.end()
        for name in reversed(self._names):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", name)


class Proxies:
    """Loopback: a node reaches each port of the hub through a proxy of its own."""

    kind, hub = "proxies", "127.0.0.1"

    def __init__(self) -> None:
        self._proxies: dict[tuple[int, int], FaultProxy] = {}
        self._started = Started()

    def in_hub(self) -> tuple[str, ...]:
        return ()

    def route(self, node: int, port: int) -> tuple[str, int]:
        proxy = self._proxies.get((node, port))
        if proxy is None:
            proxy = self._proxies[node, port] = FaultProxy((self.hub, port))
        return "127.0.0.1", proxy.port

    def popen(self, node: int, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        del node
        return self._started.start(command, log)

    def _of(self, node: int) -> list[FaultProxy]:
        return [proxy for (number, _), proxy in self._proxies.items() if number == node]

    def cut(self, node: int) -> None:
        """Kernel timers do not run on a swallowed stream: lines that were open end after what they would take."""
        for proxy in self._of(node):
            proxy.blackhole = True

    def heal(self, node: int) -> None:
        for proxy in self._of(node):
            proxy.cut()  # what was in the pipe while it was cut is lost, as on a real network
            proxy.blackhole = False

    def close(self) -> None:
        self._started.end()
        for proxy in self._proxies.values():
            proxy.blackhole = False
            proxy.close()


@contextmanager
def network(count: int, *, kind: str = "") -> Iterator[Namespaces | Proxies]:
    """``count`` nodes and a hub. ``kind``: ``namespaces`` or ``proxies``; without it what this machine allows."""
    wanted = kind or ("namespaces" if allowed() else "proxies")
    if wanted == "proxies":
        proxies = Proxies()
        try:
            yield proxies
        finally:
            proxies.close()
        return
    net = Namespaces(count)
    try:
        net.make()
        yield net
    finally:
        net.close()


def allowed() -> bool:
    """Whether namespaces can be made and joined here: root, the program, and a kernel that lets it."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    probe = Namespaces(1)
    try:
        probe.make()
        return subprocess.run([*probe.in_hub(), "true"], capture_output=True, timeout=10).returncode == 0
    except (subprocess.CalledProcessError, OSError):
        return False
    finally:
        probe.close()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


def wait_for_port(prefix: Sequence[str], host: str, port: int, patience: float = 20) -> None:
    """Until somebody listens there, asked from within ``prefix``. Raises TimeoutError."""
    code = f"import socket; socket.create_connection(({host!r}, {port}), 1).close()"
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not prefix:
            with suppress(OSError), socket.create_connection((host, port), 1):
                return
        elif subprocess.run([*prefix, "python3", "-c", code], capture_output=True, timeout=10).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {host}:{port}")
