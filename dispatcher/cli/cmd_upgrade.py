"""``dispatcher upgrade``: the database of an earlier version of the program, brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, print_json, say
from dispatcher.errors import StoreError
from dispatcher.store import schema


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("upgrade")(upgrade)


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Dit seulement s'il le faut ; code 1 s'il le faut.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Met la base de données à jour ; les services qui s'en servent doivent être arrêtés."""
    wanted, needed = settings(), schema.REVISIONS[-1]
    url, folder = wanted.store.url, wanted.folder
    before = _standing(url, folder, check=check)
    after = before if check else schema.upgrade(url, folder)
    if json:
        print_json({"before": before, "now": after, "needed": needed})
    elif after != needed:
        say(f"La base de données est {_named(before)} ; ce programme attend {needed}.")
        say("  → Faire une sauvegarde, arrêter les services, puis « dispatcher upgrade ».")
    elif before == needed:
        say(f"La base de données est à jour (version {needed}).")
    else:
        say(f"Base de données mise à jour : elle était {_named(before)}, elle est en version {needed}.")
    if after != needed:
        raise typer.Exit(FAILURES)


def _standing(url: str, folder: Path | None, *, check: bool) -> str | None:
    """The revision found; a database that is not there yet is made, but not by ``--check``."""
    try:
        return schema.standing(url, folder)
    except StoreError as error:
        if check or error.code != "missing":
            raise
        return None


def _named(revision: str | None) -> str:
    return "vide" if revision is None else f"en version {revision}"
