"""What the tests of the HPRIM Santé writer share: a small report, a context, writing and reading back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime

from dispatcher.clock import PARIS
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, ReadContext, Rendition, WriteContext
from dispatcher.formats.charset import each_text, loosely_fit
from dispatcher.formats.hprim_sante.carried import carried
from dispatcher.formats.hprim_sante.reader import HprimSanteReader
from dispatcher.formats.hprim_sante.version import Version, version_for
from dispatcher.formats.hprim_sante.writer import HprimSanteWriter, frame_of
from dispatcher.report.model import (
    Address,
    Battery,
    Code,
    IdType,
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

CONTEXT = WriteContext(
    laboratory=LaboratoryIdentity(
        name="Laboratoire d'essai",
        finess="290000017",
        oid="1.2.250.1.999.7",
        address=Address(lines=("1 rue du Port",), postcode="29000", town="QUIMPER"),
        phone="0298000000",
        biologist=Practitioner(),
    ),
    ids=DocumentIds(document="D-1", set_id="S-1"),
    created_at=datetime(2024, 3, 11, 18, 30, tzinfo=UTC),
)
GLUCOSE = Observation(
    code=Code(code="GLYJ", text="Glycémie à jeun", system="L"),
    type=ValueType.NUMERIC,
    value="1.32",
    unit="g/L",
    low="0.70",
    high="1.10",
    range_text="0.70 - 1.10",
    flags=("H",),
    status="F",
)
PATIENT = Patient(
    birth_name="BIHAN",
    used_name="MARTINEAU",
    given_names=("Claire", "Anne"),
    birth_date=date(1961, 7, 4),
    sex=Sex.FEMALE,
    local_ids=(LocalId(value="PT42", authority="290000017", type="PI"),),
)
SAMPLED = datetime(2024, 3, 11, 7, 45, tzinfo=PARIS)
REPORT = Report(
    patient=PATIENT,
    order=Order(placer="D5501", filler="B2403110007"),
    prescriber=Practitioner(id="10000000009", id_type=IdType.RPPS, title="DR", family="DURAND", given="Paul"),
    collected_at=SAMPLED,
    reported_at=datetime(2024, 3, 11, 18, 15, tzinfo=PARIS),
    batteries=(
        Battery(
            title="Glycémie à jeun",
            code=Code(code="GLYJ", text="Glycémie à jeun", system="L"),
            chapter="BIOCHIMIE",
            specimen=Specimen(id="E9001", text="Sérum", collected_at=SAMPLED),
            status="F",
            collected_at=SAMPLED,
            observations=(GLUCOSE,),
        ),
    ),
)


def with_results(*observations: Observation, report: Report = REPORT) -> Report:
    """The small report with other results."""
    return replace(report, batteries=(replace(report.batteries[0], observations=observations),))


def write(report: Report, context: WriteContext = CONTEXT, version: Version | None = None) -> Rendition:
    return HprimSanteWriter(version).write(report, context)


def text_of(rendition: Rendition) -> str:
    """The message with its continuation lines put back."""
    return rendition.content.decode("latin-1").replace("\r\nA|", "")


def segments_of(rendition: Rendition, name: str) -> list[list[str]]:
    """The fields of every segment of that name."""
    return [line.split("|") for line in text_of(rendition).split("\r\n") if line.split("|")[0] == name]


def read_back(rendition: Rendition) -> Report:
    beside = {companion.name: companion.content for companion in rendition.companions}
    result = HprimSanteReader().read(rendition.content, ReadContext(sibling=beside.get))
    assert result.readable and len(result.reports) == 1, [p.message for p in result.problems]
    return result.reports[0]


def as_carried(report: Report, context: WriteContext = CONTEXT, version: Version | None = None) -> Report:
    """What the message is said to carry of a report."""
    fitted: Report = each_text(report, lambda text: loosely_fit(text, "iso8859-1"))
    return carried(fitted, frame_of(fitted, context, version_for(report.patient, version)))


def differences(one: object, other: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """Where two reports differ. Left out: problems, and the spelling of values in the file."""
    if is_dataclass(one) and not isinstance(one, type) and type(one) is type(other):
        for field in fields(one):
            if field.name not in ("raw", "problems"):
                yield from differences(getattr(one, field.name), getattr(other, field.name), f"{path}.{field.name}")
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, theirs, f"{path}[{place}]")
    elif one != other:
        yield path, one, other
