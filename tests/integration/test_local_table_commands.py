"""``dispatcher directory local`` as a laboratory's IT walks it, by the installed command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli import cmd_local
from dispatcher.cli.context import office
from dispatcher.cli.main import app
from dispatcher.daemon import steps
from dispatcher.errors import DirectoryError
from tests.integration.laboratory import Installation, install
from tests.pki import pki

CHANNEL = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
domains = ["dest.test"]
transport = "folder"
folder = "sortie"
"""
LOCAL = "0012;;;;a@dest.test;Dr A;;;;;\nB;;;;b@dest.test;Dr B;;;;;\n"


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    folder = tmp_path / "labo"
    folder.mkdir()
    installation = install(folder, pki(), channel=CHANNEL, local=LOCAL)
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.chdir(tmp_path)
    return installation


def run(*words: str, rc: int = 0, answer: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["directory", "local", *words], input=answer)
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def table(labo: Installation) -> Path:
    return labo.folder / "tables/destinataires.csv"


def codes() -> list[str]:
    return [line["code"] for line in told("list")]


def test_a_line_is_added_changed_removed_and_taken_back(labo: Installation) -> None:
    run("add", "C", "--identifier", "99700000013", "--by", "eve", "--reason", "nouveau prescripteur")
    (line,) = told("list", "--code", "C")
    assert (line["id_type"], line["added_by"], line["reason"]) == ("RPPS", "eve", "nouveau prescripteur")
    assert line["added_on"]
    shown = run("set", "C", "--address", "c@dest.test", "--until", "31/12/2027", answer="y\n")
    assert "adresse (vide)" in shown.stdout
    assert "adresse c@dest.test, au 2027-12-31" in shown.stdout
    (line,) = told("list", "--code", "C")
    assert (line["identifier"], line["reason"]) == ("99700000013", "nouveau prescripteur"), "what is not given stays"
    assert "ne sont pas rappelés" in run("remove", "C", "--yes").stdout
    assert codes() == ["0012", "B"]
    assert "libéré ni rappelé" in run("undo", "--yes").stdout
    assert codes() == ["0012", "B", "C"]
    assert [one["what"] for one in told("history")][::-1] == [
        "enregistrée hors du programme",
        "ligne ajoutée, code « C »",
        "ligne changée, code « C »",
        "ligne retirée, code « C »",
        "version 3 remise",
    ]
    assert [one["current"] for one in told("history")].index(True) == 0


def test_the_file_of_the_labo_keeps_its_own_lines(labo: Installation) -> None:
    before = table(labo).read_text(encoding="utf-8").splitlines()
    run("add", "C", "--address", "c@dest.test", "--by", "eve")
    after = table(labo).read_text(encoding="utf-8").splitlines()
    assert after[1:3] == before[1:3]
    assert after[0] == before[0] + ";ajoute_par;le;motif" or after[0].startswith(before[0])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("add", "B", "--address", "x@dest.test"), "déjà à la ligne 3"),
        (("add", "C", "--address", "oups"), "adresse mal formée"),
        (("add", "C"), "ni adresse ni identifiant"),
        (("add", "C", "--address", "c@dest.test", "--channel", "fax"), "connus : pro"),
        (("set", "Z", "--label", "x"), "n'est pas dans la table"),
        (("undo", "--to", "99"), "Aucune version"),
        (("import", "absent.csv"), "introuvable"),
    ],
)
def test_a_refusal_says_why_and_writes_nothing(labo: Installation, words: tuple[str, ...], part: str) -> None:
    before = table(labo).read_bytes()
    result = CliRunner().invoke(app, ["directory", "local", *words])
    assert isinstance(result.exception, DirectoryError)
    assert part in str(result.exception)
    assert table(labo).read_bytes() == before


def test_a_no_and_a_preview_write_nothing(labo: Installation) -> None:
    before = table(labo).read_bytes()
    run("remove", "B", answer="n\n", rc=1)
    seen = told("remove", "B")
    assert (seen["written"], [one["kind"] for one in seen["changes"]]) == (False, ["removed"])
    assert table(labo).read_bytes() == before
    done = told("remove", "B", "--yes", "--expect", seen["version"])
    assert done["written"]
    result = CliRunner().invoke(app, ["directory", "local", "remove", "0012", "--yes", "--expect", seen["version"]])
    assert isinstance(result.exception, DirectoryError)
    assert codes() == ["0012"]


def test_a_table_changed_while_a_person_looks_is_shown_again(
    labo: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def somebody_else(text: str, **more: object) -> bool:
        if not asked:
            cmd_local.book().path.write_text(table(labo).read_text("utf-8") + "X;;;;x@dest.test;;;;;;\n", "utf-8")
        asked.append(text)
        return True

    asked: list[str] = []
    monkeypatch.setattr("dispatcher.cli.asking.or_stop", somebody_else)
    shown = run("remove", "B")
    assert len(asked) == 2
    assert "a changé entre-temps" in shown.output
    assert codes() == ["0012", "X"]


def test_from_export_to_a_spreadsheet_and_back(labo: Installation) -> None:
    assert told("export", "pour_excel.csv")["lines"] == 2
    sheet = Path("pour_excel.csv").read_bytes()
    assert sheet.startswith(b"\xef\xbb\xbf")
    assert b'"=""0012"""' in sheet
    assert told("diff", "pour_excel.csv") == []
    Path("corrigee.csv").write_bytes(
        sheet.replace(b"b@dest.test", b"bb@dest.test").decode("utf-8-sig").encode("cp1252")
    )
    changed = told("import", "corrigee.csv", "--yes", "--by", "eve")["changes"]
    assert [(one["kind"], one["after"]["address"]) for one in changed] == [("changed", "bb@dest.test")]
    assert told("list", "--code", "B")[0]["reason"] == "import de corrigee.csv"
    assert told("list", "--code", "0012")[0]["added_by"] == "", "not touched, not signed"


def test_lost_zeros_are_told_and_nothing_is_written(labo: Installation) -> None:
    Path("abimee.csv").write_text("code;adresse\n12;a@dest.test\n")
    result = CliRunner().invoke(app, ["directory", "local", "import", "abimee.csv", "--yes"])
    assert "ligne 2, colonne « code »" in str(result.exception)
    assert codes() == ["0012", "B"]
    run("import", "abimee.csv", "--yes", "--codes-as-written")
    assert codes() == ["0012", "B", "12"]


def test_an_address_outside_the_allowed_domains_is_remarked_on(labo: Installation) -> None:
    shown = run("add", "G", "--address", "a@gmail.test")
    assert "le domaine « gmail.test » n'est pas autorisé" in " ".join(shown.output.split())
    assert "G" in codes()
    assert "autorisé" not in run("add", "H", "--address", "h@dest.test").output


@pytest.mark.parametrize("more", [(), ("--whole",)])
def test_diff_shows_what_import_would_do(labo: Installation, more: tuple[str, ...]) -> None:
    Path("autre.csv").write_text("code;adresse\nB;bb@dest.test\nN;n@dest.test\n")
    shown = run("diff", "autre.csv", *more).stdout
    assert ("1 ligne de la table n'est pas dans ce fichier" in shown) is not bool(more)
    before = told("diff", "autre.csv", *more)
    assert before == told("import", "autre.csv", *more)["changes"]
    assert [one["kind"] for one in before] == ["changed", "added", *(["removed"] if more else [])]


def test_the_whole_table_is_replaced_only_when_asked(labo: Installation) -> None:
    Path("autre.csv").write_text("code;adresse\nN;n@dest.test\n")
    run("import", "autre.csv", "--yes")
    assert codes() == ["0012", "B", "N"]
    run("import", "autre.csv", "--yes", "--whole")
    assert codes() == ["N"]


def test_a_faulty_table_is_not_written_into_and_undo_brings_the_last_good_one(labo: Installation) -> None:
    run("add", "C", "--address", "c@dest.test")
    good = table(labo).read_bytes()
    table(labo).write_bytes(good + b"Z;;;;oups;;;;;;\n")
    faulty = table(labo).read_bytes()
    for words in (("add", "D", "--address", "d@dest.test"), ("remove", "B", "--yes"), ("set", "B", "--label", "x")):
        result = CliRunner().invoke(app, ["directory", "local", *words])
        assert isinstance(result.exception, DirectoryError)
        assert "n'est pas en service (1 faute) : la version 2 du" in str(result.exception)
        assert table(labo).read_bytes() == faulty
    assert [one["standing"] for one in told("history")] == ["en service", ""]
    assert "n'est pas en service" in run("history").output
    assert "n'est pas en service" in run("list", rc=1).output
    table(labo).write_bytes(b"rien\n")
    assert [line["code"] for line in told("list", rc=1)] == ["0012", "B", "C"], "those that answer"
    run("undo", "--yes")
    assert table(labo).read_bytes() == good
    assert [one["standing"] for one in told("history")] == ["en service", "fautive", "", ""]
    result = CliRunner().invoke(app, ["directory", "local", "undo", "--to", "3", "--yes"])
    assert isinstance(result.exception, DirectoryError), "a faulty version is never put back"
    assert table(labo).read_bytes() == good
    run("undo", "--yes")
    assert codes() == ["0012", "B"]


def test_a_faulty_table_alarms_once_and_the_last_good_one_serves(labo: Installation) -> None:
    assert labo.office.directory.local("sil", "B")
    good = table(labo).read_text(encoding="utf-8")
    assert steps.look_at_table(labo.office) == ""
    table(labo).write_text(good + "Z;;;;oups;;;;;;\n", encoding="utf-8")
    again = labo.open()
    told_events = [steps.look_at_table(again) for _ in range(3)]
    assert told_events == ["alarm.started", "", ""]
    assert again.directory.local("sil", "B")[0].address == "b@dest.test"
    status = CliRunner().invoke(app, ["status"])
    assert status.exit_code == 1
    assert "ALARME, la table des destinataires est fautive ; la dernière bonne reste" in " ".join(status.stderr.split())
    assert "ligne 4" in run("list", rc=1).output
    table(labo).write_text(good + "Z;;;;z@dest.test;;;;;;\n", encoding="utf-8")
    assert [steps.look_at_table(again) for _ in range(2)] == ["alarm.ended", ""]
    assert again.directory.local("sil", "Z")


FOUR = "".join(f"D{number};;;;d{number}@dest.test;Dr D;;;;;\n" for number in range(4))


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (lambda whole: whole[: whole.rindex("Dr B")], "le fichier est coupé"),
        (lambda whole: "".join(whole.splitlines(keepends=True)[:3]), "4 lignes de moins sur 6"),
    ],
)
def test_a_table_saved_half_way_is_not_taken_and_list_says_why(labo: Installation, left: Any, why: str) -> None:
    file = table(labo)
    head, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = head + FOUR + "".join(lines)
    file.write_text(whole, encoding="utf-8")
    run("import", str(file), "--yes")
    office_table().table()
    file.write_text(left(whole), encoding="utf-8")
    shown = run("list", rc=1)
    assert why in shown.output
    assert "undo" in shown.output
    assert [line["code"] for line in told("list", rc=1)] == ["D0", "D1", "D2", "D3", "0012", "B"]
    assert why in str(run("add", "N", "--address", "n@dest.test", rc=1).exception), "nothing is written into it"
    assert why in str(office_table().problem)
    run("undo", "--yes")
    assert codes() == ["D0", "D1", "D2", "D3", "0012", "B"]


def office_table() -> Any:
    return office().directory.table


def test_a_cut_file_is_not_imported(labo: Installation, tmp_path: Path) -> None:
    (tmp_path / "neuf.csv").write_text("code;adresse;libelle\nB;b2@dest.test;Dr B\nC;c@dest.te", encoding="utf-8")
    assert "le fichier est coupé" in str(run("import", "neuf.csv", "--yes", rc=1).exception)
    assert codes() == ["0012", "B"]


def test_a_table_that_lost_most_of_its_lines_is_accepted_by_a_person(labo: Installation) -> None:
    file = table(labo)
    whole = file.read_text(encoding="utf-8").replace("0012;", FOUR + "0012;", 1)
    file.write_text(whole, encoding="utf-8")
    office_table().table()
    file.write_text("".join(whole.splitlines(keepends=True)[:3]), encoding="utf-8")
    assert "4 retirées" in run("accept", "--yes").output, "what goes is shown"
    assert codes() == ["D0", "D1"]


def test_a_table_that_disappeared_is_told_and_the_last_good_one_answers(labo: Installation) -> None:
    office_table().table()
    table(labo).unlink()
    shown = run("list", rc=1)
    assert "a disparu" in shown.output
    assert "Dr A" in shown.output
    assert "a disparu" in str(run("add", "N", "--address", "n@dest.test", rc=1).exception), (
        "no table of one line is begun"
    )
    run("undo", "--yes")
    assert codes() == ["0012", "B"]
