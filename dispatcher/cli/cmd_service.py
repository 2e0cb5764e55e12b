"""``dispatcher service install|remove|status``: started with the machine, by systemd or as a Windows service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher import whole_file
from dispatcher.cli.context import CONFIG
from dispatcher.cli.output import DONE, FAILURES, print_json, say
from dispatcher.cli.service_unit import Unit
from dispatcher.errors import ConfigError
from dispatcher.settings import load

NAME = "dispatcher.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")
PATIENCE = 60

User = Annotated[bool, typer.Option("--user", help="Dans la session de la personne, sans droit d'administrateur.")]
Folder = Annotated[Path | None, typer.Option("--unit-folder", hidden=True)]
Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]

group = typer.Typer(help="Le service : démarré avec la machine (systemd, Windows).", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="service")


@group.command("install")
def install(
    account: Annotated[str, typer.Option(help="Compte sous lequel le service tourne.")] = "dispatcher",
    user: User = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Montre ce qui serait écrit, n'écrit rien.")] = False,
    start: Annotated[bool, typer.Option(help="Démarre le service, maintenant et avec la machine.")] = True,
    unit_folder: Folder = None,
) -> None:
    """Installe le service pour cette configuration, ou le met à jour, et le démarre."""
    config = CONFIG.resolve().resolve()
    settings = load(config)
    if os.name == "nt":
        from dispatcher.daemon import windows

        say(windows.install(config, start=start, dry_run=dry_run))
        return
    unit = Unit(config=config, settings=settings, account=account, user=user)
    if dry_run:
        sys.stdout.write(unit.text())
        return
    path = _path(user, unit_folder)
    if not user:
        _account_exists(account)
    _may_write(path, user)
    whole_file.put(path, unit.text().encode())
    path.chmod(0o644)
    _systemctl(user, "daemon-reload")
    if start:
        _systemctl(user, "enable", NAME)
        _systemctl(user, "restart", NAME)
    say(f"Service installé : {path}" + (", en marche." if start else "."))
    if user:
        say("  → « loginctl enable-linger » : sans cela il s'arrête à la fermeture de la session.")
    say(
        "  → « dispatcher service status » ; son journal : « journalctl "
        + ("--user " if user else "")
        + "-u dispatcher »."
    )


@group.command("remove")
def remove(user: User = False, unit_folder: Folder = None) -> None:
    """Arrête le service et le retire. Configuration, base et clés restent."""
    if os.name == "nt":
        from dispatcher.daemon import windows

        say(windows.remove())
        return
    path = _path(user, unit_folder)
    if not path.is_file():
        say(f"Aucun service installé ({path}).")
        return
    _may_write(path, user)
    _systemctl(user, "disable", "--now", NAME)
    path.unlink()
    _systemctl(user, "daemon-reload")
    say("Service retiré. Configuration, base et clés restent en place.")


@group.command("status")
def status(user: User = False, json: Json = False, unit_folder: Folder = None) -> None:
    """Le service est-il installé, démarré avec la machine, en marche ? Code 1 s'il ne l'est pas."""
    if os.name == "nt":
        from dispatcher.daemon import windows

        found: dict[str, Any] = windows.status()
    else:
        path = _path(user, unit_folder)
        asked = {word: _ask(user, f"is-{word}") for word in ("enabled", "active")}
        found = {"installed": path.is_file(), "unit": str(path), **asked}
    running = found["active"] == "active"
    if json:
        print_json(found)
    else:
        say(f"Installé : {'oui' if found['installed'] else 'non'}")
        say(f"Avec la machine : {'oui' if found['enabled'] == 'enabled' else 'non'} ({found['enabled']})")
        say(f"En marche : {'oui' if running else 'non'} ({found['active']})")
        if running:
            say("  → « dispatcher status » dit si tout va bien.")
    raise typer.Exit(DONE if running else FAILURES)


def _path(user: bool, folder: Path | None) -> Path:
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"
    return (folder or (own if user else SYSTEM_FOLDER)) / NAME


def _may_write(path: Path, user: bool) -> None:
    folder = next(one for one in path.parents if one.is_dir())
    if not os.access(folder, os.W_OK):
        hint = "Recommencer avec sudo, ou « --user » pour un service de session."
        raise ConfigError(f"Pas le droit d'écrire dans {folder}.", hint="" if user else hint)


def _account_exists(account: str) -> None:
    import pwd

    try:
        pwd.getpwnam(account)
    except KeyError as error:
        make = f"adduser --system --group --home /var/lib/dispatcher --no-create-home {account}"
        raise ConfigError(f"Le compte « {account} » n'existe pas.", hint=f"« {make} », ou « --account ».") from error


def _systemctl(user: bool, *words: str) -> None:
    done = _run(user, *words)
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        text = told[-1] if told else f"code {done.returncode}"
        raise ConfigError(
            f"systemctl {' '.join(words)} : {text}", hint="« journalctl -u dispatcher -n 50 » dit pourquoi."
        )


def _ask(user: bool, word: str) -> str:
    if shutil.which("systemctl") is None:
        return "unknown"
    done = _run(user, word, NAME)
    return (done.stdout or done.stderr).strip().splitlines()[-1] if (done.stdout or done.stderr).strip() else "unknown"


def _run(user: bool, *words: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemctl")
    if program is None:
        hint = "« dispatcher service install --dry-run » montre l'unité, à adapter au gestionnaire de services du site."
        raise ConfigError("systemd n'est pas là : « systemctl » est introuvable.", hint=hint)
    command = [program, *(["--user"] if user else []), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
