"""Invented reports for what a full level-3 document can say: sub-chapters, earlier results, kits, sub-contractors,
validators, germs and their antibiograms, results in PDF. Everybody here is made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from dispatcher.clock import PARIS
from dispatcher.formats.base import DocumentIds
from dispatcher.report.model import (
    Address,
    AltValue,
    Attachment,
    Battery,
    Code,
    IdType,
    Kind,
    Observation,
    Practitioner,
    PreviousResult,
    Report,
    Specimen,
    Status,
    ValueType,
)
from dispatcher.terminology.tables import Options, Terminology
from tests.unit.formats.cda.cases import (
    BIOCHEMISTRY,
    CONTEXT,
    GLUCOSE,
    IDS,
    OTHER_PDF,
    PDF,
    PNG,
    REPORT,
    Case,
    many_kinds,
    number,
    terminology,
    with_results,
    words,
)

JPEG = Attachment(media_type="image/jpeg", content=b"\xff\xd8\xff\xe0" + bytes(20))
GIF = Attachment(media_type="image/gif", content=b"GIF89a" + bytes(20))
LAKE = Practitioner(
    organisation="Laboratoire du Lac",
    organisation_id="740000017",
    phone="04 50 00 00 00",
    address=Address(lines=("1 quai du Lac",), postcode="74000", town="ANNECY"),
)
HARBOUR = Practitioner(
    id="10009876543", id_type=IdType.RPPS, family="LEROY", given="Paul", title="Dr", organisation="Laboratoire du Port"
)
PETIT = Practitioner(id="10003456789", id_type=IdType.RPPS, family="PETIT", given="Zoé", title="Dr")
ROUX = Practitioner(id="10004567891", id_type=IdType.RPPS, family="ROUX", given="Émile", title="M.")
TSH = number("TSH", "1.950", loinc="3016-3", unit="mUI/L", ucum="m[IU]/L", low="0.29", high="4.80")
EARLIER = (
    PreviousResult(value="6.1", at=datetime(2025, 9, 12, 8, 15, tzinfo=PARIS), unit="mmol/L", ucum="mmol/L"),
    PreviousResult(value="5", comparator="<", at=date(2024, 1, 3), unit="mmol/L", ucum="mmol/L"),
)


def battery(title: str, *rows: Observation, **changes: Any) -> Battery:
    """A battery of biochemistry with these results."""
    return replace(BIOCHEMISTRY, title=title, observations=rows, **changes)


def with_batteries(*batteries: Battery, **changes: Any) -> Report:
    """The usual report with these batteries."""
    return replace(REPORT, batteries=batteries, **changes)


def subchapters() -> Report:
    """Biochemistry with two sub-chapters and a battery of none; haematology with none at all."""
    return with_batteries(
        battery("Bilan thyroïdien", TSH, subchapter="Bilan thyroïdien"),
        battery("Glycémie", GLUCOSE),
        battery("Électrophorèse", words("Aspect", "Normal"), subchapter="Électrophorèse des protéines"),
        battery("Suite thyroïde", replace(TSH, code=Code(code="T4", text="T4 libre")), subchapter="BILAN THYROÏDIEN"),
        Battery(chapter="HEMATOLOGIE", title="Leucocytes", observations=(number("Leucocytes", "5.2"),)),
    )


def earlier() -> Report:
    """Earlier results of every kind beside lines that have none."""
    in_words = (
        PreviousResult(value="Trouble", type=ValueType.TEXT, at=date(2025, 1, 2)),
        PreviousResult(value="Limpide\nincolore", type=ValueType.TEXT),
        PreviousResult(value="", at=date(2024, 1, 2)),
    )
    odd = (
        PreviousResult(value="7", unit="UA", at=date(2025, 5, 5)),
        PreviousResult(value="1/320", at=date(2025, 5, 4)),
        PreviousResult(value="3.2"),
    )
    return with_results(
        replace(GLUCOSE, previous=EARLIER),
        TSH,
        words("Aspect", "Limpide", previous=in_words),
        number("Indice", "8", unit="UA", previous=odd),
        words("Non fait", "", status="X", previous=EARLIER),
        words("À venir", "", status="I", previous=EARLIER),
    )


def two_units(loinc: str | None = "2345-7") -> Report:
    """Glucose in moles and in grams; a result in words with a second value."""
    alt = AltValue(value="0.99", unit="g/L", ucum="g/L", low="0.70", high="1.10", loinc=loinc)
    text = words("Groupe", "A", alt=AltValue(value="A positif", unit=""))
    return with_results(replace(GLUCOSE, alt=alt, previous=EARLIER, comments=("À jeun",)), text)


def methods() -> Report:
    """Methods and kits, coded in the ANSM table, by the laboratory, or in words."""
    listed = Code(code="DEI", text="Spectrophotométrie", system="1.2.250.1.213.2.3.5")
    local = Code(code="ECL 1", text="Électrochimiluminescence", system="L")
    kit = Code(code="K 123", text="Trousse TSH ultrasensible", system="99LAB")
    return with_results(
        replace(GLUCOSE, method_code=listed, method="UV hexokinase", kit=Code(text="Trousse glucose")),
        replace(TSH, method_code=local, method="ECL Modular", kit=kit),
        number("Urée", "4.2", unit="mmol/L", ucum="mmol/L", method_code=Code(code="DEI", system="1.2.250.1.213.2.3.5")),
        number("Créatinine", "70", method_code=Code(code="XYZ", system="1.2.250.1.213.2.3.5"), kit=Code()),
        number("Sodium", "140", method="Potentiométrie", kit=Code(code="A1")),
    )


def subcontracted() -> Report:
    """One battery wholly sub-contracted (in a chapter of its own), one partly, one by a named person."""
    own = Practitioner(organisation="LABORATOIRE DES SAULES")
    return with_batteries(
        battery("Bilan", GLUCOSE, replace(TSH, performer=LAKE), number("Zinc", "12", performer=HARBOUR)),
        battery("Notre laboratoire", number("Fer", "12", performer=own)),
        Battery(
            chapter="SEROLOGIE",
            title="Sérologies",
            observations=(
                words("VHC", "Négatif", performer=LAKE, validated_by="PETIT Zoé"),
                words("VIH", "Négatif", performer=LAKE, validated_by="Dr Zoé PETIT"),
            ),
        ),
        Battery(
            chapter="TOXICOLOGIE",
            title="Toxiques",
            observations=(words("Plomb", "Absence", performer=Practitioner(id="SST7", organisation="Labo X")),),
        ),
        Battery(
            chapter="GAZ DU SANG",
            title="Gaz",
            observations=(
                number("pH", "7.4", performer=Practitioner(id="740000017", id_type=IdType.FINESS, organisation="Lac")),
            ),
        ),
        validators=(PETIT,),
    )


def validated() -> Report:
    """One chapter validated by one person, one by two, one by a name nobody knows."""
    return with_batteries(
        battery("Un", replace(GLUCOSE, validated_by="Dr PETIT Zoé"), replace(TSH, validated_by="zoe petit")),
        Battery(
            chapter="HEMATOLOGIE",
            title="Deux",
            observations=(
                number("Leucocytes", "5", validated_by="Émile ROUX"),
                number("Hématies", "4.5", validated_by="10003456789"),
                number("Plaquettes", "200"),
            ),
        ),
        Battery(chapter="SEROLOGIE", title="Trois", observations=(words("VHC", "Négatif", validated_by="Dr INTERNE"),)),
        validators=(PETIT, ROUX),
    )


def urine_culture() -> Report:
    """Direct examination after the culture in the file; MIC, disk, letters, a germ without antibiogram."""
    urine = Specimen(
        id="U1", text="Urines", code="UR", collected_at=REPORT.collected_at, received_at=REPORT.received_at
    )
    culture = Battery(
        title="Culture",
        chapter="BACTERIOLOGIE",
        specimen=urine,
        observations=(
            words("Germe identifié", "Escherichia coli", sub_id="1", comments=("Souche productrice de BLSE",)),
            words("Germe identifié", "Candida albicans", sub_id="2"),
            number("Dénombrement", "1000000", unit="UFC/mL", ucum="", sub_id="1"),
            number("Dénombrement", "10000", unit="UFC/mL", ucum="", sub_id="2"),
            number("Amoxicilline", "8", comparator=">", unit="mg/L", ucum="mg/L", flags=("R",), parent=0),
            number("Céfotaxime", "0.5", unit="mg/L", ucum="mg/L", low="1", high="2", flags=("S",), parent=0),
            number("Gentamicine", "22", unit="mm", ucum="mm", flags=("S",), parent=0, method="Disque"),
            words("Ciprofloxacine", "I", flags=("I",), parent=0),
            words("Fosfomycine", "S", parent=0, previous=(PreviousResult(value="R", type=ValueType.TEXT),)),
            words("Ofloxacine", "Non testé", status="X", parent=0),
        ),
        comments=("Infection urinaire à germes multiples",),
    )
    direct = Battery(
        title="Examen direct",
        chapter="BACTERIOLOGIE",
        specimen=urine,
        observations=(
            number("Leucocytes", "500000", unit="/mL", ucum="/mL", flags=("H",)),
            words("Coloration de Gram", "Nombreux bacilles Gram négatif"),
        ),
    )
    return with_batteries(culture, direct)


def pictures_and_pdfs() -> Report:
    """Pictures of three kinds, the copy itself, results in PDF of two sub-contractors, a further PDF of the report."""
    third = replace(OTHER_PDF, content=OTHER_PDF.content + b"%3\n")
    fourth = replace(OTHER_PDF, content=OTHER_PDF.content + b"%4\n")
    rows = [
        words(name, "", type=ValueType.DOCUMENT, document=document, performer=who, comments=("Voir l'image",))
        for name, document, who in (
            ("Électrophorèse", PNG, None),
            ("Caryotype", JPEG, LAKE),
            ("Scattergramme", GIF, None),
            ("Compte rendu", PDF, None),
            ("Sérologie des rickettsies", OTHER_PDF, LAKE),
            ("Biologie moléculaire", third, None),
            ("Abîmé", Attachment(media_type="application/pdf", content=b"MZ"), None),
            ("Radio", Attachment(media_type="image/tiff", content=b"II*"), None),
        )
    ]
    return replace(with_results(GLUCOSE, *rows), documents=(PDF, fourth))


def _case(report: Report, level: int = 3, **context: Any) -> Case:
    return Case(report, replace(CONTEXT, **context), level)


def _second_version() -> DocumentIds:
    return replace(IDS, document="88BEB395-3B4C-37F5-9A31-03BEA73A8D8B", version=2, replaces=IDS.document)


def _snomed() -> Terminology:
    return replace(terminology(), options=Options(snomed=True))


def _both(name: str, make: Callable[[], Report]) -> dict[str, Callable[[], Case]]:
    """The same report without tables and with the shipped ones."""
    return {
        name: lambda: _case(make()),
        f"{name}-with-terminology": lambda: _case(terminology().code(make())[0], terminology=terminology()),
    }


def _everything(**changes: Any) -> Report:
    parts = (subchapters(), earlier(), two_units(), methods(), subcontracted(), validated(), pictures_and_pdfs())
    batteries = tuple(b for part in parts for b in part.batteries)
    whole = replace(REPORT, batteries=batteries, validators=(PETIT, ROUX), comments=("Fin",))
    return replace(whole, **changes)


FULL_CASES: dict[str, Callable[[], Case]] = {
    **_both("subchapters", subchapters),
    **_both("earlier-results", earlier),
    **_both("two-units", two_units),
    **_both("two-units-one-code", lambda: two_units(None)),
    **_both("methods-and-kits", methods),
    **_both("sub-contracted", subcontracted),
    **_both("validated", validated),
    **_both("urine-culture", urine_culture),
    "urine-culture-with-snomed": lambda: _case(urine_culture(), terminology=_snomed()),
    **_both("pictures-and-pdfs", pictures_and_pdfs),
    "pictures-and-pdfs-level-1": lambda: _case(pictures_and_pdfs(), level=1),
    "sub-chapter-of-the-tables": lambda: _case(
        with_batteries(
            Battery(chapter="BILAN LIPIDIQUE", title="Bilan lipidique", observations=(number("Cholestérol", "2"),)),
            battery("Glycémie", GLUCOSE),
        ),
        terminology=terminology(),
    ),
    "one-validator-of-the-report": lambda: _case(replace(many_kinds(), validators=(PETIT,))),
    "validators-nobody-assigned": lambda: _case(replace(REPORT, validators=(PETIT, ROUX))),
    "local-validator": lambda: _case(replace(REPORT, validators=(Practitioner(id="B7", family="LOCAL"),))),
    "everything-partial": lambda: _case(_everything(status=Status.PARTIAL), terminology=terminology()),
    "everything-corrected": lambda: _case(_everything(status=Status.CORRECTED), ids=_second_version()),
    "everything-cancelled": lambda: _case(
        _everything(status=Status.CANCELLED), ids=_second_version(), terminology=terminology()
    ),
    "culture-cancelled": lambda: _case(replace(urine_culture(), status=Status.CANCELLED), ids=_second_version()),
    "document-of-two-pdfs": lambda: _case(
        replace(REPORT, kind=Kind.DOCUMENT, batteries=(), documents=(PDF, OTHER_PDF)), pdf=None
    ),
}
"""Name of the case to what makes it. None may raise."""
