"""Any bytes in, a ReadResult out: never an exception, never a patient in a problem, always printable as JSON."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, Reader, ReadResult
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.hl7.reader import Hl7Reader
from dispatcher.formats.hprim_sante.reader import HprimSanteReader
from dispatcher.formats.pdf_index.reader import PdfIndexReader
from dispatcher.formats.readout import as_json, as_text
from dispatcher.formats.xdm.reports import XdmReader
from dispatcher.resources import sample

MARKS = [
    "|",
    "^",
    "~",
    "\\",
    "&",
    "#",
    "\r",
    "\n",
    "\r\n",
    "\x0b",
    "\x1c",
    '""',
    "\\.br\\",
    "\\X0D\\",
    "\\E\\",
    "é",
    "<",
    ",",
]
NAMES = [
    "MSH|^~\\&|",
    "FHS|^~\\&|",
    "BHS|",
    "BTS|",
    "FTS|",
    "PID|",
    "PV1|",
    "ORC|",
    "OBR|",
    "OBX|",
    "NTE|",
    "SPM|",
    "PRT|",
]
HPRIM = ["H|~^\\&|", "H|\\^&~|", "P|", "A|", "C|", "L|1", "OBR|", "OBX|", "ERR|"]
VALUES = [
    "1",
    "NM",
    "SN",
    "CE",
    "ED",
    "TX",
    "FIC",
    "RP",
    "ORU^R01",
    "ORU",
    "2.5",
    "H2.1~C",
    "00000000",
    "20260311",
    "F",
    "X" * 40,
]


def check(result: ReadResult) -> None:
    json.dumps(as_json(result, "f", ""))
    assert as_text(result, "f")
    for problem in (*result.problems, *(p for report in result.reports for p in report.problems)):
        assert problem.code
        assert problem.message
        assert "\n" not in problem.where
    for report in result.reports:
        count = len(report.observations)
        assert all(one.parent is None or 0 <= one.parent < count for one in report.observations)


READERS = [Hl7Reader(), HprimSanteReader(), CdaReader(), XdmReader(), PdfIndexReader()]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@given(data=st.binary(max_size=600))
@example(data=b"MSH")
@example(data=b"H|~^\\&")
@example(data=b"\xff\xfeM\x00")
@example(data=b"<ClinicalDocument/>")
@example(data=b"PK\x03\x04IHE_XDM")
def test_any_bytes(reader: Reader, data: bytes) -> None:
    assert 0 <= reader.sniff(data[:4096]) <= 1
    check(reader.read(data, ReadContext()))


@given(data=st.binary(max_size=400))
def test_the_registry_takes_anything(data: bytes) -> None:
    check(registry.read(data, ReadContext()))
    registry.is_complete(data, "x")
    registry.is_message(data)
    registry.referenced_files(data)


@given(parts=st.lists(st.sampled_from(NAMES + MARKS + VALUES), max_size=80))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_words_of_hl7_in_any_order(parts: list[str]) -> None:
    check(Hl7Reader().read(("MSH|^~\\&|" + "".join(parts)).encode(), ReadContext()))


@given(parts=st.lists(st.sampled_from(HPRIM + MARKS + VALUES), max_size=80))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_words_of_hprim_in_any_order(parts: list[str]) -> None:
    check(HprimSanteReader().read(("H|~^\\&|" + "".join(parts)).encode(), ReadContext()))


def samples() -> list[tuple[str, bytes]]:
    return [
        (item.name, item.read_bytes())
        for folder in ("hl7", "hprim_sante")
        for item in sample(folder).iterdir()
        if item.name.endswith((".hl7", ".hpr"))
    ]


@pytest.mark.parametrize(("name", "data"), samples(), ids=lambda value: value if isinstance(value, str) else "")
def test_damaged_samples(name: str, data: bytes) -> None:
    """Bytes changed, lost, doubled and moved in real-looking files."""
    chance = random.Random(name)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(damaged))
            match chance.randrange(4):
                case 0:
                    damaged[place] = chance.randrange(256)
                case 1:
                    del damaged[place : place + chance.randint(1, 60)]
                case 2:
                    damaged[place:place] = damaged[place : place + chance.randint(1, 200)]
                case _:
                    damaged[place:place] = chance.choice(MARKS).encode()
            if not damaged:
                break
        check(registry.read(bytes(damaged), ReadContext()))


@pytest.mark.parametrize(("name", "data"), samples(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_sample_cut_anywhere_never_passes_for_whole_with_a_value_cut(name: str, data: bytes) -> None:
    """Whatever is still called readable holds only results that stand in the whole file.

    HL7 v2 has no end mark: a cut between two segments cannot be seen, so a text may lack its last lines.
    """
    whole: dict[tuple[str, str, str], set[str]] = {}
    for report in registry.read(data, ReadContext()).reports:
        for one in report.observations:
            lines = one.value.split("\n")
            values = {"\n".join(lines[: count + 1]) for count in range(len(lines))}
            whole.setdefault((report.order.filler, one.code.code, one.status), set()).update(values)
    step = max(1, len(data) // 120)
    for end in range(1, len(data), step):
        result = registry.read(data[:end], ReadContext())
        if not result.readable or not registry.is_complete(data[:end], name).complete:
            continue
        for report in result.reports:
            for one in report.observations:
                assert one.value in whole[report.order.filler, one.code.code, one.status], (name, end)
