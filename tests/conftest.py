"""Options of the test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dispatcher")
    group.addoption("--kills", type=int, default=50, help="how often the crash test kills the service")
    group.addoption("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="database of the crash test")
