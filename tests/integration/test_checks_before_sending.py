"""``read``, ``convert`` and ``validate`` say beforehand what ``run`` would hold a report for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
HELD = "birth-date-future"
MSH = "MSH|^~\\&|SIL|LABO|D|D|20261120101500||ORU^R01^ORU_R01|1|P|2.5|||||FRA|8859/15\r"
REST = "OBR|1||D1^SIL|BIO^BILAN|||20261120081000||||||||||||||||||F\rOBX|1|NM|GLU^Glycémie||5.2|mmol/L|3.9-6.1|N|||F\r"


def hl7(folder: Path, born: str, ins: str = "") -> Path:
    path = folder / "bilan.hl7"
    numbers = f"77^^^SIL^PI{ins}"
    text = f"{MSH}PID|1||{numbers}||ESSAI^ALICE^^^^^L||{born}|F\r{REST}"
    path.write_bytes(text.encode("iso8859-15"))
    return path


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def files(*words: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, _ = run(*words, "--json")
    return code, json.loads(out)["files"]


def installation(folder: Path, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("init", "labo")[0] == 0
    config = folder / "labo" / "dispatcher.toml"
    with config.open("a", encoding="utf-8") as file:
        file.write(f"\n[checks]\n{extra}\n")
    monkeypatch.chdir(folder / "labo")


def test_read_tells_what_would_be_held_and_what_to_look_at(tmp_path: Path) -> None:
    held = str(hl7(tmp_path, "20990101"))
    code, (file,) = files("read", held)
    (report,) = file["reports"]
    assert code == 0 and [p["code"] for p in report["checks"]][:1] == [HELD]
    assert set(report["checks"][0]) == {"code", "severity", "where", "message"}
    assert HELD not in [p["code"] for p in (*report["problems"], *file["problems"])]
    code, out, _ = run("read", held)
    assert code == 0 and out.index("Serait retenu à l'envoi :") < out.index(HELD) and "attention :" not in out
    out = run("read", str(hl7(tmp_path, "18800101")))[1]
    assert out.index("À l'envoi, attention :") < out.index("birth-date-remote") and "Serait retenu" not in out


def test_read_adds_nothing_to_a_report_that_is_right() -> None:
    sample = str(SAMPLES / "hl7" / "bilan_utf8.hl7")
    assert all("checks" not in report for report in files("read", sample)[1][0]["reports"])
    assert "l'envoi" not in run("read", sample)[1]


def test_convert_writes_and_tells_what_would_be_held(tmp_path: Path) -> None:
    words = ("convert", str(hl7(tmp_path, "20990101")), "--to", "hprim-medecins", "--out", str(tmp_path / "out"))
    code, (answer,) = files(*words)
    assert code == 0 and Path(answer["output"]).is_file()
    told = {p["code"]: p for p in answer["problems"]}
    assert told[HELD]["severity"] == "error" and told[HELD]["effect"] == "serait retenu à l'envoi"
    code, _, err = run(*words)
    assert code == 0 and "serait retenu à l'envoi – patient : Date de naissance dans l'avenir" in " ".join(err.split())


@pytest.mark.parametrize(
    ("folder", "name", "born", "late"),
    [
        ("hprim_sante", "bilan_ehpad.hpr", b"|19360502|", b"|20991231|"),
        ("hprim_medecins", "glycemie.hpr", b"04/07/1961", b"31/12/2099"),
        ("pdf", "lot.json", b"1951-07-30", b"2099-12-31"),
    ],
)
def test_validate_makes_the_same_checks(folder: str, name: str, born: bytes, late: bytes, tmp_path: Path) -> None:
    for path in (SAMPLES / folder).iterdir():
        if path.is_file() and (path.name == name or path.suffix == ".pdf"):
            shutil.copy(path, tmp_path / path.name)
    source = tmp_path / name
    code, (before,) = files("validate", "--own", str(source))
    assert code == 0 and before["valid"] and any("avant l'envoi" in check for check in before["checks"]["own"])
    assert born in source.read_bytes()
    source.write_bytes(source.read_bytes().replace(born, late))
    code, (after,) = files("validate", "--own", str(source))
    assert code == 1 and HELD in [p["code"] for p in after["problems"]]


def test_validate_finds_a_held_report_wrong(tmp_path: Path) -> None:
    code, (file,) = files("validate", "--own", str(hl7(tmp_path, "20990101")))
    assert code == 1 and not file["valid"] and HELD in [p["code"] for p in file["problems"]]


def test_a_document_on_its_own_is_not_judged_as_a_report() -> None:
    _, (file,) = files("validate", "--own", str(SAMPLES / "pdf" / "compte_rendu.pdf"))
    assert not any("avant l'envoi" in check for check in file["checks"]["own"])


def test_severities_are_those_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(hl7(tmp_path, "20990101"))
    assert files("validate", "--own", path)[0] == 1
    installation(tmp_path, f'severities = {{ {HELD} = "warning", collected-before-birth = "off" }}', monkeypatch)
    code, (file,) = files("validate", "--own", path)
    assert code == 0 and [p["severity"] for p in file["problems"] if p["code"] == HELD] == ["warning"]
    (report,) = files("read", path)[1][0]["reports"]
    assert [(p["code"], p["severity"]) for p in report["checks"] if p["severity"] != "info"] == [(HELD, "warning")]


def test_a_test_ins_is_welcome_without_a_configuration_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ins = "~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20200101"
    path = str(hl7(tmp_path, "19790315", ins))

    def told() -> bool:
        (report,) = files("read", path)[1][0]["reports"]
        assert report["patient"]["ins"] is not None
        return "ins-test-oid" in [p["code"] for p in report.get("checks", [])]

    assert not told()
    installation(tmp_path, "allow_test_ins = false", monkeypatch)
    assert told()
