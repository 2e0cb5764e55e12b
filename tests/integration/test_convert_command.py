"""``dispatcher convert``: any input to any output, named after its source, nothing overwritten, nothing left unsaid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.formats.checks import check
from dispatcher.formats.xdm.cda_facts import read_facts
from dispatcher.formats.xdm.reader import read_archive
from dispatcher.report.model import Severity
from dispatcher.service.convert import Target

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
HL7 = SAMPLES / "hl7" / "bilan_utf8.hl7"
THREE = SAMPLES / "hprim_medecins" / "trois_patients.hpr"
INPUTS = (HL7, SAMPLES / "hprim_sante" / "bilan_ehpad.hpr", SAMPLES / "hprim_medecins" / "glycemie.hpr")
ALL = [word for target in Target for word in ("--to", str(target))]
KINDS = {
    "cda": "cda",
    "cda-n1": "cda",
    "hprim-medecins": "hprim-medecins",
    "hprim-sante": "hprim-sante",
    "pdf": "pdf",
    "xdm": "xdm",
}


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def convert(*words: str) -> tuple[int, list[dict[str, Any]]]:
    done = CliRunner().invoke(app, ["convert", *words, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)["files"]


@pytest.mark.parametrize("source", INPUTS, ids=lambda path: path.parent.name)
def test_any_input_gives_every_output_and_each_passes_its_checks(source: Path, tmp_path: Path) -> None:
    code, answers = convert(str(source), *ALL, "--out", str(tmp_path / "out"))
    assert code == 0 and {answer["format"] for answer in answers} == set(Target)
    for answer in answers:
        if answer["format"] != "mail":
            judged = check(Path(answer["output"]).read_bytes())
            assert judged.format == KINDS[answer["format"]]
            assert [p for p in judged.problems if p.severity is Severity.ERROR] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal")
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_on_a_terminal_every_file_is_named_as_its_turn_comes(words: tuple[str, ...], tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    call = [sys.executable, "-m", "dispatcher", "convert", *map(str, INPUTS), "--to", "hprim-medecins"]
    root = str(SAMPLES.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [*call, "--out", str(tmp_path / "out"), *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    os.write(theirs, b"<end>")
    os.close(theirs)
    said = os.read(ours, 100_000).decode("utf-8", "replace")
    os.close(ours)
    assert done.returncode == 0 and b"[1/" not in done.stdout
    assert [f"[{rank}/3]" in said for rank in (1, 2, 3)] == [not words] * 3


def test_cda_and_archive_are_inputs_too(tmp_path: Path) -> None:
    convert(str(HL7), "--to", "cda", "--to", "xdm", "--out", str(tmp_path / "a"))
    for name in ("bilan_utf8.xml", "bilan_utf8.zip"):
        code, answers = convert(str(tmp_path / "a" / name), "--to", "hprim-medecins", "--out", str(tmp_path / name))
        assert code == 0
        text = Path(answers[0]["output"]).read_bytes().decode("latin-1")
        assert "RES|Potassium|K" in text or "|5.9|" in text


def test_a_replacement_read_from_a_cda_stays_one(tmp_path: Path) -> None:
    source = SAMPLES / "cda" / "ecbu_remplace.xml"
    before = read_facts(source.read_bytes())
    assert before.replaces
    code, answers = convert(str(source), "--to", "cda", "--to", "xdm", "--out", str(tmp_path / "out"))
    assert code == 0
    cda, archive = (Path(answer["output"]).read_bytes() for answer in answers)
    assert read_facts(cda).replaces == before.replaces and read_facts(cda).unique_id != before.unique_id
    metadata = read_archive(archive).metadata
    assert metadata is not None and metadata.entries[0].slot("action") == ("C",)


def test_results_are_named_after_their_source_and_rank(tmp_path: Path) -> None:
    _code, answers = convert(str(THREE), str(HL7), "--to", "pdf", "--to", "cda-n1", "--out", str(tmp_path / "out"))
    names = [Path(answer["output"]).name for answer in answers]
    assert names == [
        *("trois_patients-1.pdf", "trois_patients-1-n1.xml", "trois_patients-2.pdf", "trois_patients-2-n1.xml"),
        *("trois_patients-3.pdf", "trois_patients-3-n1.xml", "bilan_utf8.pdf", "bilan_utf8-n1.xml"),
    ]


def test_a_folder_stands_for_its_files_and_two_of_one_name_keep_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "r.hl7").write_bytes(HL7.read_bytes())
    (tmp_path / "b" / ".caché").write_bytes(b"x")
    code, answers = convert(str(tmp_path / "a"), str(tmp_path / "b"), "--to", "pdf", "--out", str(tmp_path / "out"))
    assert code == 0 and [Path(answer["output"]).name for answer in answers] == ["r.pdf", "r_2.pdf"]


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    out = tmp_path / "out"
    call = (str(HL7), "--to", "cda", "--out", str(out))
    assert convert(*call)[0] == 0
    first = (out / "bilan_utf8.xml").read_bytes()
    assert convert(*call)[0] == 0, "the same bytes again are no loss"
    (out / "bilan_utf8.xml").write_bytes(b"annotated by hand")
    code, answers = convert(*call)
    assert code == 1 and answers[0]["output"] is None and "--force" in answers[0]["error"]
    assert (out / "bilan_utf8.xml").read_bytes() == b"annotated by hand"
    assert convert(*call, "--force")[0] == 0 and (out / "bilan_utf8.xml").read_bytes() == first


def test_what_was_not_converted_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    broken = SAMPLES / "hl7" / "tronque.hl7"
    words = [
        "convert",
        str(broken),
        str(HL7),
        str(tmp_path / "absent.hl7"),
        "--to",
        "pdf",
        "--out",
        str(tmp_path / "o"),
    ]
    code, answers = convert(*words[1:])
    assert code == 1 and [answer["output"] is not None for answer in answers] == [False, True, False]
    assert "tronqué" in answers[0]["error"] and "introuvable" in answers[2]["error"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "1 résultat écrit, 2 refusés." in done.output


def test_what_was_unclear_in_reading_stays_beside_the_result(tmp_path: Path) -> None:
    unclear = tmp_path / "date_impossible.hl7"
    unclear.write_bytes(HL7.read_bytes().replace(b"|19790312|", b"|19791332|"))
    code, answers = convert(str(unclear), "--to", "pdf", "--out", str(tmp_path / "out"))
    assert code == 0 and any("PID-7" in problem["where"] for problem in answers[0]["problems"])


def test_the_mail_is_the_one_the_service_would_send(tmp_path: Path) -> None:
    _code, answers = convert(str(HL7), "--to", "mail", "--out", str(tmp_path / "out"))
    mail = message_from_bytes(Path(answers[0]["output"]).read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "XDM/1.0/DDM+CR d'examens biologiques MOREAU Helene 12/03/1979"
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names[0] == "IHE_XDM.zip" and str(names[1]).endswith("_MOREAU_Helene_260311-0042-1.pdf")
    archive = next(mail.iter_attachments()).get_content()
    assert check(archive).format == "xdm"
    assert all(
        address.endswith(".invalid")
        for address in (mail["To"].addresses[0].addr_spec, mail["From"].addresses[0].addr_spec)
    )


def test_version_only_goes_with_hprim_sante(tmp_path: Path) -> None:
    words = ["convert", str(HL7), "--to", "pdf", "--version", "2.5", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 2
