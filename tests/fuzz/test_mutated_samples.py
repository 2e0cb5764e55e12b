"""Samples mutated by the hundred thousand give only declared problems: no exception, no reader fault, nothing later on.

200,000 files in CI (``--fuzz N`` says another number; 20,000 on a developer's machine), spread over the cores.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import pytest

from dispatcher.dialects import shelf
from dispatcher.errors import RenderError
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.formats.hprim_sante.writer import HprimSanteWriter
from dispatcher.formats.readout import as_json
from dispatcher.report import checks
from dispatcher.report.model import Problem
from tests.fuzz.mutations import mutants
from tests.random_reports import terminology
from tests.tools.problem_codes import declared
from tests.unit.formats.cda.cases import CONTEXT

PORTION = 2_000
"""Files a process takes at once."""
TENTH = 10
"""One file in so many is read in a shipped dialect, each in turn."""
DIALECTS = [shelf.load(name) for name in shelf.names()]
EVERY = 25
"""One file in so many is also coded, checked and written, as the service would."""
RULES = checks.Rules(now=datetime(2026, 11, 22, tzinfo=UTC), allow_test_ins=True)


def beside(name: str) -> bytes | None:
    """What lies beside a mutated file: a small PDF whatever it asks for, or nothing."""
    return b"%PDF-1.4\n%%EOF\n" if name.lower().endswith(".pdf") else None


def told(result: ReadResult) -> list[Problem]:
    return [*result.problems, *(problem for report in result.reports for problem in report.problems)]


def carry_on(result: ReadResult, tally: Counter[str]) -> None:
    """Code, check and write what was read; a writer may refuse with a reason, nothing else."""
    for report in result.reports:
        coded, _missing = terminology().code(report)
        tally.update(problem.code for problem in checks.check(coded, RULES))
        for writer in (CdaWriter(), HprimMedecinsWriter(), HprimSanteWriter()):
            try:
                tally.update(problem.code for problem in writer.write(coded, CONTEXT).problems)
            except RenderError:
                tally["(refused by a writer)"] += 1


def portion(seed: int) -> tuple[Counter[str], list[str]]:
    """Read ``PORTION`` mutants; what was told, by code, and every fault with the seed that shows it again."""
    tally: Counter[str] = Counter()
    faults = []
    for place, data in enumerate(mutants(PORTION, seed)):
        try:
            spoken = DIALECTS[place // TENTH % len(DIALECTS)] if place % TENTH == 0 else None
            result = registry.read(data, ReadContext(file_name="f", sibling=beside, dialect=spoken))
            if any(problem.code == "reader-fault" for problem in result.problems):
                faults.append(f"seed {seed}, file {place}: reader-fault")
            tally.update(problem.code for problem in told(result))
            tally["(readable)" if result.readable else "(not readable)"] += 1
            if place % EVERY == 0:
                json.dumps(as_json(result, "f", ""))
                registry.is_complete(data, "f")
                registry.referenced_files(data)
                carry_on(result, tally)
        except Exception as error:  # the very thing looked for
            faults.append(f"seed {seed}, file {place}: {error!r:.200}")
    return tally, faults


@pytest.mark.timeout(1200)
def test_mutated_samples_give_only_declared_problems(pytestconfig: pytest.Config) -> None:
    wanted = pytestconfig.getoption("--fuzz") or (200_000 if os.environ.get("CI") else 20_000)
    seeds = range((wanted + PORTION - 1) // PORTION)
    tally: Counter[str] = Counter()
    faults: list[str] = []
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for one, found in pool.map(portion, seeds):
            tally += one
            faults += found
    assert not faults, "\n".join(faults[:20])
    codes = {code for code in tally if not code.startswith("(")}
    assert codes <= declared(), sorted(codes - declared())
    assert tally["(readable)"] + tally["(not readable)"] >= wanted
    assert min(tally["(readable)"], tally["(not readable)"]) > wanted / 20, "the mutants are all alike"
    print(f"{wanted} files, {tally['(readable)']} readable, {len(codes)} codes of {len(declared())}")


def test_a_document_result_cut_before_its_document_is_told() -> None:
    """Found by this run: an OBX of type ED with four fields made the whole file unreadable."""
    lines = (
        "MSH|^~\\&|S|L|||20260311||ORU^R01|1|P|2.5",
        "PID|1||P1||ESSAI^ANA||19800102|F",
        "OBR|1||B1|C^T",
        "OBX|1|ED|D^Doc",
    )
    result = registry.read("\r".join(lines).encode(), ReadContext())
    assert result.reports
    assert "reader-fault" not in {problem.code for problem in told(result)}
