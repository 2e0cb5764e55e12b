"""An operator settles what waits, by the installed command: groups, choice, memory, and a process killed in between."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from dispatcher.cli import asking
from dispatcher.cli.main import app
from dispatcher.console.app import build
from dispatcher.directory.bulk.importing import import_file
from dispatcher.outbox.states import State
from dispatcher.resources import sample
from tests.console.conftest import HERE
from tests.console.kit import FakeAccounts
from tests.integration.laboratory import Installation, install
from tests.pki import pki

CHANNEL = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
domains = ["sandbox.mssante.test", "cabinets.mssante.test"]
transport = "folder"
folder = "sortie"
"""
HL7 = (
    "MSH|^~\\&|SIL|LABO|DISP|DISP|20261120101500||ORU^R01^ORU_R01|{number}|P|2.5|||||FRA|UNICODE UTF-8\r"
    "PID|1||{number}^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F\r"
    "OBR|1||{number}^LABO|NFS^Numération^L|||20261120080000|||||||||{to}|||||||20261120101000||HM|F\r"
    "OBX|1|NM|718-7^Hémoglobine^LN||13.2|g/dL|12.0-16.0||||F\r"
)
EXTRACTION = "Extraction_Correspondance_MSSante_202611200600.txt"
RPPS, BOX = "99700000013", "paul.durand@sandbox.mssante.test"


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Four results for the unknown code D077, one for a name alone, one for D078."""
    installation = install(tmp_path, pki(), channel=CHANNEL, local="B;;;;b@sandbox.mssante.test;Dr B;;;;;\n")
    copy = tmp_path / EXTRACTION
    copy.write_bytes(sample("directory", EXTRACTION).read_bytes())
    import_file(copy, installation.office.settings.directory.folder, now=datetime(2026, 11, 21, tzinfo=UTC))
    for number, to in enumerate([*["D077^DURAND^Paul"] * 4, "^DURAND^Paul", "D078^GIRARD^Thomas"]):
        text = HL7.format(number=f"T{number}", to=to)
        (installation.inbox / f"{number}.hl7").write_text(text, encoding="utf-8", newline="")
    installation.run()
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("USER", "eve")
    monkeypatch.setenv("LOGNAME", "eve")
    monkeypatch.setenv("COLUMNS", "160")
    return installation


def run(*words: str, rc: int = 0, answer: str | None = None) -> Result:
    result = CliRunner().invoke(app, list(words), input=answer)
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def held() -> dict[str, list[str]]:
    return {group["what"]: group["ids"] for group in told("list", "--held")}


def states(labo: Installation, ids: list[str]) -> list[State]:
    found = {one.id: one.state for one in labo.dispatches()}
    return [found[item] for item in ids]


def test_from_the_greatest_group_to_a_rule(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = told("list", "--held")
    assert (groups[0]["what"], groups[0]["count"]) == ("code D077", 4)
    assert sorted(group["count"] for group in groups) == [1, 1, 4]
    shown = run("list", "--held").stdout
    assert "--remember" in shown
    ids = groups[0]["ids"]
    explained = run("explain", ids[0]).stdout
    assert "candidat 1 : " in explained
    assert RPPS in explained
    seen = told("release", ids[0], "--to", "1", "--remember")
    assert [one["id"] for one in seen["going"]] == ids
    assert {one["address"] for one in seen["going"]} == {BOX}
    assert states(labo, ids) == [State.HELD] * 4, "a preview changes nothing"
    monkeypatch.setattr(asking, "interactive", lambda: True)
    for answer, said in (("n\n", "Rien n'a été libéré"), ("o\nn\n", "Rien n'a été retenu ni libéré")):
        assert said in run("release", ids[0], "--to", "1", "--remember", answer=answer, rc=1).output
        assert states(labo, ids) == [State.HELD] * 4
    result = run("release", ids[0], "--to", "1", "--remember", "--reason", "vu avec le cabinet", answer="o\no\n")
    assert "4 libérés" in result.stdout
    assert states(labo, ids) == [State.READY] * 4
    (line,) = told("directory", "local", "list", "--code", "D077")
    assert (line["identifier"], line["address"], line["added_by"], line["reason"]) == (
        *(RPPS, ""),
        *("eve", "vu avec le cabinet"),
    )
    assert line["added_on"]
    assert sorted(held()) == sorted(group["what"] for group in groups[1:])


def test_status_groups_what_is_held(labo: Installation) -> None:
    text = " ".join(run("status").stdout.split())
    assert "4 en attente (unknown-recipient) : code D077. → dispatcher release" in text


def test_status_looks_at_the_oldest_held_only_and_says_so(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.cli.held_show.LOOKED_AT", 3)
    total = sum(map(len, held().values()))
    text = " ".join(run("status").stdout.split())
    assert f"Les 3 plus anciens, sur {total}" in text
    assert f"{total} en attente" not in text


def test_taking_back_releases_and_recalls_nothing(labo: Installation) -> None:
    ids = held()["code D077"]
    told("release", ids[0], "--to", BOX, "--remember", "--yes")
    back = run("directory", "local", "undo", "--yes").stdout
    assert "Aucun envoi n'est libéré ni rappelé" in " ".join(back.split())
    assert told("directory", "local", "list", "--code", "D077") == []
    assert states(labo, ids) == [State.READY] * 4


def test_a_name_alone_and_a_contradiction_release_nothing(labo: Installation) -> None:
    name = next(ids for what, ids in held().items() if "sans code" in what)
    refused = run("release", name[0], "--to", BOX, "--remember", "--yes", rc=1)
    assert "un nom seul ne fait pas" in " ".join(refused.output.split())
    ids = held()["code D077"]
    run("directory", "local", "add", "D077", "--address", "ailleurs@dehors.test")
    refused = run("release", ids[0], "--to", BOX, "--remember", "--yes", rc=1)
    assert "dit déjà autre chose" in " ".join(refused.output.split())
    assert "ailleurs@dehors.test" in refused.output
    assert states(labo, [*ids, *name]) == [State.HELD] * 5
    done = told("release", ids[0], "--to", BOX, "--remember", "--yes", "--replace")
    assert done["done"] == ids
    assert len(told("directory", "local", "list", "--code", "D077")) == 1


def test_without_remember_only_the_one_goes(labo: Installation) -> None:
    ids = held()["code D077"]
    assert told("release", ids[0], "--to", "1", "--yes")["done"] == [ids[0]]
    assert states(labo, ids) == [State.READY, *[State.HELD] * 3]
    assert told("directory", "local", "list", "--code", "D077") == []


def test_a_line_added_by_hand_settles_a_group(labo: Installation) -> None:
    ids = held()["code D077"]
    run("directory", "local", "add", "D077", "--identifier", RPPS)
    (group,) = [one for one in told("list", "--held") if one["what"] == "code D077"]
    assert (group["settled"], group["todo"]) == (True, "dispatcher release --code D077")
    assert [one["id"] for one in told("release", "--code", "D077")["going"]] == ids
    assert told("release", "--code", "D077", "--yes")["done"] == ids


@pytest.mark.parametrize(
    "words",
    [
        ("release",),
        ("release", "D1", "--code", "D077"),
        ("release", "D1", "--remember"),
        ("release", "D1", "D2", "--to", "2"),
        ("release", "--code", "D077", "--to", "99700000013", "--yes"),
    ],
)
def test_a_wrong_call_says_so(labo: Installation, words: tuple[str, ...]) -> None:
    run(*words, rc=2)


class Terminal:
    """The installed command on a real terminal."""

    def __init__(self, *words: str) -> None:
        beside = Path(sys.executable).with_name("dispatcher")
        program = str(beside) if beside.exists() else shutil.which("dispatcher")
        assert program, "the command is not installed beside this Python"
        self._master, slave = pty.openpty()
        where = Path(__file__).resolve().parents[2]
        self._child = subprocess.Popen([program, *words], stdin=slave, stdout=slave, stderr=slave, cwd=where)
        os.close(slave)
        self.seen = b""

    def answer(self, after: str, text: str) -> None:
        """Type ``text`` once ``after`` was asked."""
        start = len(self.seen)
        while after not in " ".join(self.seen[start:].decode("utf-8", "replace").split()):
            self.seen += os.read(self._master, 4096)
        os.write(self._master, f"{text}\n".encode())

    def end(self) -> tuple[int, str]:
        """Exit code, and everything that was shown."""
        try:
            while more := os.read(self._master, 4096):
                self.seen += more
        except OSError:  # the other end is closed
            pass
        os.close(self._master)
        return self._child.wait(60), " ".join(self.seen.decode().split())


def test_on_a_terminal_two_keys_are_enough(labo: Installation) -> None:
    """« Libérer cet envoi vers … ? », « Retenir pour la prochaine fois ? », and nothing more for one."""
    (item,) = held()["code D078"]
    terminal = Terminal("release", item, "--to", "thomas.girard@sandbox.mssante.test")
    terminal.answer("[o/N]", "o")
    terminal.answer("[o/N]", "o")
    code, text = terminal.end()
    assert code == 0, text
    assert text.index("Libérer cet envoi vers") < text.index("Retenir pour la prochaine fois")
    assert text.count("[o/N]") == 2
    assert states(labo, [item]) == [State.READY]
    assert [line["code"] for line in told("directory", "local", "list", "--code", "D078")] == ["D078"]


GIRARD_BOX = "thomas.girard@sandbox.mssante.test"


@pytest.mark.parametrize("more", [[], ["--remember"]])
def test_without_a_terminal_nothing_leaves_unasked(labo: Installation, more: list[str]) -> None:
    (item,) = held()["code D078"]
    before = labo.dispatches()
    output = run("release", item, "--to", GIRARD_BOX, *more, rc=1, answer="o\no\n").output
    text = " ".join(output.split())
    assert "Le fichier nomme" in text
    assert "GIRARD" in text
    assert "--yes" in text
    assert told("release", item, "--to", GIRARD_BOX)["would"][0]["address"] == GIRARD_BOX, "a look, nothing more"
    assert labo.dispatches() == before
    run("release", item, "--to", GIRARD_BOX, *more, "--yes")
    assert states(labo, [item]) == [State.READY]


@pytest.mark.parametrize("more", [[], ["--remember"]])
def test_another_person_takes_more_than_yes(labo: Installation, more: list[str]) -> None:
    (item,) = held()["code D078"]
    before = labo.dispatches()
    words = ["release", item, "--to", BOX, *more]
    output = " ".join(run(*words, "--yes", rc=1).output.split())
    assert "GIRARD" in output
    assert "DURAND" in output
    assert "--despite-name" in output
    assert told(*words, "--yes", rc=1)["done"] == []
    assert labo.dispatches() == before
    assert told("directory", "local", "list", "--code", "D078") == []
    assert told(*words, "--yes", "--despite-name")["done"] == [item]
    explained = " ".join(run("explain", item).stdout.split())
    assert "Le fichier nommait « GIRARD Thomas »" in explained
    assert "Nom différent, vu et accepté par eve" in explained


def test_a_wrong_number_is_released_alone_and_never_learned(labo: Installation) -> None:
    """The file names Girard under Durand's RPPS: the record is to be corrected, --despite-name or not."""
    text = HL7.format(number="T8", to=f"{RPPS}^GIRARD^Thomas^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^^^^RPPS")
    (labo.inbox / "faux.hl7").write_text(text, encoding="utf-8", newline="")
    labo.run()
    (item,) = (one.id for one in labo.dispatches() if one.hold_code == "name-disagrees")
    words = ("release", item, "--to", RPPS, "--remember", "--yes")
    assert told(*words, rc=1)["done"] == []
    output = " ".join(run(*words, "--despite-name").output.split())
    assert "Aucune règle" in output and "la fiche est à corriger" in output
    assert states(labo, [item]) == [State.READY]
    assert told("directory", "local", "list", "--code", RPPS) == []


@pytest.mark.parametrize(("typed", "ends"), [("o", 1), ("Durand", 0)])
def test_another_person_is_confirmed_by_typing_his_name(labo: Installation, typed: str, ends: int) -> None:
    (item,) = held()["code D078"]
    terminal = Terminal("release", item, "--to", BOX, "--yes")
    terminal.answer("taper « DURAND »", typed)
    code, text = terminal.end()
    assert code == ends, text
    assert states(labo, [item]) == [State.READY if ends == 0 else State.HELD]


def test_killed_between_the_rule_and_the_releases(labo: Installation) -> None:
    ids = held()["code D077"]
    script = textwrap.dedent(
        """
        import os, signal, sys
        from dispatcher.cli.main import main
        from dispatcher.service import learn

        released, true = [], learn.release

        def release(*words, **more):
            if released:
                os.kill(os.getpid(), signal.SIGKILL)
            released.append(1)
            return true(*words, **more)

        learn.release = release
        sys.argv = ["dispatcher", *sys.argv[1:]]
        main()
        """
    )
    words = ["release", ids[0], "--to", "1", "--remember", "--yes"]
    done = subprocess.run([sys.executable, "-c", script, *words], cwd=Path(__file__).resolve().parents[2])
    assert done.returncode == -signal.SIGKILL
    assert states(labo, ids) == [State.READY, *[State.HELD] * 3]
    assert len(told("directory", "local", "list", "--code", "D077")) == 1
    (group,) = [one for one in told("list", "--held") if one["what"] == "code D077"]
    assert (group["count"], group["settled"]) == (3, True)
    assert told("release", ids[1], "--to", "1", "--remember", "--yes")["done"] == ids[1:]
    assert states(labo, ids) == [State.READY] * 4
    assert len(told("directory", "local", "list", "--code", "D077")) == 1


@pytest.mark.parametrize("more", [["--to", BOX, "--remember"], []], ids=["remember", "code"])
def test_what_leaves_in_spite_of_its_faults_is_named_and_no_rule(labo: Installation, more: list[str]) -> None:
    ids = held()["code D077"]
    whom = [ids[0], *more] if more else ["--code", "D077"]
    output = run("release", *whom, "--despite-errors", "--yes", rc=2).output
    assert "--despite-errors vaut pour les envois nommés" in " ".join(output.split())
    assert states(labo, ids) == [State.HELD] * 4


def test_at_a_terminal_a_faulty_report_leaves_without_talk_of_a_rule(
    labo: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HL7.format(number="T9", to="D078^GIRARD^Thomas").replace("|19800102|", "|20991231|")
    (labo.inbox / "faux.hl7").write_text(text, encoding="utf-8", newline="")
    labo.run()
    (item,) = (one.id for one in labo.dispatches() if one.hold_code == "report-check")
    monkeypatch.setattr(asking, "interactive", lambda: True)
    output = run("release", item, "--to", GIRARD_BOX, "--despite-errors", answer="o\n").output
    assert "retenir" not in output.lower()
    assert states(labo, [item]) == [State.READY]


def test_the_console_remembers_and_releases_exactly_what_it_showed(labo: Installation) -> None:
    ids = held()["code D077"]
    table = labo.office.settings.directory.local
    assert table is not None
    before = table.read_bytes()

    def hidden(page: str, name: str) -> str:
        return page.split(f'name="{name}" value="', 1)[1].partition('"')[0]

    with TestClient(build(labo.office, FakeAccounts(), lambda parts: ()), base_url=HERE) as browser:
        browser.cookies.set("session", "alice")
        asked = {"csrf": hidden(browser.get("/attente").text, "csrf"), "vers": RPPS, "retenir": "1"}
        shown = browser.post(f"/attente/{ids[0]}/choix", data=asked).text
        assert all(f"/envois/{item}" in shown for item in ids)
        assert "D077" in shown
        assert table.read_bytes() == before
        assert states(labo, ids) == [State.HELD] * 4
        confirmed = {**asked, "jeton": hidden(shown, "jeton"), "motif": "appelé le cabinet"}
        run("close", ids[3], "--reason", "remis autrement")
        assert browser.post(f"/attente/{ids[0]}/vers", data=confirmed).status_code == 409
        assert table.read_bytes() == before
        again = browser.post(f"/attente/{ids[0]}/choix", data=asked).text
        confirmed["jeton"] = hidden(again, "jeton")
        assert browser.post(f"/attente/{ids[0]}/vers", data=confirmed).status_code == 200
        assert states(labo, ids) == [*[State.READY] * 3, State.CLOSED]
        assert any(line.startswith("D077;") and RPPS in line for line in table.read_text("utf-8").splitlines())
