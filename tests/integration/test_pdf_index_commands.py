"""PDFs and their index on the command line and in a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.errors import ConfigError

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "pdf"
NAMED = SAMPLES / "P260318205_HASCOET_Corentin_20140223_D001.pdf"
INDEX = """
[sources.anapath]
folder = "entree"

[sources.anapath.index]
file_name = "{dossier}_{nom_naissance}_{prenom}_{date_naissance:%Y%m%d}_{code_prescripteur}.pdf"
"""


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, done.stdout


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run("init", str(tmp_path / "labo"))
    path = tmp_path / "labo" / "dispatcher.toml"
    path.write_text(path.read_text(encoding="utf-8") + INDEX, encoding="utf-8")
    monkeypatch.setenv("DISPATCHER_CONFIG", str(path))
    return path


def first(*words: str) -> dict[str, Any]:
    code, out = run("read", "--json", *words)
    assert code == 0
    report: dict[str, Any] = json.loads(out)["files"][0]["reports"][0]
    return report


def test_a_source_reads_names(configured: Path) -> None:
    assert first(str(NAMED))["patient"]["birth_name"] == ""
    report = first(str(NAMED), "--source", "anapath")
    assert (report["patient"]["birth_name"], report["patient"]["birth_date"]) == ("HASCOET", "2014-02-23")
    assert (report["order"]["filler"], report["prescriber"]["id"]) == ("P260318205", "D001")


def test_an_unknown_source_is_told(configured: Path) -> None:
    with pytest.raises(ConfigError, match="anapath"):
        run("read", str(NAMED), "--source", "nope")


def test_check_tells_a_pattern_that_cannot_be(configured: Path) -> None:
    text = configured.read_text(encoding="utf-8")
    configured.write_text(text.replace("{dossier}_{nom", "{dossierx}{nom"), encoding="utf-8")
    done = CliRunner().invoke(app, ["check"], catch_exceptions=False)
    told = " ".join((done.stdout + done.stderr).split())
    assert done.exit_code == 1
    assert "champ inconnu « dossierx »" in told
    assert "rien ne sépare « dossierx »" in told


def test_a_folder_is_read_by_its_indexes(tmp_path: Path) -> None:
    for name in ("lot.json", "lot_1.pdf", "lot_2.pdf", "virologie_2.pdf"):
        (tmp_path / name).write_bytes((SAMPLES / name).read_bytes())
    _, out = run("read", "--json", str(tmp_path))
    assert [Path(file["path"]).name for file in json.loads(out)["files"]] == ["lot.json", "virologie_2.pdf"]
    _, out = run("read", "--json", str(tmp_path / "lot_1.pdf"))
    assert len(json.loads(out)["files"]) == 1, "named itself"


def test_a_document_converted_to_pdf_is_the_laboratorys_own(tmp_path: Path) -> None:
    code, _ = run("convert", str(SAMPLES / "compte_rendu.csv"), "--to", "pdf", "--out", str(tmp_path))
    assert code == 0
    assert (tmp_path / "compte_rendu.pdf").read_bytes() == (SAMPLES / "compte_rendu.pdf").read_bytes()


@pytest.mark.parametrize("target", ["cda", "cda-n1", "xdm", "hprim-medecins", "hprim-sante"])
def test_it_converts_to_every_format(target: str, tmp_path: Path) -> None:
    code, _ = run("convert", str(SAMPLES / "electrophorese.pdf"), "--to", target, "--out", str(tmp_path))
    assert code == 0
    assert list(tmp_path.iterdir())
