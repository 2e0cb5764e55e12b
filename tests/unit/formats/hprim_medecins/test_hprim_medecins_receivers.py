"""Every receiving program files what we write: usual reports, bare ones, random ones, and texts full of traps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import RenderError
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, WriteContext
from dispatcher.formats.hprim_medecins.check import MIN_SCORE, check, score
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.report.model import (
    Address,
    Battery,
    Code,
    Observation,
    Patient,
    Practitioner,
    Report,
    Severity,
    Status,
)
from tests.random_reports import reports, seeded_reports
from tests.unit.formats.hprim_medecins.receivers import JUDGES

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
)
BARE = Report(
    patient=Patient(birth_name="BIHAN", given_names=("Claire",), birth_date=date(1961, 7, 4)),
    text="Frottis sans anomalie.",
)
PERSON = BARE.patient


def faults(content: bytes) -> Iterator[tuple[str, str]]:
    """What each program holds against a file."""
    for name, judge in JUDGES.items():
        yield from ((name, fault) for fault in judge(content))


def write(report: Report, context: WriteContext = CONTEXT) -> bytes:
    return HprimMedecinsWriter().write(report, context).content


def assert_filed(content: bytes) -> None:
    assert list(faults(content)) == []
    assert score(content.decode("iso-8859-1").split("\r\n")) >= MIN_SCORE
    assert [p for p in check(content) if p.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    "report",
    [
        BARE,
        replace(BARE, status=Status.CANCELLED),
        replace(BARE, patient=replace(PERSON, birth_name="TEX", given_names=("RES",))),
        replace(BARE, patient=replace(PERSON, birth_name="D'ORAZIO|X", given_names=("É",), nss="261072923200146")),
        replace(BARE, patient=replace(PERSON, birth_name="****FIN****A")),
        replace(BARE, patient=replace(PERSON, address=Address(lines=("TEX", "RES|1|2"), town="****LAB****"))),
        replace(BARE, text="****FIN****\n ****FINFICHIER****\nRES|a|b|N|1\nTEX\n****LAB****\nvrai texte"),
        replace(BARE, comments=("****FIN****",)),
        replace(BARE, text="", batteries=(Battery(observations=(Observation(code=Code(), value="positif"),)),)),
        replace(BARE, text="", batteries=(Battery(observations=(Observation(code=Code(code="K"), value="|" * 90),)),)),
        replace(BARE, patient=replace(PERSON, birth_name="Ž" * 3, given_names=("Łukasz",))),
        replace(BARE, text="€ œ ’ “ ” ≤ 10⁹ \x8e \x85 \x00"),
    ],
)
def test_every_program_files_it(report: Report) -> None:
    assert_filed(write(report))


def test_every_program_files_any_report() -> None:
    for report in seeded_reports(200):
        assert_filed(write(report))


TRAPS = st.sampled_from(
    [
        "TEX",
        "RES|",
        "****FIN****",
        " ****FINFICHIER****",
        "****LAB****",
        "|",
        "\t",
        "é",
        ".",
        "x" * 90,
        "04/07/1961",
        "\r\n",
    ]
)


@settings(max_examples=60, deadline=None)
@given(report=reports(), trap=TRAPS, more=TRAPS)
def test_no_trap_in_the_texts_breaks_a_file(report: Report, trap: str, more: str) -> None:
    patient = replace(
        report.patient, birth_name=f"{trap}a", used_name="", address=Address(lines=(trap, more), town=trap)
    )
    batteries = tuple(replace(b, title=trap, chapter=more, comments=(more, trap)) for b in report.batteries)
    trapped = replace(
        report,
        patient=replace(patient, local_ids=()),
        order=replace(report.order, filler=trap, placer=more),
        batteries=batteries,
        comments=(trap, more),
        text=f"{trap}\n{more}\n{trap}",
        addressee=None,
    )
    assert_filed(write(trapped))


@pytest.mark.parametrize(
    "patient",
    [
        replace(PERSON, birth_name=""),
        replace(PERSON, birth_name="12"),
        replace(PERSON, given_names=("-",)),
        replace(PERSON, given_names=()),
        replace(PERSON, birth_date=None, birth_date_raw="00/00/1961"),
    ],
)
def test_what_no_program_could_file_is_refused_in_french(patient: Patient) -> None:
    with pytest.raises(RenderError) as refused:
        write(replace(BARE, patient=patient))
    assert refused.value.code == "incomplete-identity"
    assert "manque" in str(refused.value) and "logiciel du laboratoire" in str(refused.value)


GOOD = write(BARE)


@pytest.mark.parametrize(
    ("old", "new", "who"),
    [
        (b"04/07/1961", b"04071961", {"FreeHealth", "Episodus", "MedShake", "Mediboard"}),
        (b"11/03/2024", b"20240311", {"Episodus", "Mediboard", "web"}),
        (b"****FINFICHIER****\r\n", b"****FINFICHIER****\r\nsignature\r\n", {"FreeHealth"}),
        (b"****FIN****\r\n", b"", {"FreeHealth", "Episodus", "web", "découpe des messages"}),
        (b"****LAB****\r\n", b"", {"Mediboard"}),
        (b"\r\n\r\n=", b"\r\n\r\n=", set()),
    ],
)
def test_the_judges_see_what_they_are_there_for(old: bytes, new: bytes, who: set[str]) -> None:
    assert {name for name, _ in faults(GOOD.replace(old, new))} >= who
