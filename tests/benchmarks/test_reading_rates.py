"""Reading a typical HL7 result: our reader beside hl7apy's parser, in the same run."""

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


@pytest.mark.benchmark(group="read one HL7 report of 25 results")
def test_our_reader(benchmark: Any) -> None:
    result = benchmark(registry.read, MESSAGE.encode(), ReadContext())
    assert len(result.reports[0].observations) == 25


@pytest.mark.benchmark(group="read one HL7 report of 25 results")
def test_hl7apy_parser(benchmark: Any) -> None:
    message = benchmark(parse_message, MESSAGE, find_groups=False)
    assert len(message.children) == len(LINES)
