"""``dispatcher support-bundle``: what whoever helps needs to know, in one file that may be shown."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer

from dispatcher import whole_file
from dispatcher.cli import support_parts
from dispatcher.cli.context import CONFIG
from dispatcher.cli.output import print_json, say
from dispatcher.errors import ConfigError, DispatcherError
from dispatcher.settings import Settings, load
from dispatcher.settings.masking import secrets

CONTENTS = {
    "versions.json": "versions du programme, de Python, du système et des bibliothèques",
    "configuration.json": "la configuration ; noms, adresses, chemins, comptes et mots de passe y sont masqués",
    "check.txt": "ce que dit « dispatcher check --offline »",
    "etat.json": "alarmes (codes), comptes par état, âges, version du schéma, durées de lecture",
    "mesures.txt": "les nombres que donne le service en marche ([metrics]), s'il en donne",
    "journal.log": "les dernières lignes du journal technique ([log] file), s'il est dans un fichier",
}
README = "LISEZMOI.txt"
NEVER = "Ni patient, ni résultat, ni document, ni destinataire, ni adresse, ni clé, ni mot de passe n'y entrent."
LOG_ELSEWHERE = (
    "Le journal technique n'est pas dans un fichier : joindre au besoin « journalctl -u dispatcher -n 3000 », relu."
)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("support-bundle")(support_bundle)


def support_bundle(
    out: Annotated[Path, typer.Option("--out", help="Fichier ZIP à écrire.")],
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Réunit en un ZIP ce qu'il faut pour être aidé, sans donnée de patient. À relire avant envoi."""
    if out.exists():
        raise ConfigError(f"{out} existe déjà.", hint="Choisir un autre nom : rien n'est écrasé.")
    parts = _parts()
    whole_file.put(out, _zip(parts))
    if json:
        print_json({"file": str(out), "parts": {name: len(text) for name, text in parts.items()}})
        return
    say(f"Fait : {out}. Il contient :")
    for name in parts:
        say(f"  {name:20} {CONTENTS.get(name, 'ce que contient ce fichier')}")
    say(NEVER)
    if "journal.log" not in parts:
        say(LOG_ELSEWHERE)
    say("  → Ouvrir le fichier et le relire avant de l'envoyer.")


def _parts() -> dict[str, str]:
    """Each cleaned; one that cannot be had says so, and the others are there."""
    found = {"versions.json": support_parts.as_text(support_parts.versions())}
    hidden: tuple[str, ...] = ()
    try:
        settings = load(CONFIG.resolve())
    except ConfigError as error:
        found["configuration.json"] = f"{len(error.faults)} faute(s) de configuration.\n"
    else:
        hidden = secrets(settings)
        found |= _of_installation(settings)
    found = {name: support_parts.clean(text, hidden) for name, text in found.items() if text}
    told = "\n".join(f"{name:20} {what}" for name, what in CONTENTS.items() if name in found)
    return {README: f"Dossier d'aide du dispatcher\n\n{told}\n\n{NEVER}\nÀ relire avant envoi.\n", **found}


def _of_installation(settings: Settings) -> dict[str, str]:
    wanted: dict[str, Callable[[], str]] = {
        "configuration.json": lambda: support_parts.as_text(support_parts.configuration(settings)),
        "check.txt": lambda: support_parts.check(CONFIG.resolve()),
        "etat.json": lambda: support_parts.as_text(support_parts.state(settings)),
        "mesures.txt": lambda: support_parts.metrics(settings),
        "journal.log": lambda: support_parts.last_lines(settings),
    }
    found: dict[str, str] = {}
    for name, job in wanted.items():
        try:
            found[name] = job()
        except DispatcherError as error:
            found[name] = support_parts.failed(error)
    return found


def _zip(parts: dict[str, str]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return content.getvalue()
