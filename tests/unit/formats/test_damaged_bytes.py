"""NUL bytes inside a line, and accents of old systems in a name: nothing leaves."""

from __future__ import annotations

import errno
import os

import pytest

from dispatcher.errors import SYSTEM, in_french
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.names import damaged_names
from dispatcher.report.model import Patient, Severity

HL7 = (
    "MSH|^~\\&|SIL|LABO|||20261120100000||ORU^R01|Z5|P|2.5\r"
    "PID|1||P5||{name}^{given}||19700101|F\r"
    "OBR|1|Z5|Z5|BIO^Bio|||20261120080000|||||||||||||||20261120100000|||F\r"
    "OBX|1|NM|GLY^Glycemie||{value}|g/L|0.70-1.10||||F\r"
)
SANTE = (
    "H|~^\\&|X.HPR||L1~LABO||ORU|||C1~CLIN||P|H2.1~C|20261101\r\n"
    "P|1|42|||{name}~{given}||19900101|F\r\n"
    "OBR|1|D1|D1|BIO~Bio|||20261101||||||||||||||||||F\r\n"
    "OBX|1|NM|K~Potassium||{value}|mmol/l|3.5-5.1||||F\r\n"
    "L|1\r\n"
)
MEDECINS = (
    "P42\r\n{name}\r\n{given}\r\n12 RUE DES LILAS\r\n\r\n29000 QUIMPER\r\n04/07/1961\r\n\r\nB1\r\n11/03/2024\r\n"
    "LABO       Labo\r\nMED        Med\r\n\r\nTexte\r\n****LAB****\r\n"
    "RES|GLYCEMIE|GLY|N|{value}|g/l|0.70|1.10|N|F|||||\r\n"
    "****FIN****\r\n****FINFICHIER****\r\n"
)
FORMATS = [HL7, SANTE, MEDECINS]


def read(text: str, codec: str = "cp1252") -> ReadResult:
    return registry.read(text.encode(codec), ReadContext())


def errors(result: ReadResult) -> set[str]:
    told = [*result.problems, *(problem for report in result.reports for problem in report.problems)]
    return {problem.code for problem in told if problem.severity is Severity.ERROR}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("changes", [{"name": "N\0UL"}, {"name": "\0UL"}, {"given": "Zo\0"}, {"value": "1.\0\0\0"}])
def test_a_nul_inside_a_line_is_an_error(form: str, changes: dict[str, str]) -> None:
    if form is MEDECINS and changes == {"name": "\0UL"}:
        changes = {"value": "\0" + "1"}
    assert "damaged-bytes" in errors(read(form.format(**({"name": "NUL", "given": "Zoe", "value": "1.00"} | changes))))


@pytest.mark.parametrize("form", FORMATS)
def test_padding_is_harmless(form: str) -> None:
    text = form.format(name="NUL", given="Zoe", value="1.00")
    assert errors(read(text)) == set()
    assert errors(read(text + "\0" * 512)) == set()
    assert errors(read(text + "\x1a\0\0\r\n")) == set()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("codec", ["cp850", "mac-roman"])
@pytest.mark.parametrize("given", ["Hélène", "Eugène", "André"])
def test_a_name_with_accents_of_old_systems_is_held(form: str, codec: str, given: str) -> None:
    assert "damaged-name" in errors(read(form.format(name="NUL", given=given, value="1.00"), codec))


@pytest.mark.parametrize("name", ["Žižek", "BOŽIĆ", "Šimić", "ŒUVRARD", "Zoé", "L’HERMITE", "Jean-Noël", "Nuñez"])
def test_true_names_pass(name: str) -> None:
    assert damaged_names(Patient(birth_name=name, given_names=(name,)), "") == ()


def test_what_the_system_says_is_never_english() -> None:
    for code in sorted(errno.errorcode):
        told = in_french(OSError(code, os.strerror(code)))
        assert os.strerror(code) not in told and told
    assert "liens symboliques" in in_french(OSError(errno.ELOOP, "Too many levels of symbolic links"))
    assert in_french(OSError("no such thing")) == "erreur du système"
    assert SYSTEM[errno.ENOENT] == "introuvable"
