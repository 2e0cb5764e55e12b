"""The systemd unit of an installation, hardened: it may write where the configuration says, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatcher.settings import Settings
from dispatcher.settings.places import paths, written
from dispatcher.store.copies import sqlite_file

WATCHDOG_SECONDS = 180
"""Told every five seconds while it goes round (``daemon/vitals.py``), not told from a minute of standing still on."""
STOP_SECONDS = 45
"""The service ends within 30."""
START_SECONDS = 900
"""A schema that is brought up to date takes its time."""

COMMON = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0027
LimitNOFILE=65536
"""
SYSTEM = """\
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RemoveIPC=yes
KeyringMode=private
CapabilityBoundingSet=
AmbientCapabilities=
"""
"""What only the system's own manager can do for a service. MemoryDenyWriteExecute is left out: libraries that compile
at run time (the official rules, the PDF engine) would die."""
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What stands in it."""

    config: Path
    """Absolute."""
    settings: Settings
    account: str = "dispatcher"
    user: bool = False
    """For the manager of one person's session instead of the system's."""
    python: Path = Path(sys.executable)

    def text(self) -> str:
        """The file."""
        return "\n".join([*self._unit(), "", *self._service(), "", *self._install()]) + "\n"

    def folders(self) -> tuple[Path, ...]:
        """Where it writes."""
        database = sqlite_file(self.settings.store.url, self.settings.folder)
        found = {*written(self.settings), *([database.parent] if database is not None else [])}
        return tuple(sorted(one for one in found if not any(other in one.parents for other in found)))

    def _unit(self) -> Iterator[str]:
        after = "network-online.target time-sync.target"
        if sqlite_file(self.settings.store.url, self.settings.folder) is None:
            after += " postgresql.service"
        yield "[Unit]"
        yield "Description=Dispatcher : envoi des résultats de laboratoire"
        yield "Wants=network-online.target"
        yield f"After={after}"
        yield "StartLimitIntervalSec=600"
        yield "StartLimitBurst=20"

    def _service(self) -> Iterator[str]:
        yield "[Service]"
        yield "Type=notify"
        yield "NotifyAccess=main"
        yield f"ExecStart={quoted(self.python)} -m dispatcher --config {quoted(self.config)} run"
        if not self.user:
            yield f"User={self.account}"
            yield f"Group={self.account}"
        yield "Restart=on-failure"
        yield "RestartSec=10"
        yield "# 2 : configuration fautive, ou un autre service sous ce nom ; recommencer n'y changerait rien."
        yield "RestartPreventExitStatus=2"
        yield "KillMode=mixed"
        yield f"TimeoutStartSec={START_SECONDS}"
        yield f"TimeoutStopSec={STOP_SECONDS}"
        yield f"WatchdogSec={WATCHDOG_SECONDS}"
        yield from COMMON.splitlines()
        if not self.user:
            yield from SYSTEM.splitlines()
            yield f"ProtectHome={self._homes()}"
            yield "# Les dossiers que nomme la configuration ; après un changement : « dispatcher service install »."
            yield from (f"ReadWritePaths={quoted(folder, prefix='-')}" for folder in self.folders())

    def _homes(self) -> str:
        """Closed, unless something of the installation lies there, or behind a link, as an environment's Python may."""
        named = [*self.folders(), self.config, self.python, *(path for _, path in paths(self.settings))]
        if self.python == Path(sys.executable):
            named += [Path(sys.base_prefix, "lib"), Path(__file__)]
        used = [*named, *(path.resolve() for path in named)]
        return "read-only" if any(home in path.parents for home in HOMES for path in used) else "yes"

    def _install(self) -> Iterator[str]:
        yield "[Install]"
        yield f"WantedBy={'default.target' if self.user else 'multi-user.target'}"


def quoted(path: Path, prefix: str = "") -> str:
    """As systemd reads it: ``%`` begins a specifier, ``$`` a variable, a blank ends a word."""
    text = prefix + str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if any(one in text for one in ' "\\;') else text
