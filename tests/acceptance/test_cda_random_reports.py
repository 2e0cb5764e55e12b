"""Random reports, each with every part of the model, written as CDA and judged by the official rules.

``--judged N`` says how many (default: 100; 1,000 in CI). The rules are compiled once, about 7 seconds; a document then
takes some 0.2 seconds. A number that fails is told, and ``random_report(random.Random(number))`` is that report again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.formats.base import DocumentIds, WriteContext
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.report.model import Report, Status
from tests.needs import needs_judge
from tests.random_reports import random_report
from tests.unit.formats.cda.cases import CONTEXT, terminology

IN_CI, ELSEWHERE = 1000, 100
AT_ONCE = 250
"""Documents a process judges; there are as many processes at once as processors."""


def _id(number: int) -> str:
    return str(uuid.UUID(int=number, version=4)).upper()


def _context(number: int, report: Report) -> WriteContext:
    """With and without tables; a first version, or one that replaces another."""
    again = report.status in (Status.CORRECTED, Status.CANCELLED)
    ids = DocumentIds(
        document=_id(number),
        set_id=_id(10**6 + number),
        version=2 if again else 1,
        replaces=_id(10**7 + number) if again else None,
    )
    return replace(CONTEXT, ids=ids, terminology=terminology() if number % 3 else None)


def _written(number: int) -> bytes:
    report = random_report(random.Random(number))
    context = _context(number, report)
    if context.terminology and number % 2:
        report, _missing = context.terminology.code(report)
    return CdaWriter(1 if number % 50 == 49 else 3).write(report, context).content


def _judge(files: list[str]) -> str:
    """What the judge has against these files; empty when nothing."""
    command = [sys.executable, str(needs_judge()), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60 + 6 * len(files))
    lines = done.stdout.splitlines()
    if done.returncode == 0 and sum(line.startswith("PASS") for line in lines) == len(files):
        return ""
    return "\n".join([line for line in lines if not line.startswith("PASS")] + [done.stderr])


@pytest.mark.timeout(1800)
def test_official_rules_find_no_error_in_random_reports(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    needs_judge()
    wanted = pytestconfig.getoption("--judged") or (IN_CI if os.environ.get("CI") else ELSEWHERE)
    for number in range(wanted):
        (tmp_path / f"{number:05}.xml").write_bytes(_written(number))
    files = sorted(map(str, tmp_path.glob("*.xml")))
    batches = [files[start : start + AT_ONCE] for start in range(0, wanted, AT_ONCE)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        faults = [told for told in pool.map(_judge, batches) if told]
    assert not faults, "\n".join(faults)
