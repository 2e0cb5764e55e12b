"""Columns of ``Extraction_Correspondance_MSSante``, found by folded name, never by position.

Source: Annuaire Santé, open extraction of MSSanté mailboxes, 31 columns, header names as published in 2026. Layouts
have changed wording before (« d' » dropped, capitals moved), so names are folded: case, accents, apostrophes, « d' »
and blanks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.errors import DirectoryError
from dispatcher.report.folding import fold

SEPARATOR = "|"

COLUMNS: dict[str, tuple[str, ...]] = {
    "box_type": ("Type de BAL", "Type BAL"),
    "address": ("Adresse BAL", "Adresse de BAL", "Adresse de la BAL"),
    "person_type": ("Type Identifiant PP", "Type d'identifiant PP"),
    "person_id": ("Identifiant PP",),
    "person_national": ("Identification nationale PP",),
    "structure_type": ("Type identifiant structure", "Type d'identifiant structure"),
    "structure_id": ("Identification Structure", "Identifiant structure"),
    "service": ("Service de rattachement",),
    "title": ("Civilité d'exercice", "Code civilité d'exercice"),
    "family": ("Nom d'exercice",),
    "given": ("Prénom d'exercice",),
    "profession": ("Libellé Profession",),
    "paperless": ("Dématérialisation",),
    "structure_name": ("Raison Sociale structure BAL",),
    "shop_sign": ("Enseigne commerciale structure BAL",),
    "routing_line": ("L6LIGNEACHEMINEMENT structure BAL",),
    "postcode": ("Code postal structure BAL",),
}
"""Our name of each column we keep, and the header names it may stand under."""

MANDATORY = ("box_type", "address", "structure_id", "family", "given", "paperless")
"""Without these a recipient could be mistaken or a refusal of electronic mail overlooked."""
PERSON = ("person_id", "person_national")
"""At least one of the two."""


def fold_header(name: str) -> str:
    """``"Prénom d’exercice"`` and ``"PRENOM EXERCICE"`` both give ``"prenom exercice"``."""
    text = fold(name).replace("’", "'").replace("ʼ", "'").replace("`", "'")
    text = re.sub(r"\bd'", " ", text).replace("\ufeff", "")
    return " ".join(re.findall(r"[^\W_]+", text.replace("'", " ")))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column we keep stands in this file."""

    places: dict[str, int]
    """Our column name to its 0-based place."""
    width: int
    """Fields in the header, empty ones at its end left out."""

    def place(self, name: str) -> int:
        """Place of a column, or -1 when the file does not have it."""
        return self.places.get(name, -1)


def read_header(line: str) -> Layout:
    """The layout behind a header line. Raises :class:`DirectoryError` naming every mandatory column that is missing."""
    names = line.rstrip("\r\n").split(SEPARATOR)
    while names and not names[-1].strip():
        names.pop()
    if len(names) < 2:
        raise DirectoryError(
            "Ligne 1 : ce n'est pas l'en-tête d'une extraction MSSanté (aucun séparateur « | »).",
            hint="Attendu : le fichier Extraction_Correspondance_MSSante de l'Annuaire Santé, zippé ou non, en UTF-8.",
        )
    folded = [fold_header(name) for name in names]
    places = {ours: _find(folded, theirs) for ours, theirs in COLUMNS.items()}
    missing = [COLUMNS[name][0] for name in MANDATORY if places[name] < 0]
    if all(places[name] < 0 for name in PERSON):
        missing += [COLUMNS[name][0] for name in PERSON]
    if missing:
        listed = ", ".join(f"« {name} »" for name in missing)
        raise DirectoryError(
            f"Ligne 1 : {len(names)} colonnes, mais il manque : {listed}.",
            hint="Vérifier que c'est bien Extraction_Correspondance_MSSante ; l'annuaire en service est gardé.",
        )
    return Layout({name: place for name, place in places.items() if place >= 0}, len(names))


def _find(folded: Sequence[str], names: tuple[str, ...]) -> int:
    for name in names:
        wanted = fold_header(name)
        found = [place for place, header in enumerate(folded) if header == wanted]
        if len(found) > 1:
            raise DirectoryError(
                f"Ligne 1 : la colonne « {name} » figure {len(found)} fois.",
                hint="Reprendre le fichier d'origine de l'Annuaire Santé.",
            )
        if found:
            return found[0]
    return -1
