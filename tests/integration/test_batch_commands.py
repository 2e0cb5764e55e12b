"""``dispatcher batches``: a statement whose sums reconcile, a life, and a pause with who and why."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.daemon.once import drain
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.states import State
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
HL7 = (
    "MSH|^~\\&|SIL|LABO|DISP|DISP|20261120101500||ORU^R01^ORU_R01|{number}|P|2.5|||||FRA|UNICODE UTF-8\r"
    "PID|1||{number}^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F\r"
    "OBR|1||{number}^LABO|NFS^Numération^L|||20261120080000|||||||||D1^DURAND^Paul|||||||20261120101000||HM|F\r"
    "OBX|1|NM|718-7^Hémoglobine^LN||13.2|g/dL|12.0-16.0||||F\r"
)


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Three results sent in one batch."""
    local = "D1;;;;paul@cabinets.mssante.test;Dr Durand;;;;;\n"
    installation = install(tmp_path, pki(), channel=CHANNEL, local=local)
    for number in range(3):
        text = HL7.format(number=f"T{number}")
        (installation.inbox / f"{number}.hl7").write_text(text, encoding="utf-8", newline="")
    drain(installation.office, lambda: False)
    for name, value in {"DISPATCHER_CONFIG": str(installation.config), "LOGNAME": "eve", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    return installation


def run(*args: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["batches", *args])
    assert result.exit_code == rc, result.output
    return result


def told(*args: str, rc: int = 0) -> Any:
    return json.loads(run(*args, "--json", rc=rc).stdout)


def test_a_channel_that_a_fault_stopped_is_an_alarm(labo: Installation) -> None:
    (channel,), now = labo.office.channels.values(), labo.office.clock.now()
    for until, told_ in ((now + timedelta(minutes=5), True), (None, False)):
        with labo.office.store.transaction() as uow:
            uow.pace.pause(channel.scope, until, "L'opérateur ne répond pas.")
        said = CliRunner().invoke(app, ["status"])
        assert (f"ALARME, canal « {channel.name} » arrêté par une panne ; nouvel essai" in said.stderr) is told_
        assert "L'opérateur ne répond pas." in said.output


def only(labo: Installation) -> str:
    (batch,) = told("list")
    return str(batch["id"])


def test_list_and_show_reconcile(labo: Installation) -> None:
    (batch,) = told("list")
    assert batch["statement"] == {
        "in": 3,
        **dict.fromkeys(("read", "delivered", "pending", "failed", "paper", "withdrawn", "closed"), 0),
        "sent": 3,
    }
    shown = told("show", batch["id"])
    assert shown["statement"] == batch["statement"] and len(shown["dispatches"]) == 3
    text = run("show", batch["id"]).stdout
    assert "Relevé : 3 entrés = 3 envoyés." in text
    assert "terminé le" in text
    with labo.office.store.transaction() as uow:
        uow.dispatches.move(shown["dispatches"][0]["id"], State.PAPER)
    assert "3 entrés = 2 envoyés + 1 sur papier." in run("show", batch["id"]).stdout


def test_a_lost_dispatch_is_told(labo: Installation) -> None:
    batch = only(labo)
    connection = sqlite3.connect(labo.folder / labo.office.settings.store.url.removeprefix("sqlite:///"))
    connection.execute("DELETE FROM dispatches WHERE id = (SELECT MIN(id) FROM dispatches)")
    connection.commit()
    connection.close()
    for args in (("list",), ("show", batch)):
        assert "3 entrés, 2 retrouvés" in run(*args, rc=1).stderr


def test_pause_and_resume_keep_who_and_why(labo: Installation) -> None:
    batch = only(labo)
    refused = run("pause", batch, "--reason", "essai", rc=1)
    assert "terminé" in refused.stderr
    with labo.office.store.transaction() as uow:
        uow.batches.add(Batch(id="L0", channel="pro", created_at=labo.office.clock.now(), reason="tick"))
    assert told("pause", "L0", "--reason", "boîte à vérifier") == {"done": ["L0"], "refused": []}
    assert "suspendu" in run("list").stdout
    assert "ALARME, lot L0 du canal « pro » suspendu" in CliRunner().invoke(app, ["status"]).stderr
    assert "boîte à vérifier" in run("show", "L0").stdout
    assert "Lot L0 repris." in run("resume", "L0", "--reason", "vérifiée").stdout
    assert "ALARME, lot" not in CliRunner().invoke(app, ["status"]).output
    assert "pas suspendu" in run("resume", "L0", "--reason", "x", rc=1).stderr
    with labo.office.store.reading() as uow:
        lines = [(line.event, line.actor, line.detail["reason"]) for line in uow.journal.of_subject("L0")[1:]]
    assert lines == [
        ("batch.paused", "operator:eve", "boîte à vérifier"),
        ("batch.resumed", "operator:eve", "vérifiée"),
    ]


def test_a_pause_needs_a_reason_and_a_batch(labo: Installation) -> None:
    run("pause", "L0", "--reason", " ", rc=2)
    assert "Lot inconnu" in run("pause", "L404", "--reason", "x", rc=1).stderr


def test_the_list_says_what_is_in_no_batch(labo: Installation) -> None:
    assert "Ce qui n'est entré dans aucun lot n'est pas compté ici" in run("list").output
    assert "aucun lot" not in run("list", "--json").output
