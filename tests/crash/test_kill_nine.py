"""kill -9 at random moments over a backlog: nothing lost, nothing doubled, every file and dispatch at its end.

The service is the installed command in a process group of its own; the operator (the sandbox) and its ledger live in
the test process and survive. Counting is done at the SMTP side.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dispatcher import wiring
from dispatcher.cli.installation import lay_out, now
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.servers.postgresql import postgresql

FILES = 200
AT_START = 100
FINAL = {State.READ, State.DELIVERED, State.UNKNOWN}
PEOPLE = (
    ("99700000013", "DURAND", "Paul"),
    ("99700000021", "PETIT", "Sophie"),
    ("99700000062", "GARÇON", "François"),
    ("99700000070", "D'ALMEIDA", "Marie-Hélène"),
    ("99700000096", "BENALI", "Amina"),
    ("99700000120", "LE GOFF", "Yannick"),
    ("99700000146", "N'GUESSAN", "Aya"),
)
"""Recipients of the sandbox that read."""

CONFIG = """
[laboratory]
name = "Laboratoire d'essai"
finess = "990000010"
oid = "1.2.250.1.999.1"
[laboratory.biologist]
rpps = "10000000009"
family = "ESSAI"
given = "Camille"
[store]
url = "{url}"
[sources.sil]
folder = "entree"
stable_seconds = 0.1
patience_seconds = 1
[channels.mssante]
family = "mssante"
sender = "resultats@labo.sandbox.test"
host = "127.0.0.1"
port = {port}
server_name = "localhost"
ca_file = "bac-a-sable/pki/ca.pem"
client_cert = "bac-a-sable/pki/client.pem"
client_key = "bac-a-sable/pki/client.key"
connections = 2
[channels.mssante.pace]
per_minute = 600
burst = 20
[channels.mssante.batch]
every_minutes = 0.01
[channels.mssante.mailbox]
kind = "maildir"
path = "bac-a-sable/mailbox"
[trust]
signer_cn = "alb.sandbox.test"
[service]
scan_seconds = 0.2
collect_seconds = 0.5
lease_seconds = 2
workers = {workers}
"""


def message(number: int) -> bytes:
    rpps, family, given = PEOPLE[number % len(PEOPLE)]
    lines = (
        f"MSH|^~\\&|SIL|LABO|D|D|20261120101500||ORU^R01^ORU_R01|K{number:05}|P|2.5|||||FRA|UNICODE UTF-8",
        f"PID|1||K{number:05}^^^LABO^PI||ÉPREUVE^Numéro{number}^^^^^L||19800102|F",
        f"OBR|1||K{number:05}^LABO|CRP^Protéine C réactive^L|||20261120080000|||||||||{rpps}^{family}^{given}"
        "^^^DR^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS||||||20261120101000||CH|F",
        f"OBX|1|NM|CRP^CRP^L^30522-7^CRP^LN||{number % 90}.5|mg/L|< 5||||F",
    )
    return ("\r".join(lines) + "\r").encode()


def drop(folder: Path, numbers: range) -> None:
    for number in numbers:
        part = folder / "entree" / f".K{number:05}.part"
        part.write_bytes(message(number))
        part.rename(folder / "entree" / f"K{number:05}.hl7")


@contextmanager
def service(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "dispatcher", "-v", "--config", str(folder / "dispatcher.toml"), "run"],
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def unfinished(office: Office) -> int:
    """Files and dispatches not at an end yet."""
    with office.store.reading() as uow:
        files, dispatches = uow.files.counts(), uow.dispatches.counts()
    moving = sum(files.get(state, 0) for state in (FileState.WAITING, FileState.RECEIVED, FileState.READ))
    return moving + sum(count for state, count in dispatches.items() if state not in FINAL)


def wait_ready(log: Path, seen: int, process: subprocess.Popen[bytes]) -> None:
    """Until the service says it started (its own time does not count as a random moment)."""
    deadline = time.monotonic() + 30
    while log.read_bytes().count(b"service started") <= seen:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        assert time.monotonic() < deadline, "the service does not start"
        time.sleep(0.02)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of the engine asked for."""
    if request.config.getoption("--engine") == "sqlite":
        yield "sqlite:///state/dispatcher.sqlite3"
        return
    with postgresql(fsync=True) as server:
        yield server.url(server.create())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("workers", [1, 2])
def test_fifty_kills_lose_and_double_nothing(
    tmp_path: Path, database: str, workers: int, pytestconfig: pytest.Config
) -> None:
    kills = pytestconfig.getoption("--kills") // 2 if workers == 2 else pytestconfig.getoption("--kills")
    chance, log = random.Random(20261121 + workers), tmp_path / "service.log"
    log.touch()
    with SandboxOperator(tmp_path / "bac-a-sable", notice_delay=0.05) as operator:
        config = CONFIG.format(url=database, port=operator.port, workers=workers)
        lay_out(tmp_path, operator, config=config, now=now())
        drop(tmp_path, range(AT_START))
        waves = iter(range(AT_START, FILES, max(1, (FILES - AT_START) // max(1, kills - 1))))
        for _ in range(kills):
            first = next(waves, None)
            if first is not None:
                drop(tmp_path, range(first, min(FILES, first + max(1, (FILES - AT_START) // max(1, kills - 1)))))
            with service(tmp_path, log) as process:
                if chance.random() < 0.8:
                    wait_ready(log, log.read_bytes().count(b"service started"), process)
                time.sleep(chance.uniform(0.0, 1.2))
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        drop(tmp_path, range(next(waves, FILES), FILES))
        office = wiring.build(load(tmp_path / "dispatcher.toml"))
        with service(tmp_path, log) as process:
            deadline = time.monotonic() + 120
            time.sleep(1)
            while unfinished(office) or list((tmp_path / "entree").iterdir()):
                assert time.monotonic() < deadline, f"still moving: {state_of(office)}"
                time.sleep(0.25)
            time.sleep(1.5)  # the last notices
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        check(office, operator, tmp_path)
        office.close()


def state_of(office: Office) -> str:
    with office.store.reading() as uow:
        return f"{uow.files.counts()} {uow.dispatches.counts()}"


def check(office: Office, operator: SandboxOperator, folder: Path) -> None:
    """Count at the SMTP side and compare with what the store says."""
    accepted = Counter(json.loads(line)["message_id"] for line in operator.accepted_file.read_text().splitlines())
    with office.store.reading() as uow:
        dispatches = uow.dispatches.list(DispatchFilter(limit=10_000))
        files = uow.files.counts()
        lines, fault = uow.journal.verify()
    doubled = {message_id: count for message_id, count in accepted.items() if count > 1}
    assert doubled == {}
    assert len(dispatches) == FILES, "one dispatch per file, none lost, none doubled"
    assert {d.state for d in dispatches} <= FINAL, Counter(d.state for d in dispatches)
    never_arrived = {d.message_id for d in dispatches} - set(accepted)
    assert never_arrived == {d.message_id for d in dispatches if d.state is State.UNKNOWN}
    assert set(accepted) <= {d.message_id for d in dispatches}
    assert files.get(FileState.DONE, 0) == FILES
    assert files.get(FileState.QUARANTINED, 0) == 0
    assert not list((folder / "entree").iterdir())
    assert fault == ""
    assert lines > FILES
    print("accepted", len(accepted), "doubled", len(doubled), Counter(str(d.state) for d in dispatches))
