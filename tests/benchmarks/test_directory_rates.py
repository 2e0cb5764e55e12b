"""How fast the directory imports and answers. No timed asserts; ``extra_info`` holds rows per second.

``pytest tests/benchmarks/test_directory_rates.py`` on 20,000 rows. Measured once on 540,000 rows (136 MB of text, two
shared cores, 2026-11): import 8 to 11 s including indexes and words, 135 MB of memory, 280 MB of file; by number or
address 0.15 ms; searches of one or two words 3 to 50 ms.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.report.model import IdType
from dispatcher.resources import sample

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROWS = 20_000
FAMILIES = [f"{a}{b}{c}" for a in ("MAR", "DUR", "LEF", "GAR") for b in ("TI", "AN", "EV") for c in ("N", "D", "RE")]

pytestmark = pytest.mark.benchmark(group="directory", min_rounds=3, max_time=0.5)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's first line, over and over with other numbers and names."""
    text = sample("directory", "Extraction_Correspondance_MSSante_202611200600.txt").read_text(encoding="utf-8")
    header, model = text.splitlines()[:2]
    path = tmp_path_factory.mktemp("rates") / "extraction_202611200600.txt"
    with path.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for number in range(ROWS):
            line = model.replace("99700000013", f"997{number:08d}").replace("paul.durand", f"p{number}")
            file.write(line.replace("DURAND", FAMILIES[number % len(FAMILIES)]) + "\n")
    return path


def test_import(benchmark: Any, source: Path, tmp_path: Path) -> None:
    report = benchmark(import_file, source, tmp_path, now=NOW)
    assert report.rows == ROWS
    if benchmark.stats:
        benchmark.extra_info["rows_per_second"] = round(ROWS / benchmark.stats.stats.mean)


@pytest.mark.parametrize("question", ["number", "address", "name", "beginning"])
def test_questions(benchmark: Any, source: Path, tmp_path: Path, question: str) -> None:
    import_file(source, tmp_path, now=NOW)
    directory = Snapshot(tmp_path / "mssante.sqlite3")
    ask = {
        "number": lambda: directory.about(IdType.RPPS, "99700000777"),
        "address": lambda: directory.by_address("p777@sandbox.mssante.test"),
        "name": lambda: directory.search("martin paul"),
        "beginning": lambda: directory.search("gar"),
    }[question]
    assert benchmark(ask)
