"""The "circuit de la biologie" in every shape it may come in, and what it changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.resources import mapping_text
from dispatcher.terminology.circuit import render
from dispatcher.terminology.circuit_files import CircuitFile, read_circuit
from dispatcher.terminology.entries import Missing, MissingKind
from dispatcher.terminology.sheets import SheetError
from dispatcher.terminology.tables import Terminology, TerminologyTexts, load

NAME = "Sodium [Moles/Volume] Sérum/Plasma ; Numérique"
CONCEPTS = [
    {"code": "2951-2", "display": "Sodium", "designation": [{"language": "fr-FR", "value": NAME}]},
    {"code": "718-8", "display": "clé fausse"},
    {"code": "2951-2", "display": "double"},
]
VALUE_SET = {
    "resourceType": "ValueSet",
    "version": "20260301",
    "compose": {
        "include": [
            {"system": "http://loinc.org", "concept": CONCEPTS},
            {"system": "http://snomed.info/sct", "concept": [{"code": "112283007"}]},
        ]
    },
}
EXPANSION = {
    "resourceType": "ValueSet",
    "expansion": {"contains": [{"system": "http://loinc.org", "code": "2951-2", "display": NAME}]},
}
CODE_SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "https://smt.esante.gouv.fr/terminologie-loinc",
    "concept": [
        {
            "code": "2951-2",
            "display": NAME,
            "property": [
                {"code": "COMPONENT", "valueString": "Sodium"},
                {"code": "PROPERTY", "valueCoding": {"code": "SCnc"}},
                {"code": "unite", "valueString": "mmol/L"},
            ],
            "concept": [{"code": "2947-0", "display": "Sodium sanguin"}],
        }
    ],
}
FHIR_XML = f"""<?xml version="1.0"?><ValueSet xmlns="http://hl7.org/fhir"><version value="20260301"/><compose><include>
<system value="http://loinc.org"/><concept><code value="2951-2"/><display value="Sodium"/>
<designation><language value="fr"/><value value="{NAME}"/></designation></concept></include></compose></ValueSet>"""
SVS = f"""<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008"><ValueSet id="1.2" version="20260301"><ConceptList>
<Concept code="2951-2" codeSystem="2.16.840.1.113883.6.1" displayName="{NAME}"/>
<Concept code="9AX" codeSystem="1.2.250.1.213.2.3.5" displayName="autre"/></ConceptList></ValueSet>
</RetrieveValueSetResponse>"""
SHEET = (
    "Jeu de valeurs;;;;;\n"
    "Code LOINC;Libellé français;Composant;Grandeur;Milieu biologique;Échelle;Technique;Unité;Secret\n"
    f'2951-2;"{NAME}";Sodium;Moles/Volume;Sérum/Plasma;Numérique;;mmol/L;x\n'
)


def read(content: str) -> CircuitFile:
    return read_circuit(content.encode())


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (json.dumps(VALUE_SET), "FHIR JSON (ValueSet)"),
        (json.dumps(EXPANSION), "FHIR JSON (ValueSet)"),
        (json.dumps(CODE_SYSTEM), "FHIR JSON (CodeSystem)"),
        (json.dumps({"resourceType": "Bundle", "entry": [{"resource": VALUE_SET}]}), "FHIR JSON (ValueSet)"),
        (FHIR_XML, "FHIR XML (ValueSet)"),
        (SVS, "jeu de valeurs SVS (XML)"),
        (SHEET, "CSV, séparateur « ; »"),
    ],
)
def test_every_shape_gives_the_code_with_its_french_name(content: str, shape: str) -> None:
    found = read(content)
    assert found.shape == shape
    assert (found.codes[0].loinc, found.codes[0].label) == ("2951-2", NAME)


def test_what_was_left_out_is_told() -> None:
    found = read(json.dumps(VALUE_SET))
    assert (found.version, len(found.codes)) == ("20260301", 1)
    assert (found.other_system, found.wrong, found.doubles) == (1, ("718-8",), 1)
    assert (read(SVS).other_system, read(SVS).version) == (1, "20260301")
    sheet = read(SHEET)
    assert sheet.ignored_columns == ("Secret",)
    assert sheet.columns["systeme"] == "Milieu biologique"
    assert (sheet.codes[0].component, sheet.codes[0].unit) == ("Sodium", "mmol/L")
    assert [code.loinc for code in read(json.dumps(CODE_SYSTEM)).codes] == ["2951-2", "2947-0"]
    assert read(json.dumps(CODE_SYSTEM)).codes[0].quantity == "SCnc"


@pytest.mark.parametrize(
    "content", ["", "{", "<a", "{}", "<a/>", "code;libelle\nGLY;x\n", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>']
)
def test_a_file_without_a_code_is_refused_in_words(content: str) -> None:
    with pytest.raises(SheetError):
        read(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "compose", "include", "concept", "entry", "resource", "expansion", "contains"]
            )
            | st.sampled_from(["code", "property", "designation", "value", "system", "url", "display"]),
            inner | st.sampled_from(["ValueSet", "CodeSystem", "2951-2"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON.map(json.dumps) | st.text(max_size=200) | st.text(max_size=60).map(lambda text: f"<a>{text}</a>"))
def test_any_file_gives_codes_or_the_declared_error(content: str) -> None:
    try:
        assert read_circuit(content.encode("utf-8", "replace")).codes
    except SheetError:
        return


def terms(**own: str) -> Terminology:
    texts = TerminologyTexts.collect(
        lambda name: mapping_text("terminology", name), lambda name: own.get(name.removesuffix(".csv"))
    )
    return load(texts)


def test_official_names_win_and_new_codes_are_proposed_and_judged() -> None:
    sheet = SHEET + '10000-8;"Alpha-bêtamycine [Masse/Volume] Sérum/Plasma ; Numérique";;;;;;mg/L;\n'
    found = terms(circuit=render(read(sheet).codes, "essai"))
    assert terms().display("2951-2") == "Sodium [Moles/volume] in Serum or Plasma"
    assert found.display("2951-2") == NAME
    assert found.unit("mmol/l", "2951-2") == terms().unit("mmol/l", "2951-2")
    analysis = found.analysis("10000-8")
    assert analysis is not None
    assert (analysis.quantity, analysis.specimen, analysis.ucum) == ("MCnc", "SER", "mg/L")
    gap = Missing(kind=MissingKind.CODE, code="AB", label="Alpha bêtamycine", unit="mg/L")
    assert found.propose(gap)[0].loinc == "10000-8"
    assert found.propose(Missing(kind=MissingKind.CODE, code="AB", label="Alpha bêtamycine", unit="mmol/L")) == ()
    assert "circuit" in found.propose(Missing(kind=MissingKind.CODE, code="NA", label="Sodium"))[0].reason
