"""``dispatcher answers list|replay``: what the LIS was told, and telling it again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.french import counted
from dispatcher.ports import AnswerState

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Réponses au SIL : ce qui lui a été dit, et le lui redire.", no_args_is_help=True)
STATES = {
    AnswerState.DUE: "à donner",
    AnswerState.SENT: "donnée",
    AnswerState.REFUSED: "refusée par le SIL",
    AnswerState.VOID: "sans objet",
}
EVENTS = {
    "taken": "fichier pris",
    "duplicate": "doublon",
    "refused": "fichier refusé",
    "sent": "envoyé",
    "delivered": "remis",
    "read": "lu",
    "unread": "jamais lu",
    "failed": "échec",
    "paper": "papier",
    "withdrawn": "retiré",
    "closed": "clos",
    "held-long": "en attente depuis longtemps",
    "batch": "relevé de lot",
    "day": "relevé du jour",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="answers")


@group.command("list")
def list_answers(
    source: Annotated[str, typer.Option(help="Une source.")] = "",
    state: Annotated[list[AnswerState] | None, typer.Option(help="Un état ; répétable.")] = None,
    subject: Annotated[str, typer.Option(help="Un fichier (F…), un envoi (D…), un lot (L…) ou un jour.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 50,
    json: Json = False,
) -> None:
    """Les réponses, la plus récente d'abord."""
    with office().store.reading() as uow:
        rows = uow.answers.list(source=source, states=state or (), subject=subject, limit=limit)
    if json:
        print_json([asdict(row) for row in rows])
        return
    lines = [
        (
            row.id,
            row.source,
            row.format,
            EVENTS.get(row.event, row.event),
            row.subject,
            moment(row.at),
            STATES[row.state],
            row.reason,
        )
        for row in rows
    ]
    table("", ("Réponse", "Source", "Format", "Quoi", "Sur", "Le", "État", "Pourquoi"), lines, empty="Aucune réponse.")


@group.command("replay")
def replay(ids: Annotated[list[str], typer.Argument(help="Numéros de réponses (R…).")], json: Json = False) -> None:
    """Redonne des réponses, sous le même numéro de contrôle : le SIL reconnaît celles qu'il a déjà."""
    with office().store.transaction() as uow:
        done = uow.answers.again(ids, actor=actor())
    unknown = [one for one in ids if one not in done]
    if json:
        print_json({"done": list(done), "unknown": unknown})
    else:
        if done:
            say(f"{counted(len(done), 'réponse')} à redonner par le service en marche ou « run --once ».")
        for one in unknown:
            complain(f"Aucune réponse ne porte le numéro {one}.")
    if unknown:
        raise typer.Exit(FAILURES)
