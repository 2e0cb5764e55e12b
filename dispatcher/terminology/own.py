"""The laboratory's own tables, laid over the shipped ones. They live outside the package; upgrades never touch them.

============== ============================================================================== =========================
file           columns (``;`` between cells)                                                  says
============== ============================================================================== =========================
codes.csv      source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire  LIS code to LOINC
unites.csv     texte;ucum                                                                     unit text to UCUM
drapeaux.csv   texte;code                                                                     flag to HL7 letter
specimens.csv  texte;code                                                                     specimen to HL7 table 0487
chapitres.csv  texte;loinc;titre                                                              section title to chapter
germes.csv     texte;germe                                                                    LIS text or code to name
antibiotiques.csv  texte;antibiotique                                                         LIS text or code to name
refus.csv      source;code;loinc;refuse_par;refuse_le;commentaire                             proposals turned down
circuit.csv    see ``circuit.py``                                                             ANS value set
critiques.csv  see ``critical.py``                                                            critical analyses
============== ============================================================================== =========================

Only lines of ``codes.csv`` with *confirme_par* and *confirme_le* are used. ``loinc`` empty (or ``-``) on such a line
means: confirmed to have no LOINC code. An optional column ``methode`` narrows a line further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from dispatcher.report.identifiers import loinc_ok
from dispatcher.terminology import circuit, critical
from dispatcher.terminology.entries import Analysis, Chapter, OwnCode
from dispatcher.terminology.microbiology import drug_key, organism_key
from dispatcher.terminology.rows import Faults, Row, fold, read_rows
from dispatcher.terminology.units import UnitTable, fits, legal_ucum, unit_key

FILES = (
    "codes.csv",
    "unites.csv",
    "drapeaux.csv",
    "specimens.csv",
    "chapitres.csv",
    "germes.csv",
    "antibiotiques.csv",
    "refus.csv",
    circuit.FILE,
    critical.OWN_FILE,
)
"""File names looked for in the laboratory's folder; each may be absent."""

NONE = frozenset({"", "-", "AUCUN", "AUCUNE", "SANS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTables:
    """The laboratory's tables, checked."""

    codes: Mapping[str, tuple[OwnCode, ...]] = field(default_factory=dict)
    units: UnitTable = field(default_factory=UnitTable)
    flags: Mapping[str, str] = field(default_factory=dict)
    specimens: Mapping[str, str] = field(default_factory=dict)
    chapters: Mapping[str, Chapter] = field(default_factory=dict)
    organisms: Mapping[str, str] = field(default_factory=dict)
    """Key of the LIS's text or code to the key of a shipped organism."""
    antibiotics: Mapping[str, str] = field(default_factory=dict)
    """Folded text or code of the LIS to the key of a shipped antibiotic."""
    refused: frozenset[tuple[str, str]] = frozenset()
    """Code of the LIS and LOINC code that a biologist turned down for it."""
    circuit: Mapping[str, Analysis] = field(default_factory=dict)
    """The "circuit de la biologie", when the laboratory imported it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the shipped tables know, to judge the laboratory's lines by."""

    analyses: Mapping[str, Analysis]
    ucum: frozenset[str]
    flags: frozenset[str]
    specimens: frozenset[str]
    organisms: frozenset[str]
    antibiotics: frozenset[str]
    unit_of: Callable[[str, str], str | None]
    """Unit text and LOINC code to UCUM."""
    specimen_of: Callable[[str], str]
    """Text of a specimen to HL7 table 0487; empty when unknown."""
    named: Callable[[str], str]
    """LOINC code to name; empty when no table of ours has it."""


def parse_own(texts: Mapping[str, str], known: Known, faults: Faults) -> OwnTables:
    """Read the laboratory's tables: file name to text. Faults and remarks are added to ``faults``."""
    codes = circuit.parse(texts[circuit.FILE], known.specimen_of, known.ucum, faults) if circuit.FILE in texts else {}
    known = replace(known, analyses={**codes, **known.analyses})
    return OwnTables(
        circuit=codes,
        refused=_refused(texts["refus.csv"], faults) if "refus.csv" in texts else frozenset(),
        codes=_codes(texts["codes.csv"], known, faults) if "codes.csv" in texts else {},
        units=UnitTable(_pairs("unites.csv", texts, "ucum", "une chaîne UCUM officielle", faults, _unit_rule(known))),
        flags=_pairs("drapeaux.csv", texts, "code", "une lettre HL7 (table 0078)", faults, known.flags.__contains__),
        specimens=_pairs("specimens.csv", texts, "code", "un code HL7 0487", faults, known.specimens.__contains__),
        chapters=_chapters(texts["chapitres.csv"], faults) if "chapitres.csv" in texts else {},
        organisms={
            organism_key(text): organism_key(name) for text, name in _names("germes.csv", texts, "germe", known, faults)
        },
        antibiotics={
            text: drug_key(name) for text, name in _names("antibiotiques.csv", texts, "antibiotique", known, faults)
        },
    )


def _names(file: str, texts: Mapping[str, str], column: str, known: Known, faults: Faults) -> Iterable[tuple[str, str]]:
    """A LIS's text (folded) and the name of a shipped organism or antibiotic it stands for."""
    if column == "germe":
        expected = "le nom d'un germe des tables livrées (microorganisms.csv)"
        pairs = _pairs(file, texts, column, expected, faults, lambda name: organism_key(name) in known.organisms)
    else:
        expected = "le nom d'un antibiotique des tables livrées (antibiotics.csv)"
        pairs = _pairs(file, texts, column, expected, faults, lambda name: drug_key(name) in known.antibiotics)
    return ((text, name) for text, name in pairs.items() if name)


def _unit_rule(known: Known) -> Callable[[str], bool]:
    return lambda unit: legal_ucum(unit, known.ucum)


def _pairs(
    file: str, texts: Mapping[str, str], column: str, expected: str, faults: Faults, rule: Callable[[str], bool]
) -> dict[str, str]:
    """``texte`` to one code; a code may be empty (known to have none). Two different codes for a text are a fault."""
    pairs: dict[str, str] = {}
    if file not in texts:
        return pairs
    for row in read_rows(file, texts[file], required=("texte", column), optional=("commentaire",), faults=faults):
        text, code = row["texte"], row[column]
        key = unit_key(text) if file == "unites.csv" else fold(text)
        if not text:
            faults.add(file, row.line, "texte", "rien", "le texte tel que le SIL l'écrit")
        elif fold(code) not in NONE and not rule(code):
            check = "ucum-unknown" if column == "ucum" else "table"
            faults.add(file, row.line, column, code, expected, check=check)
        elif pairs.setdefault(key, "" if fold(code) in NONE else code) != ("" if fold(code) in NONE else code):
            faults.add(
                file,
                row.line,
                column,
                code,
                f"le même code que plus haut pour « {text} » : {pairs[key]}",
                check="contradiction",
            )
    return pairs


REFUSED = ("source", "code", "loinc", "refuse_par", "refuse_le")


def _refused(text: str, faults: Faults) -> frozenset[tuple[str, str]]:
    rows = read_rows("refus.csv", text, required=REFUSED, optional=("commentaire",), faults=faults)
    return frozenset((row["code"], row["loinc"]) for row in rows)


def _chapters(text: str, faults: Faults) -> dict[str, Chapter]:
    found: dict[str, Chapter] = {}
    for row in read_rows("chapitres.csv", text, required=("texte", "loinc", "titre"), faults=faults):
        if not loinc_ok(row["loinc"]):
            faults.add(row.file, row.line, "loinc", row["loinc"], "un code LOINC (chiffres, tiret, clé juste)")
        elif not row["texte"] or not row["titre"]:
            faults.add(row.file, row.line, "titre" if row["texte"] else "texte", "rien", "un texte")
        else:
            found[fold(row["texte"])] = Chapter(loinc=row["loinc"], title=row["titre"])
    return found


def day(text: str) -> date | None:
    for layout in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, layout).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None


_CODE_COLUMNS = ("source", "code", "libelle", "unite", "specimen", "loinc", "confirme_par", "confirme_le")


def _codes(text: str, known: Known, faults: Faults) -> dict[str, tuple[OwnCode, ...]]:
    found: dict[str, list[OwnCode]] = {}
    places: dict[tuple[str, str, str, str, str], OwnCode] = {}
    optional = ("commentaire", "methode")
    for row in read_rows("codes.csv", text, required=_CODE_COLUMNS, optional=optional, faults=faults):
        entry = _code(row, known, faults)
        if entry is None:
            continue
        place = (entry.source, entry.code, unit_key(entry.unit), fold(entry.specimen), fold(entry.method))
        earlier = places.setdefault(place, entry)
        if earlier is entry:
            found.setdefault(entry.code, []).append(entry)
        elif earlier.loinc != entry.loinc:
            expected = f"{earlier.loinc or '-'}, comme ligne {earlier.line}"
            faults.add(row.file, row.line, "loinc", entry.loinc or "-", expected, check="contradiction")
        else:
            todo = "l'une des deux est à retirer"
            faults.note(row.file, row.line, f"répète la ligne {earlier.line}", todo, check="duplicate-line")
    return {code: tuple(entries) for code, entries in found.items()}


def _code(row: Row, known: Known, faults: Faults) -> OwnCode | None:
    """One line; ``None`` when it is not confirmed or holds a fault."""
    loinc = "" if fold(row["loinc"]) in NONE else row["loinc"]
    confirmed_on = day(row["confirme_le"])
    before = len(faults.findings)
    judge(row, loinc, known, faults)
    if len(faults.findings) > before:
        return None
    if not (row["confirme_par"] and confirmed_on):
        text = f"code « {row['code']} » non confirmé : ligne ignorée"
        faults.note(row.file, row.line, text, "remplir confirme_par et confirme_le", check="unconfirmed")
        return None
    _remark(row, loinc, known, faults)
    return OwnCode(
        code=row["code"],
        loinc=loinc,
        source=row["source"],
        unit=row["unite"],
        specimen=row["specimen"],
        method=row["methode"],
        label=row["libelle"],
        confirmed_by=row["confirme_par"],
        confirmed_on=confirmed_on,
        line=row.line,
    )


def judge(row: Row, loinc: str, known: Known, faults: Faults) -> None:
    """The faults of a line."""
    if not row["code"]:
        faults.add(row.file, row.line, "code", "rien", "le code de l'analyse dans le SIL")
    if loinc and not loinc_ok(loinc):
        expected = "un code LOINC (chiffres, tiret, clé juste) ou « - »"
        faults.add(row.file, row.line, "loinc", loinc, expected, check="loinc-key")
    if row["confirme_le"] and day(row["confirme_le"]) is None:
        faults.add(row.file, row.line, "confirme_le", row["confirme_le"], "une date AAAA-MM-JJ ou JJ/MM/AAAA")
    analysis = known.analyses.get(loinc)
    if analysis and row["unite"] and not fits(known.unit_of(row["unite"], loinc), analysis.quantity):
        example = f", par exemple {analysis.ucum}" if analysis.ucum else ""
        expected = f"une unité qui convienne au code {loinc}{example}"
        faults.add(row.file, row.line, "unite", row["unite"], expected, check="unit-property")


def _remark(row: Row, loinc: str, known: Known, faults: Faults) -> None:
    """What a person should know of a line that is used."""
    analysis = known.analyses.get(loinc)
    if analysis and analysis.discouraged:
        text = f"{loinc} ne figure que dans d'anciennes versions de LOINC"
        faults.note(row.file, row.line, text, "à remplacer si possible", check="loinc-discouraged", column="loinc")
    if loinc and analysis is None and not known.named(loinc):
        text = f"{loinc} est absent des tables livrées : unité et milieu n'ont pas pu être vérifiés"
        faults.note(row.file, row.line, text, "le vérifier sur loinc.org", check="loinc-unknown", column="loinc")
