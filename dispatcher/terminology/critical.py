"""Critical analyses: results somebody must hear of at once, whatever flag the LIS set (``critical.csv``).

A line names an analysis by LOINC code, or by the LIS's own ``code`` (of one ``source``, or of all), and says when it is
critical: below ``sous`` or above ``sur`` in that very unit (nothing is converted; an empty ``ucum`` takes any), above
the upper limit the report itself gives (``borne``), when something was found (``presence``), or always (``toujours``).
The laboratory's own ``critiques.csv`` stands in for the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from dispatcher.report.identifiers import loinc_ok
from dispatcher.report.model import Observation
from dispatcher.terminology.growth import grew
from dispatcher.terminology.rows import Faults, Row, read_rows

FILE = "critical.csv"
OWN_FILE = "critiques.csv"
COLUMNS = ("loinc", "code", "source", "analyse", "ucum", "sous", "sur", "regle", "origine")
NO_RESULT = frozenset({"X", "D", "W", "I", "O", "S"})
"""Letters of HL7 table 0085: cannot be had, deleted, wrong, pending, no result yet, or partly there."""


class Kind(StrEnum):
    """When a result of the analysis is critical."""

    LIMITS = ""
    RANGE = "borne"
    FOUND = "presence"
    ALWAYS = "toujours"


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalLine:
    """One line of the table."""

    source: str = ""
    ucum: str = ""
    below: Decimal | None = None
    above: Decimal | None = None
    kind: Kind = Kind.LIMITS

    def fits(self, result: Observation, source: str) -> bool:
        """Whether this result is critical by this line."""
        if self.source and self.source != source:
            return False
        if self.kind is Kind.ALWAYS:
            return bool(result.value)
        if self.kind is Kind.FOUND:
            return grew(result.value)
        if self.kind is Kind.RANGE:
            return _beyond(result.value, result.comparator, None, number(result.high))
        values = [(result.value, result.comparator, result.ucum)]
        if result.alt is not None:
            values.append((result.alt.value, result.alt.comparator, result.alt.ucum))
        return any(
            _beyond(value, comparator, self.below, self.above)
            for value, comparator, ucum in values
            if not self.ucum or ucum == self.ucum
        )


@dataclass(frozen=True, slots=True)
class CriticalTable:
    """All lines, by LOINC code and by the LIS's own code."""

    by_loinc: Mapping[str, Sequence[CriticalLine]] = field(default_factory=dict)
    by_code: Mapping[str, Sequence[CriticalLine]] = field(default_factory=dict)

    def names(self, result: Observation, source: str) -> bool:
        """Whether this coded result of that source is critical."""
        if not result.value or result.status in NO_RESULT:
            return False
        lines = (*self.by_loinc.get(result.loinc or "", ()), *self.by_code.get(result.code.code, ()))
        return any(line.fits(result, source) for line in lines)


def parse(file: str, text: str, faults: Faults) -> CriticalTable:
    """The shipped table, or the laboratory's; what is wrong is told in ``faults`` and left out."""
    by_loinc: dict[str, list[CriticalLine]] = {}
    by_code: dict[str, list[CriticalLine]] = {}
    for row in read_rows(file, text, required=COLUMNS[:-1], optional=COLUMNS[-1:], faults=faults):
        line = _line(row, faults)
        if line is None:
            continue
        if row["loinc"]:
            by_loinc.setdefault(row["loinc"], []).append(line)
        if row["code"]:
            by_code.setdefault(row["code"], []).append(line)
    return CriticalTable(by_loinc, by_code)


def _line(row: Row, faults: Faults) -> CriticalLine | None:
    if not row["loinc"] and not row["code"]:
        faults.add(row.file, row.line, "loinc", "", "un code LOINC, ou le code du SIL dans « code »")
        return None
    if row["loinc"] and not loinc_ok(row["loinc"]):
        faults.add(row.file, row.line, "loinc", row["loinc"], "un code LOINC dont la clé est juste")
        return None
    if row["regle"] not in list(Kind):
        faults.add(row.file, row.line, "regle", row["regle"], "rien, « borne », « presence » ou « toujours »")
        return None
    limits = {name: number(row[name]) for name in ("sous", "sur")}
    for name, limit in limits.items():
        if row[name] and limit is None:
            faults.add(row.file, row.line, name, row[name], "un nombre")
            return None
    kind = Kind(row["regle"])
    if kind is Kind.LIMITS and limits["sous"] is None and limits["sur"] is None:
        faults.add(row.file, row.line, "sous", "", "une limite dans « sous » ou « sur », ou une règle dans « regle »")
        return None
    return CriticalLine(source=row["source"], ucum=row["ucum"], kind=kind, below=limits["sous"], above=limits["sur"])


def number(text: str) -> Decimal | None:
    """None when it is none."""
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _beyond(value: str, comparator: str, below: Decimal | None, above: Decimal | None) -> bool:
    found = number(value)
    if found is None:
        return False
    if comparator.startswith("<"):
        return below is not None and found <= below
    if comparator.startswith(">"):
        return above is not None and found >= above
    return (below is not None and found < below) or (above is not None and found > above)
