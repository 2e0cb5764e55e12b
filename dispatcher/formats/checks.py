"""Our own checks of a file of any format we know, with the names of the checks that were made.

Bytes in, :class:`Checked` out; never raises. What the reader of the format tells is part of it: a file that reads badly
is not sent either. The official rules of the ANS are another matter (room ``conformance``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatcher.errors import FormatError
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.formats.cda import check as cda
from dispatcher.formats.hl7 import check as hl7
from dispatcher.formats.hl7.opinion import second_opinion
from dispatcher.formats.hprim_medecins import check as hprim_medecins
from dispatcher.formats.hprim_sante import check as hprim_sante
from dispatcher.formats.pdf import received
from dispatcher.formats.xdm import check as xdm
from dispatcher.formats.xdm.reader import read_archive
from dispatcher.report.model import Problem, Report

CDA_CHECKS = ("en-tête", "corps et résultats", "renvois du texte", "documents PDF inclus", "clé de l'INS")
XDM_CHECKS = (
    "disposition de l'archive",
    "forme de METADATA.XML",
    "attributs obligatoires",
    "empreinte et taille",
    "accord avec le CDA",
    "un seul patient",
    "CDA contenus",
)
PDF_CHECKS = ("en-tête et fin", "pages", "chiffrement", "scripts", "déclaration PDF/A")
HPRIM_MEDECINS_CHECKS = (
    "jeu de caractères et fins de ligne",
    "douze lignes d'en-tête",
    "dates",
    "marqueurs",
    "lignes RES",
    "indice de reconnaissance",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at in one file, and what was found."""

    format: str
    checks: tuple[str, ...] = ()
    """French names of the checks made; none when nobody knows the file."""
    problems: tuple[Problem, ...] = ()
    documents: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    """CDA documents the official rules may judge: the file itself (name empty) or members of an archive."""
    reports: tuple[Report, ...] = field(default=(), repr=False)
    """What was read of messages and indexes, for the checks that a report must meet before it leaves."""


def check(data: bytes, context: ReadContext | None = None) -> Checked:
    """Judge one file by its content."""
    context = context or ReadContext()
    head = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(data)
    if head.startswith(b"<") and not registry.is_index(data, context.index):
        return Checked(format="cda", checks=CDA_CHECKS, problems=tuple(cda.check(data)), documents=(("", data),))
    return _read(data, context)


def _archive(data: bytes) -> Checked:
    """The archive by its seven checks; each CDA in it by those of CDA."""
    problems = xdm.check(data)
    documents: list[tuple[str, bytes]] = []
    try:
        members = read_archive(data).documents
    except FormatError:
        members = ()
    for member in members:
        if b"ClinicalDocument" in member.content:
            documents.append((member.name, member.content))
            problems += [placed(problem, member.name) for problem in cda.check(member.content)]
    return Checked(format="xdm", checks=XDM_CHECKS, problems=tuple(problems), documents=tuple(documents))


def placed(problem: Problem, name: str) -> Problem:
    """The same problem, said of a member of an archive."""
    if not name:
        return problem
    return Problem(
        code=problem.code,
        severity=problem.severity,
        where=f"{name}, {problem.where}" if problem.where else name,
        message=problem.message,
    )


def _read(data: bytes, context: ReadContext) -> Checked:
    result = registry.read(data, context)
    told = [*result.problems, *(problem for report in result.reports for problem in report.problems)]
    checks: tuple[str, ...] = ()
    if result.format.startswith("hl7"):
        checks = ("lecture complète", *hl7.CHECKS, "avis de hl7apy")
        told += [*hl7.check(data, context.encoding), *second_opinion(data, encoding=context.encoding).problems]
    elif result.format == "hprim-sante":
        checks = ("lecture complète", *hprim_sante.CHECKS)
        told += hprim_sante.check(data, context.encoding)
    elif result.format == "hprim-medecins":
        checks = ("lecture complète", *HPRIM_MEDECINS_CHECKS)
        told += hprim_medecins.check(data)
    elif result.format == "pdf" and b"%PDF-" in data[:1024]:
        checks = PDF_CHECKS
        told = list(received.check(data))
    elif result.format == "pdf":
        checks = ("lecture complète de l'index", "PDF nommés par l'index")
    reports = result.reports if checks and checks is not PDF_CHECKS else ()
    return Checked(format=result.format, checks=checks, problems=tuple(dict.fromkeys(told)), reports=reports)
