"""When a source is due, what is remembered of its runs, one run at a time, and alarms told once."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.clock import PARIS, FrozenClock
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing import state as held
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, SyncStopped, silent
from dispatcher.directory.syncing.lock import SyncBusy, busy, only_one
from dispatcher.directory.syncing.state import SyncState
from dispatcher.directory.syncing.timetable import due, last_slot
from dispatcher.errors import DirectoryError
from tests.unit.directory.test_snapshot_guards import publish

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass
class Source:
    """A source that does what the test says."""

    folder: Path
    clock: FrozenClock
    name: str = "essai"
    title: str = "Annuaire d'essai"
    schedule: Schedule = field(default_factory=Schedule)
    fault: Exception | None = None
    age: timedelta | None = timedelta(0)
    """Of the data in service."""
    runs: int = 0

    @property
    def target(self) -> Path:
        return self.folder / "essai.sqlite3"

    def as_of(self) -> datetime | None:
        return None if self.age is None else self.clock.now() - self.age

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        self.runs += 1
        self.clock.advance(1)
        if self.fault is not None:
            raise self.fault
        self.age = timedelta(0)
        return SyncReport(name=self.name, full=full, version="v", as_of=self.clock.now(), rows=7, previous_rows=None)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path, FrozenClock(NOW))


def fails(source: Source) -> None:
    with pytest.raises(DirectoryError):
        runner.run(source, source.clock)


# ---------------------------------------------------------------------------------------------- timetable


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("every", "now", "expected"),
    [
        (24, "2026-11-20 03:29", "2026-11-19 03:30"),
        (24, "2026-11-20 03:30", "2026-11-20 03:30"),
        (24, "2026-07-20 12:00", "2026-07-20 03:30"),
        (6, "2026-11-20 09:29", "2026-11-20 03:30"),
        (6, "2026-11-20 09:31", "2026-11-20 09:30"),
        (6, "2026-11-20 03:29", "2026-11-19 21:30"),
        (0.5, "2026-11-20 10:10", "2026-11-20 10:00"),
        (24, "2026-10-25 03:40", "2026-10-25 03:30"),
        (24, "2026-03-29 03:40", "2026-03-29 03:30"),
    ],
)
def test_the_grid_of_a_day(every: float, now: str, expected: str) -> None:
    schedule = Schedule(at="03:30", every_hours=every)
    assert last_slot(schedule, at(now)) == at(expected)


@given(
    st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda one: datetime(2026, 1, 1, tzinfo=UTC) + one),
    st.integers(0, 23),
    st.sampled_from([0.25, 1, 5, 7, 24]),
)
def test_the_last_slot_is_past_and_near(now: datetime, hour: int, every: float) -> None:
    slot = last_slot(Schedule(at=f"{hour:02d}:15", every_hours=every), now)
    assert slot <= now < slot + timedelta(hours=min(every, 24) + 1.01)


def ended(tried: str, *, well: bool = True, failures: int = 0) -> SyncState:
    start = at(tried)
    return SyncState(tried_at=start, succeeded_at=start + timedelta(minutes=5) if well else None, failures=failures)


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (SyncState(), "2026-11-20 12:00", True),
        (ended("2026-11-20 03:31"), "2026-11-20 12:00", False),
        (ended("2026-11-20 03:31"), "2026-11-21 03:29", False),
        (ended("2026-11-20 03:31"), "2026-11-21 03:30", True),
        (ended("2026-11-18 03:31"), "2026-11-20 12:00", True),  # the machine was off
        (ended("2026-11-20 03:31", well=False), "2026-11-20 04:00", False),  # killed: as after a failure
        (ended("2026-11-20 03:31", well=False), "2026-11-20 04:01", True),
        (ended("2026-11-20 03:31", failures=1), "2026-11-20 04:00", False),
        (ended("2026-11-20 03:31", failures=1), "2026-11-20 04:01", True),
        (ended("2027-11-20 03:31"), "2026-11-20 04:01", True),  # by a clock that was wrong
    ],
)
def test_due(state: SyncState, now: str, expected: bool) -> None:
    assert due(Schedule(at="03:30", retry_minutes=30), state, at(now)) is expected


def test_a_week_between_runs() -> None:
    schedule = Schedule(at="03:30", every_hours=168)
    assert not due(schedule, ended("2026-11-01 03:31"), at("2026-11-07 03:30"))
    assert due(schedule, ended("2026-11-01 03:31"), at("2026-11-08 03:31"))


# ---------------------------------------------------------------------------------------------- state


def test_the_state_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    state = SyncState(tried_at=NOW, failing_since=NOW, failures=2, failure="é", hint="h", tag="t", rows=3)
    held.save(tmp_path / "a.sqlite3", state)
    assert held.load(tmp_path / "a.sqlite3") == state
    assert [item.name for item in tmp_path.iterdir()] == ["a.sync.json"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'{"failures": "x"}', b'{"tried_at": "hier"}', b'{"tried_at": "2026-01-01"}', b"\xff"],
)
def test_a_damaged_state_is_no_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.sync.json").write_bytes(content)
    assert held.load(tmp_path / "a.sqlite3") == SyncState()


def test_a_state_of_another_version_is_read_for_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.sync.json").write_text(json.dumps({"rows": 3, "later": [1]}), encoding="utf-8")
    assert held.load(tmp_path / "a.sqlite3") == SyncState(rows=3)


# ---------------------------------------------------------------------------------------------- runs and alarms


def test_only_one_run_at_a_time(source: Source) -> None:
    with only_one(source.target, source.title):
        assert runner.look(source, NOW).running
        with pytest.raises(SyncBusy, match="déjà en cours"):
            runner.run(source, source.clock)
        assert runner.watch(source, source.clock) == ""
    assert source.runs == 0
    assert held.load(source.target) == SyncState(), "the run that is under way is not disturbed"
    assert not runner.look(source, NOW).running
    runner.run(source, source.clock)


def test_whoever_looks_keeps_no_run_from_starting(source: Source) -> None:
    with only_one(source.target, source.title):
        pass
    over = threading.Event()

    def poll() -> None:
        while not over.is_set():
            busy(source.target)

    lookers = [threading.Thread(target=poll) for _ in range(2)]
    for one in lookers:
        one.start()
    try:
        for _ in range(300):
            with only_one(source.target, source.title):
                pass
    finally:
        over.set()
        for one in lookers:
            one.join()
    assert not busy(source.target)


def test_an_alarm_begins_once_and_ends_once(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    runner.run(source, source.clock)
    assert "ALARM" not in caplog.text
    source.fault = DirectoryError("Le serveur dort.", hint="Le réveiller.")
    for _ in range(3):
        fails(source)
        assert runner.watch(source, source.clock) == ""
    assert caplog.text.count("ALARM begins") == 1
    found = runner.look(source, source.clock.now())
    assert found.alarm.startswith("synchronisation en échec depuis le 20/11/2026 à 10:00 (3 fois) : Le serveur dort.")
    assert "(limite 15 jours)" in found.alarm
    assert found.hint == "Le réveiller."
    source.fault = None
    runner.run(source, source.clock)
    runner.run(source, source.clock)
    assert caplog.text.count("ALARM over") == 1
    assert runner.look(source, source.clock.now()).alarm == ""


def test_old_data_alarm_whether_anybody_tried_or_not(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.age = timedelta(days=14)
    assert runner.watch(source, source.clock) == ""
    source.age = timedelta(days=16)
    assert [runner.watch(source, source.clock) for _ in range(3)] == ["begin", "", ""]
    assert "16 jours (limite 15 jours) : trop vieilles" in runner.look(source, NOW).alarm
    source.age = timedelta(days=1)  # a file imported by hand
    assert [runner.watch(source, source.clock) for _ in range(3)] == ["end", "", ""]


def test_what_nobody_foresaw_is_a_failure_like_any_other(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.fault = ZeroDivisionError("Mme Secret, née le 01/01/1950")
    with pytest.raises(DirectoryError, match=r"erreur imprévue \(ZeroDivisionError, test_syncing.py:"):
        runner.run(source, source.clock)
    assert held.load(source.target).failures == 1
    assert "ALARM begins" in caplog.text
    assert "Secret" not in caplog.text


def test_the_remarks_of_a_run_are_in_the_log_of_the_service(
    source: Source, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = SyncReport(name="essai", full=True, version="v", as_of=NOW, rows=1, notes=("312 × boîte laissée.",))
    monkeypatch.setattr(source, "run", lambda **_: done)
    runner.run(source, source.clock)
    assert [one.levelname for one in caplog.records if "312 × boîte laissée." in one.message] == ["WARNING"]


def test_a_stop_is_no_failure(source: Source) -> None:
    source.fault = SyncStopped()
    with pytest.raises(SyncStopped):
        runner.run(source, source.clock)
    state = held.load(source.target)
    assert (state.failures, state.succeeded_at) == (0, None)
    assert not due(source.schedule, state, source.clock.now())
    assert due(source.schedule, state, source.clock.now() + timedelta(minutes=31))


# ---------------------------------------------------------------------------------------- alarms that must be heard


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_unkept", runner._Unkept())


def test_a_state_that_cannot_be_written_is_told_once_and_its_end_too(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    place = held.path_of(source.target)
    place.mkdir()  # stands for a full disk
    for _ in range(3):
        fails(source)
        with pytest.raises(DirectoryError):
            runner.watch(source, source.clock)
    told = [one for one in caplog.records if "cannot be written" in one.message]
    assert [one.levelno for one in told] == [logging.ERROR]
    assert source.runs == 0, "a run whose time cannot be kept would be due again at once"
    place.rmdir()
    runner.run(source, source.clock)
    assert caplog.text.count("ALARM over: its state can be written again") == 1


def test_old_data_is_told_even_when_it_cannot_be_written_down(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.age = timedelta(days=16)
    held.path_of(source.target).mkdir()
    for _ in range(3):
        with pytest.raises(DirectoryError):
            runner.watch(source, source.clock)
    assert caplog.text.count("trop vieilles") == 1


def test_a_disk_that_fills_during_the_run_hides_neither_fault(
    source: Source, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.run(source, source.clock)

    def full(*, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        place = held.path_of(source.target)
        place.unlink()
        place.mkdir()
        raise DirectoryError("Plus de place.", hint="Faire de la place.")

    monkeypatch.setattr(source, "run", full)
    with pytest.raises(DirectoryError, match="Plus de place"):
        runner.run(source, source.clock)
    assert "Plus de place" in caplog.text
    assert "cannot be written" in caplog.text


def test_a_source_that_never_brought_anything_alarms(source: Source) -> None:
    source.age = None
    source.fault = SyncStopped()  # as a run that is killed: no failure is counted
    with pytest.raises(SyncStopped):
        runner.run(source, source.clock)
    assert runner.watch(source, source.clock) == ""
    source.clock.advance(86_400 * 2.1)
    assert [runner.watch(source, source.clock) for _ in range(2)] == ["begin", ""]
    assert runner.look(source, source.clock.now()).alarm == "aucune donnée en service depuis le 20/11/2026."
    source.fault = None
    runner.run(source, source.clock)
    assert runner.look(source, source.clock.now()).alarm == ""


class FileSource:
    """A source whose date stands in its snapshot."""

    name = title = "essai"
    schedule = Schedule()

    def __init__(self, target: Path) -> None:
        self.target = target

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        raise AssertionError


def test_data_in_service_that_cannot_be_read_alarms(tmp_path: Path) -> None:
    source, clock = FileSource(tmp_path / "essai.sqlite3"), FrozenClock(NOW)
    assert runner.watch(source, clock) == ""
    source.target.write_bytes(b"damaged" * 1000)
    assert [runner.watch(source, clock) for _ in range(2)] == ["begin", ""]
    assert "illisibles" in runner.look(source, NOW).alarm


def test_data_damaged_behind_its_first_page_alarms_until_it_is_replaced(tmp_path: Path) -> None:
    """It still says where it comes from and how many it holds; look-ups fail one by one."""
    source, clock = FileSource(tmp_path / "essai.sqlite3"), FrozenClock(NOW)
    publish(source.target, 2000)
    assert runner.watch(source, clock) == ""
    content = source.target.read_bytes()
    source.target.write_bytes(content[: len(content) // 2] + b"\xa5" * 4096 + content[len(content) // 2 + 4096 :])
    assert [runner.watch(source, clock) for _ in range(2)] == ["begin", ""]
    found = runner.look(source, clock.now())
    assert "abîmées" in found.alarm
    assert found.as_of is not None
    publish(source.target, 2000)
    assert runner.watch(source, clock) == "end"


def test_in_the_place_of_unreadable_data_nothing_is_even_fetched(tmp_path: Path) -> None:
    """A full load may take hours, and would be asked for again at every retry."""
    source, clock = FileSource(tmp_path / "essai.sqlite3"), FrozenClock(NOW)
    source.target.write_bytes(b"damaged" * 1000)
    with pytest.raises(DirectoryError, match="Impossible de savoir"):
        runner.run(source, clock)
    assert held.load(source.target).failures == 1
    with pytest.raises(DirectoryError, match="AssertionError"):
        runner.run(source, clock, force=True)


def test_old_data_alarms_while_a_run_is_under_way(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.age = timedelta(days=16)
    with only_one(source.target, source.title):
        assert [runner.watch(source, source.clock) for _ in range(2)] == ["begin", ""]
    assert runner.watch(source, source.clock) == "", "told already, now written down"
    assert held.load(source.target).alarm_since == NOW
    source.age = timedelta(0)
    assert runner.watch(source, source.clock) == "end"
    assert caplog.text.count("ALARM begins") == 1
    assert caplog.text.count("ALARM over") == 1
