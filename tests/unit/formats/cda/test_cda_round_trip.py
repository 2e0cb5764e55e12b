"""Written as CDA and read back, a report says the same; :mod:`tests.unit.formats.cda.gist` says what is compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from dispatcher.formats.base import ReadContext, WriteContext
from dispatcher.formats.cda.cleaning import cleaned
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.report.model import Observation, Report, Severity, Status
from tests.random_reports import reports, seeded_reports
from tests.unit.formats.cda.cases import CASES, CONTEXT, GLUCOSE, with_results
from tests.unit.formats.cda.full_cases import FULL_CASES
from tests.unit.formats.cda.gist import gist, is_number


def back(report: Report, context: WriteContext, level: int = 3) -> Report:
    """The report as its CDA tells it."""
    content = CdaWriter(1 if level == 1 else 3).write(report, context).content
    result = CdaReader().read(content, ReadContext(file_name="x.xml"))
    assert [p.code for p in result.problems] == []
    (found,) = result.reports
    assert [p.code for p in found.problems if p.severity is Severity.ERROR] == []
    return found


def compare(report: Report, context: WriteContext, *, chapters: bool = True) -> None:
    rendition = CdaWriter().write(report, context)
    if rendition.format == "cda-n1":  # every result was deleted: the PDF says what is left
        return
    found = back(report, context)
    wanted, got = gist(cleaned(report), chapters=chapters), gist(found, chapters=chapters)
    assert not wanted["comments"] - got["comments"]
    for part in ("patient", "order", "prescriber", "urgent", "text"):
        assert got[part] == wanted[part], part
    for said, read in zip(wanted["times"], got["times"], strict=True):
        assert not said or said == read
    assert got["results"] - wanted["results"] == wanted["results"] - got["results"] == {}
    assert found.status is expected_status(report, context)


def expected_status(report: Report, context: WriteContext) -> Status:
    replaces = bool(context.ids.replaces)
    if report.status is Status.CANCELLED:
        return Status.CANCELLED if replaces else Status.FINAL
    if report.status is Status.PARTIAL:
        return Status.PARTIAL
    return Status.CORRECTED if replaces else Status.FINAL


NO_RESULTS = ("level-1", "level-1-minimal", "document-report", "cancelled-document")
NUMBER_TOO_LONG = "used-name-only"
"""The writer replaces the patient's number, and says so."""
EVERY = CASES | FULL_CASES
STRUCTURED = [name for name in EVERY if name not in (*NO_RESULTS, NUMBER_TOO_LONG)]


@pytest.mark.parametrize("name", STRUCTURED)
def test_every_case_of_the_writer(name: str) -> None:
    case = EVERY[name]()
    compare(told_apart(case.report), case.context, chapters=case.context.terminology is None)


@pytest.mark.parametrize("seed", range(5))
def test_seeded_reports(seed: int) -> None:
    for report in seeded_reports(60, seed):
        compare(told_apart(report), CONTEXT)


@given(reports())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_reports(report: Report) -> None:
    compare(told_apart(report), CONTEXT)


def told_apart(report: Report) -> Report:
    """Without second values that are words, or in the unit of the first: read back, those are results of their own."""

    def one(o: Observation) -> Observation:
        second = o.alt is not None and is_number(o) and o.alt.unit != o.unit
        return o if second else replace(o, alt=None)

    batteries = (replace(b, observations=tuple(map(one, b.observations))) for b in report.batteries)
    return replace(report, batteries=tuple(batteries))


def test_the_time_of_collection_comes_back_when_no_specimen_is_named() -> None:
    report = with_results(GLUCOSE)
    bare = replace(report, received_at=None, batteries=tuple(replace(b, specimen=None) for b in report.batteries))
    assert bare.collected_at is not None
    assert back(bare, CONTEXT).collected_at == bare.collected_at
