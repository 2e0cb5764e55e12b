"""The sandbox's directory as the Annuaire Santé publishes it: ``Extraction_Correspondance_MSSante``, 31 columns.

UTF-8, ``|`` between fields, one header line, nothing quoted (shape seen in three independent readers of the real file).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dispatcher.clock import paris
from dispatcher.sandbox.people import BOXES, Box

COLUMNS = (
    "Type de BAL",
    "Adresse BAL",
    "Type Identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Type identifiant structure",
    "Identification Structure",
    "Service de rattachement",
    "Civilité d'exercice",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Catégorie profession",
    "Libellé de catégorie profession",
    "Code Profession",
    "Libellé Profession",
    "Code savoir-faire",
    "Libellé savoir-faire",
    "Dématérialisation",
    "Raison Sociale structure BAL",
    "Enseigne commerciale structure BAL",
    "L2COMPLEMENTLOCALISATION structure BAL",
    "L3COMPLEMENTDISTRIBUTION structure BAL",
    "L4NUMEROVOIE structure BAL",
    "L4COMPLEMENTNUMEROVOIE structure BAL",
    "NL4TYPEVOIE structure BAL",
    "L4LIBELLEVOIE structure BAL",
    "L5LIEUDITMENTION structure BAL",
    "L6LIGNEACHEMINEMENT structure BAL",
    "Code postal structure BAL",
    "Département structure BAL",
    "Pays structure BAL",
)
DEPARTMENT, COUNTRY = "Exemple", "FRANCE"


def extraction() -> str:
    """The whole file as text, rows in the order of :data:`BOXES`."""
    return "\n".join(["|".join(COLUMNS), *("|".join(_row(box)) for box in BOXES)]) + "\n"


def write_extraction(folder: Path, at: datetime) -> Path:
    """Write it as the ANS names it: ``Extraction_Correspondance_MSSante_AAAAMMJJhhmm.txt`` (Paris time)."""
    path = folder / f"Extraction_Correspondance_MSSante_{paris(at):%Y%m%d%H%M}.txt"
    path.write_text(extraction(), encoding="utf-8", newline="")
    return path


def _row(box: Box) -> list[str]:
    place, profession = box.structure, box.profession
    person = [
        box.id_type,
        box.identifier,
        box.id_type + box.identifier,
        place.id_type if place else "",
        place.identifier if place else "",
        box.service,
        box.title,
        box.family,
        box.given,
    ]
    work = ["", "", "", "", "", ""]
    if profession is not None:
        work = ["C", "Civil", profession.code, profession.label, profession.skill, profession.skill_label]
    where = [""] * 13
    if place is not None:
        where = [place.name, place.sign, "", "", place.number, "", place.street_type, place.street, ""]
        where += [place.post_line, place.postcode, DEPARTMENT, COUNTRY]
    return [box.kind, box.address, *person, *work, box.paperless, *where]
