"""What a report and its CDA must say alike: :func:`gist` of the report written equals that of the report read back.

What a CDA cannot carry, and so is left out, is all here:

- results not asked for (N) are not written; those taken back (D, W), to come (I, O) and lines without value are words
  of the narrative only, and come back as comments; letters P, R, S, C of HL7 table 0085 have no equal (2024.01 rules);
- ``raw`` and, beside numeric bounds, ``range_text``; the number of a line inside a culture (``sub_id``);
- how a germ's finding is labelled, unless it carries a flag: the specimen names the germ alone;
- which batteries a germ and its antibiogram stood in; battery titles that repeat the name of their only result;
- which of a test's two codes came first; the system of a local code (it becomes the laboratory's OID);
- a specimen, when its chapter has several; who validated, when it is the responsible biologist;
- a germ of a culture that was not done; when a report was asked for, if nobody asked;
- the specimen of a battery that names none, in a chapter with one; UCUM strings that are not legal;
- INS that are not qualified or lack a trait, numbers of stays, spelling of telephone numbers, runs of blanks.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from dispatcher.formats.cda import tables, wording
from dispatcher.formats.cda.elements import flat, token
from dispatcher.formats.cda.plan import IMAGES
from dispatcher.formats.cda.times import stamp
from dispatcher.report.identifiers import compact, loinc_ok, nir_ok
from dispatcher.report.model import (
    Address,
    Battery,
    Code,
    IdType,
    Observation,
    Patient,
    Practitioner,
    Report,
    Sex,
    Status,
    ValueType,
    When,
)
from dispatcher.report.moments import compare
from tests.unit.formats.cda.cases import LAB

Gist = dict[str, Any]
DROPPED, IN_WORDS = frozenset("DWN"), frozenset("IO")
GENERAL = "Examens de laboratoire"


def words(text: str) -> str:
    """Lines without runs of blanks; empty ones left out."""
    return "\n".join(line for line in map(flat, text.splitlines()) if line)


def gist(report: Report, *, chapters: bool = True) -> Gist:
    """``chapters``: False when a terminology renames them."""
    return {
        "patient": _patient(report.patient),
        "order": (report.order.placer.strip(), report.order.filler.strip() or report.order.placer.strip()),
        "prescriber": _person(report.prescriber),
        "times": _times(report),
        "urgent": report.urgent,
        "comments": _comments(report),
        "text": words(report.text),
        "results": Counter(_results(report, chapters=chapters)),
        "documents": sorted(d.sha256 for d in report.documents if d.media_type == "application/pdf"),
    }


def _patient(patient: Patient) -> tuple[object, ...]:
    traits = patient.birth_name and patient.first_given and patient.birth_date and patient.birth_place
    ins = patient.ins.matricule if patient.ins and patient.ins.qualified and nir_ok(patient.ins.matricule) else ""
    ins = ins if traits and patient.sex is not Sex.UNKNOWN else ""
    numbers = {n.value.strip() for n in patient.local_ids if n.type.upper() not in ("AN", "VN")}
    return (
        flat(patient.birth_name),
        flat(patient.used_name) if flat(patient.used_name) != flat(patient.birth_name) else "",
        " ".join(map(flat, patient.given_names)),
        flat(patient.used_given),
        patient.birth_date,
        patient.sex,
        ins,
        tuple(sorted(number for number in numbers if len(number) <= 64)),
        patient.birth_place,
        _address(patient.address),
        tuple(sorted({digits for phone in patient.phones if (digits := _digits(phone))})),
    )


def _digits(phone: str) -> str:
    return re.sub(r"[^0-9+]", "", re.split(r"[a-zA-Z]{2,}", phone)[0])


def _address(address: Address | None) -> tuple[str, ...]:
    if address is None:
        return ()
    lines = [line for line in map(flat, address.lines) if line]
    parts = (", ".join(lines), flat(address.postcode), flat(address.town), flat(address.country))
    return parts if any(parts) else ()


def _person(person: Practitioner | None) -> tuple[str, ...]:
    if person is None or not (person.id.strip() or person.family.strip() or person.organisation.strip()):
        return ()
    structure = person.id_type in (IdType.FINESS, IdType.SIRET)
    return (
        compact(person.id),
        person.id_type.value,
        flat(person.family),
        flat(person.given) if person.family else "",
        (tables.title(person.title) or ("", ""))[1] if person.family else "",
        flat(person.organisation),
        "" if structure else compact(person.organisation_id),
    )


def _when(when: When | None) -> str:
    return stamp(when) if when else ""


def _times(report: Report) -> tuple[str, ...]:
    """The request stands with who made it; a reception after the release becomes the nearest known time."""
    received = report.received_at if compare(report.received_at, report.reported_at) <= 0 else None
    ordered = report.ordered_at if _person(report.prescriber) else None
    return (_when(ordered), _when(report.collected_at), _when(received), _when(report.reported_at))


# ------------------------------------------------------------------------------------------------ results


@dataclass(frozen=True)
class _Row:
    battery: Battery
    observation: Observation
    organism: Observation | None
    is_organism: bool


def _rows(report: Report) -> list[_Row]:
    every = report.observations
    organisms = {o.parent for o in every if o.parent is not None}
    rows, index = [], 0
    for battery in report.batteries:
        organisms |= _without_antibiogram(battery, index, organisms)
        for observation in battery.observations:
            parent = observation.parent
            rows.append(_Row(battery, observation, every[parent] if parent is not None else None, index in organisms))
            index += 1
    return rows


def _without_antibiogram(battery: Battery, start: int, organisms: set[int]) -> set[int]:
    """Germs nothing hangs on: the same analysis as a germ of their battery, a sub-id of their own."""
    numbered = list(enumerate(battery.observations, start))
    known = [o for index, o in numbered if index in organisms and o.status.upper() not in DROPPED]
    codes, taken = {o.code for o in known}, {o.sub_id.strip() for o in known} | {""}
    found = set()
    for index, o in numbered:
        in_words = o.type in (ValueType.TEXT, ValueType.CODED) and o.status.upper() not in DROPPED | IN_WORDS | {"X"}
        alone = index not in organisms and o.parent is None and o.code in codes and o.sub_id.strip() not in taken
        if in_words and alone and _says_something(o):
            taken.add(o.sub_id.strip())
            found.add(index)
    return found


def _says_something(o: Observation) -> bool:
    return bool(o.value.strip() or o.value_code or o.document or o.raw.strip())


def _results(report: Report, *, chapters: bool) -> list[tuple[object, ...]]:
    cancelled = report.status is Status.CANCELLED
    rows = [row for row in _rows(report) if _coded(row.observation, cancelled=cancelled)]
    samples: dict[str, set[tuple[str, ...]]] = {}
    for battery in report.batteries:
        written = any(o.status.upper() != "N" for o in battery.observations) or any(map(words, battery.comments))
        if written and (found := _specimen(battery, report)):
            samples.setdefault(_chapter(battery), set()).add(found)
    one = {chapter: next(iter(found)) for chapter, found in samples.items() if len(found) == 1}
    return [_result(row, report, one, cancelled=cancelled, chapters=chapters) for row in rows]


def _coded(o: Observation, *, cancelled: bool) -> bool:
    if o.type is ValueType.DOCUMENT and not cancelled and o.status.upper() != "X":
        return bool(o.document and o.document.media_type in IMAGES) and o.status not in ("D", "W", "N")
    return o.status.upper() not in DROPPED | IN_WORDS and (o.status.upper() == "X" or _says_something(o))


def _chapter(battery: Battery) -> str:
    return f"{flat(battery.chapter) or GENERAL}|{flat(battery.subchapter)}".casefold()


def _specimen(battery: Battery, report: Report) -> tuple[str, ...]:
    specimen = battery.specimen
    if specimen is None or not (specimen.id or specimen.text or specimen.code):
        return ()
    concept = tables.specimens().get(specimen.code)
    kind = flat(specimen.text) or (concept.display if concept else flat(specimen.code))
    taken = specimen.collected_at or battery.collected_at or report.collected_at
    return flat(specimen.id), kind, specimen.code if concept else "", _when(taken)


def _result(
    row: _Row, report: Report, samples: dict[str, tuple[str, ...]], *, cancelled: bool, chapters: bool
) -> tuple[object, ...]:
    o, battery = row.observation, row.battery
    chapter = _chapter(battery)
    label = "" if row.is_organism else wording.label(o.code, o.alternate)
    alone = row.organism is not None or row.is_organism or _counts(label)
    title = flat(battery.title or battery.code.text)
    done = not cancelled and o.status.upper() != "X"
    specimen = battery.specimen
    observed = o.observed_at or battery.collected_at or (specimen.collected_at if specimen else None)
    common: tuple[object, ...] = (
        chapter if chapters else "",
        "" if alone or title.casefold() == label.casefold() else title,
        samples.get(chapter, ()),
        label,
        _germ(row.organism) if row.organism and not (cancelled or _counts(label)) else "",
        tuple(words(c) for c in o.comments if c.strip()),
        _when(observed or report.collected_at),
        "done" if done else "X",
    )
    if o.type is ValueType.DOCUMENT and done:
        return (*common[:5], o.document.sha256 if o.document else "")
    if row.is_organism:
        return (*common, words(wording.value(o)) if done else "")
    return (*common, _codes(o), *(_value(row) if done else ()))


def _germ(o: Observation) -> str:
    return "" if o.status.upper() == "X" else words(o.value)


def _counts(label: str) -> bool:
    """A count belongs to a germ by its ``parent`` or by its ``sub_id``."""
    return "énombrement" in label


def _codes(o: Observation) -> frozenset[str]:
    found = {token(c.code) for c in (o.code, o.alternate) if c and c.code.strip() and not _is_loinc(c)}
    number = o.loinc or next((c.code for c in (o.code, o.alternate) if c and _is_loinc(c)), "")
    return frozenset(found | ({number} if loinc_ok(number) else set()))


def _is_loinc(code: Code) -> bool:
    return tables.system_oid(code.system) == "2.16.840.1.113883.6.1"


def is_number(o: Observation) -> bool:
    return o.type is ValueType.NUMERIC and bool(wording.NUMBER.fullmatch(o.value.strip()))


def _value(row: _Row) -> tuple[object, ...]:
    o = row.observation
    flags = {concept.code for concept in wording.interpretations(wording.flags(o))}
    letter = o.value.strip().upper()
    if not flags and row.organism is not None and letter in ("S", "I", "R"):
        flags = {letter}
    bounds = [n for n in (o.low.strip(), o.high.strip()) if n]
    usable = bool(bounds) and all(map(wording.NUMBER.fullmatch, bounds))
    usable = usable and (len(bounds) < 2 or float(bounds[0]) <= float(bounds[1]))
    span = (o.low.strip(), o.high.strip()) if usable else flat(o.range_text) or wording.span(o.low, o.high)
    common = (span, frozenset(flags), wording.method(o), wording.kit(o), _performer(o))
    if not is_number(o):
        return (*common, words(wording.value(o)), token(o.value_code.code) if o.value_code else "")
    alt = o.alt
    second = (alt.comparator, alt.value.strip(), flat(alt.unit), alt.low, alt.high) if alt and alt.value.strip() else ()
    before = tuple((p.comparator + p.value, _when(p.at), flat(p.unit)) for p in o.previous if p.value.strip())
    return (*common, o.comparator, o.value.strip(), flat(o.unit), second, before)


def _performer(o: Observation) -> str:
    name = flat(o.performer.organisation or o.performer.label) if o.performer else ""
    return "" if name.casefold() == LAB.name.casefold() else name


def _comments(report: Report) -> Counter[str]:
    """Comments of the report, of batteries and of lines the CDA has in words only."""
    found = [*report.comments, *(c for b in report.batteries for c in b.comments)]
    return Counter(words(c) for c in found if words(c))
