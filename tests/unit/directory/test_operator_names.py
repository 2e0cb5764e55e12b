"""Certificate names of operators, as the list writes them."""

from __future__ import annotations

import pytest

from dispatcher.directory.trust.operator_names import operator_key

ONE = "CN=a.mssante.fr,OU=339900000,O=CLINIQUE ESSAI, SA,ST=Finistère (29),C=FR"


@pytest.mark.parametrize(
    "other",
    [
        ONE,
        "CN=a.mssante.fr, OU=339900000, O=CLINIQUE ESSAI, SA, ST=Finistère (29), C=FR",
        "cn = A.mssante.fr,ou=339900000,o=Clinique  Essai,  SA,st=FINISTÈRE (29),c=fr",
        "CN=a.mssante.fr,OU=339900000,O=CLINIQUE ESSAI\\, SA,ST=Finistère (29),C=FR ",
    ],
)
def test_spelling_makes_no_other_name(other: str) -> None:
    assert operator_key(other) == operator_key(ONE)


@pytest.mark.parametrize(
    "other",
    [
        "CN=b.mssante.fr,OU=339900000,O=CLINIQUE ESSAI, SA,ST=Finistère (29),C=FR",
        "CN=a.mssante.fr,OU=339900001,O=CLINIQUE ESSAI, SA,ST=Finistère (29),C=FR",
        "CN=a.mssante.fr,OU=339900000,O=CLINIQUE ESSAI SA,ST=Finistère (29),C=FR",
        "CN=a.mssante.fr",
        "",
        "a.mssante.fr",
    ],
)
def test_another_name_stays_another(other: str) -> None:
    assert operator_key(other) != operator_key(ONE)


def test_a_comma_in_a_value_is_no_new_part() -> None:
    assert operator_key("CN=a,O=b, c=d") != operator_key("CN=a,O=b\\, c\\=d")
