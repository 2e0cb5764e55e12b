"""SIGTERM with an operator that says nothing more: stopped within 30 seconds, nothing half done; then it goes on.

The service is the installed command; the operator is a few lines of the test, silent at a chosen moment.
"""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dispatcher.outbox.states import State
from tests.integration.laboratory import Installation, install
from tests.pki import pki

CHANNEL = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
domains = ["dest.test"]
host = "127.0.0.1"
port = {port}
tls = "{tls}"
server_name = "localhost"
ca_file = "ca.pem"
timeout_seconds = 60
connections = 2
conformance = "off"

[channels.pro.pace]
per_minute = {pace}
burst = {burst}

[channels.pro.batch]
every_minutes = 0.01
"""

HL7 = (
    "MSH|^~\\&|SIL|LABO|DISP|DISP|20261120101500||ORU^R01^ORU_R01|{number}|P|2.5|||||FRA|UNICODE UTF-8\r"
    "PID|1||{number}^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F\r"
    "OBR|1||{number}^LABO|NFS^Numération^L|||20261120080000|||||||||R1^TEST^Ana|||||||20261120101000||HM|F\r"
    "OBX|1|NM|718-7^Hémoglobine^LN||13.2|g/dL|12.0-16.0||||F\r"
)


class Operator:
    """Takes mails; says nothing any more at ``mute``: ``connect``, ``mail`` or ``final-dot``, or never."""

    def __init__(self, mute: str, folder: Path, *, tls: bool) -> None:
        self.mute = mute
        self.taken = 0
        self.reached = threading.Event()
        """A line is at the moment of silence."""
        self._end = threading.Event()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context is not None:
            server = pki().server
            (folder / "server.pem").write_bytes(server.chain_pem() + server.key_pem())
            self._context.load_cert_chain(folder / "server.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._end.set()
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError), line:
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
            with line, line.makefile("rb") as words:
                if self._silent("connect"):
                    return
                line.sendall(b"220 mute ESMTP\r\n")
                self._talk(line, words)

    def _talk(self, line: socket.socket, words: Iterable[bytes]) -> None:
        for word in words:
            verb = word.split(b":")[0].split()[0].upper()
            if verb == b"MAIL" and self._silent("mail"):
                return
            if verb == b"DATA":
                line.sendall(b"354 go\r\n")
                for text in words:
                    if text == b".\r\n":
                        break
                self.taken += 1
                if self._silent("final-dot"):
                    return
            line.sendall(b"250 ok\r\n" if verb != b"QUIT" else b"221 bye\r\n")

    def _silent(self, moment: str) -> bool:
        if self.mute != moment:
            return False
        self.reached.set()
        self._end.wait(120)
        return True


@contextmanager
def laboratory(
    folder: Path, operator: Operator, *, tls: bool = False, pace: int = 6000, burst: int = 100, count: int = 6
) -> Iterator[Installation]:
    channel = CHANNEL.format(port=operator.port, tls="tls" if tls else "none", pace=pace, burst=burst)
    labo = install(folder, pki(), channel=channel, local="R1;;;;lecteur@dest.test;Lecteur;;;;;\n")
    for number in range(count):
        (labo.inbox / f"{number}.hl7").write_text(HL7.format(number=f"T{number}"), encoding="utf-8", newline="")
    try:
        yield labo
    finally:
        labo.office.close()
        operator.close()


def service(labo: Installation, *more: str) -> subprocess.Popen[str]:
    with (labo.folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dispatcher", "-v", "--config", str(labo.config), "run", *more],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def stop(process: subprocess.Popen[str]) -> tuple[float, int]:
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(40)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(5)
        if process.stdout is not None:
            process.stdout.close()
    return time.monotonic() - started, code


def log_of(labo: Installation) -> str:
    return (labo.folder / "log").read_text(errors="replace")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mute", "tls", "arguments"),
    [
        ("final-dot", False, ("--workers", "1")),
        ("final-dot", True, ("--workers", "2")),
        ("final-dot", False, ("--once",)),
        ("mail", True, ("--workers", "1")),
        ("connect", False, ("--workers", "1")),
    ],
)
def test_an_operator_that_falls_silent_does_not_hold_a_stop_back(
    tmp_path: Path, mute: str, tls: bool, arguments: tuple[str, ...]
) -> None:
    operator = Operator(mute, tmp_path, tls=tls)
    with laboratory(tmp_path, operator, tls=tls) as labo:
        process = service(labo, *arguments)
        assert operator.reached.wait(40), log_of(labo)
        time.sleep(1.0)
        seconds, code = stop(process)
        assert seconds < 30, log_of(labo)
        if "--once" not in arguments:
            assert code == 0, log_of(labo)
        states = Counter(dispatch.state for dispatch in labo.dispatches())
        assert set(states) <= {State.UNKNOWN, State.QUEUED, State.READY, State.DEFERRED}, log_of(labo)
        assert states[State.UNKNOWN] == operator.taken, "exactly those whose final dot went out"
        assert (operator.taken > 0) is (mute == "final-dot")
        operator.mute = "never"
        labo.run()
        after = Counter(dispatch.state for dispatch in labo.dispatches())
        assert after[State.UNKNOWN] == states[State.UNKNOWN], "nothing is sent again blindly"
        assert operator.taken + after[State.DEFERRED] == 6
        with labo.office.store.reading() as uow:
            assert uow.journal.verify()[1] == ""


@pytest.mark.slow
def test_once_waits_for_the_pace_as_long_as_it_takes(tmp_path: Path) -> None:
    """Two at once, then one every six seconds: longer than a line is ready to wait at a time."""
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, pace=12, burst=2, count=5) as labo:
        process = service(labo, "--once", "--json")
        out, _ = process.communicate(timeout=90)
        assert process.returncode == 0, log_of(labo)
        assert json.loads(out)["sent"] == {"sent": 5}
        assert operator.taken == 5


def test_the_log_has_no_line_per_tick(tmp_path: Path) -> None:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=0) as labo:
        process = service(labo, "--workers", "1")
        deadline = time.monotonic() + 30
        while "service started" not in log_of(labo):
            assert time.monotonic() < deadline, log_of(labo)
            time.sleep(0.1)
        time.sleep(1.5)
        seconds, code = stop(process)
        assert (code, seconds < 10) == (0, True), log_of(labo)
        assert "apscheduler" not in log_of(labo)


@pytest.mark.slow
def test_a_second_service_is_refused_and_one_after_a_kill_starts_at_once(tmp_path: Path) -> None:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=0) as labo:
        command = [sys.executable, "-m", "dispatcher", "--config", str(labo.config), "run"]
        first = service(labo)
        try:
            assert first.stdout is not None and "Service démarré" in first.stdout.readline(), log_of(labo)
            second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (second.returncode, second.stdout) == (2, "")
            assert f"processus {first.pid}" in " ".join(second.stderr.split())
            first.kill()
            first.wait(5)
            third = service(labo)
            try:
                assert third.stdout is not None and "Service démarré" in third.stdout.readline(), log_of(labo)
                assert "waiting whether it lives" not in log_of(labo)
            finally:
                stop(third)
        finally:
            stop(first)
