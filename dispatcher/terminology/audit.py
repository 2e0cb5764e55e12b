"""Looks at the laboratory's tables line by line and says all that a person should put right. Tables in, findings out.

Faults (errors) stop the start of the service and are found while the tables are read (``own.py``); what is found here
are warnings: the program runs, but a code will not be sent, or may be sent wrongly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

from dispatcher.report.identifiers import loinc_ok
from dispatcher.report.problems import Severity
from dispatcher.terminology.codebook import CodeBook, CodeLine
from dispatcher.terminology.own import day
from dispatcher.terminology.rows import Finding, fold
from dispatcher.terminology.units import unit_key

if TYPE_CHECKING:
    from dispatcher.terminology.tables import Terminology

FILE = "codes.csv"

CHECKS: dict[str, str] = {
    "table": "fichier, colonne ou ligne illisible",
    "loinc-key": "code LOINC à la clé fausse",
    "unit-property": "unité qui ne va pas avec la grandeur du code LOINC",
    "contradiction": "deux lignes disent deux choses du même code",
    "ucum-unknown": "chaîne UCUM hors de la liste officielle",
    "duplicate-line": "ligne répétée",
    "unconfirmed": "code que personne n'a confirmé",
    "half-confirmed": "nom sans date, ou date sans nom",
    "confirmed-later": "confirmation datée de l'avenir",
    "loinc-unknown": "code LOINC absent des tables",
    "loinc-discouraged": "ancien code LOINC",
    "not-in-circuit": "code LOINC hors du circuit de la biologie",
    "looks-like-loinc": "code local qui ressemble à un code LOINC",
    "unit-unknown": "unité inconnue des tables",
    "specimen-unknown": "milieu inconnu des tables",
    "specimen-other": "milieu qui n'est pas celui du code LOINC",
    "chapter-missing": "code LOINC sans chapitre",
    "source-unknown": "source absente de la configuration",
    "overlap": "deux lignes aussi précises pour un même résultat",
}
"""Every check with what it finds, for the operator and the documentation."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the check is told of the installation."""

    today: date
    sources: Collection[str] = ()
    """Names of the sources; empty: not known."""


def audit(terms: Terminology, book: CodeBook, around: Around) -> tuple[Finding, ...]:
    """All warnings about ``codes.csv``, in the order of its lines."""
    found = [one for line in book.lines for one in (*_line(terms, line, around), *_loinc(terms, line))]
    return tuple(sorted((*found, *_overlaps(terms, book)), key=lambda one: one.line))


def _finding(check: str, line: CodeLine, column: str, found: str, todo: str) -> Finding:
    return Finding(
        check=check, severity=Severity.WARNING, file=FILE, line=line.line, column=column, found=found, todo=todo
    )


def _line(terms: Terminology, line: CodeLine, around: Around) -> Iterator[Finding]:
    if bool(line.confirmed_by) != bool(line.confirmed_on):
        missing = "confirme_le" if line.confirmed_by else "confirme_par"
        yield _finding("half-confirmed", line, missing, "vide", "à remplir : la ligne ne sert pas")
    confirmed = day(line.confirmed_on)
    if confirmed and confirmed > around.today:
        yield _finding("confirmed-later", line, "confirme_le", f"« {line.confirmed_on} »", "date à corriger")
    if loinc_ok(line.code):
        found = f"« {line.code} » a la forme et la clé d'un code LOINC"
        yield _finding("looks-like-loinc", line, "code", found, "donner un autre code local (licence LOINC)")
    if line.unit and terms.unit(line.unit, line.code_given) is None:
        found = f"« {line.unit} » est inconnue des tables"
        yield _finding("unit-unknown", line, "unite", found, "la compléter dans unites.csv, ou corriger l'écriture")
    if line.specimen and terms.specimen(line.specimen) is None:
        found = f"« {line.specimen} » est inconnu des tables"
        yield _finding("specimen-unknown", line, "specimen", found, "le compléter dans specimens.csv")
    if line.source and around.sources and line.source not in around.sources:
        found = f"« {line.source} » n'est pas une source de la configuration"
        yield _finding("source-unknown", line, "source", found, f"attendu : {', '.join(sorted(around.sources))}")


BLOOD = frozenset({"SER", "PLAS", "PPP", "BLD", "BLDV", "WB", "BLDA", "BLDC", "BLDCO"})


def _loinc(terms: Terminology, line: CodeLine) -> Iterator[Finding]:
    loinc = line.code_given
    if not loinc or not loinc_ok(loinc):
        return
    if terms.own.circuit and loinc not in terms.own.circuit:
        found = f"« {loinc} » n'est pas du circuit de la biologie"
        yield _finding("not-in-circuit", line, "loinc", found, "choisir un code du circuit (« mappings propose »)")
    analysis = terms.analysis(loinc)
    if analysis is None:
        return
    specimen = terms.specimen(line.specimen) if line.specimen else None
    if specimen and analysis.specimen and not _same_specimen(specimen.code, analysis.specimen):
        found = f"« {line.specimen} » ({specimen.code})"
        todo = f"le code {loinc} se dose sur {analysis.specimen} : code ou milieu à vérifier"
        yield _finding("specimen-other", line, "specimen", found, todo)
    if analysis.chapter not in terms.chapters.by_loinc:
        found = f"« {loinc} » n'a pas de chapitre dans les tables"
        todo = "le compte rendu le range d'après sa section : vérifier celle-ci dans chapitres.csv"
        yield _finding("chapter-missing", line, "loinc", found, todo)


def _same_specimen(one: str, other: str) -> bool:
    return one == other or {one, other} <= BLOOD


def _overlaps(terms: Terminology, book: CodeBook) -> Iterator[Finding]:
    """Two confirmed lines of one code that can hold for the same result, say as much of it, and differ in LOINC."""
    by_code: dict[str, list[CodeLine]] = defaultdict(list)
    for line in book.lines:
        if line.confirmed:
            by_code[line.code].append(line)
    for lines in by_code.values():
        for first, second in combinations(lines, 2):
            if first.code_given == second.code_given or first.key == second.key:
                continue
            one, other = _said(terms, first), _said(terms, second)
            together = all(not a or not b or a == b for a, b in zip(one, other, strict=True))
            if together and sum(map(bool, one)) == sum(map(bool, other)):
                found = f"« {second.code} » : aussi précise que la ligne {first.line}, qui dit {first.loinc or '-'}"
                todo = "préciser unité, milieu ou source : sinon aucune des deux ne sert"
                yield _finding("overlap", second, "loinc", found, todo)


def _said(terms: Terminology, line: CodeLine) -> tuple[str, str, str, str]:
    """What a line says of a result, two spellings of one unit or specimen being one."""
    unit = terms.unit(line.unit)
    specimen = terms.specimen(line.specimen) if line.specimen else None
    return (
        line.source,
        unit.ucum if unit and unit.ucum else unit_key(line.unit),
        specimen.code if specimen else fold(line.specimen),
        fold(line.method),
    )
