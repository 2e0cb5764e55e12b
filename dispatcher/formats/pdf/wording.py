"""French wording of a printed report: dates, numbers, ranges, flags, people. Plain text in and out, no layout.

Rules of print: ``pdf.md`` §3 of the project's notes: a flag is a sign **and** a letter, nothing is carried by colour.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from dispatcher.formats.base import LaboratoryIdentity
from dispatcher.formats.spoken import ANNULLED, WITHDRAWN, words_of
from dispatcher.report.identifiers import TEST_INS_OIDS, InsOid, nir_ok
from dispatcher.report.model import Address, Observation, Patient, Practitioner, PreviousResult, Sex, ValueType, When
from dispatcher.report.moments import PARIS, aware, day_of
from dispatcher.report.values import Range, parse_number, parse_range

NBSP = "\u00a0"
SIGNS = {"H": "▲ H", "HH": "▲▲ HH", "L": "▼ L", "LL": "▼▼ LL"}
SILENT = frozenset({"N", ""})
"""Flags that say nothing worth ink."""
COMPARATORS = {"<": "<", ">": ">", "<=": "≤", ">=": "≥"}
CATEGORIES = frozenset({"S", "I", "R"})
"""Of an antibiogram (HL7 table 0078)."""
LEGEND = "S : sensible à posologie standard – I : sensible à forte posologie – R : résistant"
"""CA-SFM / EUCAST, since 2020."""
_MEASURES = {"mg/l": "CMI", "µg/ml": "CMI", "ug/ml": "CMI", "mm": "Ø"}
PENDING = {"I": "en cours", "X": "non réalisé", **dict.fromkeys(WITHDRAWN, ANNULLED)}
"""HL7 table 0085 letters that stand for a result which is not there."""


def day(when: When | None) -> str:
    """``11/03/2026``; empty when unknown."""
    return f"{day_of(when):%d/%m/%Y}" if when else ""


def moment(when: When | None) -> str:
    """``11/03/2026 à 07:45``, the hour only when there is one."""
    if not isinstance(when, datetime):
        return day(when)
    local = aware(when).astimezone(PARIS)
    return f"{local:%d/%m/%Y}" if (local.hour, local.minute) == (0, 0) else f"{local:%d/%m/%Y} à {local:%H:%M}"


def number(text: str) -> str:
    """Decimal comma between digits; thousands apart from five digits on: ``250 000``."""
    text = re.sub(r"(?<=[0-9])\.(?=[0-9])", ",", text)
    return re.sub(r"(?<![0-9,])[0-9]{5,}(?![0-9])", lambda match: f"{int(match[0]):,}".replace(",", NBSP), text)


def value(comparator: str, text: str) -> str:
    """``< 0,5``."""
    return f"{COMPARATORS[comparator]}{NBSP}{number(text)}" if comparator in COMPARATORS else number(text)


def result(o: Observation) -> str:
    """The result as printed: numbers with a comma and their comparator, words as they are, else why there is none."""
    if o.status in WITHDRAWN:
        return PENDING[o.status]
    if not o.value.strip():
        coded = (o.value_code.text or o.value_code.code) if o.value_code else ""
        return coded or PENDING.get(o.status, "")
    if o.type is ValueType.NUMERIC or (o.comparator and parse_number(o.value)):
        return value(o.comparator, o.value)
    words = words_of(o.type, o.value.strip("\n"))
    return f"{COMPARATORS[o.comparator]}{NBSP}{words}" if o.comparator in COMPARATORS else words


def earlier(previous: PreviousResult, now: Observation) -> str:
    """``1,18``; with its unit when that is not today's."""
    numeric = previous.type is ValueType.NUMERIC or bool(previous.comparator and parse_number(previous.value))
    shown = value(previous.comparator, previous.value) if numeric else words_of(previous.type, previous.value.strip())
    other = previous.unit.strip() and previous.unit.strip() != now.unit.strip()
    return f"{shown}{NBSP}{previous.unit.strip()}" if other else shown


def measured(o: Observation) -> str:
    """``CMI 4 mg/L``, ``Ø 22 mm``: what stands behind the category of an antibiotic."""
    said = result(o)
    if not said:
        return ""
    label = _MEASURES.get(o.unit.strip().casefold(), "")
    return " ".join(part for part in (label, said, o.unit.strip()) if part)


def performer(who: Practitioner) -> str:
    """A sub-contractor: the laboratory, and who answers for it when that is said."""
    name = person(who) if who.family else ""
    return ", ".join(part for part in (who.organisation, name) if part) or who.id or who.organisation_id


@lru_cache(maxsize=4000)
def bounds(low: str, high: str, text: str, unit: str) -> str:
    """``0,70 – 1,10``, ``< 5``, ``> 60``; the laboratory's own words when they say anything else.

    Those of an analysis come back with every report.
    """
    told = parse_range(text, unit) if text.strip() else None
    if text.strip() and (told is None or told != Range(low, high)):
        return " ".join(text.split())
    if low and high:
        return f"{number(low)} – {number(high)}"
    if text.strip():
        return number(" ".join(text.split()))
    if low or high:
        return f"≥{NBSP}{number(low)}" if low else f"≤{NBSP}{number(high)}"
    return ""


def flags(letters: tuple[str, ...]) -> str:
    """``▲ H``; other letters as they are."""
    return " ".join(SIGNS.get(letter, letter) for letter in letters if letter not in SILENT)


def alarming(letters: tuple[str, ...]) -> bool:
    """Any flag that is printed: the result is set in bold."""
    return any(letter not in SILENT | {"S"} for letter in letters)


def address(where: Address | None) -> list[str]:
    """Lines of a postal address."""
    if where is None:
        return []
    town = " ".join(part for part in (where.postcode, where.town) if part)
    return [line for line in (*where.lines, town) if line.strip()]


def person(who: Practitioner) -> str:
    """``Dr DURAND Paul``; a structure by its name."""
    title = {"DR": "Dr", "PR": "Pr"}.get(who.title.upper().strip("."), who.title)
    name = " ".join(part for part in (title, who.family.upper(), who.given) if part)
    return name or who.organisation or who.id


def age(birth: date, on: date) -> str:
    """``46 ans``; months under three years, days under two months."""
    months = (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)
    if on < birth:
        return ""
    if months < 2:
        days = (on - birth).days
        return f"{days} jour{'s' if days > 1 else ''}"
    return f"{months} mois" if months < 36 else f"{months // 12} ans"


def born(patient: Patient, on: date | None) -> str:
    """``Née le 12/03/1979 (46 ans)``."""
    word = {Sex.FEMALE: "Née le", Sex.MALE: "Né le", Sex.UNKNOWN: "Né(e) le"}[patient.sex]
    if patient.birth_date is None:
        return f"{word} {patient.birth_date_raw}" if patient.birth_date_raw else ""
    years = age(patient.birth_date, on) if on else ""
    return f"{word} {patient.birth_date:%d/%m/%Y}" + (f" ({years})" if years else "")


def ins(patient: Patient) -> str:
    """``2 79 03 51 215 189 89 (NIR)``; only a qualified matricule whose key holds is ever printed as an INS."""
    told = patient.ins
    if told is None or not told.qualified or not nir_ok(told.matricule):
        return ""
    m = told.matricule.replace(" ", "")
    kind = "NIA" if told.oid == InsOid.NIA else "NIR"
    test = " de test" if told.oid in TEST_INS_OIDS else ""
    spaced = NBSP.join((m[0], m[1:3], m[3:5], m[5:7], m[7:10], m[10:13], m[13:]))
    return f"{spaced} ({kind}{test})"


def sex(patient: Patient) -> str:
    """The word for the sex; empty when unknown."""
    return {Sex.FEMALE: "féminin", Sex.MALE: "masculin", Sex.UNKNOWN: ""}[patient.sex]


def laboratory_lines(lab: LaboratoryIdentity) -> list[str]:
    """Address, telephone, FINESS, accreditation."""
    lines = address(lab.address)
    if lab.phone:
        lines.append(f"Tél. : {lab.phone}")
    if lab.finess:
        lines.append(f"FINESS : {lab.finess}")
    if lab.cofrac:
        lines.append(f"Accréditation Cofrac n° {lab.cofrac}")
        lines.append("Liste des sites et portées disponibles sur www.cofrac.fr")
    return lines
