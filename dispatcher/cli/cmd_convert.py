"""``dispatcher convert``: render without sending. Without a configuration, under a neutral laboratory identity."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dispatcher import wiring
from dispatcher.cli.cmd_read import DialectOption, coded_result, dialect_of, read_path, source_settings, terminology
from dispatcher.cli.context import config_exists, settings
from dispatcher.cli.output import FAILURES, complain, print_json, problem_json, say
from dispatcher.cli.paths import expanded
from dispatcher.clock import SystemClock
from dispatcher.dialects.model import Dialect
from dispatcher.errors import DispatcherError
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, Rendition, WriteContext, Writer
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.formats.hprim_sante.writer import HprimSanteWriter
from dispatcher.formats.xdm.writer import XdmDocument, XdmWriter, context_of
from dispatcher.report import versions
from dispatcher.report.model import Attachment, Kind, Problem, Report, Severity
from dispatcher.settings import SourceSettings

NAMESPACE = uuid.UUID("6b1f3c50-0f0a-5f0e-9a53-5d1e3a3c9f10")
"""Names of converted documents derive from their content under this namespace: the same file gives the same ids."""


class Target(StrEnum):
    """What can be written."""

    CDA = "cda"
    CDA_N1 = "cda-n1"
    HPRIM_MEDECINS = "hprim-medecins"
    HPRIM_SANTE = "hprim-sante"
    PDF = "pdf"
    XDM = "xdm"


EXTENSIONS = {"cda": "xml", "cda-n1": "xml", "hprim-medecins": "hpr", "hprim-sante": "hpr", "pdf": "pdf", "xdm": "zip"}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("convert")(convert)


def convert(
    files: Annotated[list[Path], typer.Argument(help="Fichiers à convertir.")],
    to: Annotated[Target, typer.Option("--to", help="Format voulu.")],
    out: Annotated[Path, typer.Option("--out", help="Dossier des résultats.")],
    encoding: Annotated[str | None, typer.Option(help="Force le jeu de caractères en lecture.")] = None,
    version: Annotated[
        Version | None,
        typer.Option("--version", help="Version HPRIM Santé ; par défaut 2.5 si l'INS est qualifiée, sinon 2.1."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Lit comme le fait cette source de la configuration.")] = None,
    dialect: DialectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Écrit les comptes rendus d'un fichier dans un autre format, sans rien envoyer."""
    if version is not None and to is not Target.HPRIM_SANTE:
        raise typer.BadParameter("n'a de sens qu'avec --to hprim-sante.", param_hint="--version")
    like = source_settings(source)
    spoken = dialect_of(dialect, like)
    out.mkdir(parents=True, exist_ok=True)
    answers: list[dict[str, object]] = []
    with ExitStack() as closing:
        converter = _Converter(closing, version, like)
        for path in expanded(files):
            answers += converter.convert(path, to, out, encoding, spoken)
    if json:
        print_json({"files": answers})
    else:
        for answer in answers:
            if answer["output"]:
                say(f"{answer['input']} → {answer['output']}")
            else:
                complain(f"{answer['input']} : {answer['error']}")
    if any(not answer["output"] for answer in answers):
        raise typer.Exit(FAILURES)


class _Converter:
    """The writers and the identity they sign with."""

    def __init__(self, closing: ExitStack, version: Version | None, like: SourceSettings | None) -> None:
        self._like = like
        self._writers: dict[str, Writer] = wiring.writers(closing, settings().pdf if config_exists() else None)
        if version is not None:
            self._writers["hprim-sante"] = HprimSanteWriter(version)
        self._terms = terminology()
        self._written: set[Path] = set()
        self._laboratory: LaboratoryIdentity = (
            wiring.laboratory(settings().laboratory) if config_exists() else wiring.neutral_laboratory()
        )

    def convert(
        self, path: Path, to: Target, out: Path, encoding: str | None, dialect: Dialect | None
    ) -> list[dict[str, object]]:
        """One answer per report; one with an error when the file cannot be read."""
        result, _digest = read_path(path, encoding=encoding, like=self._like, dialect=dialect)
        if not result.readable:
            errors = [p for p in result.problems if p.severity is Severity.ERROR]
            return [_answer(path, "", "" if not errors else errors[0].sentence)]
        answers = []
        for number, report in enumerate(coded_result(result, self._terms).reports):
            try:
                rendition = self._write(report, to)
            except DispatcherError as error:
                answers.append(_answer(path, "", str(error)))
                continue
            suffix = f"-{number + 1}" if len(result.reports) > 1 else ""
            name = rendition.file_name if to is Target.HPRIM_SANTE else f"{path.stem}{suffix}.{EXTENSIONS[to]}"
            target = self._free(out / name)
            for companion in rendition.companions:
                (out / companion.name).write_bytes(companion.content)
            target.write_bytes(rendition.content)
            answers.append(_answer(path, str(target), "", rendition.problems))
        return answers

    def _free(self, target: Path) -> Path:
        """Two inputs of one name must not share one result; a result of an earlier call is replaced."""
        place, number = target, 2
        while place in self._written:
            place, number = target.with_stem(f"{target.stem}_{number}"), number + 1
        self._written.add(place)
        return place

    def _write(self, report: Report, to: Target) -> Rendition:
        context = self._context(report)
        if to is Target.PDF and report.kind is Kind.DOCUMENT and (own := report.own_pdf) is not None:
            return Rendition(format=to, media_type=own.media_type, file_name="compte-rendu.pdf", content=own.content)
        if to in {Target.PDF, Target.HPRIM_MEDECINS, Target.HPRIM_SANTE}:
            return self._writers[to].write(report, context)
        pdf = report.own_pdf
        if pdf is None:
            drawn = self._writers["pdf"].write(report, context)
            pdf = Attachment(media_type=drawn.media_type, content=drawn.content, name=drawn.file_name)
        cda = self._writers["cda-n1" if to is Target.CDA_N1 else "cda"].write(report, replace(context, pdf=pdf))
        if to is Target.XDM:
            return XdmWriter().pack([XdmDocument(content=cda.content)], context_of(context))
        return cda

    def _context(self, report: Report) -> WriteContext:
        name = versions.fingerprint(report)
        moment = report.reported_at
        return WriteContext(
            laboratory=self._laboratory,
            ids=DocumentIds(
                document=str(uuid.uuid5(NAMESPACE, name)).upper(),
                set_id=str(uuid.uuid5(NAMESPACE, versions.chain_text(report))).upper(),
            ),
            created_at=moment if isinstance(moment, datetime) else SystemClock().now().astimezone(UTC),
            terminology=self._terms,
        )


def _answer(path: Path, output: str, error: str, problems: tuple[Problem, ...] = ()) -> dict[str, object]:
    return {
        "input": str(path),
        "output": output or None,
        "error": error or None,
        "problems": [problem_json(problem) for problem in problems],
    }
