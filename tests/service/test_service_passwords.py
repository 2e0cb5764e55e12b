"""Which passwords are taken (NIST SP 800-63B): length, and not among the first that anybody tries."""

from __future__ import annotations

import unicodedata

import pytest

from dispatcher.service.passwords import LONGEST, faults, normal


@pytest.mark.parametrize(
    "password",
    [
        "cheval correct pile agrafe",
        "le chat de la voisine ronfle",
        "kZ8!tq2Lw0#m",
        "xkqvbwpzrtmn",
        "été à la mer près du phare",
        "739205518264",
        "x" * 8 + "ykqvbw" * 2 + "zp",
    ],
)
def test_long_enough_and_not_common_is_taken(password: str) -> None:
    """No rule about capitals, figures and signs."""
    assert faults(password, "marie.durand") == ()


@pytest.mark.parametrize("password", ["", "court", "onze caract"])
def test_twelve_characters_at_least(password: str) -> None:
    assert "12 caractères" in faults(password)[0]


def test_a_very_long_one_is_refused_and_not_cut() -> None:
    assert faults("xkqvbwpz" * (LONGEST // 8 + 1)) != ()


@pytest.mark.parametrize(
    "password",
    [
        *("motdepasse2024", "Motdepasse2024!", "M0tD3P@sse2024", "password1234", "P@ssw0rd2024!!", "passwordpassword"),
        *("azertyuiop123", "AZERTYUIOPQSDF", "123456789012", "210987654321", "abcdefghijkl", "1qaz2wsx3edc"),
        *("aaaaaaaaaaaa", "abababababab", "bonbonbonbon", "!!!!!!!!!!!!", "bonjour bonjour"),
        *("laboratoire2026", "Administrateur1", "apicrypt-mssante", "jetaimemonamour", "octobre2026!", "&é\"'(-è_çà)="),
        *("dispatcher2026", "changezmoi123"),
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert len(faults(password)) == 1


@pytest.mark.parametrize(
    "password", ["marie.durand99xkq", "XMarie.DurandX7q", "durand2026durand", "marie-durand-26", "MarieDurand1985"]
)
def test_the_name_of_the_account_is_refused(password: str) -> None:
    assert faults(password, "marie.durand") != ()


def test_a_short_name_may_stand_in_it_by_chance() -> None:
    assert faults("xkqvbleawpzrtmn", "lea") == ()
    assert faults("lea123456789", "lea") != ()


def test_two_keyboards_write_one_password() -> None:
    composed = unicodedata.normalize("NFC", "été près du phare")
    assert normal(unicodedata.normalize("NFD", composed)) == normal(composed)
