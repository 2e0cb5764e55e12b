"""The JSON contract of ``dispatcher read --json`` (design.md §9) and the text for a person."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, datetime

from dispatcher.clock import PARIS
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.readout import as_json, as_text
from dispatcher.report.model import (
    Addressee,
    AltValue,
    Attachment,
    Battery,
    Code,
    ExplicitRecipient,
    Ins,
    LocalId,
    Observation,
    Order,
    Patient,
    Practitioner,
    Problem,
    Report,
    Severity,
    Sex,
    Specimen,
    Status,
    ValueType,
)
from dispatcher.resources import sample

PDF = Attachment(media_type="application/pdf", content=b"%PDF-1.4")
REPORT = Report(
    patient=Patient(
        birth_name="MOREAU",
        used_name="LE BIHAN",
        given_names=("Hélène", "Zoé"),
        birth_date=date(1979, 3, 12),
        sex=Sex.FEMALE,
        ins=Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True),
        local_ids=(LocalId(value="P1", authority="LABO", type="PI"),),
    ),
    status=Status.CORRECTED,
    order=Order(placer="D1", filler="F1"),
    prescriber=Practitioner(id="D001", family="DURAND", given="Paul"),
    copies=(Practitioner(organisation="EHPAD"),),
    recipients=(ExplicitRecipient(address="a@b.test"),),
    addressee=Addressee(id="X", label="Dr X"),
    collected_at=datetime(2026, 3, 11, 7, 45, tzinfo=PARIS),
    reported_at=date(2026, 3, 11),
    batteries=(
        Battery(
            title="Biochimie",
            chapter="CH",
            specimen=Specimen(text="Sérum"),
            observations=(
                Observation(
                    code=Code(code="GLU", text="Glucose", system="L"),
                    loinc="2345-7",
                    type=ValueType.NUMERIC,
                    value="0.5",
                    raw="< 0,5",
                    comparator="<",
                    unit="g/L",
                    ucum="g/L",
                    low="0.7",
                    high="1.1",
                    range_text="0,7 - 1,1",
                    flags=("L",),
                    status="F",
                    comments=("contrôlé",),
                    sub_id="1",
                    alt=AltValue(value="2.8", unit="mmol/L", low="3.9", high="6.1"),
                ),
                Observation(code=Code(text="CR"), type=ValueType.DOCUMENT, document=PDF, parent=0),
            ),
        ),
    ),
    comments=("note",),
    documents=(replace(PDF, name="cr.pdf"),),
    problems=(Problem(code="x", severity=Severity.WARNING, where="ligne 3", message="m"),),
)
RESULT = ReadResult(format="hl7v2-oru", encoding="utf-8", reports=(REPORT,), problems=())


def test_a_second_unit_shows_its_own_comparator() -> None:
    [battery] = REPORT.batteries
    alt = AltValue(comparator=">", value="2.8", unit="mmol/L")
    one = replace(battery.observations[0], alt=alt)
    read = replace(RESULT, reports=(replace(REPORT, batteries=(replace(battery, observations=(one,)),)),))
    [shown] = as_json(read, "a.hl7", "0" * 64)["reports"]
    assert shown["observations"][0]["alt"] == {"value": "> 2.8", "unit": "mmol/L", "ucum": None, "low": "", "high": ""}


def test_the_contract_word_for_word() -> None:
    assert as_json(RESULT, "a.hl7", "0" * 64) == {
        "path": "a.hl7",
        "sha256": "0" * 64,
        "format": "hl7v2-oru",
        "encoding": "utf-8",
        "problems": [],
        "reports": [
            {
                "status": "corrected",
                "kind": "structured",
                "order": {"placer": "D1", "filler": "F1"},
                "reported_at": "2026-03-11",
                "collected_at": "2026-03-11T07:45:00+01:00",
                "patient": {
                    "birth_name": "MOREAU",
                    "used_name": "LE BIHAN",
                    "first_given": "Hélène",
                    "given_names": ["Hélène", "Zoé"],
                    "birth_date": "1979-03-12",
                    "sex": "F",
                    "ins": {"matricule": "279035121518989", "oid": "1.2.250.1.213.1.4.10", "qualified": True},
                    "local_ids": [{"value": "P1", "authority": "LABO", "type": "PI"}],
                },
                "prescriber": {
                    "id": "D001",
                    "id_type": "local",
                    "family": "DURAND",
                    "given": "Paul",
                    "organisation": "",
                },
                "copies": [{"id": "", "id_type": "local", "family": "", "given": "", "organisation": "EHPAD"}],
                "recipients": ["a@b.test"],
                "addressee": {"id": "X", "label": "Dr X"},
                "observations": [
                    {
                        "code": "GLU",
                        "system": "L",
                        "text": "Glucose",
                        "loinc": "2345-7",
                        "type": "numeric",
                        "value": "0.5",
                        "raw": "< 0,5",
                        "comparator": "<",
                        "unit": "g/L",
                        "ucum": "g/L",
                        "low": "0.7",
                        "high": "1.1",
                        "range_text": "0,7 - 1,1",
                        "flags": ["L"],
                        "status": "F",
                        "comments": ["contrôlé"],
                        "group": "Biochimie",
                        "specimen": "Sérum",
                        "sub_id": "1",
                        "parent": None,
                        "alt": {"value": "2.8", "unit": "mmol/L", "ucum": None, "low": "3.9", "high": "6.1"},
                    },
                    {
                        "code": "",
                        "system": "",
                        "text": "CR",
                        "loinc": None,
                        "type": "document",
                        "value": "",
                        "raw": "",
                        "comparator": None,
                        "unit": "",
                        "ucum": None,
                        "low": "",
                        "high": "",
                        "range_text": "",
                        "flags": [],
                        "status": "",
                        "comments": [],
                        "group": "Biochimie",
                        "specimen": "Sérum",
                        "sub_id": "",
                        "parent": 0,
                        "alt": None,
                    },
                ],
                "comments": ["note"],
                "documents": [
                    {"media_type": "application/pdf", "bytes": 8, "sha256": hashlib.sha256(b"%PDF-1.4").hexdigest()}
                ],
                "problems": [{"code": "x", "severity": "warning", "where": "ligne 3", "message": "m"}],
            }
        ],
    }


def test_comments_of_orders_and_a_report_of_text_alone_are_told() -> None:
    [battery] = REPORT.batteries
    noted = replace(REPORT, batteries=(replace(battery, comments=("à jeun",)),), text="imprimé")
    text_alone = replace(Report(patient=Patient()), text="CULTURE STERILE")
    read = replace(RESULT, reports=(noted, text_alone))
    first, second = as_json(read, "a.hl7", "")["reports"]
    assert first["comments"] == ["note", "à jeun"]
    assert second["comments"] == ["CULTURE STERILE"]
    assert "CULTURE STERILE" in as_text(read, "a.hl7")
    assert "imprimé" not in as_text(read, "a.hl7")


def test_what_is_missing_is_null_or_empty() -> None:
    told = as_json(ReadResult(format="unknown", reports=(Report(patient=Patient()),)), "x", "")["reports"][0]
    assert told["prescriber"] is None
    assert told["addressee"] is None
    assert told["reported_at"] is None
    assert told["patient"]["ins"] is None
    assert told["patient"]["birth_date"] is None
    assert told["observations"] == told["documents"] == told["recipients"] == []


def test_every_sample_can_be_told_both_ways() -> None:
    for folder in ("hl7", "hprim_sante", "hprim_medecins"):
        for item in sample(folder).iterdir():
            if not item.name.lower().endswith((".hl7", ".hpr")):
                continue
            result = registry.read(item.read_bytes(), ReadContext())
            json.dumps(as_json(result, item.name, ""))
            text = as_text(result, item.name)
            assert text.endswith("\n")
            for report in result.reports:
                assert report.patient.birth_name in text
                count = len(report.observations)
                assert all(one.parent is None or 0 <= one.parent < count for one in report.observations)


def test_the_text_tells_result_flag_comment_and_problem() -> None:
    text = as_text(RESULT, "a.hl7")
    for expected in (
        "MOREAU (utilise LE BIHAN) Hélène Zoé",
        "corrigé",
        "11/03/2026 07:45",
        "< 0.5 g/L",
        "» contrôlé",
        "[ligne 3]",
    ):
        assert expected in text


def test_an_unknown_identity_reads_as_french() -> None:
    nobody = replace(REPORT, patient=Patient())
    text = as_text(ReadResult(format="hl7v2-oru", reports=(nobody,)), "a.hl7")
    assert "nom de naissance inconnu, sexe inconnu, date de naissance inconnue" in text
    lunar = replace(REPORT, patient=Patient(birth_name="A", birth_date_raw="19700000"))
    assert "A, sexe inconnu, né(e) le 19700000" in as_text(ReadResult(format="hl7v2-oru", reports=(lunar,)), "a.hl7")
