"""``status`` ends with 1 for what waited too long for a person, and with 0 for what is only to be foreseen."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.daemon.troubles import Ticks, Troubles
from dispatcher.outbox.states import FileState, State
from dispatcher.service import alarm_facts
from dispatcher.service.pause import pause
from tests.contract.store_kit import Seed
from tests.integration.laboratory import Installation, install
from tests.integration.test_untaken_status import CHANNEL
from tests.pki import pki

EAGER = """
[alarms]
silence_hours = 0.0000001
oldest_hours = 0.0000001
held_count = 1
failed_hours = 0.0000001
quarantine_hours = 0.0000001
paper_hours = 0.0000001
pause_hours = 0.0000001
backup_days = 0.0000001

[ladder]
hours = "00:00-24:00"
days = ["lun", "mar", "mer", "jeu", "ven", "sam", "dim"]
holidays = ""
"""


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    installation = install(tmp_path, pki(), channel=CHANNEL + EAGER, local="")
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    return installation


def told() -> dict[str, Any]:
    result = CliRunner().invoke(app, ["status", "--json"])
    seen = json.loads(result.stdout)
    assert result.exit_code == (1 if seen["alarms"] else 0)
    assert {one["level"] for one in seen["notices"]} <= {"notice"}
    return {one["key"]: one for one in (*seen["alarms"], *seen["notices"])}


def test_nothing_waits_and_nobody_is_alarmed(labo: Installation) -> None:
    assert {one["level"] for one in told().values()} <= {"notice"}


def test_what_was_no_alarm_is_one(labo: Installation) -> None:
    store, clock = labo.office.store, labo.office.clock
    alarm_facts.watch(store, clock, labo.office.settings.sources)
    seed = Seed(store, clock)  # type: ignore[arg-type]
    before = clock.now() - timedelta(hours=2)
    seed.file(source="sil", state=FileState.QUARANTINED, received_at=before)
    for state in (State.HELD, State.FAILED, State.PAPER):
        seed.dispatch(state=state, channel="pro", created_at=before)
    pause(store, labo.office.channels["pro"], reason="essai", actor="operator:x")
    found = told()
    expected = {"oldest", "held", "failed", "quarantine", "paper", "paused:pro", "backup"}
    assert expected - set(found) == set()
    assert found["held"]["count"] == 1 and "1 envoi attend une décision" in found["held"]["text"]


def test_a_source_that_never_gives_anything_is_silent_once_it_is_watched(labo: Installation) -> None:
    assert "silence:sil" not in told()
    alarm_facts.watch(labo.office.store, labo.office.clock, labo.office.settings.sources)
    assert "n'a jamais rien reçu" in told()["silence:sil"]["text"]


def test_a_service_tells_what_is_wrong_with_itself_until_it_is_well(labo: Installation) -> None:
    store, clock = labo.office.store, labo.office.clock
    troubles, ticks = Troubles(store, clock, "un"), Ticks()
    ticks.running["scan"] = -10_000.0
    troubles.ticks(ticks)
    troubles.watcher(False)
    troubles._write()
    assert {"tick:scan@un", "watcher:dossiers@un"} <= set(told())
    assert told()["tick:scan@un"]["level"] == "urgent"
    ticks.running.clear()
    troubles.ticks(ticks)
    troubles._write()
    assert "tick:scan@un" not in told() and "watcher:dossiers@un" in told()
    Troubles(store, clock, "un")._write()  # it was started again
    assert "watcher:dossiers@un" not in told()
