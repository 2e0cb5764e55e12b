"""Invented reports by the thousand: seeded for runs that count, as a hypothesis strategy for those that shrink.

One code for both: ``random_report(random.Random(7))`` and ``reports()`` draw from the same choices. Every part of the
model occurs; :class:`Wanted` leaves out what a format cannot carry. Everybody here is made up.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache

from hypothesis import strategies as st

from dispatcher.clock import PARIS
from dispatcher.report.identifiers import nir_key
from dispatcher.report.model import (
    Address,
    AltValue,
    Attachment,
    Battery,
    Code,
    IdType,
    Ins,
    LocalId,
    Observation,
    Order,
    Patient,
    Practitioner,
    PreviousResult,
    Report,
    Sex,
    Specimen,
    Status,
    ValueType,
)
from dispatcher.report.values import side_of_range
from dispatcher.resources import mapping_text
from dispatcher.terminology.entries import Analysis
from dispatcher.terminology.tables import Terminology, TerminologyTexts, load

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8ffff3f0005fe02fea735810b0000000049454e44ae426082"
)
"""One pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What may occur; all of it unless a format cannot carry it."""

    microbiology: bool = True
    previous: bool = True
    second_unit: bool = True
    pictures: bool = True
    performers: bool = True
    kits: bool = True
    copies: bool = True
    subchapters: bool = True
    statuses: tuple[Status, ...] = (Status.FINAL, Status.FINAL, Status.PARTIAL, Status.CORRECTED, Status.CANCELLED)
    max_batteries: int = 4
    max_results: int = 8


ALL = Wanted()

_FAMILIES = ("MARTINEAU", "LE GUEN", "D'HÉRICOURT", "NÚÑEZ-BŒUF", "O’REILLY", "ÇELİK", "VAN DEN BERG", "ÉLOÏSE-RÉMY")
_GIVEN = ("CLAIRE", "JEAN-NOËL", "ZOÉ", "FRANÇOIS", "MAËLYS", "ANNE SOPHIE", "LOÏC", "ŒDIPE")
_TOWNS = (("29000", "QUIMPER"), ("75010", "PARIS"), ("20000", "AJACCIO"), ("97410", "SAINT-PIERRE"))
_STREETS = ("12 rue des Lilas", "3 bis allée de l’Étang", "Résidence « Les Pins », bât. B", "1 place du 8 Mai 1945")
_WORDS = (
    "Absence",
    "Présence de rares cellules",
    "Négatif",
    "Positif (1/80)",
    "Limpide",
    "Sérum lactescent : à contrôler",
    "Aspect < normal > & trouble",
    "Voir compte rendu joint",
)
_COMMENTS = (
    "Contrôlé sur un second prélèvement.",
    "Résultat téléphoné au service à 10 h 15.",
    "Hémolyse : à interpréter avec prudence\nNouveau prélèvement souhaitable.",
    "Valeurs de référence : sujet à jeun, > 18 ans & < 65 ans.",
)
_ORGANISMS = ("Escherichia coli", "Staphylococcus aureus", "Enterococcus faecalis", "Klebsiella pneumoniae")
_ANTIBIOTICS = ("Amoxicilline", "Gentamicine", "Ciprofloxacine", "Ceftriaxone", "Cotrimoxazole", "Fosfomycine")
_PERFORMER = Practitioner(
    organisation="Laboratoire de référence Inventé",
    organisation_id="750000026",
    phone="01 40 00 00 09",
    address=Address(lines=("5 rue des Essais",), postcode="69007", town="LYON"),
)


@cache
def terminology() -> Terminology:
    """The shipped tables."""
    return load(TerminologyTexts.collect(lambda name: mapping_text("terminology", name)))


@cache
def _analyses() -> tuple[Analysis, ...]:
    return tuple(sorted(terminology().analyses.values(), key=lambda one: one.loinc))


def random_report(rng: random.Random, wanted: Wanted = ALL) -> Report:
    """One report; equal for equal states of ``rng``."""
    status = rng.choice(wanted.statuses)
    collected = datetime(2026, 1, 1, 6, 0, tzinfo=PARIS) + timedelta(minutes=rng.randrange(400_000))
    batteries: list[Battery] = []
    size = 0
    for number in range(rng.randint(1, wanted.max_batteries)):
        culture = wanted.microbiology and rng.random() < 0.15
        battery = _culture(rng, size, number, collected) if culture else _battery(rng, number, collected, wanted)
        batteries.append(_with_status(battery, status, rng))
        size += len(battery.observations)
    return Report(
        patient=random_patient(rng),
        status=status,
        order=Order(placer=f"D{rng.randrange(10**6)}", filler=f"26{rng.randrange(10**9):09}"),
        prescriber=random_practitioner(rng) if rng.random() < 0.95 else None,
        copies=tuple(random_practitioner(rng) for _ in range(rng.randrange(3))) if wanted.copies else (),
        validators=tuple(_biologist(rng) for _ in range(rng.randrange(2))),
        ordered_at=(collected - timedelta(days=1)).date(),
        collected_at=collected,
        received_at=collected + timedelta(minutes=40),
        reported_at=collected + timedelta(hours=rng.randint(2, 60)),
        batteries=tuple(batteries),
        comments=tuple(rng.sample(_COMMENTS, rng.randrange(3))),
        urgent=rng.random() < 0.1,
    )


def random_patient(rng: random.Random) -> Patient:
    """Somebody invented, with a qualified test INS two times in three."""
    sex = rng.choice((Sex.FEMALE, Sex.MALE))
    born = date(1930, 1, 1) + timedelta(days=rng.randrange(34_000))
    ins = None
    if rng.random() < 0.66:
        digit = "2" if sex is Sex.FEMALE else "1"
        body = f"{digit}{born:%y%m}{rng.randint(1, 95):02}{rng.randint(1, 989):03}{rng.randint(1, 999):03}"
        key = nir_key(body)
        assert key is not None
        ins = Ins(matricule=body + key, oid="1.2.250.1.213.1.4.10", qualified=True)
    postcode, town = rng.choice(_TOWNS)
    family = rng.choice(_FAMILIES)
    used = rng.choice((*_FAMILIES, "", "", ""))
    return Patient(
        birth_name=family,
        used_name=used if used != family else "",
        given_names=tuple(rng.sample(_GIVEN, rng.randint(1, 3))),
        birth_date=born,
        sex=sex,
        ins=ins,
        local_ids=(LocalId(value=f"P{rng.randrange(10**7)}", type="PI"),),
        address=Address(lines=(rng.choice(_STREETS),), postcode=postcode, town=town),
        birth_place=f"{rng.randint(10, 95):02}{rng.randint(1, 899):03}",
        phones=(f"06{rng.randrange(10**8):08}",) if rng.random() < 0.5 else (),
    )


def random_practitioner(rng: random.Random) -> Practitioner:
    """A prescriber: by RPPS, by FINESS of a structure, or by a local code."""
    kind = rng.choice((IdType.RPPS, IdType.RPPS, IdType.LOCAL))
    number = "10002345675" if kind is IdType.RPPS else f"M{rng.randrange(1000):03}"
    return Practitioner(id=number, id_type=kind, family=rng.choice(_FAMILIES), given=rng.choice(_GIVEN))


def _biologist(rng: random.Random) -> Practitioner:
    return Practitioner(id="10001234565", id_type=IdType.RPPS, family=rng.choice(_FAMILIES), given=rng.choice(_GIVEN))


def _specimen(rng: random.Random, number: int, collected: datetime) -> Specimen:
    code, text = rng.choice((("SER", "Sérum"), ("BLD", "Sang total"), ("UR", "Urine"), ("PLAS", "Plasma"), ("", "")))
    return Specimen(
        id=f"S{number}{rng.randrange(10**6)}",
        text=text,
        code=code,
        collected_at=collected,
        received_at=collected + timedelta(minutes=40),
    )


def _battery(rng: random.Random, number: int, collected: datetime, wanted: Wanted) -> Battery:
    title = rng.choice(("Hémogramme", "Bilan lipidique", "Ionogramme", "Hémostase & coagulation", ""))
    chapters = ("BIOCHIMIE", "HEMATOLOGIE", "HORMONOLOGIE", "Immunologie <auto>", "")
    return Battery(
        title=title,
        code=Code(code=f"B{number}", text=title, system="L") if title else Code(),
        chapter=rng.choice(chapters),
        subchapter=rng.choice(("", "", "Bilan thyroïdien", "Protéines")) if wanted.subchapters else "",
        specimen=_specimen(rng, number, collected) if rng.random() < 0.8 else None,
        collected_at=collected,
        comments=tuple(rng.sample(_COMMENTS, rng.randrange(2))),
        observations=tuple(
            _result(rng, f"{number}{place}", collected, wanted) for place in range(rng.randint(1, wanted.max_results))
        ),
    )


def _result(rng: random.Random, key: str, collected: datetime, wanted: Wanted) -> Observation:
    analysis = rng.choice(_analyses())
    mapped = rng.random() < 0.8
    common = Observation(
        code=Code(code=f"L{key}", text=analysis.usual, system="L"),
        loinc=analysis.loinc if mapped else None,
        status="F",
        comments=tuple(rng.sample(_COMMENTS, 1)) if rng.random() < 0.15 else (),
        observed_at=collected if rng.random() < 0.7 else None,
        method="Électrochimiluminescence" if rng.random() < 0.2 else "",
        validated_by="Dr DURAND Anne" if rng.random() < 0.3 else "",
    )
    if wanted.kits and rng.random() < 0.15:
        common = replace(common, kit=Code(code="K-77", text="Réactif Inventé 2000", system="99KIT"))
    if wanted.performers and rng.random() < 0.1:
        common = replace(common, performer=_PERFORMER)
    draw = rng.random()
    if wanted.pictures and draw < 0.03:
        picture = Attachment(media_type="image/png", content=PNG, name="trace.png")
        return replace(common, loinc=None, type=ValueType.DOCUMENT, document=picture)
    if draw < 0.15:
        said = rng.choice(_WORDS)
        return replace(common, type=ValueType.TEXT, value=said, raw=said, flags=("A",) if rng.random() < 0.3 else ())
    return _number(rng, common, analysis, collected, wanted)


def _decimal(rng: random.Random, scale: float = 1.0) -> str:
    return f"{rng.random() * 10 ** rng.randint(0, 4) * scale:.{rng.randint(0, 3)}f}"


def _number(
    rng: random.Random, common: Observation, analysis: Analysis, collected: datetime, wanted: Wanted
) -> Observation:
    value = _decimal(rng)
    comparator = rng.choice(("", "", "", "", "", "", "<", ">", "<=", ">="))
    low, high = "", ""
    if rng.random() < 0.7:
        bounds = sorted((_decimal(rng), _decimal(rng)), key=float)
        low, high = rng.choice(((bounds[0], bounds[1]), ("", bounds[1]), (bounds[0], "")))
    side = side_of_range(value, comparator, low, high)
    result = replace(
        common,
        type=ValueType.NUMERIC,
        value=value,
        raw=comparator + value,
        comparator=comparator,
        unit=analysis.ucum or rng.choice(("", "g%", "UFC/mL")),
        ucum=analysis.ucum or None,
        low=low,
        high=high,
        range_text=f"{low} - {high}" if low and high else f"< {high}" if high else f"> {low}" if low else "",
        flags=(side,) if side else (),
    )
    if wanted.second_unit and analysis.ucum and rng.random() < 0.1:
        own = random.Random(value).choice(("", comparator, "<", ">", "<=", ">="))  # the other draws stay as they were
        second = AltValue(comparator=own, value=_decimal(rng), unit="mmol/L", ucum="mmol/L", high="9.9")
        result = replace(result, alt=second)
    if wanted.previous and rng.random() < 0.2:
        earlier = PreviousResult(
            value=_decimal(rng),
            at=collected - timedelta(days=rng.randint(1, 900)),
            unit=result.unit,
            ucum=result.ucum,
        )
        result = replace(result, previous=(earlier,))
    return result


def _culture(rng: random.Random, offset: int, number: int, collected: datetime) -> Battery:
    """One or two germs, what was counted, and their antibiograms. ``offset``: results before this battery."""
    lines: list[Observation] = []
    for rank, germ in enumerate(rng.sample(_ORGANISMS, rng.randint(1, 2)), 1):
        organism = offset + len(lines)
        lines.append(
            Observation(
                code=Code(code="GERME", text="Germe identifié", system="L"),
                type=ValueType.CODED,
                value=germ,
                raw=germ,
                value_code=Code(code=f"G{rank}", text=germ, system="L"),
                status="F",
                sub_id=str(rank),
            )
        )
        for antibiotic in rng.sample(_ANTIBIOTICS, rng.randint(1, 5)):
            said = rng.choice("SIR")
            lines.append(
                Observation(
                    code=Code(code=antibiotic[:6].upper(), text=antibiotic, system="L"),
                    type=ValueType.TEXT,
                    value=said,
                    raw=said,
                    flags=(said,),
                    status="F",
                    sub_id=str(rank),
                    parent=organism,
                )
            )
    return Battery(
        title="Examen cytobactériologique des urines",
        code=Code(code="ECBU", text="Examen cytobactériologique des urines", system="L"),
        chapter="MICROBIOLOGIE",
        specimen=replace(_specimen(rng, number, collected), code="UR", text="Urine"),
        collected_at=collected,
        observations=tuple(lines),
    )


def _with_status(battery: Battery, status: Status, rng: random.Random) -> Battery:
    """Letters of HL7 table 0085 that fit the report's status; a partial or corrected one has final results too."""
    letter = {Status.PARTIAL: "P", Status.CORRECTED: "C", Status.CANCELLED: rng.choice("DX")}.get(status, "F")
    mixed = status in (Status.PARTIAL, Status.CORRECTED)
    results = tuple(
        replace(one, status="F" if mixed and place and rng.random() < 0.7 else letter)
        for place, one in enumerate(battery.observations)
    )
    return replace(battery, status=letter, observations=results)


def seeded_reports(count: int, seed: int = 20261122, wanted: Wanted = ALL) -> list[Report]:
    """``count`` reports, always the same for a seed."""
    rng = random.Random(seed)
    return [random_report(rng, wanted) for _ in range(count)]


def reports(wanted: Wanted = ALL) -> st.SearchStrategy[Report]:
    """The same as a strategy that shrinks."""
    return st.randoms(use_true_random=False).map(lambda rng: random_report(rng, wanted))
