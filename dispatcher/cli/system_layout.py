"""An installation for the whole machine, where Debian keeps such things: ``/etc``, ``/var/lib``, ``/var/log``.

Laid out as any other and then taken apart: what the service only reads (configuration, keys, pinned authorities) stands
in ``/etc/dispatcher``, what it writes in ``/var/lib/dispatcher``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dispatcher.cli.installation import SANDBOX, lay_out, sample_config
from dispatcher.errors import ConfigError
from dispatcher.sandbox.operator import SandboxOperator

METRICS_PORT = 9464
READ_ONLY = ("keys", "trust")
"""Folders that go to ``/etc``."""
OURS = re.compile(r'"(entree|bac-a-sable|state|tables|certificates|keys|trust)((?:/[^"]*)?)"')
"""A path of the sample configuration: all of them begin with one of our folders."""
MORE = """
# --- Installation de la machine : « dispatcher init --system »
[store]
url = "sqlite:///{data}/state/dispatcher.sqlite3"

[keys]
master = "{config}/keys/master.key"
folder = "{config}/keys"

[paper]
addresses = "{data}/tables/adresses.csv"

[bulk]
lists = "{data}/tables/listes.csv"

[log]
file = "{log}/dispatcher.log"

[metrics]
port = {port}                              # http://127.0.0.1:{port}/health, /ready, /metrics ; 0 pour s'en passer
totals = "{data}/state/metrics.json"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where things are; ``root`` is ``/``, or elsewhere for a trial."""

    root: Path

    @property
    def etc(self) -> Path:
        return self.root / "etc/dispatcher"

    @property
    def data(self) -> Path:
        return self.root / "var/lib/dispatcher"

    @property
    def log(self) -> Path:
        return self.root / "var/log/dispatcher"

    @property
    def config(self) -> Path:
        return self.etc / "dispatcher.toml"


def make(machine: Machine, *, account: str, port: int, now: datetime) -> None:
    """Folders, configuration, keys; all of it for ``account`` to use. Raises :class:`ConfigError`."""
    if machine.config.exists() or (machine.data / "state").exists():
        hint = "Une installation n'est jamais écrasée."
        raise ConfigError(f"{machine.config} ou {machine.data} existe déjà.", hint=hint)
    owner = _owner(account, machine)
    for folder in (machine.etc, machine.data, machine.log):
        _folder(folder)
    operator = SandboxOperator(machine.data / SANDBOX, port=port)
    layout = lay_out(machine.data, operator, config=sample_config(port=port), now=now)
    for name in READ_ONLY:
        shutil.move(machine.data / name, machine.etc / name)
    machine.config.write_text(_moved(layout.config.read_text(encoding="utf-8"), machine), encoding="utf-8")
    layout.config.unlink()
    _hand_over(machine, owner)


def _folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except PermissionError as error:
        hint = "Recommencer avec sudo ; sans lui, « dispatcher init DOSSIER » installe dans un dossier à vous."
        raise ConfigError(f"Pas le droit de créer {folder}.", hint=hint) from error


def _moved(text: str, machine: Machine) -> str:
    def absolute(found: re.Match[str]) -> str:
        base = machine.etc if found[1] in READ_ONLY else machine.data
        return f'"{base}/{found[1]}{found[2]}"'

    more = MORE.format(config=machine.etc, data=machine.data, log=machine.log, port=METRICS_PORT)
    text = OURS.sub(absolute, text)
    state = f'folder = "{machine.data}/state/directory"'
    return text.replace(state, f'{state}\ncertificate_state = "{machine.data}/state/certificates"', 1) + more


def _owner(account: str, machine: Machine) -> tuple[int, int] | None:
    """Of what the service writes; made where it is missing. None: no administrator, so everything is ours."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    try:
        found = pwd.getpwnam(account)
    except KeyError:
        _make_account(account, machine.data)
        found = pwd.getpwnam(account)
    return found.pw_uid, found.pw_gid


def _make_account(account: str, home: Path) -> None:
    program = shutil.which("useradd")
    command = [program or "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(home)]
    command += ["--shell", "/usr/sbin/nologin", account]
    if program is None or subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603
        hint = f"Le créer (« {' '.join(command)} »), ou « --account » pour un autre."
        raise ConfigError(f"Le compte « {account} » n'existe pas et n'a pas pu être créé.", hint=hint)


def _hand_over(machine: Machine, owner: tuple[int, int] | None) -> None:
    """What it only reads is its group's to read, what it writes is its own; nothing is anybody else's."""
    for path in [machine.etc, *machine.etc.rglob("*")]:
        path.chmod(0o750 if path.is_dir() else 0o640)
        if owner is not None:
            os.chown(path, 0, owner[1])
    for place in (machine.data, machine.log):
        place.chmod(0o750)
        if owner is not None:
            for path in [place, *place.rglob("*")]:
                os.chown(path, *owner)
    (machine.data / "entree").chmod(0o2770)  # a LIS whose account is of the group may leave its files here
