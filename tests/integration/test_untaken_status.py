"""``dispatcher status`` tells what the database cannot know: files nobody took, no service, a full disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.cli.untaken_show import LONG
from dispatcher.clock import SystemClock
from dispatcher.ports import NodeRow
from dispatcher.service import nodes
from tests.integration.laboratory import Installation, install
from tests.pki import pki

CHANNEL = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
domains = ["cabinets.mssante.test"]
transport = "folder"
folder = "sortie"
"""
WELL = "Rien n'attend"
NO_SERVICE = "aucun service n'est en marche"


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    installation = install(tmp_path, pki(), channel=CHANNEL, local="")
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("COLUMNS", "300")
    return installation


def status() -> str:
    return " ".join(CliRunner().invoke(app, ["status"]).output.split())


def as_json() -> Any:
    return json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)


def a_service(labo: Installation) -> None:
    now = SystemClock().now()
    node = NodeRow(
        id="1", name="un", host="h", pid=1, version="0", revision="0", workers=1, started_at=now, seen_at=now
    )
    nodes.join(labo.office.store, node)


def test_an_empty_folder_without_service_is_no_alarm(labo: Installation) -> None:
    """« run --once » from a scheduler leaves none behind."""
    assert WELL in status() and NO_SERVICE not in status()
    assert as_json()["folders"] == [] and as_json()["no_service"] is False


def test_files_that_no_service_takes_are_told_by_number_and_never_by_name(labo: Installation) -> None:
    (labo.inbox / "DUPONT_Zoe.hl7").write_text("MSH|")
    (labo.inbox / "ignored.tmp").write_text("MSH|")
    told = status()
    assert NO_SERVICE in told and WELL not in told and "DUPONT" not in told
    assert "Source « sil » : 1 fichier de son dossier n'est pas encore pris" in told
    seen = as_json()
    assert seen["no_service"] is True and [one["files"] for one in seen["folders"]] == [1]


def test_with_a_service_a_new_file_is_told_and_an_old_one_alarms(
    labo: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_service(labo)
    (labo.inbox / "a.hl7").write_text("MSH|")
    assert NO_SERVICE not in status() and "ALARME" not in status() and WELL not in status()
    later = SystemClock().now() + 2 * LONG
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    assert "ALARME, source « sil » : 1 fichier de son dossier" in status()


def test_a_folder_that_cannot_be_listed_alarms(labo: Installation) -> None:
    shutil.rmtree(labo.inbox)
    assert "ALARME, source « sil » : Dossier de la source « sil » inaccessible" in status()


def test_a_disk_almost_full_alarms_where_the_database_is(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    state = labo.folder / "state"

    def usage(place: Path) -> SimpleNamespace:
        return SimpleNamespace(free=4_000_000 if place.samefile(state) else 10**12)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert "ALARME, disque : 4 Mo libres seulement" in status()
    assert as_json()["disk"] == "4 Mo libres seulement"
    assert "4 Mo libres seulement" in CliRunner().invoke(app, ["check"]).output
