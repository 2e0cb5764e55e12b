"""Sets the codes of a report and lists what is missing. No table is read here: see ``tables.py``.

The way to a LOINC code, in this order and no further:

1. the file carries it (system ``LN``, as code or alternate code) with a good check digit;
2. the laboratory confirmed it for its own code, the line that says most (source, unit, specimen, method) winning;
3. a line of an antibiogram is known by its organism, its result and its whole name (``microbiology.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dispatcher.report.identifiers import loinc_ok
from dispatcher.report.model import AltValue, Battery, Code, Observation, Report, Specimen, ValueType
from dispatcher.terminology.entries import Missing, MissingKind, OwnCode
from dispatcher.terminology.microbiology import identify
from dispatcher.terminology.rows import fold
from dispatcher.terminology.units import fits, unit_key

if TYPE_CHECKING:
    from dispatcher.terminology.tables import Terminology

LOINC_SYSTEMS = frozenset({"LN", "LOINC", "LNC", "LN2", "2.16.840.1.113883.6.1", "HTTP://LOINC.ORG", "LOINC.ORG"})
"""How files name LOINC: HL7 table 0396 ``LN``, its OID, and spellings seen in exports."""


def says_loinc(code: Code) -> bool:
    """The code claims to be LOINC."""
    return bool(code.code) and code.system.strip().upper() in LOINC_SYSTEMS


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds an observation while it is coded."""

    source: str
    specimen: Specimen | None
    everything: tuple[Observation, ...]
    """All results of the report: an antibiogram points at its organism by its number among them."""

    def missing(self, kind: MissingKind, observation: Observation, text: str, reason: str) -> Missing:
        local = local_code(observation)
        return Missing(
            kind=kind,
            source=self.source,
            code=local.code,
            label=local.text or observation.code.text,
            unit=observation.unit,
            specimen=(self.specimen.code or self.specimen.text) if self.specimen else "",
            text=text,
            reason=reason,
        )


def local_code(observation: Observation) -> Code:
    """The laboratory's own code: the first of the two that does not claim to be LOINC."""
    for code in (observation.code, observation.alternate):
        if code is not None and code.code and not says_loinc(code):
            return code
    return observation.code


def code_report(terms: Terminology, report: Report, source: str) -> tuple[Report, tuple[Missing, ...]]:
    """See :meth:`dispatcher.terminology.tables.Terminology.code`."""
    gaps: dict[Missing, None] = {}
    everything = report.observations
    batteries = tuple(_code_battery(terms, battery, source, everything, gaps) for battery in report.batteries)
    return replace(report, batteries=batteries), tuple(gaps)


def _code_battery(
    terms: Terminology, battery: Battery, source: str, everything: tuple[Observation, ...], gaps: dict[Missing, None]
) -> Battery:
    specimen = battery.specimen
    if specimen is not None and specimen.text and not specimen.code:
        found = terms.specimen(specimen.text)
        if found:
            specimen = replace(specimen, code=found.code)
        else:
            reason = "milieu inconnu des tables : le compléter dans specimens.csv"
            gaps[Missing(kind=MissingKind.SPECIMEN, source=source, text=specimen.text, reason=reason)] = None
    place = _Place(source, specimen, everything)
    observations = tuple(_code_observation(terms, o, place, gaps) for o in battery.observations)
    return replace(battery, specimen=specimen, observations=observations)


def _code_observation(terms: Terminology, o: Observation, place: _Place, gaps: dict[Missing, None]) -> Observation:
    flags = _flags(terms, o, place, gaps)
    if o.type is ValueType.DOCUMENT:
        return replace(o, flags=flags, loinc=_from_file(o, terms)[0])
    loinc = _loinc(terms, o, place, gaps)
    ucum = _ucum(terms, o.unit, o.ucum, loinc)
    if o.unit.strip() and ucum is None:
        gaps[place.missing(MissingKind.UNIT, o, o.unit, "unité inconnue des tables : la compléter dans unites.csv")] = (
            None
        )
    analysis = terms.analysis(loinc)
    if analysis and not fits(ucum, analysis.quantity):
        reason = f"l'unité ne va pas avec le code LOINC {loinc} : code ou unité à vérifier"
        gaps[place.missing(MissingKind.UNIT_CONFLICT, o, o.unit, reason)] = None
    return o.having({"loinc": loinc, "ucum": ucum, "flags": flags, "alt": _alt(terms, o.alt, loinc)})


def _alt(terms: Terminology, alt: AltValue | None, loinc: str | None) -> AltValue | None:
    if alt is None:
        return None
    return replace(alt, ucum=_ucum(terms, alt.unit, alt.ucum, alt.loinc or loinc))


def _ucum(terms: Terminology, text: str, from_file: str | None, loinc: str | None) -> str | None:
    """The UCUM string the file carries itself (CDA), when the official rule takes it; else what the tables know."""
    if from_file and terms.ucum_ok(from_file):
        return from_file
    unit = terms.unit(text, loinc)
    return unit.ucum if unit else None


NO_FLAG = frozenset({"NULL", '""'})
"""HL7 table 0078: no range defined; explicit delete. Neither says anything about the result."""


def _flags(terms: Terminology, o: Observation, place: _Place, gaps: dict[Missing, None]) -> tuple[str, ...]:
    """Flags as HL7 table 0078 letters. An unknown one stays as it is: an alarm may not be lost."""
    letters: dict[str, None] = {}
    for flag in o.flags:
        letter = terms.flag_letter(flag)
        if letter is None and flag.strip():
            reason = "drapeau inconnu des tables : dire ce qu'il vaut dans drapeaux.csv"
            gaps[place.missing(MissingKind.FLAG, o, flag, reason)] = None
        if (letter or flag.strip()) and letter not in NO_FLAG:
            letters[letter or flag.strip()] = None
    return tuple(letters)


def _from_file(o: Observation, terms: Terminology) -> tuple[str | None, str]:
    """The LOINC code the file carries, and one it carries with a wrong key."""
    wrong = ""
    for code in (o.code, o.alternate):
        if code is None or not code.code:
            continue
        text = code.code.strip()
        if says_loinc(code) or (not code.system.strip() and text in terms.analyses):
            if loinc_ok(text):
                return text, ""
            wrong = text
    return (o.loinc if o.loinc and loinc_ok(o.loinc) else None), wrong


def _loinc(terms: Terminology, o: Observation, place: _Place, gaps: dict[Missing, None]) -> str | None:
    found, wrong = _from_file(o, terms)
    if found:
        return found
    if wrong:
        reason = "code LOINC dont la clé est fausse : non transmis"
        gaps[place.missing(MissingKind.LOINC, o, wrong, reason)] = None
    local = local_code(o)
    candidates = terms.own.codes.get(local.code.strip(), ()) if local.code and not says_loinc(local) else ()
    best = _best(terms, candidates, o, place)
    if len({entry.loinc for entry in best}) > 1:
        lines = ", ".join(str(entry.line) for entry in best)
        reason = f"les lignes {lines} de codes.csv se contredisent pour ce code : préciser unité, milieu ou source"
        gaps[place.missing(MissingKind.CODE, o, "", reason)] = None
        return None
    if not best:
        line = identify(terms, o, place.everything) if terms.options.antibiograms else None
        if line is not None and line.loinc:
            return line.loinc
        if line is not None:
            gaps[place.missing(MissingKind.CODE, o, "", line.reason)] = None
            return None
        reason = "aucune correspondance LOINC confirmée" + (" pour cette unité ou ce milieu" if candidates else "")
        gaps[place.missing(MissingKind.CODE, o, "", reason)] = None
        return None
    return _unless_conflict(terms, best[0], o, place, gaps)


def _unless_conflict(
    terms: Terminology, entry: OwnCode, o: Observation, place: _Place, gaps: dict[Missing, None]
) -> str | None:
    """The confirmed code, unless the unit of this very result contradicts it (g/L under a mole code)."""
    analysis = terms.analysis(entry.loinc)
    unit = terms.unit(o.unit, entry.loinc)
    if analysis and unit and not fits(unit.ucum, analysis.quantity):
        reason = f"l'unité contredit le code {entry.loinc} confirmé ligne {entry.line} de codes.csv : code non transmis"
        gaps[place.missing(MissingKind.UNIT_CONFLICT, o, o.unit, reason)] = None
        return None
    return entry.loinc or None


def _best(terms: Terminology, entries: tuple[OwnCode, ...], o: Observation, place: _Place) -> list[OwnCode]:
    """The lines that hold for this result and say most about it."""
    scored = [(score, entry) for entry in entries if (score := _score(terms, entry, o, place)) is not None]
    top = max((score for score, _ in scored), default=0)
    return [entry for score, entry in scored if score == top]


def _score(terms: Terminology, entry: OwnCode, o: Observation, place: _Place) -> int | None:
    """How much the line says that is true of this result; ``None`` when something it says is not."""
    specimen = place.specimen
    texts = {fold(specimen.text), fold(specimen.code)} if specimen else set()
    known = terms.specimen(entry.specimen) if entry.specimen else None
    tests = (
        (entry.source, entry.source == place.source),
        (entry.unit, _same_unit(terms, entry.unit, o.unit)),
        (entry.specimen, fold(entry.specimen) in texts or bool(known and specimen and known.code == specimen.code)),
        (entry.method, fold(entry.method) == fold(o.method)),
    )
    if any(said and not true for said, true in tests):
        return None
    return sum(bool(said) for said, _ in tests)


def _same_unit(terms: Terminology, one: str, other: str) -> bool:
    if unit_key(one) == unit_key(other):
        return True
    first, second = terms.unit(one), terms.unit(other)
    return bool(first and second and first.ucum and first.ucum == second.ucum)
