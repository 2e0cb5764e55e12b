"""The narrative of a result against its coded value."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.report.model import Severity
from dispatcher.resources import sample
from tests.random_reports import random_report
from tests.unit.formats.cda.cases import CONTEXT, terminology

CODE = "cda-text-disagrees"
THREE_LEVEL = sample("cda", "bilan_n3.xml").read_text("utf-8")


def disagreements(text: str) -> list[Severity]:
    (report,) = registry.read(text.encode(), ReadContext()).reports
    return [p.severity for p in report.problems if p.code == CODE]


def changed(old: str, new: str) -> str:
    assert THREE_LEVEL.count(old) == 1
    return THREE_LEVEL.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<td>6,12</td>", "<td>61,2</td>"),
        ("<td>6,12</td>", "<td>6,21 *</td>"),
        ("<td>&lt; 5,1</td>", "<td>&lt; 51</td>"),
        ("<td>5,55<br/>1,00</td>", "<td>5,55<br/>10,0</td>"),
        ("<td>2,4</td>", "<td><content>24</content></td>"),
        ('value="6.12"', 'value="612"'),
        ("<td>6,12</td>", "<td>1 612</td>"),
    ],
)
def test_another_number_in_the_text_holds_the_report(old: str, new: str) -> None:
    assert disagreements(changed(old, new)) == [Severity.ERROR]


@pytest.mark.parametrize(
    "new",
    ["6.12", "6,120", "= 6,12", "06,12", " 6,12 ", "6,12 H", "voir commentaire", "6,12 à 6,14", "61,2 x 10-1", ""],
)
def test_the_same_number_in_another_spelling_and_words_are_no_disagreement(new: str) -> None:
    assert disagreements(changed("<td>6,12</td>", f"<td>{new}</td>")) == []


@pytest.mark.parametrize(("printed", "expected"), [("224 000", 0), ("224.000", 0), ("224,0", 1), ("22 400", 1)])
def test_thousands(printed: str, expected: int) -> None:
    text = changed("<td>6,12</td>", f"<td>{printed}</td>").replace('value="6.12"', 'value="224000"')
    assert len(disagreements(text)) == expected


@pytest.mark.parametrize("heading", ["Mesure", "Résultat (10^9/L)"])
def test_no_column_that_is_surely_the_result_no_comparison(heading: str) -> None:
    text = THREE_LEVEL.replace("<th>Résultat</th>", f"<th>{heading}</th>")
    assert disagreements(text.replace("<td>6,12</td>", "<td>61,2</td>")) == []


@pytest.mark.parametrize(("printed", "expected"), [("6,12", 0), ("61,2", 1)])
def test_words_the_observation_points_at(printed: str, expected: int) -> None:
    text = THREE_LEVEL.replace("<th>Résultat</th>", "<th>Mesure</th>")
    text = text.replace("<td>6,12</td>", f'<td ID="tsh-v">{printed}</td>')
    value = '<value xsi:type="PQ" value="6.12" unit="m[IU]/L"/>'
    head, tail = text.split(value)
    before, mark, after = head.rpartition('<statusCode code="completed"/>')
    assert mark
    text = before + '<text><reference value="#tsh-v"/></text>' + mark + after + value + tail
    assert len(disagreements(text)) == expected


def test_what_we_write_never_disagrees() -> None:
    for number in range(200):
        report = random_report(random.Random(number))
        context = replace(CONTEXT, terminology=terminology() if number % 3 else None)
        assert disagreements(CdaWriter().write(report, context).content.decode()) == [], number


@pytest.mark.parametrize("path", sorted(sample("cda", "bilan_n3.xml").parent.glob("*.xml")), ids=lambda path: path.name)
def test_no_sample_disagrees(path: Path) -> None:
    for report in registry.read(path.read_bytes(), ReadContext(file_name=path.name)).reports:
        assert not [p for p in report.problems if p.code == CODE]
