"""``dispatcher journal verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, print_json, say

group = typer.Typer(help="Journal : chaque changement, chaîné par empreinte.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="journal")


@group.command("verify")
def verify(json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False) -> None:
    """Relit tout le journal et vérifie sa chaîne."""
    with office().store.reading() as uow:
        lines, fault = uow.journal.verify()
    if json:
        print_json({"lines": lines, "intact": not fault, "fault": fault})
    elif fault:
        complain(f"Journal rompu : {fault}")
    else:
        say(f"Journal intact : {lines} lignes vérifiées.")
    if fault:
        raise typer.Exit(FAILURES)


@group.callback()
def _group() -> None:
    """Journal : chaque changement, chaîné par empreinte."""
