"""The Windows service with stand-ins for pywin32's modules: what it is asked for, and what the service does with it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from dispatcher.daemon import windows
from dispatcher.errors import ConfigError


class Calls(list[tuple[str, tuple[Any, ...], dict[str, Any]]]):
    def note(self, name: str, answer: Any = None) -> Any:
        def do(*args: Any, **more: Any) -> Any:
            self.append((name, args, more))
            return answer

        return do

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """pywin32 as its documentation has it; the registry is a dict, the service is not installed."""
    found, registry = Calls(), dict[str, str]()

    class WinError(Exception):
        pass

    class Framework:
        def __init__(self, args: Any) -> None:
            self.told: list[int] = []

        def ReportServiceStatus(self, state: int, **_: Any) -> None:
            self.told.append(state)

    def query(name: str) -> tuple[int, int]:
        if "InstallService" not in found.names or "RemoveService" in found.names:
            raise WinError(1060, "QueryServiceStatus", "no such service")
        return (16, 4 if "RestartService" in found.names else 1)

    util = SimpleNamespace(
        ServiceFramework=Framework,
        QueryServiceStatus=query,
        SetServiceCustomOption=lambda service, name, value: registry.__setitem__(name, value),
        GetServiceCustomOption=lambda service, name: registry[name],
        **{
            name: found.note(name)
            for name in ("InstallService", "ChangeServiceConfig", "RestartService", "StopService", "RemoveService")
        },
    )
    constants = SimpleNamespace(SERVICE_AUTO_START=2, SERVICE_RUNNING=4, SERVICE_STOP_PENDING=3)
    manager = SimpleNamespace(LogInfoMsg=found.note("LogInfoMsg"), LogErrorMsg=found.note("LogErrorMsg"))
    parts = {
        "win32serviceutil": util,
        "win32service": constants,
        "servicemanager": manager,
        "pywintypes": SimpleNamespace(error=WinError),
    }
    for name, part in parts.items():
        module = ModuleType(name)
        module.__dict__.update(vars(part))
        monkeypatch.setitem(sys.modules, name, module)
    return found


def test_install_again_start_and_remove(calls: Calls) -> None:
    config = Path("C:/dispatcher/dispatcher.toml")
    assert windows.status() == {"installed": False, "enabled": "unknown", "active": "unknown"}
    assert "en marche" in windows.install(config, start=True)
    name, args, more = calls[0]
    assert (name, args) == ("InstallService", ("dispatcher.daemon.windows.Service", "dispatcher"))
    assert more["startType"] == 2 and more["delayedstart"] is True
    assert windows.status() == {"installed": True, "enabled": "enabled", "active": "active"}
    windows.install(config, start=False)
    assert calls.names == ["InstallService", "RestartService", "ChangeServiceConfig"]
    assert "retiré" in windows.remove()
    assert calls.names[-2:] == ["StopService", "RemoveService"]
    assert "Aucun service" in windows.remove()


def test_dry_run_asks_windows_nothing(calls: Calls) -> None:
    assert "dispatcher.toml" in windows.install(Path("dispatcher.toml"), start=True, dry_run=True)
    assert calls == []


def test_the_service_runs_the_configuration_of_the_registry_and_ends_when_asked(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows.install(Path("/somewhere/dispatcher.toml"), start=False)
    service = windows.Service(["dispatcher"])
    seen: list[Path] = []
    stopped: list[bool] = []

    def run(self: windows.Running, started: Any) -> None:
        seen.append(self._config)
        self._stop = lambda: stopped.append(True)
        started()

    monkeypatch.setattr(windows.Running, "run", run)
    service.SvcDoRun()
    service.SvcStop()
    assert seen == [Path("/somewhere/dispatcher.toml")]
    assert service.told == [4, 3], "running, then stopping"
    assert stopped == [True]


@pytest.mark.parametrize(
    ("error", "told"),
    [(ConfigError("Mme ESSAI"), ConfigError("x").code), (ValueError("Mme ESSAI"), "ValueError at")],
    ids=["ours", "unforeseen"],
)
def test_a_service_that_fails_says_so_without_quoting(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    windows.install(Path("d.toml"), start=False)

    def fail(self: windows.Running, started: Any) -> None:
        raise error

    monkeypatch.setattr(windows.Running, "run", fail)
    with pytest.raises(SystemExit):
        windows.Service([]).SvcDoRun()
    name, (text,), _ = calls[-1]
    assert name == "LogErrorMsg" and told in text and "ESSAI" not in text


def test_a_stop_before_the_start_is_not_forgotten() -> None:
    running = windows.Running(Path("d.toml"))
    running.stop()
    assert running._stopped


def test_without_pywin32_the_extra_is_named() -> None:
    with pytest.raises(ConfigError) as error:
        windows.part("win32serviceutil_that_is_not_there")
    assert "windows" in error.value.hint
