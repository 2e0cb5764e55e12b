"""``dispatcher stats``: times from the file to each step, unread share, causes of failure, whom to phone."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import WRONG_CALL, complain, print_json, say, table
from dispatcher.french import counted
from dispatcher.outbox.figures import STEPS
from dispatcher.outbox.states import State
from dispatcher.service.answer_notes import day_of
from dispatcher.service.statistics import Group, Report, ToPhone, statistics
from dispatcher.service.wording import cause
from dispatcher.wiring import Office

NEVER = "-"
MANY = 20_000
"""Dispatches whose first count takes a while."""


class By(StrEnum):
    """How the dispatches are grouped."""

    DOMAIN = "domain"
    RECIPIENT = "recipient"
    DAY = "day"
    CHANNEL = "channel"


TITLES = {By.DOMAIN: "Domaine", By.RECIPIENT: "Destinataire", By.DAY: "Jour", By.CHANNEL: "Canal"}
COLUMNS = ("Envois", "Partis", "Remis", "Lus", "Échecs", "Papier", "Non lus", "Envoyé en", "Remis en", "Lu en")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("stats")(stats)


def stats(
    days: Annotated[int, typer.Option(min=1, help="Les N derniers jours, aujourd'hui compris.")] = 30,
    since: Annotated[str, typer.Option(help="Premier jour (AAAA-MM-JJ).")] = "",
    until: Annotated[str, typer.Option(help="Dernier jour (AAAA-MM-JJ).")] = "",
    by: Annotated[By, typer.Option(help="Regroupement.")] = By.DOMAIN,
    unread_after: Annotated[int, typer.Option(min=1, help="Non lu au bout de N jours.")] = 7,
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 30,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Délais du fichier à l'envoi, à la remise et à la lecture (médiane et 90 %), non lus, échecs, qui appeler."""
    parts = office()
    today = day_of(parts.clock.now())
    last = _day(until, "--until") or today
    first = _day(since, "--since") or last - timedelta(days=days - 1)
    if first > last:
        complain("Le premier jour est après le dernier.")
        raise typer.Exit(WRONG_CALL)
    _tell_first(parts)
    report = statistics(
        parts.store, since=first, until=last, today=today, by=by.value, unread_days=unread_after, limit=limit
    )
    if json:
        print_json(as_json(report))
    else:
        _tell(report, by)


def _tell_first(parts: Office) -> None:
    """After an upgrade nobody has made the figures of the days before: that takes minutes for a million dispatches."""
    with parts.store.reading() as uow:
        first = uow.figures.head() is None and sum(uow.dispatches.counts().values()) > MANY
    if first:
        complain("Premiers chiffres depuis la mise à jour : tous les jours passés sont comptés, une seule fois…")


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        complain(f"{option} : date attendue sous la forme 2026-11-22.")
        raise typer.Exit(WRONG_CALL) from None


# ------------------------------------------------------------------------------------------------ JSON


def as_json(report: Report) -> dict[str, Any]:
    """Seconds, counts and shares; a contract."""
    return {
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "unread_after_days": report.unread_days,
        "all": _group_json(report.whole),
        "groups": [{"key": one.key, "label": one.label, **_group_json(one)} for one in report.groups],
        "to_phone": [
            {
                "address": one.address,
                "label": one.label,
                "failed": one.failed,
                "faults": list(one.faults),
                "unread": one.unread,
            }
            for one in report.to_phone
        ],
        "domains_without_reading": list(report.silent_domains),
    }


def _group_json(group: Group) -> dict[str, Any]:
    figures = group.figures
    return {
        "dispatches": figures.count,
        "states": {state.value: figures.states[state.value] for state in State if figures.states[state.value]},
        "reached": {step: figures.reached(step) for step in STEPS},
        "seconds": {step: {"median": _seconds(group, step, 0.5), "p90": _seconds(group, step, 0.9)} for step in STEPS},
        "unread": group.unread,
        "unread_of": group.old,
        "unread_share": None if group.unread_share is None else round(group.unread_share, 4),
        "faults": dict(figures.faults.most_common()),
    }


def _seconds(group: Group, step: str, share: float) -> float | None:
    found = group.figures.quantile(step, share)
    return None if found is None else round(found, 1)


# ------------------------------------------------------------------------------------------------ text


def _tell(report: Report, by: By) -> None:
    whole = report.whole
    say(f"Du {report.since:%d/%m/%Y} au {report.until:%d/%m/%Y} : {counted(whole.figures.count, 'envoi')}.")
    if not whole.figures.count:
        return
    rows = [(one.key or "(sans adresse)", *_cells(one)) for one in report.groups]
    table("", (TITLES[by], *COLUMNS), [*rows, ("Ensemble", *_cells(whole))], empty="")
    say("Délais depuis la prise du fichier : médiane / 90 %, à 3 % près.")
    if whole.unread_share is not None:
        old = f"{counted(whole.old, 'envoi parti')} depuis plus de {counted(report.unread_days, 'jour')}"
        say(f"Jamais lus : {whole.unread} sur {old} ({whole.unread_share:.0%}).".replace("%", " %"))
    if report.silent_domains:
        say(f"Sans aucun accusé de lecture connu, le silence n'y dit rien : {', '.join(report.silent_domains)}.")
    if whole.figures.faults:
        told = ", ".join(f"{cause(fault)} : {count}" for fault, count in whole.figures.faults.most_common(10))
        say(f"Causes des échecs : {told}.")
    calls = [(one.label or one.address, one.address, _why(one)) for one in report.to_phone]
    table("À appeler", ("Destinataire", "Adresse", "Pourquoi"), calls, empty="Personne à appeler.")


def _cells(group: Group) -> tuple[str, ...]:
    figures = group.figures
    numbers = (
        figures.count,
        *(figures.reached(step) for step in STEPS),
        figures.states[State.FAILED.value],
        figures.states[State.PAPER.value],
    )
    unread = f"{group.unread}/{group.old}" if group.old else NEVER
    times = tuple(f"{_time(group, step, 0.5)} / {_time(group, step, 0.9)}" for step in STEPS)
    return (*map(str, numbers), unread, *times)


def _time(group: Group, step: str, share: float) -> str:
    found = group.figures.quantile(step, share)
    return NEVER if found is None else short(found)


def short(seconds: float) -> str:
    """« 45 s », « 12 min », « 3 h 05 », « 2,5 j »."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        minutes = round(seconds / 60)
        return f"{minutes // 60} h {minutes % 60:02}"
    return f"{seconds / 86400:.1f} j".replace(".", ",")


def _why(one: ToPhone) -> str:
    parts = []
    if one.failed:
        parts.append(f"{counted(one.failed, 'échec')} : {', '.join(cause(fault) for fault in one.faults)}")
    if one.unread:
        parts.append(f"{counted(one.unread, 'envoi')}, aucun lu")
    return " ; ".join(parts)
