"""Invented reports that between them use every corner of the CDA writer. Everybody here is made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from dispatcher.clock import PARIS
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, WriteContext
from dispatcher.report.model import (
    Address,
    AltValue,
    Attachment,
    Battery,
    Code,
    Handling,
    IdType,
    Ins,
    Kind,
    LocalId,
    Observation,
    Order,
    Patient,
    Practitioner,
    Report,
    Sex,
    Specimen,
    Status,
    ValueType,
)
from dispatcher.resources import mapping_text
from dispatcher.terminology.tables import Terminology, TerminologyTexts, load

PDF = Attachment(media_type="application/pdf", content=b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
OTHER_PDF = Attachment(media_type="application/pdf", content=b"%PDF-1.4\n% annexe\n%%EOF\n")
PNG = Attachment(media_type="image/png", content=b"\x89PNG\r\n\x1a\n" + bytes(16))
LAB = LaboratoryIdentity(
    name="Laboratoire des Saules",
    finess="750000018",
    oid="1.2.250.1.999.1",
    address=Address(lines=("3 rue des Saules", "Bâtiment B"), postcode="75010", town="PARIS", country="FRANCE"),
    phone="01 40 00 00 01",
    biologist=Practitioner(id="10001234567", id_type=IdType.RPPS, family="DURAND", given="Anne", title="Dr"),
    cofrac="8-1234",
)
IDS = DocumentIds(document="770B0DC2-A6B8-468E-8432-632B18D35F68", set_id="0D1629B3-CC69-4632-81F3-2301FD4C318B")
CONTEXT = WriteContext(laboratory=LAB, ids=IDS, created_at=datetime(2026, 3, 11, 10, 0, tzinfo=PARIS), pdf=PDF)
INS = Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True)
PATIENT = Patient(
    birth_name="ESSAI",
    given_names=("Marie", "Louise"),
    birth_date=date(1979, 3, 28),
    sex=Sex.FEMALE,
    ins=INS,
    birth_place="51215",
    local_ids=(LocalId(value="P123", type="PI"), LocalId(value="V9", type="VN")),
    phones=("06 12 34 56 78", "01 40 00 00 02 poste 3"),
    address=Address(lines=("28 avenue d'Essai",), postcode="75007", town="PARIS"),
)
PRESCRIBER = Practitioner(
    id="10002345678",
    id_type=IdType.RPPS,
    family="MARTIN",
    given="Luc",
    title="Docteur",
    organisation="Cabinet du Pont",
    organisation_id="750000026",
)


@cache
def terminology() -> Terminology:
    """The shipped tables."""
    return load(TerminologyTexts.collect(lambda name: mapping_text("terminology", name)))


def number(text: str, value: str, **changes: Any) -> Observation:
    """A numeric result with a local code made from its name."""
    code = Code(code=text.upper()[:8], text=text, system="L")
    return replace(Observation(code=code, type=ValueType.NUMERIC, value=value, raw=value, status="F"), **changes)


def words(text: str, value: str, **changes: Any) -> Observation:
    """A result in words."""
    return replace(number(text, value), **({"type": ValueType.TEXT} | changes))


GLUCOSE = number(
    "Glycémie",
    "5.50",
    loinc="14749-6",
    unit="mmol/L",
    ucum="mmol/L",
    low="4.0",
    high="6.0",
    range_text="4,0 à 6,0",
    flags=("N",),
)
BIOCHEMISTRY = Battery(
    title="Bilan biochimique",
    code=Code(code="BIO", text="Bilan biochimique", system="L"),
    chapter="BIOCHIMIE",
    specimen=Specimen(id="26031100123-1", text="Sérum", code="SER"),
    observations=(GLUCOSE,),
)
REPORT = Report(
    patient=PATIENT,
    batteries=(BIOCHEMISTRY,),
    order=Order(placer="D77", filler="26031100123"),
    prescriber=PRESCRIBER,
    ordered_at=date(2026, 3, 10),
    collected_at=datetime(2026, 3, 11, 7, 30, tzinfo=PARIS),
    received_at=datetime(2026, 3, 11, 8, 0, tzinfo=PARIS),
    reported_at=datetime(2026, 3, 11, 9, 30, tzinfo=PARIS),
)


def with_results(*observations: Observation, **changes: Any) -> Report:
    """The usual report with these results in its one battery."""
    return replace(REPORT, batteries=(replace(BIOCHEMISTRY, observations=observations, **changes),))


def with_patient(**changes: Any) -> Report:
    """The usual report about somebody else."""
    return replace(REPORT, patient=replace(PATIENT, **changes))


def microbiology() -> Report:
    """Two germs; the second antibiogram stands in a battery of its own, as HL7 files have it."""
    ecoli = words(
        "Germe identifié",
        "Escherichia coli",
        sub_id="1",
        value_code=Code(code="112283007", text="Escherichia coli (organism)", system="SCT"),
        comments=("Souche non BLSE",),
    )
    strepto = words("Germe identifié", "Streptocoque D", sub_id="2")
    count = number("Dénombrement", "120000", unit="UFC/mL", ucum="", sub_id="1")
    direct = words("Examen direct", "Nombreux bacilles\nGram négatif")
    mic = number("Amoxicilline", "0.512", comparator=">=", unit="mg/L", ucum="mg/L", flags=("R",), parent=1)
    letter = words("Gentamicine", "S", parent=1)
    second = words("Vancomycine", "Sensible", flags=("S",), parent=2, comments=("Disque",))
    waiting = words("Ceftriaxone", "", status="I", parent=2)
    return replace(
        REPORT,
        batteries=(
            Battery(
                title="ECBU",
                chapter="BACTERIOLOGIE",
                specimen=Specimen(id="U1", text="Urines", code="UR", collected_at=REPORT.collected_at),
                observations=(direct, ecoli, strepto, count, mic, letter),
                comments=("Leucocyturie significative",),
            ),
            Battery(title="Antibiogramme 2", chapter="BACTERIOLOGIE", observations=(second, waiting)),
        ),
    )


def many_kinds() -> Report:
    """Every kind of value, flag and range in one battery, two specimens, three chapters."""
    rows = (
        GLUCOSE,
        number("CRP", "4", comparator="<", unit="mg/L", ucum="mg/L", high="5", loinc="1988-5", flags=("N",)),
        number("HCG", "100000", comparator=">", unit="UI/L", ucum="[IU]/L", flags=("HH", ">")),
        number("DFG", "90", unit="mL/min/1,73 m²", ucum="", low="60", flags=("N",), comments=("CKD-EPI 2009",)),
        number("INR", "2.5", loinc="6301-6", method="Chronométrie", range_text="2 à 3 sous AVK"),
        number("Inconnue", "7.0", unit="zz/L"),
        number("Charge virale", "200", unit="copies/mL", ucum="", high="20"),
        number("Faux UCUM", "7.0", unit="T/L", ucum="T/L", low="4", high="6", flags=("H", "*")),
        number(
            "Cholestérol",
            "2.10",
            unit="g/L",
            ucum="g/L",
            alt=AltValue(value="5.43", unit="mmol/L", ucum="mmol/L", high="5.2"),
            high="2.0",
        ),
        number("Titre", "1/320"),
        number("Bornes inversées", "3", low="9", high="2"),
        words("Aspect", "Limpide", flags=("A",), range_text="Limpide"),
        words(
            "Conclusion",
            "Première ligne & <suite>\nDeuxième ligne « à lire » " + "long " * 40,
            comments=("Un", "Deux\nlignes"),
        ),
        words("VIH", "Négatif", type=ValueType.CODED, value_code=Code(code="NEG 1", text="Négatif", system="L")),
        words(
            "Groupe", "A", type=ValueType.CODED, value_code=Code(code="112144000", text="Blood group A", system="SCT")
        ),
        words("Non fait", "", status="X", comments=("Tube insuffisant",)),
        words("À venir", "", status="I"),
        words("Titre de paragraphe", "", comments=("Ligne sans valeur",)),
        words("Supprimée", "12", status="D"),
        words("Provisoire", "5", status="P"),
        words(
            "Corrigée",
            "6",
            status="C",
            performer=Practitioner(organisation="Laboratoire Cerba inventé"),
            validated_by="Dr DURAND Anne",
        ),
        number(
            "Glycémie double code", "5", alternate=Code(code="14749-6", text="Glucose", system="LN"), loinc="14749-6"
        ),
        number("LOINC faux", "5", loinc="14749-5"),
        Observation(code=Code(code="99 A", text="")),
    )
    hematology = Battery(
        title="Leucocytes",
        chapter="HEMATOLOGIE",
        specimen=Specimen(text="Sang total EDTA", received_at=REPORT.received_at),
        observations=(number("Leucocytes", "5.2", loinc="6690-2", unit="G/L", ucum="10*9/L", low="4", high="10"),),
    )
    silent = Battery(title="Sérologies", chapter="SEROLOGIE", observations=(words("VHC", "", status="I"),))
    return replace(
        REPORT, batteries=(replace(BIOCHEMISTRY, observations=rows), hematology, silent), comments=("Fin\nde rapport",)
    )


def documents() -> Report:
    """A structured report whose results carry a picture, the copy itself, another PDF and a text file."""
    carried = [
        words(name, "", type=ValueType.DOCUMENT, document=document)
        for name, document in (
            ("Électrophorèse", PNG),
            ("Compte rendu", PDF),
            ("Annexe", OTHER_PDF),
            ("Texte", Attachment(media_type="text/plain", content=b"abc")),
        )
    ]
    return with_results(GLUCOSE, *carried)


class Case(NamedTuple):
    """One document to write."""

    report: Report
    context: WriteContext
    level: int


def _case(report: Report, level: int = 3, **context: Any) -> Case:
    return Case(report, replace(CONTEXT, **context), level)


def _replacing() -> DocumentIds:
    return replace(IDS, document="1.2.250.1.999.1.7.26031100123.2", version=2, replaces=IDS.document)


CASES: dict[str, Callable[[], Case]] = {
    "numeric": lambda: _case(REPORT),
    "numeric-with-terminology": lambda: _case(REPORT, terminology=terminology()),
    "many-kinds": lambda: _case(many_kinds()),
    "many-kinds-with-terminology": lambda: _case(many_kinds(), terminology=terminology()),
    "microbiology": lambda: _case(microbiology()),
    "microbiology-with-terminology": lambda: _case(microbiology(), terminology=terminology()),
    "documents": lambda: _case(documents()),
    "three-hundred": lambda: _case(
        with_results(*(replace(GLUCOSE, code=Code(code=f"A{n}", text=f"Analyse {n}")) for n in range(300)))
    ),
    "restricted": lambda: _case(replace(REPORT, handling=Handling(confidentiality="R"))),
    "very-restricted": lambda: _case(replace(REPORT, handling=Handling(confidentiality="V"))),
    "partial": lambda: _case(replace(many_kinds(), status=Status.PARTIAL)),
    "nothing-yet": lambda: _case(replace(with_results(words("TSH", "", status="I")), status=Status.PARTIAL)),
    "corrected": lambda: _case(replace(REPORT, status=Status.CORRECTED), ids=_replacing()),
    "cancelled": lambda: _case(replace(microbiology(), status=Status.CANCELLED), ids=_replacing()),
    "cancelled-document": lambda: _case(replace(REPORT, status=Status.CANCELLED, batteries=()), ids=_replacing()),
    "neutral": lambda: _case(REPORT, laboratory=replace(LAB, neutral=True)),
    "male-corsican": lambda: _case(
        with_patient(
            birth_name="D’ESSÂI-ÇÔTÉ",
            given_names=("Ange-François",),
            sex=Sex.MALE,
            birth_place="2A004",
            ins=replace(INS, matricule="146026322000196"),
        )
    ),
    "sex-unknown": lambda: _case(with_patient(sex=Sex.UNKNOWN, used_name="DUPONT-ESSAI", used_given="Lou")),
    "ins-not-qualified": lambda: _case(with_patient(ins=replace(INS, qualified=False))),
    "ins-without-birth-place": lambda: _case(with_patient(birth_place="")),
    "ins-with-wrong-key": lambda: _case(with_patient(ins=replace(INS, matricule="279035121518900"))),
    "no-ins": lambda: _case(with_patient(ins=None, birth_place="")),
    "no-number-at-all": lambda: _case(with_patient(ins=None, local_ids=())),
    "turned-birth-date": lambda: _case(with_patient(ins=None, birth_date=None, birth_date_raw="00/07/1938")),
    "lunar-birth-date": lambda: _case(with_patient(birth_date=None, birth_date_raw="19450013")),
    "bare-patient": lambda: _case(replace(REPORT, patient=Patient(birth_name="X", birth_date=date(1950, 1, 1)))),
    "used-name-only": lambda: _case(
        replace(
            REPORT,
            patient=Patient(
                used_name="X", given_names=("Y",), birth_date_raw="1950", local_ids=(LocalId(value="1" * 80),)
            ),
        )
    ),
    "local-prescriber": lambda: _case(
        replace(REPORT, prescriber=Practitioner(id="MAR12", family="MARTIN", title="Interne"))
    ),
    "structure-prescriber": lambda: _case(
        replace(REPORT, prescriber=Practitioner(id="750000026", id_type=IdType.FINESS, organisation="EHPAD du Lac"))
    ),
    "no-prescriber-no-dates": lambda: _case(
        replace(
            REPORT,
            prescriber=None,
            ordered_at=None,
            collected_at=None,
            received_at=None,
            reported_at=None,
            order=Order(),
        )
    ),
    "days-only": lambda: _case(
        replace(REPORT, collected_at=date(2026, 3, 11), received_at=date(2026, 3, 12), reported_at=date(2026, 3, 11))
    ),
    "recipient": lambda: _case(
        REPORT,
        recipient=replace(PRESCRIBER, phone="0140000003"),
        recipient_address="luc.martin@medecin.essai.mssante.fr",
    ),
    "recipient-structure": lambda: _case(
        REPORT,
        recipient=Practitioner(id="750000026", id_type=IdType.FINESS, organisation="EHPAD du Lac"),
        recipient_address="accueil@ehpad.essai.mssante.fr",
    ),
    "recipient-address-only": lambda: _case(REPORT, recipient_address="accueil@ehpad.essai.mssante.fr"),
    "validators": lambda: _case(
        replace(
            REPORT,
            validators=(
                LAB.biologist,
                Practitioner(id="10003456789", id_type=IdType.RPPS, family="PETIT", title="M."),
                Practitioner(id="AB", family="LOCAL"),
            ),
        )
    ),
    "xml-specials": lambda: _case(
        replace(
            with_patient(birth_name='O\'<ESSAI> & "Cie"'),
            batteries=(replace(BIOCHEMISTRY, title="<&>\"'", observations=(words("a<b>&c", "]]> & <x/>"),)),),
        )
    ),
    "control-characters": lambda: _case(
        replace(with_results(words("Asp\x00ect\x1b", "Lim\x0bpide\ufffe\ud800")), comments=("\x07",))
    ),
    "untitled-batteries": lambda: _case(
        replace(
            REPORT,
            batteries=(
                Battery(observations=(GLUCOSE, GLUCOSE)),
                Battery(observations=(GLUCOSE,), comments=("Seul",)),
                Battery(),
            ),
        )
    ),
    "text-of-the-laboratory": lambda: _case(
        replace(REPORT, text="ANALYSE        RESULTAT\nGlycémie          5,5\n\x0cFin", urgent=True)
    ),
    "level-1": lambda: _case(REPORT, level=1),
    "level-1-minimal": lambda: _case(
        Report(patient=Patient(birth_name="X", given_names=("Y",), birth_date=date(1950, 1, 1))), level=1
    ),
    "document-report": lambda: _case(replace(REPORT, kind=Kind.DOCUMENT, batteries=(), documents=(PDF,)), pdf=None),
    "bare-laboratory": lambda: _case(REPORT, laboratory=replace(LAB, address=Address(), phone="", cofrac="")),
}
"""Name of the case to what makes it. None may raise."""
