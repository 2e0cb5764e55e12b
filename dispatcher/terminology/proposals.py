"""LOINC codes that might fit an unmapped code of the laboratory. For a biologist to confirm, never used in a report.

Short labels, unit and specimen decide together; a code whose unit contradicts the result's is never proposed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.terminology.entries import Analysis, Missing, Proposal
from dispatcher.terminology.rows import fold
from dispatcher.terminology.units import fits

if TYPE_CHECKING:
    from dispatcher.terminology.tables import Terminology

BLOOD = frozenset({"SER", "PLAS", "PPP", "BLD", "BLDV", "WB"})
"""Specimens a venous blood test may be told with; the analyser's tube is not always the LIS's text."""
SHORTEST = 4
"""A short label of fewer characters must match whole, never as the beginning of a longer text."""


def propose(terms: Terminology, missing: Missing, limit: int) -> tuple[Proposal, ...]:
    """At most ``limit`` proposals, best first."""
    names = {fold(text) for text in (missing.code, missing.label) if text.strip()}
    specimen = terms.specimen(missing.specimen)
    code = specimen.code if specimen else missing.specimen
    scored = []
    for analysis in terms.analyses.values():
        name, score = _match(analysis, names)
        specimen_score = _specimen_score(analysis.specimen, code)
        if score and specimen_score is not None and _unit_fits(terms, analysis, missing.unit):
            score += specimen_score - 2 * analysis.discouraged
            scored.append((-score, analysis.loinc, _proposal(analysis, name, missing)))
    return tuple(proposal for _, _, proposal in sorted(scored, key=lambda entry: entry[:2])[:limit])


def _match(analysis: Analysis, names: set[str]) -> tuple[str, int]:
    """The short label that matches, and how well: 6 whole, 5 whole but shared, 2 one begins the other."""
    best = ("", 0)
    for label in (*analysis.short_labels, analysis.usual):
        folded = fold(label)
        if folded in names:
            score = 5 if label in analysis.ambiguous else 6
        elif any(_begins(folded, name) or _begins(name, folded) for name in names):
            score = 2
        else:
            continue
        best = max(best, (label, score), key=lambda pair: pair[1])
    return best


def _begins(short: str, long: str) -> bool:
    return len(short) >= SHORTEST and long.startswith(f"{short} ")


def _unit_fits(terms: Terminology, analysis: Analysis, unit: str) -> bool:
    if not unit.strip():
        return True
    if analysis.unit_map.find(unit) is not None:
        return True
    found = terms.unit(unit, analysis.loinc)
    if found is None or not found.ucum:
        return not analysis.ucum
    return found.ucum in (analysis.ucum, analysis.ucum2) or (
        bool(analysis.quantity) and fits(found.ucum, analysis.quantity)
    )


def _specimen_score(usual: str, given: str) -> int | None:
    """2 the same, 1 both blood, 0 not said; ``None`` when the analysis is made on something else."""
    if not usual or not given:
        return 0
    if usual == given:
        return 2
    return 1 if {usual, given} <= BLOOD else None


def _proposal(analysis: Analysis, name: str, missing: Missing) -> Proposal:
    checks = [f"libellé « {name} »"]
    if missing.unit.strip():
        checks.append(f"unité {missing.unit.strip()} compatible")
    checks.append(f"milieu usuel {analysis.specimen}" if analysis.specimen else "milieu non précisé")
    warning = " ; libellé partagé par plusieurs analyses" if name in analysis.ambiguous else ""
    return Proposal(
        loinc=analysis.loinc,
        display=analysis.display,
        usual=analysis.usual,
        ucum=analysis.ucum,
        specimen=analysis.specimen,
        reason=f"{', '.join(checks)}{warning}. À confirmer par un biologiste.",
    )
