"""Dialects on the command line and in a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app, main
from dispatcher.errors import ConfigError
from dispatcher.settings import Settings, parse
from dispatcher.wiring import with_dialects

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "dialects"
FILE = SAMPLES / "statut_vide.hpr"


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, done.stdout


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """As the installed command says it: exit code and standard error, blanks made single."""
    monkeypatch.setattr("sys.argv", ["dispatcher", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0), " ".join(capsys.readouterr().err.split())


def read(*words: str) -> dict[str, Any]:
    code, out = run("read", str(FILE), "--json", *words)
    assert code == 0
    answer: dict[str, Any] = json.loads(out)["files"][0]
    return answer


def test_read_tells_the_dialect_used() -> None:
    assert (read().get("dialect"), read()["reports"][0]["status"]) == (None, "partial")
    answer = read("--dialect", "hprim-statut-vide")
    assert (answer["dialect"], answer["reports"][0]["status"]) == ("hprim-statut-vide", "final")
    code, out = run("read", str(FILE), "--dialect", "hprim-statut-vide")
    assert (code, "dialecte hprim-statut-vide" in out) == (0, True)


def test_a_dialect_of_one_s_own(tmp_path: Path) -> None:
    code, text = run("dialects", "show", "hprim-statut-vide")
    assert code == 0
    (tmp_path / "mon-sil.toml").write_text(text, encoding="utf-8")
    assert read("--dialect", "mon-sil.toml")["dialect"] == "mon-sil"


def test_a_faulty_dialect_stops_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faux.toml").write_text('format = "hl7v2"\ntitle = "x"\n[fields]\nfiler = "OBR-18"\n', encoding="utf-8")
    code, err = told(capsys, monkeypatch, "read", str(FILE), "--dialect", "faux.toml")
    assert code == 2
    assert "ligne 4, fields.filer : clé inconnue ; la plus proche ici : « filler »" in err
    code, err = told(capsys, monkeypatch, "convert", str(FILE), "--dialect", "absent", "--to", "pdf", "--out", "o")
    assert (code, "« absent » n’est ni un dialecte livré, ni un fichier" in err) == (2, True)
    assert not (tmp_path / "o").exists()
    code, _ = run("dialects", "check", "faux.toml")
    assert code == 1


def test_convert_reads_by_the_dialect(tmp_path: Path) -> None:
    outputs = []
    for words in ((), ("--dialect", "hprim-statut-vide")):
        out = tmp_path / str(len(words))
        assert run("convert", str(FILE), "--to", "hprim-medecins", "--out", str(out), *words)[0] == 0
        outputs.append((out / "statut_vide.hpr").read_bytes())
    assert b"|1.32|g/L|0.70|1.10|H|F|" in outputs[1]
    assert b"|H|F|" not in outputs[0]


def test_folders_and_patterns_are_read_whole(tmp_path: Path) -> None:
    for name in ("b.hpr", "a.hpr", ".cache", "c.txt"):
        (tmp_path / name).write_bytes(FILE.read_bytes())
    for wanted, names in ((str(tmp_path), ["a.hpr", "b.hpr", "c.txt"]), ("*.hpr", ["a.hpr", "b.hpr"])):
        code, out = run("read", wanted, "--json")
        assert (code, [Path(one["path"]).name for one in json.loads(out)["files"]]) == (0, names)
    code, out = run("read", "*.hl7", "--json")
    assert (code, json.loads(out)["files"][0]["problems"][0]["code"]) == (1, "unreadable-file")


def test_list_and_keys() -> None:
    code, out = run("dialects", "list", "--json")
    assert code == 0
    assert {"name", "format", "title"} == set(json.loads(out)[0])
    code, out = run("dialects", "keys", "--json")
    assert "fields.filler" in {row["key"] for row in json.loads(out)}
    assert run("dialects", "check", str(ROOT / "mappings" / "dialects"))[0] == 0


def settings(source: str) -> Settings:
    text = (ROOT / "samples" / "config" / "dispatcher.toml").read_text(encoding="utf-8")
    head, _, tail = text.partition("[sources.sil]")
    _, _, rest = tail.partition("# Un compte d'envoi.")
    return parse(f'{head}[sources.sil]\nfolder = "entree"\n{source}\n#{rest}', ROOT / "samples" / "config")


def test_a_source_gets_what_its_dialect_says_of_files() -> None:
    found, spoken = with_dialects(settings('dialect = "hprim-statut-vide"'))
    source = found.sources["sil"]
    assert (source.contract, source.done_suffix, source.patterns) == ("done-file", ".OK", ["*.hpr", "*.HPR"])
    assert (spoken["sil"].name, found.folder) == ("hprim-statut-vide", ROOT / "samples" / "config")


def test_what_the_source_says_itself_wins() -> None:
    toml = 'dialect = "hprim-statut-vide"\npatterns = ["R*"]\ncontract = "stable"'
    source = with_dialects(settings(toml))[0].sources["sil"]
    assert (source.contract, source.patterns) == ("stable", ["R*"])


def test_a_dialect_beside_the_configuration() -> None:
    spoken = with_dialects(settings('dialect = "../../mappings/dialects/hl7-copies-en-nte.toml"'))[1]
    assert spoken["sil"].name == "hl7-copies-en-nte"
    with pytest.raises(ConfigError, match="introuvable"):
        with_dialects(settings('dialect = "absent.toml"'))


def test_check_tells_a_faulty_dialect_with_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "samples" / "config" / "dispatcher.toml").read_text(encoding="utf-8")
    text = text.replace('folder = "entree"', 'folder = "entree"\ndialect = "faux.toml"')
    (tmp_path / "dispatcher.toml").write_text(text, encoding="utf-8")
    (tmp_path / "faux.toml").write_text('format = "hl7v2"\ntitle = "x"\nflag = { "*" = "A" }\n', encoding="utf-8")
    code, err = told(capsys, monkeypatch, "check", "--offline")
    assert code == 1
    assert "source sil, dialecte : faux.toml : 1 faute dans ce dialecte" in err
    assert "ligne 3, flag : clé inconnue ; la plus proche ici : « flags »" in err
    (tmp_path / "faux.toml").unlink()
    code, err = told(capsys, monkeypatch, "check", "--offline")
    assert "source sil, dialecte : Dialecte introuvable" in err
