"""The two official CR-BIO 2024.01 examples read in full: every result, every person, every number."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache

import pytest

from dispatcher.formats.base import ReadContext
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.report.model import (
    Address,
    Code,
    Ins,
    Kind,
    LocalId,
    Observation,
    Order,
    Patient,
    Report,
    Sex,
    SourceDocument,
    Status,
    ValueType,
)
from tests.needs import KIT, needs_shared

TSH = "BIO-CR-BIO_2024.01_TSH_2.xml"
ECBU = "BIO-CR-BIO_2024.01_Microbiologie_V2.xml"
ANSM = "1.2.250.1.213.2.3.5"


@cache
def read(name: str) -> Report:
    data = needs_shared(KIT / "examples" / name).read_bytes()
    assert CdaReader().sniff(data[:4096]) == 1.0
    result = CdaReader().read(data, ReadContext(file_name=name))
    assert (result.format, result.encoding, result.problems) == ("cda", "utf-8", ())
    (report,) = result.reports
    return report


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def told(o: Observation) -> tuple[str, str, str, str, str, tuple[str, ...], int | None]:
    return o.loinc or "", o.code.text, o.comparator + o.value, o.unit, f"{o.low}|{o.high}", o.flags, o.parent


@pytest.mark.parametrize("name", [TSH, ECBU])
def test_the_patient(name: str) -> None:
    street = "Avenue de Breteuil" if name == TSH else "Av de Breteuil"
    assert read(name).patient == Patient(
        birth_name="PAT-TROIS",
        given_names=("DOMINIQUE", "MARIE-LOUISE"),
        birth_date=date(1979, 3, 28),
        sex=Sex.FEMALE,
        ins=Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True),
        local_ids=(LocalId(value="1234567890121", authority="1.2.3.4.567.8.9.10", type="PI"),),
        address=Address(
            lines=(f"28 {street}", "Escalier A"),
            postcode="75007",
            town="Paris" if name == TSH else "PARIS",
            country="FRANCE",
        ),
        birth_place="51215",
        phones=("0144534551", "0647151010"),
    )


def test_header_of_the_thyroid_report() -> None:
    report = read(TSH)
    assert (report.status, report.kind) == (Status.FINAL, Kind.STRUCTURED)
    assert report.order == Order(placer="2014123456789", filler="202111111123")
    assert (report.laboratory.name, report.laboratory.finess) == ("Laboratoire des SORTES", "060021920")
    assert report.laboratory.phone == "0174589607"
    assert report.prescriber is not None
    assert (report.prescriber.id, report.prescriber.id_type) == ("10002422979", "RPPS")
    assert report.prescriber.label == "DR CHARLES Pascal"
    assert report.prescriber.address == Address(lines=("5 rue du chêne", "92100 BOULOGNE-BILLANCOURT"))
    assert [v.label for v in report.validators] == ["DR SORT Paul"]
    assert report.ordered_at == at("2021-01-01T16:05:27+01:00")
    assert report.collected_at == at("2021-01-04T07:35+01:00")
    assert report.received_at == at("2021-01-04T09:22+01:00")
    assert report.reported_at == at("2021-01-04T16:05+01:00")
    assert report.source_document == SourceDocument(
        id="1.2.250.1.213.1.1.1.55.2024.10.1", set_id="1.2.250.1.213.1.1.1.55.2024.10"
    )
    assert (report.comments, report.copies, report.recipients, report.problems) == ((), (), (), ())


def test_results_of_the_thyroid_report() -> None:
    """The second label is behind a reference without ``#``."""
    report = read(TSH)
    (battery,) = report.batteries
    assert (battery.chapter, battery.subchapter, battery.title, battery.status) == ("BIOCHIMIE", "", "", "F")
    assert list(map(told, report.observations)) == [
        ("29575-8", "Thyréostimuline (TSH)", "1.950", "m[IU]/L", "0.290|4.800", ("N",), None),
        ("3024-7", "Thyroxine libre (FT)", "7.67", "pg/mL", "9.30|17.00", ("L",), None),
    ]
    for observation, method in zip(report.observations, ("ECL Modular 2", "ECL Modular"), strict=True):
        assert observation.code.system == "LN"
        assert (observation.type, observation.status, observation.method) == (ValueType.NUMERIC, "F", method)
        assert observation.raw == observation.value
        assert observation.ucum == observation.unit
        assert observation.observed_at == at("2014-04-02T14:55:21+02:00")


@pytest.mark.parametrize(("name", "size"), [(TSH, 77999), (ECBU, 29614)])
def test_the_pdf_copy(name: str, size: int) -> None:
    (document,) = read(name).documents
    assert (document.media_type, len(document.content)) == ("application/pdf", size)
    assert document.content.startswith(b"%PDF-")


def test_header_of_the_urine_culture() -> None:
    report = read(ECBU)
    assert report.status is Status.CORRECTED
    assert report.source_document == SourceDocument(
        id="1.2.250.1.213.1.1.1.55.2024.8.2",
        set_id="1.2.250.1.213.1.1.1.55.2024.8",
        version=2,
        replaces="1.2.250.1.213.1.1.1.55.2024.8.1",
    )
    assert report.order == Order(placer="2024123456780", filler="202411111123")
    assert (report.laboratory.name, report.laboratory.finess) == ("Laboratoire des charmes", "120459876")
    prescriber = report.prescriber
    assert prescriber is not None
    assert (prescriber.id, prescriber.id_type, prescriber.label) == ("01234567892", "RPPS", "DR BLUE Eva")
    assert (prescriber.organisation, prescriber.organisation_id) == ("Cabinet du DR BLUE", "120459384")
    assert prescriber.phone == "0147150000"
    assert [(v.id, v.label) for v in report.validators] == [("01234567898", "DR DE SANTS Jean")]
    assert report.ordered_at == at("2020-12-31T07:35+01:00")
    assert report.collected_at == at("2024-01-04T07:35+01:00")
    assert report.received_at == at("2024-01-04T09:22+01:00")
    assert report.reported_at == at("2024-01-04T16:05+01:00")
    assert (report.comments, report.problems) == (("Traitement immédiat",), ())


def test_results_of_the_urine_culture() -> None:
    report = read(ECBU)
    assert list(map(told, report.observations)) == [
        ("5778-6", "Couleur", "paille", "", "|", (), None),
        ("5767-9", "Aspect", "clair", "", "|", (), None),
        ("30405-5", "Leucocytes", "500", "/mL", "|", (), None),
        ("30391-7", "Erythrocytes", "200", "/mL", "|", (), None),
        ("30383-4", "Cellules épithéliales", "absence", "", "|", (), None),
        ("653-6", "Coloration de Gram", "nombreux Gram - ; quelques Gram +", "", "|", (), None),
        ("", "Germe identifié", "Escherichia coli", "", "|", (), None),
        ("51480-2", "Dénombrement de germes", "120000", "/mL", "|", (), 6),
        ("20-8", "Amoxicilline", ">=0.512", "ug/mL", "|", ("R",), 6),
        ("28-1", "Ampicilline", "<0.128", "ug/mL", "|", ("I",), 6),
        ("18928-2", "Gentamicine", "<0.032", "ug/mL", "|", ("S",), 6),
        ("", "Germe identifié", "Streptococcus D.", "", "|", (), None),
        ("51480-2", "Dénombrement de germes", "200000", "/mL", "|", (), 11),
        ("20-8", "Amoxicilline", "<0.012", "ug/mL", "|", ("S",), 11),
        ("28-1", "Ampicilline", "<0.013", "ug/mL", "|", ("S",), 11),
        ("18928-2", "Gentamicine", "<0.014", "ug/mL", "|", ("S",), 11),
    ]
    assert {o.validated_by for o in report.observations} == {"DR DE SANTS Jean"}


def test_batteries_of_the_urine_culture() -> None:
    report = read(ECBU)
    assert [(b.title, len(b.observations)) for b in report.batteries] == [
        ("Examen macroscopique", 2),
        ("Microscopie", 4),
        ("", 2),
        ("Antibiogramme (CMI)", 3),
        ("", 2),
        ("Antibiogramme (CMI)", 3),
    ]
    for battery in report.batteries:
        assert battery.chapter == "Microbiologie"
        assert battery.subchapter == "Examen cytobactériologique des urines (ECBU)"
        specimen = battery.specimen
        assert specimen is not None
        assert (specimen.text, specimen.code) == ("urine", "UR")
        assert specimen.collected_at == at("2024-01-04T07:35+01:00")
        assert specimen.received_at == at("2024-01-04T07:52+01:00")
    first = report.batteries[0]
    assert first.code == Code(code="4", text="Examen macroscopique", system="2.16.840.1.113883.5.84")


def test_codes_of_the_urine_culture() -> None:
    found = read(ECBU).observations
    assert found[0].method_code == Code(code="MA", text="Observation macroscopique", system=ANSM)
    assert found[6].value_code == Code(code="112283007", text="Escherichia coli (organism)", system="SCT")
    assert [o.type for o in found[:8]] == [
        *[ValueType.TEXT] * 2,
        *[ValueType.NUMERIC] * 2,
        *[ValueType.TEXT] * 2,
        ValueType.CODED,
        ValueType.NUMERIC,
    ]
