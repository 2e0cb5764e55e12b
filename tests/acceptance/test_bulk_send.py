"""``dispatcher send`` of many PDFs with a manifest, killed twice at random moments, gone on with: the statement's sums
reconcile with what the operator received, and nobody got a document twice.

``--pdfs 500`` is the size promised; CI sends fewer.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from dispatcher.cli.installation import lay_out
from dispatcher.resources import sample
from dispatcher.sandbox.operator import SandboxOperator
from tests.crash.kit import CONFIG, PEOPLE

SEED = 20261122
KILLS = 2
PACE = ("per_minute = 600\nburst = 20", "per_minute = 6000\nburst = 200")


@dataclass
class Home:
    """An EHPAD: documents with their manifest, an installation and its operator."""

    folder: Path
    operator: SandboxOperator
    asked: int = 0

    @property
    def manifest(self) -> Path:
        return self.folder / "documents" / "bordereau.csv"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "dispatcher", "--config", str(self.folder / "dispatcher.toml"), *arguments]

    def run(self, *arguments: str) -> Any:
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=900)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return json.loads(done.stdout)

    def killed(self, after: int, *arguments: str) -> bool:
        """Start, and kill -9 once the operator has accepted so many mails; False when it ended before."""
        log = (self.folder / "tue.log").open("ab")
        process = subprocess.Popen(self.command(*arguments), stdout=log, stderr=log)
        while process.poll() is None and len(self.operator.accepted()) < after:
            time.sleep(0.005)
        alive = process.poll() is None
        os.kill(process.pid, signal.SIGKILL) if alive else None
        process.wait()
        log.close()
        return alive


def documents(home: Home, count: int) -> None:
    """So many PDFs, every tenth for two recipients, in a manifest as a French Excel saves it."""
    folder = home.manifest.parent
    folder.mkdir()
    base = sample("pdf", "compte_rendu.pdf").read_bytes()
    lines = ["Fichier;RPPS;Nom de naissance;Prénom;Date de naissance;Titre"]
    for number in range(count):
        with pikepdf.open(io.BytesIO(base)) as pdf:
            pdf.docinfo["/Subject"] = f"document {number}"
            pdf.save(folder / f"résumé {number:04}.pdf", deterministic_id=True)
        for person in range(2 if number % 10 == 0 else 1):
            rpps, *_ = PEOPLE[(number + person) % len(PEOPLE)]
            lines.append(f"résumé {number:04}.pdf;{rpps};ÉPREUVE{number};Inventée;03/02/19{number % 60 + 20};Résumé")
            home.asked += 1
    home.manifest.write_bytes("\r\n".join((*lines, "")).encode("cp1252"))


@pytest.fixture
def home(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Home]:
    with ExitStack() as closing:
        operator = closing.enter_context(SandboxOperator(tmp_path / "bac-a-sable", notice_delay=0.05))
        config = CONFIG.format(url="sqlite:///state/dispatcher.sqlite3", port=operator.port, workers=1)
        assert PACE[0] in config
        lay_out(tmp_path, operator, config=config.replace(*PACE), now=datetime.now(UTC))
        made = Home(folder=tmp_path, operator=operator)
        documents(made, pytestconfig.getoption("--pdfs"))
        yield made


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_bulk_send_killed_twice_ends_in_a_statement_that_is_true(home: Home) -> None:
    chance = random.Random(SEED)
    wanted = ("send", "--manifest", str(home.manifest), "--json")
    moments = sorted(chance.sample(range(1, max(home.asked * 3 // 4, KILLS + 1)), KILLS))
    assert [home.killed(after, *wanted) for after in moments] == [True] * KILLS
    (listed,) = home.run("send", "--list", "--json")
    first = home.run("send", "--resume", listed["send"], "--json")
    assert home.operator.wait_notices(60)
    subprocess.run(home.command("run", "--once"), capture_output=True, timeout=300)
    told = home.run("send", "--statement", first["send"], "--json")
    accepted = home.operator.accepted()
    arrived = Counter(one["dispatch"] for one in told["entries"] if one["word"] in ("sent", "delivered", "read"))
    got = Counter(one.envid for one in accepted)
    print(f"{home.asked} asked, {len(accepted)} accepted, kills after {moments}, {told['words']}")

    assert told["reconciles"]
    assert told["asked"] == home.asked == sum(told["words"].values()) == len(told["entries"])
    assert got == arrived, "what the operator took is what the statement says arrived, each once"
    left = [one for one in told["entries"] if one["dispatch"] not in arrived]
    assert len(left) <= KILLS * 2, "one mail a connection may be of unknown outcome when it is killed"
    assert all(one["state"] == "unknown" for one in left)
    pairs = Counter((one["name"], one["address"]) for one in told["entries"])
    assert max(pairs.values()) == 1
    again = home.run(*wanted)
    assert again["send"] == told["send"]
    assert len(home.operator.accepted()) == len(accepted), "the same manifest again sends nobody twice"


@pytest.mark.timeout(300)
def test_a_running_service_and_the_command_share_the_work(home: Home) -> None:
    service = subprocess.Popen(home.command("run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        told = home.run("send", "--manifest", str(home.manifest), "--json")
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(60)
    assert told["reconciles"] and told["through"]
    assert Counter(one.envid for one in home.operator.accepted()) == Counter(one["dispatch"] for one in told["entries"])
    assert len(told["entries"]) == home.asked
