"""Writes national files of any size with invented people: ``python -m tests.tools.big_directories DIR``.

Names are drawn so that some are very common (one person in 150) and most rare, as in a real register; every town has a
share of its size. The same numbers come out every time.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from dispatcher.sandbox.directory import COLUMNS as MSSANTE

COMMON = ("MARTIN", "BERNARD", "DURAND", "PETIT", "LEFÈVRE", "MOREAU", "GIRARD", "LE GALL", "N'GUESSAN", "SAINT-MARTIN")
BEGINNINGS = ("BAR", "BEL", "CAR", "CHA", "DEL", "DU", "FON", "GAU", "GUI", "JO", "LA", "LE", "MA", "MO", "PA", "PER")
MIDDLES = ("BI", "CHE", "DA", "FO", "GE", "LI", "MAN", "NA", "RI", "RO", "SI", "TAN", "TI", "VA", "VI", "ZE")
ENDS = ("ER", "EAU", "ET", "IN", "ON", "AND", "IER", "OT", "EL", "ARD", "AULT", "OUX", "Y", "EC", "IC", "AS")
GIVEN = ("Paul", "Marie", "Jean", "Éloïse", "Anne-Sophie", "Luc", "Zoé", "Thomas", "Inès", "Hugo", "Jean-Pierre", "Léa")
RARE_GIVEN = tuple(
    f"{a}{b}"
    for a in ("Ma", "Lo", "Sa", "No", "Ti", "Ju", "Ca", "Eli", "Al", "Ro")
    for b in (
        "rine",
        "na",
        "lie",
        "phie",
        "mée",
        "ra",
        "dine",
        "thée",
        "lian",
        "cien",
        "bert",
        "land",
        "gis",
        "nie",
        "xa",
        "ssie",
    )
)
TOWNS = (("75015", "PARIS"), ("69003", "LYON"), ("29000", "QUIMPER"), ("44000", "NANTES"), ("35000", "RENNES"))
PROFESSIONS = (("10", "Médecin"), ("60", "Infirmier"), ("21", "Pharmacien"), ("50", "Sage-Femme"))
PEOPLE = (
    "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|"
    "Libellé civilité d'exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession|"
    "Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|"
    "Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|"
    "Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique|"
    "Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|"
    "Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|"
    "Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|"
    "Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)|"
    "Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)|"
    "Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)|"
    "Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)|"
    "Adresse e-mail (coord. structure)|Code Département (structure)|Libellé Département (structure)|"
    "Ancien identifiant de la structure|Autorité d'enregistrement|Code secteur d'activité|Libellé secteur d'activité|"
    "Code section tableau pharmaciens|Libellé section tableau pharmaciens|"
)
"""Header of ``PS_LibreAcces_Personne_activite``, 52 columns."""


class Register:
    """Invented people by number: the same one in every file."""

    def __init__(self) -> None:
        rare = [a + b + c + d for a in BEGINNINGS for b in MIDDLES for c in MIDDLES for d in ENDS]
        self.families = [*COMMON, *rare]
        weights = [len(rare) / 200] * len(COMMON) + [1.0] * len(rare)
        self._sums = list(accumulate(weights))
        small = [(f"{number:05d}", f"{a}{b}VILLE") for number, (a, b) in enumerate(_cross(BEGINNINGS, MIDDLES), 10_000)]
        self.towns = [*TOWNS * 4, *small]

    def person(self, number: int) -> tuple[str, str, str, tuple[str, str]]:
        """RPPS (in 997), family, given, profession."""
        chance = random.Random(number)
        family = chance.choices(self.families, cum_weights=self._sums)[0]
        return (
            f"997{number:08d}",
            family,
            chance.choice(GIVEN if chance.random() < 0.2 else RARE_GIVEN),
            chance.choice(PROFESSIONS),
        )

    def site(self, number: int) -> tuple[str, str, str, str]:
        """FINESS (in 99), name, postcode, town."""
        postcode, town = self.towns[number % len(self.towns)]
        return (
            f"99{number % 90_000:07d}",
            f"CABINET DES {MIDDLES[number % 16]}{ENDS[number // 16 % 16]}",
            postcode,
            town,
        )


def _cross(left: tuple[str, ...], right: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((a, b) for a in left for b in right)


def write_mssante(path: Path, rows: int) -> None:
    """``Extraction_Correspondance_MSSante``: boxes of the first people of the register, one in seven of a structure."""
    register = Register()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("|".join(MSSANTE) + "\n")
        for number in range(rows):
            rpps, family, given, (code, label) = register.person(number)
            finess, name, postcode, town = register.site(number * 7)
            who = ["PER", f"p{number}@cabinets.mssante.test", "8", rpps, "8" + rpps]
            what = ["", "DR", family, given, "C", "Civil", code, label, "", "", "O"]
            if number % 7 == 0:
                who, what = ["ORG", f"s{number}@sites.mssante.test", "", "", ""], ["Accueil", *[""] * 9, "O"]
            where = [name, "", "", "", "12", "", "RUE", "DES ESSAIS", "", f"{postcode} {town}", postcode, "", "FRANCE"]
            file.write("|".join([*who, "1", "1" + finess, *what, *where]) + "\n")


def write_people(path: Path, rows: int, *, each: int = 3) -> None:
    """``PS_LibreAcces_Personne_activite``: ``each`` activities for every second person, one for the others."""
    register = Register()
    number, left = 0, rows
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(PEOPLE + "\n")
        while left > 0:
            for activity in range(min(each if number % 2 else 1, left)):
                file.write("|".join(_activity(register, number, activity)) + "|\n")
                left -= 1
            number += 1


def _activity(register: Register, number: int, activity: int) -> list[str]:
    rpps, family, given, (code, label) = register.person(number)
    finess, name, postcode, town = register.site(number * 7 + activity)
    person = ["8", rpps, "8" + rpps, "DR", "Docteur", "M", "Monsieur", family, given, code, label, "C", "Civil"]
    work = ["S", "Spécialité ordinale", "SM54", "Médecine générale", "L", "Libéral"]
    site = ["", "", finess, "", f"R1{finess}", name, "", "", "", "12", "", "RUE", "Rue", "DES ESSAIS", ""]
    where = [
        f"{postcode} {town}",
        postcode,
        "",
        town if number % 3 else "",
        "99000",
        "FRANCE",
        "0100000000",
        "",
        "",
        "",
    ]
    return [*person, *work, *site, *where, "", "", "", "CNOM/CNOM/CNOM", "SA07", "Cabinet individuel", "", ""]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_mssante(folder / "Extraction_Correspondance_MSSante_202611200600.txt", 536_000)
    write_people(folder / "PS_LibreAcces_Personne_activite_202611200600.txt", 1_500_000)
