"""``dispatcher validate``: own checks of CDA, XDM, HPRIM and HL7 files; the official ones when the kit is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.cmd_read import read_path
from dispatcher.cli.output import FAILURES, complain, print_json, problem_json, say
from dispatcher.conformance.official import OfficialRules
from dispatcher.errors import DispatcherError, in_french
from dispatcher.formats.cda.check import check as check_cda
from dispatcher.formats.hprim_medecins.check import check as check_hprim_medecins
from dispatcher.formats.xdm.check import check as check_xdm
from dispatcher.report.model import Problem, Severity


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("validate")(validate)


def validate(
    files: Annotated[list[Path], typer.Argument(help="Fichiers CDA, XDM, HPRIM ou HL7.")],
    kit: Annotated[
        Path | None, typer.Option(help="Dossier des règles officielles de l'ANS (schematrons) : les applique aussi.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Contrôle des fichiers. Code 1 dès qu'une erreur est trouvée."""
    rules = OfficialRules.load(kit) if kit is not None else None
    answers = []
    for path in files:
        kind, problems = check_file(path, rules)
        answers.append((path, kind, problems))
    if json:
        print_json({"files": [_as_json(*answer) for answer in answers]})
    else:
        for answer in answers:
            _tell(*answer)
    if any(problem.severity is Severity.ERROR for _, _, problems in answers for problem in problems):
        raise typer.Exit(FAILURES)


def check_file(path: Path, rules: OfficialRules | None) -> tuple[str, tuple[Problem, ...]]:
    """Kind of the file and what was found. Never raises for a bad file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"Fichier illisible : {in_french(error)}. Vérifier le chemin et les droits."
        return "unknown", (Problem(code="unreadable-file", severity=Severity.ERROR, where=str(path), message=message),)
    head = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"PK"):
        return "xdm", tuple(check_xdm(data))
    if head.startswith(b"<"):
        return "cda", (*check_cda(data), *(_official(rules, data) if rules else ()))
    result, _digest = read_path(path, strict=True)
    found = (*result.problems, *(problem for report in result.reports for problem in report.problems))
    if result.format == "hprim-medecins":
        found = (*found, *check_hprim_medecins(data))
    return result.format, found


def _official(rules: OfficialRules, data: bytes) -> tuple[Problem, ...]:
    try:
        return tuple(rules.check(data))
    except DispatcherError as error:
        return (Problem(code=error.code, severity=Severity.ERROR, message=str(error)),)


def _as_json(path: Path, kind: str, problems: tuple[Problem, ...]) -> dict[str, object]:
    return {
        "path": str(path),
        "format": kind,
        "valid": not any(problem.severity is Severity.ERROR for problem in problems),
        "problems": [problem_json(problem) for problem in problems],
    }


def _tell(path: Path, kind: str, problems: tuple[Problem, ...]) -> None:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    verdict = "conforme" if not errors else f"{errors} erreur(s)"
    say(f"{path} ({kind}) : {verdict}")
    for problem in problems:
        text = f"  {_WORDS[problem.severity]} – {problem.sentence}"
        (complain if problem.severity is Severity.ERROR else say)(text)


_WORDS = {Severity.ERROR: "erreur", Severity.WARNING: "attention", Severity.INFO: "note"}
