"""Reading a report of 25 results, HL7 and HPRIM Santé, beside the parsers of python-hl7 and hl7apy, in the same run.

They cut a message into fields; ours gives reports, values, dates and problems. python-hl7 knows no HPRIM header, so it
parses the HL7 message of the same results.
"""

from __future__ import annotations

from typing import Any

import pytest
from hl7apy.parser import parse_message

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext

LINES = (
    "MSH|^~\\&|SIL|LABO|D|D|20261120101500||ORU^R01^ORU_R01|1|P|2.5|||||FRA|UNICODE UTF-8",
    "PID|1||P1^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F",
    "OBR|1||B1^LABO|BIL^Bilan^L|||20261120080000|||||||||D001^TEST^Ana||||||20261120101000||CH|F",
    *(f"OBX|{n}|NM|A{n}^Analyse {n}^L||{n}.5|mmol/L|1.0 - 50.0|N|||F|||20261120090000" for n in range(1, 26)),
)
MESSAGE = "\r".join(LINES) + "\r"
HPRIM = "".join(
    f"{line}\r"
    for line in (
        "H|~^\\&|R1.HPR||LABO~Laboratoire d'essai||ORU|||D001~Dr TEST||P|H2.1~C|202611201015",
        "P|1|P1||P1|ESSAI~Zoé||19800102|F",
        "OBR|1|B1~B1|B1~B1|BIL~Bilan~L|R||202611200800||||N|||202611200800|SG~Sang|D001~TEST~Ana||||||202611201010|||F",
        *(f"OBX|{n}|NM|A{n}~Analyse {n}~L||{n}.5|mmol/L|1.0 - 50.0|N|||F|||202611200900" for n in range(1, 26)),
        "L|1||1|29",
    )
).encode("latin-1")


@pytest.mark.benchmark(group="read one HL7 report of 25 results")
def test_our_reader(benchmark: Any) -> None:
    result = benchmark(registry.read, MESSAGE.encode(), ReadContext())
    assert len(result.reports[0].observations) == 25


@pytest.mark.benchmark(group="read one HL7 report of 25 results")
def test_python_hl7_parser(benchmark: Any) -> None:
    hl7 = pytest.importorskip("hl7")
    message = benchmark(hl7.parse, MESSAGE)
    assert len(message) == len(LINES)


@pytest.mark.benchmark(group="read one HPRIM Santé report of 25 results")
def test_our_hprim_sante_reader(benchmark: Any) -> None:
    result = benchmark(registry.read, HPRIM, ReadContext())
    assert result.format == "hprim-sante"
    assert len(result.reports[0].observations) == 25


@pytest.mark.benchmark(group="read one HPRIM Santé report of 25 results")
def test_python_hl7_parser_on_the_same_results(benchmark: Any) -> None:
    hl7 = pytest.importorskip("hl7")
    message = benchmark(hl7.parse, MESSAGE)
    assert len(message) == len(LINES)


@pytest.mark.benchmark(group="read one HL7 report of 25 results")
def test_hl7apy_parser(benchmark: Any) -> None:
    message = benchmark(parse_message, MESSAGE, find_groups=False)
    assert len(message.children) == len(LINES)
