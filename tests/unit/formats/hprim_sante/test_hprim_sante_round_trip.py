"""Written and read back, an HPRIM Santé message gives the report its page of losses says (carried.py), and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.formats.hprim_sante.version import Version
from dispatcher.report.model import Observation, Report, Status, ValueType
from tests.random_reports import reports, seeded_reports
from tests.unit.formats.hprim_sante.writing import (
    GLUCOSE,
    REPORT,
    as_carried,
    differences,
    read_back,
    with_results,
    write,
)

VERSIONS = pytest.mark.parametrize("version", list(Version))


@VERSIONS
def test_a_usual_report_comes_back_whole(version: Version) -> None:
    """Nothing of it is on the page of losses: it comes back as it is, but for the laboratory and the file name."""
    back = read_back(write(REPORT, version=version))
    expected = replace(REPORT, laboratory=back.laboratory, sender_file_id=back.sender_file_id)
    assert not list(differences(expected, back))


@VERSIONS
@settings(max_examples=50, deadline=None)
@given(report=reports())
def test_any_report_comes_back_as_said(version: Version, report: Report) -> None:
    assert not list(differences(as_carried(report, version=version), read_back(write(report, version=version))))


def _number(observation: Observation) -> bool:
    return observation.type is ValueType.NUMERIC and bool(observation.value)


def test_many_reports_come_back_as_said() -> None:
    for report in seeded_reports(150):
        written = write(report)
        back = read_back(written)
        assert not list(differences(as_carried(report), back))
        assert back.status is report.status
        if report.status is not Status.CANCELLED:
            numbers = [
                (o.code.code, o.value, o.comparator) for o in report.observations if o.status != "D" and _number(o)
            ]
            assert numbers == [(o.code.code, o.value, o.comparator) for o in back.observations if _number(o)]
        assert all(len(line) <= 220 for line in written.content.split(b"\r\n"))


TEXTS = st.text("abé |~^\\&%<>=.,10:-*EFHSTRX\n", max_size=300)
NASTY = st.builds(
    lambda text, more, kind, unit, flags: replace(
        GLUCOSE,
        code=replace(GLUCOSE.code, text=more or "x"),
        type=kind,
        value=text,
        unit=unit,
        flags=flags,
        range_text=more,
        comments=(text, more),
        sub_id=unit,
        validated_by=more,
    ),
    TEXTS,
    TEXTS,
    st.sampled_from([ValueType.NUMERIC, ValueType.TEXT, ValueType.CODED]),
    st.text("g/L^~|&\\ ", max_size=6),
    st.sampled_from([(), ("H",), ("<",), ("A", "LL")]),
)


@settings(max_examples=150, deadline=None)
@given(observation=NASTY)
def test_delimiters_escapes_and_long_lines_do_no_harm(observation: Observation) -> None:
    report = with_results(observation)
    written = write(report)
    assert not list(differences(as_carried(report), read_back(written)))
    assert max(map(len, written.content.split(b"\r\n"))) <= 220


@VERSIONS
def test_what_was_carried_once_is_carried_again(version: Version) -> None:
    """A second way loses nothing more: results, people and links stay."""
    for report in seeded_reports(40, seed=7):
        once = read_back(write(report, version=version))
        again = read_back(write(once, version=version))
        assert [(o.code, o.value, o.unit, o.parent, o.alt, o.status) for o in once.observations] == [
            (o.code, o.value, o.unit, o.parent, o.alt, o.status) for o in again.observations
        ]
        assert (once.patient, once.prescriber, once.copies, once.status) == (
            again.patient,
            again.prescriber,
            again.copies,
            again.status,
        )
