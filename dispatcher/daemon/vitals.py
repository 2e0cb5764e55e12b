"""What the service tells of itself to those who watch over it: monitors by HTTP, systemd by its socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatcher.daemon import health, logs, measuring
from dispatcher.daemon.notify import ALIVE, READY, STOPPING, notify
from dispatcher.wiring import Office

LOG_SECONDS = 60.0
"""How often the log file is looked at: big, or of yesterday?"""
COUNT_SECONDS = 30.0
"""How often the counters of ``/metrics`` are kept, where somebody reads them."""


class Vitals:
    """Starting, at work, stopping; alive all the while."""

    def __init__(self, office: Office, *, working: Callable[[], int], hanging: Callable[[], bool]) -> None:
        """``working``: processes that prepare or send, and live; ``hanging``: a tick hangs."""
        self._office, self._phase = office, health.STARTING
        self.pulse = health.Pulse(office.clock.monotonic, lambda: working() > 0)
        self._health = health.Health(office, self.pulse, phase=lambda: self._phase, hanging=hanging, workers=working)

    @contextmanager
    def served(self, workers: int) -> Iterator[None]:
        """With numbers for monitors, where the settings want them. Around everything that starts a process."""
        wanted = self._office.settings.metrics
        if not wanted.port:
            yield
            return
        with measuring.begun(workers) as able:
            if able:
                measuring.attach(self._office)
            server = health.Server(self._health)
            server.start(wanted)
            try:
                yield
            finally:
                server.stop()

    def ticks(self) -> dict[str, tuple[float, Callable[[], object]]]:
        """What is to be done for them now and then."""
        wanted: dict[str, tuple[float, Callable[[], object]]] = {"log": (LOG_SECONDS, logs.look_after)}
        if self._office.settings.metrics.port:
            wanted["counters"] = (COUNT_SECONDS, self._health.book.save)
        return wanted

    def at_work(self) -> None:
        """Everything is started."""
        self._phase = ""
        notify(READY)

    def stopping(self) -> None:
        """Nothing new is begun."""
        self._phase = health.STOPPING
        notify(STOPPING)

    def alive(self) -> None:
        """Said every few seconds: silent when the service hangs, so that systemd starts it again."""
        if not self.pulse.faults():
            notify(ALIVE)
