"""``dispatcher convert``: render without sending. Without a configuration, under a neutral laboratory identity."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher import wiring
from dispatcher.cli.cmd_read import DialectOption, coded_result, dialect_of, read_path, source_settings, terminology
from dispatcher.cli.context import config_exists, settings
from dispatcher.cli.leaving import leaving_rules
from dispatcher.cli.output import FAILURES, complain, print_json, problem_json, say
from dispatcher.cli.paths import expanded
from dispatcher.clock import SystemClock
from dispatcher.dialects.model import Dialect
from dispatcher.errors import DispatcherError, in_french
from dispatcher.formats.base import Rendition
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.formats.hprim_sante.writer import HprimSanteWriter
from dispatcher.french import counted
from dispatcher.report.checks import before_leaving
from dispatcher.report.model import Problem, Report, Severity
from dispatcher.sealing.composition import Letterhead
from dispatcher.service.convert import ENDINGS, Press, Target
from dispatcher.settings import SourceSettings

HELD = "serait retenu à l'envoi"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("convert")(convert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one report of one file in one format; or of a file nobody could read."""

    source: Path
    to: Target
    output: Path | None = None
    error: str = ""
    problems: tuple[Problem, ...] = ()


def convert(
    files: Annotated[list[Path], typer.Argument(help="Fichiers à convertir, ou dossiers.")],
    to: Annotated[list[Target], typer.Option("--to", help="Format voulu ; à répéter pour plusieurs.")],
    out: Annotated[Path, typer.Option("--out", help="Dossier des résultats.")],
    force: Annotated[bool, typer.Option("--force", help="Remplace un résultat déjà là et différent.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Force le jeu de caractères en lecture.")] = None,
    version: Annotated[
        Version | None,
        typer.Option("--version", help="Version HPRIM Santé ; par défaut 2.5 si l'INS est qualifiée, sinon 2.1."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Lit comme le fait cette source de la configuration.")] = None,
    dialect: DialectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Écrit les comptes rendus de fichiers dans d'autres formats, sans rien envoyer.

    Un résultat porte le nom de sa source (et un rang quand elle tient plusieurs comptes rendus) ; rien n'est écrasé
    sans --force. « --to mail » donne le message MSSanté en clair, pour le regarder.
    """
    if version is not None and Target.HPRIM_SANTE not in to:
        raise typer.BadParameter("n'a de sens qu'avec --to hprim-sante.", param_hint="--version")
    like = source_settings(source)
    spoken = dialect_of(dialect, like)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as closing:
        converter = _Converter(_press(closing, version), like, out, force=force)
        answers: list[Answer] = []
        paths = expanded(files)
        for number, path in enumerate(paths, start=1):
            if not json and sys.stderr.isatty():  # a large file takes a minute: say which one is at work
                complain(f"[{number}/{len(paths)}] {path}…")
            answers += converter.convert(path, list(dict.fromkeys(to)), encoding, spoken)
    if json:
        print_json({"files": [_as_json(answer) for answer in answers]})
    else:
        _tell(answers)
    if any(answer.output is None for answer in answers):
        raise typer.Exit(FAILURES)


def _press(closing: ExitStack, version: Version | None) -> Press:
    """Writers and the identity they sign with: the configured one, else the neutral one."""
    known = settings() if config_exists() else None
    writers = wiring.writers(closing, known.pdf if known else None)
    if version is not None:
        writers["hprim-sante"] = HprimSanteWriter(version)
    laboratory = wiring.laboratory(known.laboratory) if known else wiring.neutral_laboratory()
    account = next((c for c in known.channels.values() if c.family == "mssante"), None) if known else None
    head = Letterhead(
        family="mssante",
        sender=account.sender if account else "laboratoire@non-configure.invalid",
        sender_label=(account.sender_label if account else "") or laboratory.name,
        reply_to=(account.reply_to or "") if account else "",
        nil=account.nil if account else "",
        laboratory=laboratory.name,
        phone=laboratory.phone,
    )
    return Press(writers=writers, laboratory=laboratory, terminology=terminology(), clock=SystemClock(), head=head)


class _Converter:
    """One call of the command: where results go, and which were written."""

    def __init__(self, press: Press, like: SourceSettings | None, out: Path, *, force: bool) -> None:
        self._press = press
        self._like = like
        self._out = out
        self._force = force
        self._written: set[Path] = set()
        self._rules = leaving_rules()

    def convert(self, path: Path, to: list[Target], encoding: str | None, dialect: Dialect | None) -> list[Answer]:
        """One answer per report and format; one with an error when the file cannot be read."""
        result, _digest = read_path(path, encoding=encoding, like=self._like, dialect=dialect)
        if not result.readable:
            errors = [p.sentence for p in result.problems if p.severity is Severity.ERROR]
            return [Answer(source=path, to=to[0], error=errors[0] if errors else "Aucun compte rendu dans ce fichier.")]
        reports = coded_result(result, self._press.terminology).reports
        ranks = [f"-{number}" if len(reports) > 1 else "" for number in range(1, len(reports) + 1)]
        return [
            self._one(path, rank, report, target) for rank, report in zip(ranks, reports, strict=True) for target in to
        ]

    def _one(self, path: Path, rank: str, report: Report, to: Target) -> Answer:
        try:
            made = self._press.write(report, to)
            place = self._place(path, rank, made, to)
            contents = {place: made.content, **{self._out / c.name: c.content for c in made.companions}}
            if taken := next((p for p, content in contents.items() if self._taken(p, content)), None):
                said = f"{taken} existe déjà et diffère : --force le remplace."
                return Answer(source=path, to=to, error=said)
            for target, content in contents.items():
                target.write_bytes(content)
        except DispatcherError as error:
            return Answer(source=path, to=to, error=str(error))
        except OSError as error:
            return Answer(source=path, to=to, error=f"Écriture impossible : {in_french(error)}.")
        told = [p for p in before_leaving(report, self._rules) if p.severity is not Severity.INFO]
        return Answer(source=path, to=to, output=place, problems=(*told, *made.problems))

    def _place(self, path: Path, rank: str, made: Rendition, to: Target) -> Path:
        """Name of the result. HPRIM Santé gives its own, which stands in the message; two inputs of one name, or two
        formats of one ending, do not share a result."""
        name = made.file_name if to is Target.HPRIM_SANTE else f"{path.stem}{rank}{ENDINGS[to]}"
        place, number = self._out / name, 2
        while place in self._written:
            place, number = (self._out / name).with_stem(f"{Path(name).stem}_{number}"), number + 1
        self._written.add(place)
        return place

    def _taken(self, place: Path, content: bytes) -> bool:
        """Something else stands there."""
        return not self._force and place.exists() and (not place.is_file() or place.read_bytes() != content)


def _tell(answers: list[Answer]) -> None:
    for answer in answers:
        if answer.output is None:
            complain(f"{answer.source} ({answer.to}) : non converti – {answer.error}")
            continue
        say(f"{answer.source} → {answer.output}")
        for problem in answer.problems:
            kept = HELD if problem.severity is Severity.ERROR else "remarque"
            complain(f"  {kept} – {problem.sentence}")
    written = sum(answer.output is not None for answer in answers)
    if written < len(answers):
        complain(f"{counted(written, 'résultat écrit')}, {counted(len(answers) - written, 'refusé')}.")


def _as_json(answer: Answer) -> dict[str, Any]:
    return {
        "input": str(answer.source),
        "format": str(answer.to),
        "output": str(answer.output) if answer.output is not None else None,
        "error": answer.error or None,
        "problems": [_problem(problem) for problem in answer.problems],
    }


def _problem(problem: Problem) -> dict[str, str]:
    """An error beside a result that was written needs a word: it says what would happen to it in service."""
    return problem_json(problem) | ({"effect": HELD} if problem.severity is Severity.ERROR else {})
