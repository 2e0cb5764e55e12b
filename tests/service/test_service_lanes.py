"""Who gets the next free place of a channel's pace when urgent and routine mail both want it: in played time."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.service.line_pace import LinePace
from dispatcher.settings import PaceSettings
from tests.service.bench import LEASE, Bench, Tools, backlog_of, channel_settings

BACKLOG = 700
URGENT, ROUTINE = Lane.URGENT, Lane.ROUTINE
MINUTE = 60.0


class Played:
    """Two lines, one for each lane; when both may look at the same moment, the routine one is faster."""

    def __init__(self, bench: Bench, urgent: int) -> None:
        self.bench = bench
        self.pace = {lane: LinePace(bench.channel, bench.clock, str(lane), lane) for lane in Lane}
        self.waiting: dict[Lane, Dispatch] = {}
        self.due: dict[Lane, float] = {}
        self.left: list[tuple[float, Lane]] = []
        with sqlite3.connect(bench.database) as connection:
            connection.execute("UPDATE dispatches SET lane = 0 WHERE id < ?", (f"D{urgent:05}",))
        connection.close()

    def claim(self, lane: Lane) -> None:
        with self.bench.real.transaction() as uow:
            found = uow.dispatches.claim("pro", str(lane), 1, LEASE, self.bench.clock.now(), lane=lane)
        self.waiting[lane] = found[0]
        self.due[lane] = max(self.due.get(lane, 0.0), self.bench.clock.elapsed)

    def look(self, lane: Lane) -> None:
        """It leaves, or the line knows how long to wait."""
        dispatch, now = self.waiting[lane], self.bench.clock.elapsed
        with self.bench.real.transaction() as uow:
            room = self.pace[lane].take(uow, dispatch)
            self.due[lane] = now + max(room.line, 0.001)
            if not room.granted:
                return
            uow.dispatches.begin_submission(dispatch.id, dispatch.fence, self.bench.clock.now())
            uow.dispatches.move(dispatch.id, State.SENT, fence=dispatch.fence)
        del self.waiting[lane]
        self.left.append((now, lane))

    def play(self, seconds: float, *lanes: Lane) -> None:
        """These lanes always have a mail that waits."""
        clock = self.bench.clock
        until = clock.elapsed + seconds
        while True:
            for lane in lanes:
                if lane not in self.waiting:
                    self.claim(lane)
            lane = min(self.waiting, key=lambda one: (self.due[one], one is URGENT))
            if self.due[lane] > until:
                clock.advance(until - clock.elapsed)
                return
            clock.advance(max(0.0, self.due[lane] - clock.elapsed))
            self.look(lane)

    def share(self, lane: Lane, since: float = MINUTE) -> float:
        """Of what left after the first minute."""
        later = [one for at, one in self.left if at >= since]
        return later.count(lane) / len(later)

    def most_in_a_minute(self) -> int:
        moments = [at for at, _ in self.left]
        return max(sum(start <= at < start + MINUTE for at in moments) for start in moments)


@pytest.fixture(scope="module")
def backlog(tools: Tools, fast_folder: Path) -> Iterator[Path]:
    with backlog_of(tools, fast_folder, BACKLOG) as database:
        yield database


@pytest.fixture
def played(tools: Tools, backlog: Path, fast_folder: Path) -> Iterator[Callable[..., Played]]:
    made: list[Bench] = []

    def make(urgent: int, **pace: Any) -> Played:
        bench = Bench(tools.on(backlog), Path(tempfile.mkdtemp(dir=fast_folder)))
        bench.set_channel("pro", channel_settings(pace=PaceSettings(**pace), domains=["dest.test"]))
        bench.restart()
        made.append(bench)
        return Played(bench, urgent)

    yield make
    for bench in made:
        bench.close()
        shutil.rmtree(bench.folder)


@pytest.mark.parametrize(("share", "per_minute"), [(0.7, 30), (0.5, 60), (0.9, 5), (0.7, 1)])
def test_neither_lane_starves_the_other(played: Callable[..., Played], share: float, per_minute: int) -> None:
    table = played(BACKLOG // 2, per_minute=per_minute, urgent_share=share)
    minutes = 4 if per_minute > 20 else 20
    table.play(minutes * MINUTE, URGENT, ROUTINE)
    assert abs(table.share(URGENT) - share) < 0.08
    assert table.most_in_a_minute() <= per_minute
    assert len(table.left) >= 0.9 * per_minute * minutes


@pytest.mark.parametrize("per_minute", [20, 30, 60, 300])
def test_urgent_mail_finds_a_place_however_long_the_backlog(played: Callable[..., Played], per_minute: int) -> None:
    """A critical result every minute or so, while routine mail takes all that the pace lets through."""
    table, chance, waits = played(40, per_minute=per_minute), random.Random(per_minute), []
    table.play(MINUTE, ROUTINE)
    for _ in range(6):
        table.play(MINUTE * (1.01 + chance.random() / 2) if per_minute < 300 else 9.0, ROUTINE)
        since, before = table.bench.clock.elapsed, len(table.left)
        table.due[URGENT] = since
        table.claim(URGENT)
        while URGENT in table.waiting:
            table.play(0.1, ROUTINE)
        (at,) = (at for at, lane in table.left[before:] if lane is URGENT)
        waits.append(round(at - since, 2))
    assert max(waits) <= (2.0 if per_minute > 20 else 3.0), waits
    assert table.most_in_a_minute() <= per_minute


@pytest.mark.parametrize("lane", list(Lane))
def test_a_lane_alone_gets_the_whole_pace(played: Callable[..., Played], lane: Lane) -> None:
    table = played(BACKLOG if lane is URGENT else 0, per_minute=60)
    table.play(4 * MINUTE, lane)
    assert len(table.left) >= 4 * 60 * (0.97 if lane is URGENT else 0.95)


def test_nothing_is_kept_free_when_the_laboratory_says_so(played: Callable[..., Played]) -> None:
    table = played(0, per_minute=30, urgent_reserve=0)
    table.play(5 * MINUTE, ROUTINE)
    assert len(table.left) >= 5 * 30 * 0.97
