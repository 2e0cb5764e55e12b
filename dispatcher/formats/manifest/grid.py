"""A table a person made, CSV or XLSX, to numbered rows of text. Bytes in, rows and faults out; never raises.

What a spreadsheet hides or damages is a fault, never a guess: formulas, error values, hidden lines, a quote left open.
A line of a CSV is one record (RFC 4180 allows line ends in quotes; one quote left open would swallow other lines).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from dispatcher.formats.text import decode

MAX_BYTES = 20_000_000
"""Of the file, and of a workbook once unpacked."""
MAX_ROWS, MAX_COLUMNS = 20_000, 200
SEPARATORS = (";", "\t", ",")
_LINE_END = re.compile(r"\r\n|\r|\n")
_KEPT = re.compile(r'="(.*)"')
"""``="0012"``, by which a CSV keeps a text a text in Excel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong at one place of a table. ``str()`` is the French sentence a person reads."""

    text: str
    line: int = 0
    """0: the table as a whole."""
    column: str = ""

    def __str__(self) -> str:
        places = [f"ligne {self.line}"] if self.line else []
        places += [f"colonne « {self.column} »"] if self.column else []
        text = f"{', '.join(places)} : {self.text}" if places else self.text
        return text if text.endswith(("?", ".")) else f"{text}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The rows, empty ones left out; the first is the line of headings."""

    kind: str = ""
    """French: « CSV, séparateur « ; » », « XLSX, feuille « Envoi » »."""
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()
    faults: tuple[Fault, ...] = ()


Known = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headings:
    """What is known of headings."""

    known: Known
    """One of ours: how separator and sheet are found."""
    main: Known
    """Without which a sheet is not the table."""
    number: Known
    """Below it stand numbers and codes, in which every zero counts."""


def read_grid(content: bytes, headings: Headings) -> Grid:
    """The table in ``content``."""
    if len(content) > MAX_BYTES:
        return _refused(f"fichier de plus de {MAX_BYTES // 1_000_000} Mo : ce n'est pas un bordereau")
    if content.startswith(b"PK"):
        return _workbook(content, headings)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return _refused("ancien format Excel (.xls) : l'enregistrer en .xlsx ou en CSV")
    decoded = decode(content)
    doubts = tuple(Fault(text=f"{one.message} {_ENCODING}") for one in decoded.problems)
    grid = _csv(decoded.text, headings.known)
    return replace(grid, faults=(*doubts, *grid.faults))


_ENCODING = "Un nom de patient serait faux : enregistrer le tableau en « CSV UTF-8 », ou en .xlsx."


def _refused(text: str) -> Grid:
    return Grid(faults=(Fault(text=text),))


# ------------------------------------------------------------------------------------------------------- CSV


def _csv(text: str, known: Known) -> Grid:
    lines = [(number, line) for number, line in enumerate(_LINE_END.split(text.replace("\0", "")), 1) if line.strip()]
    announced = ""
    if lines and (found := re.fullmatch(r'"?sep=(.)"?', lines[0][1].strip("\ufeff "), re.IGNORECASE)):
        announced = found[1]
        del lines[0]
    if not lines:
        return _refused("bordereau vide")
    mark = announced or max(SEPARATORS, key=lambda one: _familiar(lines[0][1], one, known))
    rows: list[tuple[int, tuple[str, ...]]] = []
    faults: list[Fault] = []
    for number, line in lines:
        try:
            (cells,) = csv.reader([line], delimiter=mark, strict=True)
        except csv.Error:
            text = "guillemet mal fermé, ou fin de ligne dans une cellule ; une ligne du fichier par ligne du tableau"
            faults.append(Fault(line=number, text=text))
            continue
        plain = [_plain(cell) for cell in cells]
        faults += [Fault(line=number, column=_letter(at), text=_FORMULA) for at, one in enumerate(plain) if one is None]
        if any(cell != "" for cell in plain):
            rows.append((number, tuple(cell or "" for cell in plain)))
        if len(rows) > MAX_ROWS:
            return _refused(f"plus de {MAX_ROWS} lignes : couper le bordereau en plusieurs envois")
    shown = "tabulation" if mark == "\t" else f"« {mark} »"
    return Grid(kind=f"CSV, séparateur {shown}", rows=tuple(rows), faults=tuple(faults))


def _familiar(line: str, mark: str, known: Known) -> tuple[int, int]:
    try:
        cells = next(csv.reader([line], delimiter=mark), [])
    except csv.Error:
        cells = line.split(mark)
    return sum(map(known, cells)), len(cells)


_FORMULA = "formule de tableur ; mettre à sa place la valeur qu'elle donne (copier, collage spécial, valeurs)"


def _plain(cell: str) -> str | None:
    """The text of a cell; None for a formula."""
    text = " ".join(cell.replace("\ufeff", "").split())
    kept = _KEPT.fullmatch(text)
    if kept:
        return " ".join(kept[1].replace('""', '"').split())
    return None if text.startswith("=") else text


def _letter(place: int) -> str:
    """0 is A, 26 is AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


# ------------------------------------------------------------------------------------------------------ XLSX


def _workbook(content: bytes, headings: Headings) -> Grid:
    from openpyxl import load_workbook  # slow to load, and most manifests are CSV

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > 3 * MAX_BYTES:
                return _refused("classeur trop grand une fois ouvert : n'y laisser que le bordereau")
        book = load_workbook(io.BytesIO(content), data_only=False)
        sheets = [one for one in book.worksheets if one.sheet_state == "visible" and one.max_row]
        if any(one.max_row > MAX_ROWS for one in sheets):
            text = f"feuille de plus de {MAX_ROWS} lignes : supprimer les lignes vides mises en forme"
            return _refused(text)
        tables = [(one.title, *_rows(one, headings)) for one in sheets]
    except Exception:  # whatever the library stumbles over, a person hears what to do
        return _refused("ce fichier n'est pas un classeur lisible : l'enregistrer de nouveau en .xlsx, ou en CSV")
    full = [one for one in tables if one[1]]
    if not full:
        return _refused("classeur vide")
    mains = [one[0] for one in full if any(map(headings.main, one[1][0][1]))]
    if len(mains) > 1:
        names = ", ".join(f"« {name} »" for name in mains)
        return _refused(f"plusieurs feuilles sont des tableaux à lire ({names}) ; n'en garder qu'une dans le classeur")
    title, rows, faults = max(full, key=lambda one: (one[0] in mains, sum(map(headings.known, one[1][0][1]))))
    return Grid(kind=f"XLSX, feuille « {title} »", rows=tuple(rows), faults=tuple(faults))


def _rows(sheet: Any, headings: Headings) -> tuple[list[tuple[int, tuple[str, ...]]], list[Fault]]:
    rows: list[tuple[int, tuple[str, ...]]] = []
    faults: list[Fault] = []
    for number, cells in enumerate(sheet.iter_rows(max_col=min(sheet.max_column, MAX_COLUMNS)), 1):
        texts = tuple(_text(cell, number, faults) for cell in cells)
        if not any(texts):
            continue
        if not rows:
            faults += _hidden_columns(sheet, number, texts, headings)
        elif number in sheet.row_dimensions and _unseen(sheet.row_dimensions[number], "height"):
            text = "ligne masquée (filtre ?) ; l'afficher, ou la supprimer, pour que ce qui part soit ce qui se voit"
            faults.append(Fault(line=number, text=text))
        titles = rows[0][1] if rows else ()
        for title, cell in zip(titles, cells, strict=False):
            if headings.number(title) and not _as_typed(cell):
                faults.append(Fault(line=number, column=title, text=_SHAPED))
        rows.append((number, texts))
    return rows, faults


_SHAPED = (
    "nombre mis en forme par le tableur, ce qui se voit n'est pas ce qui serait lu (zéros de tête) ; mettre la colonne "
    "au format texte et ressaisir"
)


def _as_typed(cell: Any) -> bool:
    """A text, nothing, or a number that is read as it is shown."""
    if cell.value is None or isinstance(cell.value, str):
        return True
    form = str(cell.number_format or "General")
    return isinstance(cell.value, int | float) and bool(re.fullmatch("general|@|0+", form, re.IGNORECASE))


def _unseen(dimension: Any, size: str) -> bool:
    shown = getattr(dimension, size)
    return bool(dimension.hidden) or (shown is not None and shown < 1)


def _hidden_columns(sheet: Any, line: int, titles: Sequence[str], headings: Headings) -> list[Fault]:
    """A dimension may stand for several columns."""
    hidden = {
        place
        for one in sheet.column_dimensions.values()
        if _unseen(one, "width")
        for place in range(one.min or one.index_number, (one.max or one.min or one.index_number) + 1)
    }
    text = "colonne masquée ; l'afficher, ou la supprimer, pour que ce qui part soit ce qui se voit"
    return [
        Fault(line=line, column=title, text=text)
        for place, title in enumerate(titles, 1)
        if place in hidden and headings.known(title)
    ]


def _text(cell: Any, line: int, faults: list[Fault]) -> str:
    value = cell.value
    if cell.data_type == "f":
        faults.append(Fault(line=line, column=cell.column_letter, text=_FORMULA))
        return ""
    if cell.data_type == "e":
        faults.append(Fault(line=line, column=cell.column_letter, text=f"erreur du tableur ({value})"))
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int) and re.fullmatch("0+", cell.number_format or ""):
        return str(value).zfill(len(cell.number_format))  # as it is shown: a FINESS keeps its zeros
    return "" if value is None else " ".join(str(value).split())


def whole_rows(grid: Grid) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows below the headings, each cut or filled to their number."""
    width = len(grid.rows[0][1])
    for number, cells in grid.rows[1:]:
        yield number, [*cells, *[""] * (width - len(cells))][:width]


def wrong_widths(grid: Grid) -> list[Fault]:
    """Lines that hold more or fewer cells than there are headings: from there on nobody knows which is which."""
    titles = list(grid.rows[0][1])
    while titles and not titles[-1]:
        titles.pop()
    wanted, whole = len(titles), len(grid.rows[0][1])
    return [
        Fault(line=number, text=f"{len(cells)} champs, {wanted} attendus ; un séparateur manque ou est de trop")
        for number, cells in grid.rows[1:]
        if any(cells[wanted:]) or (len(cells) < wanted and whole != 1)
    ]
