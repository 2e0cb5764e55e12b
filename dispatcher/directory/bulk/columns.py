"""Columns of the national files, found by folded name, never by position.

Layouts have changed wording before (« d' » dropped, capitals moved, columns added), so names are folded: case, accents,
apostrophes, « d' », brackets and blanks.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dispatcher.errors import DirectoryError
from dispatcher.report.folding import fold

Columns = Mapping[str, tuple[str, ...]]
"""Our name of each column we keep, and the header names it may stand under."""

SEPARATORS = ("|", ";", "\t", ",")
"""As published, the first two; the others in what data.gouv.fr exports and spreadsheets save."""


def cells(line: str, separator: str, quoted: bool) -> list[str]:
    """The fields of a line. Raises :class:`ValueError` when quotes are honoured and one of them is not closed."""
    if not quoted:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [""])
    except csv.Error as error:
        raise ValueError(str(error)) from error


def fold_header(name: str) -> str:
    """``"Prénom d’exercice"`` and ``"PRENOM EXERCICE"`` both give ``"prenom exercice"``."""
    text = fold(name).replace("’", "'").replace("ʼ", "'").replace("`", "'")
    text = re.sub(r"\bd'", " ", text).replace("\ufeff", "")
    return " ".join(re.findall(r"[^\W_]+", text.replace("'", " ")))


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a file, cut and folded."""

    separator: str
    names: tuple[str, ...]
    """Folded, empty ones at the end left out."""
    line: str
    """As it stands in the file."""
    quoted: bool = False
    """Quotes around fields are no part of them. The published files have none: a quote in them is a character."""

    @classmethod
    def of(cls, line: str) -> Header:
        """Cut at whichever separator the line has more of."""
        separator = max(SEPARATORS, key=line.count)
        quoted = separator == "," or line.startswith('"')
        names = [fold_header(name) for name in line.rstrip("\r\n").split(separator)]
        while names and not names[-1]:
            names.pop()
        return cls(separator, tuple(names), line, quoted)

    def has(self, name: str) -> bool:
        """A column of that name, folded, is there."""
        return fold_header(name) in self.names


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column we keep stands in this file."""

    places: dict[str, int]
    """Our column name to its 0-based place."""
    width: int
    """Fields in the header, empty ones at its end left out."""
    separator: str
    quoted: bool = False

    def place(self, name: str) -> int:
        """Place of a column, or -1 when the file does not have it."""
        return self.places.get(name, -1)


def layout(
    header: Header, columns: Columns, mandatory: Iterable[str], one_of: Sequence[str] = (), *, title: str
) -> Layout:
    """The layout behind a header. ``mandatory``: our names of columns that must be there; of ``one_of`` at least one.

    Raises :class:`DirectoryError` naming every column that is missing. ``title``: the file's published name.
    """
    places = {ours: _find(header.names, theirs) for ours, theirs in columns.items()}
    missing = [columns[name][0] for name in mandatory if places[name] < 0]
    if one_of and all(places[name] < 0 for name in one_of):
        missing += [columns[name][0] for name in one_of]
    if missing:
        listed = ", ".join(f"« {name} »" for name in missing)
        raise DirectoryError(
            f"Ligne 1 : {len(header.names)} colonne(s), mais il manque : {listed}.",
            hint=f"Vérifier que c'est bien le fichier {title} ; l'annuaire en service est gardé.",
        )
    kept = {name: place for name, place in places.items() if place >= 0}
    return Layout(kept, len(header.names), header.separator, header.quoted)


def _find(folded: Sequence[str], names: tuple[str, ...]) -> int:
    for name in names:
        wanted = fold_header(name)
        found = [place for place, header in enumerate(folded) if header == wanted]
        if len(found) > 1:
            raise DirectoryError(
                f"Ligne 1 : la colonne « {name} » figure {len(found)} fois.",
                hint="Reprendre le fichier d'origine.",
            )
        if found:
            return found[0]
    return -1
