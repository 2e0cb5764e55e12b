"""Listening to a mailbox: it looks at once when told, comes back after a fault, leaves what another node has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.daemon import listening
from dispatcher.daemon.listening import Listening
from dispatcher.daemon.membership import Membership
from dispatcher.errors import TryLater
from dispatcher.service import alarms
from dispatcher.settings.service import ServiceSettings
from tests.service.bench import Bench

PATIENCE = 20.0


class Line:
    """A listener that answers what it is told to, then waits for the end."""

    def __init__(self, *answers: bool | Exception | None) -> None:
        self.answers = list(answers)
        self.opened = self.closed = 0
        self.quiet = threading.Event()
        """Nothing more was to be answered."""

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool | None:
        if not self.answers:
            self.quiet.set()
            threading.Event().wait(0.01)
            return False
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST", "NOT_OURS"):
        monkeypatch.setattr(listening, name, 0.01)


@pytest.fixture
def started(bench: Bench) -> Iterator[Callable[..., tuple[Listening, Membership, list[str]]]]:
    made: list[Listening] = []

    def start(line: Line | None, *, ours: bool = True) -> tuple[Listening, Membership, list[str]]:
        def open_listener(channel: str) -> Line | None:
            if line is not None:
                line.opened += 1
            return line

        office: Any = SimpleNamespace(
            store=bench.real,
            clock=bench.clock,
            settings=SimpleNamespace(service=ServiceSettings(node="un", lease_seconds=120)),
            directory=SimpleNamespace(versions=dict),
            channels={"pro": bench.channel},
            open_listener=open_listener,
        )
        member, looked = Membership(office), list[str]()
        if ours:
            assert member.take(alarms.mailbox("pro"), 30) is not None
        made.append(Listening(office, member, looked.append))
        made[-1].start()
        return made[-1], member, looked

    yield start
    for one in made:
        one.stop(PATIENCE)
        assert not any(thread.is_alive() for thread in one._threads)


def test_it_looks_when_told_and_only_then(started: Any) -> None:
    line = Line(True, False, True, False)
    _, _, looked = started(line)
    assert line.quiet.wait(PATIENCE)
    assert looked == ["pro", "pro"]


def test_it_comes_back_after_a_lost_line_and_looks_for_what_came_meanwhile(started: Any) -> None:
    line = Line(True, TryLater("perdue", stage="connect"), TryLater("encore", stage="connect"), True)
    _, _, looked = started(line)
    assert line.quiet.wait(PATIENCE)
    assert looked == ["pro", "pro"]
    assert line.closed == 2


def test_it_comes_back_even_after_what_nobody_foresaw(started: Any) -> None:
    line = Line(RuntimeError("quoting a patient"), True)
    _, _, looked = started(line)
    assert line.quiet.wait(PATIENCE)
    assert looked == ["pro"]


def test_a_server_that_cannot_tell_is_left_to_the_look_at_fixed_times(started: Any) -> None:
    line = Line(None)
    one, _, looked = started(line)
    for thread in one._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert looked == [] and line.closed == 1


def test_nobody_listens_to_a_mailbox_that_another_node_reads(started: Any) -> None:
    line = Line(True)
    _, member, looked = started(line, ours=False)
    threading.Event().wait(0.2)
    assert looked == [] and line.answers == [True]
    assert member.take(alarms.mailbox("pro"), 30) is not None
    assert line.quiet.wait(PATIENCE)
    assert looked == ["pro"]


def test_no_thread_is_made_where_nothing_can_be_heard(started: Any) -> None:
    one, _, _ = started(None)
    assert one._threads == []
