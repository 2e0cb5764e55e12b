"""The words of a laboratory's label: what names the analysis, what names the specimen, what says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.terminology.rows import fold

SPECIMENS: Mapping[str, str] = {
    **dict.fromkeys(("URINE", "URINES", "URINAIRE", "URINAIRES"), "UR"),
    **dict.fromkeys(("LCR", "LCS", "RACHIDIEN"), "CSF"),
    **dict.fromkeys(("SERUM", "SERIQUE", "SERIQUES"), "SER"),
    **dict.fromkeys(("PLASMA", "PLASMATIQUE", "PLASMATIQUES"), "PLAS"),
    **dict.fromkeys(("SANG", "SANGUIN", "SANGUINE"), "BLD"),
    **dict.fromkeys(("ARTERIEL", "ARTERIELLE"), "BLDA"),
    **dict.fromkeys(("SELLES", "FECALE", "FECAL", "FECES"), "STL"),
}
"""Words that name a specimen, to HL7 table 0487."""
_MADE_OF: Mapping[str, tuple[str, str]] = {
    "GLYCEMIE": ("GLUCOSE", ""),
    "KALIEMIE": ("POTASSIUM", ""),
    "NATREMIE": ("SODIUM", ""),
    "CALCEMIE": ("CALCIUM", ""),
    "CREATININEMIE": ("CREATININE", ""),
    "PROTEINURIE": ("PROTEINES", "UR"),
    "ALBUMINURIE": ("ALBUMINE", "UR"),
    "CREATININURIE": ("CREATININE", "UR"),
    "GLYCOSURIE": ("GLUCOSE", "UR"),
    "NATRIURESE": ("SODIUM", "UR"),
    "KALIURESE": ("POTASSIUM", "UR"),
    "CALCIURIE": ("CALCIUM", "UR"),
    "PHOSPHATURIE": ("PHOSPHATE", "UR"),
}
"""Words that name both the substance and where it is looked for."""
_SILENT = frozenset(
    {"A", "AU", "AUX", "D", "DANS", "DE", "DES", "DU", "EN", "ET", "L", "LA", "LE", "LES", "PAR", "SUR", "UN", "UNE"}
    | {"DOSAGE", "RECHERCHE", "TAUX", "TITRE", "RESULTAT", "MESURE", "VALEUR", "EXAMEN"}
)
_WORD = re.compile(r"[A-Z]+[0-9]*|[0-9]+[A-Z]*|%")


@dataclass(frozen=True, slots=True)
class Words:
    """A label taken apart."""

    bare: str
    """All its words in order, for an exact comparison."""
    naming: frozenset[str]
    """Those that name the analysis."""
    specimen: str = ""
    """HL7 table 0487, when a word tells it."""


def words_of(text: str) -> Words:
    """Take a label apart. ``Créatinine (urines)`` names creatinine, in urine."""
    all_of = _WORD.findall(fold(text))
    told = [SPECIMENS.get(word) or _MADE_OF.get(word, ("", ""))[1] for word in all_of]
    told = [code for code in told if code]
    naming = frozenset(
        _MADE_OF.get(word, (word, ""))[0] for word in all_of if word not in SPECIMENS and word not in _SILENT
    )
    return Words(" ".join(all_of), naming or frozenset(all_of), told[0] if told else "")
