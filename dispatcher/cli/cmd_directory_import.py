"""``dispatcher directory import``: national files into their searchable copies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say
from dispatcher.clock import SystemClock
from dispatcher.directory.bulk.importing import KINDS, Told, import_file
from dispatcher.directory.snapshots.writing import ImportReport
from dispatcher.directory.syncing.lock import only_one
from dispatcher.errors import DirectoryError
from dispatcher.french import counted
from dispatcher.settings.directory import DirectorySettings

KindName = StrEnum("KindName", {kind.name: kind.name for kind in KINDS})  # type: ignore[misc]


def register(group: typer.Typer) -> None:
    """Add the command of this file to ``dispatcher directory``."""
    group.command("import")(import_files)


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Extraction MSSanté, PS_LibreAcces, FINESS ou correspondance ADELI-RPPS, zippés ou non ; le genre est "
            "reconnu à l'en-tête.",
        ),
    ],
    kind: Annotated[KindName | None, typer.Option("--kind", help="Genre des fichiers, s'il n'est pas reconnu.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Accepte un fichier bien plus petit ou plus ancien que le précédent.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Importe des annuaires nationaux ; l'ancienne copie sert jusqu'à la fin de l'import. Code 1 si l'un est refusé."""
    wanted = settings().directory
    results = [_import(file, wanted, kind.value if kind else None, force=force, json=json) for file in files]
    if json:
        print_json(results)
    if not all(result["ok"] for result in results):
        raise typer.Exit(FAILURES)


def _import(file: Path, wanted: DirectorySettings, kind: str | None, *, force: bool, json: bool) -> dict[str, Any]:
    """One file: told, and as JSON values."""
    shrink, now = wanted.shrink_percent, SystemClock().now()
    try:
        with _progress(file.name, shown=not json) as progress:
            report = import_file(
                file,
                wanted.folder,
                now=now,
                kind=kind,
                shrink_percent=shrink,
                force=force,
                progress=progress,
                alone=only_one,
            )
    except DirectoryError as error:
        if not json:
            complain(error.message if file.name in error.message else f"{file.name} : {error.message}")
            complain(f"  → {error.hint}")
        return {"ok": False, "file": str(file), "message": error.message, "hint": error.hint}
    if not json:
        _tell(report)
    return {"ok": True, "file": str(file), **asdict(report)}


@contextmanager
def _progress(name: str, *, shown: bool) -> Iterator[Told]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    hidden = not (shown and console.is_interactive)  # elsewhere the bar would leave an empty line behind
    with Progress(*columns, console=console, disable=hidden, transient=True) as bar:
        line = bar.add_task(name, total=None)
        yield lambda done: bar.update(line, description=f"{name} : {done} lignes lues")


def _tell(report: ImportReport) -> None:
    title = next((kind.title for kind in KINDS if kind.name == report.kind), report.kind)
    say(f"{report.source} : {title}, données du {moment(report.source_date)}.")
    say(f"  {_counts(report)}")
    if report.previous_rows is not None and report.added is not None:
        say(f"  Par rapport à la copie remplacée : {report.added} en plus, {report.removed} en moins.")
    if report.duplicates:
        say(f"  {counted(report.duplicates, 'ligne laissée')}, en double.")
    for note in report.notes:
        say(f"  {note}")
    if report.bad_count:
        complain(f"  {counted(report.bad_count, 'ligne illisible laissée')} :")
        for bad in report.bad:
            complain(f"    ligne {bad.line} : {bad.reason}")


def _counts(report: ImportReport) -> str:
    if report.pairs:
        return f"{counted(report.pairs // 2, 'correspondance importée')}."
    boxes = f", {counted(report.addresses, 'adresse')}" if report.addresses else ""
    return f"{counted(report.rows, 'ligne importée')}{boxes}."
