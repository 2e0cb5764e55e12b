"""``dispatcher read``: what the program understands of files. Works without any configuration."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatcher.cli.context import config_exists, settings
from dispatcher.cli.leaving import leaving_rules
from dispatcher.cli.output import FAILURES, print_json, say
from dispatcher.cli.paths import expanded, sibling_of
from dispatcher.dialects import shelf
from dispatcher.dialects.model import Dialect
from dispatcher.errors import ConfigError, in_french
from dispatcher.formats import readout, registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.pdf_index.rules import rules_of
from dispatcher.formats.side_by_side import opinion_json, opinion_text
from dispatcher.report.checks import check as check_report
from dispatcher.report.model import Problem, Severity
from dispatcher.settings import SourceSettings
from dispatcher.terminology.tables import Terminology

if TYPE_CHECKING:
    from dispatcher.formats.hl7.opinion import Opinion

DialectOption = Annotated[
    str | None, typer.Option("--dialect", help="Habitudes du SIL : un dialecte livré, ou un fichier .toml.")
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("read")(read)


def read(
    files: Annotated[
        list[Path], typer.Argument(help="Fichiers HL7 v2, HPRIM Santé, HPRIM Médecins, CDA, XDM, PDF., ou dossiers.")
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Ajoute l'avis de hl7apy sur la structure.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Force le jeu de caractères.")] = None,
    source: Annotated[str | None, typer.Option(help="Lit comme le fait cette source de la configuration.")] = None,
    dialect: DialectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Montre ce que le programme comprend d'un fichier. Affiche l'identité du patient : l'écran est à vous."""
    like = source_settings(source)
    spoken = dialect_of(dialect, like)
    terms, rules = terminology(), leaving_rules()
    answers: list[dict[str, Any]] = []
    usable = True
    for path in expanded(files):
        result, digest = read_path(path, encoding=encoding, like=like, dialect=spoken)
        opinion = _opinion(path, encoding) if strict else None
        if opinion is not None:
            result = replace(result, problems=(*result.problems, *opinion.problems))
        usable = usable and result.readable
        coded = coded_result(result, terms)
        held = [check_report(report, rules) for report in coded.reports]
        if json:
            told = readout.as_json(coded, str(path), digest, held)
            answers.append(told | (opinion_json(opinion) if opinion else {}))
        else:
            say(readout.as_text(coded, str(path), held))
            if opinion is not None:
                say(opinion_text(opinion))
    if json:
        print_json({"files": answers})
    if not usable:
        raise typer.Exit(FAILURES)


def terminology() -> Terminology:
    """The tables, with the laboratory's own when there is a configuration."""
    from dispatcher.wiring import terminology as load

    return load(settings().terminology if config_exists() else None)


def coded_result(result: ReadResult, terms: Terminology) -> ReadResult:
    """The same reports with their codes and units looked up."""
    return replace(result, reports=tuple(terms.code(report)[0] for report in result.reports))


def source_settings(name: str | None) -> SourceSettings | None:
    """Settings of a named source. Raises :class:`ConfigError` when there is none of that name."""
    if name is None:
        return None
    sources = settings().sources
    if name not in sources:
        raise ConfigError(
            f"Source inconnue : « {name} ».", hint=f"Sources configurées : {', '.join(sources) or 'aucune'}."
        )
    return sources[name]


def dialect_of(wanted: str | None, like: SourceSettings | None) -> Dialect | None:
    """The dialect named on the command line, else that of the source. Raises :class:`ConfigError`."""
    if wanted is not None:
        return shelf.load(wanted)
    if like is None or like.dialect is None:
        return None
    return shelf.load(like.dialect, settings().folder)


def _opinion(path: Path, encoding: str | None) -> Opinion | None:
    """hl7apy's, of an HL7 file that can be read."""
    from dispatcher.formats.hl7.opinion import second_opinion

    try:
        return second_opinion(path.read_bytes(), encoding=encoding)
    except OSError:
        return None


def read_path(
    path: Path,
    *,
    encoding: str | None = None,
    strict: bool = False,
    like: SourceSettings | None = None,
    dialect: Dialect | None = None,
) -> tuple[ReadResult, str]:
    """Read one file from disk, as the source ``like`` does; gives the result and the SHA-256 of its bytes.

    Never raises for a bad file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = Problem(
            code="unreadable-file",
            severity=Severity.ERROR,
            where=str(path),
            message=f"Fichier illisible : {in_french(error)}. Vérifier le chemin et les droits.",
        )
        return ReadResult(format="unknown", problems=(problem,)), ""

    context = ReadContext(
        file_name=path.name,
        encoding=encoding or (like.encoding if like else None),
        sibling=sibling_of(path),
        index=rules_of(like.index) if like else None,
        dialect=dialect,
    )
    result = registry.read(data, context)
    if strict:
        from dispatcher.formats.hl7.opinion import second_opinion

        opinion = second_opinion(data, encoding=encoding)
        result = replace(result, problems=(*result.problems, *opinion.problems))
    return result, hashlib.sha256(data).hexdigest()
