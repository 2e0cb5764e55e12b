"""Mail domains in the one form they are compared in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.routing.domain_names import domain_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("mssante.fr", "mssante.fr"),
        ("  MSSANTE.FR. ", "mssante.fr"),
        ("a_b.exemple.fr", "a_b.exemple.fr"),
        ("Été.exemple.fr", "xn--t-9fab.exemple.fr"),
        ("e\u0301te\u0301.exemple.fr", "xn--t-9fab.exemple.fr"),
        ("ｍssante.fr", "mssante.fr"),
        ("mssante。fr", "mssante.fr"),
        ("ｍｓｓａｎｔｅ．ｆｒ", "mssante.fr"),
        ("été.exemple.fr。", "xn--t-9fab.exemple.fr"),
        ("\u00a0mssante.fr\u3000", "mssante.fr"),
        ("XN--T-9FAB.exemple.fr", "xn--t-9fab.exemple.fr"),
    ],
)
def test_one_form_for_every_writing(text: str, key: str) -> None:
    assert domain_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "fr",
        "a..fr",
        "-a.fr",
        "a b.fr",
        "a@b.fr",
        "a.fr\n",
        "straße.fr",
        "a" * 64 + ".fr",
        "x." * 130 + "fr",
        "é" * 64 + ".fr",
        "mssante.fr..",
        ".mssante.fr",
        "mssante .fr",
        "mss\u200bante.fr",
        "mss\u00adante.fr",
        "mssante.fr\u202e",
        "\ufeffmssante.fr",
        "mssante.fr\x00",
        "mssante.fr/",
        "mssante.fr:25",
        "[192.0.2.1]",
        "xn--mssante-.fr",
    ],
)
def test_what_is_no_mail_domain_matches_nothing(text: str) -> None:
    assert domain_key(text) is None or text.strip() != text


def test_a_look_alike_is_another_domain() -> None:
    """A Cyrillic а, and the A-label of something else."""
    assert domain_key("mss\u0430nte.fr") not in {None, "mssante.fr"}
    assert domain_key("xn--mssnte-3we.fr") != "mssante.fr"


@given(st.text(max_size=40))
def test_the_form_is_stable_and_never_raises(text: str) -> None:
    key = domain_key(text)
    if key is not None:
        assert domain_key(key) == key
        assert key == key.lower()
        assert key.isascii()
