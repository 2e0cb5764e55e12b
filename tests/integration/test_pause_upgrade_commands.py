"""``dispatcher pause``, ``resume`` and ``upgrade`` on an installation."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.outbox.states import State
from dispatcher.store import schema
from tests.contract.test_store_schema import RELEASES
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import CHANNEL, HL7
from tests.pki import pki

LOCAL = "A;;;;a@sandbox.mssante.test;Dr A;;;;;\n"
WHY = ("--reason", "boîte à changer")


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    installation = install(tmp_path, pki(), channel=CHANNEL, local=LOCAL)
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("LOGNAME", "eve")
    return installation


def run(*words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def test_a_channel_resumed_while_everything_is_paused_is_not_said_to_run(labo: Installation) -> None:
    run("pause", "pro", *WHY)
    run("pause", "--everything", *WHY)
    assert "tout reste en pause" in run("resume", "pro", *WHY).output
    assert told("resume", "pro", *WHY)["paused"] is True
    assert "en marche" in run("resume", "--everything", *WHY).output


@pytest.mark.parametrize("what", ["pro", "--everything"])
def test_a_person_stops_and_starts_sending(labo: Installation, what: str) -> None:
    for wrong in ((), ("pro", "--everything"), ("inconnu",), ("pro", "--reason", " ")):
        run("pause", *wrong, *(() if "--reason" in wrong else WHY), rc=2)
    ended = f'« dispatcher resume {what} --reason "…" » y met fin'
    assert ended in " ".join(run("pause", what, *WHY).output.split()), "what it names can be called as it stands"
    said = told("status", rc=1 if what == "--everything" else 0)
    assert [one["code"] for one in said["alarms"]] == (["all-paused"] if what == "--everything" else [])
    assert said["channels"][0]["paused"] == "En pause (eve) : boîte à changer"
    assert bool(said["paused"]) is (what == "--everything")
    (labo.inbox / "1.hl7").write_text(HL7.format(number="T1", to="A^ESSAI"), encoding="utf-8", newline="")
    labo.run()
    assert [one.state for one in labo.dispatches()] == [State.QUEUED], "taken in, prepared, not sent"
    run("resume", what, *WHY)
    assert told("status", rc=1)["channels"][0]["paused"] == "", "no service runs: an alarm"
    with labo.office.store.reading() as uow:
        lines = uow.journal.of_subject("store" if what == "--everything" else "channel:pro")
    assert [(line.event.partition(".")[2], line.actor, line.detail["reason"]) for line in lines] == [
        ("paused", "operator:eve", "boîte à changer"),
        ("resumed", "operator:eve", "boîte à changer"),
    ]


def test_only_upgrade_and_run_change_an_older_database(labo: Installation) -> None:
    labo.office.close()
    file = Path(labo.office.settings.store.url.removeprefix("sqlite:///"))
    file = file if file.is_absolute() else labo.folder / file
    for old in labo.folder.glob(f"**/{file.name}*"):
        old.unlink()
    connection = sqlite3.connect(file)
    connection.executescript((RELEASES / "0001.sqlite.sql").read_text(encoding="utf-8"))
    connection.close()
    for words in (("status",), ("list",), ("pause", "pro", *WHY)):
        assert CliRunner().invoke(app, list(words)).exit_code != 0
    assert told("upgrade", "--check", rc=1) == {"before": "0001", "now": "0001", "needed": schema.REVISIONS[-1]}
    assert told("upgrade")["now"] == schema.REVISIONS[-1]
    assert "à jour" in run("upgrade", "--check").output
