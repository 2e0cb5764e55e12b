"""Mail domains in the one form they are compared in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.directory.trust.domain_names import domain_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("mssante.fr", "mssante.fr"),
        ("  MSSANTE.FR. ", "mssante.fr"),
        ("a_b.exemple.fr", "a_b.exemple.fr"),
        ("Été.exemple.fr", "xn--t-9fab.exemple.fr"),
        ("e\u0301te\u0301.exemple.fr", "xn--t-9fab.exemple.fr"),
        ("ｍssante.fr", "mssante.fr"),
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
    ],
)
def test_what_is_no_mail_domain_matches_nothing(text: str) -> None:
    assert domain_key(text) is None or text.strip() != text


@given(st.text(max_size=40))
def test_the_form_is_stable_and_never_raises(text: str) -> None:
    key = domain_key(text)
    if key is not None:
        assert domain_key(key) == key
        assert key == key.lower()
        assert key.isascii()
