"""Changing the table of recipients: compare, merge, write whole, add one line without disturbing the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from dispatcher.directory.local.columns import FRENCH, Sheet, open_sheet
from dispatcher.directory.local.lines import read_line
from dispatcher.directory.local.table import load
from dispatcher.errors import DirectoryError
from dispatcher.routing.candidates import LocalEntry
from dispatcher.whole_file import put

_DELIVERIES = {"mail": "", "paper": "papier", "none": "aucun"}
Key = tuple[str, str, date | None]


class ChangeKind(StrEnum):
    """What became of a line."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line that differs: ``before`` is ``None`` when added, ``after`` when removed."""

    kind: ChangeKind
    before: LocalEntry | None = None
    after: LocalEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A table with the new lines laid over it, and what that changed. Nothing is ever removed by a merge."""

    entries: tuple[LocalEntry, ...]
    changes: tuple[Change, ...]


def key(entry: LocalEntry) -> Key:
    """Lines with the same source, code and first day are the same line."""
    return entry.source, entry.code, entry.valid_from


def _plain(entry: LocalEntry) -> LocalEntry:
    return replace(entry, line=0)


def diff(before: Iterable[LocalEntry], after: Iterable[LocalEntry]) -> tuple[Change, ...]:
    """What turns one table into the other, line numbers ignored; in the order of the lines, removals last."""
    old = {key(entry): entry for entry in before}
    new = {key(entry): entry for entry in after}
    found = []
    for place, entry in new.items():
        known = old.get(place)
        if known is None:
            found.append(Change(kind=ChangeKind.ADDED, after=entry))
        elif _plain(known) != _plain(entry):
            found.append(Change(kind=ChangeKind.CHANGED, before=known, after=entry))
    found += [Change(kind=ChangeKind.REMOVED, before=entry) for place, entry in old.items() if place not in new]
    return tuple(found)


def merge(current: Sequence[LocalEntry], added: Iterable[LocalEntry]) -> Merged:
    """Lay ``added`` over ``current``: same line replaced in its place, new ones at the end."""
    merged = {key(entry): entry for entry in current}
    merged |= {key(entry): entry for entry in added}
    entries = tuple(merged.values())
    return Merged(entries=entries, changes=diff(current, entries))


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
    }


def render(entries: Iterable[LocalEntry]) -> bytes:
    """A whole table: French header, ``;``, UTF-8 with BOM and CRLF, which every spreadsheet opens with its accents."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(FRENCH.values())
    writer.writerows(cells(entry).values() for entry in entries)
    return text.getvalue().encode("utf-8-sig")


def write(path: Path, entries: Iterable[LocalEntry]) -> None:
    """Write the whole table in one step: readers see the old file or the new one. Raises :class:`DirectoryError`."""
    _put(path, render(entries))


def add(path: Path, entry: LocalEntry) -> None:
    """Append one line, keeping the file's other lines, remarks, encoding and separator as they are.

    Raises :class:`DirectoryError` when the line itself is faulty, when the table has no column for one of its values,
    when the line (same code, source and first day) is already there, or when the table has faults.
    """
    check(entry)
    if not path.exists():
        write(path, [entry])
        return
    known = next((line for line in load(path).entries if key(line) == key(entry)), None)
    if known is not None:
        raise DirectoryError(
            f"{path.name} : le code « {entry.code} » est déjà à la ligne {known.line}.",
            hint="Modifier cette ligne, ou donner une date de début (colonne « du ») à la nouvelle.",
        )
    content = path.read_bytes()
    sheet = open_sheet(content, path.name)
    _put(path, _appended(content, sheet, entry))


def check(entry: LocalEntry) -> None:
    """Judge a line as if it stood in a table. Raises :class:`DirectoryError` with every fault."""
    sheet = open_sheet(render([entry]), "nouvelle ligne")
    for record in sheet.records:
        reading = read_line(sheet, record, None, None)
        if reading.faults:
            listed = " ".join(f"Colonne « {fault.column} » : {fault.text}." for fault in reading.faults)
            raise DirectoryError(f"Ligne refusée. {listed}", hint="La corriger et recommencer.")


def _appended(content: bytes, sheet: Sheet, entry: LocalEntry) -> bytes:
    values = cells(entry)
    lost = [FRENCH[name] for name, value in values.items() if value and name not in sheet.header]
    if lost:
        raise DirectoryError(
            f"{sheet.name} n'a pas de colonne {', '.join(f'« {name} »' for name in lost)}.",
            hint="Ajouter la colonne à l'en-tête (avec le tableur), puis recommencer.",
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=sheet.separator, lineterminator=sheet.newline)
    writer.writerow([values.get(name, "") for name in sheet.header])
    line = text.getvalue()
    encoding = {"utf-8-sig": "utf-8"}.get(sheet.encoding, sheet.encoding)
    if encoding == "utf-16":
        encoding = "utf-16-le" if content.startswith(b"\xff\xfe") else "utf-16-be"
    gap = "" if content.decode(encoding, "replace").endswith(("\n", "\r")) else sheet.newline
    try:
        return content + (gap + line).encode(encoding)
    except UnicodeEncodeError:  # a name that Windows-1252 cannot write: the whole table becomes UTF-8
        return (content.decode(encoding, "replace") + gap + line).encode("utf-8-sig")


def _put(path: Path, content: bytes) -> None:
    try:
        put(path, content)
    except OSError as error:
        raise DirectoryError(
            f"{path.name} : écriture impossible ({error.strerror or type(error).__name__}).",
            hint="Fermer le fichier s'il est ouvert dans un tableur ; vérifier les droits et la place libre.",
        ) from error
