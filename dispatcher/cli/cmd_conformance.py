"""``dispatcher conformance install|show|remove``: the official rules of the ANS on this machine."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher import wiring
from dispatcher.cli.context import config_exists, settings
from dispatcher.cli.output import FAILURES, complain, print_json, say
from dispatcher.clock import SystemClock, paris
from dispatcher.conformance.installed import KIT, MANIFEST, Manifest, checked, install, installed, remove
from dispatcher.errors import ConfigError
from dispatcher.service.check import FOR_THE_USER

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Règles officielles de l'ANS (schéma CDA et schematrons).", no_args_is_help=True)
SAXON = "pip install 'dispatcher-labo[conformance]'"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="conformance")


def rules_place() -> Path:
    """Where the kit stands for this call: in the state folder of the configuration, else in the user's data folder."""
    return wiring.rules_folder(settings() if config_exists() else None)


def users_kit() -> str:
    """Folder to install from: the kit the user has for herself while this configuration has none; empty otherwise."""
    own = wiring.rules_folder(None)
    alone = config_exists() and (own / MANIFEST).is_file() and not (rules_place() / MANIFEST).is_file()
    return str(own / KIT) if alone else ""


def missing() -> str:
    """In French: no kit in this place, and the command that installs one."""
    if found := users_kit():
        return f"{FOR_THE_USER} : « dispatcher conformance install {found} » les installe ici"
    return "aucun kit installé (« dispatcher conformance install DOSSIER »)"


def saxon_there() -> bool:
    """The engine of the official rules is installed."""
    return importlib.util.find_spec("saxonche") is not None


@group.command("install")
def install_kit(
    source: Annotated[Path, typer.Argument(help="Kit « testContenuCDA » de l'ANS : dossier, ou zip tel que chargé.")],
    json: Json = False,
) -> None:
    """Copie les règles du kit, les vérifie et les met en service ; un kit déjà là est remplacé."""
    place = rules_place()
    manifest = install(source, place, SystemClock().now())
    if json:
        print_json(_as_json(place, manifest, ""))
        return
    say(f"Kit installé dans {place}")
    _tell(manifest)


@group.command("show")
def show(json: Json = False) -> None:
    """Dit quel kit est installé et le compare à son manifeste. Code 1 s'il n'y en a pas ou s'il a changé."""
    place = rules_place()
    manifest, problem = None, ""
    try:
        manifest = installed(place)
        if manifest is not None:
            checked(place)
    except ConfigError as error:
        problem = " ".join((error.message, *error.faults, error.hint))
    if json:
        print_json(_as_json(place, manifest, problem))
    elif manifest is None and not problem:
        say(f"Règles officielles : {missing()}. Cherché dans {place}.")
    else:
        say(f"Kit : {place}")
        if manifest is not None:
            _tell(manifest)
        if problem:
            complain(problem)
    if manifest is None or problem:
        raise typer.Exit(FAILURES)


@group.command("remove")
def remove_kit(json: Json = False) -> None:
    """Retire le kit : seuls les contrôles du programme restent."""
    place = rules_place()
    removed = remove(place)
    if json:
        print_json({"place": str(place), "removed": removed})
    else:
        say(f"Kit retiré de {place}." if removed else f"Aucun kit installé dans {place}.")


def _as_json(place: Path, manifest: Manifest | None, problem: str) -> dict[str, Any]:
    told = asdict(manifest) if manifest is not None else {}
    files = told.pop("files", {})
    return {
        "place": str(place),
        "installed": manifest is not None,
        "intact": manifest is not None and not problem,
        "problem": problem or None,
        "saxon": saxon_there(),
        **told,
        "files": len(files),
    }


def _tell(manifest: Manifest) -> None:
    say(f"  origine : {manifest.origin}, installé le {_moment(manifest.installed_at)}")
    say(f"  {len(manifest.files)} fichiers, {manifest.bytes / 1e6:.1f} Mo, SHA-256 {manifest.sha256}")
    say(f"  versions du CR-BIO : {', '.join(manifest.volumes)}")
    for path in manifest.left_out:
        name = Path(path).name
        say(f"  laissé de côté, trop volumineux : {name} ; l'existence de ses codes n'est pas contrôlée")
    if not saxon_there():
        complain(f"Le moteur Saxon manque : les règles ne s'appliqueront pas. {SAXON}")


def _moment(text: str) -> str:
    from datetime import datetime

    return paris(datetime.fromisoformat(text)).strftime("%d/%m/%Y à %H:%M")
