"""The laboratory's ``codes.csv`` as a book of lines that can be changed one at a time.

Text in, text out: what is not changed stays byte for byte, remarks and blank lines too. A line that is replaced or
withdrawn stays in the book as a remark, so that who confirmed what, and when, is never lost.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from dispatcher.errors import DispatcherError
from dispatcher.terminology.csv_text import written
from dispatcher.terminology.own import NONE, day
from dispatcher.terminology.rows import fold, records, separator_of
from dispatcher.terminology.units import unit_key

COLUMNS = ("source", "code", "libelle", "unite", "specimen", "loinc", "confirme_par", "confirme_le", "commentaire")
"""Header of a new book; a column ``methode`` is added when a line needs it."""
NEEDED = COLUMNS[:-1]
METHOD = "methode"
NO_CODE = "-"

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    """One line of ``codes.csv``, as text."""

    code: str
    source: str = ""
    label: str = ""
    unit: str = ""
    specimen: str = ""
    method: str = ""
    loinc: str = ""
    """``-``: has no LOINC code."""
    confirmed_by: str = ""
    confirmed_on: str = ""
    comment: str = ""
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> Key:
        """Lines with the same key speak of the same results."""
        return self.source, self.code, unit_key(self.unit), fold(self.specimen), fold(self.method)

    @property
    def confirmed(self) -> bool:
        """A person confirmed it, on a day."""
        return bool(self.confirmed_by and day(self.confirmed_on))

    @property
    def code_given(self) -> str:
        """The LOINC code, empty when the line says that there is none."""
        return "" if fold(self.loinc) in NONE else self.loinc

    def cells(self) -> dict[str, str]:
        """The fields under the names of the columns."""
        return {name: getattr(self, of) for name, of in FIELDS.items()}


FIELDS = {
    "source": "source",
    "code": "code",
    "libelle": "label",
    "unite": "unit",
    "specimen": "specimen",
    METHOD: "method",
    "loinc": "loinc",
    "confirme_par": "confirmed_by",
    "confirme_le": "confirmed_on",
    "commentaire": "comment",
}
"""Column to field of :class:`CodeLine`."""


@dataclass(frozen=True, slots=True)
class Change:
    """A line in the place of another; with a ``remark`` the old one stays above it, as a remark of the file."""

    new: CodeLine
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    raw: str
    line: CodeLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBook:
    """``codes.csv``: see :func:`parse_book`. A change gives a new book."""

    columns: tuple[str, ...] = COLUMNS
    separator: str = ";"
    newline: str = "\n"
    parts: tuple[_Part, ...] = ()

    @property
    def lines(self) -> tuple[CodeLine, ...]:
        """The lines, numbered as they now stand in the file."""
        return tuple(self._numbered())

    def _numbered(self) -> Iterator[CodeLine]:
        at = 1
        for part in self.parts:
            if part.line is not None:
                yield replace(part.line, line=at)
            at += max(len(list(io.StringIO(part.raw, newline=""))), 1)

    def text(self) -> str:
        """The whole file."""
        return "".join(part.raw for part in self.parts)

    def edited(self, added: Sequence[CodeLine], changed: Mapping[Key, Change] = MappingProxyType({})) -> CodeBook:
        """``added`` at the end; the first line of each key of ``changed`` replaced, its remark above it."""
        lines = [*added, *(change.new for change in changed.values())]
        book = self._with_method() if METHOD not in self.columns and any(one.method for one in lines) else self
        left, parts = dict(changed), list[_Part]()
        for part in book.parts:
            change = left.pop(part.line.key, None) if part.line is not None else None
            parts += [part] if change is None else book._replaced(part, change)
        if added and parts and not parts[-1].raw.endswith(("\n", "\r")):
            parts[-1] = replace(parts[-1], raw=parts[-1].raw + book.newline)
        return replace(book, parts=(*parts, *(_Part(book._render(line), line) for line in added)))

    def _replaced(self, part: _Part, change: Change) -> list[_Part]:
        new = _Part(self._render(change.new), change.new)
        if not part.raw.endswith(("\n", "\r")):
            new = replace(new, raw=new.raw.rstrip("\r\n"))
        if not change.remark:
            return [new]
        return [_Part(f"# {' '.join(change.remark.split())} : {' '.join(part.raw.split())}{self.newline}"), new]

    def _render(self, line: CodeLine) -> str:
        cells = line.cells()
        row = [" ".join(cells.get(name, "").split()) for name in self.columns]
        if not row[0].startswith("#"):
            return written([row], self.separator, self.newline)
        quoted = row[0].replace('"', '""')  # a line that begins with # would be read as a remark
        return f'"{quoted}"' + written([["", *row[1:]]], self.separator, self.newline)

    def _with_method(self) -> CodeBook:
        """The same book with a column for the method. Other lines may have fewer cells than the header."""
        columns = (*self.columns, METHOD)
        place = next((at for at, part in enumerate(self.parts) if part.line is None and _is_header(part.raw)), None)
        if place is None:
            return replace(self, columns=columns)
        raw = self.parts[place].raw
        header = _Part(written([list(columns)], self.separator, "") + raw[len(raw.rstrip("\r\n")) :])
        return replace(self, columns=columns, parts=(*self.parts[:place], header, *self.parts[place + 1 :]))


def _is_header(raw: str) -> bool:
    return not raw.lstrip("\ufeff").lstrip().startswith("#") and bool(raw.strip())


def new_book() -> CodeBook:
    """A book with a header and nothing else."""
    return CodeBook(parts=(_Part(";".join(COLUMNS) + "\n"),))


def parse_book(text: str) -> CodeBook:
    """Read ``codes.csv``; faulty lines are kept as they are. Raises :class:`DispatcherError` without its columns."""
    separator = separator_of(text)
    columns: tuple[str, ...] = ()
    known = {fold(name): name for name in FIELDS}
    parts: list[_Part] = []
    try:
        for _, cells, raw in records(text, separator):
            if not cells:
                parts.append(_Part(raw))
            elif not columns:
                columns = tuple(known.get(fold(cell.lstrip("\ufeff")), "") for cell in cells)
                parts.append(_Part(raw))
            else:
                parts.append(_Part(raw, _line(cells, columns)))
    except csv.Error as error:
        raise DispatcherError(f"codes.csv est illisible ({error}).", hint=_CHECK) from error
    if not columns:
        if any(map(_is_header, (part.raw for part in parts))):
            raise DispatcherError("codes.csv n'a pas d'en-tête lisible.", hint=_CHECK)
        gap = "\n" if parts and not parts[-1].raw.endswith(("\n", "\r")) else ""
        return replace(new_book(), parts=(*parts, *([_Part(gap)] if gap else []), *new_book().parts))
    absent = [name for name in NEEDED if name not in columns]
    if absent:
        raise DispatcherError(f"codes.csv n'a pas de colonne « {absent[0]} ».", hint=_CHECK)
    newline = "\r\n" if "\r\n" in text else "\n"
    return CodeBook(columns=columns, separator=separator, newline=newline, parts=tuple(parts))


_CHECK = "« dispatcher mappings check » dit ce qui ne va pas ; corriger d'abord."


def _line(cells: list[str], columns: tuple[str, ...]) -> CodeLine:
    named = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}
    return line_of(named)


def line_of(named: Mapping[str, str]) -> CodeLine:
    """A line from its cells by column."""
    fields: dict[str, Any] = {of: named.get(name, "") for name, of in FIELDS.items()}
    return CodeLine(**fields)
