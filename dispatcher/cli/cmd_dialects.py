"""``dispatcher dialects list|show|check|keys``: how LIS write, as data. Works without any configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.output import FAILURES, complain, print_json, say, table
from dispatcher.cli.paths import expanded
from dispatcher.dialects import shelf
from dispatcher.dialects.guide import rows
from dispatcher.errors import ConfigError

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Dialectes : les habitudes d'écriture d'un SIL.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="dialects")


@group.command("list")
def list_(json: Json = False) -> None:
    """Les dialectes livrés."""
    found = [shelf.load(name) for name in shelf.names()]
    if json:
        print_json([{"name": one.name, "format": one.format, "title": one.title} for one in found])
        return
    table("", ("Nom", "Format", "Ce qu'il décrit"), [(one.name, one.format, one.title) for one in found])


@group.command("show")
def show(name: Annotated[str, typer.Argument(help="Nom d'un dialecte livré.")]) -> None:
    """Montre le fichier d'un dialecte livré, à copier pour écrire le sien."""
    typer.echo(shelf.text_of(name), nl=False)


@group.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(help="Fichiers .toml, ou dossiers.")],
    json: Json = False,
) -> None:
    """Relit des dialectes ; dit toutes les fautes à la fois, avec leur ligne. Code 1 s'il y en a."""
    answers = [(path, *_faults(path)) for path in expanded(files)]
    if json:
        print_json([{"path": str(path), "message": told, "faults": list(faults)} for path, told, faults in answers])
    else:
        for path, told, faults in answers:
            (complain if told else say)(told.replace(path.name, str(path), 1) or f"{path} : sans faute")
            for fault in faults:
                complain(f"  – {fault}")
    if any(told for _, told, _ in answers):
        raise typer.Exit(FAILURES)


def _faults(path: Path) -> tuple[str, tuple[str, ...]]:
    try:
        shelf.load_file(path)
    except ConfigError as error:
        return str(error), error.faults
    return "", ()


@group.command("keys")
def keys(json: Json = False) -> None:
    """Tout ce qu'un dialecte peut dire, avec un exemple par clé."""
    found = rows()
    if json:
        print_json(
            [{"key": row.key, "formats": row.formats, "sense": row.sense, "example": row.example} for row in found]
        )
        return
    table("", ("Clé", "Formats", "Sens", "Exemple"), [(r.key, ", ".join(r.formats), r.sense, r.example) for r in found])
