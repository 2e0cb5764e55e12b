"""A CDA that an export carries is about the patient of the report, whatever format brought it, or nothing leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatcher.errors import RenderError
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.carried import refuse_others, with_carried
from dispatcher.formats.xdm.carried import own_cda, pdf_beside, with_results
from dispatcher.report.model import Attachment, Report, Severity
from dispatcher.resources import sample
from tests.unit.formats.test_hl7_volet import MSH, OBR, PID, cda, document

NUMBER = "OBX|2|NM|GLY~Glycemie~L||1.02|g/l|0.70 - 1.10|N|||F"
REAL = sample("cda", "bilan_n3.xml").read_bytes()
REAL_PATIENT = "MOREAU~HELENE||19790312"
GATES: list[Callable[[Report], object]] = [own_cda, pdf_beside, with_results]


def hprim(content: bytes, who: str = "MOREAU~HELENE||19790312", *more: str) -> Report:
    """One HPRIM Santé report whose result stands in the file beside it."""
    lines = [
        "H|~^\\&|LAB00042.HPR||LABO~Laboratoire d'essai||ORU|||D001~Dr DURAND||P|H2.1~C|202603111830",
        f"P|1|PT42||S778|{who}|F",
        "OBR|1|E1~D1|E1~B1|CR~Compte rendu~L|R||202603110745|||||||||D001~DURAND PAUL~L||||||202603111815|||F",
        "OBX|1|FIC|CR~Compte rendu~L||LABO~CR.XML~XML||||||F",
        *more,
        f"L|1||1|{5 + len(more)}",
    ]
    text = "\r".join(lines) + "\r"
    result = registry.read(text.encode(), ReadContext(sibling={"CR.XML": content}.get))
    assert result.format == "hprim-sante"
    (report,) = result.reports
    return report


def hl7(content: bytes) -> Report:
    text = "\r".join([MSH, PID, "PV1|1|O", "ORC|NW", OBR, document(content)]) + "\r"
    (report,) = registry.read(text.encode(), ReadContext()).reports
    return report


def errors(report: Report) -> list[str]:
    return [problem.code for problem in report.problems if problem.severity is Severity.ERROR]


@pytest.mark.parametrize("more", [(), (NUMBER,)], ids=["document", "with results"])
@pytest.mark.parametrize("who", ["AUTREPATIENT~ZOE||19510704", "MOREAU~HELENE||19790313", "MOREAU~JEANNE||19790312"])
def test_beside_an_hprim_file_it_holds_when_it_is_somebody_else_s(who: str, more: tuple[str, ...]) -> None:
    report = hprim(REAL, who, *more)
    assert errors(report) == ["carried-cda-patient"]
    for gate in GATES:
        with pytest.raises(RenderError) as refused:
            gate(report)
        assert refused.value.code == "carried-cda-patient"
        assert not any(secret in str(refused.value) for secret in ("MOREAU", "AUTREPATIENT", "1979", "1951"))


def test_beside_an_hprim_file_the_patient_s_own_goes_on() -> None:
    report = hprim(REAL, REAL_PATIENT)
    assert errors(report) == []
    carried = own_cda(report)
    assert carried is not None
    assert carried.content == REAL
    assert with_results(report).observations[0].document is None


@pytest.mark.parametrize("level", ["R", "V"])
def test_what_it_says_of_its_confidentiality_holds_for_the_report(level: str) -> None:
    restricted = REAL.replace(b'<confidentialityCode code="N"', f'<confidentialityCode code="{level}"'.encode())
    assert restricted != REAL
    report = hprim(restricted, REAL_PATIENT)
    assert report.handling.confidentiality == level
    assert with_carried(report) == report
    assert hprim(REAL, REAL_PATIENT).handling.confidentiality == ""


def test_inside_an_hl7_message_it_is_told_once_and_refused_twice() -> None:
    report = hl7(cda(ins="146026322000196"))
    assert errors(report) == ["carried-cda-patient"]
    for gate in GATES:
        with pytest.raises(RenderError):
            gate(report)
    assert errors(hl7(cda())) == []


@pytest.mark.parametrize("content", [b"<ClinicalDocument xmlns='urn:hl7-org:v3'>", b"<!DOCTYPE a><ClinicalDocument/>"])
def test_one_that_does_not_open_is_nobody_s(content: bytes) -> None:
    report = hprim(content, REAL_PATIENT)
    assert "carried-cda-unreadable" in errors(report)
    with pytest.raises(RenderError):
        own_cda(report)


def test_whoever_reads_the_comparison_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Attachment(media_type="application/xml", content=cda(family="AUTREPATIENT", ins=""))
    found = replace(hl7(cda()), batteries=(), documents=(other,), problems=())

    class PlugIn:
        name = "plug-in"

        def sniff(self, head: bytes) -> float:
            return 1.0

        def read(self, data: bytes, context: ReadContext) -> ReadResult:
            return ReadResult(format="plug-in", reports=(found,))

    monkeypatch.setattr(registry, "readers", lambda: (PlugIn(),))
    (report,) = registry.read(b"x", ReadContext()).reports
    assert errors(report) == ["carried-cda-patient"]


def test_a_cda_file_is_its_own_identity_and_what_lies_beside_it_is_not() -> None:
    (report,) = registry.read(REAL, ReadContext()).reports
    assert with_carried(report) == report
    refuse_others(report)
    other = Attachment(media_type="text/xml", content=cda(family="AUTREPATIENT", ins=""))
    beside = replace(report, documents=(*report.documents, other))
    assert errors(with_carried(beside)) == ["carried-cda-patient"]
    with pytest.raises(RenderError):
        pdf_beside(beside)


def test_xml_that_is_no_cda_is_nobody_s_business() -> None:
    report = hprim(b"<?xml version='1.0'?><mesures/>", REAL_PATIENT, NUMBER)
    assert errors(report) == []
    refuse_others(report)
