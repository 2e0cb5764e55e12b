"""Which reader a file is for; what intake asks about completeness."""

from __future__ import annotations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.model import Severity
from dispatcher.resources import sample

HL7 = b"MSH|^~\\&|A|B|||2026||ORU^R01|1|P|2.5\rPID|1||2||X^Y\rOBR|1||F\rOBX|1|NM|C||1|||||F|F\r"
SANTE = b"H|~^\\&|A.HPR||B||ORU|||C||P|H2.1~C|2026\rP|1|2|||X~Y\rOBR|1||~F|C~C~L\rOBX|1|NM|C~C~L||1||||||F\rL|1\r"


def name(data: bytes) -> str | None:
    reader = registry.sniff(data[: registry.HEAD_BYTES])
    return reader.name if reader else None


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\x0b", b"\r\n \r\n"])
def test_content_chooses_the_reader(mark: bytes) -> None:
    assert name(mark + HL7) == "hl7v2"
    assert name(mark + SANTE) == "hprim-sante"


def test_the_samples_go_to_their_readers() -> None:
    folders = {"hl7": "hl7v2", "hprim_sante": "hprim-sante", "hprim_medecins": "hprim-medecins"}
    for folder, expected in folders.items():
        for item in sample(folder).iterdir():
            if item.name.lower().endswith((".hl7", ".hpr")):
                assert name(item.read_bytes()) == expected, item.name


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\xef\xbb\xbf\n", b"\x00\x00"])
def test_an_empty_file_is_told(data: bytes) -> None:
    result = registry.read(data, ReadContext())
    assert (result.format, [p.code for p in result.problems]) == ("unknown", ["empty-file"])


@pytest.mark.parametrize(
    ("data", "nature"),
    [
        (b"Bonjour, ceci est une lettre.", "texte"),
        (b"<html><body>", "HTML"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"PK\x03\x04....", "ZIP"),
        (bytes(range(256)), "binaire"),
    ],
)
def test_an_unknown_file_says_what_was_looked_for(data: bytes, nature: str) -> None:
    result = registry.read(data, ReadContext())
    problem = result.problems[0]
    assert (result.format, problem.code, problem.severity) == ("unknown", "unknown-format", Severity.ERROR)
    assert nature in problem.message
    for expected in ("MSH", "HPRIM Santé", "HPRIM Médecins"):
        assert expected in problem.message


def test_a_fault_of_a_reader_quarantines_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = "broken"

        def sniff(self, head: bytes) -> float:
            return 1.0

        def read(self, data: bytes, context: ReadContext) -> ReadResult:
            raise ValueError("SECRET " + data.decode())

    monkeypatch.setattr(registry, "readers", lambda: (Broken(),))
    result = registry.read(b"x y z", ReadContext())
    assert [(p.code, p.severity) for p in result.problems] == [("reader-fault", Severity.ERROR)]
    assert "SECRET" not in result.problems[0].message


def test_a_reader_that_cannot_sniff_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nervous:
        name = "nervous"

        def sniff(self, head: bytes) -> float:
            raise RuntimeError

        def read(self, data: bytes, context: ReadContext) -> ReadResult:
            return ReadResult(format="nervous")

    monkeypatch.setattr(registry, "readers", lambda: (Nervous(), *registry.READERS))
    assert registry.read(HL7, ReadContext()).format == "hl7v2-oru"


def test_plug_ins_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Extra:
        name = "extra"

        def sniff(self, head: bytes) -> float:
            return 0.9 if head.startswith(b"EXTRA") else 0.0

        def read(self, data: bytes, context: ReadContext) -> ReadResult:
            return ReadResult(format="extra")

    class Point:
        name = "extra"

        def load(self) -> type[Extra]:
            return Extra

    class Rotten(Point):
        def load(self) -> type[Extra]:
            raise ImportError

    monkeypatch.setattr(
        registry, "entry_points", lambda group: [Rotten(), Point()] if group == "dispatcher.formats" else []
    )
    registry.readers.cache_clear()
    try:
        assert registry.read(b"EXTRA!", ReadContext()).format == "extra"
        assert registry.read(HL7, ReadContext()).format == "hl7v2-oru"
    finally:
        registry.readers.cache_clear()


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (HL7, True),
        (HL7[:-12], False),
        (b"FHS|^~\\&|A\r" + HL7, False),
        (SANTE, True),
        (SANTE[:-4], False),
        (b"%PDF-1.4 x\n%%EOF\n", True),
        (b"%PDF-1.4 x\n", False),
        (b"<?xml version='1.0'?><ClinicalDocument><a/></ClinicalDocument>", True),
        (b"<?xml version='1.0'?><ClinicalDocument><a/></Clin", False),
        (b"PK\x03\x04" + b"x" * 30, False),
        (b"du texte", True),
        (b"", False),
    ],
)
def test_completeness(data: bytes, whole: bool) -> None:
    verdict = registry.is_complete(data, "fichier")
    assert verdict.complete is whole
    assert bool(verdict.why) is not whole


def test_completeness_of_hprim_medecins() -> None:
    whole = sample("hprim_medecins", "glycemie.hpr").read_bytes()
    assert registry.is_complete(whole, "glycemie.hpr").complete
    cut = whole[: whole.index(b"****FIN****")]
    assert "FIN" in registry.is_complete(cut, "glycemie.hpr").why


def test_a_document_alone_is_no_message() -> None:
    assert registry.is_message(HL7)
    assert registry.is_message(SANTE)
    assert not registry.is_message(b"%PDF-1.4 x\n%%EOF\n")
    assert not registry.is_message(b"du texte")
