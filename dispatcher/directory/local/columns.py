"""The table of recipients as a sheet: decoding, separator, header. Lines are judged in ``local_lines.py``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dispatcher.directory.bulk.columns import fold_header
from dispatcher.terminology.sheets import SheetError, read_sheet

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("code", "code lis", "code destinataire", "code prescripteur"),
    "source": ("source",),
    "id_type": ("type_identifiant", "id_type", "type d'identifiant"),
    "identifier": ("identifiant", "identifier", "id"),
    "address": ("adresse", "address", "adresse mail", "adresse bal", "mail", "email", "courriel"),
    "label": ("libelle", "label", "nom", "destinataire"),
    "format": ("format",),
    "channel": ("canal", "channel"),
    "delivery": ("mode", "delivery", "mode d'envoi"),
    "valid_from": ("du", "valid_from", "valable du", "debut"),
    "valid_to": ("au", "valid_to", "valable au", "fin"),
    "added_by": ("ajoute_par", "added_by", "par"),
    "added_on": ("le", "added_on", "ajoute_le"),
    "reason": ("motif", "reason"),
}
"""Our name of each column, its French header (first) and the others understood."""
FRENCH = {ours: names[0] for ours, names in COLUMNS.items()}
WRITTEN = ("added_by", "added_on", "reason")
"""Who wrote a line, when, why: filled in by the commands, added to the header when a table has no such columns."""
REMARKS = frozenset({"commentaire", "commentaires", "remarque", "remarques", "note", "notes", "comment", "comments"})
"""Columns for people, left alone."""
_KNOWN = {fold_header(name): ours for ours, names in COLUMNS.items() for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong at one place of the table. ``str()`` is the French sentence an operator reads."""

    name: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        place = f"ligne {self.line}" + (f", colonne « {self.column} »" if self.column else "")
        return f"{self.name}, {place} : {self.text}" + ("" if self.text.endswith("?") else ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line: its number in the file and its fields under our names, blanks cut."""

    line: int
    fields: dict[str, str]
    end: int = 0
    """Its last line in the file: a quoted text may hold line breaks."""
    cells: tuple[str, ...] = ()
    """Its cells as they stand, for a program that writes them back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A decoded table. ``header`` are our names in file order, empty for columns we leave alone."""

    name: str
    encoding: str
    separator: str
    newline: str
    header: tuple[str, ...]
    records: tuple[Record, ...]
    faults: tuple[Fault, ...] = ()
    titles: Record = Record(line=0, fields={})
    """The header line itself."""


def decode(content: bytes) -> tuple[str, str]:
    """Text and the name of its encoding. Windows-1252 reads anything, so this never fails."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), "utf-16"
    try:
        bom = content.startswith(b"\xef\xbb\xbf")
        return content.decode("utf-8-sig"), "utf-8-sig" if bom else "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "cp1252"


def open_sheet(content: bytes, name: str) -> Sheet:
    """Bytes of a CSV or an XLSX workbook to a sheet. Faults of the header are listed; without a readable header there
    are no records.
    """
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _workbook(content, name)
    text, encoding = decode(content)
    text = text.replace("\0", "")
    newline = "\r\n" if "\r\n" in text else "\n"
    first = next((one for one in text.splitlines() if one.strip() and not one.startswith("#") and not _hint(one)), "")
    separator = max(";\t,", key=first.count)
    return _sheet(_rows(text, separator), name, encoding, separator, newline)


def _hint(line: str) -> bool:
    """``sep=;``, which some programs write for Excel above the header."""
    return re.fullmatch(r'"?sep=.?"?', line.strip(), re.IGNORECASE) is not None


_Row = tuple[int, int, list[str] | str]
"""First and last line in the file, and the cells; or what is wrong."""


def _rows(text: str, separator: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    start = end = fields = usual = 0
    try:
        for row in reader:
            start, end = end + 1, reader.line_num
            if any(cell.strip() for cell in row) and not row[0].startswith("#") and not _hint(separator.join(row)):
                fields, usual = len(row), fields
                yield start, end, row
            else:
                usual = 0  # the text does not end with a line of the table
    except csv.Error as error:
        yield reader.line_num, reader.line_num, f"ligne illisible ({error})"
    if fields < usual and not text.endswith(("\n", "\r")):
        yield start, end, _cut(fields, usual)


def _cut(found: int, usual: int) -> str:
    """A last line without its end may stand, whole: spreadsheets write every separator of every line."""
    return (
        f"le fichier est coupé : sa dernière ligne n'a ni fin de ligne ni tous ses champs ({found}, {usual} à la ligne "
        "d'avant) ; enregistrer de nouveau la table entière"
    )


def _workbook(content: bytes, name: str) -> Sheet:
    try:
        found = read_sheet(content)
    except SheetError as error:
        rows: list[_Row] = [(1, 1, f"{error.message.rstrip('.')} ; {error.hint.rstrip('.')}")]
        return _sheet(rows, name, "xlsx", ";", "\r\n")
    return _sheet([(line, line, list(cells)) for line, cells in found.rows], name, "xlsx", ";", "\r\n")


def _sheet(rows: Iterable[_Row], name: str, encoding: str, separator: str, newline: str) -> Sheet:
    header: tuple[str, ...] = ()
    titles = Record(line=0, fields={})
    faults: list[Fault] = []
    records: list[Record] = []
    for start, end, row in rows:
        if isinstance(row, str):
            faults.append(Fault(name=name, line=start, column="", text=row))
        elif not header:
            header, wrong = _header(row, name, start)
            titles = Record(line=start, end=end, fields={}, cells=tuple(row))
            faults += wrong
        else:
            records.append(_record(row, header, start, end))
            if any(cell.strip() for cell in row[len(header) :]):
                text = _too_many(len(row), len(header), separator)
                faults.append(Fault(name=name, line=start, column="", text=text))
    if not header and not faults:
        faults = [Fault(name=name, line=1, column="", text=f"en-tête absent ; attendu : {expected_header()}")]
    return Sheet(
        name=name,
        encoding=encoding,
        separator=separator,
        newline=newline,
        header=header,
        records=tuple(records) if not _header_faulty(header) else (),
        faults=tuple(faults),
        titles=titles,
    )


def expected_header() -> str:
    """The header line to write."""
    return ";".join(FRENCH.values())


def _too_many(found: int, expected: int, separator: str) -> str:
    return f"{found} champs, {expected} attendus ; un « {separator} » de trop, ou un texte à mettre entre guillemets"


def _record(row: list[str], header: tuple[str, ...], line: int, end: int) -> Record:
    fields = {name: _plain(cell) for name, cell in zip(header, row, strict=False) if name}
    return Record(line=line, end=end, fields=fields, cells=tuple(row))


def _plain(cell: str) -> str:
    """The text of a cell; ``="0012"``, by which a CSV keeps a text a text in Excel, is the text inside."""
    text = " ".join(cell.split())
    kept = re.fullmatch(r'="(.*)"', text)
    return " ".join(kept[1].replace('""', '"').split()) if kept else text


def _header_faulty(header: tuple[str, ...]) -> bool:
    return "code" not in header


def _header(row: list[str], name: str, line: int) -> tuple[tuple[str, ...], tuple[Fault, ...]]:
    while row and not row[-1].strip():
        row = row[:-1]
    header: list[str] = []
    faults: list[Fault] = []
    for cell in row:
        folded = fold_header(cell)
        ours = _KNOWN.get(folded, "")
        if not ours and folded not in REMARKS:
            text = f"colonne inconnue ; connues : {', '.join(FRENCH.values())}, commentaire"
            faults.append(Fault(name=name, line=line, column=cell.strip() or "(vide)", text=text))
        if ours and ours in header:
            faults.append(Fault(name=name, line=line, column=cell.strip(), text="colonne présente deux fois"))
            ours = ""
        header.append(ours)
    if not any(header):
        text = f"pas de ligne d'en-tête ; la mettre en première ligne : {expected_header()}"
        return tuple(header), (Fault(name=name, line=line, column="", text=text),)
    if "code" not in header:
        text = f"colonne absente ; l'en-tête attendu est : {expected_header()}"
        faults.append(Fault(name=name, line=line, column="code", text=text))
    if not {"address", "identifier", "delivery"} & set(header):
        text = "ni « identifiant », ni « adresse », ni « mode » : la table ne dit pas où envoyer"
        faults.append(Fault(name=name, line=line, column="", text=text))
    return tuple(header), tuple(faults)
