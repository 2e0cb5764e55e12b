"""``dispatcher directory drift``: recipients of lately who are no longer what they were; and their number elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import moment, print_json, say
from dispatcher.daemon import steps
from dispatcher.directory.drift_number import DriftNumber, load
from dispatcher.errors import DirectoryError, DispatcherError
from dispatcher.french import counted
from dispatcher.routing.sources import label
from dispatcher.service.check import Finding, bad, good, warning
from dispatcher.service.drift import DAYS, OPPOSITIONS, Drift, DriftReport, drift
from dispatcher.wiring import Office

SEE = "« dispatcher directory drift » dit lesquels, et quoi faire."


def register(group: typer.Typer) -> None:
    """Add the command of this file to ``dispatcher directory``."""
    group.command("drift")(told)


def told(
    days: Annotated[int, typer.Option(min=1, help="Destinataires des N derniers jours.")] = DAYS,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Qui a changé depuis son dernier envoi : boîte disparue, passée à un autre, certificat ou ligne qui finit."""
    parts = office()
    report = drift(parts.desk, days=days)
    if days == DAYS:
        remember(parts, report)
    parts.close()
    if json:
        print_json(asdict(report))
        return
    for one in report.lines:
        _tell(one)
    compared = f"{counted(report.recipients, 'destinataire')} depuis le {moment(report.since)}"
    say(f"{compared} : {report.drifting} à revoir." if report.lines else f"{compared} : rien n'a changé.")
    if report.not_comparable:
        say(f"{report.not_comparable} n'ont pas pu être comparés : l'annuaire qui les donnait n'est plus là.")


def _tell(one: Drift) -> None:
    who = f"{one.label} ({one.id_type} {one.id})" if one.id else one.label
    waiting = f", {one.waiting} en attente de départ" if one.waiting else ""
    say(f"{who}, {one.address} : {counted(one.mails, 'envoi')}, le dernier le {moment(one.last_at)}{waiting}.")
    version = f", {one.version}" if one.version else ""
    where = "" if one.source in {"certificates", OPPOSITIONS} else f" [{label(one.source)}{version}]"
    say(f"  {one.text}{where}")
    say(f"  → {one.todo}")


def remember(parts: Office, report: DriftReport) -> None:
    """Keep the number of the usual days for ``status``. A disk that does not play along is no fault of the report."""
    with suppress(DirectoryError):
        steps.keep_drift(parts, report)


def number(parts: Office) -> DriftNumber | None:
    """As counted last by the service, by ``check`` or by this command."""
    return load(parts.settings.directory.folder)


def findings(parts: Office) -> Iterator[Finding]:
    """For ``check``: counted now."""
    subject = "destinataires"
    try:
        report = drift(parts.desk)
    except DispatcherError as error:
        yield bad(subject, error)
        return
    remember(parts, report)
    if report.drifting:
        yield warning(subject, f"{report.drifting} sur {report.recipients} ont changé depuis leur dernier envoi", SEE)
    elif report.recipients:
        yield good(subject, f"{counted(report.recipients, 'destinataire inchangé')} en {DAYS} jours")
    if report.not_comparable:
        text = f"{report.not_comparable} ne peuvent plus être comparés : l'annuaire qui les donnait n'est plus là"
        yield warning(subject, text, "« dispatcher directory status » dit quels annuaires sont là.")
