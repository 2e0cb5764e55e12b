"""Changing lines of the table as text: every other line, remark, encoding and separator stays as it was."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatcher.directory.local.columns import COLUMNS, FRENCH, Record, Sheet, decode, open_sheet
from dispatcher.errors import DirectoryError
from dispatcher.routing.candidates import LocalEntry

_DELIVERIES = {"mail": "", "paper": "papier", "none": "aucun"}
_DAYS = frozenset({"valid_from", "valid_to", "added_on"})
_CODES = frozenset({"code", "identifier"})
_MISREAD = re.compile(r"[=+\-@.\d]|(vrai|faux|true|false)$", re.IGNORECASE)
"""Beginnings of what a spreadsheet takes for a number, a day, a formula or a truth value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One line to write: at ``line`` (1-based) in place of what stands there, or at the end (0).

    Without ``entry`` the line goes.
    """

    line: int = 0
    entry: LocalEntry | None = None


def cells(entry: LocalEntry) -> dict[str, str]:
    """The fields of a line as text, under our column names."""
    return {
        "code": entry.code,
        "source": entry.source,
        "id_type": str(entry.id_type or ""),
        "identifier": entry.identifier,
        "address": entry.address,
        "label": entry.label,
        "format": entry.format,
        "channel": entry.channel,
        "delivery": _DELIVERIES[entry.delivery],
        "valid_from": entry.valid_from.isoformat() if entry.valid_from else "",
        "valid_to": entry.valid_to.isoformat() if entry.valid_to else "",
        "added_by": entry.added_by,
        "added_on": entry.added_on.isoformat() if entry.added_on else "",
        "reason": entry.reason,
    }


def new_table() -> bytes:
    """An empty table: French header, ``;``, UTF-8 with BOM and CRLF, which every spreadsheet opens with its accents."""
    return (";".join(FRENCH.values()) + "\r\n").encode("utf-8-sig")


def edited(content: bytes | None, name: str, edits: Sequence[Edit]) -> bytes:
    """The table with these lines written. What is no table with a header gives a new one."""
    content = content if content is not None and content.strip() else new_table()
    text, encoding = decode(content)
    sheet = open_sheet(content, name)
    if sheet.encoding == "xlsx":
        raise DirectoryError(
            f"{name} est un classeur : le programme le lit, mais n'y écrit pas.",
            hint="L'enregistrer en CSV, et donner ce fichier par « [directory] local ».",
        )
    lines = list(io.StringIO(text.replace("\0", ""), newline=""))
    by_line = {record.line: record for record in sheet.records}
    values = [cells(edit.entry) for edit in edits if edit.entry is not None]
    missing = [one for one in COLUMNS if one not in sheet.header and any(value[one] for value in values)]
    header = (*sheet.header, *missing)
    for edit in edits:
        if edit.line and edit.line in by_line:
            record = by_line[edit.line]
            written = "" if edit.entry is None else _line(_laid_over(record, header, cells(edit.entry)), sheet)
            lines[record.line - 1 : record.end] = [written, *([""] * (record.end - record.line))]
    if missing:
        titles = list(sheet.titles.cells[: len(sheet.header)]) + [FRENCH[one] for one in missing]
        spare = [""] * (sheet.titles.end - sheet.titles.line)
        lines[sheet.titles.line - 1 : sheet.titles.end] = [_line(titles, sheet), *spare]
    body = "".join(lines)
    gap = "" if not body or body.endswith(("\n", "\r")) else sheet.newline
    added = [cells(edit.entry) for edit in edits if edit.entry is not None and not edit.line]
    body += (gap if added else "") + "".join(_line([value.get(one, "") for one in header], sheet) for value in added)
    return _encoded(body, encoding, content)


def _laid_over(record: Record, header: Sequence[str], values: dict[str, str]) -> list[str]:
    """Cells of a line with our columns written over, remarks kept."""
    old = [*record.cells, *([""] * (len(header) - len(record.cells)))]
    return [values[name] if name else cell for name, cell in zip(header, old, strict=False)]


def _line(row: Iterable[str], sheet: Sheet) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=sheet.separator, lineterminator=sheet.newline).writerow(row)
    return text.getvalue()


def _encoded(text: str, encoding: str, before: bytes) -> bytes:
    if encoding == "utf-16":
        little = before.startswith(b"\xff\xfe")
        return (b"\xff\xfe" if little else b"\xfe\xff") + text.encode("utf-16-le" if little else "utf-16-be")
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:  # a name that Windows-1252 cannot write: the whole table becomes UTF-8
        return text.encode("utf-8-sig")


def render(entries: Iterable[LocalEntry]) -> bytes:
    """A whole table of these lines, as the program writes one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(FRENCH.values())
    writer.writerows(cells(entry).values() for entry in entries)
    return text.getvalue().encode("utf-8-sig")


def for_spreadsheet(content: bytes, name: str) -> bytes:
    """The table, remarks and all, as a French Excel opens it rightly: UTF-8 with BOM, ``;``, CRLF, codes and numbers
    written ``="0012"`` so that they stay text. Our own reader takes that for ``0012``.
    """
    sheet = open_sheet(content, name)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(sheet.titles.cells)
    for record in sheet.records:
        padded = (*sheet.header, *([""] * (len(record.cells) - len(sheet.header))))
        writer.writerow(_kept_as_text(cell, one) for cell, one in zip(record.cells, padded, strict=False))
    return text.getvalue().encode("utf-8-sig")


def _kept_as_text(cell: str, column: str) -> str:
    text = " ".join(cell.split())
    if not text or column in _DAYS or text.startswith('="'):
        return text
    if column in _CODES or _MISREAD.match(text):
        return '="' + text.replace('"', '""') + '"'
    return text


__all__ = ["Edit", "cells", "edited", "for_spreadsheet", "new_table", "render"]
