"""The service's two looks at the sources: alarms do not wait for a fetch, and no fetch holds up the others for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.daemon import steps
from dispatcher.directory.syncing import state as held
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, silent

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass
class Slow:
    """A fetch that comes to an end only when it is told to; it looks at the others meanwhile."""

    target: Path
    clock: FrozenClock
    meanwhile: list[str] = field(default_factory=list)
    schedule: Schedule = field(default_factory=Schedule)
    name: str = "slow"
    title: str = "Annuaire lent"

    def as_of(self) -> datetime:
        return self.clock.now()

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        self.meanwhile += [path.name for path in self.target.parent.glob("old.sync.json")]
        while True:
            progress("fiches", 0, None)
            self.clock.advance(600)


@dataclass
class Old(Slow):
    """A source whose data is old."""

    name: str = "old"
    title: str = "Vieil annuaire"

    def as_of(self) -> datetime:
        return NOW - timedelta(days=90)

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        return SyncReport(name="old", full=True, version="v", as_of=self.clock.now(), rows=1)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = FrozenClock(NOW)
    sources = (Slow(tmp_path / "slow.sqlite3", clock), Old(tmp_path / "old.sqlite3", clock))
    monkeypatch.setattr(steps, "syncs", lambda *_: sources)
    return SimpleNamespace(settings=None, clock=clock, store=None, sources=sources)


def test_every_source_is_watched_before_any_is_fetched(office: Any) -> None:
    steps.sync_due(office, lambda: False)
    assert office.sources[0].meanwhile == ["old.sync.json"]


def test_a_fetch_without_end_fails_and_lets_the_next_one_go(office: Any) -> None:
    assert steps.sync_due(office, lambda: False) == 1
    found = held.load(office.sources[0].target)
    assert found.failures == 1
    assert "toujours en cours après 6 heures" in found.failure
    assert held.load(office.sources[1].target).rows == 1


def test_watching_alone_tells_the_alarms(office: Any) -> None:
    assert [steps.watch_sources(office) for _ in range(2)] == [1, 0]
