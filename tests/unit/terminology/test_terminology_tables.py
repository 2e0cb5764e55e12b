"""The shipped tables keep the rules they were checked by, whoever edits them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import pytest

from dispatcher.report.identifiers import loinc_ok
from dispatcher.resources import mapping_text
from dispatcher.terminology.tables import SHIPPED_FILES, Terminology, TerminologyTexts, load
from dispatcher.terminology.units import OF_PROPERTY, legal_ucum


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(mapping_text("terminology", name)), delimiter=";"))


@pytest.fixture(scope="module")
def terms() -> Terminology:
    return load(TerminologyTexts.collect(lambda name: mapping_text("terminology", name)))


def snomed_ok(code: str) -> bool:
    """Verhoeff check digit (SNOMED CT technical guide, SCTID)."""

    def times(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
        return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5

    steps = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    while len(steps) < 8:
        steps.append([steps[-1][steps[1][j]] for j in range(10)])
    check = 0
    for place, char in enumerate(reversed(code)):
        check = times(check, steps[place % 8][int(char)])
    return check == 0


def test_every_loinc_code_has_a_good_check_digit_and_stands_once() -> None:
    codes = [row["loinc"] for row in rows("analyses.csv")]
    assert len(codes) == 668
    assert [code for code in codes if not loinc_ok(code)] == []
    assert [code for code, count in Counter(codes).items() if count > 1] == []
    antibiotics = [
        code
        for row in rows("antibiotics.csv")
        for code in (row["loinc_susceptibility"], row["loinc_mic"], row["loinc_disk"])
        if code
    ]
    assert all(map(loinc_ok, antibiotics))
    assert len(set(antibiotics)) == len(antibiotics)
    assert all(loinc_ok(row["loinc"]) for row in rows("chapters.csv") if row["loinc"] != "1443252")


def test_every_unit_of_an_analysis_is_official_and_fits_its_property(terms: Terminology) -> None:
    assert len(terms.ucum_list) == 761
    for row in rows("analyses.csv"):
        mapped = [pair.rpartition("=")[2] for pair in row["unit_map"].split("|") if pair]
        for unit in filter(None, (row["ucum"], row["ucum2"], *mapped)):
            assert unit in terms.ucum_list, row["loinc"]
        pattern = OF_PROPERTY.get(row["property_derived"])
        for unit in filter(None, (row["ucum"], row["ucum2"])):
            assert pattern is None or pattern.search(unit), (row["loinc"], unit)


def test_every_unit_text_stands_once_and_an_empty_unit_says_why(terms: Terminology) -> None:
    table = rows("units.csv")
    assert len({row["text"] for row in table}) == len(table)
    for row in table:
        assert (row["ucum"] in terms.ucum_list) if row["ucum"] else row["note"], row["text"]
        if row["ucum_with_annotation"]:
            assert legal_ucum(row["ucum_with_annotation"], terms.ucum_list), row["text"]


def test_every_text_of_the_unit_table_is_found_again(terms: Terminology) -> None:
    for row in rows("units.csv"):
        found = terms.unit(row["text"])
        assert found is not None, row["text"]
        assert found.ucum == row["ucum"], row["text"]


@pytest.mark.parametrize(
    ("text", "ucum"),
    [
        *((power, "10*9/L") for power in ("x10*9/L", "X 10^9/l", "10(9)/L", "10^(9)/L", "10**9/L", "10 exp 9/L")),
        *((power, "10*9/L") for power in ("10E+9/L", "10e09/l", "1e9/L", "10\\S\\9/L", "*10^9/litre", "x10 9/L")),
        *((power, "10*3/uL") for power in ("10*3/ul", "10³/mm³", "10^3/mm^3", "x10E3/uL")),
        ("fmol/l", "fmol/L"),
        ("kg/m²", "kg/m2"),
        ("mmol/litre", "mmol/L"),
        ("[g/L]", "g/L"),
        ("(mg/L)", "mg/L"),
        ("G/L.", "10*9/L"),
        ("U.I./L", "[IU]/L"),
        ("[IU]/L", "[IU]/L"),
        ("MMOL/L", "mmol/L"),
        ("micromol/l", "umol/L"),
    ],
)
def test_a_unit_is_known_however_it_is_written(terms: Terminology, text: str, ucum: str) -> None:
    found = terms.unit(text)
    assert found is not None
    assert found.ucum == ucum


@pytest.mark.parametrize(
    "text",
    [
        "S",
        "H",
        "G",
        "N",
        "AU",
        "A.U.",
        "n.s.",
        "mil/mm3",
        "MU/L",
        "100/L",
        "10/L",
        "10^/L",
        "M",
        "(",
        "[]",
        "10.",
        "MUI/mL",
    ],
)
def test_what_could_be_two_units_or_none_is_not_guessed(terms: Terminology, text: str) -> None:
    assert terms.unit(text) is None


def test_every_analysis_unit_is_found_as_that_analysis_wants_it(terms: Terminology) -> None:
    for row in rows("analyses.csv"):
        for pair in filter(None, row["unit_map"].split("|")):
            text, _, ucum = pair.rpartition("=")
            found = terms.unit(text, row["loinc"])
            assert found is not None
            assert found.ucum == ucum, (row["loinc"], text)


def test_specimens_and_flags_have_one_meaning_each() -> None:
    specimens = rows("specimens.csv")
    assert len({row["text_fr"] for row in specimens}) == len(specimens)
    assert all(re.fullmatch(r"[A-Z0-9]+", row["hl7_0487"]) for row in specimens)
    displays = {(row["hl7_0487"], row["display_official_fr"]) for row in specimens}
    assert len(displays) == len({code for code, _ in displays})
    flags = {
        (row["hl7_v3_code"], row["display_official_fr"]) for row in rows("interpretation.csv") if row["hl7_v3_code"]
    }
    assert len(flags) == len({code for code, _ in flags})


def test_organisms_have_a_good_snomed_check_digit() -> None:
    codes = [row["snomed_ct"] for row in rows("microorganisms.csv") if row["snomed_ct"]]
    assert codes
    assert all(map(snomed_ok, codes))


def test_chapters_of_the_analyses_exist() -> None:
    known = {row["loinc"] for row in rows("chapters.csv")}
    used = {code for row in rows("analyses.csv") for code in (row["chapter_loinc"], row["subchapter_loinc"]) if code}
    assert used <= known


def test_licence_notices_travel_with_the_tables() -> None:
    assert "LOINC is copyright" in mapping_text("terminology", "LOINC_short_license.txt")
    readme = mapping_text("README.md")
    for notice in ("LOINC is copyright", "UCUM is copyright", "SNOMED International", "SIL Open Font License"):
        assert notice in " ".join(readme.split())
    for name in SHIPPED_FILES.values():
        assert name in readme
