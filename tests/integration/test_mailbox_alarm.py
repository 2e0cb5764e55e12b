"""A mailbox of notices that is gone while the service runs: told once, shown by ``status``, told once when back."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher import wiring
from dispatcher.cli.main import app
from dispatcher.daemon import steps
from dispatcher.settings import load


def status(config: Path, *more: str) -> Any:
    result = CliRunner().invoke(app, ["--config", str(config), "status", *more])
    assert result.exit_code == int("ALARME" in result.output or '"code": "mailbox"' in result.output), result.output
    return json.loads(result.stdout) if more else " ".join(result.output.split())


class Lines(logging.Handler):
    """What the steps log, whatever the command line does to the other handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    handler = Lines()
    monkeypatch.setattr(steps.log, "handlers", [handler])
    monkeypatch.setattr(steps.log, "propagate", False)
    return handler


def test_it_alarms_once_at_each_end_and_status_tells_it(tmp_path: Path, lines: Lines) -> None:
    labo = tmp_path / "labo"
    assert CliRunner().invoke(app, ["init", str(labo)]).exit_code == 0
    config, mailbox = labo / "dispatcher.toml", labo / "bac-a-sable" / "mailbox"
    office = wiring.build(load(config))

    def told(passes: int = 3) -> list[str]:
        lines.kept.clear()
        for _ in range(passes):
            steps.collect_all(office)
        return list(lines.kept)

    try:
        assert told() == []
        assert "boîte des avis" not in status(config)
        mailbox.rename(labo / "ailleurs")
        (begun,) = told()
        assert "ALARM begins" in begun
        (found,) = status(config, "--json")["mailboxes"]
        assert "introuvable" in found["alarm"]
        said = status(config)
        assert f"ALARME, boîte des avis du canal « {found['channel']} »" in said
        assert "Les accusés n'arrivent plus" in said
        (labo / "ailleurs").rename(mailbox)
        (over,) = told()
        assert "ALARM over" in over
        assert status(config, "--json")["mailboxes"] == []
        assert "boîte des avis" not in status(config)
    finally:
        office.close()
