"""``dispatcher validate``: which checks were made is always said, and what could not be asked is never silent."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.conformance.installed import KIT as COPY
from dispatcher.formats.checks import check
from dispatcher.formats.xdm.writer import XdmDocument, XdmWriter
from tests.kits import small_kit
from tests.needs import KIT, needs_shared
from tests.unit.formats.xdm.test_xdm_archives import CONTEXT

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CDA = SAMPLES / "cda" / "bilan_n3.xml"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, done.stdout


def judged(*words: str) -> tuple[int, list[dict[str, Any]]]:
    code, out = run("validate", "--json", *words)
    return code, json.loads(out)["files"]


@pytest.mark.parametrize(
    ("folder", "name", "format_", "check_name"),
    [
        ("cda", "bilan_n3.xml", "cda", "renvois du texte"),
        ("cda", "archive_xdm.zip", "xdm", "accord avec le CDA"),
        ("hl7", "bilan_utf8.hl7", "hl7v2-oru", "champs obligatoires"),
        ("hprim_sante", "bilan_ehpad.hpr", "hprim-sante", "comptes du segment L"),
        ("hprim_medecins", "glycemie.hpr", "hprim-medecins", "lignes RES"),
        ("pdf", "compte_rendu.pdf", "pdf", "déclaration PDF/A"),
        ("pdf", "lot.json", "pdf", "PDF nommés par l'index"),
    ],
)
def test_every_format_is_known_and_its_checks_are_named(folder: str, name: str, format_: str, check_name: str) -> None:
    code, (file,) = judged(str(SAMPLES / folder / name))
    assert code == 0 and file["format"] == format_ and file["valid"] and check_name in file["checks"]["own"]
    assert file["checks"]["official"] == [] and file["checks"]["official_not_run"]


def test_what_nobody_knows_has_no_check_and_fails(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("bonjour")
    code, (file,) = judged(str(tmp_path / "note.txt"))
    assert code == 1 and file["format"] == "unknown" and file["checks"]["own"] == []
    code, (file,) = judged(str(tmp_path / "absent.xml"))
    assert code == 1 and "introuvable" in file["problems"][0]["message"]


def test_a_pdf_that_claims_nothing_or_is_locked_is_told(tmp_path: Path) -> None:
    pdf = SAMPLES / "pdf" / "compte_rendu.pdf"
    (tmp_path / "plain.pdf").write_bytes(pdf.read_bytes().replace(b"pdfaid:part", b"pdfxxx:part"))
    _code, (file,) = judged(str(tmp_path / "plain.pdf"))
    assert "pdf-not-pdfa" in [problem["code"] for problem in file["problems"]]
    (tmp_path / "cut.pdf").write_bytes(pdf.read_bytes()[:-40])
    code, (file,) = judged(str(tmp_path / "cut.pdf"))
    assert code == 1 and "pdf-truncated" in [problem["code"] for problem in file["problems"]]


def test_the_installed_kit_is_used_by_itself_also_for_the_cda_in_a_zip(tmp_path: Path) -> None:
    run("conformance", "install", str(small_kit(tmp_path / "kit")))
    volume = tmp_path / "data" / "dispatcher" / "conformance"
    broken = CDA.read_bytes().replace(b"<title>", b"<title2>").replace(b"</title>", b"</title2>")
    (tmp_path / "broken.xml").write_bytes(broken)
    packed = XdmWriter().pack([XdmDocument(content=CDA.read_bytes())], CONTEXT)
    (tmp_path / "a.zip").write_bytes(packed.content)
    code, (good, zipped, bad) = judged(str(CDA), str(tmp_path / "a.zip"), str(tmp_path / "broken.xml"))
    assert code == 1
    for file in (good, zipped):
        assert "volet 2024.01" in file["checks"]["official"] and file["checks"]["kit"] == str(volume)
        assert file["checks"]["official_not_run"] is None
    assert any(problem["code"] == "official-strucmin" for problem in bad["problems"])
    assert all(p["where"].startswith("IHE_XDM/") for p in zipped["problems"] if p["code"].startswith("official-"))


def test_own_leaves_the_official_rules_out_and_says_so(tmp_path: Path) -> None:
    run("conformance", "install", str(small_kit(tmp_path / "kit")))
    _code, (file,) = judged("--own", str(CDA))
    assert file["checks"]["official"] == [] and "--own" in file["checks"]["official_not_run"]


def test_rules_that_cannot_be_asked_are_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("conformance", "install", str(small_kit(tmp_path / "kit")))
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "saxonche", None)
        _code, (file,) = judged(str(CDA))
        assert "pip install" in file["checks"]["official_not_run"]
    place = tmp_path / "data" / "dispatcher" / "conformance"
    (place / COPY / "schematrons" / "profils" / "IHE.sch").unlink()
    _code, (file,) = judged(str(CDA))
    assert "IHE.sch : absent" in file["checks"]["official_not_run"]
    done = CliRunner().invoke(app, ["validate", str(CDA)])
    assert "règles officielles : non appliquées" in done.output


def test_a_document_of_another_type_is_no_biology_report() -> None:
    _code, (file,) = judged(str(SAMPLES / "cda" / "lettre_de_liaison.xml"))
    assert file["valid"] and [p["code"] for p in file["problems"]] == ["not-cr-bio"]


def test_an_older_model_may_lack_the_pdf_copy_a_newer_may_not() -> None:
    old = (SAMPLES / "cda" / "autopresentable_2021.xml").read_bytes()
    assert [(p.code, p.severity.value) for p in check(old).problems] == [("no-pdf-copy", "warning")]
    new = CDA.read_bytes().replace(b"1.2.250.1.213.1.1.2.243", b"1.2.250.1.213.1.1.2.000")
    assert ("no-pdf-copy", "error") in [(p.code, p.severity.value) for p in check(new).problems]


def test_with_the_real_kit_a_warm_document_takes_well_under_a_second(tmp_path: Path) -> None:
    needs_shared(KIT)
    from dispatcher.conformance.official import OfficialRules

    rules = OfficialRules.load(KIT)
    content = (KIT / "examples" / "BIO-CR-BIO_2024.01_Microbiologie_V2.xml").read_bytes()
    verdict = rules.examine(content)
    assert verdict.problems == () and verdict.layers[-1] == "volet 2024.01"
    start = time.process_time()
    rules.examine(content)
    assert time.process_time() - start < 3, "compiled once: the second document pays no compiling"
    letter = rules.examine((SAMPLES / "cda" / "lettre_de_liaison.xml").read_bytes())
    assert not [layer for layer in letter.layers if layer.startswith("volet")]
    level_1 = rules.examine((SAMPLES / "cda" / "pdf_n1.xml").read_bytes())
    assert level_1.layers == ("xsd", "strucmin", "ihe", "modeles", "ans", "termino")
