"""``dispatcher directory sync``: fetch the sources that are on the network."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say
from dispatcher.clock import Clock, SystemClock
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.base import Progress, Sync, SyncReport, SyncStopped
from dispatcher.directory.syncing.configured import syncs
from dispatcher.errors import ConfigError, DirectoryError
from dispatcher.french import counted


def register(group: typer.Typer) -> None:
    """Add the command of this file to ``dispatcher directory``."""
    group.command("sync")(sync)


def sync(
    names: Annotated[list[str] | None, typer.Argument(help="fhir, ou le nom d'une source ; toutes sinon.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Reprend tout, au lieu de ce qui a changé.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Met en service même des données bien moins nombreuses ou plus anciennes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Va chercher les annuaires en ligne. Un échec garde les données en service et le dit. Code 1 s'il y en a un."""
    clock = SystemClock()
    chosen = _chosen(syncs(settings(), clock), names or [])
    results = []
    for one in chosen:
        with _progress(shown=not json) as progress:
            results.append(_run(one, clock, full=full, force=force, progress=progress, json=json))
    if json:
        print_json(results)
    if not all(result["ok"] for result in results):
        raise typer.Exit(FAILURES)


def _chosen(configured: tuple[Sync, ...], names: list[str]) -> list[Sync]:
    known = {one.name: one for one in configured}
    if not known:
        raise ConfigError(
            "Aucun annuaire en ligne n'est configuré.",
            hint="Voir docs/annuaires.md : [directory.fhir], [directory.downloads.NOM] ou [directory.ldap.NOM].",
        )
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            f"Source inconnue : « {unknown[0]} ».", hint=f"Sources configurées : {', '.join(sorted(known))}."
        )
    return [known[name] for name in dict.fromkeys(names)] if names else list(configured)


def _run(one: Sync, clock: Clock, *, full: bool, force: bool, progress: Progress, json: bool) -> dict[str, Any]:
    try:
        report = runner.run(one, clock, full=full, force=force, progress=progress)
    except DirectoryError as error:
        found = runner.look(one, clock.now())
        if not json:
            complain(f"{one.title} : {error.message}")
            if error.hint:
                complain(f"  → {error.hint}")
            complain(f"  {_kept(found)}")
        return {"name": one.name, "ok": False, "code": error.code, "message": error.message, "hint": error.hint} | {
            "as_of": found.as_of,
            "max_age_days": found.max_age_days,
        }
    except SyncStopped:
        if not json:
            complain(f"{one.title} : arrêtée à la demande ; les données en service sont gardées.")
        return {"name": one.name, "ok": False, "code": "stopped", "message": "arrêtée à la demande", "hint": ""}
    if not json:
        _tell(one, report)
    return {"ok": True, **asdict(report)}


def _kept(found: runner.Watched) -> str:
    if found.as_of is None:
        return "Aucune donnée de cette source n'est en service."
    return f"Les données du {moment(found.as_of)} restent en service (limite {found.max_age_days:g} jours)."


def _tell(one: Sync, report: SyncReport) -> None:
    if not report.changed:
        say(f"{one.title} : rien de nouveau, données du {moment(report.as_of)}.")
        return
    how = "tout repris" if report.full else "mise à jour"
    before = f" (avant : {report.previous_rows})" if report.previous_rows is not None else ""
    moved = f"{counted(report.fetched, 'reçu')}, {counted(report.gone, 'disparu')}"
    say(f"{one.title} : {how}, {moved} en {report.seconds:.0f} s.")
    say(f"  {counted(report.rows, 'ligne')} en service{before}, données du {moment(report.as_of)}.")
    for note in report.notes:
        say(f"  {note}")


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """A bar on standard error; Ctrl-C and SIGTERM end the run cleanly."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=not shown, transient=True) as bar:
            line = bar.add_task("…", total=None)

            def told(what: str, done: int, total: int | None) -> None:
                if stop.is_set():
                    raise SyncStopped
                bar.update(line, description=what, completed=done, total=total)

            yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
