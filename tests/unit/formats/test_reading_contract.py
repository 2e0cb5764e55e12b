"""The JSON contract of design §9 holds for every sample of every reader, for random reports and for what is no file."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.readout import as_json
from dispatcher.report.model import Report
from dispatcher.resources import sample
from tests.random_reports import reports, terminology
from tests.tools.reading_contract import breaches

FOLDERS = ("hl7", "hprim_sante", "hprim_medecins", "cda", "pdf", "dialects", "directory", "receipts", "trust")


def files() -> list[tuple[str, bytes]]:
    """Every file of ``samples/``, those that are no report too."""
    return [
        (f"{folder}/{item.name}", item.read_bytes())
        for folder in FOLDERS
        if sample(folder).is_dir()
        for item in sample(folder).iterdir()
        if item.is_file()
    ]


@pytest.mark.parametrize(("name", "data"), files(), ids=lambda value: value if isinstance(value, str) else "")
def test_samples(name: str, data: bytes) -> None:
    folder = sample(name.partition("/")[0])

    def beside(other: str) -> bytes | None:
        item = folder.joinpath(other)
        return item.read_bytes() if "/" not in other and item.is_file() else None

    result = registry.read(data, ReadContext(file_name=name.partition("/")[2], sibling=beside))
    answer = json.loads(json.dumps(as_json(result, name, "")))
    assert not breaches(answer)
    coded = ReadResult(format=result.format, reports=tuple(terminology().code(one)[0] for one in result.reports))
    assert not breaches(json.loads(json.dumps(as_json(coded, name, ""))))


@given(reports())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_reports(report: Report) -> None:
    answer = as_json(ReadResult(format="cda", reports=(report,)), "f", "")
    assert not breaches(json.loads(json.dumps(answer)))


def test_a_breach_is_seen() -> None:
    answer = as_json(registry.read(b"", ReadContext()), "f", "")
    assert not breaches(answer)
    assert breaches({**answer, "format": "HL7"}) == ["format: str HL7"]
    del answer["problems"]
    assert breaches(answer) == ["problems: missing"]
