"""``dispatcher service``, ``init --system``: the unit is sound and closed, and allows what the service needs."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli import service_unit
from dispatcher.cli.main import app
from dispatcher.cli.service_unit import Unit, quoted
from dispatcher.daemon.health import LIVES, Pulse
from dispatcher.settings import load
from dispatcher.settings.places import FILES, FOLDERS, paths
from tests.integration.laboratory import Installation
from tests.integration.test_stop_and_restart import Operator, laboratory, log_of, service, stop
from tests.needs import needs_program

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
  *is-active*) echo {active}; [ {active} = active ];;
  *is-enabled*) echo enabled;;
  *restart*) exit {restart};;
esac
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


@pytest.fixture
def labo(tmp_path: Path) -> Iterator[Installation]:
    operator = Operator("never", tmp_path, tls=False)
    with laboratory(tmp_path, operator, count=2) as found:
        yield found


@contextmanager
def fake_systemctl(
    folder: Path, monkeypatch: pytest.MonkeyPatch, active: str = "active", restart: int = 0
) -> Iterator[Path]:
    calls, program = folder / "calls", folder / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL.format(calls=calls, active=active, restart=restart), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    yield calls


# ------------------------------------------------------------------------------------------------ the unit


def unit_file(labo: Installation, folder: Path, *, user: bool = False) -> Path:
    path = folder / "dispatcher.service"
    python = Path("/usr/bin/python3")  # that of a developer may lie in a home, which would then stay open
    unit = Unit(config=labo.config, settings=load(labo.config), user=user, python=python)
    path.write_text(unit.text(), encoding="utf-8")
    return path


@pytest.mark.parametrize("user", [False, True], ids=["system", "user"])
def test_systemd_takes_the_unit(labo: Installation, tmp_path: Path, user: bool) -> None:
    needs_program("systemd-analyze", "systemd")
    path = unit_file(labo, tmp_path, user=user)
    command = ["systemd-analyze", *(["--user"] if user else []), "verify", str(path)]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_is_closed(labo: Installation, tmp_path: Path) -> None:
    """The score that docs/installation.md gives, or better."""
    needs_program("systemd-analyze", "systemd")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit_file(labo, tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert score is not None, done.stdout + done.stderr
    page = (Path(__file__).parents[2] / "docs/installation.md").read_text(encoding="utf-8")
    told = re.search(r"\*\*(\d),(\d)\*\*", page)
    assert told is not None and float(score[1]) <= float(f"{told[1]}.{told[2]}")


def test_the_service_writes_only_where_the_unit_lets_it(labo: Installation) -> None:
    def stamps() -> dict[Path, int]:
        return {one: one.stat().st_mtime_ns for one in labo.folder.rglob("*") if one.is_file() and one.name != "log"}

    labo.office.close()
    with labo.config.open("a", encoding="utf-8") as config:
        config.write('\n[log]\nfile = "journal/dispatcher.log"\n[metrics]\nport = 1\nhost = "256.0.0.1"\n')
    allowed, before = Unit(config=labo.config, settings=load(labo.config)).folders(), stamps()
    process = service(labo)
    try:
        _until_done(labo)
    finally:
        stop(process)
    after = stamps()
    changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
    assert len(changed) > 3, log_of(labo)
    assert {one for one in changed if not any(folder in one.parents for folder in allowed)} == set()
    assert labo.folder not in allowed and labo.folder / "keys" not in allowed
    labo.open()


def _until_done(labo: Installation) -> None:
    from tests.integration.test_metrics_health import until

    until(lambda: not any(labo.inbox.iterdir()), labo)
    until(lambda: "is sent" in (labo.folder / "journal/dispatcher.log").read_text(encoding="utf-8"), labo)


def test_the_paths_found_are_those_of_the_file(labo: Installation) -> None:
    found = dict(paths(load(labo.config)))
    assert found["sources.folder"] == labo.folder / "entree"
    assert found["keys.master"] == labo.folder / "keys/master.key"


@pytest.mark.parametrize(
    ("path", "text"),
    [("/srv/labo", "/srv/labo"), ("/srv/le labo", '"/srv/le labo"'), ("/a%b$c", "/a%%b$$c"), ('/a"b', '"/a\\"b"')],
    ids=["plain", "blank", "specifier", "quote"],
)
def test_a_path_is_written_as_systemd_reads_it(path: str, text: str) -> None:
    assert quoted(Path(path)) == text


def test_a_unit_for_postgresql_waits_for_it_and_home_is_closed_unless_used(labo: Installation) -> None:
    settings = load(labo.config)
    remote = settings.model_copy(update={"store": settings.store.model_copy(update={"url": "postgresql+psycopg:///x"})})
    text = Unit(config=Path("/etc/d.toml"), settings=remote, python=Path("/usr/bin/python3")).text()
    assert "postgresql.service" in text and "ProtectHome=yes" in text
    assert "LimitNOFILE=65536" in text
    text = Unit(config=Path("/home/labo/d.toml"), settings=remote, python=Path("/usr/bin/python3")).text()
    assert "ProtectHome=read-only" in text


def test_homes_stay_open_for_a_python_that_is_only_linked_to(
    labo: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed, the service could not even start."""
    home, linked = tmp_path / "home", tmp_path / "venv" / "bin" / "python"
    for folder in (home / "labo", linked.parent):
        folder.mkdir(parents=True)
    (home / "labo" / "python3").touch()
    linked.symlink_to(home / "labo" / "python3")
    monkeypatch.setattr(service_unit, "HOMES", (home,))
    unit = Unit(config=Path("/etc/d.toml"), settings=load(labo.config), python=linked)
    assert "ProtectHome=read-only" in unit.text()
    elsewhere = Path("/usr/bin/python3")
    assert "ProtectHome=yes" in replace(unit, python=elsewhere).text()
    monkeypatch.setattr(sys, "executable", str(elsewhere))
    monkeypatch.setattr(sys, "base_prefix", str(home / "labo"))
    assert "ProtectHome=read-only" in replace(unit, python=elsewhere).text(), "its libraries lie there"


# ------------------------------------------------------------------------------------------------ systemd's socket


def test_the_service_tells_systemd_how_it_is(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0dispatcher-test-{os.getpid()}")
        listener.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@dispatcher-test-{os.getpid()}")
        process = service(labo)
        try:
            assert listener.recv(100) == b"READY=1"
            assert listener.recv(100) == b"WATCHDOG=1"
        finally:
            stop(process)
        told = [listener.recv(100)]
        while told[-1] == b"WATCHDOG=1":
            told.append(listener.recv(100))
        assert told[-1] == b"STOPPING=1"


def test_what_stands_still_is_not_alive() -> None:
    now, working = [0.0], [True]
    pulse = Pulse(lambda: now[0], lambda: working[0])
    now[0] = LIVES
    assert pulse.faults() == []
    now[0] += 1
    assert pulse.faults() == ["ticks"]
    pulse.beat()
    working[0] = False
    assert pulse.faults() == [], "a worker is started again within seconds"
    now[0] += LIVES + 1
    pulse.beat()
    assert pulse.faults() == ["workers"]
    working[0] = True
    assert pulse.faults() == []


# ------------------------------------------------------------------------------------------------ the command


def test_dry_run_shows_the_unit_and_writes_nothing(labo: Installation, tmp_path: Path) -> None:
    result = call("--config", str(labo.config), "service", "install", "--dry-run", "--unit-folder", str(tmp_path / "u"))
    assert result.exit_code == 0, result.output
    assert result.stdout == Unit(config=labo.config, settings=load(labo.config)).text()
    assert not (tmp_path / "u").exists()


def test_install_status_remove(labo: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    units = tmp_path / "units"
    units.mkdir()
    common = ("--user", "--unit-folder", str(units))
    config = ("--config", str(labo.config), "service")
    with fake_systemctl(tmp_path, monkeypatch) as calls:
        result = call(*config, "install", *common)
        assert result.exit_code == 0, result.output
        assert "enable-linger" in result.output
        text = (units / "dispatcher.service").read_text(encoding="utf-8")
        assert "WantedBy=default.target" in text and "User=" not in text
        assert calls.read_text(encoding="utf-8").splitlines() == [
            "--user daemon-reload",
            "--user enable dispatcher.service",
            "--user restart dispatcher.service",
        ]
        result = call(*config, "status", *common, "--json")
        told = json.loads(result.stdout)
        assert (result.exit_code, told["installed"], told["enabled"], told["active"]) == (0, True, "enabled", "active")
        assert call(*config, "remove", *common).exit_code == 0
        assert not (units / "dispatcher.service").exists()
        assert "disable --now dispatcher.service" in calls.read_text(encoding="utf-8")
        assert "Aucun service" in call(*config, "remove", *common).output


def test_what_systemd_refuses_is_told(labo: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    common = ("--user", "--unit-folder", str(tmp_path))
    with fake_systemctl(tmp_path, monkeypatch, active="failed", restart=3):
        result = call("--config", str(labo.config), "service", "install", *common)
        assert result.exception is not None and "restart" in str(result.exception)
        assert call("--config", str(labo.config), "service", "status", *common).exit_code == 1


def test_an_account_that_is_missing_is_told_before_anything_is_written(labo: Installation, tmp_path: Path) -> None:
    result = call(
        "--config", str(labo.config), "service", "install", "--account", "nobody-at-all", "--unit-folder", str(tmp_path)
    )
    assert result.exception is not None and "n'existe pas" in str(result.exception)
    assert not (tmp_path / "dispatcher.service").exists()


# ------------------------------------------------------------------------------------------------ the whole machine


def test_init_system_lays_out_as_debian_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    root = tmp_path / "root"
    result = call("init", "--system", "--root", str(root))
    assert result.exit_code == 0, result.output
    config = root / "etc/dispatcher/dispatcher.toml"
    settings = load(config)
    below = {"etc/dispatcher", "var/lib/dispatcher", "var/log/dispatcher"}
    for place, path in paths(settings):
        inside = next((one for one in below if path.is_relative_to(root / one)), None)
        assert inside is not None, f"{place} = {path}"
        written = place in FOLDERS | FILES
        assert (inside != "etc/dispatcher") if written else True, f"{place} is written, and stands in /etc"
    assert all(folder.is_relative_to(root / "var") for folder in Unit(config=config, settings=settings).folders())
    assert settings.store.url.endswith(f"{root}/var/lib/dispatcher/state/dispatcher.sqlite3")
    for path in [root / "etc/dispatcher", *(root / "etc/dispatcher").rglob("*")]:
        assert path.stat().st_mode & 0o007 == 0, f"{path} is everybody's"
    assert (root / "var/lib/dispatcher/entree").stat().st_mode & 0o7777 == 0o2770, "the LIS is of the group"
    check = call("--config", str(config), "check", "--offline", "--json")
    assert [one for one in json.loads(check.stdout) if one["severity"] == "error"] == []
    again = call("init", "--system", "--root", str(root))
    assert again.exception is not None and "existe déjà" in str(again.exception)


@pytest.mark.parametrize("arguments", [(), ("labo", "--system")], ids=["neither", "both"])
def test_a_folder_or_the_machine(arguments: tuple[str, ...]) -> None:
    result = call("init", *arguments)
    assert result.exception is not None and "--system" in str(result.exception)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root: files are given to another")
def test_what_the_service_writes_is_its_own_and_what_it_reads_is_not(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert call("init", "--system", "--root", str(root), "--account", "nobody").exit_code == 0
    assert {one.owner() for one in (root / "var/lib/dispatcher").rglob("*")} == {"nobody"}
    assert {one.owner() for one in (root / "etc/dispatcher").rglob("*")} == {"root"}
