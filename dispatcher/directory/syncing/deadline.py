"""An outer bound on one talk with a server: a peer that sends a byte now and then never lets a socket's timeout run."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

from dispatcher.clock import Clock

LOOK_EVERY = 0.2
"""Seconds between two looks at the clock."""


class Deadline:
    """While entered, a thread looks at the clock and shuts the line when the time is over, or when ``tick`` raises.

    Whoever reads from the line then hears that it is broken, and asks :meth:`judge` why.
    """

    def __init__(
        self,
        seconds: float,
        clock: Clock,
        tick: Callable[[], object] | None = None,
        line: Callable[[], socket.socket | None] | None = None,
    ) -> None:
        """``tick`` is called now and then, until :meth:`heard`; ``line`` names the line to shut, where nobody tells."""
        self._end, self._clock, self._tick = clock.monotonic() + seconds, clock, tick
        self._line: socket.socket | None = None
        self._find = line
        self._done, self._guard = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._look, name="deadline", daemon=True)
        self._stopped: BaseException | None = None
        self.late = False

    def __enter__(self) -> Deadline:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def holds(self, line: socket.socket | None) -> None:
        """The line to shut; told again when it is another one. A line told too late is shut at once."""
        with self._guard:
            self._line = line
            if self.late or self._stopped is not None:
                _shut(line)

    def heard(self) -> None:
        """An answer comes in: from here on whoever reads it calls ``tick``."""
        with self._guard:
            self._tick = None

    def judge(self) -> bool:
        """Whether the time is over. Raises what ``tick`` raised."""
        if self._stopped is not None:
            raise self._stopped
        return self.late

    def _look(self) -> None:
        while not self._done.wait(LOOK_EVERY):
            with self._guard:
                try:
                    if self._tick is not None:
                        self._tick()
                except BaseException as error:  # handed to the thread that waits
                    self._stopped = error
                self.late = self._clock.monotonic() > self._end
                if self.late or self._stopped is not None:
                    _shut(self._find() if self._find else self._line)
                    if self._find is None:
                        return  # a line told later is shut when it is told


def _shut(line: socket.socket | None) -> None:
    if line is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # not TLS's own, which is not for two threads
