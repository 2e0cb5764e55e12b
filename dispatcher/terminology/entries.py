"""The values the tables hold and the answers the terminology gives. Nothing here knows a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from dispatcher.terminology.units import UnitTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One LOINC code of the shipped table (``analyses.csv``)."""

    loinc: str
    long_name: str
    """LOINC long common name, unchanged (LOINC licence: a code keeps one of its display names)."""
    label: str
    """French label; the official one when ``official``."""
    official: bool
    """The label was found in an ANS text."""
    usual: str
    """Our own short wording, for people."""
    short_labels: tuple[str, ...] = ()
    """Abbreviations met in French exports, capitals."""
    ambiguous: frozenset[str] = frozenset()
    """Those of them that several analyses share."""
    quantity: str = ""
    """LOINC property: ``MCnc`` mass concentration, ``SCnc`` moles, ``NCnc`` number…; empty when not known."""
    chapter: str = ""
    specimen: str = ""
    """Usual specimen, HL7 table 0487; ``SER`` stands for serum or plasma."""
    unit_map: UnitTable = field(default_factory=UnitTable)
    """Unit text to UCUM *for this analysis*; wins over the general table."""
    ucum: str = ""
    ucum2: str = ""
    critical: bool = False
    """Candidate for results that are telephoned; our proposal, not an official list."""
    discouraged: bool = False
    """Only in older copies of LOINC."""

    @property
    def display(self) -> str:
        """Official French name, else the LOINC long common name."""
        return self.label if self.official else self.long_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter of a report: LOINC code and French title."""

    loinc: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpretationCode:
    """HL7 v3 ObservationInterpretation of the ANS value set, with its official French display."""

    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCode:
    """A unit text understood. ``ucum`` is of the official list, or empty when the unit has no legal string."""

    ucum: str
    annotated: str = ""
    """A string with ``{…}`` that passes the official rule where ``ucum`` is empty (``{copies}/mL``); or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecimenCode:
    """HL7 table 0487."""

    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organism:
    """A micro-organism; SNOMED CT only where a list of ours confirms it (use needs the SNOMED CT licence)."""

    name: str
    snomed: str = ""
    """Empty unless the laboratory says that it may use SNOMED CT."""
    snomed_name: str = ""
    snomed_verified: bool = False
    """In the EU list or in two independent lists; a single source is not enough to send."""
    ncbi: str = ""
    ncbi_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Antibiotic:
    """An antibiotic and its three LOINC codes: method-less, by minimum inhibitory concentration, by disk."""

    name: str
    loinc: str
    mic: str = ""
    disk: str = ""
    long_name: str = ""
    """LOINC long common name of the method-less code."""
    official: tuple[str, ...] = ()
    """French names found in ANS texts; one that ends in ``CMI`` is that of the MIC code."""

    def displays(self) -> dict[str, str]:
        """Each code with its official French name, else its LOINC name: long common names of susceptibility codes
        are all made alike (LOINC users' guide, "Antimicrobial susceptibilities").
        """
        concentration = next((name for name in self.official if name.endswith("CMI")), "")
        plain = next((name for name in self.official if not name.endswith("CMI")), "")
        names = {
            self.loinc: plain or self.long_name,
            self.mic: concentration or f"{self.long_name} by Minimum inhibitory concentration (MIC)",
            self.disk: f"{self.long_name} by Disk diffusion (KB)",
        }
        return {code: name for code, name in names.items() if code}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCode:
    """A line of the laboratory's ``codes.csv`` that a person confirmed."""

    code: str
    loinc: str
    """Empty: confirmed to have no LOINC code."""
    source: str = ""
    """Name of the source folder it holds for; empty for all."""
    unit: str = ""
    specimen: str = ""
    method: str = ""
    label: str = ""
    confirmed_by: str = ""
    confirmed_on: date | None = None
    line: int = 0


class MissingKind(StrEnum):
    """What the tables could not say."""

    CODE = "code"
    """No confirmed LOINC code: leaves with its local code."""
    LOINC = "loinc"
    """A LOINC code in the file or the table that cannot be used."""
    UNIT = "unit"
    UNIT_CONFLICT = "unit-conflict"
    """The unit does not go with the LOINC code."""
    SPECIMEN = "specimen"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing a report brought that the tables do not know; equal ones count as one. No result, no identity."""

    kind: MissingKind
    source: str = ""
    code: str = ""
    """The LIS's code of the analysis."""
    label: str = ""
    unit: str = ""
    specimen: str = ""
    text: str = ""
    """The unknown unit, specimen or flag, or the LOINC code refused."""
    reason: str = ""
    """French, for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A LOINC code that might fit. **To be confirmed by a biologist**; never used in a report."""

    loinc: str
    display: str
    usual: str
    ucum: str
    specimen: str
    reason: str
    """French: why it is proposed, and what remains to be checked."""
    score: int = 0
    """Higher is better; only to compare proposals for the same code."""
