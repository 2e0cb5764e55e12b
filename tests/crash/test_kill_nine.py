"""kill -9 at random moments while files come in: nothing lost, nothing doubled, nothing out of order, all at its end.

The short run of ``python -m tests.crash``; ``--kills`` and ``--engine`` say how long, and on which database.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.__main__ import database
from tests.crash.town import Town, table

SEED = 20261121


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_lose_double_and_disorder_nothing(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    with ExitStack() as closing:
        url = database(pytestconfig.getoption("--engine"), tmp_path, closing)
        town = closing.enter_context(Town(tmp_path, url, SEED, print))
        good = town.run(pytestconfig.getoption("--kills"))
        print(table(town, 0.0))
        assert good, town.truth.faults
