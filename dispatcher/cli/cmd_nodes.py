"""``dispatcher nodes list|drain|resume|forget``: the services that share one database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, NoReturn

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.daemon import processes
from dispatcher.service import nodes

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
Name = Annotated[str, typer.Argument(help="Nom du poste (« dispatcher nodes list »).")]
group = typer.Typer(help="Postes : les services qui servent la même base.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="nodes")


@group.command("list")
def list_nodes(json: Json = False) -> None:
    """Les postes, ce qu'ils ont en charge, leur horloge ; ce qui ne va pas d'abord."""
    seen = nodes.view(office().store, processes.runs)
    if json:
        print_json(as_json(seen))
        return
    for text in seen.alarms:
        complain(f"ALARME : {text}")
    rows = [
        (
            one.node.name,
            _situation(one),
            f"{one.node.host}, {one.node.pid}",
            f"{one.node.version}, {one.node.workers}",
            moment(one.node.started_at),
            moment(one.node.seen_at),
            f"{one.node.skew:+.1f} s",
            ", ".join(one.owns) or "–",
        )
        for one in seen.nodes
    ]
    columns = ("Poste", "Situation", "Machine, processus", "Version, ouvriers", "Depuis", "Vu", "Horloge", "En charge")
    table("", columns, rows, empty="Aucun service n'est en marche sur cette base.")


def _situation(one: nodes.NodeView) -> str:
    if one.silent:
        return "n'écrit plus" if one.runs else "muet"
    if one.twin:
        return "deux services"
    return "en vidange" if one.draining else "au travail"


def as_json(seen: nodes.NodesView) -> dict[str, Any]:
    """All nodes and alarms for programs."""
    listed = [
        {
            **asdict(one.node),
            "silent": bool(one.silent),
            "draining": one.draining,
            "twin": bool(one.twin),
            "owns": list(one.owns),
        }
        for one in seen.nodes
    ]
    return {"nodes": listed, "alarms": list(seen.alarms)}


@group.command("drain")
def drain(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Même si aucun autre poste ne prend la suite.")] = False,
) -> None:
    """Le poste ne prend plus rien, finit ce qu'il a en main, rend le reste et reste en marche."""
    store = office().store
    outcome = nodes.drain(store, name, actor=actor(), force=force)
    if outcome == "unknown":
        _unknown(name)
    if outcome == "last":
        complain(f"Aucun autre poste au travail ne prendrait la suite de « {name} » : rien n'est fait.")
        complain("  → Démarrer ou remettre un autre poste ; --force passe outre, et plus rien ne part.")
        raise typer.Exit(FAILURES)
    nobody = nodes.view(store).all_draining
    after = "plus rien n'est relevé ni envoyé" if nobody else "les autres prennent la suite"
    say(f"Le poste « {name} » se vide ; {after}. « dispatcher nodes resume {name} » le remet au travail.")


@group.command("resume")
def resume(name: Name) -> None:
    """Le poste reprend le travail."""
    if not nodes.resume(office().store, name, actor=actor()):
        _unknown(name)
    say(f"Le poste « {name} » reprend le travail.")


@group.command("forget")
def forget(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Même s'il donne encore signe de vie.")] = False,
) -> None:
    """Un poste qui ne reviendra pas : ce qu'il tenait est repris tout de suite, sans attendre la fin du bail."""
    parts = office()
    outcome = nodes.forget(parts.store, parts.clock, name, actor=actor(), force=force)
    if outcome == "unknown":
        _unknown(name)
    if outcome == "alive":
        complain(f"Le poste « {name} » donne encore signe de vie : rien n'est fait.")
        complain(f"  → L'arrêter, ou « dispatcher nodes drain {name} » ; --force passe outre.")
        raise typer.Exit(FAILURES)
    say(f"Le poste « {name} » est oublié ; ce qu'il tenait est repris. Une remise commencée : « issue inconnue ».")


def _unknown(name: str) -> NoReturn:
    complain(f"Aucun poste ne porte le nom « {name} ».")
    complain("  → « dispatcher nodes list » montre les postes connus.")
    raise typer.Exit(FAILURES)
