"""``dispatcher replay`` as a person and as a script use it: the list first, a reason, the number, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli import asking
from dispatcher.cli.main import app
from dispatcher.outbox.states import State
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import CHANNEL, HL7
from tests.pki import pki

LOCAL = "A;;;;a@sandbox.mssante.test;Dr A;;;;;\n"
WHY = ("--reason", "boîte rouverte")


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Three results, prepared and refused by the operator."""
    installation = install(tmp_path, pki(), channel=CHANNEL, local=LOCAL)
    text = installation.config.read_text(encoding="utf-8")
    installation.config.write_text(text.replace("[service]\n", "[service]\nask_count_above = 2\n"), encoding="utf-8")
    for number in range(3):
        content = HL7.format(number=f"T{number}", to="A^ESSAI")
        (installation.inbox / f"{number}.hl7").write_text(content, encoding="utf-8", newline="")
    installation.run()
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("LOGNAME", "eve")
    monkeypatch.setenv("COLUMNS", "200")
    with installation.office.store.transaction() as uow:
        for dispatch in installation.dispatches():
            uow.dispatches.move(dispatch.id, State.FAILED, fault="5.1.1")
    return installation


def run(*words: str, rc: int = 0, answer: str | None = None) -> Result:
    result = CliRunner().invoke(app, list(words), input=answer)
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def states(labo: Installation) -> list[State]:
    return sorted(one.state for one in labo.dispatches() if not one.resend_of)


def ids(labo: Installation) -> list[str]:
    return sorted(one.id for one in labo.dispatches())


FAILED, QUEUED = [State.FAILED] * 3, [State.QUEUED] * 3


def test_a_script_gives_reason_and_number(labo: Installation) -> None:
    plan = told("replay", "--error", "5.1", rc=0)["plan"]
    assert (sorted(plan["dispatches"]), plan["count"]) == (ids(labo), 3)
    for words, rc in (
        (("--yes",), 2),
        (("--yes", *WHY), 2),
        (("--yes", "--reason", "  ", "--count", "3"), 2),
        (("--yes", "--count", "2", *WHY), 1),
    ):
        run("replay", "--error", "5.1", *words, rc=rc)
        assert states(labo) == FAILED
    done = told("replay", "--error", "5.1", "--yes", "--count", "3", *WHY)
    assert sorted(done["done"]) == ids(labo)
    assert states(labo) == QUEUED
    with labo.office.store.reading() as uow:
        batch = uow.batches.get(done["batches"][0])
    assert batch is not None
    assert (batch.actor, batch.why) == ("operator:eve", "boîte rouverte")


@pytest.mark.parametrize("more", [(), ("--from", "formats")])
def test_a_script_says_by_its_token_which_list_it_saw(labo: Installation, more: tuple[str, ...]) -> None:
    """It tells more than the number: three others than those shown are not sent."""
    command = ("replay", "--channel", "pro", *more)
    token = told(*command)["plan"]["token"]
    with labo.office.store.transaction() as uow:
        uow.dispatches.move(ids(labo)[0], State.QUEUED)
        uow.dispatches.move(ids(labo)[0], State.FAILED, attempts=7)  # it was tried again since
    assert "n'est plus celle de ce jeton" in run(*command, "--yes", "--token", token, *WHY, rc=1).output
    assert states(labo) == FAILED
    done = told(*command, "--yes", "--token", told(*command)["plan"]["token"], *WHY)
    assert len(done["done"]) == 3


def test_a_person_types_the_reason_and_the_number(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "interactive", lambda: True)
    for answer in ("boîte rouverte\no\n", "boîte rouverte\n2\n", "\n"):
        run("replay", "--channel", "pro", answer=answer, rc=2 if answer == "\n" else 1)
        assert states(labo) == FAILED
    shown = run("replay", "--channel", "pro", answer="boîte rouverte\n3\n").output
    assert "À rejouer : 3 éléments" in shown
    assert states(labo) == QUEUED


def test_few_ask_for_a_plain_yes(labo: Installation) -> None:
    one, two, _three = ids(labo)
    run("replay", one, *WHY, answer="n\n", rc=1)
    assert f"1 envoi rejoué : {one}" in run("replay", one, *WHY, answer="o\n").output
    run("replay", two, *WHY, "--yes")
    assert states(labo) == [State.FAILED, State.QUEUED, State.QUEUED]


def test_what_was_done_is_told_in_french(labo: Installation) -> None:
    """With the words of the screen, not those of the code, and in agreement with the number."""
    one, two, three = ids(labo)
    assert f"2 envois mis en attente : {one}, {two}" in run("hold", one, two, *WHY).output
    assert f"1 envoi clos : {two}" in run("close", two, *WHY).output
    assert "Cet envoi est déjà « clos »" in run("close", two, *WHY, rc=1).output
    assert "Un envoi « clos » ne peut pas passer à « retiré »" in run("withdraw", two, *WHY, rc=1).output
    assert "(état « en attente d'un opérateur »)" in run("settle", one, "--arrived", *WHY, rc=1).output
    closed = ("--channel", "pro", "--state", "closed")
    assert "L'état « clos » ne se rejoue pas ainsi" in run("replay", *closed, rc=2).output
    with labo.office.store.transaction() as uow:
        for state in (State.QUEUED, State.SENDING, State.UNKNOWN):
            uow.dispatches.move(three, state)
    settled = run("settle", three, "--refused", *WHY).output
    assert f"1 envoi jamais accepté : {three}" in settled
    assert "« dispatcher replay »" in settled


def test_a_batch_is_undone_and_replayed_by_its_number(labo: Installation) -> None:
    batch = told("replay", *ids(labo), "--yes", "--count", "3", *WHY)["batches"][0]
    run("replay", "--undo", batch, rc=2)
    undone = told("replay", "--undo", batch, "--reason", "trop tôt")
    assert sorted(undone["done"]) == ids(labo)
    assert states(labo) == FAILED
    assert told("replay", "--undo", batch, "--reason", "encore", rc=1)["done"] == []
    again = told("batches", "replay", batch, "--yes", "--count", "3", *WHY)
    assert sorted(again["done"]) == ids(labo)
    unknown = run("replay", "--undo", "L000000000", "--reason", "x", rc=1)
    assert "Aucun lot ne porte" in str(unknown.exception)
    assert "rejeu, ouvert" in run("batches", "list").output


def test_what_left_is_sent_again_from_further_up(labo: Installation) -> None:
    one = ids(labo)[0]
    with labo.office.store.transaction() as uow:
        uow.dispatches.move(one, State.DELIVERED)
    run("replay", one, "--state", "delivered", *WHY, "--yes", rc=2)
    (item,) = told("replay", one, "--from", "routing")["plan"]["resends"]
    assert (item["id"], item["was"]) == (one, item["now"])
    assert set(item["now"]) == {"address", "format", "certificate", "channel", "envelope"}
    shown = run("replay", one, "--from", "routing", *WHY, answer="o\n").output
    assert "sous une autre identité" in shown
    assert "mandataire chiffrant du site" in shown
    (new,) = [found for found in labo.dispatches() if found.resend_of == one]
    assert new.state is State.QUEUED
    seen = run("show", new.id).output
    assert "nouvel envoi" in seen
    (again,) = told("replay", one, "--from", "formats")["plan"]["resends"]
    assert again["resent_as"] == [new.id]


def test_the_period_is_told_in_paris(labo: Installation) -> None:
    assert told("replay", "--since", "2000-01-01")["plan"]["count"] == 3
    assert told("replay", "--until", "2000-01-01T08:00") == {"done": [], "refused": []}
    run("replay", "--since", "hier", rc=2)


def test_nothing_chosen_is_a_wrong_call(labo: Installation) -> None:
    run("replay", *WHY, "--yes", rc=2)
    run("replay", "D000000000", *WHY, "--yes", rc=1)


def test_a_large_list_is_summed_up(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatcher.cli import replay_show

    monkeypatch.setattr(replay_show, "SHOWN", 2)
    shown = run("replay", "--channel", "pro", *WHY, rc=2).output
    assert "En tout, par destinataire et cause" in shown
    assert "5.1.1" in shown
    assert "… et 1 autre" in shown


def test_printed_paper(labo: Installation) -> None:
    one, two, _three = ids(labo)
    run("paper", "add", one, "--reason", "boîte fermée")
    run("paper", "printed", one)
    assert [d.printed_at is not None for d in labo.dispatches() if d.id == one] == [True]
    run("paper", "printed", two, rc=1)
