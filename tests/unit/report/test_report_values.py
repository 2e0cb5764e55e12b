"""Numbers and ranges as French laboratories write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.report.values import Number, Range, as_decimal, parse_number, parse_range, side_of_range


@pytest.mark.parametrize(
    ("text", "comparator", "value"),
    [
        ("1,32", "", "1.32"),
        ("0.70", "", "0.70"),
        (" 05 ", "", "5"),
        ("+2,5", "", "2.5"),
        ("−3,2", "", "-3.2"),
        (".5", "", "0.5"),
        ("5.", "", "5"),
        ("12 500", "", "12500"),
        ("12\u202f500,5", "", "12500.5"),
        ("< 0,5", "<", "0.5"),
        ("<=5", "<=", "5"),
        ("=<5", "<=", "5"),
        ("≤ 5", "<=", "5"),
        ("≥60", ">=", "60"),
        ("Inf. à 5", "<", "5"),
        ("INFERIEUR A 0,10", "<", "0.10"),
        ("moins de 5", "<", "5"),
        ("sup. ou égal à 60", ">=", "60"),
        ("supérieur à 90", ">", "90"),
        ("1,2E3", "", "1200"),
        ("1.5E-3", "", "0.0015"),
        ("> 10^5", ">", "100000"),
        ("10⁵", "", "100000"),
        ("1,5 x 10^3", "", "1500"),
    ],
)
def test_reads_a_number_without_losing_a_digit(text: str, comparator: str, value: str) -> None:
    assert parse_number(text) == Number(comparator, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "+",
        "+++",
        "--",
        "1/160",
        "1 2",
        "1-2",
        "5 mg",
        "5 H",
        "2024-01-01",
        "1 234 5",
        "1.234,5",
        "1e999",
        "٣",
    ],
)
def test_anything_else_stays_text(text: str) -> None:
    assert parse_number(text) is None


def test_never_chooses_between_ten_to_the_five_and_ten_to_the_six() -> None:
    assert parse_number("10E5") is None
    assert parse_number("> 10e5") is None
    assert parse_number("1E5") == Number("", "100000")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("10 à 40", "10", "40"),
        ("10-40", "10", "40"),
        ("3,5 – 5,0", "3.5", "5.0"),
        ("[3,5 - 5,0]", "3.5", "5.0"),
        ("]3,5 ; 5,0[", "3.5", "5.0"),
        ("(N: 4,0 à 10,0)", "4.0", "10.0"),
        ("VR : 3,5-5", "3.5", "5"),
        ("Valeurs de référence : 3,5-5", "3.5", "5"),
        ("entre 10 et 40", "10", "40"),
        ("-2,5 à +2,5", "-2.5", "2.5"),
        ("-2--1", "-2", "-1"),
        ("4 000 - 10 000", "4000", "10000"),
        ("10 < x < 40", "10", "40"),
        ("> 3,5 et < 5,0", "3.5", "5.0"),
        ("10^3 - 10^5", "1000", "100000"),
        ("Inf. à 5", "", "5"),
        ("< 5", "", "5"),
        ("<= 0,5", "", "0.5"),
        ("jusqu'à 5", "", "5"),
        (">= 60", "60", ""),
        ("Supérieur à 90", "90", ""),
        ("7-5.7", "7", "5.7"),
    ],
)
def test_reads_a_reference_range(text: str, low: str, high: str) -> None:
    assert parse_range(text) == Range(low, high)


@pytest.mark.parametrize("text", ["", "40", "-40", "10-", "Négatif", "150 400", "H : 13-17 F : 12-16", "13-17 12-16"])
def test_words_and_several_ranges_give_no_bounds(text: str) -> None:
    assert parse_range(text) is None


def test_a_range_in_another_unit_gives_no_bounds() -> None:
    assert parse_range("3,89 - 6,11 mmol/L", "mmol/l") == Range("3.89", "6.11")
    assert parse_range("3,89 - 6,11 mmol/L", "g/L") is None
    assert parse_range("3,89 - 6,11 mmol/L") is None
    assert parse_range("< 5 mg/L", "mg/L") == Range("", "5")


def test_labels_and_or_equal_of_reports_are_understood() -> None:
    assert parse_range("> ou = 3") == Range("3", "")
    assert parse_range("VN : < 5") == Range("", "5")


@pytest.mark.parametrize(
    ("value", "comparator", "low", "high", "side"),
    [
        ("1.32", "", "0.70", "1.10", "H"),
        ("0.5", "", "0.70", "1.10", "L"),
        ("0.70", "", "0.70", "1.10", "N"),
        ("5", "<", "3", "", ""),
        ("5", "<", "5", "", "L"),
        ("3", "<", "", "5", "N"),
        ("90", ">", "", "60", "H"),
        ("60", ">=", "", "60", ""),
        ("90", ">", "60", "", "N"),
        ("90", ">", "60", "120", ""),
        ("1", "", "", "", ""),
        ("texte", "", "1", "2", ""),
    ],
)
def test_says_on_which_side_of_the_range_only_when_certain(
    value: str, comparator: str, low: str, high: str, side: str
) -> None:
    assert side_of_range(value, comparator, low, high) == side


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_every_plain_decimal_survives_point_or_comma(number: Decimal) -> None:
    for text in (f"{number:f}", f"{number:f}".replace(".", ",")):
        read = parse_number(text)
        assert read is not None
        assert as_decimal(read.value) == number
        assert read.value.lstrip("-").partition(".")[2] == f"{number:f}".partition(".")[2]


@given(st.text(max_size=300))
def test_never_raises_and_only_gives_exact_numbers(text: str) -> None:
    number, bounds = parse_number(text), parse_range(text, text[-3:])
    if number is not None:
        assert as_decimal(number.value) is not None
    if bounds is not None:
        assert bounds.low or bounds.high
        assert all(as_decimal(side) is not None for side in (bounds.low, bounds.high) if side)
