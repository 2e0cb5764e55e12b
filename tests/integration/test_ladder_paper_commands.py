"""``dispatcher ladder`` and ``dispatcher paper`` as people and scripts use them."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.outbox.states import State
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import CHANNEL, HL7
from tests.pki import pki

LOCAL = "A;;;;a@sandbox.mssante.test;Dr A;;;;;\nB;;;;;Dr B;;;papier;;\n"
LADDER = """
[ladder]
person = "Dr Garde, poste 12"
routine = [{ do = "person", minutes = 1, always = true }]
"""
ADDRESSES = (
    "type;numero;source;nom;ligne1;ligne2;ligne3;code_postal;ville\ncode;B;;Dr B;1 rue de l'Essai;;;29000;Quimper\n"
)


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Two mails the operator took a day ago, and two letters."""
    installation = install(tmp_path, pki(), channel=CHANNEL + LADDER, local=LOCAL)
    for number, to in enumerate("AABB"):
        content = HL7.format(number=f"T{number}", to=f"{to}^ESSAI")
        (installation.inbox / f"{number}.hl7").write_text(content, encoding="utf-8", newline="")
    installation.run()
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("LOGNAME", "eve")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    with installation.office.store.transaction() as uow:
        for one in installation.dispatches():
            if one.state is not State.PAPER:
                assert one.sent_at is not None
                uow.dispatches.update(one.id, event="test", sent_at=one.sent_at - timedelta(days=1))
    return installation


def run(*words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def of(labo: Installation, state: State) -> list[str]:
    return sorted(one.id for one in labo.dispatches() if one.state is state)


def climb(labo: Installation) -> None:
    from dispatcher.daemon import steps

    steps.climb_all(labo.office)  # begins
    steps.climb_all(labo.office)  # climbs what is due


def test_a_person_is_called_by_name_and_takes_it_over(labo: Installation) -> None:
    climb(labo)
    one, two = of(labo, State.SENT)
    shown = run("status", rc=1).output
    assert "ALARME, envoi jamais lu" in shown and "Dr Garde, poste 12" in shown and one in shown
    found = told("ladder", "list")
    assert found["unread"] == 2 and [line["count"] for line in found["recipients"]] == [2]
    assert {line["id"] for line in found["calling"]} == {one, two}
    assert "Dr A" in run("ladder", "list").output and two in run("ladder", "list", "--each").output
    assert "une personne est appelée, " in run("ladder", "list", "--each").output
    run("ladder", "acknowledge", one, rc=2)
    run("ladder", "acknowledge", one, "--reason", "cabinet appelé")
    run("ladder", "acknowledge", one, "--reason", "cabinet appelé", rc=1)
    assert [line["id"] for line in told("status", rc=1)["calling"]] == [two]
    assert "pris en charge par une personne" in run("show", one).output
    batch = told("batches", "list")[0]
    assert batch["unread"] == 2 and "jamais lus" in run("batches", "show", batch["id"]).output


def test_what_the_ladder_put_on_paper_stands_in_the_list_while_it_alarms(labo: Installation) -> None:
    climb(labo)
    one, two = of(labo, State.SENT)
    with labo.office.store.transaction() as uow:
        uow.dispatches.move(two, State.PAPER)
        uow.dispatches.update(one, event="test", recipient_key="known by his number")
    assert [line["id"] for line in told("status", rc=1)["calling"] if line["id"] == two] == [two]
    assert two in run("ladder", "list", "--each").output and "sur papier" in run("ladder", "list", "--each").output
    (group,) = told("ladder", "list")["recipients"]
    assert group["count"] == 2, "one line a box"
    assert told("ladder", "list", "--recipient", "personne")["recipients"] == []


def test_letters_are_printed_marked_and_posted(labo: Installation, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir(exist_ok=True)
    (labo.folder / "tables" / "adresses.csv").write_text(ADDRESSES, encoding="utf-8")
    letters = of(labo, State.PAPER)
    assert told("status")["to_print"] == 2 and "sur papier à imprimer" in run("status").output
    assert {line["id"] for line in told("paper", "list")["waiting"]} == set(letters)
    made = told("paper", "print", "--out", "courrier.pdf")
    assert made["letters"] == 1 and sorted(made["dispatches"]) == letters and made["incomplete"] == []
    path = tmp_path / "courrier.pdf"
    assert path.read_bytes().startswith(b"%PDF-") and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "QUIMPER" in path.with_suffix(".csv").read_text(encoding="utf-8-sig")
    assert not list(tmp_path.glob(".*.part"))
    assert "existe déjà" in str(CliRunner().invoke(app, ["paper", "print", "--out", "courrier.pdf"]).exception)
    assert told("paper", "print") == {
        "run": None, "file": None, "letters": 0, "dispatches": [], "incomplete": [], "refused": []
    }  # fmt: skip
    assert made["run"] in run("paper", "list").output
    shown = run("paper", "print").output
    assert "Rien d'autre à imprimer." in shown and f"2 envois sont déjà dans le tirage {made['run']}" in shown
    run("paper", "printed", made["run"])
    assert told("status")["to_print"] == 0 and "Rien à imprimer." in run("paper", "print").output
    run("paper", "print", letters[0], rc=1)
    again = told("paper", "print", letters[0], "--reason", "tachée")
    assert again["dispatches"] == [letters[0]]
    run("paper", "posted", made["run"])
    assert of(labo, State.CLOSED) == letters
    run("paper", "posted", letters[0], rc=1)


def test_a_disk_that_is_full_keeps_no_run(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatcher.cli import cmd_paper

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "plein", str(path))

    monkeypatch.setattr(cmd_paper, "_write", full)
    result = CliRunner().invoke(app, ["paper", "print"])
    assert isinstance(result.exception, OSError)
    assert told("paper", "list")["runs"] == []


def test_a_wrong_table_of_addresses_is_told_line_by_line(labo: Installation) -> None:
    (labo.folder / "tables").mkdir(exist_ok=True)
    (labo.folder / "tables" / "adresses.csv").write_text(ADDRESSES + "nir;1;;X;1;;;29000;Q\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["paper", "print"])
    assert "adresses à corriger" in str(result.exception)
