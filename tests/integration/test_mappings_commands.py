"""``dispatcher mappings`` from a spreadsheet to confirmed codes, as a biologist walks it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.installation import lay_out, now, sample_config
from dispatcher.cli.main import app
from dispatcher.errors import DispatcherError
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.settings import load
from dispatcher.terminology.audit import CHECKS
from dispatcher.terminology.entries import Missing, MissingKind
from dispatcher.terminology.own import FILES
from dispatcher.wiring import build

LIST = (
    "Catalogue;;;\r\nCode analyse;Libellé;Unité;Nature du prélèvement;Secteur;LOINC\r\n"
    "GLYJ;Glycémie à jeun;g/L;Sang;BIO;53049-3\r\nNA;Sodium;mmol/L;Sérum;BIO;\r\n"
)
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def run(*words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["mappings", *words])
    assert result.exit_code == rc, result.output
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    (tmp_path / "liste.csv").write_bytes(LIST.encode("cp1252"))
    return tmp_path / "tables"


def test_from_a_list_to_confirmed_codes(tables: Path) -> None:
    first = told("import", "liste.csv", "--folder", "tables")
    assert (first["written"], first["counts"], first["ignored"]) == (True, {"added": 2}, ["Secteur"])
    assert first["backup"] is None
    proposed = told("propose", "--folder", "tables")
    assert {row["code"]: row["proposals"][0]["loinc"] for row in proposed} == {"GLYJ": "53049-3", "NA": "2951-2"}
    assert told("check", "--folder", "tables")["warnings"] == 2
    for code, loinc in (("GLYJ", "53049-3"), ("NA", "2951-2")):
        done = told("confirm", code, loinc, "--by", "Dr H. Boize", "--date", "2026-11-20", "--folder", "tables")
        assert (done["counts"], done["steps"][0]["confirmed_on"]) == ({"confirmed": 1}, "2026-11-20")
    checked = told("check", "--folder", "tables")
    assert (checked["errors"], checked["warnings"], checked["confirmed"]) == (0, 0, 2)
    again = told("import", "liste.csv", "--folder", "tables")
    assert (again["written"], again["counts"]) == (False, {"same": 2})
    assert len(list((tables / "sauvegardes").iterdir())) == 2


def test_a_workbook_of_a_spreadsheet_program_is_taken(tables: Path) -> None:
    sample = ROOT / "samples" / "terminology" / "liste_du_sil.xlsx"
    done = told("import", str(sample), "--folder", "tables")
    assert done["kind"] == "XLSX, feuille « Codes SGL »"
    lines = [(one["line"], one["code"], one["loinc"], one["confirmed_on"]) for one in done["steps"]]
    assert lines == [(4, "GLYJ", "53049-3", "2026-11-20"), (5, "1234", "", ""), (6, "007", "14682-9", "2026-11-20")]


def test_a_dry_run_and_a_no_write_nothing(tables: Path) -> None:
    assert told("import", "liste.csv", "--folder", "tables", "--dry-run")["written"] is False
    result = CliRunner().invoke(app, ["mappings", "import", "liste.csv", "--folder", "tables"], input="n\n")
    assert result.exit_code == 1
    assert not list(tables.iterdir())


def test_a_confirmed_line_gives_way_only_when_asked(tables: Path) -> None:
    told("import", "liste.csv", "--folder", "tables")
    told("confirm", "NA", "2951-2", "--by", "Dr A", "--folder", "tables")
    kept = told("confirm", "NA", "2947-0", "--by", "Dr B", "--folder", "tables", rc=1)
    assert (kept["written"], kept["counts"]) == (False, {"kept": 1})
    told("confirm", "NA", "2947-0", "--by", "Dr B", "--folder", "tables", "--replace")
    text = (tables / "codes.csv").read_text("utf-8-sig")
    assert ";NA;Sodium;mmol/L;Sérum;2947-0;Dr B;" in text
    assert ";NA;Sodium;mmol/L;Sérum;2951-2;Dr A;" in text
    assert run("confirm", "NA", "2951-8", "--by", "Dr B", "--folder", "tables", rc=1)


def test_a_code_with_two_lines_asks_which(tables: Path) -> None:
    told("confirm", "GLY", "2345-7", "--by", "Dr A", "--unit", "g/L", "--folder", "tables")
    told("confirm", "GLY", "14749-6", "--by", "Dr A", "--unit", "mmol/L", "--folder", "tables")
    result = CliRunner().invoke(app, ["mappings", "confirm", "GLY", "53049-3", "--by", "Dr A", "--folder", "tables"])
    assert isinstance(result.exception, DispatcherError)
    assert "ligne 2 (g/L) ; ligne 3 (mmol/L)" in result.exception.message


def test_a_rejected_code_is_withdrawn_and_no_longer_proposed(tables: Path) -> None:
    told("import", "liste.csv", "--folder", "tables")
    told("confirm", "NA", "2951-2", "--by", "Dr A", "--folder", "tables")
    assert told("reject", "NA", "2951-2", "--by", "Dr B", "--folder", "tables")["withdrawn"] == [4 - 1]
    offered = told("propose", "NA", "--folder", "tables")[0]["proposals"]
    assert offered and "2951-2" not in {one["loinc"] for one in offered}
    assert told("check", "--folder", "tables")["confirmed"] == 0
    assert "# refusée par Dr B le " in (tables / "codes.csv").read_text("utf-8-sig")


def test_faults_give_exit_code_one_and_a_write_never_makes_new_ones(tables: Path) -> None:
    header = "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\n"
    (tables / "codes.csv").write_text(header + ";A;a;mmol/L;;2345-7;Dr A;2026-01-05;\n", "utf-8")
    found = told("check", "--folder", "tables", rc=1)
    assert [(one["check"], one["line"], one["severity"]) for one in found["findings"]] == [
        ("unit-property", 2, "error")
    ]
    (tables / "codes.csv").write_text("code;loinc\nA;2345-7\n", "utf-8")
    assert told("check", "--folder", "tables", rc=1)["errors"] > 0
    assert told("check")["analyses"] == 668


def test_another_hand_in_between_is_seen(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told("import", "liste.csv", "--folder", "tables")
    other = (tables / "codes.csv").write_text
    monkeypatch.setattr("dispatcher.cli.asking.or_stop", lambda *_, **__: other("autre", "utf-8"))
    (tables.parent / "liste.csv").write_text(LIST + "K;Potassium;;;;\r\n", "utf-8")
    result = CliRunner().invoke(app, ["mappings", "import", "liste.csv", "--folder", "tables"])
    assert isinstance(result.exception, DispatcherError)
    assert (tables / "codes.csv").read_text("utf-8") == "autre"


def test_the_circuit_is_kept_with_where_it_came_from(tables: Path) -> None:
    sheet = 'Code LOINC;Libellé français\n2951-2;"Sodium [Moles/Volume] Sérum/Plasma ; Numérique"\n'
    (tables.parent / "circuit.csv").write_text(sheet, "utf-8")
    done = told("circuit", "circuit.csv", "--folder", "tables")
    assert (done["codes"], done["added"], done["columns"]["libelle"]) == (1, 1, "Libellé français")
    kept = (tables / "circuit.csv").read_text("utf-8-sig")
    assert kept.startswith("# circuit.csv, lu le ") and "SHA-256" in kept
    told("confirm", "GLYJ", "53049-3", "--by", "Dr A", "--folder", "tables")
    assert [one["check"] for one in told("check", "--folder", "tables")["findings"]] == ["not-in-circuit"]
    shown = told("propose", "NA", "--label", "Sodium", "--folder", "tables")[0]["proposals"][0]
    assert shown["display"] == "Sodium [Moles/Volume] Sérum/Plasma ; Numérique"


# --------------------------------------------------------------------------------------------------- the guide

GUIDE = (ROOT / "docs" / "mappings.md").read_text("utf-8")


def test_the_guide_shows_what_the_commands_say(tables: Path) -> None:
    """Each console block of docs/mappings.md, run in order on the sample it names."""
    sample = ROOT / "samples" / "terminology" / "liste_du_sil_windows.csv"
    (tables.parent / "liste.csv").write_bytes(sample.read_bytes())
    blocks = re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)
    steps = [step for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(steps) >= 6
    for step in steps:
        command, _, shown = step.partition("\n")
        output = CliRunner().invoke(app, shlex.split(command)[1:]).output
        told = "\n".join(line.rstrip() for line in output.splitlines())
        assert re.sub(r"codes-[0-9-]+\.csv", "codes-AAAAMMJJ-HHMMSS.csv", told) == shown.strip(), command


def test_the_guide_names_every_check_and_every_table() -> None:
    assert [name for name in (*CHECKS, *FILES) if f"`{name}`" not in GUIDE] == []


# -------------------------------------------------------------------------------------------- with an installation


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with SandboxOperator(tmp_path / "labo" / "bac-a-sable", store=False) as operator:
        lay_out(tmp_path / "labo", operator, config=sample_config(port=operator.port), now=now())
    monkeypatch.chdir(tmp_path / "labo")
    return tmp_path / "labo"


def note(folder: Path, times: Sequence[tuple[Missing, int]]) -> None:
    office = build(load(folder / "dispatcher.toml"))
    for missing, count in times:
        for _ in range(count):
            with office.store.transaction() as uow:
                uow.gaps.note("labo-a", [missing], NOW)
    office.close()


def test_what_traffic_asked_for_is_filled_in_and_imported(installed: Path) -> None:
    sodium = Missing(kind=MissingKind.CODE, code="NA", label="Sodium", unit="mmol/L", source="labo-a")
    formula = Missing(kind=MissingKind.CODE, code="=GLY", label="Glycémie", unit="g/L", source="labo-a")
    unit = Missing(kind=MissingKind.UNIT, text="carats", unit="carats", source="labo-a")
    note(installed, [(formula, 1), (sodium, 3), (unit, 2)])
    listed = told("missing", "--out", "a_remplir.csv")
    assert [(row["code"], row["count"]) for row in listed] == [("NA", 3), ("", 2), ("=GLY", 1)]
    sheet = Path("a_remplir.csv").read_text("utf-8-sig")
    rows = sheet.splitlines()
    assert rows[0].startswith("source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire;fois;")
    assert rows[1].startswith("labo-a;NA;Sodium;mmol/L;;;;;;3;2026-11-22;")
    assert ";2951-2;" in rows[1] and rows[2].startswith("labo-a;'=GLY;") and len(rows) == 3
    untouched = told("import", "a_remplir.csv")
    assert untouched["counts"] == {"added": 2} and told("check")["confirmed"] == 0
    filled = sheet.replace("NA;Sodium;mmol/L;;;;", "NA;Sodium;mmol/L;;2951-2;Dr A;").replace(
        "'=GLY;Glycémie;g/L;;;;", "'=GLY;Glycémie;g/L;;2345-7;Dr A;"
    )
    Path("a_remplir.csv").write_text(filled, "utf-8-sig")
    assert told("import", "a_remplir.csv")["counts"] == {"confirmed": 2}
    assert told("check")["confirmed"] == 2
    assert [row["kind"] for row in told("missing")] == ["unit"]
