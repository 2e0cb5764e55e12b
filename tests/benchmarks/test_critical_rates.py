"""How long a critical result waits while thousands of routine mails are queued: file dropped to accepted by the relay.

Run with ``pytest tests/benchmarks/test_critical_rates.py -s --critical 200``. Nothing here asserts a time. The service
runs as installed, with one worker, SQLite FULL and a relay in a process of its own; the routine mails leave all the
while, as fast as they can.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, Store
from dispatcher.settings import load
from dispatcher.wiring import build
from tests.backlog import queue
from tests.benchmarks.laboratory import CDA, ROOT, Laboratory, laboratory, prepare_keys, sink

ROUTINE_EACH = 50
"""Routine mails queued for each critical result."""
EVERY = 0.3
"""Seconds between two critical files."""
PATIENCE = 300.0


@pytest.mark.timeout(1800)
def test_critical_with_thousands_of_routine_mails_queued(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = request.config.getoption("--critical")
    routine = ROUTINE_EACH * count
    keys = tmp_path / "keys"
    keys.mkdir()
    prepare_keys(keys)
    with sink(keys) as far:
        place = laboratory(tmp_path / "labo", keys, far.port, supplied=True)
        fill(place, routine)
        critical = replace(place, message=place.message.replace(b"|H|", b"|HH|", 1))
        assert critical.message != place.message
        process = subprocess.Popen(
            [sys.executable, "-m", "dispatcher", "--config", str(place.config), "run"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            waited, left = measure(critical, count)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    waited.sort()
    with capsys.disabled():
        print(
            f"\n{len(waited)} critical results with {routine} routine mails queued ({left} still waiting at the end): "
            f"from the file dropped to accepted by the relay, median {statistics.median(waited):.2f} s, "
            f"p99 {waited[int(len(waited) * 0.99) - 1]:.2f} s, longest {waited[-1]:.2f} s ({os.cpu_count()} processors)"
        )
    assert len(waited) == count  # a figure counts only where routine mail was still waiting at the end: it is printed


def fill(place: Laboratory, count: int) -> None:
    """So many routine mails, queued."""
    office = build(load(place.config))
    channel = next(iter(office.channels))
    queue(office.store, count, address=CDA, channel=channel, now=office.clock.now(), content=b"x" * 20_000)
    office.close()


def measure(place: Laboratory, count: int) -> tuple[list[float], int]:
    """Seconds for each critical file until all its mails are accepted; and how many routine mails still waited then."""
    office = build(load(place.config))
    try:
        warm(place, office.store)
        waited = []
        for number in range(1, count + 1):
            begun = time.time()
            place.drop(range(number, number + 1))
            waited.append(max(sent_at(office.store, f"D-{number:07d}", begun)) - begun)
            time.sleep(max(0.0, begun + EVERY - time.time()))
        with office.store.reading() as uow:
            left = uow.dispatches.counts()[State.QUEUED]
    finally:
        office.close()
    return waited, left


def warm(place: Laboratory, store: Store) -> None:
    """The service has started, compiled and connected."""
    place.drop(range(1))
    sent_at(store, "D-0000000", time.time())


def sent_at(store: Store, order: str, begun: float) -> list[float]:
    while time.time() < begun + PATIENCE:
        with store.reading() as uow:
            found = uow.dispatches.list(DispatchFilter(order=order))
        if found and all(one.sent_at is not None for one in found):
            assert {one.lane for one in found} == {Lane.URGENT}
            return [one.sent_at.timestamp() for one in found if one.sent_at is not None]
        time.sleep(0.02)
    raise AssertionError(f"{order} did not leave: {[one.state for one in found]}")
