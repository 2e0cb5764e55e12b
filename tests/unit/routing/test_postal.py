"""Postal addresses as an envelope has them; the laboratory's table, and what is refused in it."""

from __future__ import annotations

import pytest

from dispatcher.errors import ConfigError
from dispatcher.report.model import Address, IdType
from dispatcher.routing.postal import COLUMNS, MOST_LINES, WIDTH, Postal, read_table

HEADER = ";".join(COLUMNS) + "\n"
DURAND = "RPPS;99700000013;;Dr Pierre DURAND;Cabinet du Port;12 quai de l'Essai;;29000;Quimper\n"


def test_six_lines_at_most_and_the_town_in_capitals() -> None:
    street = (
        "Centre hospitalier de la très longue presqu'île de Crozon",
        "Service",
        "12 rue de l'Essai",
        "BP 1",
        "CEDEX",
    )
    postal = Postal(name="Dr Hélène ŒILLET", address=Address(lines=street, postcode="29160", town="Saint-Évarzec"))
    assert len(postal.lines) == MOST_LINES and max(map(len, postal.lines)) <= WIDTH
    assert postal.lines[0] == "Dr Hélène ŒILLET" and postal.lines[-1] == "29160 SAINT-EVARZEC"
    assert not postal.complete, "what does not fit is told, not left out in silence"


@pytest.mark.parametrize(
    "address",
    [
        None,
        Address(postcode="29000", town="Quimper"),
        Address(lines=("1 rue",), town="Quimper"),
        Address(lines=("1 rue",), postcode="29000"),
    ],
)
def test_an_incomplete_address_is_told(address: Address | None) -> None:
    assert not Postal(name="Dr X", address=address).complete


def test_a_country_is_the_last_line() -> None:
    postal = Postal(
        name="Dr X", address=Address(lines=("1 rue",), postcode="1000", town="Bruxelles", country="Belgique")
    )
    assert postal.lines[-2:] == ("1000 BRUXELLES", "BELGIQUE") and postal.complete


def test_the_table_is_asked_by_number_and_a_code_is_of_its_source() -> None:
    table = read_table(HEADER + DURAND + "code;D1;sil-a;Dr UN;1 rue A;;;29000;Quimper\n", "adresses.csv")
    found = table.find([(IdType.RPPS, "99700000013")], "x")
    assert found is not None and found.complete and found.origin == "adresses.csv, ligne 2"
    assert found.lines == ("Dr Pierre DURAND", "Cabinet du Port", "12 quai de l'Essai", "29000 QUIMPER")
    assert table.find([(IdType.LOCAL, "D1")], "sil-a") is not None
    assert table.find([(IdType.LOCAL, "D1")], "sil-b") is None
    assert table.find([(IdType.RPPS, "")], "x") is None


def test_every_wrong_line_is_told() -> None:
    wrong = "nir;1;;X;1 rue;;;29000;Quimper\nRPPS;1;;X;;;;29000;Quimper\n"
    with pytest.raises(ConfigError) as raised:
        read_table(HEADER + DURAND + DURAND + wrong, "adresses.csv")
    assert [fault.partition(" :")[0] for fault in raised.value.faults] == ["ligne 3", "ligne 4", "ligne 5"]
    with pytest.raises(ConfigError, match="colonnes manquantes"):
        read_table("nom;ville\n", "adresses.csv")
