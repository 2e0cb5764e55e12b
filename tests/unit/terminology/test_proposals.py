"""What is proposed for a code, in which order, and why."""

from __future__ import annotations

import pytest

from dispatcher.resources import mapping_text
from dispatcher.terminology.entries import Missing, MissingKind, Proposal
from dispatcher.terminology.tables import Terminology, TerminologyTexts, load
from dispatcher.terminology.worksheet import worksheet


def make(**own: str) -> Terminology:
    texts = TerminologyTexts.collect(
        lambda name: mapping_text("terminology", name), lambda name: own.get(name.removesuffix(".csv"))
    )
    return load(texts)


TERMS = make()


def ask(code: str, label: str = "", unit: str = "", specimen: str = "", terms: Terminology = TERMS) -> list[Proposal]:
    return list(terms.propose(Missing(kind=MissingKind.CODE, code=code, label=label, unit=unit, specimen=specimen)))


@pytest.mark.parametrize(
    ("code", "label", "unit", "specimen", "loinc"),
    [
        ("GLY", "Glycémie", "g/L", "", "2345-7"),
        ("GLY", "Glycémie", "mmol/L", "", "14749-6"),
        ("X1", "Créatinine", "mmol/L", "urines", "14683-7"),
        ("X1", "Créatinine (urines)", "mmol/L", "", "14683-7"),
        ("X1", "Créatininémie", "µmol/L", "", "14682-9"),
        ("PROTU", "Protéines", "g/L", "urines", "2888-6"),
        ("X2", "Natriurèse", "mmol/L", "", "2955-3"),
        ("X3", "Protéinurie de 24 heures", "g/24h", "", "2889-4"),
        ("X4", "Numération des plaquettes", "G/L", "", "777-3"),
        ("X5", "Transaminases SGPT", "UI/L", "", "1742-6"),
        ("LEU", "Leucocytes", "G/L", "", "6690-2"),
        ("X6", "Leucocytes", "/mm3", "", "6690-2"),
        ("X7", "Albumine", "mg/g", "urines", "9318-7"),
        ("FER", "Fer sérique", "µmol/L", "", "14798-3"),
        ("CIP", "Ciprofloxacine", "mg/L", "", "185-9"),
        ("AMX", "Amoxicilline", "", "", "18861-5"),
    ],
)
def test_the_likeliest_comes_first(code: str, label: str, unit: str, specimen: str, loinc: str) -> None:
    offered = ask(code, label, unit, specimen)
    assert offered[0].loinc == loinc, offered
    assert [one.score for one in offered] == sorted((one.score for one in offered), reverse=True)


def test_each_proposal_says_what_spoke_for_it() -> None:
    reason = ask("NA", "Sodium", "mmol/L", "sérum")[0].reason
    for part in ("code « NA »", "libellé « Sodium »", "unité mmol/L", "milieu SER", "À confirmer"):
        assert part in reason
    assert "vérifier SER" in ask("NA", "Sodium")[0].reason
    assert "partagé" in ask("X", "Cholestérol total", "g/L")[0].reason


def test_what_the_unit_or_the_specimen_contradicts_is_not_proposed() -> None:
    assert ask("NA", "Sodium", "g/L") == []
    assert ask("NA", "Sodium", "mmol/L", "selles") == []
    assert "14684-5" not in {one.loinc for one in ask("X", "Créatinine urinaire", "mmol/L")}
    assert {one.specimen for one in ask("X", "Leucocytes", "/mL", "urines")} == {"UR"}


def test_a_ratio_is_not_offered_for_one_of_its_parts() -> None:
    for unit in ("g/L", ""):
        offered = ask("X", "Protéines", unit, "urines")
        assert offered and all("Rapport" not in one.usual for one in offered)


def test_nothing_is_invented() -> None:
    assert ask("ZZZ", "Analyse inventée") == []
    assert ask("", "") == []


HEADER = "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\n"


def test_what_a_biologist_said_before_counts() -> None:
    codes = HEADER + "labo-a;ZZ1;Truc;mmol/L;;14749-6;Dr A;2026-01-05;\n"
    confirmed = ask("ZZ1", "Truc maison", "mmol/L", terms=make(codes=codes))
    assert confirmed[0].loinc == "14749-6"
    assert "ligne 2" in confirmed[0].reason
    refused = make(refus="source;code;loinc;refuse_par;refuse_le\n;GLY;2345-7;Dr A;2026-01-05\n")
    assert "2345-7" not in {one.loinc for one in ask("GLY", "Glycémie", "g/L", terms=refused)}
    assert ask("GLYC", "Glycémie", "g/L", terms=refused)[0].loinc == "2345-7"


def test_most_analyses_are_found_by_any_of_their_own_names() -> None:
    asked = right = 0
    for analysis in TERMS.analyses.values():
        for name in analysis.short_labels:
            offered = ask("X", name, analysis.ucum, analysis.specimen)
            asked += 1
            right += analysis.loinc in {one.loinc for one in offered[:3]}
    assert asked > 1000
    assert right / asked > 0.97


def test_an_empty_list_is_a_header() -> None:
    assert worksheet([]).startswith(
        "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire;fois"
    )
