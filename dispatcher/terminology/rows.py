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
from dispatcher.report.problems import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a person should look at in a table: where, what was found, what to do. No result, no identity."""

    check: str
    """Stable name of the check."""
    severity: Severity
    file: str
    line: int
    """Counts from 1, header included; 0 for the file as a whole."""
    column: str = ""
    found: str
    todo: str

    def __str__(self) -> str:
        where = self.file + (f", ligne {self.line}" if self.line else "")
        where += f", colonne « {self.column} »" if self.column else ""
        return f"{where} : {self.found}" + (f", {self.todo}." if self.todo else "")


@dataclass
class Faults:
    """What is wrong in the tables, gathered while they are read. Faults stop the start; notes stop nothing."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """The faults, as sentences."""
        return [str(one) for one in self.findings if one.severity is Severity.ERROR]

    @property
    def notes(self) -> list[str]:
        """The remarks, as sentences."""
        return [str(one) for one in self.findings if one.severity is not Severity.ERROR]

    def add(self, file: str, line: int, column: str, found: str, expected: str, *, check: str = "table") -> None:
        """One fault. ``line`` counts from 1, header included."""
        self.findings.append(
            Finding(
                check=check,
                severity=Severity.ERROR,
                file=file,
                line=line,
                column=column,
                found=f"trouvé « {found} »",
                todo=f"attendu {expected}",
            )
        )

    def note(self, file: str, line: int, found: str, todo: str, *, check: str, column: str = "") -> None:
        """One remark."""
        self.findings.append(
            Finding(check=check, severity=Severity.WARNING, file=file, line=line, column=column, found=found, todo=todo)
        )


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
    header: list[str | None] | None = None
    for line, cells, _ in _lines(text, file, faults):
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


def separator_of(text: str) -> str:
    """``;``, a tab, ``,`` or ``|``: the one the first line of cells holds most of."""
    lines = (line for line in text.splitlines() if line.lstrip("\ufeff \t")[:1] != "#")
    first = next((line for line in lines if any(map(str.isalnum, line))), "")
    return max(";\t,|", key=first.count)


def records(text: str, separator: str, remark: str = "#") -> Iterator[tuple[int, list[str], str]]:
    """Number of the first line, cells and the text itself of each record; no cells for blank lines and remarks.

    ``remark`` begins a remark: ``#`` in our own tables; in those of others a code may begin with it.

    Raises ``csv.Error`` for what the csv module refuses.
    """
    lines = list(io.StringIO(text, newline=""))
    place = began = 0
    fresh = True
    remarks: list[int] = []

    def feed() -> Iterator[str]:
        nonlocal place, began, fresh
        while place < len(lines):
            place += 1
            if fresh and lines[place - 1].lstrip("\ufeff \t").startswith(remark):
                remarks.append(place - 1)
                continue
            began = place - 1 if fresh else began
            fresh = False
            yield lines[place - 1]

    reader = csv.reader(feed(), delimiter=separator, strict=False)
    cells: list[str] | None = []
    while cells is not None:
        fresh = True
        cells = next(reader, None)
        yield from ((at + 1, [], lines[at]) for at in remarks)
        remarks.clear()
        if cells is not None:
            yield began + 1, cells if any(map(str.strip, cells)) else [], "".join(lines[began:place])


def _lines(text: str, file: str, faults: Faults) -> Iterator[tuple[int, list[str], str]]:
    """Records that hold something; the csv module's own complaints become faults."""
    text = text.lstrip("\ufeff")
    line = 0
    try:
        for line, cells, raw in records(text, separator_of(text)):
            if cells:
                yield line, cells, raw
    except csv.Error as error:
        faults.add(file, line + 1, "", f"une ligne illisible ({error})", "des cellules séparées par « ; »")


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
