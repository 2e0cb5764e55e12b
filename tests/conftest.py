"""Options of the test run; what was skipped, and why, at its end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
"""A property is about what is done; a busy machine is no counter-example."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dispatcher")
    group.addoption("--kills", type=int, default=50, help="how often the crash test kills the service")
    group.addoption("--grants", type=int, default=20_000, help="mails of the long test of the pace (100000: minutes)")
    group.addoption("--steps", type=int, default=400, help="steps of the engine's random life (20000: minutes)")
    group.addoption("--fuzz", type=int, default=0, help="mutated files to read; 0: 200,000 in CI, else 20,000")
    group.addoption("--judged", type=int, default=0, help="random CDA to judge; 0: 1,000 in CI, else 100")
    group.addoption("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="database of the crash test")
    group.addoption("--stored", type=int, default=5000, help="dispatches that lie in the store of that benchmark")
    group.addoption("--pdfs", type=int, default=60, help="documents of the bulk send that is killed (500: minutes)")
    group.addoption("--files", type=int, default=0, help="files of each whole-way and node run; 0: a few, no figures")
    group.addoption("--critical", type=int, default=10, help="critical results among fifty times as many routine mails")
    group.addoption("--fsync-ms", type=float, default=0.0, help="what a commit costs there beyond this machine's disk")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no name: archives made for a test hold the time, and two processes must name each test alike."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def own_log_level() -> Iterator[None]:
    """A command run inside a test sets the root logger's level; the next test starts from pytest's own again."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skip never passes unseen: one line a reason, also under ``-q``."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        told = report.longrepr
        reasons[str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.write_sep("=", "not tested here")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped, {count} test{'s' if count > 1 else ''}: {reason}", yellow=True)
