"""``dispatcher validate``: our own checks of any format, and the official rules for every CDA, also inside a zip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.cmd_conformance import missing, rules_place
from dispatcher.cli.cmd_read import terminology
from dispatcher.cli.leaving import CHECK_NAME, leaving_rules
from dispatcher.cli.output import FAILURES, complain, print_json, problem_json, say
from dispatcher.cli.paths import expanded, sibling_of
from dispatcher.conformance.installed import checked, installed
from dispatcher.conformance.official import OfficialRules
from dispatcher.errors import ConfigError, DispatcherError, in_french
from dispatcher.formats.base import ReadContext
from dispatcher.formats.checks import Checked, check, placed
from dispatcher.french import counted
from dispatcher.report.checks import Rules
from dispatcher.report.checks import check as check_report
from dispatcher.report.model import Problem, Severity
from dispatcher.terminology.tables import Terminology


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("validate")(validate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The official rules, or why they cannot be asked."""

    rules: OfficialRules | None = None
    kit: Path | None = None
    why: str = ""
    """French; empty when the rules are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One file judged."""

    path: Path
    own: Checked
    layers: tuple[str, ...] = ()
    """Official rules asked, by layer; none when they were not."""
    not_asked: str = ""
    """Why not, in French."""
    problems: tuple[Problem, ...] = field(default=())

    @property
    def errors(self) -> int:
        """How many errors."""
        return sum(problem.severity is Severity.ERROR for problem in self.problems)


def validate(
    files: Annotated[list[Path], typer.Argument(help="Fichiers ou dossiers : CDA, XDM, HPRIM, HL7, PDF.")],
    kit: Annotated[
        Path | None,
        typer.Option(help="Dossier des règles officielles de l'ANS ; sinon celles de « dispatcher conformance »."),
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="Contrôles du programme seuls, sans règles officielles.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Contrôle des fichiers et dit quels contrôles ont été faits. Code 1 dès qu'une erreur est trouvée."""
    judge = Judge(why="écartées par --own") if own else find_judge(kit)
    terms, rules = terminology(), leaving_rules()
    answers = [check_file(path, judge, terms, rules) for path in expanded(files)]
    if json:
        print_json({"files": [_as_json(answer, judge) for answer in answers]})
    else:
        for answer in answers:
            _tell(answer)
    if any(answer.errors for answer in answers):
        raise typer.Exit(FAILURES)


def find_judge(kit: Path | None) -> Judge:
    """The rules of ``kit``, else the installed ones. A kit named by hand that cannot be used raises ConfigError."""
    if kit is not None:
        return Judge(rules=OfficialRules.load(kit), kit=kit)
    place = rules_place()
    try:
        if installed(place) is None:
            return Judge(why=missing())
        return Judge(rules=OfficialRules.of(checked(place)), kit=place)
    except ConfigError as error:
        return Judge(kit=place, why=" ".join((error.message, *error.faults, error.hint)).strip())


def check_file(path: Path, judge: Judge, terms: Terminology, rules: Rules) -> Answer:
    """Judge one file, its reports as they would be before they leave. Never raises for a bad file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"Fichier illisible : {in_french(error)}. Vérifier le chemin et les droits."
        problem = Problem(code="unreadable-file", severity=Severity.ERROR, where=str(path), message=message)
        return Answer(path=path, own=Checked(format="unknown"), problems=(problem,), not_asked="fichier illisible")
    own = _with_reports(check(data, ReadContext(file_name=path.name, sibling=sibling_of(path))), terms, rules)
    if not own.documents:
        return Answer(path=path, own=own, problems=own.problems, not_asked="elles ne portent que sur les CDA")
    if judge.rules is None:
        return Answer(path=path, own=own, problems=own.problems, not_asked=judge.why)
    found = list(own.problems)
    layers: dict[str, None] = {}
    for name, content in own.documents:
        try:
            verdict = judge.rules.examine(content)
        except DispatcherError as error:  # a broken rule is no verdict, and must not pass for one
            found.append(Problem(code=error.code, severity=Severity.ERROR, where=name, message=str(error)))
            continue
        found += [placed(problem, name) for problem in verdict.problems]
        layers |= dict.fromkeys(verdict.layers)
    return Answer(path=path, own=own, problems=tuple(found), layers=tuple(layers))


def _with_reports(own: Checked, terms: Terminology, rules: Rules) -> Checked:
    """What holds a report in ``run`` makes its file wrong here; several reports are told apart by their rank."""
    if not own.reports:
        return own
    found = dict.fromkeys(own.problems)
    for rank, report in enumerate(own.reports, start=1):
        name = f"compte rendu {rank}" if len(own.reports) > 1 else ""
        found |= dict.fromkeys(placed(problem, name) for problem in check_report(terms.code(report)[0], rules))
    return replace(own, checks=(*own.checks, CHECK_NAME), problems=tuple(found))


def _as_json(answer: Answer, judge: Judge) -> dict[str, Any]:
    return {
        "path": str(answer.path),
        "format": answer.own.format,
        "valid": not answer.errors,
        "checks": {
            "own": list(answer.own.checks),
            "official": list(answer.layers),
            "official_not_run": answer.not_asked or None,
            "kit": str(judge.kit) if judge.kit is not None and answer.layers else None,
        },
        "problems": [problem_json(problem) for problem in answer.problems],
    }


def _tell(answer: Answer) -> None:
    verdict = "conforme" if not answer.errors else counted(answer.errors, "erreur")
    say(f"{answer.path} ({answer.own.format}) : {verdict}")
    if answer.own.checks:
        say(f"  contrôles du programme : {', '.join(answer.own.checks)}")
    if answer.layers:
        say(f"  règles officielles : {', '.join(_LAYERS.get(layer, layer) for layer in answer.layers)}")
    elif answer.own.documents:
        complain(f"  règles officielles : non appliquées – {answer.not_asked}")
    places: dict[tuple[Severity, str, str], list[Problem]] = {}
    for problem in answer.problems:
        places.setdefault((problem.severity, problem.code, problem.message), []).append(problem)
    for (severity, _code, _message), same in places.items():
        more = f" (et {counted(len(same) - 1, 'autre endroit')})" if len(same) > 1 else ""
        (complain if severity is Severity.ERROR else say)(f"  {_WORDS[severity]} – {same[0].sentence}{more}")


_WORDS = {Severity.ERROR: "erreur", Severity.WARNING: "attention", Severity.INFO: "note"}
_LAYERS = {
    "xsd": "schéma CDA",
    "strucmin": "structuration minimale",
    "ihe": "modèles IHE",
    "modeles": "modèles CI-SIS",
    "ans": "modèles ANS",
    "termino": "terminologies",
}
