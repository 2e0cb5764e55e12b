"""What the service's log says of a fault that comes again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

import pytest

from dispatcher.daemon.lasting import QUIET, REMINDER, Lasting

log = logging.getLogger("dispatcher.lasting-test")
FULL = "source sil: disk full"


class Service:
    """Rounds, one a second, on a clock of the test; two handlers, as a log and a journal would be."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lasting = Lasting(lambda: self.now)
        self.written: list[str] = []

    def round(self, *texts: str, name: str = "scan", seconds: float = 1.0) -> list[str]:
        """What is written by a round that logs ``texts``."""
        before = len(self.written)
        with self.lasting.round(name):
            for text in texts:
                log.error("%s", text)
        self.now += seconds
        return self.written[before:]


class _Kept(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def on_root(*handlers: logging.Handler) -> Iterator[None]:
    root = logging.getLogger()
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with on_root(_Kept(made.written)), made.lasting.installed():
        yield made


def test_a_fault_is_told_at_its_begin_every_hour_and_at_its_end(service: Service) -> None:
    assert service.round(FULL) == [FULL]
    assert [service.round(FULL) for _ in range(int(REMINDER) - 1)] == [[]] * (int(REMINDER) - 1)
    assert service.round(FULL) == [f"still, for 1:00:00 (3601 times): {FULL}"]
    quiet = [service.round() for _ in range(int(QUIET) + 1)]
    assert quiet == [*([[]] * (int(QUIET) - 1)), [f"over, after 1:00:00 (3601 times): {FULL}"], []]
    assert service.round(FULL) == [FULL], "the next one is a new fault"


def test_a_fault_that_comes_and_goes_is_one_fault(service: Service) -> None:
    assert service.round(FULL) == [FULL]
    for _ in range(20):
        assert service.round() == [] and service.round(FULL) == []


def test_different_faults_and_different_rounds_do_not_hide_each_other(service: Service) -> None:
    assert service.round(FULL, "source ehpad: disk full", FULL) == [
        FULL,
        "source ehpad: disk full",
        f"2 times in this round: {FULL}",
    ]
    assert service.round(FULL, name="other") == [FULL]
    assert service.round(FULL, "source sil: no such folder") == ["source sil: no such folder"]


def test_the_count_of_a_round_is_told_once_not_by_each_round(service: Service) -> None:
    text = "outcome: unexpected KeyError"
    assert service.round(*[text] * 5) == [text, f"5 times in this round: {text}"]
    assert service.round(*[text] * 5) == []


def test_in_a_long_round_what_was_quiet_for_a_while_is_told_again(service: Service) -> None:
    with service.lasting.round("send"):
        for seconds in (QUIET - 1, QUIET - 1, 1800.0, 1.0):
            log.error(FULL)
            service.now += seconds
        log.error(FULL)
        again = f"again, after 0:30:00 without it: {FULL}"
        assert service.written == [FULL, again]
    assert service.written == [FULL, again, f"5 times in this round: {FULL}"]


def test_a_fault_of_each_slow_round_stays_one_fault(service: Service) -> None:
    """A tick of five minutes, whose round is short, meets it each time."""
    assert [service.round(FULL, seconds=300.0) for _ in range(12)] == [[FULL], *[[]] * 11]


@pytest.mark.parametrize("said", ["%d mails", "%s and %s"])
def test_a_wrong_log_call_hurts_nobody(service: Service, said: str) -> None:
    """Each handler says so itself; whoever made the call goes on."""
    with service.lasting.round("send"):
        assert service.lasting.filter(logging.LogRecord("x", logging.ERROR, __file__, 1, said, ("three",), None))


def test_what_happens_once_has_no_end(service: Service) -> None:
    assert service.round("file F1 quarantined") == ["file F1 quarantined"]
    assert service.round(seconds=QUIET) == [] and service.round() == []


def test_alarms_and_lines_outside_a_round_are_always_written(service: Service) -> None:
    for _ in range(2):
        with service.lasting.round("collect"):
            log.error("mailbox: ALARM begins")
        log.error("stopped with work in hand")
    assert service.written == ["mailbox: ALARM begins", "stopped with work in hand"] * 2


def test_a_thread_of_a_round_speaks_for_it(service: Service) -> None:
    for _ in range(2):
        with service.lasting.round("send"):
            thread = threading.Thread(target=copy_context().run, args=(log.error, FULL))
            thread.start()
            thread.join()
    assert service.written == [FULL]


def test_every_handler_writes_the_same(service: Service) -> None:
    """Both are asked for each line; that counts as one."""
    second: list[str] = []
    with on_root(_Kept(second)), service.lasting.installed():
        for _ in range(3):
            service.round(FULL)
    assert service.written == second == [FULL]
