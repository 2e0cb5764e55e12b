"""CSV text to checked rows: ``;`` between cells, a header line, ``#`` starts a comment line.

Text in; rows, remarks and faults out. A fault names file, line, column, what was found and what was expected, in
French, so that :func:`dispatcher.terminology.tables.load` can tell all of them at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dispatcher.report.folding import unaccented


@dataclass
class Faults:
    """What is wrong in the tables, gathered while they are read. ``notes`` are remarks that stop nothing."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, file: str, line: int, column: str, found: str, expected: str) -> None:
        """One fault. ``line`` counts from 1, header included."""
        where = f"{file}, ligne {line}" + (f", colonne « {column} »" if column else "")
        self.faults.append(f"{where} : trouvé « {found} », attendu {expected}.")

    def note(self, file: str, line: int, text: str) -> None:
        """One remark."""
        self.notes.append(f"{file}, ligne {line} : {text}")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: cells by column name, blanks trimmed."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def many(self, column: str) -> tuple[str, ...]:
        """The values of a cell that holds several, separated by ``|``."""
        return tuple(part.strip() for part in self[column].split("|") if part.strip())


def decoded(content: bytes) -> str:
    """A table's text: UTF-16 by its mark, UTF-8 when it is, else Windows-1252, in which spreadsheets save."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def fold(text: str) -> str:
    """How words are compared: capitals, no accents, no doubled blanks (``œ`` as ``OE``)."""
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("’", "'").replace("\u00a0", " ")
    bare = unaccented(text, "NFD")
    return " ".join(bare.upper().split())


def read_rows(
    file: str, text: str, *, required: tuple[str, ...], optional: tuple[str, ...] = (), faults: Faults
) -> Iterator[Row]:
    """Rows of ``text``. A missing or unknown column, or a line with too many cells, is a fault; such a line is skipped.

    Column names are compared without accents and case, since spreadsheets and people change them.
    """
    known = {fold(name): name for name in (*required, *optional)}
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=";", strict=False)
    header: list[str | None] | None = None
    for cells in _lines(reader, file, faults):
        line = reader.line_num
        if header is None:
            header = _header(file, line, cells, known, required, faults)
            if header is None:
                return
            continue
        if any(cell.strip() for cell in cells[len(header) :]):
            faults.add(file, line, "", f"{len(cells)} cellules", f"{len(header)} cellules au plus (séparateur « ; »)")
            continue
        yield Row(file, line, {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name})
    if header is None:
        faults.add(file, 1, "", "un fichier vide", f"la ligne d'en-tête « {';'.join(required)} »")


def _lines(reader: Iterator[list[str]], file: str, faults: Faults) -> Iterator[list[str]]:
    """Lines that hold something; the csv module's own complaints become faults."""
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
                yield cells
    except csv.Error as error:
        line = getattr(reader, "line_num", 0)
        faults.add(file, line, "", f"une ligne illisible ({error})", "des cellules séparées par « ; »")


def _header(
    file: str, line: int, cells: list[str], known: dict[str, str], required: tuple[str, ...], faults: Faults
) -> list[str | None] | None:
    """Column names in order (``None`` for an empty one), or ``None`` when the table cannot be read at all."""
    names: list[str | None] = []
    for cell in cells:
        name = known.get(fold(cell))
        if name is None and cell.strip():
            faults.add(file, line, cell.strip(), cell.strip(), f"une des colonnes {', '.join(known.values())}")
        names.append(name)
    missing = [name for name in required if name not in names]
    for name in missing:
        faults.add(file, line, name, "aucune colonne de ce nom", f"la colonne « {name} »")
    return None if missing else names
