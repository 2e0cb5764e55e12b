"""Every check of ``mappings check`` finds its fault, and a clean table gives none."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.report.problems import Severity
from dispatcher.resources import mapping_text
from dispatcher.terminology.audit import CHECKS, Around, audit
from dispatcher.terminology.codebook import parse_book
from dispatcher.terminology.rows import Finding
from dispatcher.terminology.tables import TerminologyTexts, survey

HEADER = "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\n"
SIGNED = "Dr A;2026-01-05;"
CLEAN = f"sil;NA;Sodium;mmol/L;sérum;2951-2;{SIGNED}\n;K;Potassium;;;-;{SIGNED}\n"
CIRCUIT = 'loinc;libelle\n2951-2;"Sodium [Moles/Volume] Sérum/Plasma ; Numérique"\n'


def findings(codes: str, **own: str) -> list[Finding]:
    files = {"codes": HEADER + codes, **own}
    texts = TerminologyTexts.collect(
        lambda name: mapping_text("terminology", name), lambda name: files.get(name.removesuffix(".csv"))
    )
    terms, faults = survey(texts)
    book = parse_book(files["codes"])
    return [*faults.findings, *audit(terms, book, Around(date(2026, 11, 22), ("sil", "autre")))]


def checks(codes: str, **own: str) -> dict[str, int]:
    """Check to line."""
    return {one.check: one.line for one in findings(codes, **own)}


def test_a_clean_table_gives_nothing() -> None:
    assert findings(CLEAN) == []
    assert findings(CLEAN, circuit=CIRCUIT) == []
    assert findings(CLEAN + f";A;a;mmol/L;sang;2951-2;{SIGNED}\n") == []


@pytest.mark.parametrize(
    ("check", "line"),
    [
        ("loinc-key", f";A;a;;;718-8;{SIGNED}"),
        ("unit-property", f";A;a;mmol/L;;2345-7;{SIGNED}"),
        ("unit-property", f";A;a;mmol/L;;14684-5;{SIGNED}"),
        ("contradiction", f"sil;NA;Sodium;mmol/L;sérum;2947-0;{SIGNED}"),
        ("duplicate-line", f"sil;NA;Sodium;mmol/L;sérum;2951-2;{SIGNED}"),
        ("unconfirmed", ";A;a;;;2951-2;;;"),
        ("half-confirmed", ";A;a;;;2951-2;Dr A;;"),
        ("half-confirmed", ";A;a;;;2951-2;;2026-01-05;"),
        ("confirmed-later", ";A;a;;;2951-2;Dr A;2062-01-05;"),
        ("loinc-unknown", f";A;a;;;10000-8;{SIGNED}"),
        ("loinc-discouraged", f";A;a;;;2532-0;{SIGNED}"),
        ("looks-like-loinc", f";2345-7;a;;;-;{SIGNED}"),
        ("unit-unknown", f";A;a;carats;;2951-2;{SIGNED}"),
        ("specimen-unknown", f";A;a;;tube vert;2951-2;{SIGNED}"),
        ("specimen-other", f";A;a;;urines;2951-2;{SIGNED}"),
        ("source-unknown", f"inconnue;A;a;;;2951-2;{SIGNED}"),
        ("overlap", f"sil;NA;Sodium;mmol/l;SER;2947-0;{SIGNED}"),
        ("table", f";;a;;;2951-2;{SIGNED}"),
    ],
)
def test_each_check_names_the_line(check: str, line: str) -> None:
    found = checks(CLEAN + line + "\n")
    assert found.get(check) == 4, found


def test_lines_that_hold_for_different_results_do_not_overlap() -> None:
    codes = f";A;a;g/L;;2345-7;{SIGNED}\n;A;a;mmol/L;;14749-6;{SIGNED}\n;A;a;g/L;urines;5792-7;{SIGNED}\n"
    assert "overlap" not in checks(codes)
    crossed = f";A;a;g/L;;2345-7;{SIGNED}\n;A;a;;sang;53049-3;{SIGNED}\n"
    assert checks(crossed)["overlap"] == 3


def test_codes_outside_the_circuit_are_told_once_it_is_there() -> None:
    assert checks(CLEAN + f";A;a;;;2947-0;{SIGNED}\n", circuit=CIRCUIT)["not-in-circuit"] == 4
    assert "not-in-circuit" not in checks(CLEAN + f";A;a;;;2947-0;{SIGNED}\n")


def test_a_code_the_tables_give_no_chapter_is_told() -> None:
    circuit = CIRCUIT + '10000-8;"Une analyse rare [Masse/Volume] Sérum/Plasma ; Numérique"\n'
    found = checks(CLEAN + f";A;a;g/L;;10000-8;{SIGNED}\n", circuit=circuit)
    assert found == {"chapter-missing": 4}
    assert checks(CLEAN + f";A;a;mmol/L;;10000-8;{SIGNED}\n", circuit=circuit)["unit-property"] == 4


def test_other_tables_are_checked_too() -> None:
    found = findings(CLEAN, unites="texte;ucum\nX;furlong\n", specimens="texte;code\nX;ZZZZ\n")
    assert [(one.check, one.file, one.line, one.severity) for one in found] == [
        ("ucum-unknown", "unites.csv", 2, Severity.ERROR),
        ("table", "specimens.csv", 2, Severity.ERROR),
    ]


def test_every_finding_says_what_to_do_and_every_check_is_described() -> None:
    everything = findings(CLEAN + ";2345-7;a;carats;tube;2532-0;Dr A;;\n;;x;;;1;;;\n", unites="texte;ucum\nX;furlong\n")
    assert len(everything) > 5
    assert all(one.todo and one.found and one.line for one in everything)
    assert {one.check for one in everything} <= set(CHECKS)
