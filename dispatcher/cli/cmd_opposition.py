"""``dispatcher directory opposition add|list|remove``: who objects to electronic mail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.ports import OppositionRow
from dispatcher.routing.about import Scope
from dispatcher.service.oppositions import record

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Oppositions des patients et des destinataires.", no_args_is_help=True)


@group.command("add")
def add(
    who: Annotated[
        str,
        typer.Argument(
            help="ins:…, patient:… (numéro dans le SIL), rpps:…, adeli:…, finess:…, siret:…, code:…, adresse:…"
        ),
    ],
    scope: Annotated[
        Scope,
        typer.Option(
            "--for",
            "--pour",
            help="patient : rien dans sa propre boîte ; professionnels : rien aux professionnels par messagerie ; "
            "destinataire : ce professionnel ou cette structure ne veut pas de courrier électronique.",
        ),
    ],
    note: Annotated[
        str, typer.Option("--reason", "--note", help="Motif, sans le nom ni le numéro de la personne.")
    ] = "",
    source: Annotated[
        str,
        typer.Option(
            help="Pour patient:… et code:… : la source dont le logiciel a donné ce numéro ; « * » : quel qu'il soit. "
            "Sans objet avec une seule source."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Enregistre une opposition. Seule une empreinte à clé du numéro est gardée, avec qui et quand."""
    parts = office()
    try:
        row = record(parts.desk, who, scope, actor=actor(), note=note, source=source)
    finally:
        parts.close()
    if json:
        print_json(_shown(row) if row is not None else {"already": True})
    elif row is None:
        say("Cette opposition est déjà enregistrée.")
    else:
        say(f"Opposition {row.id} enregistrée. Les envois préparés avant elle sont arrêtés au moment de leur remise.")


@group.command("list")
def listing(json: Json = False) -> None:
    """Les oppositions en vigueur."""
    parts = office()
    try:
        with parts.store.reading() as uow:
            rows = uow.oppositions.list()
    finally:
        parts.close()
    if json:
        print_json([_shown(row) for row in rows])
        return
    table(
        "",
        ("N°", "Pour", "Enregistrée sous", "Le", "Par", "Motif"),
        [(row.id, row.scope, _kind(row), moment(row.added_at), row.actor, row.note) for row in rows],
        empty="Aucune opposition n'est enregistrée.",
    )


@group.command("remove")
def remove(
    number: Annotated[str, typer.Argument(help="Numéro de l'opposition (« opposition list »).")], json: Json = False
) -> None:
    """Lève une opposition ; le journal garde qu'elle a existé."""
    parts = office()
    try:
        with parts.store.transaction() as uow:
            done = uow.oppositions.remove(number.strip().upper(), actor=actor())
    finally:
        parts.close()
    if json:
        print_json({"id": number, "removed": done})
    elif done:
        say(f"Opposition {number} levée.")
    if not done:
        complain(f"Aucune opposition ne porte le numéro {number}.")
        raise typer.Exit(FAILURES)


def _kind(row: OppositionRow) -> str:
    kind, _, source = row.kind.partition("@")
    return f"{kind} (source {source})" if source else kind


def _shown(row: OppositionRow) -> dict[str, object]:
    """Without the hash: it is of use to nobody."""
    return {name: value for name, value in asdict(row).items() if name != "key"}
