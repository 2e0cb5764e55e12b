"""The table of recipients as a sheet: decoding, separator, header. Lines are judged in ``local_lines.py``."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from dispatcher.directory.bulk.columns import fold_header

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
}
"""Our name of each column, its French header (first) and the others understood."""
FRENCH = {ours: names[0] for ours, names in COLUMNS.items()}
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
    """Bytes to a sheet. Faults of the header are listed; without a readable header there are no records."""
    text, encoding = decode(content)
    newline = "\r\n" if "\r\n" in text else "\n"
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    separator = max(";\t,", key=first.count)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator)
    header: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    records: list[Record] = []
    try:
        end = 0
        for row in reader:
            start, end = end + 1, reader.line_num
            if not any(cell.strip() for cell in row) or row[0].startswith("#"):
                continue
            if not header:
                header, faults = _header(row, name, start)
                continue
            records.append(_record(row, header, start))
            if any(cell.strip() for cell in row[len(header) :]):
                faults += (Fault(name=name, line=start, column="", text=_too_many(len(row), len(header), separator)),)
    except csv.Error as error:
        faults += (Fault(name=name, line=reader.line_num, column="", text=f"ligne illisible ({error})"),)
    if not header:
        faults += (Fault(name=name, line=1, column="", text=f"en-tête absent ; attendu : {expected_header()}"),)
    return Sheet(
        name=name,
        encoding=encoding,
        separator=separator,
        newline=newline,
        header=header,
        records=tuple(records) if not _header_faulty(header) else (),
        faults=faults,
    )


def expected_header() -> str:
    """The header line to write."""
    return ";".join(FRENCH.values())


def _too_many(found: int, expected: int, separator: str) -> str:
    return f"{found} champs, {expected} attendus ; un « {separator} » de trop, ou un texte à mettre entre guillemets"


def _record(row: list[str], header: tuple[str, ...], line: int) -> Record:
    cells = zip(header, row, strict=False)
    return Record(line=line, fields={name: " ".join(cell.split()) for name, cell in cells if name})


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
    if "code" not in header:
        text = f"colonne absente ; l'en-tête attendu est : {expected_header()}"
        faults.append(Fault(name=name, line=line, column="code", text=text))
    if not {"address", "identifier", "delivery"} & set(header):
        text = "ni « identifiant », ni « adresse », ni « mode » : la table ne dit pas où envoyer"
        faults.append(Fault(name=name, line=line, column="", text=text))
    return tuple(header), tuple(faults)
