"""Shapes other people's CDA have: every data type, prefixes, charsets, wrappers, dangling references, other types."""

from __future__ import annotations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.cda.check import check as check_cda
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.report.model import Kind, Observation, Report, Severity, Sex, Status, ValueType
from tests.unit.formats.cda.shapes import LOINC, PATIENT, chapter, document, loinc, one, result, structured


def read(data: str | bytes, **context: str) -> ReadResult:
    content = data.encode() if isinstance(data, str) else data
    return CdaReader().read(content, ReadContext(file_name="essai.xml", **context))


def report(data: str | bytes) -> Report:
    found = read(data)
    assert found.readable, found.problems
    return found.reports[0]


def observation(data: str) -> Observation:
    (found,) = report(data).observations
    return found


TEXT = '<paragraph><content ID="v">Présence<br/>de cristaux</content></paragraph>'
N, T, C = ValueType.NUMERIC, ValueType.TEXT, ValueType.CODED
VALUES = [
    ('<value xsi:type="PQ" value="5.50" unit="mmol/L"/>', (N, "", "5.50", "mmol/L", "mmol/L")),
    ('<value xsi:type="PQ" value="5,5" unit="mmol/L"/>', (N, "", "5.5", "mmol/L", "mmol/L")),
    ('<value xsi:type="PQ" value="&lt; 5" unit="mg/L"/>', (N, "<", "5", "mg/L", "mg/L")),
    ('<value xsi:type="PQ" value="7"/>', (N, "", "7", "", None)),
    (
        '<value xsi:type="PQ" value="7"><translation><originalText>UFC/mL</originalText></translation></value>',
        (N, "", "7", "UFC/mL", None),
    ),
    ('<value xsi:type="PQ" nullFlavor="NI"/>', (T, "", "", "", None)),
    ('<value xsi:type="REAL" value="2.40"/>', (N, "", "2.40", "", None)),
    ('<value xsi:type="INT" value="12"/>', (N, "", "12", "", None)),
    ('<value xsi:type="IVL_PQ"><high value="5" unit="g/L" inclusive="false"/></value>', (N, "<", "5", "g/L", "g/L")),
    ('<value xsi:type="IVL_PQ"><high value="5" unit="g/L"/></value>', (N, "<=", "5", "g/L", "g/L")),
    ('<value xsi:type="IVL_PQ"><low value="5" unit="g/L" inclusive="true"/></value>', (N, ">=", "5", "g/L", "g/L")),
    ('<value xsi:type="IVL_PQ"><low value="5" inclusive="false"/></value>', (N, ">", "5", "", None)),
    (
        '<value xsi:type="IVL_PQ"><low value="5" unit="/uL"/><high value="9" unit="/uL"/></value>',
        (T, "", "5 à 9", "/uL", "/uL"),
    ),
    ('<value xsi:type="IVL_PQ"><low value="5"/><high value="5"/></value>', (N, "", "5", "", None)),
    ('<value xsi:type="IVL_INT"><low value="100" inclusive="false"/></value>', (N, ">", "100", "", None)),
    (
        f'<value xsi:type="CD" code="LA6576-8" displayName="Positif" codeSystem="{LOINC}"/>',
        (C, "", "Positif", "", None),
    ),
    ('<value xsi:type="CE" code="POS"/>', (C, "", "POS", "", None)),
    (
        '<value xsi:type="CD"><originalText><reference value="#v"/></originalText></value>',
        (T, "", "Présence\nde cristaux", "", None),
    ),
    ('<value xsi:type="CD"><originalText>Absence</originalText></value>', (T, "", "Absence", "", None)),
    ('<value xsi:type="ST">Limpide</value>', (T, "", "Limpide", "", None)),
    ('<value xsi:type="ED"><reference value="v"/></value>', (T, "", "Présence\nde cristaux", "", None)),
    ('<value xsi:type="TS" value="20260311074500+0100"/>', (T, "", "11/03/2026 à 07:45", "", None)),
    (
        '<value xsi:type="RTO"><numerator xsi:type="INT" value="1"/><denominator xsi:type="INT" value="320"/></value>',
        (T, "", "1/320", "", None),
    ),
    ('<value xsi:type="BL" value="true"/>', (T, "", "Oui", "", None)),
    ('<value value="5.5" unit="g/L"/>', (N, "", "5.5", "g/L", "g/L")),
    ('<value xsi:type="x:PQ" value="1" unit="g/L"/>', (N, "", "1", "g/L", "g/L")),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_every_data_type(value: str, expected: tuple[ValueType, str, str, str, str | None]) -> None:
    found = observation(one(value, TEXT))
    assert (found.type, found.comparator, found.value, found.unit, found.ucum) == expected


def test_a_data_type_nobody_knows_is_kept_and_told() -> None:
    found = report(one('<value xsi:type="SLIST_PQ"><origin value="1"/>12 13 14</value>'))
    assert found.observations[0].value == "12 13 14"
    assert [p.code for p in found.problems] == ["value-type-unknown"]


def test_a_document_as_result() -> None:
    found = observation(
        one('<value xsi:type="ED" mediaType="application/pdf" representation="B64">JVBERi0xLjQK</value>')
    )
    assert found.document is not None
    assert (found.type, found.document.media_type) == (ValueType.DOCUMENT, "application/pdf")


RANGES = [
    ('<value xsi:type="IVL_PQ"><low value="1" unit="g/L"/><high value="2" unit="g/L"/></value>', ("1", "2", "")),
    ('<value xsi:type="IVL_REAL"><high value="2"/></value>', ("", "2", "")),
    ('<low value="1"/><high value="2"/>', ("1", "2", "")),
    ("<text>Inférieur à 5 chez l'adulte</text>", ("", "", "Inférieur à 5 chez l'adulte")),
    ('<text><reference value="#v"/></text>', ("", "", "Présence de cristaux")),
    ('<value xsi:type="ST">Absence</value>', ("", "", "Absence")),
    ('<value xsi:type="IVL_PQ"><low nullFlavor="NINF"/><high value="2"/></value>', ("", "2", "")),
]


@pytest.mark.parametrize(("inside", "expected"), RANGES)
def test_reference_ranges(inside: str, expected: tuple[str, str, str]) -> None:
    more = f"<referenceRange><observationRange>{inside}</observationRange></referenceRange>"
    found = observation(one('<value xsi:type="PQ" value="1.5" unit="g/L"/>', TEXT, more=more))
    assert (found.low, found.high, found.range_text) == expected


@pytest.mark.parametrize(
    ("state", "letter"),
    [("completed", "F"), ("active", "P"), ("aborted", "X"), ("obsolete", "D"), ("nullified", "W"), ("held", "I")],
)
def test_status(state: str, letter: str) -> None:
    assert observation(one('<value xsi:type="INT" value="1"/>', status=state)).status == letter


def test_a_result_to_come() -> None:
    assert observation(one("", status="active")).status == "I"


def test_flags_without_a_name_and_null_ones() -> None:
    more = '<interpretationCode code="HH"/><interpretationCode nullFlavor="NA"/><interpretationCode code="HH"/>'
    assert observation(one('<value xsi:type="INT" value="1"/>', more=more)).flags == ("HH",)


def test_a_dangling_reference_leaves_the_name_of_the_code() -> None:
    code = loinc("2160-0", "x", "Créatinine")
    found = report(one('<value xsi:type="INT" value="1"/>', TEXT, code=code))
    assert found.observations[0].code.text == "Créatinine"
    assert [(p.code, p.severity) for p in found.problems] == [("dangling-reference", Severity.INFO)]


def test_a_reference_to_a_whole_row_names_the_test_only() -> None:
    """XD-LAB as the neighbours write it."""
    text = '<table><tbody><tr ID="r"><td>Leukozyten</td><td>26</td></tr></tbody></table>'
    value = (
        f'<value xsi:type="CD" code="A" displayName="Erhöht" codeSystem="{LOINC}"><originalText><reference value="#r"/>'
    )
    found = observation(one(value + "</originalText></value>", text, code=loinc("6690-2", "r", "Leukozyten im Blut")))
    assert (found.code.text, found.value) == ("Leukozyten", "Erhöht")


def test_a_wrong_loinc_key_is_not_believed() -> None:
    found = observation(one('<value xsi:type="INT" value="1"/>', code=f'<code code="2160-1" codeSystem="{LOINC}"/>'))
    assert (found.code.code, found.loinc) == ("2160-1", None)


def test_two_rows_stay_two_results() -> None:
    """The official glycaemia example: one line of the table, but each value under its own words."""
    text = '<table><tbody><tr><td><content ID="a">Glucose</content></td><td ID="b">0,88 g/L</td></tr></tbody></table>'
    rows = "".join(
        result(
            f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>',
            code=loinc(number, ref),
        )
        for ref, number, value, unit in (("a", "40193-5", "4.89", "mmol/L"), ("b", "53049-3", "0.88", "g/L"))
    )
    first, second = report(structured(chapter(rows, text))).observations
    assert first.alt is None
    assert (second.loinc, second.value) == ("53049-3", "0.88")


@pytest.mark.parametrize(
    ("units", "values"), [(("g/L", "g/L"), ("1", "2")), (("g/L", "mmol/L"), ("1", ""))], ids=["same unit", "no value"]
)
def test_what_is_not_plainly_a_second_unit_stays_a_result(units: tuple[str, str], values: tuple[str, str]) -> None:
    code = loinc("2160-0", "v")
    rows = "".join(
        result(f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>', code=code)
        for value, unit in zip(values, units, strict=True)
    )
    assert len(report(structured(chapter(rows, TEXT))).observations) == 2


FLAG = '<interpretationCode code="H"/>'
COMMENT = '<entryRelationship><act><code code="48767-8"/><text>Contrôlé</text></act></entryRelationship>'


@pytest.mark.parametrize("more", [FLAG, COMMENT], ids=["a flag of its own", "a comment of its own"])
def test_a_second_unit_that_says_more_stays_a_result(more: str) -> None:
    code = loinc("2160-0", "v")
    rows = result('<value xsi:type="PQ" value="1" unit="g/L"/>', code=code)
    rows += result('<value xsi:type="PQ" value="5" unit="mmol/L"/>', code=code, more=more)
    first, second = report(structured(chapter(rows, TEXT))).observations
    assert first.alt is None
    assert second.flags == ("H",) or second.comments == ("Contrôlé",)


def test_a_sub_contractor_named_on_the_act_is_each_results() -> None:
    performer = (
        '<performer><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="810000000009"/><representedOrganization>'
        '<id root="1.2.250.1.71.4.2.2" extension="1750000026"/><name>Labo du Lac</name></representedOrganization>'
        "</assignedEntity></performer>"
    )
    rows = result('<value xsi:type="INT" value="1"/>') + result('<value xsi:type="INT" value="2"/>')
    custodian = (
        '<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.250.1.71.4.2.2" '
        'extension="{}"/><name>Labo</name></representedCustodianOrganization></assignedCustodian></custodian>'
    )
    found = report(structured(chapter(performer + rows), header=custodian.format("1990000010")))
    assert found.laboratory.finess == "990000010"
    assert [o.performer.organisation if o.performer else "" for o in found.observations] == ["Labo du Lac"] * 2
    own = report(structured(chapter(performer + rows), header=custodian.format("1750000026")))
    assert [o.performer for o in own.observations] == [None, None], "the laboratory itself is no sub-contractor"


def test_several_samples_are_never_guessed() -> None:
    procedure = (
        '<entryRelationship typeCode="COMP"><procedure><participant typeCode="PRD"><participantRole><id root="1.9" '
        'extension="{0}"/><playingEntity><code code="SER" codeSystem="2.16.840.1.113883.18.311" displayName="{1}"/>'
        "</playingEntity></participantRole></participant></procedure></entryRelationship>"
    )
    two = procedure.format("T1", "Sérum") + procedure.format("T2", "Urine")
    found = report(structured(chapter(two + result('<value xsi:type="INT" value="1"/>'))))
    assert found.batteries[0].specimen is None
    assert found.batteries[0].comments == ("Prélèvement : Sérum n° T1", "Prélèvement : Urine n° T2")
    assert [p.code for p in found.problems] == ["specimen-not-linked"]
    role = '<specimen><specimenRole><id root="1.9" extension="T2"/></specimenRole></specimen>'
    named = f'<entryRelationship><organizer classCode="BATTERY">{role}</organizer></entryRelationship>'
    found = report(structured(chapter(two + named)))
    assert found.batteries[0].specimen is not None
    assert found.batteries[0].specimen.id == "T2"


def test_results_inside_a_result_are_results() -> None:
    inner = result('<value xsi:type="INT" value="2"/>').replace("2160-0", "2161-8")
    found = report(one('<value xsi:type="INT" value="1"/>', more=inner))
    assert [o.code.code for o in found.observations] == ["2160-0", "2161-8"]


def test_unknown_sections_are_kept_as_text() -> None:
    other = "<section><title>Vaccinations</title><text><paragraph>Grippe 2025</paragraph></text></section>"
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), other))
    assert found.comments == ("Vaccinations : Grippe 2025",)
    assert [p.code for p in found.problems] == ["section-as-text"]


def test_clinical_sections_give_no_results() -> None:
    history = (
        '<section><templateId root="1.3.6.1.4.1.19376.1.5.3.1.3.6"/><title>Antécédents</title><text>Asthme</text>'
        '<entry><observation><code code="55607006"/><value xsi:type="CD" code="J45"/></observation></entry></section>'
    )
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), history))
    assert len(found.observations) == 1
    assert found.comments == ("Antécédents : Asthme",)


# ------------------------------------------------------------------------------------------------ header


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("", Status.FINAL),
        (
            '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3"/></parentDocument></relatedDocument>',
            "corrected",
        ),
        (
            '<relatedDocument typeCode="APND"><parentDocument><id root="1.2.3"/></parentDocument></relatedDocument>',
            "final",
        ),
        ('<documentationOf><serviceEvent><lab:statusCode code="active"/></serviceEvent></documentationOf>', "partial"),
        (
            '<documentationOf><serviceEvent><lab:statusCode code="aborted"/></serviceEvent></documentationOf>',
            "cancelled",
        ),
        ('<documentationOf><serviceEvent><statusCode code="active"/></serviceEvent></documentationOf>', "partial"),
    ],
)
def test_status_of_the_report(header: str, status: str) -> None:
    assert report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), header=header)).status == status


def test_analyses_not_done_do_not_cancel_an_earlier_report() -> None:
    """Everything aborted is a cancellation only when the document replaces one."""
    aborted = chapter(result("", status="aborted")).replace(
        '<statusCode code="completed"/>', '<statusCode code="aborted"/>', 1
    )
    replaces = '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3"/></parentDocument></relatedDocument>'
    assert report(structured(aborted)).status is Status.FINAL
    assert report(structured(aborted, header=replaces)).status is Status.CANCELLED


INS = '<id root="1.2.250.1.213.1.4.10" extension="2 90 01 99 351 001 63"/>'


@pytest.mark.parametrize("missing", ["", 'code="F" ', "birthTime", "county", 'qualifier="BR">ESSAI'])
def test_an_ins_is_qualified_with_all_its_traits_only(missing: str) -> None:
    whole = PATIENT.replace("<patient>", INS + "<patient>").replace(
        "</patient>", "<birthplace><place><addr><county>99351</county></addr></place></birthplace></patient>"
    )
    patient = (
        whole.replace(missing, "x")
        if missing in ("birthTime", "county")
        else whole.replace(missing, "")
        if missing
        else whole
    )
    if missing.startswith("qualifier"):
        patient = whole.replace('<family qualifier="BR">ESSAI</family>', "")
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), patient=patient)).patient
    assert found.ins is not None
    assert found.ins.matricule == "290019935100163"
    assert found.ins.qualified is (not missing)
    assert [n.value for n in found.local_ids] == ["P1"]


NAMES = [
    ("<family>Doe</family><given>John</given><given>Q.</given>", ("Doe", "", ("John", "Q."), "")),
    ('<family qualifier="BR">A</family><family qualifier="CL">B</family>', ("A", "B", (), "")),
    ('<family qualifier="CL">B</family><given qualifier="CL">Lou</given>', ("", "B", ("Lou",), "")),
    (
        '<family qualifier="BR">A</family><given>JEAN PIERRE LUC</given><given qualifier="BR">JEAN PIERRE</given>',
        ("A", "", ("JEAN PIERRE", "LUC"), ""),
    ),
    (
        '<family qualifier="BR">A</family><given>LUC</given><given qualifier="BR">LUC</given><given qualifier="CL">LULU'
        "</given>",
        ("A", "", ("LUC",), "LULU"),
    ),
]


@pytest.mark.parametrize(("inside", "expected"), NAMES)
def test_names(inside: str, expected: tuple[str, str, tuple[str, ...], str]) -> None:
    patient = f"<recordTarget><patientRole><patient><name>{inside}</name></patient></patientRole></recordTarget>"
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), patient=patient)).patient
    assert (found.birth_name, found.used_name, found.given_names, found.used_given) == expected


def test_a_sex_code_of_another_system_is_not_guessed() -> None:
    patient = PATIENT.replace('code="F" codeSystem="2.16.840.1.113883.5.1"', 'code="2" codeSystem="2.16.858.2"')
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), patient=patient))
    assert found.patient.sex is Sex.UNKNOWN
    assert [p.code for p in found.problems] == ["unknown-sex-code"]


@pytest.mark.parametrize(
    ("root", "extension", "expected"),
    [
        ("1.2.250.1.71.4.2.1", "810000000009", ("10000000009", "RPPS")),
        ("1.2.250.1.71.4.2.1", "0751234567", ("751234567", "ADELI")),
        ("1.2.250.1.71.4.2.2", "1750000026", ("750000026", "FINESS")),
        ("1.2.250.1.71.4.2.2", "335600000000048", ("35600000000048", "SIRET")),
        ("1.2.250.1.999.1", "DUP12", ("DUP12", "local")),
    ],
)
def test_numbers_of_professionals(root: str, extension: str, expected: tuple[str, str]) -> None:
    header = (
        f'<participant typeCode="REF"><time value="20260310"/><associatedEntity><id root="{root}" '
        f'extension="{extension}"/></associatedEntity></participant>'
    )
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), header=header))
    assert found.prescriber is not None
    assert (found.prescriber.id, found.prescriber.id_type) == expected
    assert str(found.ordered_at) == "2026-03-10"


def test_two_patients_are_held() -> None:
    found = report(structured(chapter(result('<value xsi:type="INT" value="1"/>')), patient=PATIENT * 2))
    assert [(p.code, p.severity) for p in found.problems] == [("several-patients", Severity.ERROR)]


# ------------------------------------------------------------------------------------------------ the file

SIMPLE = one('<value xsi:type="ST">Présence</value>')


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (SIMPLE.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + SIMPLE.encode(), "utf-8"),
        (b"\r\n  " + b'<?xml version="1.0"?>' + SIMPLE.encode() + b"\n\x1a", "utf-8"),
        (('<?xml version="1.0" encoding="ISO-8859-1"?>' + SIMPLE).encode("latin-1"), "iso8859-1"),
        (('<?xml version="1.0" encoding="Windows-1252"?>' + SIMPLE).encode("cp1252"), "cp1252"),
        (('<?xml version="1.0" encoding="UTF-16"?>' + SIMPLE).encode("utf-16"), "utf-16"),
    ],
    ids=["utf-8", "bom", "blanks around", "latin-1", "windows-1252", "utf-16"],
)
def test_charsets(data: bytes, encoding: str) -> None:
    result = registry.read(data, ReadContext())
    assert (result.format, result.encoding, result.problems) == ("cda", encoding, ())
    assert result.reports[0].observations[0].value == "Présence"


def test_a_declared_charset_that_is_not_true() -> None:
    data = ('<?xml version="1.0" encoding="UTF-8"?>' + SIMPLE).encode("cp1252")
    result = read(data)
    assert result.encoding == "cp1252"
    assert [p.code for p in result.problems] == ["charset-mismatch"]
    assert result.reports[0].observations[0].value == "Présence"


def test_the_operators_charset_wins() -> None:
    assert read(SIMPLE.encode("cp1252"), encoding="cp1252").reports[0].observations[0].value == "Présence"


def test_any_prefix_and_none() -> None:
    bare = SIMPLE.replace(' xmlns="urn:hl7-org:v3"', "")
    assert observation(bare).value == "Présence"
    other = SIMPLE.replace('xmlns="urn:hl7-org:v3"', 'xmlns="urn:hl7-org:v3/mif"')
    assert observation(other).value == "Présence"


def test_documents_in_a_wrapper() -> None:
    result = registry.read(f"<Documents><d>{SIMPLE}</d><d>{SIMPLE}</d></Documents>".encode(), ReadContext())
    assert [len(r.observations) for r in result.reports] == [1, 1]


def test_what_a_wrapper_holds_beyond_our_limit_is_told() -> None:
    result = registry.read(f"<Documents>{SIMPLE * 55}</Documents>".encode(), ReadContext())
    ((code, severity, said),) = [(p.code, p.severity, p.message) for p in result.problems]
    assert (len(result.reports), code, severity, result.readable) == (50, "cda-too-many", Severity.ERROR, False)
    assert "55 documents CDA, 50 au plus : les 5 derniers" in said
    whole = registry.read(f"<Documents>{SIMPLE * 50}</Documents>".encode(), ReadContext())
    assert (len(whole.reports), whole.problems) == (50, ())


def test_comments_and_processing_instructions_are_looked_through() -> None:
    data = SIMPLE.replace("<value", "<!-- a --><?b c?><value").replace(">Présence<", "><!-- x -->Pré<!-- y -->sence<")
    assert observation(data).value == "Présence"


def test_a_long_comment_before_the_root() -> None:
    data = f"<?xml version='1.0'?><!-- {'x' * 6000} -->{SIMPLE}".encode()
    assert registry.is_message(data)
    assert registry.read(data, ReadContext()).reports[0].observations[0].value == "Présence"


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
BOMB = "<!DOCTYPE x [<!ENTITY e0 'lol'>" + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 9))
REFUSED = [
    (BOMB + "]>" + SIMPLE.replace("Présence", "&e8;"), "xml-dtd"),
    ("<!DOCTYPE x [<!ENTITY a '&b;'><!ENTITY b '&a;'>]>" + SIMPLE.replace("Présence", "&a;"), "xml-dtd"),
    (LAUGHS + SIMPLE.replace("Présence", "&b;"), "xml-dtd"),
    (LAUGHS + SIMPLE.replace("Présence", "&f;"), "xml-dtd"),
    (SIMPLE.replace("Présence", "&nothing;"), "xml-malformed"),
    (SIMPLE[:-40], "xml-malformed"),
    (SIMPLE.replace("Présence", "x" * 10_100_000), "xml-too-large"),
    (SIMPLE.replace("<value", "<a>" * 300 + "<value"), "xml-too-large"),
    ("<ClinicalDocument", "xml-malformed"),
]


@pytest.mark.parametrize(("data", "code"), REFUSED, ids=[code for _, code in REFUSED])
def test_what_is_refused(data: str, code: str) -> None:
    result = registry.read(data.encode(), ReadContext())
    assert (result.reports, [(p.code, p.severity) for p in result.problems]) == ((), [(code, Severity.ERROR)])
    assert "Présence" not in result.problems[0].message


def test_a_file_refused_for_its_entities_is_not_waited_for() -> None:
    data = (BOMB + "]>" + SIMPLE.replace("Présence", "&e8;")).encode()
    assert registry.is_complete(data, "bombe.xml").complete


def test_a_bare_doctype_does_no_harm() -> None:
    assert observation("<!DOCTYPE ClinicalDocument>" + SIMPLE).value == "Présence"


def test_other_xml_stays_unknown() -> None:
    for data in (
        b"<?xml version='1.0'?><a/>",
        b'<feed xmlns="urn:hl7-org:v3"/>',
        b"<html><body>ClinicalDocument</body></html>",
    ):
        assert registry.read(data, ReadContext()).format == "unknown"
    assert not registry.is_message(b"<?xml version='1.0'?><a/>")


@pytest.mark.parametrize("code", ["34105-7", "34133-9", "autre"])
def test_other_documents_are_carried_as_they_are(code: str) -> None:
    section = "<section><title>Titre</title><text><list><item>Un</item><item>Deux</item></list></text></section>"
    data = structured(section, code=code).encode()
    found = report(data)
    assert (found.kind, found.patient.birth_name, found.batteries) == (Kind.DOCUMENT, "ESSAI", ())
    assert [p.code for p in found.problems] == ["cda-other-type"]
    assert found.documents[-1].content == data
    assert found.text == "Essai\n\nTitre\nUn\nDeux"


def test_a_laboratory_report_of_words_alone_is_a_document() -> None:
    """Level 2: met in countries that code nothing."""
    found = report(
        structured(
            "<section><title>Resultados</title><text><list><item>Glucosa: 90 mg/dL</item></list></text></section>"
        )
    )
    assert found.kind is Kind.DOCUMENT
    assert found.comments == ("Resultados : Glucosa: 90 mg/dL",)
    assert [p.code for p in found.problems] == ["section-as-text", "cda-no-coded-result"]


def test_level_1_bodies() -> None:
    body = "<nonXMLBody><text {}>{}</text></nonXMLBody>"
    found = report(document(body.format('mediaType="text/plain"', "Tout va bien")))
    assert (found.kind, found.text, found.documents) == (Kind.DOCUMENT, "Tout va bien", ())
    other = report(document(body.format('mediaType="text/plain"', "Bonjour"), code="34105-7"))
    assert ([p.code for p in other.problems], [d.is_cda for d in other.documents]) == (["cda-other-type"], [True])
    beside = ReadContext(sibling=lambda name: b"%PDF-1.4\n%%EOF\n" if name == "cr.pdf" else None)
    linked = document(body.format('mediaType="application/pdf"', '<reference value="cr.pdf"/>')).encode()
    assert CdaReader().read(linked, beside).reports[0].documents[0].name == "cr.pdf"
    bare = report(document(body.format('mediaType="application/pdf"', "JVBERi0xLjQKJSVFT0YK")))
    assert [d.content for d in bare.documents] == [b"%PDF-1.4\n%%EOF\n"], "base64 that does not say so"
    lost = read(linked).reports[0]
    assert [(p.code, p.severity) for p in lost.problems] == [("document-damaged", Severity.ERROR)]
    cut = report(document(body.format('mediaType="application/pdf" representation="B64"', "JVBERi0xLjQK"))).problems
    assert [(p.code, p.severity) for p in cut] == [("document-damaged", Severity.ERROR)]


def test_validate_names_the_doctype_of_an_entity_bomb() -> None:
    data = (BOMB + "]>" + SIMPLE.replace("Présence", "&e8;")).encode()
    assert [p.code for p in check_cda(data)] == ["xml-doctype"]
