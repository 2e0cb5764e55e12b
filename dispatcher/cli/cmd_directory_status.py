"""``dispatcher directory status``: every source, its data and its age."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from dispatcher.cli import directory_alarms
from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, table
from dispatcher.clock import SystemClock
from dispatcher.directory.at_hand import looked_at, watched
from dispatcher.directory.standing import Standing, faults
from dispatcher.french import counted
from dispatcher.report.model import Severity
from dispatcher.service.check import Finding, good, warning
from dispatcher.settings import Settings


def register(group: typer.Typer) -> None:
    """Add the command of this file to ``dispatcher directory``."""
    group.command("status")(status)


def status(json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False) -> None:
    """Chaque annuaire : lignes, date des données, âge et limite ; ce qui manque, et pourquoi ; ce qui ne sert plus.

    Code 1 si des données sont abîmées ou trop vieilles, si une synchronisation échoue, ou si aucune source ne donne de
    boîtes.
    """
    wanted, clock = settings(), SystemClock()
    found = looked_at(wanted)
    fetched = {one.name: one for one in watched(wanted, clock)}
    wrong = faults(found) or any(one.alarm for one in fetched.values())
    if json:
        synced = {name: directory_alarms.as_json(one) for name, one in fetched.items()}
        print_json([{**as_json(one), "sync": synced.pop(one.name, None)} for one in found])
    else:
        columns = ("Source", "Lignes", "Adresses", "Données du", "Âge", "Limite", "Version")
        table("", columns, [_row(one) for one in found])
        for one in found:
            if one.problem or one.missing:
                complain(f"{one.title} : {_wrong(one)}.")
                complain(f"  → {one.hint}")
        directory_alarms.tell(wanted, clock)
    if wrong:
        raise typer.Exit(FAILURES)


def findings(wanted: Settings, fetched: Collection[str]) -> Iterator[Finding]:
    """For ``dispatcher check``: one per source; those in ``fetched`` are told by their synchronisation."""
    found = looked_at(wanted)
    wrong = faults(found)
    for one in found:
        subject = f"annuaire {one.name}"
        if one.name in fetched:
            continue
        if one in wrong:
            yield warning(subject, one.problem or one.missing, one.hint)
        elif one.missing:
            yield Finding(subject=subject, severity=Severity.INFO, text=_wrong(one), hint=one.hint)
        elif one.info is not None:
            yield good(subject, f"{counted(one.info.rows or one.info.pairs // 2, 'ligne')}, {_age(one)}")


def _wrong(one: Standing) -> str:
    missing = one.missing if one.unused else f"rien en service ; {one.missing}"
    return (one.problem or missing).rstrip(".")


def as_json(one: Standing) -> dict[str, Any]:
    """A source for programs."""
    info = asdict(one.info) if one.info else {}
    kept = ("rows", "addresses", "pairs", "bad", "duplicates", "source", "source_date", "imported_at", "version")
    return {
        "name": one.name,
        "title": one.title,
        "present": one.info is not None,
        **{name: info.get(name) for name in kept},
        "age_days": round(one.age_days, 2) if one.age_days is not None else None,
        "max_age_days": one.max_age_days,
        "problem": one.problem,
        "missing": one.missing,
        "hint": one.hint,
        "unused": one.unused,
    }


def _row(one: Standing) -> tuple[str, ...]:
    if one.unused:
        return f"{one.title} (inutilisé)", "—", "—", "—", "—", "—", ""
    limit = f"{one.max_age_days:g} j" if one.max_age_days is not None else "sans"
    if one.info is None:
        return one.title, "—", "—", "—", "—", limit, ""
    rows, boxes = one.info.rows or one.info.pairs // 2, one.info.addresses
    return one.title, str(rows), str(boxes or "—"), moment(one.info.source_date), _age(one), limit, one.info.version


def _age(one: Standing) -> str:
    days = one.age_days or 0
    return "moins d'un jour" if days < 1 else counted(round(days), "jour")
