"""``dispatcher batches list|show|replay``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.cmd_overview import print_dispatches
from dispatcher.cli.cmd_replay import Which, carry_out
from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.wording import STATES
from dispatcher.french import counted
from dispatcher.ports import DispatchFilter

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Lots : ce qui est parti ensemble.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="batches")


@group.command("list")
def list_batches(
    channel: Annotated[str, typer.Option(help="Un canal.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 50,
    json: Json = False,
) -> None:
    """Les lots, le plus récent d'abord, avec ce que sont devenus leurs envois."""
    with office().store.reading() as uow:
        batches = uow.batches.list(channel=channel, limit=limit)
        counts = {batch.id: uow.dispatches.counts(batch_id=batch.id) for batch in batches}
    if json:
        print_json([{**asdict(batch), "states": counts[batch.id]} for batch in batches])
        return
    rows = [
        (
            batch.id,
            batch.channel,
            moment(batch.created_at),
            str(batch.count),
            ", ".join(f"{count} {STATES[state]}" for state, count in counts[batch.id].items() if count),
        )
        for batch in batches
    ]
    table("", ("Lot", "Canal", "Formé", "Envois", "États"), rows, empty="Aucun lot.")


@group.command("show")
def show(batch_id: Annotated[str, typer.Argument(help="Numéro de lot (L…).")], json: Json = False) -> None:
    """Les envois d'un lot."""
    with office().store.reading() as uow:
        batch = uow.batches.get(batch_id)
        found = uow.dispatches.list(DispatchFilter(batch_id=batch_id, limit=10_000))
    if batch is None:
        complain(f"Aucun lot ne porte le numéro {batch_id}.")
        raise typer.Exit(FAILURES)
    if not json:
        count = counted(batch.count, "envoi")
        say(f"Lot {batch.id}, canal « {batch.channel} », formé le {moment(batch.created_at)}, {count}.")
    print_dispatches(found, json)


@group.command("replay")
def replay(
    batch_id: Annotated[str, typer.Argument(help="Numéro de lot (L…).")],
    yes: Annotated[bool, typer.Option("--yes", help="Ne demande pas confirmation.")] = False,
    count: Annotated[int | None, typer.Option(help="Le nombre attendu ; demandé pour un grand nombre.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Motif, gardé au journal (obligatoire).")] = "",
    json: Json = False,
) -> None:
    """Rejoue les échecs d'un lot, même rejoué depuis : la liste d'abord, puis exactement cette liste."""
    wanted = DispatchFilter(batch_id=batch_id)
    carry_out(Which(wanted=wanted, yes=yes, count=count, reason=reason, json=json))
