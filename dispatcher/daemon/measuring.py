"""What only the process that does it can measure: how long hand-overs and commits take.

Several processes share a folder of counters (the library's own way); the one that serves ``/metrics`` adds them up.
Everything else is read from the store (``daemon/figures.py``). The library maps its file into memory, where a disk
without room kills the process at the next write: the file gets all its room before, or nothing is measured.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from dispatcher.errors import NotBegun, OurFault, Refused, TransportError, TryLater
from dispatcher.outbox.dispatch import Accepted
from dispatcher.ports import Mail, Transport, TransportSession
from dispatcher.service.channel import Channel
from dispatcher.wiring import Office

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Histogram

log = logging.getLogger(__name__)

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Read by the library when it is first imported, so set before."""
HANDOVER, COMMIT = "dispatcher_handover_seconds", "dispatcher_commit_seconds"
HELP = {
    HANDOVER: "Seconds from the first command about a mail to the answer of the operator's server, by outcome.",
    COMMIT: "Seconds a commit takes; with SQLite those are the disk's.",
}
LABELS: dict[str, tuple[str, ...]] = {HANDOVER: ("channel", "outcome"), COMMIT: ()}
BUCKETS = {
    HANDOVER: (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    COMMIT: (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
}
OUTCOMES: dict[type[TransportError], str] = {Refused: "permanent", TryLater: "temporary", OurFault: "ours"}
VALUE_BYTES = 1024
"""More than one number takes in the file: its name, help and labels with it."""


@contextmanager
def begun(workers: int) -> Iterator[bool]:
    """Before anything is measured, in the process that starts the others: gives them a folder they all write into.

    False: there is none, nothing is to be measured.
    """
    os.environ.pop(SHARED, None)
    if workers == 1:
        yield True
        return
    try:
        made = tempfile.TemporaryDirectory(prefix="dispatcher-metrics-", ignore_cleanup_errors=True)
    except OSError as error:
        _tell(error)
        yield False
        return
    with made as folder:
        os.environ[SHARED] = folder
        try:
            yield True
        finally:
            os.environ.pop(SHARED, None)


def attach(office: Office) -> None:
    """Measure what this process does with these parts, if there is room for it. Before its workers start."""
    try:
        if SHARED in os.environ:
            _reserve(Path(os.environ[SHARED]), len(office.channels))
        commits, _ = _histogram(COMMIT), _histogram(HANDOVER)
    except OSError as error:
        _tell(error)
        return
    office.store.on_commit(commits.observe)
    for name, channel in list(office.channels.items()):
        timed: Channel = replace(channel, transport=_Timed(channel.transport, name))
        office.channels[name] = timed  # type: ignore[index]  # the one mapping of desk and office


def attach_worker(office: Office) -> None:
    """The same in a process that the service started, when it measures."""
    if office.settings.metrics.port and SHARED in os.environ:
        attach(office)


def _reserve(folder: Path, channels: int) -> None:
    """The file of this process, as the library names it, with room for all it will ever hold. Raises OSError."""
    file = folder / f"histogram_{os.getpid()}.db"
    values = (len(BUCKETS[COMMIT]) + 2) + channels * (len(OUTCOMES) + 2) * (len(BUCKETS[HANDOVER]) + 2)
    wanted = values * VALUE_BYTES
    if file.exists() and file.stat().st_size >= wanted:
        return  # of a process that ended and had the same number: what it counted stays
    new = file.with_suffix(".new")
    try:
        with new.open("wb") as empty:
            empty.write(bytes(wanted))  # a file that is only made long has no room yet
            empty.flush()
            os.fsync(empty.fileno())
        new.replace(file)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _tell(error: OSError) -> None:
    log.warning("metrics: no room in the folder for temporary files (%s): no durations are measured", error.strerror)


def registry() -> CollectorRegistry:
    """What was measured, of all processes."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    found = CollectorRegistry()
    if SHARED in os.environ:
        MultiProcessCollector(found, os.environ[SHARED])  # type: ignore[no-untyped-call]
    else:
        for name in HELP:
            found.register(_histogram(name))
    return found


@cache
def _histogram(name: str) -> Histogram:
    from prometheus_client import Histogram

    return Histogram(name, HELP[name], LABELS[name], buckets=BUCKETS[name], registry=None)


class _Timed:
    """A transport with a watch in hand."""

    def __init__(self, transport: Transport, channel: str) -> None:
        self._transport, self._channel = transport, channel

    def open(self) -> TransportSession:
        return _TimedSession(self._transport.open(), self._channel)

    def abort(self) -> None:
        self._transport.abort()


class _TimedSession:
    def __init__(self, session: TransportSession, channel: str) -> None:
        self._session, self._channel = session, channel

    def send(self, mail: Mail, in_time: Callable[[], bool] | None = None) -> Accepted:
        begun, outcome = perf_counter(), "unknown"
        try:
            accepted = self._session.send(mail, in_time)
            outcome = "accepted"
        except NotBegun:
            outcome = ""
            raise
        except TransportError as error:
            outcome = OUTCOMES.get(type(error), outcome)
            raise
        finally:
            if outcome:
                with suppress(Exception):  # the answer of the operator's server counts, not how long it took
                    _histogram(HANDOVER).labels(self._channel, outcome).observe(perf_counter() - begun)
        return accepted

    def close(self) -> None:
        self._session.close()
