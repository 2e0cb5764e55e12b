"""A console on a bench of the use cases, and somebody signed in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dispatcher import wiring
from dispatcher.cli.demo import _installation
from dispatcher.console.app import build
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.console.kit import FakeAccounts

HERE = "http://127.0.0.1:8741"


@pytest.fixture(scope="session")
def office() -> Iterator[Office]:
    """The demo's installation, nothing in it."""
    with tempfile.TemporaryDirectory(prefix="console-") as name, SandboxOperator(Path(name) / "sandbox") as operator:
        made = wiring.build(load(_installation(Path(name), operator).config))
        yield made
        made.close()


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
def application(office: Office, accounts: FakeAccounts) -> Starlette:
    return build(office, accounts, lambda parts: ())


@pytest.fixture
def stranger(application: Starlette) -> Iterator[TestClient]:
    """Nobody signed in."""
    with TestClient(application, base_url=HERE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def alice(stranger: TestClient) -> TestClient:
    """Somebody who may do everything."""
    stranger.cookies.set("session", "alice")
    return stranger
