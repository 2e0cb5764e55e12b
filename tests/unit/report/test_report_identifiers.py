"""Keys of national identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.report import identifiers as ids
from dispatcher.report.model import IdType


@pytest.mark.parametrize(
    "matricule", ["279035121518989", "146026322000196", "248098060602525", "2 79 03 51 215 189 89"]
)
def test_accepts_the_published_test_matricules(matricule: str) -> None:
    assert ids.nir_ok(matricule)


@pytest.mark.parametrize("matricule", ["189041233456712", "279035121518988", "27903512151898", "", "X79035121518989"])
def test_refuses_a_wrong_key_or_shape(matricule: str) -> None:
    assert not ids.nir_ok(matricule)


def test_corsica_counts_as_19_and_18() -> None:
    # 97 - (1800519012345 mod 97) and 97 - (1800518012345 mod 97), worked out by hand with bc.
    assert ids.nir_key("180052A012345") == f"{97 - 1800519012345 % 97:02d}"
    assert ids.nir_key("180052B012345") == f"{97 - 1800518012345 % 97:02d}"
    assert ids.nir_key("180052A012345") != ids.nir_key("180052B012345")


@given(st.from_regex(r"[12][0-9]{12}", fullmatch=True), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_never_passes(number: str, place: int, shift: int) -> None:
    key = ids.nir_key(number)
    assert key is not None
    whole = number + key
    assert ids.nir_ok(whole)
    changed = whole[:place] + str((int(whole[place]) + shift) % 10) + whole[place + 1 :]
    assert not ids.nir_ok(changed)


def test_knows_the_four_roots_and_which_are_for_tests() -> None:
    assert all(ids.ins_oid_ok(f"1.2.250.1.213.1.4.{n}") for n in (8, 9, 10, 11))
    assert not ids.ins_oid_ok("1.2.250.1.213.1.4.1")
    assert {"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"} == ids.TEST_INS_OIDS


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (IdType.RPPS, "10001234565", "10001234560"),
        (IdType.ADELI, "2A1234567", "A21234567"),
        (IdType.FINESS, "2B0001234", "2C0001234"),
        (IdType.FINESS, "750712184", "750712185"),
        (IdType.SIRET, "73282932000074", "73282932000075"),
        (IdType.SIRET, "35600000049837", "35600000049838"),
        (IdType.LOCAL, "DUR01", ""),
    ],
)
def test_national_identifiers(kind: IdType, good: str, bad: str) -> None:
    assert ids.identifier_ok(kind, good)
    assert not ids.identifier_ok(kind, bad)


def test_nine_characters_are_never_guessed() -> None:
    assert ids.kind_of("750712184") is IdType.LOCAL
    assert ids.kind_of("10001234565") is IdType.RPPS
    assert ids.kind_of("73282932000074") is IdType.SIRET
    assert ids.kind_of("DUR01") is IdType.LOCAL


@pytest.mark.parametrize("code", ["6690-2", "718-7", "2345-7", "11502-2", "2951-2"])
def test_accepts_real_loinc_codes(code: str) -> None:
    assert ids.loinc_ok(code)


@pytest.mark.parametrize("code", ["6690-3", "66902", "GLYJ", "6690-2 ", "1234567-1", ""])
def test_refuses_what_only_looks_like_loinc(code: str) -> None:
    assert not ids.loinc_ok(code)


def test_oid_shape() -> None:
    assert ids.oid_ok("1.2.250.1.213.1.4.8")
    assert not ids.oid_ok("1.02.3")
    assert not ids.oid_ok("1.2." + "1" * 130)


@given(st.text(max_size=30))
def test_no_text_makes_them_raise(text: str) -> None:
    for rule in (ids.nir_ok, ids.rpps_ok, ids.adeli_ok, ids.finess_ok, ids.siret_ok, ids.loinc_ok, ids.oid_ok):
        assert rule(text) in (True, False)
    ids.kind_of(text)
