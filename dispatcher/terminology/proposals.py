"""LOINC codes that might fit an unmapped code of the laboratory. For a biologist to confirm, never used in a report.

Code, unit, specimen and label decide together, and each says why. A code whose unit or specimen contradicts what the
laboratory sends is never proposed, and neither is one that the laboratory turned down (``refus.csv``).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dispatcher.terminology.entries import Analysis, Missing, Proposal
from dispatcher.terminology.microbiology import CONCENTRATIONS, DIAMETERS, split_method
from dispatcher.terminology.units import OF_PROPERTY, fits
from dispatcher.terminology.words import Words, words_of

if TYPE_CHECKING:
    from dispatcher.terminology.tables import Terminology

BLOOD = frozenset({"SER", "PLAS", "PPP", "BLD", "BLDV", "WB"})
"""Specimens a venous blood test may be told with; the analyser's tube is not always the LIS's text."""
SHORTEST = 4
"""A word of fewer letters must match whole, never as the beginning of a longer one."""
LIKE = 0.45
"""How much of two labels must agree before one is offered for the other."""

EXACT, SHARED, SAME_WORDS, MOST_WORDS = 40, 28, 34, 26
CONFIRMED_ELSEWHERE = 30
UNIT_USUAL, UNIT_KNOWN, UNIT_KIND = 12, 9, 4
SPECIMEN_SAME, SPECIMEN_BLOOD, SPECIMEN_LIKELY = 8, 5, 2
IN_CIRCUIT, OLD = 3, -15
OTHER_SPECIMEN = -10
"""Weights of the reasons. Only their order matters: a name or a code before the unit, the unit before the specimen."""
WORTH = 0.4
"""A proposal worth less than this share of the best one is left out."""
DERIVED = frozenset({"RAPPORT", "RATIO", "CLAIRANCE", "INDEX"})
"""What these words name is another analysis, not another name of the same, unless the unit says so."""


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of one analysis."""

    text: str
    words: Words
    shared: bool
    """Several analyses go by it."""
    weight: float
    """How much its words say together."""


class Index:
    """The names of all analyses by their words. Built at the first question: reports never need it."""

    def __init__(self, terms: Terminology) -> None:
        everything = {**terms.own.circuit, **terms.analyses}
        owners: dict[str, set[str]] = defaultdict(set)
        named: dict[str, list[tuple[str, Words]]] = {}
        for analysis in everything.values():
            texts = dict.fromkeys((*analysis.short_labels, analysis.usual, analysis.label.partition(" [")[0]))
            if (official := terms.own.circuit.get(analysis.loinc)) is not None:
                texts |= dict.fromkeys((official.usual, official.label.partition(" [")[0]))
            named[analysis.loinc] = [(text, words_of(text)) for text in texts if text.strip()]
            for _, words in named[analysis.loinc]:
                owners[words.bare].add(analysis.loinc)
        counts = Counter(word for names in named.values() for word in {w for _, ws in names for w in ws.naming})
        self._total = len(named)
        self._rarity = {word: math.log(1 + self._total / count) for word, count in counts.items()}
        self.analyses = everything
        self.names: dict[str, list[_Name]] = {}
        self.by_word: dict[str, set[str]] = defaultdict(set)
        self._by_start: dict[str, set[str]] = defaultdict(set)
        for loinc, names in named.items():
            ambiguous = {words_of(text).bare for text in everything[loinc].ambiguous}
            self.names[loinc] = [
                _Name(text, words, len(owners[words.bare]) > 1 or words.bare in ambiguous, self.weight(words.naming))
                for text, words in names
            ]
            for word in {word for _, words in names for word in words.naming}:
                self.by_word[word].add(loinc)
        for word in self.by_word:
            self._by_start[word[:SHORTEST]].add(word)

    def rarity(self, word: str) -> float:
        """A word that few names hold says more."""
        return self._rarity.get(word) or math.log(1 + self._total)

    def weight(self, words: Iterable[str]) -> float:
        """What these words say together."""
        return sum(self.rarity(word) for word in words)

    def like(self, word: str) -> frozenset[str]:
        """The word itself and those it begins, or that begin it: CREAT for CREATININE."""
        if len(word) < SHORTEST:
            return frozenset({word} & self.by_word.keys())
        return frozenset(
            other
            for other in self._by_start[word[:SHORTEST]]
            if other == word or (len(other) >= SHORTEST and (other.startswith(word) or word.startswith(other)))
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the laboratory says of its code."""

    missing: Missing
    code: Words
    label: Words
    specimen: str
    """HL7 table 0487; from the file, else from a word of the label."""
    specimen_told: bool
    ucum: str | None
    like: dict[str, frozenset[str]]


def propose(terms: Terminology, missing: Missing, limit: int) -> tuple[Proposal, ...]:
    """At most ``limit`` proposals, best first."""
    index = terms.index()
    asked = _asked(terms, index, missing)
    found = [*_by_name(terms, index, asked), *_antibiotics(terms, asked)]
    kept = [one for one in found if (missing.code.strip(), one.loinc) not in terms.own.refused]
    best = max((one.score for one in kept), default=0)
    worth = (one for one in kept if one.score >= WORTH * best)
    return tuple(sorted(worth, key=lambda one: (-one.score, one.loinc))[:limit])


def _asked(terms: Terminology, index: Index, missing: Missing) -> _Asked:
    specimen = terms.specimen(missing.specimen) if missing.specimen.strip() else None
    label, code = words_of(missing.label), words_of(missing.code)
    unit = terms.unit(missing.unit) if missing.unit.strip() else None
    told = specimen.code if specimen else missing.specimen.strip()
    return _Asked(
        missing=missing,
        code=code,
        label=label,
        specimen=told or label.specimen,
        specimen_told=bool(told),
        ucum=unit.ucum if unit else None,
        like={word: index.like(word) for word in label.naming | code.naming},
    )


def _by_name(terms: Terminology, index: Index, asked: _Asked) -> Iterator[Proposal]:
    elsewhere = {entry.loinc: entry.line for entry in terms.own.codes.get(asked.missing.code.strip(), ())}
    candidates = {loinc for like in asked.like.values() for word in like for loinc in index.by_word[word]}
    for loinc in candidates | (elsewhere.keys() & index.analyses.keys()):
        analysis = index.analyses[loinc]
        reasons = list(_names(index, asked, loinc)) if not _derived(analysis, asked) else []
        if loinc in elsewhere:
            text = f"déjà confirmé pour ce code, ligne {elsewhere[loinc]} de codes.csv"
            reasons.append((CONFIRMED_ELSEWHERE, text))
        if not reasons:
            continue
        unit, specimen = _unit(terms, analysis, asked), _specimen(analysis, asked)
        if unit is None or specimen is None:
            continue
        reasons += [unit, specimen]
        if loinc in terms.own.circuit:
            reasons.append((IN_CIRCUIT, "code du circuit de la biologie"))
        if analysis.discouraged:
            reasons.append((OLD, "attention : ancien code LOINC"))
        yield _proposal(terms, analysis, reasons)


def _derived(analysis: Analysis, asked: _Asked) -> bool:
    """A ratio or a clearance that neither the label nor the unit speaks of."""
    return not asked.missing.unit.strip() and bool(words_of(analysis.usual).naming & DERIVED - asked.label.naming)


def _names(index: Index, asked: _Asked, loinc: str) -> Iterator[tuple[int, str]]:
    """What the code and the label of the LIS have in common with the names of the analysis."""
    names = index.names[loinc]
    exact = next((name for name in names if asked.code.bare and name.words.bare == asked.code.bare), None)
    if exact is not None:
        note = " (partagée par plusieurs analyses)" if exact.shared else ""
        yield SHARED if exact.shared else EXACT, f"code « {asked.missing.code.strip()} » : abréviation connue{note}"
    best = max((_label(index, asked, name) for name in names), default=(0, ""))
    if best[0]:
        yield best


def _label(index: Index, asked: _Asked, name: _Name) -> tuple[int, str]:
    points, text = _likeness(index, asked, name)
    if points and name.words.specimen and name.words.specimen != asked.specimen:
        points = max(points + OTHER_SPECIMEN, 1)
    return points, text


def _likeness(index: Index, asked: _Asked, name: _Name) -> tuple[int, str]:
    label = asked.label
    if not label.bare:
        return 0, ""
    if name.words.bare == label.bare:
        if name.shared:
            return SHARED, f"libellé « {name.text} » identique, mais partagé par plusieurs analyses"
        return EXACT, f"libellé « {name.text} » identique"
    if name.words.naming == label.naming:
        return SAME_WORDS, f"libellé « {name.text} » : mêmes mots"
    common = hit = 0.0
    for word in label.naming:
        like = asked.like[word] & name.words.naming
        if word in like:
            common += index.rarity(word)
            hit += index.rarity(word)
        elif like:
            common += 0.8 * index.rarity(word)
            hit += 0.8 * max(map(index.rarity, like))
    whole = index.weight(label.naming)
    share = 0.5 * common / whole + 0.5 * min(hit / name.weight, 1.0) if whole and name.weight else 0.0
    if share < LIKE:
        return 0, ""
    return round(MOST_WORDS * share), f"libellé proche : « {name.text} »"


def _unit(terms: Terminology, analysis: Analysis, asked: _Asked) -> tuple[int, str] | None:
    """What the unit says; ``None`` when it contradicts the analysis."""
    text = asked.missing.unit.strip()
    if not text:
        return (0, f"unité non dite : vérifier {analysis.ucum}") if analysis.ucum else (0, "")
    mapped = analysis.unit_map.find(text)
    ucum = mapped if mapped is not None else asked.ucum
    if ucum == "[IU]/L" and analysis.quantity == "CCnc":
        ucum = "U/L"
    if mapped is None and not ucum:
        return None if analysis.ucum else (0, f"unité « {text} » à vérifier")
    if ucum and ucum == analysis.ucum:
        return UNIT_USUAL, f"unité {text} : celle de l'analyse"
    if mapped is not None or (ucum and ucum == analysis.ucum2):
        return UNIT_KNOWN, f"unité {text} connue pour l'analyse"
    if (
        analysis.quantity in OF_PROPERTY
        and fits(ucum, analysis.quantity)
        and (analysis.ucum or analysis.loinc in terms.own.circuit)
    ):
        return UNIT_KIND, f"unité {text} : de la même grandeur"
    return None


def _specimen(analysis: Analysis, asked: _Asked) -> tuple[int, str] | None:
    """What the specimen says; ``None`` when the analysis is made on something else."""
    usual, given = analysis.specimen, asked.specimen
    if not usual:
        return 0, "milieu non précisé par l'analyse"
    if not given:
        return (SPECIMEN_LIKELY if usual in BLOOD else 0), f"milieu non dit : vérifier {usual}"
    how = "" if asked.specimen_told else " (lu dans le libellé)"
    if usual == given:
        return SPECIMEN_SAME, f"milieu {usual}{how}"
    if {usual, given} <= BLOOD:
        return SPECIMEN_BLOOD, f"milieu usuel {usual}, sang aussi{how}"
    return None


def _proposal(terms: Terminology, analysis: Analysis, reasons: list[tuple[int, str]]) -> Proposal:
    told = ", ".join(text for _, text in reasons if text)
    return Proposal(
        loinc=analysis.loinc,
        display=terms.display(analysis.loinc),
        usual=analysis.usual,
        ucum=analysis.ucum,
        specimen=analysis.specimen,
        reason=f"{told}. À confirmer par un biologiste.",
        score=sum(points for points, _ in reasons),
    )


def _antibiotics(terms: Terminology, asked: _Asked) -> Iterator[Proposal]:
    """The codes of an antibiotic, when the label or the code may name one and the unit does not speak against it."""
    label, said = split_method(asked.missing.label)
    named = terms.drug(label) if label else None
    drug = named or terms.own_drug(asked.missing.code) or terms.antibiotic(asked.missing.code)
    if drug is None or asked.label.specimen or (asked.missing.unit.strip() and not asked.ucum):
        return
    how = f"antibiotique « {drug.name} »" + ("" if named else " (abréviation du code : à vérifier)")
    points = SAME_WORDS if named else SHARED - UNIT_USUAL
    for loinc, units, text in (
        (drug.loinc, frozenset({None}), "S, I ou R"),
        (drug.mic, CONCENTRATIONS, "CMI"),
        (drug.disk, DIAMETERS, "diamètre du disque"),
    ):
        if loinc and (asked.ucum is None or asked.ucum in units):
            exact = bool(asked.ucum) or (said is None) == (loinc == drug.loinc)
            made = Analysis(loinc=loinc, long_name="", label="", official=False, usual=f"{drug.name}, {text}")
            reasons = [(points, how), (UNIT_KNOWN if exact else 0, f"réponse : {text}")]
            yield replace(_proposal(terms, made, reasons), specimen="ISLT")
