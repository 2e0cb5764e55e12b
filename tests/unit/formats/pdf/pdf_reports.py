"""An invented report and writer shared by the tests of the rendered PDF. Nobody in it exists."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, WriteContext
from dispatcher.formats.pdf.engine import Layout, Level
from dispatcher.formats.pdf.writer import PdfWriter
from dispatcher.report.model import (
    Address,
    AltValue,
    Battery,
    Code,
    IdType,
    Ins,
    LocalId,
    Observation,
    Order,
    Patient,
    Practitioner,
    Report,
    Sex,
    Specimen,
    ValueType,
)
from dispatcher.resources import mapping, mapping_bytes, mapping_text
from dispatcher.terminology.tables import Terminology, TerminologyTexts, load

CREATED = datetime(2026, 3, 11, 17, 20, tzinfo=UTC)


@cache
def terms() -> Terminology:
    return load(TerminologyTexts.collect(lambda name: mapping_text("terminology", name)))


@cache
def layout(level: Level = "a-1a") -> Layout:
    return Layout(
        source=mapping_bytes("layouts", "report.typ"),
        fonts=(str(mapping("fonts")),),
        coverage=mapping_text("fonts", "coverage.txt"),
        level=level,
    )


@cache
def writer(level: Level = "a-1a") -> PdfWriter:
    return PdfWriter(layout(level))


LABORATORY = LaboratoryIdentity(
    name="Laboratoire Boize",
    finess="290001234",
    oid="1.2.250.1.999",
    address=Address(lines=("4 quai de l'Odet",), postcode="29000", town="QUIMPER"),
    phone="02 98 00 00 00",
    biologist=Practitioner(family="BOIZE", given="Hélène", title="DR", id="10001234565", id_type=IdType.RPPS),
    cofrac="8-0000",
)


def context(**changes: object) -> WriteContext:
    base = WriteContext(
        laboratory=LABORATORY, ids=DocumentIds(document="X", set_id="Y"), created_at=CREATED, terminology=terms()
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def numeric(text: str, value: str, unit: str = "", **more: object) -> Observation:
    fields: dict[str, object] = {
        "code": Code(code=text[:5].upper(), text=text, system="L"),
        "unit": unit,
        "value": value,
    }
    return Observation(**(fields | {"type": ValueType.NUMERIC, "status": "F"} | more))  # type: ignore[arg-type]


def words(text: str, value: str, **more: object) -> Observation:
    return replace(numeric(text, value), type=ValueType.TEXT, **more)  # type: ignore[arg-type]


ECBU = Battery(
    title="Examen cytobactériologique des urines",
    chapter="BACTERIOLOGIE",
    specimen=Specimen(text="Urines, milieu de jet"),
    observations=(
        words("Germe isolé", "Escherichia coli"),
        words("Amoxicilline", "R", flags=("R",), parent=4),
        numeric("Amoxicilline + acide clavulanique", "8", "mg/L", flags=("I",), parent=4),
        words(
            "Conclusion",
            "Infection urinaire à Escherichia coli.\nContrôle à distance conseillé si les signes persistent.",
        ),
    ),
)
REPORT = Report(
    patient=Patient(
        birth_name="Le Goff",
        used_name="Martineau",
        given_names=("Éloïse", "Marie"),
        birth_date=date(1979, 3, 12),
        sex=Sex.FEMALE,
        ins=Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True),
        birth_place="51215",
        local_ids=(LocalId(value="PT42", type="PI"),),
    ),
    order=Order(filler="B2603110007"),
    prescriber=Practitioner(family="Durand", given="Paul", title="DR"),
    copies=(Practitioner(organisation="EHPAD Les Tilleuls"),),
    collected_at=datetime(2026, 3, 11, 6, 45, tzinfo=UTC),
    reported_at=datetime(2026, 3, 11, 17, 15, tzinfo=UTC),
    batteries=(
        Battery(
            title="Chimie",
            chapter="BIOCHIMIE",
            specimen=Specimen(text="Sérum"),
            observations=(
                numeric(
                    "Glycémie à jeun",
                    "1.32",
                    "g/L",
                    low="0.70",
                    high="1.10",
                    flags=("H",),
                    alt=AltValue(comparator="<", value="7.33", unit="mmol/L", low="3.89", high="6.11"),
                ),
                numeric("CRP", "5", "mg/L", comparator="<", high="5", range_text="Inf. à 5"),
                numeric("Potassium", "6.8", "mmol/L", low="3.5", high="5.1", flags=("HH",), comments=("Contrôlé.",)),
                numeric("Plaquettes", "98000", "/mm3", low="150000", high="400000", flags=("LL",)),
            ),
        ),
        ECBU,
    ),
    comments=("Conclusion générale : à revoir dans un mois.",),
)


def rows(count: int) -> Report:
    """A report with that many plain results."""
    observations = tuple(
        numeric(f"Analyse numéro {n}", f"{n}.5", "mmol/L", low="1.0", high="9.0") for n in range(count)
    )
    return replace(REPORT, batteries=(Battery(title="Série", chapter="BIOCHIMIE", observations=observations),))
