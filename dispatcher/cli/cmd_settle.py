"""``dispatcher settle``: a person says what became of dispatches of unknown outcome."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import WRONG_CALL, complain
from dispatcher.cli.person import actor
from dispatcher.cli.told import told
from dispatcher.service.settle_by_hand import settle_by_hand

AGAIN = "« dispatcher replay » renvoie ce qui doit l'être."


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("settle")(settle)


def settle(
    ids: Annotated[list[str], typer.Argument(help="Numéros d'envoi (D…) à l'issue inconnue.")],
    reason: Annotated[str, typer.Option("--reason", help="Comment on le sait (obligatoire), gardé au journal.")],
    arrived: Annotated[bool, typer.Option("--arrived", help="Le destinataire l'a reçu.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Jamais accepté : pourra être rejoué.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Tranche des envois à l'issue inconnue : arrivés, ou jamais acceptés."""
    if arrived == refused:
        complain("Dire l'un ou l'autre : --arrived, ou --refused.")
        raise typer.Exit(WRONG_CALL)
    if not reason.strip():
        complain('Un motif est demandé : --reason "…".')
        raise typer.Exit(WRONG_CALL)
    changed = settle_by_hand(office().store, ids, arrived=arrived, reason=reason, actor=actor())
    verb, after = ("arrivé|arrivés", "") if arrived else ("jamais accepté|jamais acceptés", AGAIN)
    told(changed, verb, json, after)
