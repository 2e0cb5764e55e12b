"""Names compared without accents, particles and cuts; identifiers in bare and national form."""

from __future__ import annotations

import pytest

from dispatcher.report.folding import fold
from dispatcher.report.model import IdType
from dispatcher.routing.identities import bare_identifier, from_national_form, label_names, tokens
from dispatcher.routing.likeness import Name, agree


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("DURAND", "Paul"), ("Durand", "PAUL")),
        (("LEFEVRE", "ELOISE"), ("LEFÈVRE", "Éloïse")),
        (("BOEUF", "Solene"), ("BŒUF", "Solène")),
        (("DALMEIDA", "Marie Helene"), ("D'ALMEIDA", "Marie-Hélène")),
        (("MARTIN", "J-Paul"), ("MARTIN", "Jean-Paul")),
        (("DURAND", "Paul Jean"), ("DURAND", "Jean-Paul")),
        (("VANDENBROUKE", "Luc"), ("VANDENBROUCKE", "Luc")),
        (("BEN ALI", "Sami"), ("BENALI", "Sami")),
        (("MARTIN Anne", ""), ("MARTIN-DUPONT", "Anne")),
        (("Docteur ANNE MARTIN", ""), ("MARTIN", "Anne")),
        (("D ALMEIDA", "M-H"), ("D’ALMEIDA", "Marie-Hélène")),
        (("LEGOFF", "Y"), ("LE GOFF", "Yannick")),
        (("LATOUR", "H."), ("LA TOUR", "Hugues")),
        (("LATOUR", "Hugues"), ("DE LA TOUR", "Hugues")),
        (("TOUR (DE LA)", "H."), ("DE LA TOUR", "Hugues")),
        (("ST MARTIN", "Anne"), ("SAINT-MARTIN", "Anne")),
        (("MARTIN-DUPONT", "Anne"), ("MARTIN", "Anne")),
        (("DUPONT", "Anne"), ("MARTIN DUPONT", "Anne")),
        (("VANDENBROUCKE-D", "Luc"), ("VANDENBROUCKE-DESMARETS", "Luc")),
        (("VANDENBROUCKEDES", "Luc"), ("VANDENBROUCKE-DESMARETS", "Luc")),
        (("ALMEIDA", "Rita"), ("D'ALMEIDA", "Rita")),
        (("LEROUX", "Paul"), ("LE ROUX", "Paul")),
        (("Dr DURAND", "Paul"), ("DURAND", "Paul")),
        (("DURAND PAUL", ""), ("DURAND", "Paul")),
        (("Paul", "DURAND"), ("DURAND", "Paul")),
        (("DURAND", "JP"), ("DURAND", "Jean-Paul")),
        (("DURAND", "J.P."), ("DURAND", "Jean-Paul")),
        (("DURAND", "Fréd."), ("DURAND", "Frédéric")),
        (("DURAND", ""), ("DURAND", "Paul")),
        (("DURAND", "Paul"), ("DURAND", "")),
        (("DURAND", "JEAN PAUL"), ("DURAND", "Jean-Paul")),
    ],
)
def test_the_same_person_written_otherwise(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert agree(Name(*one), Name(*other))
    assert agree(Name(*other), Name(*one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("DURAND", "Paul"), ("PETIT", "Paul")),
        (("DURAND", "Paul"), ("DURAND", "Sophie")),
        (("DURAND", "P"), ("DURAND", "Sophie")),
        (("LEBLANC", "Paul"), ("BLANC", "Paul")),
        (("LE", "Paul"), ("LE GOFF", "Paul")),
        (("DUPOND", "Paul"), ("DUPONT", "Paul")),
        (("DURAND", "Jean"), ("DURAND", "Jeanne")),
        (("MARTIN", "Jean"), ("JEAN", "Pierre")),
        (("PETITJEAN", "Luc"), ("PETIT", "Luc")),
        (("DURAND", "Jean"), ("DURAND", "Jean-Paul")),
        (("DURAND", "Marie"), ("DURAND", "Marie-Hélène")),
        (("DURAND", "Michel"), ("DURAND", "Michèle")),
        (("DURAND", "Christian"), ("DURAND", "Christiane")),
        (("SAINT-MARTIN", "Luc"), ("SAINT-PAUL", "Luc")),
        (("LE GOFF", "Luc"), ("LE GALL", "Luc")),
        (("BEN ALI", "Sami"), ("BEN SAID", "Sami")),
        (("MARTIN-DUPONT", "A"), ("MARTIN", "Anne")),
        (("MARTIN-DUPONT", ""), ("MARTIN", "Anne")),
        (("Anne MARTIN", ""), ("MARTIN", "Alice")),
        (("MARTIN", "Stéphane"), ("MARTIN", "Stéphanie")),
        (("MARTIN", "Alexandre"), ("MARTIN", "Alexandra")),
        (("MARTIN", "Christian"), ("MARTIN", "Christina")),
        (("LE GALL", "Marie-José"), ("LE GALL", "Marie-Rose")),
        (("PETIT", "Jean-Noël"), ("PETIT", "Jean-Joël")),
        (("PETIT", "Anne-Lise"), ("PETIT", "Anne-Lisa")),
        (("ROUX", "Marie-Lise"), ("ROUX", "Marie-Lisa")),
        (("BERNARD", "Jean-Paul"), ("BERNARD", "Jean-Raul")),
        (("TRAN", "Thi Hong Lan"), ("TRAN", "Thi Hong Van")),
        (("NGUYEN", "Thi Hong Nga"), ("NGUYEN", "Thi Hong Nhu")),
        (("CHARPENTIER", "Paul"), ("CARPENTIER", "Paul")),
        (("BERTRAND", "Eva"), ("BERTRANDON", "Eva")),
        (("SCHNEIDER", "Eva"), ("SCHNEIDERS", "Eva")),
        (("CLEMENCEAU", "Luc"), ("CLEMENCEAUX", "Luc")),
        (("SAINT-JEAN", "Luc"), ("SAINT-JEANNE", "Luc")),
        (("LEGRANDJEAN", "Luc"), ("LEGRANDJEANNE", "Luc")),
        (("LE ROUX", "Paul"), ("ROUX", "Paul")),
        (("LE ROUX", ""), ("ROUX", "Paul")),
        (("LE BRUN", "Anne"), ("BRUN", "Anne")),
        (("DU BOIS", "Luc"), ("BOIS", "Luc")),
        (("BEN AMOR", "Ali"), ("AMOR", "Ali")),
        (("EL HADDAD", "Sami"), ("HADDAD", "Sami")),
        (("BEN HADDAD", "Sami"), ("EL HADDAD", "Sami")),
        (("MAC DONALD", "Ann"), ("DONALD", "Ann")),
        (("DA SILVA", "Ana"), ("SILVA", "Ana")),
        (("VAN DEN BERG", "Kees"), ("BERG", "Kees")),
        (("LATOUR", ""), ("DE LA TOUR", "Hugues")),
    ],
)
def test_someone_else(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not agree(Name(*one), Name(*other))
    assert not agree(Name(*other), Name(*one))


def test_labels() -> None:
    assert label_names("Docteur Éloïse LEFEVRE", "LEFÈVRE", "Éloïse")
    assert not label_names("Docteur Anne LEFEVRE", "LEFÈVRE", "Éloïse")
    assert not label_names("Dr MARTIN", "SAINT-MARTIN", "Anne")
    assert not label_names("Dr MARTIN", "", "")


def test_folding() -> None:
    assert fold("Œdème ÉÀç ß") == "oedeme eac ss"
    assert tokens("Pr. D'Hérouville-St-Clair") == ("d", "herouville", "saint", "clair")


@pytest.mark.parametrize(
    ("kind", "text", "bare"),
    [
        (IdType.RPPS, "899700000013", "99700000013"),
        (IdType.RPPS, " 99 700 000 013 ", "99700000013"),
        (IdType.RPPS, "999700000013", "999700000013"),
        (IdType.ADELI, "0990010001", "990010001"),
        (IdType.FINESS, "12A0000012", "2A0000012"),
        (IdType.FINESS, "2a0000012", "2A0000012"),
        (IdType.SIRET, "399900001100018", "99900001100018"),
        (IdType.LOCAL, " d-001 ", "d-001"),
    ],
)
def test_bare_identifiers(kind: IdType, text: str, bare: str) -> None:
    assert bare_identifier(kind, text) == bare


def test_national_forms() -> None:
    everything = frozenset(IdType) - {IdType.LOCAL}
    assert from_national_form("899700000013", everything) == (IdType.RPPS, "99700000013")
    assert from_national_form("1990004012", everything) == (IdType.FINESS, "990004012")
    assert from_national_form("99700000013", everything) is None
