"""``dispatcher send`` and ``dispatcher recipients`` as a nurse calls them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.errors import StoreError
from dispatcher.resources import sample
from dispatcher.service import bulk_send
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import CHANNEL
from tests.pki import pki

LOCAL = "A;;;;a@sandbox.mssante.test;Dr A;;;;;\nB;;;;b@sandbox.mssante.test;Dr B;;;;;\n"
HEAD = "fichier;code;nom_naissance;prenom;date_naissance"
ROWS = ("un.pdf;A;ÉPREUVE;Zoé;14/03/1939", "un.pdf;B;ÉPREUVE;Zoé;14/03/1939", "deux.PDF;A;ESSAI;Léo;17/02/1946")


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    installation = install(tmp_path / "labo", pki(), channel=CHANNEL, local=LOCAL)
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("LOGNAME", "eve")
    documents = tmp_path / "documents"
    documents.mkdir()
    for name, source in (("un.pdf", "lot_1.pdf"), ("deux.PDF", "lot_2.pdf")):
        (documents / name).write_bytes(sample("pdf", source).read_bytes())
    return installation


def manifest(labo: Installation, *rows: str) -> Path:
    path = labo.config.parent.parent / "documents" / "bordereau.csv"
    path.write_bytes("\r\n".join((HEAD, *rows, "")).encode("cp1252"))
    return path


def call(*arguments: object, code: int = 0, text: str | None = None) -> Result:
    done = CliRunner().invoke(app, [str(one) for one in arguments], input=text, env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return done


def told(*arguments: object, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", code=code).stdout)


def tree(folder: Path) -> dict[str, str]:
    """What a run without effect must leave as it is."""
    files = (
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".sqlite3-shm", ".sqlite3-wal")
    )
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_dry_run_shows_what_would_leave_and_writes_nothing(labo: Installation) -> None:
    path = manifest(labo, *ROWS)
    call("send", "--manifest", path, "--dry-run")  # the database is there, the version of the local table is kept
    before = tree(labo.config.parent)
    shown = told("send", "--manifest", path, "--dry-run")
    assert tree(labo.config.parent) == before
    mails = [one for file in shown["files"] for one in file["dispatches"]]
    assert [(one["address"], one["envelope"]) for one in mails] == [
        ("a@sandbox.mssante.test", "proxy"),
        ("b@sandbox.mssante.test", "proxy"),
        ("a@sandbox.mssante.test", "proxy"),
    ]
    assert all(one["bytes"] > 1000 for one in mails)
    (channel,) = shown["channels"]
    assert (channel["mails"], channel["bytes"]) == (3, sum(one["bytes"] for one in mails))
    assert channel["through_at"]
    text = call("send", "--manifest", path, "--dry-run").stdout
    assert "tout sera parti" in text and "mandataire chiffrant" in text
    assert told("send", "--list") == []


def test_faults_of_a_manifest_are_told_at_once_and_nothing_leaves(labo: Installation) -> None:
    path = manifest(labo, *ROWS[:2], "trois.pdf;Dr Durand Paul;X;Y;1/1/1950", "../un.pdf;A;X;Y;1/1/1950")
    done = call("send", "--manifest", path, code=2)
    for words in ("ligne 4", "trois.pdf", "ligne 5", "hors du dossier", "« deux.PDF » est dans le dossier"):
        assert words in done.output
    assert "Rien n'est envoyé" in done.output
    assert told("send", "--list") == []


def test_a_file_left_behind_on_purpose(labo: Installation) -> None:
    done = told("send", "--manifest", manifest(labo, *ROWS[:2]), "--ignore-unlisted")
    assert (done["asked"], done["reconciles"]) == (2, True)


def test_refusals_say_what_to_do(labo: Installation) -> None:
    path = manifest(labo)
    path.write_text("fichier;code\nun.pdf;A\ndeux.pdf;B\n", encoding="utf-8")
    done = call("send", "--manifest", path, code=2)
    assert done.output.count("aucun patient identifié") == 2
    assert "nom_naissance" in done.output


def test_gone_on_with_told_again_and_changed(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    path = manifest(labo, *ROWS)
    monkeypatch.setattr(bulk_send, "GROUP", 1)
    first = told("send", "--manifest", path)
    assert first["asked"] == 3 and first["reconciles"]
    again = told("send", "--manifest", path)
    resumed = told("send", "--resume", first["send"])
    assert first["send"] == again["send"] == resumed["send"]
    ids = [one["dispatch"] for one in first["entries"]]
    assert all(ids) and [one["dispatch"] for one in resumed["entries"]] == ids
    (listed,) = told("send", "--list")
    assert (listed["send"], listed["title"]) == (first["send"], "bordereau.csv")
    manifest(labo, *ROWS[:2], ROWS[2].replace(";A;", ";B;"))
    changed = told("send", "--manifest", path, code=2)
    assert (changed["changed_since"], changed["changed"], changed["same"]) == (first["send"], ["deux.PDF"], 1)
    assert f"--resume {first['send']}" in call("send", "--manifest", path, code=2).output
    new = told("send", "--manifest", path, "--as-new")
    assert new["send"] != first["send"]
    assert new["words"].get("known") == 2, "those who were given it are not given it again"
    assert isinstance(call("send", "--resume", "G000000000", code=1).exception, StoreError)


def test_statements_as_pdf_and_csv(labo: Installation, tmp_path: Path) -> None:
    send = told("send", "--manifest", manifest(labo, *ROWS))["send"]
    pdf, table = tmp_path / "releve.pdf", tmp_path / "releve.csv"
    assert "3 demandés" in call("send", "--statement", send, "--out", pdf).stdout
    call("send", "--statement", send, "--out", table)
    assert pdf.read_bytes().startswith(b"%PDF-")
    content = table.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and content.decode("utf-8-sig").startswith("envoi_groupe;ligne;fichier;")
    call("send", "--statement", send, "--out", tmp_path / "releve.doc", code=2)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--list", "--resume", "G1"),
        ("x", "--manifest", "b.csv", "--to", "A"),
        ("x", "--to", "A", "--recipients", "L"),
    ],
)
def test_calls_that_make_no_sense(labo: Installation, arguments: tuple[str, ...]) -> None:
    call("send", *arguments, code=2)


def test_saved_lists_are_kept_shown_used_and_removed(labo: Installation) -> None:
    saved = (
        "recipients",
        "save",
        "Glycines",
        "--purpose",
        "biologie",
        "--finess",
        "290000017",
        "--organisation",
        "EHPAD",
    )
    call(*saved, "--to", "code:A=Dr A", "--to", "b@sandbox.mssante.test")
    (shown,) = told("recipients", "list")["lists"]
    assert (shown["name"], len(shown["members"])) == ("Glycines", 2)
    assert "code:A" in call("recipients", "show", "290000017/biologie").stdout
    path = manifest(labo)
    path.write_text("fichier;liste;nom;prenom;ddn\nun.pdf;Glycines;X;Y;1/1/1950\n", encoding="utf-8")
    shown = told("send", "--manifest", path, "--ignore-unlisted", "--dry-run")
    assert [one["address"][0] for one in shown["files"][0]["dispatches"]] == ["a", "b"]
    call("recipients", "save", "Glycines", "--to", "code:B", code=1, text="n\n")
    call("recipients", "save", "Glycines", "--to", "Dr Durand Paul", "--yes", code=2)
    call("recipients", "remove", "Glycines", "--yes")
    assert told("recipients", "list")["lists"] == []
    call("recipients", "show", "Glycines", code=1)
    folder = labo.config.parent / "tables" / "sauvegardes"
    assert len(list(folder.glob("listes-*.csv"))) == 2


def test_files_named_by_their_recipient(labo: Installation) -> None:
    text = labo.config.read_text(encoding="utf-8")
    pattern = '\n[bulk]\nfile_names = ["{code}_{nom_naissance}_{prenom}_{date_naissance:%d%m%Y}.pdf"]\n'
    labo.config.write_text(text + pattern, encoding="utf-8")
    documents = labo.config.parent.parent / "documents"
    (documents / "un.pdf").rename(documents / "B_ESSAI_Léo_17021946.pdf")
    (documents / "deux.PDF").unlink()
    shown = told("send", documents, "--dry-run")
    assert [one["address"] for one in shown["files"][0]["dispatches"]] == ["b@sandbox.mssante.test"]


@pytest.mark.parametrize("named", ["folder", "pdf"])
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_patient_in_the_file_name_and_in_an_index_beside_is_refused(
    labo: Installation, named: str, ending: str
) -> None:
    text = labo.config.read_text(encoding="utf-8")
    pattern = '\n[bulk]\nfile_names = ["{code}_{nom_naissance}_{prenom}_{date_naissance:%d%m%Y}.pdf"]\n'
    labo.config.write_text(text + pattern, encoding="utf-8")
    documents = labo.config.parent.parent / "documents"
    (documents / "deux.PDF").unlink()
    document = (documents / "un.pdf").rename(documents / "B_ESSAI_Leo_17021946.pdf")
    index = document.with_suffix(f".{ending}")
    if ending == "csv":
        index.write_text(f"fichier;nom_naissance;prenom\n{document.name};AUTRE;Zoe\n", encoding="utf-8")
    else:
        told_there = {"file": document.name, "birth_name": "AUTRE", "first_given": "Zoe", "birth_date": "1950-02-02"}
        index.write_text(json.dumps(told_there), encoding="utf-8")
    done = call("send", document if named == "pdf" else documents, "--to", "A", code=2)
    assert "et dans un index à côté du PDF" in done.output
    assert told("send", "--list") == []
