"""A CSV index: delimiter and header found out. Text in, records out; columns by name, else in the source's order.

RFC 4180 lets a quoted cell run over line ends. Here a line is a record and nothing else is: one quote left open would
otherwise give a PDF to the patient of another line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace

from dispatcher.formats.pdf_index.records import Cell, Index, Record, error, record
from dispatcher.formats.pdf_index.rules import IndexRules
from dispatcher.formats.pdf_index.words import field_of, labels
from dispatcher.report.model import Problem, Severity

DELIMITERS = (";", "\t", "|", ",")
_PDF_CELL = re.compile(r"\.pdf\"?[ ]*(?:[;,|\t]|$)", re.IGNORECASE | re.MULTILINE)
NAMES = {";": "point-virgule", "\t": "tabulation", "|": "barre verticale", ",": "virgule"}
_LINE_END = re.compile(r"\r\n|\r|\n")
_OTHER_LINE_END = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_PDF_NAME = re.compile(r"\.pdf\b", re.IGNORECASE)
MOST_TOLD = 20
"""Faulty lines told one by one."""
ENOUGH = 3
"""Known names that make a line a header."""
PERHAPS = 2
"""Known names that do in a file which names PDFs further down."""
NEEDED = (("name", "birth_name"), ("first_given", "given_names"), ("birth_date",))
"""Without a column for each of these nothing of the file could ever leave."""


def header_of(line: str, rules: IndexRules) -> tuple[str, int]:
    """Delimiter under which most cells of a line are known names, and how many are."""
    counts = [(_known(line, mark, rules), -place) for place, mark in enumerate(DELIMITERS)]
    most, place = max(counts)
    return DELIMITERS[-place], most


def _known(line: str, mark: str, rules: IndexRules) -> int:
    return len({field for name in _cells(line, mark) if (field := field_of(name, rules.own)[0])})


def _cells(line: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark), [])
    except csv.Error:
        return []


def first_line(text: str) -> tuple[str, int, str]:
    """First line that says something, its number, and the delimiter Excel's ``sep=;`` announces."""
    announced = ""
    for number, line in enumerate(_LINE_END.split(text), 1):
        if line[:4].lower() == "sep=" and len(line.rstrip()) == 5:
            announced = line[4]
        elif line.strip() and not line.startswith("#"):
            return line, number, announced
    return "", 0, announced


def names_a_pdf(text: str) -> bool:
    """A cell of it ends like the name of a PDF."""
    return bool(_PDF_CELL.search(text))


def by_position(line: str, rules: IndexRules) -> str:
    """Delimiter that cuts a line into the columns the source announces; empty when none does."""
    if not rules.columns:
        return ""
    fits = [mark for mark in DELIMITERS if len(_cells(line, mark)) == len(rules.columns)]
    return fits[0] if fits else ""


def read_table(text: str, rules: IndexRules) -> Index:
    """Every line a record; one line badly cut and the whole file is refused. Never raises."""
    line, number, announced = first_line(text)
    mark, known = header_of(line, rules)
    mark = announced if announced in DELIMITERS else mark
    if known >= ENOUGH or (known >= PERHAPS and not names_a_pdf(line)):
        names = [name.strip() for name in _cells(line, mark)]
        columns = [field_of(name, rules.own) for name in names]
        if any(names_a_pdf(name) and not field for name, (field, _) in zip(names, columns, strict=True)):
            return Index(problems=(_no_header(line, number, rules),))
        problems = [*_unknown(names, columns, number), *_lacking(columns, number), *_doubled(columns, number)]
        found = _table(_lines(text, after=number), mark, columns, names)
        return replace(found, problems=found.problems or tuple(problems))
    if position := by_position(line, rules):
        columns = [(field, "") for field in rules.columns]
        names = [labels().get(field, "") for field in rules.columns]
        early = [one for one in _lines(text, until=number) if len(_cells(one[1], position)) == len(columns)]
        found = _table([*early, *_lines(text, after=number - 1)], position, columns, names)
        return replace(found, problems=found.problems or tuple(_lacking(columns, 0)))
    return Index(problems=(_no_header(line, number, rules),))


def _lines(text: str, *, after: int = 0, until: int = 0) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers: those after one, or before one."""
    told = enumerate(_LINE_END.split(text), 1)
    return [(at, line) for at, line in told if line.strip() and at > after and (at < until or not until)]


def _no_header(line: str, number: int, rules: IndexRules) -> Problem:
    """Never a cell of the line: it may be a patient."""
    mark = max(DELIMITERS, key=lambda one: len(_cells(line, one)))
    count = len(_cells(line, mark))
    wanted = f" ; la source en annonce {len(rules.columns)} (« columns »)" if rules.columns else ""
    return error(
        "index-no-header",
        f"ligne {number}",
        f"Index de {count} colonne(s) (séparateur : {NAMES[mark]}) sans ligne de titres reconnue{wanted}. Attendu en "
        "première ligne : fichier;nom_naissance;prenom;date_naissance;… Ajouter les titres à l'export, ou donner "
        "l'ordre des colonnes dans les réglages de la source (« index.columns »).",
    )


def _unknown(names: list[str], columns: list[tuple[str, str]], number: int) -> Iterator[Problem]:
    lost = [name for name, (field, _) in zip(names, columns, strict=True) if name and not field]
    if lost:
        told = ", ".join(f"« {name[:40]} »" for name in lost[:10])
        yield Problem(
            code="index-unknown-column",
            severity=Severity.INFO,
            where=f"ligne {number}",
            message=f"Colonne(s) non lue(s) : {told}. Si elles servent, les nommer dans « index.fields » de la source.",
        )


def _lacking(columns: list[tuple[str, str]], number: int) -> Iterator[Problem]:
    there = {field for field, _ in columns}
    lost = [labels()[wanted[-1]] for wanted in NEEDED if not there & set(wanted)]
    if lost:
        yield error(
            "index-missing-column",
            f"ligne {number}" if number else "réglage « columns »",
            f"Aucune colonne pour : {', '.join(lost)}. Colonnes lues : "
            f"{', '.join(sorted(labels()[field] for field in there if field))}. Sans elles, aucun PDF ne peut être "
            "attribué : compléter l'export, ou nommer les colonnes dans « index.fields » de la source.",
        )


def _doubled(columns: list[tuple[str, str]], number: int) -> Iterator[Problem]:
    """Two columns for one thing are told once; a line where they differ is an error of that line."""
    told = [field for field, group in columns if field and not group]
    twice = sorted({labels()[field] for field in told if told.count(field) > 1})
    if twice:
        yield Problem(
            code="index-double-column",
            severity=Severity.INFO,
            where=f"ligne {number}",
            message=f"Plusieurs colonnes pour : {', '.join(twice)}. Une ligne où elles diffèrent sera retenue.",
        )


def _table(lines: list[tuple[int, str]], mark: str, columns: list[tuple[str, str]], names: list[str]) -> Index:
    """Records of the lines that are well cut; a problem for each that is not, which refuses the file."""
    rows: list[tuple[int, list[str]]] = []
    faults: list[Problem] = []
    for number, line in lines:
        try:
            (row,) = csv.reader([line], delimiter=mark, strict=True)
        except csv.Error:
            faults.append(_open_quote(number))
            continue
        if any(_swallows(cell, mark, len(columns)) for cell in row):
            faults.append(_open_quote(number))
        elif any(cell.strip() for cell in row):
            rows.append((number, row))
    _drop_common_end(rows, len(columns))
    faults += [_wrong_count(number, len(row), len(columns)) for number, row in rows if len(row) != len(columns)]
    if not rows and not faults:
        faults = [error("index-empty", "", "Index sans aucune ligne : rien à envoyer. Vérifier l'export.")]
    whole = [(number, row) for number, row in rows if len(row) == len(columns)]
    return Index(
        records=tuple(_record(row, number, columns, names) for number, row in whole),
        problems=tuple(faults[:MOST_TOLD]),
    )


def _swallows(cell: str, mark: str, columns: int) -> bool:
    """A cell that holds a line end, or what looks like a piece of another record."""
    return bool(_OTHER_LINE_END.search(cell)) or (
        mark in cell and (bool(_PDF_NAME.search(cell)) or cell.count(mark) >= columns)
    )


def _drop_common_end(rows: list[tuple[int, list[str]]], columns: int) -> None:
    """Some exports end every line, not the header, with delimiters. A single line that does may be shifted instead."""
    same = len(rows) > 1 and len({len(row) for _, row in rows}) == 1
    if same and not any(cell.strip() for _, row in rows for cell in row[columns:]):
        for _, row in rows:
            del row[columns:]


def _open_quote(number: int) -> Problem:
    return error(
        "index-quotes",
        f"ligne {number}",
        "Guillemet mal fermé, ou cellule qui contient une fin de ligne ou un morceau d'une autre ligne. Rien de "
        "l'index n'est lu : un PDF pourrait aller à un autre patient. Corriger l'export.",
    )


def _wrong_count(number: int, found: int, wanted: int) -> Problem:
    return error(
        "index-columns",
        f"ligne {number}",
        f"{found} colonnes trouvées, {wanted} attendues : un séparateur manque ou est de trop. Rien de l'index n'est "
        "lu : corriger cette ligne dans l'export et le redéposer.",
    )


def _record(row: list[str], number: int, columns: list[tuple[str, str]], names: list[str]) -> Record:
    where = f"ligne {number}"
    cells = (
        Cell(field=field, text=text, where=f"{where}, colonne {place} ({name[:40] or 'sans titre'})", group=group)
        for place, (text, (field, group), name) in enumerate(zip(row, columns, names, strict=True), 1)
        if field
    )
    return record(where, cells)
