"""Four nodes send for hours through one store: no window is ever exceeded, hardly any of the rate is left (promise 4).

Time is played. Each node has clocks of its own: another origin, a second up to 0.05 % too long or too short, wall
time that is set to and fro; processes and machines stop and start again, are frozen, put back to a snapshot. What is
judged is the true moment each mail left, some tenths of a second after its grant.

    python -m pytest tests/service/test_service_pace_long.py --grants 100000 -s
"""

from __future__ import annotations

import heapq
import logging
import random
import shutil
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.outbox.pacing import PaceLimit, Window, per_minute
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import make_cipher
from tests.service.bench import Tools

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LIMIT = per_minute(600, longer=(Window(36_000, HOUR),), jitter=0.2)
GREAT = per_minute(250, 250)
MAILBOX = per_minute(40, 40)
GREAT_SHARE = 0.6
"""Of the mails, more than ``GREAT`` lets through."""
LATENCY = 0.2
"""Seconds at most between a grant and its first byte."""


@dataclass
class NodeClock:
    """The clocks of one machine; only ``world`` is true."""

    world: World
    rate: float
    boot_name: str
    started: float
    """True time at which this run of the machine counted 0."""
    wall: float = 0.0
    """Seconds its wall time is off."""

    def now(self) -> datetime:
        return datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(seconds=self.world.now + self.wall)

    def monotonic(self) -> float:
        return self.boot()[1]

    def boot(self) -> tuple[str, float]:
        return self.boot_name, (self.world.now - self.started) * self.rate

    def sleep(self, seconds: float) -> None:
        raise AssertionError("played time does not sleep")


@dataclass
class World:
    """True time, and what truly left."""

    database: Path
    tools: Tools
    chance: random.Random
    now: float = 0.0
    asked: int = 0
    left: dict[str, list[float]] = field(default_factory=dict)

    def open(self, clock: NodeClock) -> SqlStore:
        store = open_store(f"sqlite:///{self.database}", make_cipher(), clock)
        self.tools.share_statements(store)
        return store


class Node:
    def __init__(self, world: World, number: int) -> None:
        self.world = world
        rate = 1 + world.chance.uniform(-0.0005, 0.0005)
        self.clock = NodeClock(world, rate, f"boot-{number}-0", -world.chance.uniform(10, 10**7))
        self.store = world.open(self.clock)

    def turn(self) -> float:
        """Ask for one more; gives the seconds until this node asks again."""
        world, chance = self.world, self.world.chance
        world.asked += 1
        great = chance.random() < GREAT_SHARE
        with self.store.transaction() as uow:
            asks: list[tuple[str, PaceLimit]] = [("channel:pro", LIMIT)]
            if great:
                asks.append(("domain:pro/grand.test", GREAT))
            if chance.random() < 0.1:
                asks.append((uow.pace.mailbox("pro", "ehpad@petit.test"), MAILBOX))
            waits = uow.pace.take_all(asks)
        if not waits:
            for scope, _ in asks:
                world.left.setdefault(scope, []).append(world.now + chance.uniform(0, LATENCY))
            return chance.uniform(0.05, 0.25)
        if "channel:pro" in waits:
            return waits["channel:pro"] / self.clock.rate + chance.uniform(0.001, 0.02)
        return chance.uniform(0.001, 0.02)  # another mail, to somebody else

    def something(self) -> float:
        """What happens to machines; gives the seconds it is away."""
        chance, what = self.world.chance, self.world.chance.random()
        self.clock.wall += chance.choice([0, 0, -3600, 3600, 86_400, -86_400, 0.5, -0.5])
        if what < 0.5:
            self.restart()
            return chance.uniform(0, 5)
        if what < 0.65:
            away = chance.choice([5.0, 40.0, 70.0, 200.0])
            self.clock.boot_name += "+"
            self.clock.started = self.world.now + away - chance.uniform(1, 10)
            self.restart()
            return away
        if what < 0.75:  # put back to a snapshot
            self.clock.started += chance.uniform(0, 300)
            if chance.random() < 0.5:
                self.restart()
            return chance.uniform(0, 5)
        return chance.choice([0.0, 1.0, 30.0, 61.0, 120.0])  # frozen, or cut off

    def restart(self) -> None:
        self.store.close()
        self.store = self.world.open(self.clock)


def most_in(moments: list[float], length: timedelta) -> int:
    ordered = sorted(moments)
    return max(n + 1 - bisect_right(ordered, at - length.total_seconds()) for n, at in enumerate(ordered))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_four_nodes_over_hours_exceed_nothing_and_leave_nothing(
    tools: Tools, fast_folder: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger().setLevel(logging.WARNING)  # the tests' watch reads every statement: that is most of the time
    grants = request.config.getoption("--grants")
    database = fast_folder / f"{tmp_path.name}.sqlite3"
    shutil.copy(tools.database, database)
    world = World(database, tools, random.Random(grants))
    # the gaps of the jitter follow the ledger's name: drawn with the rest, the same hours are played each time
    monkeypatch.setattr("dispatcher.store.pace.secrets.token_hex", lambda size: world.chance.randbytes(size).hex())
    nodes = [Node(world, number) for number in range(4)]
    due = [(0.001 * number, number) for number in range(4)]
    begun, happened = time.monotonic(), 0
    while len(world.left.get("channel:pro", ())) < grants:
        world.now, number = heapq.heappop(due)
        away = nodes[number].turn()
        if world.chance.random() < 1 / 1000:
            happened += 1
            away = max(away, nodes[number].something())
        if world.chance.random() < 1 / 4000:  # the program is updated everywhere
            for node in nodes:
                node.restart()
        heapq.heappush(due, (world.now + away, number))
    for node in nodes:
        node.store.close()
    seconds = world.now
    left = world.left["channel:pro"]
    mailbox = next(scope for scope in world.left if scope.startswith("mailbox:"))
    found = {
        "minute": (most_in(left, MINUTE), LIMIT.per_window),
        "hour": (most_in(left, HOUR), LIMIT.longer[0].most),
        "domain": (most_in(world.left["domain:pro/grand.test"], MINUTE), GREAT.per_window),
        "mailbox": (most_in(world.left[mailbox], MINUTE), MAILBOX.per_window),
    }
    used = sum(1 for at in left if at >= 60) / ((seconds - 60) * LIMIT.per_second)
    domain_used = len(world.left["domain:pro/grand.test"]) / (seconds * GREAT.per_second)
    print(
        f"\n{len(left)} grants in {seconds / 3600:.2f} h of played time, {world.asked} questions, {happened} faults: "
        f"used {used:.2%} of the channel's rate, {domain_used:.2%} of the great domain's; "
        + ", ".join(f"{name} at most {most} of {limit}" for name, (most, limit) in found.items())
        + f"; {(time.monotonic() - begun) / world.asked * 1e6:.0f} µs a question"
    )
    assert all(most <= limit for most, limit in found.values()), found
    assert used >= 0.97 and domain_used >= 0.97
