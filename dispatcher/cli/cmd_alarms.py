"""``dispatcher alarms list|ack|test``: what stands, who sees to it, and whether people can be told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.alarms.incident import Incident
from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import reason_given
from dispatcher.service import alarming

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Alarmes : celles en cours, leur prise en charge, l'essai des moyens.", no_args_is_help=True)
LEVELS = {"notice": "à prévoir", "alarm": "alarme", "urgent": "urgent"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="alarms")


@group.command("list")
def list_alarms(json: Json = False) -> None:
    """Les alarmes en cours, telles que le service les suit. « status » regarde par lui-même."""
    found = alarming.listed(office().store)
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.key, LEVELS[one.level], moment(one.began_at), _situation(one), one.text) for one in found]
    table("", ("Clé", "Niveau", "Depuis", "Situation", "Alarme"), rows, empty="Aucune alarme.", cut_last=True)


def _situation(one: Incident) -> str:
    if one.acked_at is not None:
        return f"prise en charge par {one.acked_by} : {one.ack_why}"
    if one.gone_at is not None:
        return "disparue, se confirme"
    return f"dite {moment(one.told_at)}" if one.told_at is not None else "se confirme"


@group.command("ack")
def acknowledge(
    key: Annotated[str, typer.Argument(help="Clé de l'alarme (« dispatcher alarms list »).")],
    why: Annotated[
        str, typer.Option("--why", "--reason", help="Ce qui est fait, gardé au journal (obligatoire).")
    ] = "",
    json: Json = False,
) -> None:
    """Quelqu'un s'en occupe : plus de rappel ; la fin est dite, et ce qui s'aggrave d'un cran aussi."""
    parts = office()
    one = alarming.acknowledge(parts.store, parts.clock, key, by=actor(), why=reason_given(why, json=json))
    if json:
        print_json(asdict(one))
    else:
        say(f"L'alarme « {one.key} » est prise en charge par {one.acked_by} ; plus de rappel, sa fin sera dite.")


@group.command("test")
def test(json: Json = False) -> None:
    """Envoie un essai par chaque moyen, et dit ce qui se passe. Code 1 si l'un d'eux ne marche pas."""
    parts = office()
    ways = parts.alarm_ways()
    if not ways and not json:
        complain("Aucun moyen d'alerter : ajouter [alarms.mail], [alarms.webhook], … (docs/alarmes.md).")
        raise typer.Exit(FAILURES)
    found = alarming.trial(ways, parts.clock.now(), lambda: parts.store.new_id("A"))
    if json:
        print_json([asdict(one) for one in found])
    for one in found if not json else ():
        if one.fault:
            complain(f"{one.way} : {one.fault}")
        else:
            say(f"{one.way} : essai envoyé.")
    raise typer.Exit(FAILURES if not ways or any(one.fault for one in found) else DONE)
