"""What an index says of one PDF: texts by field, each with the place it stands at. Built from every shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dispatcher.formats.pdf_index.words import COPY, SEVERAL
from dispatcher.report.model import Problem, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One text of the index."""

    field: str
    text: str
    where: str
    group: str = ""
    """Which person in copy it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One PDF. ``problems`` keep this record from being sent; its other cells may then be left out."""

    where: str
    cells: tuple[Cell, ...] = ()
    problems: tuple[Problem, ...] = ()

    def all(self, name: str) -> list[Cell]:
        """Every cell of one field."""
        return [cell for cell in self.cells if cell.field == name]

    def cell(self, name: str) -> Cell | None:
        """The first cell of a field that says something."""
        return next((cell for cell in self.cells if cell.field == name), None)

    def text(self, name: str) -> str:
        """Its text, or the empty string."""
        cell = self.cell(name)
        return cell.text if cell else ""

    def place(self, *names: str) -> str:
        """Where the first of these fields stands; the record itself when it has none."""
        return next((cell.where for name in names if (cell := self.cell(name))), self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A whole index file."""

    encoding: str = ""
    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def record(where: str, cells: Iterable[Cell], problems: Iterable[Problem] = ()) -> Record:
    """Empty cells left out; the same field twice with two texts is an error of the record."""
    kept: list[Cell] = []
    told = list(problems)
    for cell in cells:
        text = re.sub(r"[ \t\u00a0]+", " ", cell.text).strip()
        if not text:
            continue
        if cell.field not in SEVERAL and not cell.field.startswith(COPY):
            same = next((one for one in kept if one.field == cell.field), None)
            if same is not None:
                if same.text != text:
                    told.append(_contradiction(same, cell))
                continue
        kept.append(Cell(field=cell.field, text=text, where=cell.where, group=cell.group))
    return Record(where=where, cells=tuple(kept), problems=tuple(told))


def _contradiction(one: Cell, other: Cell) -> Problem:
    return error(
        "index-contradiction",
        other.where,
        f"La même donnée est déjà donnée, autrement, à l'endroit « {one.where} ». Une seule valeur est attendue : "
        "corriger l'export.",
    )


def error(code: str, where: str, message: str) -> Problem:
    """A problem that holds the report (or quarantines the file, when it stands on the file)."""
    return Problem(code=code, severity=Severity.ERROR, where=where, message=message)


def warning(code: str, where: str, message: str) -> Problem:
    """A problem a person should see."""
    return Problem(code=code, severity=Severity.WARNING, where=where, message=message)


def bare_name(text: str) -> str:
    """The name of the PDF without its folders, with its extension."""
    name = re.split(r"[\\/]", text.strip().strip('"'))[-1].strip()
    return name if not name or re.search(r"\.[A-Za-z0-9]{2,4}$", name) else f"{name}.pdf"


def stem(name: str) -> str:
    """``compte_rendu.pdf.csv`` and ``compte_rendu.csv`` to ``compte_rendu``."""
    bare = re.split(r"[\\/]", name)[-1]
    without = bare.rpartition(".")[0] or bare
    return without[:-4] if without.lower().endswith(".pdf") else without


def files_named(records: Sequence[Record], index_name: str) -> list[str]:
    """The PDF each record speaks of: the one it names; the one beside the index under the same stem, when the whole
    index is one record that names none."""
    names = [bare_name(one.text("file")) for one in records]
    if len(records) == 1 and not names[0] and index_name and records[0].cells:
        return [f"{stem(index_name)}.pdf"]
    return names
