"""Every sample through ``read`` and ``convert``, without any configuration; every CDA judged by the official rules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_demo import ROOT, dispatcher
from tests.needs import needs_judge
from tests.tools.reading_contract import breaches

FOLDERS = ("hl7", "hprim_sante", "hprim_medecins", "cda", "demo")
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / "samples" / folder).rglob("*")
    if path.suffix.lower() in {".hl7", ".hpr", ".oru", ".txt", ".xml", ".zip"}
) + sorted(path for path in (ROOT / "samples/pdf").iterdir() if path.suffix != ".pdf")


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    result = dispatcher("read", "--json", *map(str, FILES), cwd=tmp_path_factory.mktemp("read"))
    assert result.returncode in {0, 1}, result.stderr
    return {Path(file["path"]).name: file for file in json.loads(result.stdout)["files"]}


def readable(file: dict[str, Any]) -> bool:
    return bool(file["reports"]) and not any(p["severity"] == "error" for p in file["problems"])


def test_there_are_enough_samples() -> None:
    assert len(FILES) >= 40


def test_only_the_damaged_samples_are_refused(read: dict[str, Any]) -> None:
    refused = {name for name, file in read.items() if not readable(file)}
    assert refused, "some samples show what quarantine is"
    for name in refused:
        assert [p for p in read[name]["problems"] if p["severity"] == "error" and p["message"]]
        assert any(word in name for word in ("tronque", "faux", "erreur", "coupe", "incomplet", "perdu", "err")), name


def test_the_contract_of_read_is_kept(read: dict[str, Any]) -> None:
    for name, file in read.items():
        assert breaches(file) == [], name


@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", ["cda", "cda-n1"])
def test_every_cda_of_the_samples_passes_the_official_rules(target: str, read: dict[str, Any], tmp_path: Path) -> None:
    result = dispatcher("convert", *map(str, FILES), "--to", target, "--out", str(tmp_path), "--json", cwd=tmp_path)
    assert result.returncode in {0, 1}, result.stderr
    answers = json.loads(result.stdout)["files"]
    # A document of another type that the laboratory's export carries is given as it is: not ours, not to be judged.
    ours = [a for a in answers if a["output"] and Path(a["output"]).read_bytes() != Path(a["input"]).read_bytes()]
    written = [Path(answer["output"]) for answer in ours]
    failed = {Path(answer["input"]).name: answer["error"] for answer in answers if not answer["output"]}
    unexpected = {name: error for name, error in failed.items() if readable(read[name]) and not blocked(read[name])}
    assert unexpected == {}
    assert len(written) >= 30
    judge = needs_judge()
    judged = subprocess.run(
        [sys.executable, str(judge), *map(str, written)], capture_output=True, text=True, timeout=280
    )
    assert judged.returncode == 0, judged.stdout[-4000:]


def blocked(file: dict[str, Any]) -> bool:
    """A report the program would hold: its identity is not complete."""
    return any(p["severity"] == "error" for report in file["reports"] for p in report["problems"]) or any(
        not report["patient"]["birth_date"] for report in file["reports"]
    )
