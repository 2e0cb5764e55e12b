"""The service on Windows, by pywin32 (``pip install dispatcher-labo[windows]``).

Written from pywin32's documentation and tried with stand-ins for its modules only: on Windows itself it is to be tried
before it is relied on (docs/installation.md says so).
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from dispatcher.errors import ConfigError, DispatcherError
from dispatcher.service.internal import place

log = logging.getLogger(__name__)

NAME, TITLE = "dispatcher", "Dispatcher : envoi des résultats de laboratoire"
CONFIG = "ConfigFile"
"""Where the registry keeps which configuration the service runs with."""
STOP_MS = 40_000
"""How long Windows is asked to wait for the end; the service ends within 30 seconds."""
STATES = {1: "stopped", 2: "starting", 3: "stopping", 4: "active", 5: "resuming", 6: "pausing", 7: "paused"}
NO_SUCH_SERVICE = 1060


def part(name: str) -> Any:
    """A module of pywin32. Raises :class:`ConfigError`."""
    try:
        return import_module(name)
    except ImportError as error:
        hint = "« pip install dispatcher-labo[windows] », sur Windows."
        raise ConfigError("pywin32 n'est pas installé.", hint=hint) from error


def install(config: Path, *, start: bool, dry_run: bool = False) -> str:
    """Make or renew the service; gives what was done, in French."""
    if dry_run:
        return f"Service Windows « {NAME} » : {sys.executable}, configuration {config}, démarrage automatique différé."
    util, service = part("win32serviceutil"), part("win32service")
    told = {"displayName": TITLE, "description": TITLE, "startType": service.SERVICE_AUTO_START, "delayedstart": True}
    where = f"{__name__}.Service"
    if status()["installed"]:
        util.ChangeServiceConfig(where, NAME, **told)
    else:
        util.InstallService(where, NAME, **told)
    util.SetServiceCustomOption(NAME, CONFIG, str(config))
    if start:
        util.RestartService(NAME)
    return f"Service Windows « {NAME} » installé" + (", en marche." if start else ".")


def remove() -> str:
    """Stop it, take it away."""
    util = part("win32serviceutil")
    found = status()
    if not found["installed"]:
        return f"Aucun service « {NAME} »."
    if found["active"] != "stopped":
        util.StopService(NAME)
    util.RemoveService(NAME)
    return "Service retiré. Configuration, base et clés restent en place."


def status() -> dict[str, Any]:
    """As the command tells it."""
    util, winerror = part("win32serviceutil"), part("pywintypes")
    try:
        state = int(util.QueryServiceStatus(NAME)[1])
    except winerror.error as error:
        if error.args[0] != NO_SUCH_SERVICE:
            raise ConfigError(f"Windows ne répond pas du service « {NAME} » (code {error.args[0]}).") from error
        return {"installed": False, "enabled": "unknown", "active": "unknown"}
    return {"installed": True, "enabled": "enabled", "active": STATES.get(state, "unknown")}


class Running:
    """What the service does, apart from how Windows asks for it."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._stop: Callable[[], None] | None = None
        self._stopped = False

    def run(self, started: Callable[[], object]) -> None:
        """Until :meth:`stop`. Raises :class:`DispatcherError`."""
        from dispatcher import wiring
        from dispatcher.daemon import logs
        from dispatcher.daemon.run import Daemon
        from dispatcher.settings import load

        # The interpreter that Windows starts services in starts no others.
        multiprocessing.set_executable(str(Path(sys.exec_prefix) / "python.exe"))
        settings = load(self._config)
        logs.configure(settings.log)
        office = wiring.build(settings, upgrade=True)
        daemon = Daemon(office, self._config, settings.service.workers)
        self._stop = daemon.stop
        if self._stopped:
            daemon.stop()
        daemon.run(started)

    def stop(self) -> None:
        """From any thread, at any time."""
        self._stopped = True
        if self._stop is not None:
            self._stop()


def service_class() -> type[Any]:
    """The class Windows' service manager asks for; made where pywin32 is."""
    util, service, manager = part("win32serviceutil"), part("win32service"), part("servicemanager")

    class Service(util.ServiceFramework):  # type: ignore[misc, name-defined]  # known at run time only
        _svc_name_, _svc_display_name_, _svc_description_ = NAME, TITLE, TITLE

        def __init__(self, args: Any) -> None:
            super().__init__(args)
            self.running = Running(Path(util.GetServiceCustomOption(NAME, CONFIG)))

        def SvcDoRun(self) -> None:  # noqa: N802 - the library's name
            manager.LogInfoMsg(f"{NAME}: starting")
            try:
                self.running.run(lambda: self.ReportServiceStatus(service.SERVICE_RUNNING))
            except DispatcherError as error:
                manager.LogErrorMsg(f"{NAME}: {error.code}")
                raise SystemExit(1) from None
            except Exception as error:
                manager.LogErrorMsg(f"{NAME}: unexpected {place(error)}")
                raise SystemExit(1) from None
            manager.LogInfoMsg(f"{NAME}: stopped")

        def SvcStop(self) -> None:  # noqa: N802 - the library's name
            self.ReportServiceStatus(service.SERVICE_STOP_PENDING, waitHint=STOP_MS)
            self.running.stop()

        SvcShutdown = SvcStop

    return Service


def __getattr__(name: str) -> Any:
    """``Service``: looked up in this module by Windows' service host."""
    if name == "Service":
        return service_class()
    raise AttributeError(name)
