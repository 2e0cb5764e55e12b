"""``status`` tells of mails of unknown outcome, the service looks into them, ``settle`` ends the doubt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher import wiring
from dispatcher.cli.main import app
from dispatcher.clock import SystemClock
from dispatcher.daemon import doubt
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.contract.store_kit import Seed


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    assert CliRunner().invoke(app, ["init", str(tmp_path / "labo")]).exit_code == 0
    built = wiring.build(load(tmp_path / "labo" / "dispatcher.toml"))
    yield built
    built.close()


def run(office: Office, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--config", str(office.settings.folder / "dispatcher.toml"), *words])
    return result.exit_code, " ".join(result.output.split())


def unknown(office: Office, hours: float = 0.0) -> str:
    """A mail whose answer was lost so many hours ago."""
    channel = next(iter(office.channels))
    seed = Seed(office.store, SystemClock())  # type: ignore[arg-type]
    row = seed.dispatch(channel=channel)
    with office.store.transaction() as uow:
        since = office.clock.now() - timedelta(hours=hours)
        uow.dispatches.move(row.id, State.UNKNOWN, unknown_since=since)
    return row.id


def state(office: Office, dispatch_id: str) -> Any:
    with office.store.reading() as uow:
        found = uow.dispatches.get(dispatch_id)
    assert found is not None
    return found.state


def test_status_tells_how_many_and_since_when_then_alarms(office: Office) -> None:
    assert "issue inconnue" not in run(office, "status")[1]
    dispatch = unknown(office, hours=5)
    _, said = run(office, "status")
    assert "1 envoi à l'issue inconnue sur le canal" in said and "depuis 5 h" in said
    assert "dispatcher settle" in said and "ALARME, 1 envoi" not in said
    doubt.settle_all(office)
    code, said = run(office, "status")
    assert code == 1 and said.count("1 envoi à l'issue inconnue") == 1 and "ALARME, 1 envoi à" in said
    told = json.loads(CliRunner().invoke(app, ["--config", _config(office), "status", "--json"]).stdout)
    assert told["doubts"][0]["alarm"]
    since = {one["code"]: one["since"] for one in told["alarms"]}["unknown-outcome"]
    assert since == told["channels"][0]["unknown_since"]
    assert told["channels"][0]["unknown"] == 1
    assert run(office, "settle", dispatch, "--arrived", "--reason", "vu au téléphone")[0] == 0
    doubt.settle_all(office)
    assert "issue inconnue" not in run(office, "status")[1]


@pytest.mark.parametrize(("word", "end"), [("--arrived", State.DELIVERED), ("--refused", State.FAILED)])
def test_a_person_settles_it(office: Office, word: str, end: State) -> None:
    dispatch = unknown(office)
    code, said = run(office, "settle", dispatch, word, "--reason", "vu au téléphone")
    assert (code, state(office, dispatch)) == (0, end)
    assert dispatch in said
    code, said = run(office, "settle", dispatch, word, "--reason", "encore")
    assert code == 1
    assert "n'est pas inconnue" in said


@pytest.mark.parametrize(
    "words",
    [
        ["--reason", "x"],
        ["--arrived", "--refused", "--reason", "x"],
        ["--arrived"],
        ["--arrived", "--reason", " "],
    ],
)
def test_a_wrong_call_settles_nothing(office: Office, words: list[str]) -> None:
    dispatch = unknown(office)
    assert run(office, "settle", dispatch, *words)[0] == 2
    assert state(office, dispatch) is State.UNKNOWN


def test_a_resend_by_policy_is_a_setting_and_needs_a_mailbox(office: Office) -> None:
    dispatch = unknown(office, hours=25)
    assert doubt.settle_all(office).resent == 0
    config = Path(_config(office))
    text = config.read_text(encoding="utf-8")
    name = next(iter(office.channels))
    policy = f"\n[channels.{name}.unknown]\nresend_after_hours = 24\n"
    config.write_text(text + policy, encoding="utf-8")
    again = wiring.build(load(config))
    try:
        assert doubt.settle_all(again).resent == 1
    finally:
        again.close()
    assert state(office, dispatch) is State.QUEUED
    without = text.replace(f"[channels.{name}.mailbox]", "[channels.autre.mailbox]")
    config.write_text(without + policy, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(config)
    assert any("demande une boîte des avis" in fault for fault in error.value.faults)


def _config(office: Office) -> str:
    return str(office.settings.folder / "dispatcher.toml")
