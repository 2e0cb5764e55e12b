"""Coding a report of 25 results, and proposals for a list of 500 codes."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.report.model import Battery, Code, Observation, Patient, Report, Specimen, ValueType
from dispatcher.terminology.entries import Missing, MissingKind
from dispatcher.terminology.tables import Terminology
from dispatcher.wiring import terminology

TERMS = terminology()
ANALYSES = list(TERMS.analyses.values())


def report(*, mapped: bool) -> Report:
    results = tuple(
        Observation(
            code=Code(code=f"A{n}", text=one.usual, system="L"),
            alternate=Code(code=one.loinc, system="LN") if mapped else None,
            type=ValueType.NUMERIC,
            value="1.5",
            unit=one.ucum,
            flags=("N",),
        )
        for n, one in enumerate(ANALYSES[:25])
    )
    return Report(patient=Patient(), batteries=(Battery(specimen=Specimen(text="sérum"), observations=results),))


@pytest.mark.benchmark(group="code one report of 25 results")
@pytest.mark.parametrize("mapped", [True, False], ids=["with LOINC", "without"])
def test_coding(benchmark: Any, mapped: bool) -> None:
    coded, missing = benchmark(TERMS.code, report(mapped=mapped))
    assert all(o.loinc for o in coded.observations) is mapped
    assert bool(missing) is not mapped


@pytest.mark.benchmark(group="proposals for 500 codes, index included")
def test_proposals(benchmark: Any) -> None:
    gaps = [
        Missing(kind=MissingKind.CODE, code=f"X{n}", label=one.usual, unit=one.ucum, specimen=one.specimen)
        for n, one in enumerate(ANALYSES[:500])
    ]

    def all_of(terms: Terminology) -> list[str]:
        return [offered[0].loinc for gap in gaps if (offered := terms.propose(gap))]

    found = benchmark.pedantic(lambda: all_of(terminology()), rounds=3)
    assert len(found) == 500
