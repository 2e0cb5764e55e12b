"""Which column of a spreadsheet is which, by its heading: people and LIS name them in many ways.

Rows in, records out. Headings are compared without accents, case, blanks and signs. The heading line is looked for in
the first lines: exports often open with a title.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.terminology.rows import fold
from dispatcher.terminology.sheets import Sheet, SheetError

HEADING_WITHIN = 25
"""The heading stands in one of the first lines."""

CODE_LIST: Mapping[str, tuple[str, ...]] = {
    "source": ("source",),
    "code": (
        *("code", "code analyse", "code examen", "code sil", "code lis", "code labo", "code laboratoire"),
        *("code local", "code interne", "code test", "code parametre", "code de l'analyse", "code resultat"),
        *("mnemonique", "code mnemonique", "analyse code", "test code", "parametre", "abreviation"),
    ),
    "libelle": (
        *("libelle", "libelle analyse", "libelle examen", "libelle sil", "libelle long", "libelle local", "intitule"),
        *("libelle de l'analyse", "designation", "nom", "nom analyse", "analyse", "examen", "label", "description"),
        *("libelle parametre", "libelle du parametre", "libelle test", "libelle usuel"),
    ),
    "unite": ("unite", "unites", "unit", "units", "unite usuelle", "unite de mesure", "unite sil", "unite 1"),
    "specimen": (
        *("specimen", "echantillon", "milieu", "milieu biologique", "nature", "nature du prelevement"),
        *(
            "nature prelevement",
            "prelevement",
            "type de prelevement",
            "type echantillon",
            "matrice",
            "nature echantillon",
        ),
    ),
    "methode": ("methode", "technique", "method", "methode de dosage", "technique de dosage"),
    "loinc": ("loinc", "code loinc", "loinc code", "loinc num", "n loinc", "numero loinc", "loinc retenu"),
    "confirme_par": (*("confirme_par", "confirme par", "valide par", "confirmed by"),),
    "confirme_le": (
        *(
            "confirme_le",
            "confirme le",
            "valide le",
            "date",
            "date de confirmation",
            "date de validation",
            "date validation",
        ),
    ),
    "commentaire": ("commentaire", "commentaires", "remarque", "remarques", "note", "notes", "observation"),
}
"""Columns of a laboratory's list of codes."""

CIRCUIT: Mapping[str, tuple[str, ...]] = {
    "loinc": ("loinc", "code loinc", "loinc num", "loinc code", "code", "numero loinc", "code concept", "concept code"),
    "libelle": (
        *("libelle", "libelle francais", "libelle long", "libelle long francais", "libelle fr", "nom long", "display"),
        *("designation", "libelle loinc", "libelle loinc francais", "libelle adapte", "nom francais", "display name"),
        *("libelle complet", "libelle loinc fr", "long common name fr", "libelle du code loinc", "displayname"),
    ),
    "composant": ("composant", "component", "analyte", "composant fr", "composant francais"),
    "grandeur": ("grandeur", "property", "propriete", "type de grandeur", "kind of property"),
    "temps": ("temps", "time", "time aspect", "aspect temporel"),
    "systeme": ("systeme", "system", "milieu", "milieu biologique", "specimen", "echantillon"),
    "echelle": ("echelle", "scale", "scale typ", "type d'echelle", "type de resultat"),
    "technique": ("technique", "methode", "method", "method typ", "type de methode"),
    "unite": ("unite", "unites", "unit", "ucum", "unite ucum", "unites ucum", "example ucum units", "unite usuelle"),
    "chapitre": ("chapitre", "class", "classe", "specialite", "discipline"),
    "statut": ("statut", "status", "etat"),
}
"""Columns of a file of the "circuit de la biologie"."""


def heading_key(text: str) -> str:
    """How headings are compared."""
    return re.sub(r"[^A-Z0-9]+", " ", fold(text)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line under the names of our columns; absent ones are empty."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A sheet with its columns recognised."""

    records: tuple[Record, ...]
    columns: Mapping[str, str]
    """Our name to the heading of the file."""
    ignored: tuple[str, ...]
    heading_line: int
    kind: str


def understand(
    sheet: Sheet, names: Mapping[str, tuple[str, ...]], need: str, given: Mapping[str, str] | None = None
) -> Understood:
    """Recognise the columns. ``given``: our name to the heading of the file, or to its letter (``C``) or number;
    ``-`` leaves a column out that would be recognised.

    Raises :class:`SheetError` when the column ``need`` is not found.
    """
    given = dict(given or {})
    unknown = [name for name in given if name not in names]
    if unknown:
        raise SheetError(f"Colonne « {unknown[0]} » inconnue.", hint=f"Noms possibles : {', '.join(names)}.")
    names = {name: known for name, known in names.items() if given.get(name) != "-"}
    given = {name: wanted for name, wanted in given.items() if wanted != "-"}
    best: tuple[int, int, dict[str, int]] = (0, -1, {})
    for place, (_, cells) in enumerate(sheet.rows[:HEADING_WITHIN]):
        found = _places(cells, names, given)
        if need in found and len(found) > best[0]:
            best = (len(found), place, found)
    _, place, found = best
    if place < 0:
        seen = " | ".join(sheet.rows[0][1][:12]) if sheet.rows else "rien"
        raise SheetError(
            f"Colonne « {need} » introuvable (première ligne : {seen}).",
            hint=f"La nommer : --column {need}=« titre de la colonne dans le fichier ».",
        )
    line, heading = sheet.rows[place]
    records = tuple(
        Record(line=number, cells={name: cells[at] for name, at in found.items() if at < len(cells)})
        for number, cells in sheet.rows[place + 1 :]
    )
    used = set(found.values())
    return Understood(
        records=records,
        columns={name: heading[at] for name, at in found.items()},
        ignored=tuple(cell for at, cell in enumerate(heading) if cell and at not in used),
        heading_line=line,
        kind=sheet.kind,
    )


def _places(cells: tuple[str, ...], names: Mapping[str, tuple[str, ...]], given: Mapping[str, str]) -> dict[str, int]:
    """Our name to the place of its column: as given, else by the order of the names we know (best name first)."""
    keys = [heading_key(cell) for cell in cells]
    found: dict[str, int] = {}
    for name, wanted in given.items():
        place = _given(wanted, keys)
        if place is None:
            return {}
        found[name] = place
    for name, known in names.items():
        if name in found:
            continue
        for text in known:
            key = heading_key(text)
            place = next((at for at, cell in enumerate(keys) if cell == key and at not in found.values()), None)
            if place is not None:
                found[name] = place
                break
    return found


def _given(wanted: str, keys: list[str]) -> int | None:
    key = heading_key(wanted)
    if key in keys:
        return keys.index(key)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(keys):
        return int(wanted) - 1
    if re.fullmatch(r"[A-Z]", wanted) and ord(wanted) - 65 < len(keys):
        return ord(wanted) - 65
    return None
