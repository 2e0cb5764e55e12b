"""What is understood of ``samples/pdf``: the table the README of the samples points at."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.pdf_index.rules import rules_of
from dispatcher.report.model import Kind, Report, Severity, Sex
from dispatcher.resources import sample
from dispatcher.settings.index import IndexSettings

NAMED = "{dossier}_{nom_naissance}_{prenom}_{date_naissance:%Y%m%d}_{code_prescripteur}.pdf"


def beside(name: str) -> bytes | None:
    file = sample("pdf", name)
    return file.read_bytes() if file.is_file() else None


def read(name: str, file_name: str = "") -> ReadResult:
    rules = rules_of(IndexSettings(file_name=file_name)) if file_name else None
    content = sample("pdf", name).read_bytes()
    return registry.read(content, ReadContext(file_name=name, sibling=beside, index=rules))


def line(report: Report) -> tuple[object, ...]:
    patient, prescriber = report.patient, report.prescriber
    return (
        report.order.filler,
        patient.birth_name,
        patient.first_given,
        patient.birth_date and patient.birth_date.isoformat(),
        patient.sex.value,
        report.status.value,
        prescriber and f"{prescriber.id_type.value} {prescriber.id}",
        len(report.copies),
        report.own_pdf.name if report.own_pdf else None,
    )


LE_BIHAN = ("P260318201", "LE BIHAN", "Maëlle", "1984-11-02", "F", "final", "RPPS 99700000013", 0, "compte_rendu.pdf")
QUEMENEUR = ("P260318202", "QUEMENEUR", "Yves", "1951-07-30", "M", "corrected", "local D001", 2, "lot_1.pdf")
ABIVEN = ("P260318203", "ABIVEN", "Rozenn", "1990-01-14", "F", "final", "RPPS 99700000021", 0, "lot_2.pdf")
SALAUN = ("P260318204", "SALAÜN", "Jean-Marie", "1962-05-09", "M", "partial", "local D005", 1, "electrophorese.pdf")
HASCOET = "P260318205_HASCOET_Corentin_20140223_D001.pdf"
GOURMELEN = ("P260318206", "GOURMELEN", "Solène", "1977-09-21", "F", "final", "local D002", 0, "lot_mixte_a.pdf")
TANGUY = ("P260318207", "TANGUY", "Erwan", "1988-08-08", "M", "final", "local D002", 0, None)
RIOU = ("P260318208", "RIOU", "Gwénaëlle", "1969-04-03", "F", "final", "local D001", 0, "virologie.pdf")
TWICE = [
    ("P260318209", "RIOU", "Gwénaëlle", "1969-04-03", "F", "final", "RPPS 99700000013", 0, None),
    ("P260318210", "RIOU", "Gwenaël", "1996-04-03", "M", "final", "RPPS 99700000013", 0, None),
]

# name: (reports, codes of errors on them, encoding)
EXPECTED: dict[str, tuple[list[tuple[object, ...]], list[str], str]] = {
    "compte_rendu.csv": ([LE_BIHAN], [], "cp1252"),
    "compte_rendu.pdf": ([LE_BIHAN], [], "cp1252"),
    "lot.json": ([QUEMENEUR, ABIVEN], [], "utf-8"),
    "electrophorese.xml": ([SALAUN], [], "iso-8859-1"),
    "electrophorese.pdf": ([SALAUN], [], "iso-8859-1"),
    "lot_mixte.csv": ([GOURMELEN, TANGUY], ["missing-document"], "utf-8"),
    "virologie.txt": ([RIOU], [], "cp1252"),
    "virologie.pdf": ([RIOU], [], "cp1252"),
    "lot_ambigu.csv": (TWICE, ["index-file-twice", "index-file-twice"], "utf-8"),
}
ALONE = {"lot_1.pdf", "lot_2.pdf", "lot_mixte_a.pdf", "virologie_2.pdf"}
"""Named by an index of another name: nobody's by themselves."""


@pytest.mark.parametrize("name", EXPECTED)
def test_sample(name: str) -> None:
    result = read(name)
    rows, codes, encoding = EXPECTED[name]
    assert [line(report) for report in result.reports] == rows
    assert [p.code for r in result.reports for p in r.problems if p.severity is Severity.ERROR] == codes
    assert (result.format, result.encoding, result.readable) == ("pdf", encoding, True)
    assert all(report.kind is Kind.DOCUMENT for report in result.reports)


def test_the_pdf_leaves_byte_for_byte() -> None:
    for name in EXPECTED:
        for report in read(name).reports:
            document = report.own_pdf
            assert document is None or document.content == beside(document.name)


def test_a_name_that_says_it_all() -> None:
    (report,) = read(HASCOET, NAMED).reports
    assert line(report) == (
        *("P260318205", "HASCOET", "Corentin", "2014-02-23", "U", "final", "local D001", 0),
        HASCOET,
    )
    assert not [p for p in report.problems if p.severity is Severity.ERROR]


@pytest.mark.parametrize("name", [*sorted(ALONE), HASCOET])
def test_a_pdf_alone_names_nobody(name: str) -> None:
    (report,) = read(name).reports
    assert report.patient.birth_name == ""
    assert [p.code for p in report.problems] == ["pdf-no-identity"]


def test_what_the_samples_say_besides() -> None:
    (first,) = read("compte_rendu.csv").reports
    assert first.patient.used_name == "CARADEC"
    assert first.patient.given_names == ("Maëlle", "Anne")
    assert first.patient.ins is not None
    assert (first.patient.ins.qualified, first.patient.birth_place) == (True, "29019")
    assert first.collected_at is not None
    assert first.collected_at.isoformat() == "2026-03-18T08:10:00+01:00"
    one, other = read("lot.json").reports
    assert [(c.id, c.family) for c in one.copies] == [("99700000021", "PETIT"), ("D005", "")]
    assert (one.laboratory.id, other.laboratory.id) == ("GLYCINES", "GLYCINES")
    assert (one.urgent, other.urgent) == (False, True)
    (xml,) = read("electrophorese.xml").reports
    assert xml.patient.sex is Sex.MALE
    assert xml.reported_at == date(2026, 3, 18)
    assert [battery.title for battery in xml.batteries] == ["Électrophorèse des protéines"]


def test_every_sample_is_in_the_table() -> None:
    assert {item.name for item in sample("pdf").iterdir()} == {*EXPECTED, *ALONE, HASCOET}


def test_what_an_index_needs_beside_it() -> None:
    def needs(name: str) -> tuple[str, ...]:
        return registry.referenced_files(sample("pdf", name).read_bytes(), name)

    assert needs("compte_rendu.csv") == ("compte_rendu.pdf",)
    assert needs("electrophorese.xml") == ("electrophorese.pdf",)
    assert needs("lot.json") == ("lot_1.pdf", "lot_2.pdf")
    assert needs("lot_mixte.csv") == ("lot_mixte_a.pdf", "lot_mixte_b.pdf")
