"""``dispatcher journal verify|anchor|export``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say
from dispatcher.cli.person import actor
from dispatcher.french import counted
from dispatcher.service.anchor import anchor as make_anchor
from dispatcher.service.anchor import stamp_missing
from dispatcher.service.verify_journal import Exported, Verified, verify_journal
from dispatcher.store import anchor_files
from dispatcher.wiring.proving import anchoring_of, stamp_roots

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Journal : chaque changement, chaîné par empreinte, signé chaque jour.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="journal")


@group.command("verify")
def verify(
    anchors: Annotated[
        Path | None,
        typer.Option("--anchors", exists=True, file_okay=False, help="Dossier d'ancres copiées, à confronter aussi."),
    ] = None,
    json: Json = False,
) -> None:
    """Relit tout le journal, vérifie sa chaîne, et ce qui en a été signé."""
    parts = office()
    folder = anchors or parts.settings.journal.anchor_folder
    copies = anchor_files.read(folder) if folder is not None and folder.is_dir() else ()
    exported = [Exported(name=n, statement=text, signature=sig, stamp=stamp) for n, text, sig, stamp in copies]
    found = verify_journal(parts.store, exported, stamp_roots(parts))
    if json:
        print_json({**asdict(found), "intact": not found.fault})
    else:
        _tell(found)
    if found.fault:
        raise typer.Exit(FAILURES)


def _tell(found: Verified) -> None:
    for remark in found.remarks:
        say(remark)
    if found.fault:
        complain(f"Journal rompu : {found.fault}")
        complain("  → Garder la base et les ancres telles qu'elles sont, et prévenir le responsable (docs/preuves.md).")
        return
    say(f"Journal intact : {counted(found.lines, 'ligne vérifiée')}.")
    if found.anchors:
        copies = f" ; {counted(found.exported, 'copie confrontée')}" if found.exported else ""
        stamps = f", dont {found.stamped} horodatées" if found.stamped else ""
        say(
            f"{counted(found.anchors, 'ancre juste')}{stamps}, jusqu'à la ligne {found.anchored_to} "
            f"({moment(found.anchored_at)}){copies}."
        )
    else:
        say("Aucune ancre : rien n'est signé. « dispatcher journal anchor » en fait une, le service une par jour.")


@group.command("anchor")
def anchor(json: Json = False) -> None:
    """Signe le journal jusqu'à sa dernière ligne, sans attendre l'heure."""
    parts = office()
    anchoring = anchoring_of(parts)
    row = make_anchor(anchoring, actor=actor())
    stamp_missing(anchoring)
    folder = parts.settings.journal.anchor_folder
    if folder is not None:
        with parts.store.reading() as uow:
            anchor_files.write(folder, uow.anchors.list())
    if json:
        print_json({"anchored": row is not None, "first": row.first, "last": row.last} if row else {"anchored": False})
    elif row is None:
        say("Rien de nouveau depuis la dernière ancre.")
    else:
        stamped = " et horodatées" if row.stamp is not None else ""
        say(f"Lignes {row.first} à {row.last} signées{stamped}.")


@group.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Dossier, créé au besoin ; ce qui y est déjà y reste.")],
    json: Json = False,
) -> None:
    """Copie les ancres dans un dossier : texte signé, signature, horodatage."""
    parts = office()
    with parts.store.reading() as uow:
        rows = uow.anchors.list()
    count = anchor_files.write(folder, rows)
    if json:
        print_json({"anchors": len(rows), "written": count, "folder": str(folder)})
    else:
        say(f"{counted(len(rows), 'ancre')}, dont {count} copiées à l'instant dans « {folder} ».")


@group.callback()
def _group() -> None:
    """Journal : chaque changement, chaîné par empreinte, signé chaque jour."""
