"""``dispatcher answers``, ``stats`` and what ``check`` says of the answers, on a whole installation."""

from __future__ import annotations

import json
import shutil
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.cmd_stats import short
from dispatcher.cli.main import app
from dispatcher.daemon import answering
from dispatcher.daemon.once import drain
from dispatcher.errors import ConfigError
from dispatcher.outbox.states import State
from dispatcher.service import alarms
from dispatcher.settings import parse
from tests.integration.laboratory import Installation, install
from tests.integration.test_batch_commands import CHANNEL, HL7
from tests.pki import pki
from tests.servers.mllp import MllpServer

ANSWERS = """
[sources.sil.answers]
folder = "retour"
formats = ["hl7", "csv", "json"]
"""
LOCAL = "D1;;;;paul@cabinets.mssante.test;Dr Durand;;;;;\n"


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Three results sent, and their LIS told."""
    installation = install(tmp_path, pki(), channel=CHANNEL + ANSWERS, local=LOCAL)
    (tmp_path / "retour").mkdir()
    for number in range(3):
        text = HL7.format(number=f"T{number}")
        (installation.inbox / f"{number}.hl7").write_text(text, encoding="utf-8", newline="")
    drain(installation.office, lambda: False)
    for name, value in {"DISPATCHER_CONFIG": str(installation.config), "LOGNAME": "eve", "COLUMNS": "220"}.items():
        monkeypatch.setenv(name, value)
    return installation


def run(*args: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == rc, result.output
    return result


def told(*args: str, rc: int = 0) -> Any:
    return json.loads(run(*args, "--json", rc=rc).stdout)


# ------------------------------------------------------------------------------------------------ answers


def test_answers_are_listed_and_given_again(labo: Installation) -> None:
    rows = told("answers", "list", "--limit", "100")
    by_event = {(row["event"], row["format"]) for row in rows}
    assert by_event == {
        *(("taken", name) for name in ("hl7", "csv", "json")),
        *((event, name) for event in ("sent", "batch", "day") for name in ("csv", "json")),
    }
    assert {row["state"] for row in rows} == {"sent"}
    wanted = next(row["id"] for row in rows if row["format"] == "hl7")
    path = labo.folder / "retour" / f"ack-{wanted}.hl7"
    before = path.read_text(encoding="utf-8")
    path.unlink()
    assert told("answers", "replay", wanted, "R404", rc=1) == {"done": [wanted], "unknown": ["R404"]}
    (row,) = told("answers", "list", "--state", "due")
    assert row["id"] == wanted
    assert "redonner" in run("answers", "replay", wanted).stdout
    drain(labo.office, lambda: False)
    again = path.read_text(encoding="utf-8")
    assert again.split("|")[9] == before.split("|")[9] == wanted and "MSA|AA|T" in again
    with labo.office.store.reading() as uow:
        lines = uow.journal.of_subject(wanted)
    assert [(line.event, line.actor) for line in lines] == [("answer.replayed", "operator:eve")] * 2


def test_the_list_reads_as_french(labo: Installation) -> None:
    said = run("answers", "list").stdout
    assert "fichier pris" in said and "relevé du jour" in said and "donnée" in said
    assert "Aucune réponse." in run("answers", "list", "--source", "autre").stdout


def test_a_line_that_fails_alarms_at_the_third_time_and_once_when_it_is_over(labo: Installation) -> None:
    shutil.rmtree(labo.folder / "retour")
    (labo.inbox / "x.hl7").write_text(HL7.format(number="T9"), encoding="utf-8", newline="")
    drain(labo.office, lambda: False)
    (way,) = labo.office.answer_ways()
    standing = []
    for _ in range(4):
        way.rests_until = 0
        answering.answer_way(labo.office, way)
        standing.append(bool(alarms.standing(labo.office.store, way.name)))
    assert standing == [False, False, True, True]
    said = run("status", rc=1)
    assert "ALARME, réponses au SIL de la source « sil » : Dossier de retour introuvable" in said.stderr
    status = told("status", rc=1)
    (answers,) = status["answers"]
    assert answers["waiting"] >= 4 and "answers" in {alarm["code"] for alarm in status["alarms"]}
    (labo.folder / "retour").mkdir()
    way.rests_until = 0
    assert answering.answer_way(labo.office, way).given
    assert not alarms.standing(labo.office.store, way.name)
    status = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert status["answers"] == [{"source": "sil", "waiting": 0, "oldest": None}]
    assert "answers" not in {alarm["code"] for alarm in status["alarms"]}
    with labo.office.store.reading() as uow:
        assert [line.event for line in uow.journal.of_subject(way.name)] == [alarms.STARTED, alarms.ENDED]


# ------------------------------------------------------------------------------------------------ check


def findings(labo: Installation, *args: str) -> dict[str, dict[str, str]]:
    result = CliRunner().invoke(app, ["check", "--json", *args])
    return {one["subject"]: one for one in json.loads(result.stdout)}


def test_check_looks_at_the_return_folder(labo: Installation) -> None:
    subject = "source sil, dossier de retour"
    assert findings(labo, "--offline")[subject]["severity"] == "info"
    shutil.rmtree(labo.folder / "retour")
    gone = findings(labo, "--offline")[subject]
    assert gone["severity"] == "error" and "introuvable" in gone["text"]
    text = labo.config.read_text(encoding="utf-8")
    labo.config.write_text(text.replace('folder = "retour"', 'folder = "entree"'), encoding="utf-8")
    inbox = findings(labo, "--offline")[subject]
    assert inbox["severity"] == "error" and "prises pour des résultats" in inbox["text"]


def test_check_asks_the_mllp_server_and_tells_what_waits(labo: Installation) -> None:
    text = labo.config.read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with MllpServer() as server:
        for where, severity in ((server.port, "info"), (port, "warning")):
            mllp = f'\n[sources.sil.answers.mllp]\nhost = "127.0.0.1"\nport = {where}\n'
            labo.config.write_text(text + mllp, encoding="utf-8")
            assert findings(labo)["source sil, serveur MLLP"]["severity"] == severity
        assert "source sil, serveur MLLP" not in findings(labo, "--offline")
    assert "source sil, réponses" not in findings(labo, "--offline")
    rows = told("answers", "list", "--limit", "1")
    long_ago = labo.office.clock.now() - timedelta(hours=5)
    with labo.office.store.transaction() as uow:
        uow.answers.again([rows[0]["id"]], actor="operator:eve")
        uow._session.connection.exec_driver_sql(  # type: ignore[attr-defined]
            "UPDATE answers SET at = ? WHERE state = 'due'", (long_ago.isoformat(timespec="microseconds"),)
        )
    waits = findings(labo, "--offline")["source sil, réponses"]
    assert waits["severity"] == "warning" and "1 réponse à donner" in waits["text"] and "5 heures" in waits["text"]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('formats = ["csv"]', "« folder » manque"),
        ('folder = "r"\nformats = ["csv", "csv"]', "une seule fois"),
        ('folder = "r"\nmllp = { host = "h", port = 1 }', "« mllp » porte des messages HL7"),
        ('formats = ["hl7"]\nmllp = { host = "h", port = 1 }', "« folder » manque"),
        ('folder = "r"\nevents = ["autre"]', "events"),
        ('folder = "r"\ndone_suffix = "/x"', "done_suffix"),
    ],
)
def test_settings_that_cannot_be(labo: Installation, lines: str, fault: str) -> None:
    text = labo.config.read_text(encoding="utf-8").partition("[sources.sil.answers]")[0]
    with pytest.raises(ConfigError) as raised:
        parse(f"{text}[sources.sil.answers]\n{lines}\n", labo.folder)
    assert any(fault in one for one in raised.value.faults), raised.value.faults


# ------------------------------------------------------------------------------------------------ stats


def test_stats_tell_times_shares_and_whom_to_phone(labo: Installation) -> None:
    first, second, third = labo.dispatches()
    with labo.office.store.transaction() as uow:
        uow.dispatches.move(first.id, State.READ)
        uow.dispatches.move(second.id, State.FAILED, fault="5.1.1")
        uow.dispatches.move(third.id, State.PAPER)
    found = told("stats")
    whole = found["all"]
    assert (whole["dispatches"], whole["states"]) == (3, {"read": 1, "failed": 1, "paper": 1})
    assert whole["reached"] == {"sent": 3, "delivered": 0, "read": 1}
    assert whole["seconds"]["sent"]["median"] is not None and whole["seconds"]["delivered"]["median"] is None
    assert whole["faults"] == {"5.1.1": 1}
    (call,) = found["to_phone"]
    assert (call["address"], call["failed"], call["faults"]) == ("paul@cabinets.mssante.test", 1, ["5.1.1"])
    for by in ("domain", "recipient", "day", "channel"):
        (group,) = told("stats", "--by", by)["groups"]
        assert group["dispatches"] == 3
    said = run("stats").stdout
    assert (
        "3 envois" in said
        and "cabinets.mssante.test" in said
        and "À appeler" in said
        and "adresse inconnue (5.1.1)" in said
    )
    assert "ESSAI" not in said and "Zoé" not in said


def test_stats_of_nothing_and_wrong_days(labo: Installation) -> None:
    assert told("stats", "--since", "2020-01-01", "--until", "2020-01-31")["all"]["dispatches"] == 0
    assert "0 envoi." in run("stats", "--since", "2020-01-01", "--until", "2020-01-31").stdout
    run("stats", "--since", "hier", rc=2)
    run("stats", "--since", "2026-02-01", "--until", "2026-01-01", rc=2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45.4, "45 s"), (200, "3 min"), (3 * 3600 + 300, "3 h 05"), (86400 * 2.5, "2,5 j"), (7199, "2 h 00")],
)
def test_times_as_people_read_them(seconds: float, text: str) -> None:
    assert short(seconds) == text
