"""One result from the folder to the operator's final reply, beside the same way with hl7apy reading it too."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hl7apy.parser import parse_message

from dispatcher.cli.installation import lay_out, now
from dispatcher.daemon import steps
from dispatcher.outbox.states import State
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.service.warm import warm_up
from dispatcher.settings import load
from dispatcher.wiring import Office, build
from tests.crash.kit import CONFIG, message

AT_ONCE = 20
"""Files per measured round."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("pipeline")
    with SandboxOperator(folder / "bac-a-sable", store=False) as operator:
        config = CONFIG.format(url="sqlite:///state/d.sqlite3", port=operator.port, workers=1)
        config = config.replace("per_minute = 600\nburst = 20", "per_minute = 1000000\nburst = 500000")
        lay_out(folder, operator, config=config.replace("stable_seconds = 0.1", "stable_seconds = 0"), now=now())
        office = build(load(folder / "dispatcher.toml"))
        warm_up(office.desk)
        yield office
        office.close()


NUMBERS = count(1)


def through(office: Office, inbox: Path, *, also_hl7apy: bool) -> int:
    for _ in range(AT_ONCE):
        number = next(NUMBERS)
        content = message(number)
        if also_hl7apy:
            parse_message(content.decode(), find_groups=False)
        (inbox / f"{number}.hl7").write_bytes(content)
    spools = office.spools()
    steps.scan(office, spools)
    steps.scan(office, spools)
    while steps.prepare_some(office, "bench", lambda: False):
        pass
    steps.batch_all(office, now_whatever="once")
    return steps.send_all(office, "bench", lambda: False).counts.get(State.SENT, 0)


@pytest.mark.benchmark(group=f"{AT_ONCE} results, folder to final reply", min_rounds=3, warmup=False)
@pytest.mark.parametrize("reader", ["ours", "ours and hl7apy"])
def test_folder_to_reply(benchmark: Any, office: Office, reader: str) -> None:
    inbox = office.settings.sources["sil"].folder
    sent = benchmark(through, office, inbox, also_hl7apy=reader != "ours")
    assert sent == AT_ONCE
