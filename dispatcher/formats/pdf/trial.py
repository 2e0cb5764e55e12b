"""Tries a layout on an invented report, so that a laboratory learns what is wrong before a patient's report does.

Layout in, sentences out. typst's own words are shown here in full: nobody in the data exists.
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

from dispatcher.errors import DispatcherError
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, WriteContext
from dispatcher.formats.pdf import content
from dispatcher.formats.pdf.engine import Layout, TypstEngine
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.formats.pdf.writer import PdfWriter
from dispatcher.report.model import (
    Address,
    AltValue,
    Attachment,
    Battery,
    Code,
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

_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgaGD47wAABEQBwOpq4d8AAAAASUVORK5CYII="
"""Four grey points, PNG."""
_AT = datetime(2026, 3, 11, 17, 20, tzinfo=UTC)


def _result(text: str, value: str, kind: ValueType = ValueType.NUMERIC, **more: object) -> Observation:
    fields: dict[str, object] = {"code": Code(text=text), "value": value, "type": kind, "status": "F"}
    return Observation(**(fields | more))  # type: ignore[arg-type]


def invented_report() -> Report:
    """Every kind of line a layout must place: second unit, comment, long text, antibiogram, free text."""
    second = AltValue(value="7.33", unit="mmol/L", low="3.89", high="6.11")
    before = (PreviousResult(value="1.18", at=_AT.date()),)
    picture = Attachment(media_type="image/png", content=base64.b64decode(_PICTURE))
    chemistry = (
        _result(
            "Glycémie à jeun", "1.32", unit="g/L", low="0.70", high="1.10", flags=("H",), alt=second, previous=before
        ),
        _result("Vitamine B1", "98", unit="nmol/L", performer=Practitioner(organisation="Laboratoire sous-traitant")),
        _result("Potassium", "6.8", unit="mmol/L", low="3.5", high="5.1", flags=("HH",), comments=("Contrôlé.",)),
    )
    culture = (
        _result("Germe isolé", "Escherichia coli", ValueType.TEXT),
        _result("Amoxicilline", "R", ValueType.CODED, flags=("R",), parent=3),
        _result("Coloration", "", ValueType.DOCUMENT, document=picture),
        _result("Conclusion", "Deux lignes de texte libre, assez longues\npour tenir sous leur titre.", ValueType.TEXT),
    )
    return Report(
        patient=Patient(birth_name="ESSAI", given_names=("Camille",), birth_date=date(1979, 3, 12), sex=Sex.FEMALE),
        status=Status.CORRECTED,
        order=Order(filler="ESSAI-1"),
        prescriber=Practitioner(family="MODELE", given="Paul", title="DR"),
        collected_at=_AT,
        reported_at=_AT,
        batteries=(
            Battery(
                title="Chimie",
                chapter="BIOCHIMIE",
                subchapter="Glucides",
                specimen=Specimen(text="Sérum"),
                observations=chemistry,
            ),
            Battery(title="ECBU", chapter="BACTERIOLOGIE", observations=culture),
        ),
        comments=("Commentaire général.",),
        text="   TEXTE LIBRE      1,32 * g/L\n",
    )


def trial(layout: Layout) -> tuple[str, ...]:
    """What is wrong with the layout, as typst and the self-check tell it; empty when it renders a good PDF/A."""
    lab = LaboratoryIdentity(
        name="Laboratoire d'essai",
        finess="",
        oid="",
        address=Address(lines=("1 rue du Test",), postcode="29000", town="QUIMPER"),
        phone="",
        biologist=Practitioner(family="ESSAI", given="Claude", title="DR"),
    )
    context = WriteContext(laboratory=lab, ids=DocumentIds(document="1", set_id="1", version=2), created_at=_AT)
    try:
        data = content.build(invented_report(), context, Glyphs.parse(layout.coverage))
        told = TypstEngine(layout).complaints(data, _AT)
        if not told:
            PdfWriter(layout).write(invented_report(), context)
    except DispatcherError as error:
        return (str(error),)
    return told
