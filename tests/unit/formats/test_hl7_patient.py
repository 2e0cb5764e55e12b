"""PID and PV1: names, traits, INS, other numbers."""

from __future__ import annotations

from datetime import date

import pytest

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.hl7.patient import patient
from dispatcher.report.model import Ins, LocalId, Patient, Sex

HL7 = Separators()
INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"


def pid(**fields: str) -> Segment:
    """``pid(f5="A^B")``: a PID with these fields."""
    cells = [""] * 41
    for name, value in fields.items():
        cells[int(name[1:])] = value
    return Segment("PID" + "|".join(cells), 2, HL7)


def read(**fields: str) -> tuple[Patient, list[str]]:
    notes = Notes()
    found = patient(pid(**fields), None, notes)
    return found, [problem.code for problem in notes.problems]


@pytest.mark.parametrize(
    ("f5", "f9", "birth", "used", "given"),
    [
        ("MARTIN^Anne", "", "MARTIN", "", ("Anne",)),
        ("MARTIN^Anne^^^^^L", "", "MARTIN", "", ("Anne",)),
        ("MARTIN^Anne^Anne Lise Marie^^^^L~DURAND^Anne^^^^^D", "", "MARTIN", "DURAND", ("Anne", "Lise", "Marie")),
        ("DURAND^Anne^^^^^D~MARTIN^Anne^^^^^L", "", "MARTIN", "DURAND", ("Anne",)),
        ("DURAND^Anne^^^^^L~MARTIN^Anne^^^^^M", "", "MARTIN", "DURAND", ("Anne",)),
        ("DURAND^Anne^^^^^D", "MARTIN^Anne^^^^^L", "MARTIN", "DURAND", ("Anne",)),
        ("DURAND^Anne^^^^^D", "MARTIN^Anne", "MARTIN", "DURAND", ("Anne",)),
        ("DURAND^Anne", "MARTIN^Anne^^^^^M", "MARTIN", "DURAND", ("Anne",)),
        ("MARTIN^Anne^^^^^L", "MARTIN^Nanou^^^^^A", "MARTIN", "", ("Anne",)),
        ("MARTIN^Anne^^^^^L~martin^Anne^^^^^D", "", "MARTIN", "", ("Anne",)),
        ("MARTIN^Jean-Pierre^Paul,Luc", "", "MARTIN", "", ("Jean-Pierre", "Paul", "Luc")),
        ("MARTIN^Jean Pierre^Jean Pierre Paul", "", "MARTIN", "", ("Jean Pierre", "Paul")),
        ("van der Berg&van der&Berg^Eva", "", "van der Berg", "", ("Eva",)),
        ("", "MARTIN^Anne", "MARTIN", "", ("Anne",)),
        ("", "", "", "", ()),
    ],
)
def test_names(f5: str, f9: str, birth: str, used: str, given: tuple[str, ...]) -> None:
    found, _ = read(f5=f5, f9=f9)
    assert (found.birth_name, found.used_name, found.given_names) == (birth, used, given)


def test_the_used_given_name_is_kept_when_it_differs() -> None:
    found, _ = read(f5="MARTIN^Jean^^^^^L~MARTIN^Jeanne^^^^^D")
    assert (found.first_given, found.used_given) == ("Jean", "Jeanne")


@pytest.mark.parametrize(
    ("text", "day", "raw", "codes"),
    [
        ("19790312", date(1979, 3, 12), "", []),
        ("197903120830", date(1979, 3, 12), "", []),
        ("1979", None, "1979", ["unreadable-birth-date"]),
        ("00000000", None, "00000000", ["unreadable-birth-date"]),
        ("19794204", None, "19794204", ["unreadable-birth-date"]),
        ("", None, "", []),
    ],
)
def test_birth_dates(text: str, day: date | None, raw: str, codes: list[str]) -> None:
    found, problems = read(f7=text)
    assert (found.birth_date, found.birth_date_raw, problems) == (day, raw, codes)


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("F", Sex.FEMALE),
        ("m", Sex.MALE),
        ("Femme", Sex.FEMALE),
        ("H", Sex.MALE),
        ("F^Female^HL70001", Sex.FEMALE),
        ("", Sex.UNKNOWN),
    ],
)
def test_sex(text: str, sex: Sex) -> None:
    assert read(f8=text)[0].sex is sex


def test_an_unknown_sex_is_told() -> None:
    found, codes = read(f8="2")
    assert (found.sex, codes) == (Sex.UNKNOWN, ["unknown-sex"])


TRAITS = {"f5": "MOREAU^Hélène^^^^^L", "f7": "19790312", "f8": "F"}


def test_ins_is_qualified_by_vali_with_all_traits() -> None:
    found, codes = read(f3=f"P1^^^LABO^PI~{INS}", f32="VALI", **TRAITS)
    assert found.ins == Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True)
    assert found.local_ids == (LocalId(value="P1", authority="LABO", type="PI"),)
    assert codes == []


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"f32": "PROV"}, []),
        ({"f32": ""}, []),
        ({"f32": "VALI", "f7": ""}, ["incomplete-ins-traits"]),
        ({"f32": "VALI", "f8": "U"}, ["incomplete-ins-traits"]),
        ({"f32": "VALI", "f5": "MOREAU^^^^^^L"}, ["incomplete-ins-traits"]),
        ({"f32": "VALI", "f3": INS.replace("989", "988")}, ["invalid-ins"]),
        ({"f32": "VALI", "f3": INS.replace("279035121518989", "2790351215189")}, ["invalid-ins"]),
    ],
)
def test_anything_missing_leaves_it_unqualified(change: dict[str, str], codes: list[str]) -> None:
    found, problems = read(**{"f3": INS, **TRAITS, **change})
    assert found.ins is not None
    assert not found.ins.qualified
    assert problems == codes


@pytest.mark.parametrize(
    "cx",
    [
        "2 79 03 51 215 189 89^^^ASIP-SANTE-INS-NIR& 1.2.250.1.213.1.4.10 &ISO^INS",
        "2790351215189^89^^INS&1.2.250.1.213.1.4.10&ISO^INS",
        "279035121518989^^^&1.2.250.1.213.1.4.10&ISO",
        "279035121518989^^^1.2.250.1.213.1.4.10^INS",
    ],
)
def test_ins_is_known_by_its_oid_with_stray_blanks(cx: str) -> None:
    found, _ = read(f3=cx)
    assert found.ins == Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10")


def test_ins_named_without_oid_takes_the_oid_of_its_name() -> None:
    found, _ = read(f3="279035121518989^^^ASIP-SANTE-INS-NIA^INS")
    assert found.ins is not None
    assert found.ins.oid == "1.2.250.1.213.1.4.9"


@pytest.mark.parametrize("cx", ["279035121518989^^^^INS", "279035121518989^^^CPAM^SS", "279035121518989^^^INSEE^NH"])
def test_a_nir_without_oid_is_a_billing_number_only(cx: str) -> None:
    found, _ = read(f3=cx)
    assert (found.ins, found.nss, found.local_ids) == (None, "279035121518989", ())


def test_the_good_key_wins_and_nir_goes_before_nia() -> None:
    nia = INS.replace("INS-NIR&1.2.250.1.213.1.4.10", "INS-NIA&1.2.250.1.213.1.4.9")
    found, _ = read(f3=f"{nia}~{INS}")
    assert found.ins is not None
    assert found.ins.oid == "1.2.250.1.213.1.4.10"


def test_numbers_of_visit_account_and_insured() -> None:
    notes = Notes()
    pv1 = Segment("PV1|1|O" + "|" * 17 + "V9^^^HOP&1.2.3.4&ISO^VN", 3, HL7)
    found = patient(
        pid(f2="X1", f3="P1^^^LABO&1.2.250.1.999&ISO^PI", f18="A7", f19="2 79 03 51 215 189 89"), pv1, notes
    )
    assert found.local_ids == (
        LocalId(value="P1", authority="1.2.250.1.999", type="PI"),
        LocalId(value="X1", authority="", type=""),
        LocalId(value="A7", authority="", type="AN"),
        LocalId(value="V9", authority="1.2.3.4", type="VN"),
    )
    assert found.nss == "279035121518989"


@pytest.mark.parametrize(
    "place", ["^^PARIS 01^75101^75001^FRA^BDL^^75101", "^^REIMS^^^^BDL^^51454", "^^^^^^BDL^^2A004"]
)
def test_birth_place_is_the_insee_code(place: str) -> None:
    found, _ = read(f11=f"3 rue X^^LYON^^69001^FRA^H~{place}")
    assert found.birth_place in ("75101", "51454", "2A004")
    assert found.address is not None
    assert (found.address.lines, found.address.postcode, found.address.town) == (("3 rue X",), "69001", "LYON")


def test_phones_in_old_and_new_components_without_mail() -> None:
    found, _ = read(f13="0298000001~^PRN^PH^^^^^^^^^0298000002~^NET^Internet^a@b.fr", f14="^WPN^PH^^33^2^98000003")
    assert found.phones == ("0298000001", "0298000002", "2 98000003")


def test_problems_never_quote_the_patient() -> None:
    notes = Notes()
    patient(pid(f3=INS.replace("989", "988"), f5="SECRETNAME^X", f7="19794204", f8="9", f32="VALI"), None, notes)
    told = " ".join(problem.message + problem.where for problem in notes.problems)
    assert len(notes.problems) >= 3
    assert "SECRETNAME" not in told
    assert "27903" not in told
    assert "19794204" not in told
