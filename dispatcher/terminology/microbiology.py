"""The LOINC code of a line of an antibiogram (docs/adr/0008): its place in the report and the exact name identify it.

Report values in, a code or a French reason out. Never from a label alone: the line hangs on the organism it was tested
on, it says how susceptible that organism is, and its name is, word for word, one of the closed list of antibiotics.
Abbreviations say nothing here (``CN`` is one drug in Lyon and another in Lille) unless the laboratory's own
``antibiotiques.csv`` says what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dispatcher.report.model import Observation, ValueType
from dispatcher.terminology.entries import Antibiotic
from dispatcher.terminology.rows import fold

if TYPE_CHECKING:
    from dispatcher.terminology.tables import Terminology

LETTERS = frozenset({"S", "I", "R", "MS", "VS", "SDD", "NS", "SIE"})
"""HL7 v2.5 table 0078, susceptibility."""
WORDS = LETTERS | {"SFP", "SENSIBLE", "INTERMEDIAIRE", "RESISTANT", "SUSCEPTIBLE", "SENSITIVE", "INTERMEDIATE"}
CONCENTRATIONS = frozenset({"mg/L", "ug/mL"})
"""UCUM units a minimum inhibitory concentration is given in (CA-SFM / EUCAST)."""
DIAMETERS = frozenset({"mm"})


class Method(Enum):
    """How the susceptibility was measured: one LOINC code each."""

    CONCENTRATION = "CMI"
    DISK = "diamètre"


_MEASURE = r"(?:CMI|MIC|E-?TEST|BANDELETTE|DIAMETRE|DIAM|DISQUE)"
_BEHIND = re.compile(rf"\s*[(\[]?\s*\b({_MEASURE})\b\.?\s*[)\]]?\s*$")
_BEFORE = re.compile(rf"^({_MEASURE})\b\s*[:.]?\s*(?:DE LA |DE L'|DU |DE |D')?")
_METHODS = {"DIAMETRE": Method.DISK, "DIAM": Method.DISK, "DISQUE": Method.DISK}
_ACID = re.compile(r"\bAC\b\.?")
_JOINT = re.compile(r"[+/&,-]| ET ")
_BLANKS = re.compile(r"[\s()\[\]]+")


def drug_key(name: str) -> str:
    """How names of drugs are compared: parts of a combination in any order, joined by any sign, accents aside."""
    flat = _ACID.sub("ACIDE", fold(name))
    return "+".join(sorted(part for part in (_BLANKS.sub(" ", p).strip() for p in _JOINT.split(flat)) if part))


def organism_key(name: str) -> str:
    """How names of organisms are compared: ``E. coli`` and ``E.coli`` are one."""
    return " ".join(fold(name).replace(".", " ").split())


def split_method(label: str) -> tuple[str, Method | None]:
    """A label without the word that says how it was measured, and what that word says: ``Ciprofloxacine (CMI)``."""
    flat = fold(label)
    for pattern in (_BEHIND, _BEFORE):
        found = pattern.search(flat)
        if found and (rest := (flat[: found.start()] + flat[found.end() :]).strip()):
            return rest, _METHODS.get(found[1], Method.CONCENTRATION)
    return flat, None


def is_susceptibility(o: Observation) -> bool:
    """The result says susceptible, intermediate or resistant: by its flag, its words or its code."""
    words = [*o.flags, o.value] + ([o.value_code.code] if o.value_code else [])
    return any(fold(word) in WORDS for word in words)


def organism_of(o: Observation, everything: Sequence[Observation]) -> Observation | None:
    """The organism a line hangs on: said in words, itself neither a number nor a line of an antibiogram."""
    if o.parent is None or not 0 <= o.parent < len(everything):
        return None
    found = everything[o.parent]
    fit = found is not o and found.type in (ValueType.CODED, ValueType.TEXT) and found.value.strip()
    return found if fit and found.parent is None and not is_susceptibility(found) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the place and the name gave: a LOINC code, or why there is none."""

    loinc: str = ""
    reason: str = ""


def identify(terms: Terminology, o: Observation, everything: Sequence[Observation]) -> Answer | None:
    """The code of a line of an antibiogram; ``None`` when it is not one."""
    if o.parent is None or organism_of(o, everything) is None:
        return None
    drugs, said = _drugs(terms, o)
    measured = _measured(terms, o)
    if not (is_susceptibility(o) or (measured and o.type is ValueType.NUMERIC)):
        return None
    if len(drugs) != 1:
        return Answer(reason=_UNKNOWN if not drugs else _SEVERAL)
    if len(said | {measured} - {None}) > 1:
        return Answer(reason=_METHODS_DISAGREE)
    if measured is None and o.type is ValueType.NUMERIC and o.unit.strip() and not said:
        return Answer(reason=_ODD_UNIT)
    return _code(next(iter(drugs.values())), measured or next(iter(said), None))


def _drugs(terms: Terminology, o: Observation) -> tuple[dict[str, Antibiotic], set[Method]]:
    """The antibiotics the line names, and the methods its words tell."""
    drugs: dict[str, Antibiotic] = {}
    said: set[Method] = set()
    codings = [code for code in (o.code, o.alternate) if code is not None]
    for label in (code.text for code in codings):
        name, method = split_method(label)
        drug = terms.drug(name) or terms.drug(label)
        if drug is not None:
            drugs[drug.loinc] = drug
        if method is not None:
            said.add(method)
    if not drugs:
        own = (terms.own_drug(code.code) for code in codings)
        drugs = {drug.loinc: drug for drug in own if drug is not None}
    method = split_method(f"x {o.method}")[1] if o.method.strip() else None
    return drugs, said | ({method} if method else set())


def _measured(terms: Terminology, o: Observation) -> Method | None:
    if o.type is not ValueType.NUMERIC:
        return None
    unit = terms.unit(o.unit) if o.unit.strip() else None
    ucum = unit.ucum if unit else o.ucum
    return Method.CONCENTRATION if ucum in CONCENTRATIONS else Method.DISK if ucum in DIAMETERS else None


def _code(drug: Antibiotic, method: Method | None) -> Answer:
    loinc = {Method.CONCENTRATION: drug.mic, Method.DISK: drug.disk, None: drug.loinc}[method]
    if loinc:
        return Answer(loinc=loinc)
    how = method.value if method else "sans méthode"
    return Answer(reason=f"antibiogramme : pas de code LOINC ({how}) pour cet antibiotique dans les tables")


_UNKNOWN = "antibiogramme : antibiotique inconnu des tables : le nommer dans antibiotiques.csv, ou confirmer le code"
_SEVERAL = "antibiogramme : le code et le libellé nomment deux antibiotiques : à vérifier dans le SIL"
_METHODS_DISAGREE = (
    "antibiogramme : le libellé et l'unité disent deux méthodes (CMI, diamètre) : à vérifier dans le SIL"
)
_ODD_UNIT = "antibiogramme : ni une concentration (mg/L) ni un diamètre (mm) : unité à vérifier"
