"""``dispatcher backup``: a copy of everything but the keys, while the service runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli import backup_folder
from dispatcher.cli.context import CONFIG, office
from dispatcher.cli.output import print_json, say
from dispatcher.cli.person import actor
from dispatcher.french import counted


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("backup")(backup)


def backup(
    folder: Annotated[Path, typer.Argument(help="Dossier des sauvegardes, de préférence sur un autre disque.")],
    keep: Annotated[int | None, typer.Option(min=1, help="N'en garder que les N dernières.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Sauvegarde la base, la configuration et les tables, service en marche ; pas la clé maîtresse."""
    parts = office()
    at = parts.clock.now()
    with parts.store.transaction() as uow:
        store_id = uow.installation.store_id()
    saved = backup_folder.make(folder, parts.settings, store_id, CONFIG.resolve(), at)
    number = saved.manifest["journal"]["number"]
    with parts.store.transaction() as uow:
        uow.installation.saved(at, number, actor=actor())
    gone = backup_folder.prune(folder, keep) if keep else []
    if json:
        print_json({"folder": str(saved.folder), "manifest": saved.manifest, "removed": [str(one) for one in gone]})
        return
    count = sum(saved.manifest["dispatches"].values())
    say(f"Sauvegarde faite : {saved.folder} ({counted(count, 'envoi')}, journal jusqu'à la ligne {number}).")
    say(f"La clé maîtresse n'y est pas : {', '.join(saved.manifest['master_keys'])} de {parts.settings.keys.master}.")
    say("  → La garder ailleurs, en lieu sûr : sans elle la sauvegarde est illisible ; avec elle, tout se lit.")
    if gone:
        say(f"{counted(len(gone), 'ancienne sauvegarde')} en moins.")
