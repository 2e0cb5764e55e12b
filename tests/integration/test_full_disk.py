"""A disk that takes no more, under a running service: told once in the log, and the service goes on afterwards."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.outbox.states import State
from tests.integration.laboratory import install
from tests.integration.test_stop_and_restart import HL7, stop
from tests.pki import pki

CHANNEL = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
domains = ["dest.test"]
transport = "folder"
folder = "sortie"
conformance = "off"

[channels.pro.batch]
every_minutes = 0.01
"""
LASTS = 6.0
"""Seconds; a line a second of each tick and thread would be many dozens."""


def wait(met: Callable[[], object], log: list[str]) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, "".join(log)
        time.sleep(0.1)


@pytest.mark.slow
def test_a_full_disk_is_told_once_and_the_service_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """Full for the service only, by a limit on its files; its log is a pipe."""
    labo = install(tmp_path, pki(), channel=CHANNEL, local="R1;;;;lecteur@dest.test;Lecteur;;;;;\n")
    command = [sys.executable, "-m", "dispatcher", "--config", str(labo.config), "run"]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log: list[str] = []
    assert service.stdout is not None
    reader = threading.Thread(target=log.extend, args=(service.stdout,), daemon=True)
    reader.start()
    try:
        wait(lambda: "service started" in "".join(log), log)
        limits = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        (labo.inbox / "1.hl7").write_text(HL7.format(number="T1"), encoding="utf-8", newline="")
        wait(lambda: "source sil" in "".join(log), log)
        time.sleep(LASTS)
        faults = Counter(line.partition(" ERROR ")[2] for line in log if " ERROR " in line)
        assert faults and set(faults.values()) == {1}, faults
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, limits)
        wait(lambda: labo.dispatches(states=(State.SENT,)), log)
    finally:
        stop(service)
        reader.join(5)
        labo.office.close()
