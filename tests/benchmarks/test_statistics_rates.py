"""How long do ``stats`` take on much? (``pytest tests/benchmarks/test_statistics_rates.py -s --stored 1000000``)

The first look after an upgrade makes the figures of every day; the next ones only those of the days that changed since.
Nothing here asserts a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher.clock import SystemClock
from dispatcher.service.answer_notes import day_of
from dispatcher.service.statistics import Report, refresh, statistics
from dispatcher.store.engine import SqlStore, open_store
from tests.benchmarks.test_many_stored import fill
from tests.contract.store_kit import make_cipher
from tests.servers.postgresql import postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path / 'full.sqlite3'}", make_cipher(), SystemClock())
        yield opened
        opened.close()
        return
    with postgresql() as server:
        opened = open_store(server.url(server.create()), make_cipher(), SystemClock())
        yield opened
        opened.close()


@pytest.mark.timeout(3600)
def test_statistics_of_many(
    store: SqlStore, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = request.config.getoption("--stored")
    fill(store, stored)
    _with_times(store)
    first = _seconds(lambda: refresh(store))
    with store.reading() as uow:
        span = uow.figures.span()
    assert span is not None
    last = day_of(span[1])

    def look(days: int, by: str = "domain") -> tuple[float, Report]:
        begun = time.perf_counter()
        since = last - timedelta(days=days)
        report = statistics(store, since=since, until=last, today=last, by=by, limit=50)  # type: ignore[arg-type]
        return time.perf_counter() - begun, report

    month, _ = look(30)
    everything, report = look(1000)
    people, _ = look(1000, "recipient")
    assert report.whole.figures.count == stored + 1
    p90 = report.whole.figures.quantile("sent", 0.9) or 0
    with capsys.disabled():
        print(f"\n{store._engine.dialect.name}, {stored} dispatches, 300 domains, 5000 recipients:")
        print(f"  first figures of all days {first:.1f} s; then: 30 days {month:.2f} s, all days {everything:.2f} s,")
        print(f"  all days by recipient {people:.2f} s; slowest 10 % sent in {p90:.0f} s")


def _seconds(job: object) -> float:
    begun = time.perf_counter()
    job()  # type: ignore[operator]
    return time.perf_counter() - begun


def _with_times(store: SqlStore) -> None:
    """Spread over a hundred days, and sent, delivered and read after their making."""
    engine = store._engine
    on_postgresql = engine.dialect.name == "postgresql"
    number = "CAST(substr(id, 2) AS INTEGER)" if not on_postgresql else "CAST(substr(id, 2) AS BIGINT)"
    made = (
        f"now() - ({number} / 5000 % 100) * INTERVAL '1 day'"
        if on_postgresql
        else f"strftime('%Y-%m-%dT%H:%M:%f000+00:00', strftime('%s') - ({number} / 5000 % 100) * 86400, 'unixepoch')"
    )

    def after(seconds: str) -> str:
        if on_postgresql:
            return f"created_at + ({seconds}) * INTERVAL '1 second'"
        return f"strftime('%Y-%m-%dT%H:%M:%f000+00:00', strftime('%s', created_at) + ({seconds}), 'unixepoch')"

    with engine.begin() as connection:
        connection.execute(text(f"UPDATE files SET received_at = {made} WHERE id <> 'F0'"))
        connection.execute(text(f"UPDATE dispatches SET created_at = {made} WHERE id <> 'D0'"))
        connection.execute(
            text(
                f"UPDATE dispatches SET sent_at = {after(f'{number} % 600')}, "
                f"delivered_at = {after(f'{number} % 900')}, "
                f"read_at = CASE WHEN state = 'read' THEN {after(f'{number} % 90000')} END "
                "WHERE id <> 'D0' AND state IN ('sent', 'delivered', 'read', 'failed')"
            )
        )
