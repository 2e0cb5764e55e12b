"""OBX: values, units, ranges, codes, texts, documents."""

from __future__ import annotations

import base64

import pytest

from dispatcher.formats.base import ReadContext
from dispatcher.formats.hl7.reader import Hl7Reader
from dispatcher.report.model import Attachment, Kind, Observation, Report, ValueType

MSH = "MSH|^~\\&|SIL|LABO|||20260311||ORU^R01|1|P|2.5"
PID = "PID|1||P1||MARTIN^Anne||19790312|F"
OBR = "OBR|1|D1|F1|BIO^Biochimie^L|||202603110745||||||||SER&Sérum|D001^DURAND^Paul||||||202603110930|||F"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
B64 = base64.b64encode(PDF).decode()


def report(*segments: str, siblings: dict[str, bytes] | None = None) -> Report:
    text = "\r".join([MSH, PID, OBR, *segments]) + "\r"
    result = Hl7Reader().read(text.encode(), ReadContext(sibling=(siblings or {}).get))
    assert len(result.reports) == 1
    return result.reports[0]


def one(obx: str) -> Observation:
    return report(obx).observations[0]


def codes(found: Report) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize(
    ("kind", "field", "unit", "type_", "value", "comparator"),
    [
        ("NM", "5.4", "g/L", ValueType.NUMERIC, "5.4", ""),
        ("NM", "5,40", "g/L", ValueType.NUMERIC, "5.40", ""),
        ("NM", "< 0,5", "g/L", ValueType.NUMERIC, "0.5", "<"),
        ("NM", "≤0.5", "g/L", ValueType.NUMERIC, "0.5", "<="),
        ("NM", "> 200", "", ValueType.NUMERIC, "200", ">"),
        ("NM", "245 000", "/mm3", ValueType.NUMERIC, "245000", ""),
        ("NM", "-1.5", "", ValueType.NUMERIC, "-1.5", ""),
        ("NM", "négatif", "", ValueType.TEXT, "négatif", ""),
        ("NM", "5.2*", "g/L", ValueType.NUMERIC, "5.2", ""),
        ("NM", "<5.2 g/l", "g/L", ValueType.NUMERIC, "5.2", "<"),
        ("NM", "5.2 mg/L", "g/L", ValueType.TEXT, "5.2 mg/L", ""),
        ("NM", "^182", "mg/dL", ValueType.NUMERIC, "182", ""),
        ("NM", "***", "g/L", ValueType.TEXT, "***", ""),
        ("NM", "10E5", "/mL", ValueType.TEXT, "10E5", ""),
        ("NM", "", "g/L", ValueType.TEXT, "", ""),
        ("NM", '""', "g/L", ValueType.TEXT, "", ""),
        ("SN", "^175", "mg/dL", ValueType.NUMERIC, "175", ""),
        ("SN", "<^0,05", "µg/L", ValueType.NUMERIC, "0.05", "<"),
        ("SN", ">=^10", "", ValueType.NUMERIC, "10", ">="),
        ("SN", "^1^:^128", "", ValueType.TEXT, "1:128", ""),
        ("SN", "^2^+", "", ValueType.TEXT, "2+", ""),
        ("SN", "^100^-^200", "", ValueType.TEXT, "100-200", ""),
        ("SN", "<5", "", ValueType.NUMERIC, "5", "<"),
        ("ST", "5,4", "g/L", ValueType.NUMERIC, "5.4", ""),
        ("ST", "5.4", "", ValueType.TEXT, "5.4", ""),
        ("ST", "limpide", "", ValueType.TEXT, "limpide", ""),
        ("ST", "> 10^6 UFC/mL", "", ValueType.TEXT, "> 10^6 UFC/mL", ""),
        ("TX", "ligne 1~ligne 2", "", ValueType.TEXT, "ligne 1\nligne 2", ""),
        ("TX", "~10 leucocytes", "", ValueType.TEXT, "~10 leucocytes", ""),
        ("FT", "a\\.br\\b\\T\\c", "", ValueType.TEXT, "a\nb&c", ""),
        ("CE", "POS^Positif^L", "", ValueType.CODED, "Positif", ""),
        ("CWE", "LA1^^LN^A2^Autre^L", "", ValueType.CODED, "Autre", ""),
        ("CWE", "260415000^^SCT^^^^^^Non détecté", "", ValueType.CODED, "Non détecté", ""),
        ("CE", "POS", "", ValueType.CODED, "POS", ""),
        ("CE", "A^Un^L~B^Deux^L", "", ValueType.CODED, "Un\nDeux", ""),
        ("DT", "20260311", "", ValueType.TEXT, "2026-03-11", ""),
        ("TS", "202603110745", "", ValueType.TEXT, "2026-03-11T07:45:00+01:00", ""),
        ("TM", "0745", "", ValueType.TEXT, "07:45", ""),
        ("DT", "inconnue", "", ValueType.TEXT, "inconnue", ""),
        ("", "POS^Positif^L", "", ValueType.CODED, "Positif", ""),
        ("", "3.5", "g/L", ValueType.NUMERIC, "3.5", ""),
        ("XPN", "DURAND^Paul", "", ValueType.TEXT, "DURAND Paul", ""),
    ],
)
def test_values(kind: str, field: str, unit: str, type_: ValueType, value: str, comparator: str) -> None:
    found = one(f"OBX|1|{kind}|C^Code^L||{field}|{unit}|||||F")
    assert (found.type, found.value, found.comparator) == (type_, value, comparator)


def test_raw_is_as_in_the_file() -> None:
    assert one("OBX|1|NM|C^Code^L||< 0,50|g/L|||||F").raw == "< 0,50"
    assert one("OBX|1|CE|C^Code^L||P^Positif\\T\\net^L||||||F").raw == "P^Positif&net^L"


def test_the_code_behind_a_coded_value() -> None:
    found = one("OBX|1|CE|C^Code^L||ECOL^E. coli^L^112283007^Escherichia coli^SCT||||||F")
    assert found.value_code is not None
    assert (found.value_code.code, found.value_code.system) == ("ECOL", "L")


@pytest.mark.parametrize(
    ("obx6", "unit"),
    [
        ("g/L", "g/L"),
        ("g/L^gramme par litre^UCUM", "g/L"),
        ("^mg^L", "mg"),
        ("CD:289^mg/dL", "mg/dL"),
        ("17^mmol/L^L", "mmol/L"),
        ("10^9/L", "10^9/L"),
        ("10\\S\\9/L", "10^9/L"),
        ("", ""),
    ],
)
def test_units_with_and_without_escapes(obx6: str, unit: str) -> None:
    assert one(f"OBX|1|NM|C^Code^L||1|{obx6}|||||F").unit == unit


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("10 - 40", "10", "40"),
        ("<5", "", "5"),
        ("> 60", "60", ""),
        ("[3,5-5,0]", "3.5", "5.0"),
        ("0,70 à 1,10", "0.70", "1.10"),
        ("150 000 - 400 000", "150000", "400000"),
        ("inf. à 20", "", "20"),
        ("négatif", "", ""),
        ("H : 13 - 17  F : 12 - 16", "", ""),
        ("", "", ""),
    ],
)
def test_ranges(text: str, low: str, high: str) -> None:
    found = one(f"OBX|1|NM|C^Code^L||1|g/L|{text}||||F")
    assert (found.range_text, found.low, found.high) == (text, low, high)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2-3^therapeutic", "2-3 therapeutic"),
        ("2-3^", "2-3"),
        ("4.0^10.0", "4.0 - 10.0"),
        ("-3^-1", "-3 - -1"),
        ("4-10 10^9/L", "4-10 10^9/L"),
        ("35-150^35^150", "35-150"),
        (">40^>40", ">40"),
        ("35-150^30^150", "35-150 30 150"),
    ],
)
def test_components_of_a_range_are_joined_for_people(text: str, printed: str) -> None:
    assert one(f"OBX|1|NM|INR^INR||2.5||{text}||||F").range_text == printed


def test_bounds_said_twice_are_the_bounds() -> None:
    found = one("OBX|1|NM|TG^Triglycérides||72|mg/dL|35-150^35^150||||F")
    assert (found.low, found.high) == ("35", "150")


def test_a_star_beside_the_number_is_the_flag_of_a_line_without_one() -> None:
    assert one("OBX|1|NM|C^Code^L||5*|g/L|||||F").flags == ("A",)
    assert one("OBX|1|NM|C^Code^L||5*|g/L||H|||F").flags == ("H",)


@pytest.mark.parametrize(
    ("written", "letter"), [("Final", "F"), ("Validé", "F"), ("CORRECTED", "C"), ("f", "F"), ("Z", "Z")]
)
def test_a_state_written_in_full_is_its_letter(written: str, letter: str) -> None:
    assert one(f"OBX|1|NM|C^Code^L||5|g/L|||||{written}").status == letter


def test_every_flag_is_kept() -> None:
    assert one("OBX|1|NM|C^Code^L||1|g/L||HH~A|||F").flags == ("HH", "A")
    assert one("OBX|1|NM|C^Code^L||1|g/L||h^High^HL70078|||F").flags == ("H",)
    assert one("OBX|1|NM|C^Code^L||1|g/L|||||F").flags == ()


@pytest.mark.parametrize(
    ("obx3", "code", "system", "text", "loinc"),
    [
        ("GLU^Glucose^L", "GLU", "L", "Glucose", None),
        ("2345-7^Glucose^LN", "2345-7", "LN", "Glucose", "2345-7"),
        ("GLU^Glucose^L^2345-7^Glucose SerPl^LN", "GLU", "L", "Glucose", "2345-7"),
        ("2345-7^Glucose SerPl^2.16.840.1.113883.6.1^GLU^Glucose^L", "2345-7", "LN", "Glucose SerPl", "2345-7"),
        ("2345-7^Glucose^LOINC", "2345-7", "LN", "Glucose", "2345-7"),
        ("^^^GLU^Glucose^L", "GLU", "L", "Glucose", None),
        ("GLU^^L^2345-7^Glucose^LN", "GLU", "L", "Glucose", "2345-7"),
        ("2345-8^Glucose^LN", "2345-8", "LN", "Glucose", None),
    ],
)
def test_codes_and_loinc_in_either_place(obx3: str, code: str, system: str, text: str, loinc: str | None) -> None:
    found = one(f"OBX|1|NM|{obx3}||1|g/L|||||F")
    assert (found.code.code, found.code.system, found.code.text, found.loinc) == (code, system, text, loinc)


def test_a_misprinted_loinc_is_told() -> None:
    assert codes(report("OBX|1|NM|2345-8^Glucose^LN||1|g/L|||||F")) == ["invalid-loinc"]


def test_both_codings_are_kept() -> None:
    found = one("OBX|1|NM|GLU^Glucose^L^2345-7^Glucose^LN||1|g/L|||||F")
    assert found.alternate is not None
    assert found.alternate.code == "2345-7"


def test_lines_of_one_text_are_joined_only_when_nothing_differs() -> None:
    lines = [
        "OBX|1|TX|CONC^Conclusion^L||  première||||||F",
        "OBX|2|TX|CONC^Conclusion^L||deuxième||||||F",
        "OBX|3|TX|CONC^Conclusion^L|2|autre||||||F",
        "OBX|4|TX|AUTRE^Autre^L|2|encore||||||F",
        "NTE|1||note",
        "OBX|5|TX|AUTRE^Autre^L|2|après la note||||||F",
    ]
    values = [found.value for found in report(*lines).observations]
    assert values == ["  première\ndeuxième", "autre", "encore", "après la note"]


def test_decimal_commas_are_told_once_with_their_count() -> None:
    found = report(*(f"OBX|{i}|NM|C{i}^Code^L||1,5|g/L|||||F" for i in range(1, 4)))
    assert [(p.code, p.where, "3 fois" in p.message) for p in found.problems] == [
        ("decimal-comma", "ligne 4, OBX-5", True)
    ]


def test_who_how_and_when() -> None:
    found = one("OBX|1|NM|C^Code^L||1|g/L|||||F|||202603110900|LABX^Labo X|10^BIO^Léa|M1^Turbidimétrie^L")
    assert found.observed_at is not None
    assert found.performer is not None
    assert (found.performer.organisation, found.validated_by, found.method) == ("Labo X", "BIO Léa", "Turbidimétrie")


# ------------------------------------------------------------------------------------------------ documents


@pytest.mark.parametrize(
    "field",
    [
        f"^application^pdf^Base64^{B64}",
        f"^TEXT^PDF^Base64^{B64}",
        f"LABO^AP^PDF^BASE64^{B64[:20]} {B64[20:40]}\\.br\\{B64[40:]}",
        f"PDF^Base64^{B64}",
        f"^^PDF^Base64^{B64.rstrip('=')}",
        f"^application^pdf^Hex^{PDF.hex()}",
        f"^application^pdf^Base64^{B64[:40]}~{B64[40:]}",
        f"^^^^{B64}",
    ],
)
def test_a_pdf_in_any_of_its_clothes(field: str) -> None:
    found = report(f"OBX|1|ED|PDF^Compte rendu^L||{field}||||||F")
    assert found.kind is Kind.DOCUMENT
    assert [(d.media_type, d.content, d.name) for d in found.documents] == [("application/pdf", PDF, "document-1.pdf")]
    assert found.observations[0].type is ValueType.DOCUMENT
    assert found.observations[0].raw == ""
    assert found.problems == ()


def test_a_pdf_hidden_in_a_text_type() -> None:
    big = base64.b64encode(PDF[:-6] + b"%" + b"x" * 500 + b"\n%%EOF\n").decode()
    found = report(f"OBX|1|TX|PDF^Compte rendu^L||{big}||||||F")
    assert [document.media_type for document in found.documents] == ["application/pdf"]


@pytest.mark.parametrize("escape", ["\\", "\\E\\"])
def test_rtf_in_a_text_type(escape: str) -> None:
    rtf = r"{\rtf1\ansi\deff0 {\fonttbl {\f0 Courier;}} Compte rendu anatomopathologique}"
    found = report("OBX|1|FT|ANAPATH^Compte rendu^L||" + rtf.replace("\\", escape) + "||||||F")
    assert [(d.media_type, d.content) for d in found.documents] == [("application/rtf", rtf.encode())]


def test_structured_results_with_a_document_stay_structured() -> None:
    found = report("OBX|1|NM|C^Code^L||1|g/L|||||F", f"OBX|2|ED|PDF^CR^L||^application^pdf^Base64^{B64}||||||F")
    assert found.kind is Kind.STRUCTURED
    assert found.own_pdf == Attachment(media_type="application/pdf", content=PDF, name="document-1.pdf")


def test_cda_text_and_rtf() -> None:
    cda = base64.b64encode(b"<?xml version='1.0'?><ClinicalDocument/>").decode()
    found = report(
        f"OBX|1|ED|11502-2^CR^LN||^TEXT^XML^Base64^{cda}||||||F", "OBX|2|ED|X^Y^L||^text^plain^A^Bonjour^suite||||||F"
    )
    assert [d.media_type for d in found.documents] == ["text/xml", "text/plain"]
    assert found.documents[1].content == b"Bonjour^suite"


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("^application^pdf^Base64^JVBERi0x*", "unreadable-document"),
        ("^application^pdf^Base64^", "unreadable-document"),
        (f"^application^pdf^Base64^{B64[:24]}", "damaged-document"),
        ("^application^pdf^Base64^Qm9uam91cg==", "damaged-document"),
    ],
)
def test_a_damaged_document_holds_the_report(field: str, code: str) -> None:
    found = report(f"OBX|1|ED|PDF^CR^L||{field}||||||F")
    assert [(p.code, p.severity.value) for p in found.problems] == [(code, "error")]


def test_a_reference_is_read_beside_the_file() -> None:
    line = "OBX|1|RP|PDF^CR^L||\\\\serveur\\partage\\CR42.PDF^LABO^AP^PDF||||||F".replace("\\", "\\E\\")
    found = report(line, siblings={"CR42.PDF": PDF})
    assert [(d.name, d.media_type) for d in found.documents] == [("CR42.PDF", "application/pdf")]
    assert codes(report(line)) == ["missing-document"]


@pytest.mark.parametrize(
    ("span", "bounds"), [("<10^3", ("", "1000")), ("0-10^3", ("0", "1000")), ("10^40", ("10", "40"))]
)
def test_a_power_in_a_range_is_no_component(span: str, bounds: tuple[str, str]) -> None:
    found = one(f"OBX|1|NM|A^UFC||5|UFC/mL|{span}|||F")
    assert (found.low, found.high, found.range_text) == (*bounds, span)


def test_a_result_repeated_in_two_units_is_a_value_and_its_second() -> None:
    found = one("OBX|1|NM|GLU^Gly||1.05~5.83|g/L~mmol/L|0.70-1.10~3.9-6.1||||F")
    assert (found.type, found.value, found.unit, found.high) == (ValueType.NUMERIC, "1.05", "g/L", "1.10")
    assert found.alt is not None
    assert (found.alt.value, found.alt.unit, found.alt.low, found.alt.high) == ("5.83", "mmol/L", "3.9", "6.1")
    assert one("OBX|1|NM|GLU^Gly||1.05~5.83|g/L|0.70-1.10||||F").alt is None
