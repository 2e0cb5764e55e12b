"""``/metrics``, ``/health`` and ``/ready`` of a running service: what they say is what happened, also after a kill."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dispatcher.alarms.alarm import CODES
from tests.integration.laboratory import Installation
from tests.integration.test_stop_and_restart import HL7, Operator, laboratory, log_of, service, stop

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def told(port: int, path: str) -> tuple[int, dict[str, Any]]:
    status, content = ask(port, path)
    return status, json.loads(content)


def series(port: int) -> Series:
    _, content = ask(port, "/metrics")
    families = text_string_to_metric_families(content.decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(found: Series, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


def until(what: Callable[[], bool], labo: Installation, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if what():
                return
        except (OSError, KeyError):
            pass
        assert time.monotonic() < deadline, log_of(labo)[-3000:]
        time.sleep(0.2)


@contextmanager
def served(labo: Installation, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    with labo.config.open("a", encoding="utf-8") as config:
        config.write(f"\n[metrics]\nport = {port}\n")
    process = service(labo, *more)
    try:
        yield process, port
    finally:
        stop(process)


def sent(port: int) -> float:
    return value(series(port), "dispatcher_moves_total", channel="pro", state="sent")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_told_is_what_happened(tmp_path: Path, workers: str) -> None:
    """With several processes too: what each measures is added up."""
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=3) as labo, served(labo, "--workers", workers) as (_, port):
        until(lambda: sent(port) == 3 and value(series(port), "dispatcher_queue", channel="pro") == 0, labo)
        found = series(port)
        assert value(found, "dispatcher_files_received_total", source="sil") == 3
        assert value(found, "dispatcher_files_ended_total", state="done") == 3
        assert sum(number for (name, _), number in found.items() if name == "dispatcher_reports_read_total") == 3
        assert ("dispatcher_reports_read_total", (("status", "other"),)) not in found
        assert value(found, "dispatcher_dispatches_made_total", channel="pro") == 3
        assert value(found, "dispatcher_receipts_total", channel="pro", kind="smtp") == 3
        assert value(found, "dispatcher_pace_grants_total", channel="pro") == 3
        assert value(found, "dispatcher_dispatches", channel="pro", state="sent") == 3
        assert value(found, "dispatcher_refusals_total", **{"channel": "pro", "class": "permanent"}) == 0
        assert value(found, "dispatcher_handover_seconds_count", channel="pro", outcome="accepted") == 3
        assert value(found, "dispatcher_commit_seconds_count") > 3
        assert value(found, "dispatcher_workers") == (1 if workers == "1" else 3)
        assert value(found, "dispatcher_nodes", state="living") == 1
        assert value(found, "dispatcher_database_bytes") > 4096
        assert value(found, "dispatcher_store_reachable") == 1
        assert value(found, "dispatcher_key_expiry_days", kind="signing", owner="mss") > 0
        assert {name for name, _ in found if "@" in name or "dest.test" in name} == set()
        assert "dest.test" not in ask(port, "/metrics")[1].decode(), "no domain, no address"


def test_after_a_kill_nothing_is_missing_and_nothing_counted_twice(tmp_path: Path) -> None:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=2) as labo:
        with served(labo) as (process, port):
            until(lambda: sent(port) == 2, labo)
            until((labo.folder / "state/metrics.json").is_file, labo)
            process.kill()
            process.wait(10)
        for number in (7, 8):
            (labo.inbox / f"{number}.hl7").write_text(HL7.format(number=f"T{number}"), encoding="utf-8", newline="")
        labo.run()  # by somebody else, while no service is there to see it
        again = service(labo)
        try:
            until(lambda: ask(port, "/health")[0] == 200, labo)
            assert sent(port) == 4
        finally:
            stop(again)


def test_ready_says_by_which_alarms_it_is_not(tmp_path: Path) -> None:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=0) as labo, served(labo) as (_, port):
        until(lambda: told(port, "/health") == (200, {"live": True, "reasons": [], "version": _version()}), labo)
        until(lambda: "starting" not in told(port, "/ready")[1]["reasons"], labo)
        status, before = told(port, "/ready")
        assert (status, before["ready"]) == ((503, False) if before["reasons"] else (200, True))
        assert "local-table" not in before["reasons"]
        (labo.folder / "tables/destinataires.csv").write_text("faux\n", encoding="utf-8")
        until(lambda: "local-table" in told(port, "/ready")[1]["reasons"], labo)
        status, after = told(port, "/ready")
        assert (status, after["ready"]) == (503, False)
        assert set(after["reasons"]) <= set(CODES)
        assert value(series(port), "dispatcher_alarms", code="local-table") == 1
        assert ask(port, "/nothing")[0] == 404


def _version() -> str:
    from dispatcher import __version__

    return __version__


def test_without_the_setting_nobody_listens_and_a_port_taken_stops_no_result(tmp_path: Path) -> None:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=1) as labo, socket.create_server(("127.0.0.1", 0)) as taken:
        with labo.config.open("a", encoding="utf-8") as config:
            config.write(f"\n[metrics]\nport = {taken.getsockname()[1]}\n")
        process = service(labo)
        try:
            until(lambda: operator.taken == 1, labo)
            assert "cannot be had" in log_of(labo)
        finally:
            stop(process)
        text = labo.config.read_text(encoding="utf-8").partition("[metrics]")[0]
        labo.config.write_text(text, encoding="utf-8")
        process = service(labo)
        try:
            until(lambda: log_of(labo).count("service started") == 2, labo)
            assert "metrics: http" not in log_of(labo)
        finally:
            stop(process)
