"""``dispatcher directory local history|undo|accept``: the kept versions of the laboratory's table."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli import asking
from dispatcher.cli.cmd_local import By, Expect, Json, Yes, book, expected
from dispatcher.cli.local_show import accept_told, change_json, show_changes, show_history, show_warnings, standing
from dispatcher.cli.output import print_json, say
from dispatcher.cli.person import login
from dispatcher.directory.local import edit
from dispatcher.directory.local.history import as_json as kept_json
from dispatcher.errors import DirectoryError


def register(group: typer.Typer) -> None:
    """Add the commands of this file to ``dispatcher directory local``."""
    group.command("history")(history)
    group.command("undo")(undo)
    group.command("accept")(accept)


def history(json: Json = False) -> None:
    """Les versions gardées de la table, la plus récente d'abord ; ce qui a changé entre elles."""
    table = book()
    look = table.look()
    if json:
        kept = reversed(table.history.versions())
        told = [(kept_json(one), one.digest == look.version, standing(table, look, one)) for one in kept]
        print_json([{**one, "current": current, "standing": word} for one, current, word in told])
        return
    show_history(table, look)


def undo(
    to: Annotated[int, typer.Option("--to", min=0, help="Numéro de version ; la précédente sinon.")] = 0,
    by: By = "",
    yes: Yes = False,
    expect: Expect = "",
    json: Json = False,
) -> None:
    """Remet la dernière bonne version d'avant. Ne libère et ne rappelle aucun envoi."""
    table = book()
    look = table.look()
    expected(look, expect)
    kept = next((one for one in table.history.versions() if one.number == to), None) if to else None
    kept = kept if to else table.previous(look.version)
    content = table.history.content(kept.digest) if kept is not None else None
    if kept is None or content is None:
        raise DirectoryError("Aucune version à remettre.", hint="« dispatcher directory local history » les montre.")
    changes = edit.diff(look.table.entries, table.judged(content, table.path.name).entries)
    if json and not yes:
        print_json({"written": False, "version": look.version, "changes": [change_json(one) for one in changes]})
        return
    if not json:
        show_changes(changes)
        if not yes:
            asking.or_stop(f"Remettre la version {kept.number} ?")
    now = table.undo(version=look.version, to=kept, by=by or login())
    if json:
        print_json({"written": True, "version": now.version, "changes": [change_json(one) for one in changes]})
        return
    say(f"La version {kept.number} est de nouveau en service.")
    say("Aucun envoi n'est libéré ni rappelé par là : ce qui est parti est parti, ce qui est libéré reste libéré.")


def accept(by: By = "", yes: Yes = False, json: Json = False) -> None:
    """Accepte la table telle qu'un tableur l'a enregistrée, zéros ou lignes perdus ou non."""
    table = book()
    look = table.look()
    kept = table.serving()
    before = table.judged(table.history.content(kept.digest) if kept else None, table.path.name)
    if not json:
        show_changes(edit.diff(before.entries, look.table.entries))
        show_warnings(look.table, look.doubts)
        if not yes:
            asking.or_stop("Accepter la table telle qu'elle est ?")
    if not json or yes:
        table.accept(version=look.version, by=by or login())
    accept_told(look.version, written=not json or yes, json=json)
