"""How fast a report is printed: 20 results on one page, another patient number each time, warm, one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from dispatcher import wiring
from dispatcher.formats.base import Writer
from dispatcher.formats.pdf import content, selfcheck
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.report.model import Report
from dispatcher.settings import PdfSettings
from tests.unit.formats.pdf.pdf_reports import context, layout, rows

NUMBERS = count(1)


@pytest.fixture(scope="module", params=["a-1a", "a-1b"])
def writer(request: pytest.FixtureRequest) -> Iterator[Writer]:
    with ExitStack() as closing:
        made = wiring.writers(closing, PdfSettings(level=request.param))["pdf"]
        made.write(another(), context())
        yield made


def another() -> Report:
    report = rows(20)
    return replace(report, order=replace(report.order, filler=f"N{next(NUMBERS)}"))


@pytest.mark.benchmark(group="one printed page")
def test_a_page(benchmark: Any, writer: Writer) -> None:
    benchmark(lambda: writer.write(another(), context()))


@pytest.mark.benchmark(group="beside the engine, one page")
def test_what_it_says(benchmark: Any) -> None:
    glyphs = Glyphs.parse(layout().coverage)
    benchmark(lambda: content.build(another(), context(), glyphs))


@pytest.mark.benchmark(group="beside the engine, one page")
def test_the_check_of_it(benchmark: Any) -> None:
    with ExitStack() as closing:
        made = wiring.writers(closing)["pdf"].write(another(), context()).content
    assert benchmark(lambda: selfcheck.check(made, "a-1a")).faults == ()
