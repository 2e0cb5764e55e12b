"""A fault that lasts is told in the log when it begins, once an hour while it lasts, and when it is over (promise 7).

The service does the same things again and again, in rounds: one run of a tick, one pass of a worker's thread. With a
full disk each of them would write the same line every second, perhaps onto that very disk.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta

REMINDER = 3600.0
"""Seconds after which a fault that lasts is told again."""
QUIET = 60.0
"""Seconds for which rounds must go well before a fault is over: one that comes and goes is one fault."""
ALARM = "ALARM"
"""Lines with this word tell the begin or the end of an alarm, once already (``service/alarms.py``): always written."""
HELD_BACK = "held_back"
"""Mark on a line that was judged already: each handler asks."""


@dataclass(slots=True)
class _Fault:
    """A line as it was first written, and when."""

    logger: str
    level: int
    text: str
    begun: float
    told: float
    seen: float
    round: int
    """In which it began."""
    met: int
    """The last one that met it."""
    times: int = 1
    lasts: bool = False
    """More than one round met it: its end is worth a line."""


@dataclass(slots=True)
class _Round:
    """What one thing that is done again and again met lately."""

    number: int = 0
    faults: dict[tuple[str, str], _Fault] = field(default_factory=dict)


class Lasting(logging.Filter):
    """A filter of log lines from WARNING on; lets all pass that are written outside a round. Thread-safe.

    A line is the same fault again when a round of the same name wrote the same text before.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._rounds: dict[str, _Round] = {}
        self._current: ContextVar[_Round | None] = ContextVar("round", default=None)
        self._lock = threading.Lock()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """In force for everything this process writes in the log."""
        handlers = list(logging.getLogger().handlers)  # of the root logger itself it would see no other's lines
        for handler in handlers:
            handler.addFilter(self)
        try:
            yield
        finally:
            for handler in handlers:
                handler.removeFilter(self)

    @contextmanager
    def round(self, name: str) -> Iterator[None]:
        """Once through what is done again and again under that name."""
        with self._lock:
            current = self._rounds.setdefault(name, _Round())
            current.number += 1
        token = self._current.set(current)
        try:
            yield
        finally:
            self._current.reset(token)
            self._tell_times(current)
            self._tell_over(current)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; asked by each handler in turn, answered once."""
        current = self._current.get()
        if record.levelno < logging.WARNING or current is None or ALARM in str(record.msg):
            return True
        if HELD_BACK not in record.__dict__:
            try:
                text = record.getMessage()
            except Exception:  # a wrong call: its handler says so, and whoever made it goes on
                return True
            record.__dict__[HELD_BACK] = self._again(current, record, text)
        return not record.__dict__[HELD_BACK]

    def _again(self, current: _Round, record: logging.LogRecord, text: str) -> bool:
        now = self._monotonic()
        with self._lock:
            known = current.faults.get((record.name, text))
            if known is None:
                number = current.number
                current.faults[record.name, text] = _Fault(
                    record.name, record.levelno, text, begun=now, told=now, seen=now, round=number, met=number
                )
                return False
            quiet, same = now - known.seen, known.met == current.number
            known.times += 1
            known.seen, known.met, known.lasts = now, current.number, known.lasts or known.round != current.number
            if same and quiet >= QUIET:  # a long round; of short ones the end of each says what is over
                said = f"again, after {_span(quiet)} without it: {text}"
            elif now - known.told >= REMINDER:
                said = f"still, for {_span(now - known.begun)} ({known.times} times): {text}"
            else:
                return True
            known.told, record.msg, record.args = now, "%s", (said,)
            return False

    def _tell_times(self, current: _Round) -> None:
        """What the round met several times and told once: perhaps of several dispatches, so nobody takes it for one."""
        with self._lock:
            several = [one for one in current.faults.values() if one.round == current.number and one.times > 1]
        for fault in several:
            logging.getLogger(fault.logger).log(fault.level, "%d times in this round: %s", fault.times, fault.text)

    def _tell_over(self, current: _Round) -> None:
        """What no round met for a while. Known by then to be over, since the rounds went on."""
        now = self._monotonic()
        with self._lock:
            over = [(key, fault) for key, fault in current.faults.items() if now - fault.seen >= QUIET]
            for key, _ in over:
                del current.faults[key]
        for _, fault in over:
            if fault.lasts:
                lasted = _span(fault.seen - fault.begun)
                log = logging.getLogger(fault.logger)
                log.log(fault.level, "over, after %s (%d times): %s", lasted, fault.times, fault.text)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
