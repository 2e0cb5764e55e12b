"""HL7 answers over real sockets: a server that takes, refuses, hangs, cuts; a service killed in between."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hl7apy.parser import parse_message

from dispatcher.errors import OurFault, OutcomeUnknown, TryLater
from dispatcher.formats.hl7.answers import acknowledgement
from dispatcher.outbox.states import State
from dispatcher.ports import AnswerState
from dispatcher.transport.mllp import MllpLine, MllpOptions
from dispatcher.transport.tls import TlsOptions
from dispatcher.wiring import Office
from tests.integration.laboratory import Installation, install
from tests.pki import pki
from tests.servers.mllp import MllpServer

MESSAGE = b"MSH|^~\\&|DISP|DISP|SIL|LABO|20260311100000||ACK^R01^ACK|%s|P|2.6\rMSA|AA|M1\r"
PATIENCE = 0.6


def message(control: str = "R1") -> bytes:
    return MESSAGE % control.encode()


def line_to(server: MllpServer, **options: object) -> MllpLine:
    values = {"host": "127.0.0.1", "port": server.port, "timeout_seconds": PATIENCE} | options
    return MllpLine(MllpOptions(**values))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ the line


@pytest.mark.parametrize("mode", ["AA", "AE", "split"])
def test_messages_and_their_acknowledgements_over_one_connection(mode: str) -> None:
    with MllpServer(mode) as server:
        line = line_to(server, timeout_seconds=5)
        said = [acknowledgement(line.give("x", message(f"R{number}")).decode()) for number in range(3)]
        line.close()
        assert [one.control_id for one in said if one] == server.taken == ["R0", "R1", "R2"]
        assert {one.code for one in said if one} == {"AE" if mode == "AE" else "AA"}
        assert server.connections == 1


@pytest.mark.parametrize("mode", ["hang", "drip", "cut"])
def test_a_message_that_is_not_acknowledged_is_unknown(mode: str) -> None:
    with MllpServer(mode) as server:
        line = line_to(server)
        with pytest.raises(OutcomeUnknown):
            line.give("x", message())
        assert server.taken == ["R1"]
        server.mode = "AA"
        assert line.give("x", message("R2")), "a new connection: what comes late on the old one is nobody's answer"
        assert server.connections == 2
        line.close()


def test_what_is_no_acknowledgement_is_told_apart() -> None:
    with MllpServer("garbage") as server:
        line = line_to(server)
        assert acknowledgement(line.give("x", message()).decode()) is None
        line.close()


def test_a_connection_closed_in_between_is_opened_again_and_nothing_is_doubled() -> None:
    with MllpServer("close-after") as server:
        line = line_to(server, timeout_seconds=5)
        line.give("x", message("R1"))
        until(lambda: _closed(line))
        line.give("x", message("R2"))
        line.close()
        assert server.taken == ["R1", "R2"] and server.connections == 2


def _closed(line: MllpLine) -> bool:
    connected = line._line
    assert connected is not None
    connected.settimeout(1)
    return connected.recv(1, socket.MSG_PEEK) == b""


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TryLater, match="connexion refusée"):
        MllpLine(MllpOptions(host="127.0.0.1", port=port)).give("x", message())


def test_a_name_that_does_not_exist_is_ours_to_mend() -> None:
    with pytest.raises(OurFault, match="nom inconnu"):
        MllpLine(MllpOptions(host="nulle-part.invalid", port=2575)).give("x", message())


def test_over_tls_the_name_of_the_server_is_checked(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(pki().server.chain_pem() + pki().server.key_pem())
    (tmp_path / "ca.pem").write_bytes(pki().authority.trust_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with MllpServer(tls=context) as server:
        good = TlsOptions(ca_file=tmp_path / "ca.pem", server_name="localhost")
        line = line_to(server, tls=good, timeout_seconds=5)
        assert line.give("x", message()) and line.give("x", message("R2"))
        line.close()
        wrong = TlsOptions(ca_file=tmp_path / "ca.pem", server_name="autre.test")
        with pytest.raises(OurFault, match="certificat"):
            line_to(server, tls=wrong, timeout_seconds=5).give("x", message())
        assert server.taken == ["R1", "R2"] and server.connections == 2


# ------------------------------------------------------------------------------------------------ the service

CHANNEL = """
[channels.pro]
family = "apicrypt"
transport = "folder"
folder = "partis"
sender = "resultats@labo.test"
domains = ["dest.test"]
tls = "none"
conformance = "off"

[channels.pro.pace]
per_minute = 6000

[channels.pro.batch]
every_minutes = 0.01

[sources.sil.answers]
folder = "retour"
formats = ["hl7", "csv"]
statements = false
retry_minutes = 0.02

[sources.sil.answers.mllp]
host = "127.0.0.1"
port = {port}
timeout_seconds = {timeout}
"""

HL7 = (
    "MSH|^~\\&|SIL|LABO|DISP|DISP|20261120101500||ORU^R01^ORU_R01|{number}|P|2.5|||||FRA|UNICODE UTF-8\r"
    "PID|1||{number}^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F\r"
    "OBR|1||{number}^LABO|NFS^Numération^L|||20261120080000|||||||||R1^TEST^Ana|||||||20261120101000||HM|F\r"
    "OBX|1|NM|718-7^Hémoglobine^LN||13.2|g/dL|12.0-16.0||||F\r"
)
COUNT = 12


@pytest.fixture
def server() -> object:
    with MllpServer("hang") as one:
        yield one


def laboratory(folder: Path, server: MllpServer, timeout: float = 30) -> Installation:
    channel = CHANNEL.format(port=server.port, timeout=timeout)
    installation = install(folder, pki(), channel=channel, local="R1;sil;;;ana@dest.test;Dr Test;;pro;;;\n", lease=3)
    (folder / "retour").mkdir()
    return installation


def start(installation: Installation) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dispatcher", "--config", str(installation.config), "run"]
    with (installation.folder / "service.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=installation.folder)


def until(wanted: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, "not within the time a slow machine needs"
        time.sleep(0.05)


def test_a_service_killed_while_the_lis_hangs_tells_everything_once_it_is_back(
    tmp_path: Path, server: MllpServer
) -> None:
    installation = laboratory(tmp_path / "labo", server)
    installation.office.close()
    for number in range(COUNT):
        (installation.inbox / f"r{number}.hl7").write_text(HL7.format(number=f"M{number}"), encoding="utf-8")
    service = start(installation)
    try:
        until(server.reached.is_set)
        retour = installation.folder / "retour"
        until(lambda: sum("sent" in one.read_text(encoding="utf-8") for one in retour.glob("*.csv")) > 0)
        service.send_signal(signal.SIGKILL)
        service.wait(10)
        server.mode = "AA"
        service = start(installation)
        office = installation.open()
        until(lambda: _due(office) == 0 and _said(office) == 2 * COUNT + _left(office) and _settled(office))
        sent = _left(office)
    finally:
        service.terminate()
        service.wait(40)
    given = Counter(server.taken)
    assert len(given) == COUNT, "every file was acknowledged"
    doubled = [control for control, times in given.items() if times > 1]
    assert len(doubled) <= 1 and given.most_common(1)[0][1] == 2, "only the one whose outcome was unknown, same id"
    assert {re.search(r"MSA\|AA\|(M\d+)", one)[1] for one in server.messages} == {f"M{n}" for n in range(COUNT)}  # type: ignore[index]
    for one in server.messages:
        assert [child.name for child in parse_message(one, find_groups=False).children] == ["MSH", "MSA"]
    lines = [row for file in retour.glob("*.csv") for row in file.read_text(encoding="utf-8").splitlines()[1:]]
    assert Counter(row.split(";")[2] for row in lines) == {"taken": COUNT, "sent": sent}
    assert sent >= COUNT - 2, "a mail in hand at the kill is unknown, and nobody is told that it was sent"
    ids = [row.split(";")[0] for row in lines]
    assert len(set(ids)) == len(ids)
    text = "".join(lines) + "".join(server.messages)
    assert "Zoé" not in text and "1980" not in text and "13.2" not in text
    assert not [path for path in retour.iterdir() if path.name.startswith(".")]
    with office.store.reading() as uow:
        assert uow.journal.verify()[1] == ""
    office.close()


def _due(office: Office) -> int:
    with office.store.reading() as uow:
        return sum(count for count, _ in uow.answers.waiting().values())


def _left(office: Office) -> int:
    with office.store.reading() as uow:
        return uow.dispatches.counts()[State.SENT]


def _settled(office: Office) -> bool:
    with office.store.reading() as uow:
        counts = uow.dispatches.counts()
    return counts[State.SENT] + counts[State.UNKNOWN] == COUNT


def _said(office: Office) -> int:
    with office.store.reading() as uow:
        return len(uow.answers.list(states=(AnswerState.SENT,), limit=1000))


def test_once_gives_what_it_can_and_tells_what_it_cannot(tmp_path: Path, server: MllpServer) -> None:
    server.mode = "cut"
    installation = laboratory(tmp_path / "labo", server)
    installation.office.close()
    (installation.inbox / "r1.hl7").write_text(HL7.format(number="M1"), encoding="utf-8")
    command = [sys.executable, "-m", "dispatcher", "--config", str(installation.config), "run", "--once", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=120, env=os.environ | {"PYTHONUTF8": "1"}, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["answered"] == 2
    assert any("avant l'acquittement" in fault for fault in told["faults"])
