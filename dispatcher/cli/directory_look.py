"""``dispatcher directory search|resolve``: looking somebody up, and where a number or a report would go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.cmd_read import read_path, source_settings
from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, print_json, say
from dispatcher.cli.search_show import found_json, show_found
from dispatcher.dialects.model import Dialect
from dispatcher.errors import ConfigError
from dispatcher.french import counted
from dispatcher.report.model import IdType
from dispatcher.routing.route import Decision
from dispatcher.routing.trace import as_json, explain_french
from dispatcher.service.meant import Meant, meant
from dispatcher.service.resolve import resolve_address, resolve_identifier, resolve_report
from dispatcher.wiring import Office

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
BEYOND = 200
"""How far the others are counted."""


def register(group: typer.Typer) -> None:
    """Add the commands of this file to ``dispatcher directory``."""
    group.command("search")(search)
    group.command("resolve")(resolve)


def search(
    text: Annotated[str, typer.Argument(help="Nom, ville, identifiant ou adresse ; sans égard aux accents.")],
    limit: Annotated[int, typer.Option(min=1, help="Nombre de lignes.")] = 20,
    json: Json = False,
) -> None:
    """Cherche une personne ou une structure. Pour les personnes : un nom ne choisit jamais un destinataire."""
    found = office().directory.search(text, limit + BEYOND)
    shown, more = found[:limit], len(found) - limit
    if json:
        rest = {"more": max(more, 0), "at_least": more >= BEYOND}
        print_json({"entries": [found_json(entry) for entry in shown], **rest})
        return
    show_found(shown, text)
    if more > 0:
        least = "au moins " if more >= BEYOND else ""
        say(f"… et {least}{counted(more, 'autre')} : ajouter un prénom ou une ville, ou « --limit {limit * 5} ».")


def resolve(
    what: Annotated[str, typer.Argument(help="RPPS, ADELI, FINESS, SIRET, code du laboratoire, adresse ou fichier.")],
    kind: Annotated[IdType | None, typer.Option("--type", help="Genre de l'identifiant ; deviné sinon.")] = None,
    source: Annotated[str | None, typer.Option(help="Source dont vient le code ou le fichier.")] = None,
    family: Annotated[str, typer.Option(help="Nom porté par le fichier, pour le contrôle.")] = "",
    given: Annotated[str, typer.Option(help="Prénom porté par le fichier.")] = "",
    json: Json = False,
) -> None:
    """Montre vers qui partirait un identifiant, un code ou un compte rendu, et pourquoi. N'envoie rien."""
    parts = office()
    if source is not None and source not in parts.desk.sources:
        listed = ", ".join(parts.desk.sources) or "aucune"
        raise ConfigError(f"Source inconnue : « {source} ».", hint=f"Sources configurées : {listed}.")
    only = next(iter(parts.desk.sources), "") if len(parts.desk.sources) == 1 else ""
    if Path(what).is_file():
        _file(parts, Path(what), source if source is not None else only, json)
        return
    if fault := _no_such_file(what):
        complain(fault)
        raise typer.Exit(FAILURES)
    place = source if source is not None else only
    seen = meant(parts.desk, what, place) if kind is None else Meant(kind=kind, identifier=what)
    if seen.address:
        decision = resolve_address(parts.desk, seen.address, source=place)
    else:
        decision = resolve_identifier(
            parts.desk, seen.identifier, kind=seen.kind, source=place, family=family, given=given
        )
    if json:
        print_json(as_json(decision) | {"note": seen.note})
    else:
        if seen.note:
            say(seen.note)
        _say(decision)
    _end([decision])


def _no_such_file(what: str) -> str:
    """Why this is nothing to look for (French): empty, a folder, a path where no file is."""
    if not what.strip():
        return "Rien à chercher : donner un RPPS, ADELI, FINESS ou SIRET, un code, une adresse ou un fichier."
    if Path(what).is_dir():
        return f"« {what} » est un dossier : donner un fichier de compte rendu."
    path = "/" in what or "\\" in what or re.search(r"\.(hl7|hpr|hprim|xml|pdf|txt|cda|zip|oru)$", what, re.IGNORECASE)
    return f"Aucun fichier à cet endroit : « {what} ». Vérifier le chemin." if path and "@" not in what else ""


def _file(parts: Office, path: Path, source: str, json: bool) -> None:
    dialect: Dialect | None = parts.desk.dialects.get(source)
    result, _ = read_path(path, like=source_settings(source or None), dialect=dialect)
    told: list[dict[str, Any]] = []
    decisions: list[Decision] = []
    waits = False
    for number, report in enumerate(result.reports, 1):
        seen = resolve_report(parts.desk, report, source)
        found, blocked = seen.decisions, seen.blocked
        decisions += found
        waits = waits or blocked is not None
        order = report.order.filler or report.order.placer
        recipients = [as_json(one) for one in found]
        held = asdict(blocked) if blocked is not None else None
        told.append({"report": number, "order": order, "held": held, "recipients": recipients})
        if not json:
            say(
                f"Compte rendu {number}{f', dossier {order}' if order else ''} : {counted(len(found), 'destinataire')}."
            )
            if blocked is not None:
                say(f"  Rien n'en partirait : {blocked.reason} Sans cela :")
            for one in found:
                _say(one, indent="  ")
                say("")
    if json:
        problems = [{"code": one.code, "message": one.message} for one in result.problems]
        print_json(
            {"file": str(path), "format": result.format, "source": source, "problems": problems, "reports": told}
        )
    elif not result.reports:
        for problem in result.problems:
            complain(problem.message)
    if not result.readable or waits:
        raise typer.Exit(FAILURES)
    _end(decisions)


def _say(decision: Decision, indent: str = "") -> None:
    for line in explain_french(as_json(decision)):
        say(indent + line)


def _end(decisions: Iterable[Decision]) -> None:
    """Code 1 when somebody would wait for a person; paper is an answer."""
    if any(decision.route is None and not decision.paper for decision in decisions):
        raise typer.Exit(FAILURES)
