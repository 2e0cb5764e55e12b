"""``dispatcher ladder list|acknowledge``: mail that nobody reads, and who has taken it over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from dispatcher.cli.cmd_overview import dispatch_json
from dispatcher.cli.context import office
from dispatcher.cli.output import moment, print_json, table
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import reason_given
from dispatcher.cli.told import told
from dispatcher.cli.unread_show import tell_calling, tell_unread
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import STATES
from dispatcher.ports import StepRow
from dispatcher.receipts.ladder import Rung
from dispatcher.report.folding import fold
from dispatcher.routing.addresses import as_compared
from dispatcher.service.acknowledge import acknowledge

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(
    help="Envois que personne n'a lus : relances, personnes appelées, prise en charge.", no_args_is_help=True
)
RUNGS = {
    Rung.REMIND: "rappelé au laboratoire",
    Rung.SECOND: "seconde voie",
    Rung.PAPER: "mis sur papier",
    Rung.PERSON: "une personne est appelée",
}
MOST = 10_000
"""Unread mails looked at to be grouped by recipient."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="ladder")


@group.command("list")
def listing(
    recipient: Annotated[str, typer.Option(help="Partie du nom, de l'adresse ou de l'identifiant.")] = "",
    each: Annotated[bool, typer.Option("--each", help="Chaque envoi, au lieu d'une ligne par destinataire.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 100,
    json: Json = False,
) -> None:
    """Les envois partis et jamais lus, par destinataire : qui appeler, et depuis quand."""
    with office().store.reading() as uow:
        found = uow.ladder.unread(recipient=fold(recipient), limit=MOST)
        calling, digest, count = uow.ladder.calling(limit=MOST), uow.ladder.last_digest(), uow.ladder.count_unread()
        found = _and_called(found, calling, fold(recipient))
        climbed = {one.id: uow.ladder.steps(one.id) for one in found[:limit]} if each else {}
    if json:
        groups = _by_recipient(found)[:limit]
        shown: dict[str, Any] = {
            "unread": count,
            "digest": asdict(digest) if digest is not None else None,
            "calling": [dispatch_json(one) for one in calling],
            "recipients": groups,
        }
        print_json(shown | ({"dispatches": [dispatch_json(one) for one in found[:limit]]} if each else {}))
        return
    tell_calling(calling)
    tell_unread(count, digest)
    if each:
        rows = [
            (d.id, d.label, d.address, STATES[d.state], moment(d.sent_at), _last(climbed[d.id])) for d in found[:limit]
        ]
        columns = ("Envoi", "Destinataire", "Adresse", "État", "Envoyé", "Dernier échelon")
    else:
        groups = _by_recipient(found)[:limit]
        rows = [
            (g["label"], g["address"], str(g["count"]), str(g["urgent"] or "–"), moment(g["since"]), g["oldest"])
            for g in groups
        ]
        columns = ("Destinataire", "Adresse", "Non lus", "Urgents", "Le plus ancien", "Envoi")
    table("", columns, rows, empty="Aucun envoi relancé n'attend d'être lu.")


def _and_called(found: Sequence[Dispatch], calling: Sequence[Dispatch], words: str) -> tuple[Dispatch, ...]:
    """Also what is on paper and waits for the person who was called: ``status`` alarms about it."""
    known = {one.id for one in found}
    mine = (one for one in calling if one.id not in known)
    told = (one for one in mine if all(word in fold(f"{one.label} {one.address}") for word in words.split()))
    return (*found, *told)


def _last(steps: Sequence[StepRow]) -> str:
    return f"{RUNGS[Rung(steps[-1].rung)]}, {moment(steps[-1].at)}" if steps else "–"


def _by_recipient(found: Iterable[Dispatch]) -> list[dict[str, Any]]:
    """Urgent first, then the most unread."""
    groups: dict[str, list[Dispatch]] = {}
    for one in found:  # one line a box: a file may name its owner by a code, another by his number
        groups.setdefault(as_compared(one.address), []).append(one)
    lines = [
        {
            "label": mine[0].label,
            "address": mine[0].address,
            "channel": mine[0].channel,
            "count": len(mine),
            "urgent": sum(one.lane is Lane.URGENT for one in mine),
            "since": mine[0].sent_at,
            "oldest": mine[0].id,
        }
        for mine in groups.values()
    ]
    return sorted(lines, key=lambda line: (-line["urgent"], -line["count"], line["oldest"]))


@group.command("acknowledge")
def take_over(
    ids: Annotated[list[str], typer.Argument(help="Numéros d'envoi (D…).")],
    reason: Annotated[str, typer.Option("--reason", help="Ce qui est fait (obligatoire), gardé au journal.")],
    json: Json = False,
) -> None:
    """Prend des envois en charge : l'alarme et les relances cessent ; qui, quand et pourquoi sont gardés."""
    parts = office()
    done = acknowledge(parts.store, parts.clock, ids, reason=reason_given(reason), actor=actor())
    told(done, "pris en charge", json)
