"""Written and read back, HPRIM Médecins gives what its page of losses leaves (head of writer.py), and no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, ReadContext, WriteContext
from dispatcher.formats.charset import capitals, each_text, loosely_fit
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.layout import shown_value, susceptibility_words
from dispatcher.formats.hprim_medecins.reader import HprimMedecinsReader
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.report.model import Address, Observation, Practitioner, Report, Status, ValueType
from dispatcher.report.moments import day_of
from tests.random_reports import reports, seeded_reports

CONTEXT = WriteContext(
    laboratory=LaboratoryIdentity(
        name="Laboratoire d'essai",
        finess="290000017",
        oid="1.2.250.1.999.7",
        address=Address(),
        phone="",
        biologist=Practitioner(),
    ),
    ids=DocumentIds(document="D-1", set_id="S-1"),
    created_at=datetime(2024, 3, 11, 18, 30, tzinfo=UTC),
    recipient=Practitioner(id="D001", title="Dr", family="DURAND", given="Paul"),
)
SENT = {"": "F", "F": "F", "C": "C", "R": "R", "P": "R"}
"""RES-10 by HL7 letter; what has no letter here has no RES line."""


def coded(report: Report) -> list[Observation]:
    """The results that may have a RES line: said, and neither withdrawn, pending nor a document."""
    if report.status is Status.CANCELLED:
        return []
    return [o for o in report.observations if o.status in SENT and o.value and o.type is not ValueType.DOCUMENT]


def expected(one: Observation) -> tuple[object, ...]:
    """Kind, value, unit, flags, status and second value as they will be read."""
    kind, value, unit = one.type, shown_value(one), one.unit
    if one.parent is not None:
        kind, value, unit = ValueType.TEXT, susceptibility_words(one), ""
    elif one.type is ValueType.NUMERIC:
        kind = ValueType.TEXT if one.comparator else ValueType.NUMERIC
        value = f"{one.comparator} {one.value}".strip()
    flag = next((flag for flag in one.flags if flag in grammar.ABNORMAL_FLAGS), "")
    alt = (one.alt.comparator, one.alt.value, one.alt.unit) if one.alt else None
    return kind, " ".join(value.split()), unit, (flag,) if flag else (), SENT[one.status], alt


def actual(one: Observation) -> tuple[object, ...]:
    alt = (one.alt.comparator, one.alt.value, one.alt.unit) if one.alt else None
    return one.type, one.value, one.unit, one.flags, one.status, alt


def read_back(report: Report) -> Report:
    content = HprimMedecinsWriter().write(report, CONTEXT).content
    result = HprimMedecinsReader().read(content, ReadContext())
    assert result.readable and len(result.reports) == 1
    return result.reports[0]


def assert_comes_back(report: Report) -> None:
    back = read_back(report)
    fitted: Report = each_text(report, lambda text: loosely_fit(text, "iso8859-1").replace("|", "/"))
    wanted = coded(fitted)
    assert [expected(one) for one in wanted] == [actual(one) for one in back.observations]
    assert [one.code.code for one in wanted] == [one.code.code for one in back.observations]
    patient = fitted.patient
    assert back.patient.birth_name == " ".join(capitals(patient.family).split())
    assert back.patient.first_given == " ".join((patient.used_given or patient.first_given).split())
    assert back.patient.birth_date == patient.birth_date
    assert back.order.filler == (fitted.order.filler or fitted.order.placer)
    assert back.reported_at == (day_of(report.reported_at) if report.reported_at else back.reported_at)
    assert back.addressee is not None and (back.addressee.id, back.addressee.label) == ("D001", "Dr DURAND Paul")
    letters = {SENT[one.status] for one in wanted}
    follows = Status.PARTIAL if "R" in letters else Status.CORRECTED if "C" in letters else Status.FINAL
    assert back.status is follows


def test_many_reports_come_back() -> None:
    for report in seeded_reports(150):
        assert_comes_back(report)


@settings(max_examples=50, deadline=None)
@given(report=reports())
def test_any_report_comes_back(report: Report) -> None:
    assert_comes_back(report)


def test_nothing_that_was_said_is_lost_from_the_text() -> None:
    """Comments, earlier results and names of analyses without RES line stand in the printed part."""
    for report in seeded_reports(60, seed=3):
        if report.status is Status.CANCELLED:
            continue
        text = " ".join(read_back(report).text.split())
        fitted: Report = each_text(report, lambda said: loosely_fit(said, "iso8859-1").replace("|", "/"))
        said = [*fitted.comments, *(c for b in fitted.batteries for c in b.comments)]
        said += [c for o in fitted.observations for c in (*o.comments, o.code.text)]
        assert [one for one in said if " ".join(one.split()) not in text] == []


@pytest.mark.parametrize("status", list(Status))
def test_the_status_of_a_report_is_said_in_its_text(status: Status) -> None:
    report = replace(seeded_reports(1)[0], status=status)
    said = {Status.PARTIAL: "PARTIEL", Status.CORRECTED: "annule et remplace", Status.CANCELLED: "ANNULÉ"}
    text = " ".join(read_back(report).text.split())
    assert status is Status.FINAL or said[status] in text
