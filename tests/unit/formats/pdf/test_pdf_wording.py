"""How dates, numbers, ranges and flags are printed; which characters may be."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import RenderError
from dispatcher.formats.pdf import wording
from dispatcher.formats.pdf.glyphs import Glyphs, normalise
from dispatcher.report.model import Code, Ins, Observation, Patient, Practitioner, Sex, ValueType
from dispatcher.resources import mapping_text

GLYPHS = Glyphs.parse(mapping_text("fonts", "coverage.txt"))


@pytest.mark.parametrize(
    ("low", "high", "text", "printed"),
    [
        ("0.70", "1.10", "0.70 - 1.10", "0,70 – 1,10"),
        ("0.70", "1.10", "", "0,70 – 1,10"),
        ("", "5", "Inf. à 5.5", "Inf. à 5.5"),
        ("", "5.5", "Inf. à 5.5", "Inf. à 5,5"),
        ("", "5", "", "≤\u00a05"),
        ("60", "", "> 60", "> 60"),
        ("", "", "Négatif", "Négatif"),
        ("", "", "H : 13-17  F : 12-16", "H : 13-17 F : 12-16"),
        ("3.89", "6.11", "3,89 - 6,11 mmol/L", "3,89 - 6,11 mmol/L"),
        ("", "", "", ""),
    ],
)
def test_reference_ranges_keep_the_laboratorys_words(low: str, high: str, text: str, printed: str) -> None:
    assert wording.bounds(low, high, text, "g/L") == printed


@pytest.mark.parametrize(
    ("fields", "printed"),
    [
        ({"value": "1.32", "type": ValueType.NUMERIC}, "1,32"),
        ({"value": "0.5", "comparator": "<=", "type": ValueType.NUMERIC}, "≤\u00a00,5"),
        ({"value": "250000", "type": ValueType.NUMERIC}, "250\u00a0000"),
        ({"value": "9999", "type": ValueType.NUMERIC}, "9999"),
        ({"value": "0.000012", "type": ValueType.NUMERIC}, "0,000012"),
        ({"value": "version 1.2 du protocole"}, "version 1.2 du protocole"),
        ({"value": "2026-10-01", "type": ValueType.TEXT}, "01/10/2026"),
        ({"value": "2026-11-03T07:30:00+01:00", "type": ValueType.TEXT}, "03/11/2026 à 07:30"),
        ({"value": "2026-10-01 selon la patiente", "type": ValueType.TEXT}, "2026-10-01 selon la patiente"),
        ({"value": "2026-13-01", "type": ValueType.TEXT}, "2026-13-01"),
        ({"value": "", "status": "X"}, "non réalisé"),
        ({"value": "", "status": "I"}, "en cours"),
        ({"value": "1.32", "type": ValueType.NUMERIC, "status": "W"}, "résultat annulé"),
        ({"value": "", "type": ValueType.CODED, "value_code": Code(code="R", text="Résistant")}, "Résistant"),
    ],
)
def test_results(fields: dict[str, object], printed: str) -> None:
    assert wording.result(Observation(code=Code(), **fields)) == printed  # type: ignore[arg-type]


def test_flags_are_a_sign_and_a_letter() -> None:
    assert wording.flags(("H",)) == "▲ H"
    assert wording.flags(("LL", "D")) == "▼▼ LL D"
    assert wording.flags(("N",)) == ""
    assert wording.alarming(("R",))
    assert not wording.alarming(("S", "N"))


def test_moments_are_read_in_paris() -> None:
    assert wording.moment(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == "02/07/2026 à 00:30"
    assert wording.moment(datetime(2026, 1, 1, 23, 0, tzinfo=UTC)) == "02/01/2026"
    assert wording.moment(date(2026, 3, 11)) == "11/03/2026"
    assert wording.moment(None) == ""


@pytest.mark.parametrize(
    ("birth", "on", "printed"),
    [
        (date(1979, 3, 12), date(2026, 3, 11), "46 ans"),
        (date(1979, 3, 12), date(2026, 3, 12), "47 ans"),
        (date(2025, 1, 1), date(2026, 3, 11), "14 mois"),
        (date(2026, 3, 10), date(2026, 3, 11), "1 jour"),
        (date(2027, 1, 1), date(2026, 3, 11), ""),
    ],
)
def test_ages(birth: date, on: date, printed: str) -> None:
    assert wording.age(birth, on) == printed


def test_only_a_qualified_ins_with_its_key_is_printed() -> None:
    good = Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.8", qualified=True)
    assert wording.ins(Patient(ins=good)).replace("\u00a0", " ") == "2 79 03 51 215 189 89 (NIR)"
    assert wording.ins(Patient(ins=Ins(matricule=good.matricule, oid=good.oid))) == ""
    assert wording.ins(Patient(ins=Ins(matricule="279035121518988", oid=good.oid, qualified=True))) == ""
    assert wording.ins(Patient(ins=None)) == ""


def test_people_and_birth() -> None:
    assert wording.person(Practitioner(title="DR", family="Durand", given="Paul")) == "Dr DURAND Paul"
    assert wording.person(Practitioner(organisation="EHPAD Les Tilleuls")) == "EHPAD Les Tilleuls"
    assert wording.born(Patient(sex=Sex.MALE, birth_date=date(1979, 3, 12)), None) == "Né le 12/03/1979"
    assert wording.born(Patient(birth_date_raw="31/13/1941"), None) == "Né(e) le 31/13/1941"


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("e\u0301", "é"),
        ("−3", "-3"),
        ("10⁻³", "10^-3"),
        ("10⁹/L", "10⁹/L"),
        ("37 ℃", "37 °C"),
        ("12\u202f500", "12\u00a0500"),
        ("l\u0092examen", "l’examen"),
        ("\ufeffa\u200bb\x00", "ab"),
        ("a\r\nb", "a\nb"),
        ("œ ≥ ▲ µ Ω", "œ ≥ ▲ µ Ω"),
        ("NGUYỄN Thị", "NGUYỄN Thị"),
        ("μmol", "µmol"),
        ("☐ oui ☒ non", "[ ] oui [x] non"),
    ],
)
def test_characters_get_one_spelling(text: str, drawn: str) -> None:
    assert GLYPHS.clean(text) == drawn


@pytest.mark.parametrize("sign", ["\u2b1a", "\ufffd", "ش", "漢", "😀", "✓"])
def test_a_sign_that_would_be_lost_is_refused_by_its_number_alone(sign: str) -> None:
    with pytest.raises(RenderError) as caught:
        GLYPHS.clean(f"MARTINEAU {sign}")
    assert caught.value.code == "pdf-character"
    assert f"U+{ord(sign):04X}" in caught.value.message
    assert "MARTINEAU" not in str(caught.value)


@given(st.text(max_size=60))
def test_cleaning_keeps_or_refuses_and_is_settled_after_one_turn(text: str) -> None:
    try:
        drawn = GLYPHS.clean(text)
    except RenderError:
        return
    assert GLYPHS.missing(drawn) == ()
    assert GLYPHS.clean(drawn) == drawn
    letters = [char for char in normalise(text) if char.isascii() and char.isalnum()]
    assert [char for char in drawn if char.isascii() and char.isalnum()][: len(letters)] or not letters
