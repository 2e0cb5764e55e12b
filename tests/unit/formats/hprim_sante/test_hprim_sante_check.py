"""What our own check says of an HPRIM Santé file, rule by rule; the good file of each row passes."""

from __future__ import annotations

import pytest

from dispatcher.formats.hprim_sante.check import MAX_LINE, check
from dispatcher.report.model import Severity
from dispatcher.resources import sample

GOOD = """H|~^\\&|LAB00042.HPR||LABO~Laboratoire||ORU|||E7~Les Tilleuls||P|H2.1~C|202403111830
P|1|PT42|PT42-EH|S778|ESSAI~CLAIRE|TEST|19610704|F||12 RUE DES LILAS~~QUIMPER~~29000
OBR|1|E9001~D5501|E9001~B240311|GLYJ~Glycemie~L|R||202403110745||||N|||202403110930||D1~DURAND~L||||||202403111815|||F
OBX|1|NM|GLYJ~Glycemie~L||1.32|g/l|0.70 - 1.10|H|||F|||202403111010|BIOCH~20
C|1|L|A controler
OBX|2|ST|ASP~Aspect~L||limpide||||||F
L|1||1|7
"""


def found(text: str) -> list[tuple[str, str]]:
    return [(p.code, p.severity.value) for p in check(text.replace("\n", "\r\n").encode("iso-8859-1"))]


def test_a_good_file_passes() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "severity"),
    [
        ("LABO~Laboratoire", "", "missing-field", "error"),
        ("E7~Les Tilleuls", "", "missing-field", "error"),
        ("H2.1~C", "", "missing-field", "error"),
        ("|202403111830\n", "\n", "missing-field", "error"),
        ("P|1|PT42|", "P||PT42|", "missing-field", "error"),
        ("|PT42|PT42-EH", "||PT42-EH", "missing-field", "error"),
        ("ESSAI~CLAIRE", "", "missing-field", "error"),
        ("E9001~B240311", "", "missing-field", "error"),
        ("E9001~B240311", "~", "missing-field", "error"),
        ("|GLYJ~Glycemie~L|R", "||R", "missing-field", "error"),
        ("OBX|1|NM|", "OBX|1||", "missing-field", "error"),
        ("GLYJ~Glycemie~L||1.32", "||1.32", "missing-field", "error"),
        ("H|||F|||2024", "H||||||2024", "missing-field", "error"),
        ("GLYJ~Glycemie~L||1.32", "~Glycemie~L||1.32", "code-incomplete", "error"),
        ("GLYJ~Glycemie~L||1.32", "GLYJ~Glycemie||1.32", "code-incomplete", "error"),
        ("H|||F|||2024", "H|||Z|||2024", "result-status", "error"),
        ("|ST|ASP", "|FIC|ASP", "file-name", "error"),
        ("P|1|PT42", "ORBITE|1|PT42", "no-patient", "error"),
        ("OBR|1|E9001~D5501", "FAC|1|E9001~D5501", "segment-order", "error"),
        ("L|1||1|7", "P|2|PT43|||AUTRE~A||19610704|F\nOBX|1|ST|A~A~L||a||||||F\nL|1||2|9", "segment-order", "error"),
        ("|||F\nOBX|1", "|||F\nOBR|2|E2|E2~B2|X~X~L\nOBX|1", "obr-without-obx", "warning"),
        ("|||F\nOBX", "|||Y\nOBX", "order-status", "warning"),
        ("|NM|", "|ZZ|", "value-type", "warning"),
        ("1.32|g/l|0.70 - 1.10|H|", "1.32|g/l|0.70 - 1.10|HAUT|", "flag", "warning"),
        ("||1.32|", "||1,32|", "number", "warning"),
        ("19610704|F", "19610704|X", "sex", "warning"),
        ("g/l", "grammes par litre de sang", "field-length", "warning"),
        ("ESSAI~CLAIRE", f"{'E' * 45}~CLAIRE", "field-length", "warning"),
        ("limpide", "limpide " * 30, "line-length", "warning"),
        ("OBX|2", "OBX|5", "rank", "info"),
    ],
)
def test_each_rule_is_told(old: str, new: str, code: str, severity: str) -> None:
    assert old in GOOD
    assert (code, severity) in found(GOOD.replace(old, new))


def test_a_later_version_allows_longer_names() -> None:
    long = GOOD.replace("ESSAI~CLAIRE", f"{'E' * 60}~CLAIRE")
    assert ("field-length", "warning") in found(long)
    assert ("field-length", "warning") not in found(long.replace("H2.1", "H2.5"))


def test_line_ends_and_character_set() -> None:
    assert ("mixed-line-ends", "warning") in [
        (p.code, p.severity.value) for p in check(GOOD.replace("\n", "\r\n", 2).encode())
    ]
    told = check(GOOD.replace("Glycemie", "Glycémie").replace("\n", "\r\n").encode("utf-8"))
    assert [p.code for p in told] == ["encoding-utf-8"]


def test_continuation_lines_keep_a_long_result_within_the_limit() -> None:
    text = "limpide " * 30
    cut = GOOD.replace("limpide||||||F", f"{text[:150]}\nA|{text[150:].strip()}||||||F")
    assert max(map(len, cut.splitlines())) <= MAX_LINE and found(cut) == []


def test_a_shifted_header_is_left_to_the_reader() -> None:
    told = check(sample("hprim_sante", "en_tete_decale.hpr").read_bytes())
    assert not [p for p in told if p.where.startswith("ligne 1,") and p.severity is Severity.ERROR]


def test_no_message_quotes_the_patient() -> None:
    broken = GOOD.replace("|F||12", "|ESSAI||12").replace("1.32", "ESSAI CLAIRE")
    assert not any("ESSAI" in p.message or "CLAIRE" in p.message for p in check(broken.encode()))


@pytest.mark.parametrize("data", [b"", b"H|", b"H|~^\\&", b"\xff\x00", b"H|~^\\&|\r\nL", GOOD.encode()[:300]])
def test_it_never_raises(data: bytes) -> None:
    check(data)
