"""The laboratory's ``circuit.csv``: the ANS value set "LOINC, circuit de la biologie" as ``mappings circuit`` keeps it.

Text in, analyses out. Official French names of this table win over ours; its codes are those the national circuit
exchanges. Other shapes of the file are read by ``circuit_files.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dispatcher.report.identifiers import loinc_ok
from dispatcher.terminology.csv_text import written
from dispatcher.terminology.entries import Analysis
from dispatcher.terminology.rows import Faults, fold, read_rows

FILE = "circuit.csv"
COLUMNS = (
    *("loinc", "libelle", "composant", "grandeur", "temps", "systeme", "echelle", "technique", "unite", "chapitre"),
    "statut",
)

_QUANTITIES = {
    "MASSE/VOLUME": "MCnc",
    "MOLES/VOLUME": "SCnc",
    "SUBSTANCE/VOLUME": "SCnc",
    "NOMBRE/VOLUME": "NCnc",
    "CATALYTIQUE/VOLUME": "CCnc",
    "ACTIVITE CATALYTIQUE/VOLUME": "CCnc",
    "MASSE/TEMPS": "MRat",
    "MOLES/TEMPS": "SRat",
    "VOLUME D'ENTITE": "EntVol",
    "VOLUME MOYEN DE L'ENTITE": "EntVol",
    "MASSE D'ENTITE": "EntMass",
    "PRESSION PARTIELLE": "PPres",
}
"""French names of LOINC properties met in ANS texts, to their abbreviation."""
_ABBREVIATIONS = {fold(name): name for name in {*_QUANTITIES.values(), "ACnc", "PrThr", "Prid"}}
_SYSTEMS = {
    "SER/PLAS": "SER",
    "SERUM/PLASMA": "SER",
    "SERUM OU PLASMA": "SER",
    "SER": "SER",
    "PLAS": "PLAS",
    "BLD": "BLD",
}
_NAME = re.compile(r"^(?P<component>.+?) \[(?P<property>[^\]]+)\] (?P<system>[^;]+?)(?: ; (?P<rest>.*))?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitCode:
    """One code of the value set, as the file gives it."""

    loinc: str
    label: str = ""
    component: str = ""
    quantity: str = ""
    time: str = ""
    system: str = ""
    scale: str = ""
    technique: str = ""
    unit: str = ""
    chapter: str = ""
    status: str = ""

    def cells(self) -> list[str]:
        """In the order of :data:`COLUMNS`."""
        return [getattr(self, name) for name in self.__slots__]


def render(codes: Iterable[CircuitCode], remark: str) -> str:
    """``circuit.csv`` with ``remark`` (where it comes from, when) above its header."""
    rows = [list(COLUMNS), *([" ".join(cell.split()) for cell in code.cells()] for code in codes)]
    return f"# {' '.join(remark.split())}\n" + written(rows, ";", "\n")


def parse(text: str, specimen_of: Callable[[str], str], ucum: frozenset[str], faults: Faults) -> dict[str, Analysis]:
    """``circuit.csv`` to analyses by LOINC code."""
    found: dict[str, Analysis] = {}
    for row in read_rows(FILE, text, required=("loinc", "libelle"), optional=COLUMNS[2:], faults=faults):
        if not loinc_ok(row["loinc"]):
            faults.add(
                FILE, row.line, "loinc", row["loinc"], "un code LOINC (chiffres, tiret, clé juste)", check="loinc-key"
            )
            continue
        found.setdefault(row["loinc"], _analysis(row.cells, specimen_of, ucum))
    return found


def _analysis(cells: Mapping[str, str], specimen_of: Callable[[str], str], ucum: frozenset[str]) -> Analysis:
    label = cells.get("libelle", "")
    name = _NAME.match(label)
    part = name.groupdict(default="") if name else {}
    system = cells.get("systeme", "") or part.get("system", "")
    unit = next((one.strip() for one in re.split(r"[|,]", cells.get("unite", "")) if one.strip() in ucum), "")
    quantity = fold(cells.get("grandeur", "") or part.get("property", ""))
    return Analysis(
        loinc=cells["loinc"],
        long_name="",
        label=label,
        official=True,
        usual=cells.get("composant", "") or part.get("component", "") or label,
        quantity=_QUANTITIES.get(quantity) or _ABBREVIATIONS.get(quantity, ""),
        specimen=_SYSTEMS.get(fold(system)) or specimen_of(system),
        ucum=unit,
        discouraged=fold(cells.get("statut", "")) in {"DEPRECATED", "DISCOURAGED", "OBSOLETE", "DECONSEILLE", "RETIRE"},
    )
