"""The terminology in one value: shipped tables, the laboratory's own laid over them.

Texts in (``wiring`` reads the files), :class:`Terminology` out. **A LOINC code never comes from a French label
alone**: it stands in the file with a good check digit, or the laboratory confirmed it for its own code (unit, specimen
and method may narrow the line), or it is a line of an antibiogram, known by its place and name (docs/adr/0008).
Everything else leaves with its local code and is listed.

Sources, dates and licences of the tables: ``mappings/README.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from dispatcher.errors import ConfigError
from dispatcher.french import counted
from dispatcher.report.model import Battery, Observation, Report
from dispatcher.terminology import critical, lookup, own, proposals, shipped
from dispatcher.terminology.critical import CriticalTable
from dispatcher.terminology.entries import (
    Analysis,
    Antibiotic,
    Chapter,
    InterpretationCode,
    Missing,
    Organism,
    Proposal,
    SpecimenCode,
    UnitCode,
)
from dispatcher.terminology.microbiology import drug_key, organism_key
from dispatcher.terminology.own import Known
from dispatcher.terminology.rows import Faults, fold
from dispatcher.terminology.units import UnitTable, legal_ucum, ucum_spellings

DEFAULT_CHAPTER = Chapter(loinc="26436-6", title="Examens de laboratoire")

SECTIONS: Mapping[str, str] = {
    "BG": "18767-4",
    "BLB": "18717-9",
    "CH": "18719-5",
    "CP": "26438-2",
    "HM": "18723-7",
    "IMM": "18727-8",
    "MB": "18725-2",
    "MCB": "18725-2",
    "MYC": "18725-2",
    "PAR": "18725-2",
    "SR": "18727-8",
    "TX": "18728-6",
    "URN": "18729-4",
    "VR": "92893-7",
}
"""Diagnostic service sections (HL7 v2.5 table 0074, OBR-24) and the chapter they open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminologyTexts:
    """The tables as text (UTF-8 decoded), shipped and own. :meth:`collect` says which files are wanted."""

    analyses: str
    units: str
    ucum: str
    specimens: str
    chapters: str
    interpretation: str
    microorganisms: str
    antibiotics: str
    critical: str
    own: Mapping[str, str] = field(default_factory=dict)
    """File name (``codes.csv``…) to text, for the laboratory's tables that exist."""

    @staticmethod
    def collect(
        read: Callable[[str], str], own_file: Callable[[str], str | None] = lambda name: None
    ) -> TerminologyTexts:
        """``read`` gives a file of ``mappings/terminology/``; ``own_file`` one of the laboratory's folder, or ``None``.

        From the wiring: ``collect(lambda name: mapping_text("terminology", name), …)``.
        """
        texts = {field_name: read(file) for field_name, file in SHIPPED_FILES.items()}
        mine = {name: text for name in own.FILES if (text := own_file(name)) is not None}
        return TerminologyTexts(**texts, own=mine)


SHIPPED_FILES: Mapping[str, str] = {
    "analyses": "analyses.csv",
    "units": "units.csv",
    "ucum": "ucum-ans.txt",
    "specimens": "specimens.csv",
    "chapters": "chapters.csv",
    "interpretation": "interpretation.csv",
    "microorganisms": "microorganisms.csv",
    "antibiotics": "antibiotics.csv",
    "critical": critical.FILE,
}
"""Field of :class:`TerminologyTexts` to file in ``mappings/terminology/``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the laboratory chose (section ``[terminology]``)."""

    snomed: bool = False
    """SNOMED CT codes of organisms may be sent: the laboratory holds the right to use them."""
    antibiograms: bool = True
    """Lines of an antibiogram get the LOINC code of their antibiotic (docs/adr/0008)."""
    critical: bool = True
    """The table of critical analyses has its say besides the flags of the LIS."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terminology:
    """Everything the tables know. Made by :func:`load`; never changes; may be shared between threads."""

    analyses: Mapping[str, Analysis]
    ucum_list: frozenset[str]
    """The 761 strings the ANS rules accept."""
    own: own.OwnTables
    options: Options = Options()
    notes: tuple[str, ...] = ()
    """Remarks on the laboratory's tables, in French: lines not confirmed, codes that could not be verified."""
    units: UnitTable = field(repr=False)
    annotations: UnitTable = field(repr=False)
    specimens: Mapping[str, SpecimenCode] = field(repr=False)
    specimen_displays: Mapping[str, str] = field(repr=False)
    chapters: shipped.Chapters = field(repr=False)
    flags: shipped.Flags = field(repr=False)
    organisms: Mapping[str, Organism] = field(repr=False)
    antibiotics: shipped.Antibiotics = field(repr=False)
    critical: CriticalTable = field(default_factory=CriticalTable, repr=False)
    _index: list[proposals.Index] = field(default_factory=list, init=False, repr=False)
    """Empty until the first proposal is asked for; two threads that come together make it twice, the same."""

    def known(self) -> Known:
        """What these tables know, to judge a laboratory's lines by."""
        return Known(
            analyses=self.analyses,
            ucum=self.ucum_list,
            flags=frozenset(self.flags.letters),
            specimens=frozenset(self.specimen_displays),
            organisms=frozenset(self.organisms),
            antibiotics=frozenset(self.antibiotics.by_name),
            unit_of=self._unit_for,
            specimen_of=lambda text: found.code if (found := self.specimen(text)) else "",
            named=self.display,
        )

    def code(self, report: Report, source: str = "") -> tuple[Report, tuple[Missing, ...]]:
        """The report with LOINC, UCUM, specimen codes and flags set, and what the tables do not know.

        ``source`` is the name of the folder the file came from: the laboratory's codes may hold for one source only.
        Nothing missing ever stops a report.
        """
        return lookup.code_report(self, report, source)

    def chapter_for(self, battery: Battery) -> Chapter:
        """The chapter a battery stands under.

        In this order: the laboratory's ``chapitres.csv``; the section the file names; the chapter most of its LOINC
        codes belong to; the battery's title; else "Examens de laboratoire" (titled as the file does, when it does).
        """
        section = fold(battery.chapter)
        for text in (section, fold(battery.title)):
            if text and text in self.own.chapters:
                return self.own.chapters[text]
        if section in SECTIONS:
            return self.chapters.by_loinc[SECTIONS[section]]
        if section in self.chapters.by_title:
            return self.chapters.by_title[section]
        counted = Counter(chapter for o in battery.observations if (chapter := self._chapter_of(o)))
        if counted:
            return self.chapters.by_loinc.get(counted.most_common(1)[0][0], DEFAULT_CHAPTER)
        by_title = self.chapters.by_title.get(fold(battery.title))
        return by_title or Chapter(loinc=DEFAULT_CHAPTER.loinc, title=battery.chapter.strip() or DEFAULT_CHAPTER.title)

    def parent_chapter(self, chapter: Chapter) -> Chapter | None:
        """The chapter a sub-chapter stands under; ``None`` for a chapter."""
        return self.chapters.by_loinc.get(self.chapters.parents.get(chapter.loinc, ""))

    def chapter_named(self, title: str) -> Chapter | None:
        """A chapter or sub-chapter by its title, the laboratory's own tables first."""
        key = fold(title)
        return self.own.chapters.get(key) or self.chapters.by_title.get(key)

    def _chapter_of(self, observation: Observation) -> str:
        analysis = self.analyses.get(observation.loinc or "")
        return analysis.chapter if analysis and analysis.chapter in self.chapters.by_loinc else ""

    def analysis(self, loinc: str | None) -> Analysis | None:
        """What we know of a LOINC code: our table first, for it knows units; else the imported circuit."""
        return (self.analyses.get(loinc) or self.own.circuit.get(loinc)) if loinc else None

    def display(self, loinc: str) -> str:
        """Name to show beside a LOINC code; empty when no table has it.

        The imported "circuit de la biologie" first, then the official French name we ship, else the long common name.
        """
        official = self.own.circuit.get(loinc)
        if official and official.label:
            return official.label
        analysis = self.analyses.get(loinc)
        if analysis:
            return analysis.display
        return self.antibiotics.displays.get(loinc) or self.chapters.names.get(loinc, "")

    def unit(self, text: str, loinc: str | None = None) -> UnitCode | None:
        """The unit, as the analysis wants it when ``loinc`` is known; ``None`` when the text is unknown or empty."""
        if not text.strip():
            return None
        ucum = self._ucum(text, self.analysis(loinc))
        if ucum is None:
            return None
        return UnitCode(ucum=ucum, annotated="" if ucum else self.annotations.find(text) or "")

    def _unit_for(self, text: str, loinc: str) -> str | None:
        found = self.unit(text, loinc)
        return found.ucum if found else None

    def _ucum(self, text: str, analysis: Analysis | None) -> str | None:
        if analysis is not None:
            found = analysis.unit_map.find(text)
            if found is not None:
                return found
        mine = self.own.units.find(text)
        if mine is not None:
            return mine
        found = self.units.find(text)
        if found is None:  # UCUM already, but for a micro sign or a small litre
            found = next((key for key in ucum_spellings(text) if key in self.ucum_list), None)
        if found == "[IU]/L" and analysis is not None and analysis.quantity == "CCnc":
            return "U/L"
        return found

    def ucum_ok(self, unit: str) -> bool:
        """The unit passes the official rule: in the list once lower-case ``{…}`` are cut out."""
        return legal_ucum(unit, self.ucum_list)

    def flag(self, flag: str) -> InterpretationCode | None:
        """An abnormal flag in the ANS value set; ``None`` when unknown, or known to have no equal."""
        key = fold(flag)
        mine = self.own.flags.get(key)
        if mine is not None:
            key = mine
        return self.flags.letters[key] if key in self.flags.letters else self.flags.words.get(key)

    def flag_letter(self, flag: str) -> str | None:
        """The HL7 table 0078 letter behind a flag: itself when it is one; ``None`` when unknown."""
        key = fold(flag)
        if key in self.own.flags:
            return self.own.flags[key]
        if key in self.flags.letters:
            return key
        word = self.flags.words.get(key)
        return word.code if word else None

    def specimen(self, text: str) -> SpecimenCode | None:
        """The kind of specimen in HL7 table 0487, from a French text or a code of the table."""
        key = fold(text)
        mine = self.own.specimens.get(key)
        if mine:
            return SpecimenCode(code=mine, display=self.specimen_displays.get(mine, ""))
        if mine is None and key in self.specimens:
            return self.specimens[key]
        if mine is None and text.strip() in self.specimen_displays:
            return SpecimenCode(code=text.strip(), display=self.specimen_displays[text.strip()])
        return None

    def organism(self, text: str) -> Organism | None:
        """A micro-organism by its scientific name, an abbreviation that means one only, or the laboratory's own table.

        Its SNOMED CT code is there only when the laboratory may use it and our lists are sure of it.
        """
        key = organism_key(text)
        found = self.organisms.get(self.own.organisms.get(key, key))
        if found is None or not found.snomed or (self.options.snomed and found.snomed_verified):
            return found
        return replace(found, snomed="", snomed_name="")

    def organism_found(self, o: Observation) -> Organism | None:
        """The micro-organism a result names: by its words, else by the LIS's code when ``germes.csv`` has it."""
        code = o.value_code
        texts = (o.value, code.text if code else "")
        found = next((known for text in texts if text.strip() and (known := self.organism(text))), None)
        if found is None and code is not None and organism_key(code.code) in self.own.organisms:
            return self.organism(code.code)
        return found

    def antibiotic(self, text: str) -> Antibiotic | None:
        """An antibiotic by its name or an abbreviation that means one only. For people, never to code a result."""
        return self.antibiotics.by_text.get(fold(text))

    def drug(self, name: str) -> Antibiotic | None:
        """An antibiotic by its whole name, or by a text of the laboratory's ``antibiotiques.csv``."""
        return self.own_drug(name) or self.antibiotics.by_name.get(drug_key(name))

    def own_drug(self, text: str) -> Antibiotic | None:
        """An antibiotic as the laboratory's own ``antibiotiques.csv`` calls it."""
        key = self.own.antibiotics.get(fold(text))
        return self.antibiotics.by_name.get(key) if key else None

    def index(self) -> proposals.Index:
        """The names of all analyses by their words, made once."""
        if not self._index:
            self._index.append(proposals.Index(self))
        return self._index[0]

    def propose(self, missing: Missing, limit: int = 5) -> tuple[Proposal, ...]:
        """LOINC codes that might fit an unmapped code, best first, **to be confirmed**; never used in a report."""
        return proposals.propose(self, missing, limit)


def load(texts: TerminologyTexts, options: Options = Options()) -> Terminology:
    """Read all tables. Raises :class:`dispatcher.errors.ConfigError` with every fault (file, line, column) at once."""
    terms, faults = survey(texts, options)
    if faults.faults:
        raise ConfigError(
            f"Les tables de terminologie comportent {counted(len(faults.faults), 'faute')}.",
            faults=tuple(faults.faults),
            hint="Corrigez les lignes citées puis lancez « dispatcher mappings check ».",
        )
    return terms


def survey(texts: TerminologyTexts, options: Options = Options()) -> tuple[Terminology, Faults]:
    """Read all tables; faulty lines are left out and told. For looking at tables, not for coding reports."""
    faults = Faults()
    units = shipped.parse_units(texts.units, faults)
    specimens, displays = shipped.parse_specimens(texts.specimens, faults)
    mine_or_shipped = texts.own.get(critical.OWN_FILE)
    urgent = critical.parse(
        critical.FILE if mine_or_shipped is None else critical.OWN_FILE, mine_or_shipped or texts.critical, faults
    )
    base = Terminology(
        critical=urgent if options.critical else CriticalTable(),
        analyses=shipped.parse_analyses(texts.analyses, faults),
        ucum_list=shipped.parse_ucum(texts.ucum),
        own=own.OwnTables(),
        options=options,
        units=UnitTable({text: unit.ucum for text, unit in units.items()}),
        annotations=UnitTable({text: unit.annotated for text, unit in units.items() if unit.annotated}),
        specimens=specimens,
        specimen_displays=displays,
        chapters=shipped.parse_chapters(texts.chapters, faults),
        flags=shipped.parse_flags(texts.interpretation, faults),
        organisms=shipped.parse_organisms(texts.microorganisms, faults),
        antibiotics=shipped.parse_antibiotics(texts.antibiotics, faults),
    )
    if texts.own:
        mine = own.parse_own(texts.own, base.known(), faults)
        base = replace(base, own=mine, notes=tuple(faults.notes))
    return base, faults
