"""``dispatcher directory import|search|resolve``; ``local`` stands in ``cmd_local.py`` and ``local_versions.py``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli import (
    cmd_directory_certificates,
    cmd_directory_import,
    cmd_directory_status,
    cmd_directory_sync,
    cmd_local,
    local_versions,
)
from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, print_json, say, table
from dispatcher.report.identifiers import kind_of
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.routing.trace import as_json, explain_french
from dispatcher.service.make import route_one

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]

group = typer.Typer(help="Annuaires : import, recherche, résolution, table du laboratoire.", no_args_is_help=True)
local_versions.register(cmd_local.group)
group.add_typer(cmd_local.group, name="local")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    cmd_directory_import.register(group)
    cmd_directory_status.register(group)
    cmd_directory_sync.register(group)
    cmd_directory_certificates.register(group)
    app.add_typer(group, name="directory")


@group.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Nom, ville, identifiant ou adresse.")],
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 20,
    json: Json = False,
) -> None:
    """Cherche une personne ou une structure. Pour les personnes : un nom ne choisit jamais un destinataire."""
    found = office().directory.search(text, limit)
    if json:
        print_json([asdict(entry) for entry in found])
        return
    table(
        "",
        ("Nom", "Identifiant", "Profession", "Structure", "Ville", "Adresse"),
        [_row(entry) for entry in found],
        empty="Personne de ce nom dans les annuaires importés.",
    )


def _row(entry: Entry) -> tuple[str, ...]:
    structure = f"{entry.structure_name} {entry.structure_id}".strip()
    return (
        entry.label,
        f"{entry.id_type or ''} {entry.identifier}".strip(),
        entry.profession,
        structure,
        f"{entry.postcode} {entry.town}",
        entry.address,
    )


@group.command("resolve")
def resolve(
    identifier: Annotated[str, typer.Argument(help="RPPS, ADELI, FINESS, SIRET ou code du laboratoire.")],
    kind: Annotated[IdType | None, typer.Option("--type", help="Genre de l'identifiant ; deviné sinon.")] = None,
    source: Annotated[str, typer.Option(help="Source dont vient le code.")] = "",
    family: Annotated[str, typer.Option(help="Nom porté par le fichier, pour le contrôle.")] = "",
    given: Annotated[str, typer.Option(help="Prénom porté par le fichier.")] = "",
    json: Json = False,
) -> None:
    """Montre vers qui un identifiant partirait, et pourquoi."""
    id_type = kind or kind_of(identifier)
    wanted = Wanted(
        role=RecipientRole.PRESCRIBER,
        id=identifier.strip(),
        id_type=id_type,
        label=" ".join(part for part in (family, given) if part) or identifier,
        family=family,
        given=given,
    )
    decision = route_one(office().desk, source, wanted)
    if json:
        print_json(as_json(decision))
    else:
        for line in explain_french(as_json(decision)):
            say(line)
    if decision.route is None:
        raise typer.Exit(FAILURES)
