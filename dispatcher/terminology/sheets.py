"""A spreadsheet's bytes to rows of text: CSV of any separator and charset, or XLSX (ECMA-376 part 1, SpreadsheetML).

Bytes in, :class:`Sheet` out; :class:`SheetError` when it is neither. XLSX is a zip of XML: read with the standard
library and lxml, no entity, no network, sizes limited, so that a hostile file costs little. Dates of XLSX become
``AAAA-MM-JJ``; nothing else is interpreted: a code stays the text it was.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lxml import etree

from dispatcher.errors import DispatcherError
from dispatcher.terminology.rows import decoded, records, separator_of

MAX_BYTES = 60_000_000
"""Largest file, and largest part of an archive once unpacked. The whole of LOINC in French is about a tenth of it."""
MAX_COLUMNS = 200
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DATE_FORMATS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Built-in number formats that show a day (ECMA-376 part 1, §18.8.30)."""


class SheetError(DispatcherError):
    """The file cannot be read as a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Rows of cells with their line numbers, blank rows left out, and what the file was taken for."""

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    kind: str
    """French, for the operator: « CSV, séparateur « ; » », « XLSX, feuille « Codes » »."""


def read_sheet(content: bytes, sheet: str = "") -> Sheet:
    """The table in ``content``. ``sheet`` names the leaf of an XLSX; the first one that holds something by default.

    Raises :class:`SheetError`.
    """
    if len(content) > MAX_BYTES:
        raise SheetError(
            f"Fichier de plus de {MAX_BYTES // 1_000_000} Mo.", hint="Enregistrer la seule feuille utile en CSV UTF-8."
        )
    if content.startswith(b"PK"):
        return _xlsx(content, sheet)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetError(
            "Ancien format Excel (.xls).", hint="L'enregistrer en .xlsx ou en CSV UTF-8, puis recommencer."
        )
    return _csv(content)


def _csv(content: bytes) -> Sheet:
    text = decoded(content).lstrip("\ufeff").replace("\0", "")
    separator = separator_of(text)
    rows = []
    try:
        for line, cells, _ in records(text, separator, remark="# "):
            if cells:
                rows.append((line, tuple(cell.strip() for cell in cells[:MAX_COLUMNS])))
    except csv.Error as error:
        raise SheetError(
            f"Ligne illisible après la ligne {rows[-1][0] if rows else 0} ({error}).",
            hint="Enregistrer la feuille en CSV UTF-8, séparateur « ; ».",
        ) from error
    shown = "tabulation" if separator == "\t" else f"« {separator} »"
    return Sheet(rows=tuple(rows), kind=f"CSV, séparateur {shown}")


# ------------------------------------------------------------------------------------------------------ XLSX


def _xlsx(content: bytes, wanted: str) -> Sheet:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            leaves = _leaves(archive)
            if wanted and wanted not in leaves:
                raise SheetError(f"Pas de feuille « {wanted} ».", hint=f"Feuilles : {', '.join(leaves)}.")
            shared, dates, old = _shared(archive), _date_styles(archive), _from_1904(archive)
            for name in [wanted] if wanted else leaves:
                rows = tuple(_rows(_part(archive, leaves[name]), shared, dates, old))
                if rows:
                    return Sheet(rows=rows, kind=f"XLSX, feuille « {name} »")
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError, ValueError, NotImplementedError, EOFError) as error:
        raise SheetError(
            "Ce fichier n'est pas un classeur XLSX lisible.", hint="L'enregistrer de nouveau, ou en CSV UTF-8."
        ) from error
    raise SheetError("Le classeur est vide.", hint="Choisir la feuille par --sheet.")


def _part(archive: zipfile.ZipFile, name: str) -> Any:
    """The root of one XML part, at most :data:`MAX_BYTES` long whatever the archive's directory says."""
    with archive.open(name) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SheetError(f"Classeur trop grand ({name}).", hint="Enregistrer la seule feuille utile en CSV UTF-8.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(data, parser)
    if root.getroottree().docinfo.doctype:
        raise SheetError("Classeur refusé : il contient une déclaration DOCTYPE.", hint="L'enregistrer de nouveau.")
    return root


def _leaves(archive: zipfile.ZipFile) -> dict[str, str]:
    """Name of each leaf to its part, in the order of the workbook."""
    links = {one.get("Id"): one.get("Target", "") for one in _part(archive, "xl/_rels/workbook.xml.rels")}
    found = {}
    for leaf in _part(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
        target = links[leaf.get(_RELATION)]
        found[leaf.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return found


def _shared(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_words(one) for one in _part(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _words(element: Any) -> str:
    """Text of a string item, its phonetic guides left out."""
    parts = (one for one in element.iter(f"{_MAIN}t") if one.getparent().tag != f"{_MAIN}rPh")
    return "".join(one.text or "" for one in parts)


def _date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Numbers of the cell styles that show a day."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    root = _part(archive, "xl/styles.xml")
    days = set(_DATE_FORMATS)
    for one in root.iter(f"{_MAIN}numFmt"):
        code = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", one.get("formatCode", "")).lower()
        if re.search(r"[djay]", code) and "m" in code:
            days.add(int(one.get("numFmtId", "0")))
    used = root.find(f"{_MAIN}cellXfs")
    styles = [] if used is None else list(used.iter(f"{_MAIN}xf"))
    return frozenset(place for place, one in enumerate(styles) if int(one.get("numFmtId", "0")) in days)


def _from_1904(archive: zipfile.ZipFile) -> bool:
    settings = _part(archive, "xl/workbook.xml").find(f"{_MAIN}workbookPr")
    return settings is not None and settings.get("date1904", "") in ("1", "true")


def _rows(root: Any, shared: list[str], dates: frozenset[int], old: bool) -> Iterator[tuple[int, tuple[str, ...]]]:
    line = 0
    for row in root.iter(f"{_MAIN}row"):
        line = int(row.get("r") or line + 1)
        cells: dict[int, str] = {}
        for cell in row.iter(f"{_MAIN}c"):
            place = _column(cell.get("r", "")) if cell.get("r") else len(cells)
            if place < MAX_COLUMNS:
                cells[place] = _text(cell, shared, dates, old).strip()
        if any(cells.values()):
            yield line, tuple(cells.get(place, "") for place in range(max(cells) + 1))


def _column(reference: str) -> int:
    place = 0
    for letter in re.match(r"[A-Z]*", reference)[0]:  # type: ignore[index] # the pattern matches anything
        place = place * 26 + ord(letter) - 64
    return place - 1


def _text(cell: Any, shared: list[str], dates: frozenset[int], old: bool) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _words(cell)
    value = cell.findtext(f"{_MAIN}v") or ""
    if kind == "s":
        place = int(value)
        return shared[place] if 0 <= place < len(shared) else ""
    if kind == "e":
        return ""
    if kind == "n" and value and int(cell.get("s", "0")) in dates:
        return _day(value, old)
    return value[:-2] if kind == "n" and value.endswith(".0") else value


def _day(serial: str, old: bool) -> str:
    """Days since the end of 1899 (or since 1904): ECMA-376 part 1, §18.17.4.1."""
    days = int(float(serial))
    if not 0 < days < 200_000:
        return serial
    return ((date(1904, 1, 1) if old else date(1899, 12, 30)) + timedelta(days=days)).isoformat()
