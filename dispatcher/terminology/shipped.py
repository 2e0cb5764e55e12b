"""The tables of ``mappings/terminology/``, as values. What each column means stands in ``mappings/README.md``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dispatcher.terminology.entries import (
    Analysis,
    Antibiotic,
    Chapter,
    InterpretationCode,
    Organism,
    SpecimenCode,
    UnitCode,
)
from dispatcher.terminology.microbiology import drug_key, organism_key
from dispatcher.terminology.rows import Faults, Row, fold, read_rows
from dispatcher.terminology.units import UnitTable

T = TypeVar("T")

HL7_FLAGS = "HL7 0078"
LOCAL_HABITS = frozenset({"*", "**", "+", "++", "-", "--", "B"})
"""Flags that one laboratory uses one way and the next another: only by a line in ``drapeaux.csv``."""


def _rows(file: str, text: str, columns: str, faults: Faults) -> list[Row]:
    return list(read_rows(file, text, required=tuple(columns.split(";")), faults=faults))


def parse_analyses(text: str, faults: Faults) -> dict[str, Analysis]:
    """``analyses.csv``: LOINC to analysis."""
    columns = (
        "loinc;loinc_long_common_name;component_2020_table;property_derived;system_derived;scale_derived;label_fr;"
        "label_source;label_usuel_fr;short_labels_fr;ambiguous_short_labels;chapter_loinc;chapter_title_fr;"
        "subchapter_loinc;specimen_hl7_0487;units_fr;unit_map;ucum;unit2_fr;ucum2;reference_range_adult;"
        "critical_candidate;verified;verified_by"
    )
    return {row["loinc"]: _analysis(row) for row in _rows("analyses.csv", text, columns, faults)}


def _analysis(row: Row) -> Analysis:
    pairs = (pair.rpartition("=") for pair in row.many("unit_map"))
    return Analysis(
        loinc=row["loinc"],
        long_name=row["loinc_long_common_name"],
        label=row["label_fr"],
        official=row["label_source"] != "own label",
        usual=row["label_usuel_fr"],
        short_labels=row.many("short_labels_fr"),
        ambiguous=frozenset(row.many("ambiguous_short_labels")),
        quantity=row["property_derived"],
        chapter=row["subchapter_loinc"] or row["chapter_loinc"],
        specimen=row["specimen_hl7_0487"],
        unit_map=UnitTable({text: ucum for text, _, ucum in pairs}),
        ucum=row["ucum"],
        ucum2=row["ucum2"],
        critical=row["critical_candidate"] == "yes",
        discouraged=row["verified"] != "verified",
    )


def parse_units(text: str, faults: Faults) -> dict[str, UnitCode]:
    """``units.csv``: unit text to UCUM, as written."""
    rows = _rows("units.csv", text, "text;ucum;ucum_with_annotation;note", faults)
    return {row["text"]: UnitCode(ucum=row["ucum"], annotated=row["ucum_with_annotation"]) for row in rows}


def parse_ucum(text: str) -> frozenset[str]:
    """``ucum-ans.txt``: the official list, one string a line; blanks at the end of a line belong to it."""
    return frozenset(text.split("\n")) - {""}


def parse_specimens(text: str, faults: Faults) -> tuple[dict[str, SpecimenCode], dict[str, str]]:
    """``specimens.csv``: folded text to code, and code to display. Texts marked "check in context" are left out."""
    found: dict[str, SpecimenCode] = {}
    displays: dict[str, str] = {}
    doubtful: set[str] = set()
    for row in _rows("specimens.csv", text, "text_fr;hl7_0487;display_official_fr;note", faults):
        specimen = SpecimenCode(code=row["hl7_0487"], display=row["display_official_fr"])
        displays[specimen.code] = specimen.display
        key = fold(row["text_fr"])
        if row["note"] == "check in context" or found.setdefault(key, specimen).code != specimen.code:
            doubtful.add(key)
    return {key: specimen for key, specimen in found.items() if key not in doubtful}, displays


@dataclass(frozen=True, slots=True)
class Chapters:
    """``chapters.csv``."""

    by_loinc: Mapping[str, Chapter]
    by_title: Mapping[str, Chapter]
    """Folded title of a LIS to chapter or sub-chapter; batteries and technical sections are not chapters."""
    names: Mapping[str, str]
    """LOINC component or French title, for display."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """LOINC code of a sub-chapter to that of its chapter."""


def parse_chapters(text: str, faults: Faults) -> Chapters:
    """``chapters.csv``: LOINC code, French title, titles met in exports."""
    by_loinc: dict[str, Chapter] = {}
    by_title: dict[str, Chapter] = {}
    names: dict[str, str] = {}
    parents: dict[str, str] = {}
    columns = "loinc;loinc_component;level;title_fr;title_source;lis_titles;verified;verified_by"
    for row in _rows("chapters.csv", text, columns, faults):
        names[row["loinc"]] = row["title_fr"] or row["loinc_component"]
        if "chapter" not in row["level"]:
            continue
        chapter = Chapter(loinc=row["loinc"], title=row["title_fr"])
        by_loinc[chapter.loinc] = chapter
        below, _, above = row["level"].partition("sub-chapter of ")
        if above and not below:
            parents[chapter.loinc] = above
        for title in (*row.many("lis_titles"), chapter.title):
            by_title.setdefault(fold(title), chapter)
    return Chapters(by_loinc, by_title, names, parents)


@dataclass(frozen=True, slots=True)
class Flags:
    """``interpretation.csv``."""

    letters: Mapping[str, InterpretationCode | None]
    """HL7 table 0078 letter to code; ``None`` when the value set has no equal."""
    words: Mapping[str, InterpretationCode]
    """Folded word (``HAUT``, ``SENSIBLE``) to code."""


def parse_flags(text: str, faults: Faults) -> Flags:
    """``interpretation.csv``: flags of HL7 2.x, HPRIM and free text to the ANS value set; local habits are left out."""
    letters: dict[str, InterpretationCode | None] = {}
    words: dict[str, InterpretationCode] = {}
    columns = "source;flag;hl7_v3_code;display_official_fr;note"
    for row in _rows("interpretation.csv", text, columns, faults):
        code = InterpretationCode(code=row["hl7_v3_code"], display=row["display_official_fr"])
        if row["source"] == HL7_FLAGS:
            letters[fold(row["flag"])] = code if code.code else None
        elif row["flag"] not in LOCAL_HABITS and fold(row["flag"]) not in letters:
            words[fold(row["flag"])] = code
    return Flags(letters, words)


def parse_organisms(text: str, faults: Faults) -> dict[str, Organism]:
    """``microorganisms.csv``: name or abbreviation (as :func:`organism_key`) to organism; a shared one is left out."""
    columns = (
        "snomed_ct;snomed_name;ncbi_taxid;ncbi_name;name_fr;abbreviations;snomed_verified;snomed_verified_by;"
        "ncbi_verified;ncbi_verified_by;note"
    )
    entries = [
        (
            Organism(
                name=row["name_fr"],
                snomed=row["snomed_ct"],
                snomed_name=row["snomed_name"],
                snomed_verified=row["snomed_verified"] == "verified",
                ncbi=row["ncbi_taxid"] if row["ncbi_verified"] == "verified" else "",
                ncbi_name=row["ncbi_name"],
            ),
            (row["name_fr"].partition(" (")[0], row["name_fr"], row["snomed_name"], row["ncbi_name"]),
            row.many("abbreviations"),
        )
        for row in _rows("microorganisms.csv", text, columns, faults)
    ]
    return _by_name(entries, lambda organism: organism.name, organism_key)


@dataclass(frozen=True, slots=True)
class Antibiotics:
    """``antibiotics.csv``."""

    by_text: Mapping[str, Antibiotic]
    """Folded name or unshared abbreviation, for people: never used to code a result."""
    by_name: Mapping[str, Antibiotic]
    """Whole names only (:func:`drug_key`), French and English."""
    displays: Mapping[str, str]
    """LOINC code to name."""


_OFFICIAL = re.compile(r"[^;\[]+\[Sensibilité\] Isolat ; Alphanumérique(?: ; CMI)?")
WHOLE = 6
"""An "abbreviation" of this many letters is a name (COTRIMOXAZOLE)."""


def parse_antibiotics(text: str, faults: Faults) -> Antibiotics:
    """``antibiotics.csv``: names, abbreviations and LOINC codes; an abbreviation that two share is left out."""
    columns = (
        "loinc_susceptibility;loinc_mic;loinc_disk;loinc_long_common_name;name_fr;abbreviations;"
        "official_french_names_seen;verified;verified_by"
    )
    entries = []
    names: dict[str, Antibiotic] = {}
    for row in _rows("antibiotics.csv", text, columns, faults):
        drug = Antibiotic(
            name=row["name_fr"],
            loinc=row["loinc_susceptibility"],
            mic=row["loinc_mic"],
            disk=row["loinc_disk"],
            long_name=row["loinc_long_common_name"],
            official=tuple(name.strip() for name in _OFFICIAL.findall(row["official_french_names_seen"])),
        )
        entries.append((drug, (drug.name,), row.many("abbreviations")))
        whole = [short for short in row.many("abbreviations") if len(short) >= WHOLE and short.isalpha()]
        bare, _, bracket = drug.name.partition(" (")
        if fold(bracket.rstrip(")")) in whole:  # (cotrimoxazole) is another name; (haut niveau) another test
            whole.append(bare)
        for name in (drug.name, drug.long_name.partition(" [")[0], *whole):
            names.setdefault(drug_key(name), drug)
    displays = {code: name for drug, _, _ in entries for code, name in drug.displays().items()}
    return Antibiotics(_by_name(entries, lambda antibiotic: antibiotic.name, fold), names, displays)


def _by_name(
    entries: Sequence[tuple[T, tuple[str, ...], tuple[str, ...]]], name: Callable[[T], str], key: Callable[[str], str]
) -> dict[str, T]:
    """Names first, then abbreviations that mean one thing only."""
    found: dict[str, T] = {}
    for entry, names, _ in entries:
        for text in names:
            if text:
                found.setdefault(key(text), entry)
    shared: set[str] = set()
    short: dict[str, T] = {}
    for entry, _, abbreviations in entries:
        for text in abbreviations:
            if name(short.setdefault(key(text), entry)) != name(entry):
                shared.add(key(text))
    return {key: entry for key, entry in short.items() if key not in shared} | found
