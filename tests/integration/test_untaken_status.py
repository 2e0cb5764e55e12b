"""``dispatcher status`` tells what the database cannot know: files nobody took, no service, a full disk."""

from __future__ import annotations

import json
import logging
import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.clock import SystemClock
from dispatcher.daemon.once import Drained
from dispatcher.directory.trust.in_force import DomainsInForce
from dispatcher.errors import StoreError
from dispatcher.ports import NodeRow
from dispatcher.service import nodes
from dispatcher.service.untaken import LONG
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
    """The exit code says whether there are alarms."""
    result = CliRunner().invoke(app, ["status", "--json"])
    seen = json.loads(result.stdout)
    assert result.exit_code == (1 if seen["alarms"] else 0)
    return seen


def codes() -> list[str]:
    return [one["code"] for one in as_json()["alarms"]]


def a_service(labo: Installation) -> None:
    now = SystemClock().now()
    node = NodeRow(
        id="1", name="un", host="h", pid=1, version="0", revision="0", workers=1, started_at=now, seen_at=now
    )
    nodes.join(labo.office.store, node)


def test_an_empty_folder_without_service_is_no_alarm(labo: Installation) -> None:
    """« run --once » from a scheduler leaves none behind."""
    assert WELL in status() and NO_SERVICE not in status()
    assert as_json()["folders"] == [] and as_json()["no_service"] is False and codes() == []


def test_files_that_no_service_takes_are_told_by_number_and_never_by_name(labo: Installation) -> None:
    (labo.inbox / "DUPONT_Zoe.hl7").write_text("MSH|")
    (labo.inbox / "ignored.tmp").write_text("MSH|")
    told = status()
    assert NO_SERVICE in told and WELL not in told and "DUPONT" not in told
    assert "Source « sil » : 1 fichier de son dossier n'est pas encore pris" in told
    seen = as_json()
    assert codes() == ["no-service"] and "DUPONT" not in str(seen)
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
    (alarm,) = (one for one in as_json()["alarms"] if one["code"] == "source-late")
    assert alarm["text"].startswith("Source « sil » : 1 fichier") and alarm["since"] < later.isoformat()


def test_a_folder_that_cannot_be_listed_alarms(labo: Installation) -> None:
    shutil.rmtree(labo.inbox)
    assert "ALARME, source « sil » : Dossier de la source « sil » inaccessible" in status()
    assert codes() == ["source-unreadable"]


def test_a_disk_almost_full_alarms_where_the_database_is(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    state = labo.folder / "state"

    def usage(place: Path) -> SimpleNamespace:
        return SimpleNamespace(free=4_000_000 if place.samefile(state) else 10**12)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert "ALARME, disque : 4 Mo libres seulement" in status()
    assert as_json()["disk"] == "4 Mo libres seulement" and codes() == ["disk"]
    assert "4 Mo libres : le disque est plein" in CliRunner().invoke(app, ["check"]).output


def test_with_a_list_of_allowed_domains_too_old_or_none_at_all_nothing_leaves_and_status_says_so(
    labo: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = SystemClock().now() + timedelta(days=60)
    with monkeypatch.context() as changed:
        changed.setattr(SystemClock, "now", lambda _: later)
        assert codes() == ["allowed-domains"]
        assert "ALARME, Liste blanche : données en service du" in status()
    none = SimpleNamespace(version="", generated=None, allows=lambda _: False)
    monkeypatch.setattr(DomainsInForce, "current", lambda _: none)
    assert codes() == ["allowed-domains"]
    assert "ALARME, liste blanche : aucune liste acceptée : rien ne partira. → « dispatcher trust import" in status()


def test_once_says_in_french_what_went_wrong_and_keeps_the_log_to_itself(labo: Installation) -> None:
    shutil.rmtree(labo.inbox)
    result = CliRunner().invoke(app, ["run", "--once"])
    assert result.exit_code == 1 and "« sil » inaccessible" in result.stderr and " ERROR " not in result.stderr
    assert " ERROR " in CliRunner().invoke(app, ["-v", "run", "--once"]).stderr


@pytest.mark.parametrize("faults", [[], ["Source « sil » inaccessible."]])
def test_once_never_ends_well_with_an_error_in_the_log_alone(
    labo: Installation, monkeypatch: pytest.MonkeyPatch, faults: list[str]
) -> None:
    """Its lines are written nowhere else."""

    def failing(*_: object) -> Drained:
        logging.getLogger("dispatcher.daemon.steps").error("mailbox of channel pro: ALARM over: it is read again")
        for _ in range(2):
            logging.getLogger("dispatcher.daemon.steps").error("mailbox of channel %s: unreadable", "pro")
        return Drained(faults=list(faults))

    monkeypatch.setattr("dispatcher.cli.cmd_run.drain", failing)
    result = CliRunner().invoke(app, ["run", "--once"])
    assert result.exit_code == 1 and "2 erreurs au journal technique" in " ".join(result.stderr.split())
    assert "2 × mailbox of channel pro: unreadable" in result.stderr and "ALARM over" not in result.stderr
    told = json.loads(CliRunner().invoke(app, ["run", "--once", "--json"]).stdout)["faults"]
    assert told[: len(faults)] == faults and "mailbox of channel pro: unreadable" in told[-1]


def test_once_that_breaks_off_tells_the_errors_before_it(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*_: object) -> Drained:
        logging.getLogger("dispatcher.daemon.steps").error("mailbox of channel pro: unreadable")
        raise StoreError("Base perdue.", hint="")

    monkeypatch.setattr("dispatcher.cli.cmd_run.drain", breaking)
    result = CliRunner().invoke(app, ["run", "--once"])
    assert result.exit_code and "1 × mailbox of channel pro: unreadable" in result.stderr
