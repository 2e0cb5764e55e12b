"""``dispatcher receipts read|import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, print_json, say, table
from dispatcher.errors import in_french
from dispatcher.french import counted
from dispatcher.ports import Fetched
from dispatcher.receipts.readout import as_json, understood
from dispatcher.service.collect import Collected, take_notice

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
Files = Annotated[list[Path], typer.Argument(help="Courriers (.eml).")]
group = typer.Typer(help="Accusés : avis de remise, de lecture, d'erreur.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="receipts")


@group.command("read")
def read(files: Files, json: Json = False) -> None:
    """Ce que disent des avis, sans base ni configuration."""
    answers = [_answer(path) for path in files]
    if json:
        print_json({"files": answers})
    else:
        for answer in answers:
            _tell(answer)
    if not all(understood(answer) for answer in answers):
        raise typer.Exit(FAILURES)


def _answer(path: Path) -> dict[str, Any]:
    try:
        return as_json(str(path), path.read_bytes())
    except OSError as error:
        problem = {
            "code": "unreadable-file",
            "severity": "error",
            "where": str(path),
            "message": f"Fichier illisible : {in_french(error)}. Vérifier le chemin et les droits.",
        }
        return {"path": str(path), "problems": [problem], "notices": []}


def _row(notice: dict[str, str | None]) -> tuple[str, ...]:
    code = notice["status"] or notice["code"]
    cells = (notice["kind"], notice["action"], code, notice["recipient"], notice["message_id"], notice["diagnostic"])
    return tuple(cell or "" for cell in cells)


def _tell(answer: dict[str, Any]) -> None:
    table(
        str(answer["path"]),
        ("Genre", "Action", "Code", "Destinataire", "Message", "Détail"),
        [_row(notice) for notice in answer["notices"]],
        empty=f"{answer['path']} : aucun avis reconnu.",
    )
    for problem in answer["problems"]:
        complain(f"{answer['path']} : {problem['message']}")


@group.command("import")
def import_files(files: Files, channel: Annotated[str, typer.Option(help="Canal.")] = "", json: Json = False) -> None:
    """Fait entrer des avis reçus autrement ; ils changent l'état des envois comme ceux de la boîte."""
    parts = office()
    result = Collected()
    for path, data in _contents(files):
        result.mails += 1
        take_notice(
            channel or next(iter(parts.channels)),
            Fetched(uid=path.name, content=data),
            parts.store,
            parts.clock,
            result,
        )
    if json:
        print_json(
            {"mails": result.mails, "notices": result.notices, "matched": result.matched, "changes": result.changes}
        )
    else:
        mails, matched = counted(result.mails, "courrier"), counted(result.matched, "rattaché")
        say(f"{mails}, {result.notices} avis, {matched} à un envoi.")
    if result.matched < result.notices or not result.notices:
        raise typer.Exit(FAILURES)


def _contents(files: list[Path]) -> list[tuple[Path, bytes]]:
    found = []
    for path in files:
        try:
            found.append((path, path.read_bytes()))
        except OSError as error:
            complain(f"{path} : illisible ({in_french(error)}). Vérifier le chemin et les droits.")
    return found
