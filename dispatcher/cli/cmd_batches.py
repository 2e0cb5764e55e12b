"""``dispatcher batches list|show|pause|resume|replay``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from dispatcher.cli.cmd_overview import dispatch_json, print_dispatches
from dispatcher.cli.cmd_replay import Token, Which, carry_out
from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.cli.statement_show import COLUMNS, cells, sentence
from dispatcher.errors import StoreError
from dispatcher.french import counted, either
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.statement import Statement
from dispatcher.outbox.states import State
from dispatcher.ports import Batches, DispatchFilter
from dispatcher.service.wording import BATCH_STATES

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
Ids = Annotated[list[str], typer.Argument(help="Numéros de lots (L…).")]
Reason = Annotated[str, typer.Option("--reason", help="Motif, gardé au journal.")]
group = typer.Typer(help="Lots : ce qui est parti ensemble.", no_args_is_help=True)
IN_NONE = (
    "Ce qui n'est entré dans aucun lot n'est pas compté ici : retiré, clos ou mis sur papier avant, ou encore en "
    "attente. « dispatcher status » compte tout."
)
MEMBERS = 10_000
"""Dispatches of one batch that are listed; replays of more are told by their number."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="batches")


@group.command("list")
def list_batches(
    channel: Annotated[str, typer.Option(help="Un canal.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 50,
    json: Json = False,
) -> None:
    """Les lots, le plus récent d'abord, avec leur relevé : entrés = lus + remis + envoyés + en cours + …"""
    with office().store.reading() as uow:
        batches = uow.batches.list(channel=channel, limit=limit)
        counts = {batch.id: uow.dispatches.counts(batch_id=batch.id) for batch in batches}
        unread = {batch.id: uow.ladder.count_unread(batch_id=batch.id) for batch in batches}
    statements = {batch.id: Statement.of(counts[batch.id], batch.count) for batch in batches}
    if json:
        print_json([_as_json(one, counts[one.id], statements[one.id], unread[one.id]) for one in batches])
    else:
        rows = [
            (batch.id, batch.channel, moment(batch.created_at), _life(batch), *cells(statements[batch.id]))
            for batch in batches
        ]
        table("", ("Lot", "Canal", "Formé", "Situation", *COLUMNS), rows, empty="Aucun lot.")
        say(IN_NONE)
    _tell_lost(statements)


def _as_json(batch: Batch, counts: dict[State, int], statement: Statement, unread: int) -> dict[str, Any]:
    """``unread``: of those sent or delivered, how many were reminded of; no word of its own in the sum."""
    return {**asdict(batch), "states": counts, "statement": statement.as_json(), "unread": unread}


def _life(batch: Batch) -> str:
    ended = f" le {moment(batch.ended_at)}" if batch.ended_at is not None else ""
    again = "rejeu, " if batch.reason == "replay" else ""
    return f"{again}{BATCH_STATES.get(batch.state, batch.state)}{ended}"


def _tell_lost(statements: dict[str, Statement]) -> None:
    """Exit 1 with a word for every batch whose sums do not reconcile."""
    lost = {batch_id: statement for batch_id, statement in statements.items() if not statement.reconciles}
    for batch_id, statement in lost.items():
        complain(f"Lot {batch_id} : {sentence(statement)}")
    if lost:
        raise typer.Exit(FAILURES)


@group.command("show")
def show(batch_id: Annotated[str, typer.Argument(help="Numéro de lot (L…).")], json: Json = False) -> None:
    """Un lot : sa situation, son relevé, et tous les envois qui y sont entrés."""
    with office().store.reading() as uow:
        batch = uow.batches.get(batch_id)
        counts, unread = uow.dispatches.counts(batch_id=batch_id), uow.ladder.count_unread(batch_id=batch_id)
        found = uow.dispatches.list(DispatchFilter(batch_id=batch_id, limit=MEMBERS))
    if batch is None:
        complain(f"Aucun lot ne porte le numéro {batch_id}.")
        raise typer.Exit(FAILURES)
    statement = Statement.of(counts, batch.count)
    if json:
        dispatches = [dispatch_json(dispatch) for dispatch in found]
        print_json({**_as_json(batch, counts, statement, unread), "dispatches": dispatches})
    else:
        formed = f"formé le {moment(batch.created_at)}, {counted(batch.count, 'envoi')}, {_life(batch)}"
        say(f"Lot {batch.id}, canal « {batch.channel} », {formed}.")
        for told in (batch.pause_reason, batch.why):
            if told:
                say(f"  {told}")
        never = f" Parmi les envoyés et les remis, {unread} jamais {either(unread, 'lu', 'lus')}." if unread else ""
        say(f"Relevé : {sentence(statement)}.{never}")
        print_dispatches(found, json)
    _tell_lost({batch.id: statement})


@group.command("pause")
def pause(ids: Ids, reason: Reason, json: Json = False) -> None:
    """Suspend des lots : ce qui n'est pas parti attend ; ce qui part en ce moment finit de partir."""
    _change(ids, reason, json, "suspendu", lambda batches, one: batches.pause(one, reason=reason, actor=actor()))


@group.command("resume")
def resume(ids: Ids, reason: Reason, json: Json = False) -> None:
    """Reprend des lots suspendus."""
    _change(ids, reason, json, "repris", lambda batches, one: batches.resume(one, reason=reason, actor=actor()))


def _change(ids: list[str], reason: str, json: bool, done: str, change: Callable[[Batches, str], Batch]) -> None:
    if not reason.strip():
        complain('Un motif est demandé : --reason "…".')
        raise typer.Exit(WRONG_CALL)
    store, changed, refused = office().store, [], []
    for batch_id in ids:
        try:
            with store.transaction() as uow:
                changed.append(change(uow.batches, batch_id))
        except StoreError as error:
            refused.append((batch_id, error))
    if json:
        refusals = [[batch_id, why.message] for batch_id, why in refused]
        print_json({"done": [batch.id for batch in changed], "refused": refusals})
    else:
        for batch in changed:
            say(f"Lot {batch.id} {done}.")
        for _, why in refused:
            complain(f"{why.message} {why.hint}")
    if refused:
        raise typer.Exit(FAILURES)


@group.command("replay")
def replay(
    batch_id: Annotated[str, typer.Argument(help="Numéro de lot (L…).")],
    yes: Annotated[bool, typer.Option("--yes", help="Ne demande pas confirmation.")] = False,
    count: Annotated[int | None, typer.Option(help="Le nombre attendu ; demandé pour un grand nombre.")] = None,
    token: Token = "",
    reason: Annotated[str, typer.Option("--reason", help="Motif, gardé au journal (obligatoire).")] = "",
    json: Json = False,
) -> None:
    """Rejoue les échecs d'un lot, même rejoué depuis : la liste d'abord, puis exactement cette liste."""
    wanted = DispatchFilter(batch_id=batch_id)
    carry_out(Which(wanted=wanted, yes=yes, count=count, token=token, reason=reason, json=json))
