"""The figures of the day, in Paris, and when the next batch is formed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dispatcher.service.today import today
from tests.service.bench import Bench
from tests.service.samples import oru


def test_a_day_begins_at_midnight_in_paris(bench: Bench) -> None:
    bench.clock.at = datetime(2026, 3, 10, 22, 59, tzinfo=UTC)
    bench.drop("hier.hl7", oru())
    bench.run()
    seen = today(bench.store, bench.clock, bench.channels)
    assert (seen.files, seen.left) == (1, seen.made)
    assert seen.made
    bench.clock.advance(60)
    seen = today(bench.store, bench.clock, bench.channels)
    assert (seen.files, seen.made, seen.left) == (0, 0, 0)
    assert seen.since == datetime(2026, 3, 10, 23, 0, tzinfo=UTC)


def test_the_next_batch_is_told_while_something_is_ready(bench: Bench) -> None:
    assert today(bench.store, bench.clock, bench.channels).next_batch == {}
    bench.bring(oru())
    (at,) = today(bench.store, bench.clock, bench.channels).next_batch.values()
    assert at - bench.clock.now() <= timedelta(hours=1)
