"""HPRIM Santé: separators, continuation, versions, files beside, truncation."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dispatcher.clock import PARIS
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.hprim_sante.cutting import cut, separators_of
from dispatcher.formats.hprim_sante.reader import HprimSanteReader, referenced_files, unfinished
from dispatcher.report.model import IdType, Kind, LocalId, Report, Severity, Status, ValueType

H = "H|~^\\&|LAB00042.HPR||LABOIZE~Laboratoire Boize||ORU|||EHPAD7~Les Tilleuls||P|H2.1~C|202403111830"
P = (
    "P|1|PT42|PT42-EH|S778|MARTINEAU~CLAIRE|BIHAN|19610704|F"
    "||12 RUE DES LILAS~~QUIMPER~~29000||0298000001|D009~LE GALL&Anne~L"
)
OBR = (
    "OBR|1|E9001~D5501|E9001~B2403110007|GLYJ~Glycemie a jeun~L|R"
    "||202403110745||||N|||202403110930||D001~DURAND PAUL~L||||||202403111815|||F"
)
OBX = "OBX|1|NM|GLYJ~Glycemie a jeun~L||1.32|g/l|0.70 - 1.10|H|||F|||202403111010|BIOCH~20"
L = "L|1"


def read(*lines: str, siblings: dict[str, bytes] | None = None, end: str = "\r\n") -> ReadResult:
    data = (end.join(lines) + end).encode("latin-1")
    return HprimSanteReader().read(data, ReadContext(sibling=(siblings or {}).get))


def one(*lines: str, siblings: dict[str, bytes] | None = None) -> Report:
    result = read(*lines, siblings=siblings)
    assert len(result.reports) == 1, [p.message for p in result.problems]
    return result.reports[0]


def errors(result: ReadResult) -> list[str]:
    return [p.code for p in result.problems if p.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("declared", "p5", "expected"),
    [
        ("|^~\\&|", "A^B", Separators()),
        ("|~^\\&|", "A~B", Separators(component="~", repetition="^")),
        ("|^~&\\|", "A^B", Separators()),
        ("|^~&|", "A^B", Separators()),
        ("|\\^&~|", "A\\B", Separators(component="\\", repetition="^", escape="")),
        ("|\\^&~|", "A~B", Separators(component="~", repetition="^", escape="")),
        ("|\\^&~|", "A^B", Separators(component="^", repetition="~", escape="")),
        ("|^~\\&|", "A~B", Separators(component="~", repetition="^")),  # declared one way, written the other
        ("|~^\\&|", "A", Separators(component="~", repetition="^")),
    ],
)
def test_separators_and_what_the_data_says_of_them(declared: str, p5: str, expected: Separators) -> None:
    assert separators_of([f"H{declared}", f"P|1||||{p5}"]) == expected


def test_the_small_example_of_the_notes() -> None:
    found = one(
        H,
        P,
        OBR.split("|R||")[0] + "|R||202403110745||||N|||202403110930||D001~DURAND PAUL~L",
        "A|||||||202403111815|||F",
        OBX,
        "C|1|L|A controler sous traitement",
        "L|1||1|6",
    )
    assert (found.order.placer, found.order.filler, found.status) == ("D5501", "B2403110007", Status.FINAL)
    assert (found.patient.birth_name, found.patient.used_name, found.patient.given_names) == (
        "BIHAN",
        "MARTINEAU",
        ("CLAIRE",),
    )
    assert found.patient.birth_date == date(1961, 7, 4)
    assert found.patient.local_ids == (
        LocalId(value="PT42", authority="LABOIZE", type="PI"),
        LocalId(value="PT42-EH", authority="EHPAD7", type="PI"),
        LocalId(value="S778", authority="LABOIZE", type="VN"),
    )
    assert found.reported_at == datetime(2024, 3, 11, 18, 15, tzinfo=PARIS)
    assert (found.laboratory.id, found.laboratory.name, found.sender_file_id) == (
        "LABOIZE",
        "Laboratoire Boize",
        "LAB00042.HPR",
    )
    result = found.observations[0]
    assert (result.value, result.unit, result.low, result.high, result.flags) == ("1.32", "g/l", "0.70", "1.10", ("H",))
    assert result.comments == ("A controler sous traitement",)
    assert (found.batteries[0].title, found.batteries[0].chapter) == ("Glycemie a jeun", "BIOCH")
    assert found.problems == ()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_any_line_end(end: str) -> None:
    assert len(read(H, P, "", OBR, OBX, L, end=end).reports) == 1


def test_continuation_joins_exactly_where_it_was_cut() -> None:
    found = one(H, P, OBR, "OBX|1|TX|C~Conclusion~L||Contrôle inu", "A|tile ", "A|si stable||||||F", L)
    assert found.observations[0].value == "Contrôle inutile si stable"


@pytest.mark.parametrize(
    ("kind", "value", "unit", "type_", "read_as"),
    [
        ("NM", "1,32", "g/l", ValueType.NUMERIC, "1.32"),
        ("NM", "négatif", "", ValueType.TEXT, "négatif"),
        ("ST", "> 10^6 UFC/ml", "", ValueType.TEXT, "> 10^6 UFC/ml"),
        ("ST", "5,4", "g/L", ValueType.NUMERIC, "5.4"),
        ("TX", "un~deux^trois", "", ValueType.TEXT, "un\ndeux\ntrois"),
        ("CE", "P~Positif~L", "", ValueType.CODED, "Positif"),
        ("GC", "12~8", "", ValueType.TEXT, "12 / 8"),
        ("DT", "20240311", "", ValueType.TEXT, "2024-03-11"),
        ("PN", "DURAND~PAUL", "", ValueType.TEXT, "DURAND PAUL"),
    ],
)
def test_value_types(kind: str, value: str, unit: str, type_: ValueType, read_as: str) -> None:
    found = one(H, P, OBR, f"OBX|1|{kind}|C~Code~L||{value}|{unit}|||||F", L).observations[0]
    assert (found.type, found.value) == (type_, read_as)


def test_flags_and_repeated_ranges() -> None:
    found = one(H, P, OBR, "OBX|1|NM|C~Code~L||1|g/l|H : 13 - 17^F : 12 - 16|HH^Null|||F", L).observations[0]
    assert (found.flags, found.range_text, found.low) == (("HH",), "H : 13 - 17 ; F : 12 - 16", "")


def test_a_file_beside_is_read_and_named() -> None:
    line = "OBX|2|FIC|PDF~Tracé~L||LABO~CR42.PDF~PDF||||||F"
    pdf = b"%PDF-1.4 x %%EOF\n"
    found = one(H, P, OBR, OBX, line, L, siblings={"CR42.PDF": pdf})
    assert [(d.name, d.media_type, d.content) for d in found.documents] == [("CR42.PDF", "application/pdf", pdf)]
    assert found.observations[1].type is ValueType.DOCUMENT
    assert one(H, P, OBR, OBX, line, L, siblings={"cr42.pdf": pdf}).documents[0].content == pdf
    missing = one(H, P, OBR, OBX, line, L)
    assert [(p.code, p.severity) for p in missing.problems] == [("missing-document", Severity.ERROR)]
    assert one(H, P, OBR, line, L, siblings={"CR42.PDF": pdf}).kind is Kind.DOCUMENT


def test_names_of_files_beside() -> None:
    text = "\n".join(
        [
            H,
            P,
            OBR,
            "OBX|1|FIC|A~A~L||X~\\E\\srv\\E\\part\\E\\A1.PDF~PDF",
            "OBX|2|PDF|B~B~L||X~B2.TXT",
            "OBX|3|FIC|A~A~L||X~A1.PDF",
            L,
        ]
    )
    assert referenced_files(text.encode()) == ("A1.PDF", "B2.TXT")
    assert referenced_files(b"rien") == ()


def test_without_l_the_file_is_truncated() -> None:
    result = read(H, P, OBR, OBX)
    assert errors(result) == ["truncated"]
    assert not result.readable
    assert unfinished("\n".join([H, P, OBR, OBX]).encode())
    assert not unfinished("\n".join([H, P, OBR, OBX, L]).encode())
    assert errors(read(H, P, OBR, OBX, H, P, OBR, OBX, L)) == ["truncated"], "each message needs its own"


@pytest.mark.parametrize(
    ("trailer", "codes"),
    [
        ("L|1", []),
        ("L|1||1|5", []),
        ("L|1||1|4", []),
        ("L|1||1|3", []),
        ("L|1||2|5", ["trailer-count"]),
        ("L|1||1|9", ["trailer-count"]),
    ],
)
def test_counts_of_l_are_checked_and_only_warn(trailer: str, codes: list[str]) -> None:
    found = one(H, P, OBR, OBX, trailer)
    assert [p.code for p in found.problems] == codes
    assert all(p.severity is Severity.WARNING for p in found.problems)


@pytest.mark.parametrize("header", [H.replace("||ORU", "|||ORU"), H.replace("||ORU", "|ORU")])
def test_a_shifted_header_is_put_right(header: str) -> None:
    found = one(header, P, OBR, OBX, L)
    assert [p.code for p in found.problems] == ["shifted-header"]
    assert found.patient.local_ids[1].authority == "EHPAD7"


def test_several_patients_and_several_messages() -> None:
    other = "P|2|PT43|||LE GOFF~JEAN||19500101|M"
    assert [r.patient.birth_name for r in read(H, P, OBR, OBX, other, OBR, OBX, L).reports] == ["BIHAN", "LE GOFF"]
    assert len(read(H, P, OBR, OBX, L, H, other, OBR, OBX, L).reports) == 2


def test_a_requester_of_his_own_is_a_report_of_his_own() -> None:
    other = (
        OBR.replace("E9001~B2403110007", "E9002~B2403110008")
        .replace("D001~DURAND PAUL", "D002~PETIT SOPHIE")
        .replace("~D5501", "~D5502")
    )
    result = read(H, P, OBR, OBX, other, OBX, L)
    assert [(r.order.filler, r.prescriber and r.prescriber.id) for r in result.reports] == [
        ("B2403110007", "D001"),
        ("B2403110008", "D002"),
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("D001~DURAND PAUL~L", ("D001", IdType.LOCAL, "", "DURAND PAUL", "", "")),
        ("D001~DR DURAND Paul~L", ("D001", IdType.LOCAL, "DR", "DURAND", "Paul", "")),
        ("D001~DURAND&Paul~L", ("D001", IdType.LOCAL, "", "DURAND", "Paul", "")),
        ("D001~LE GOFF Yannick~L~S1~Cardiologie~L", ("D001", IdType.LOCAL, "", "LE GOFF", "Yannick", "Cardiologie")),
        ("99700000013~DURAND&Paul~RPPS", ("99700000013", IdType.RPPS, "", "DURAND", "Paul", "")),
        ("99700000013~DURAND~Paul", ("99700000013", IdType.RPPS, "", "DURAND", "Paul", "")),
        ("990004012~EHPAD Les Tilleuls~FINESS", ("990004012", IdType.FINESS, "", "", "", "EHPAD Les Tilleuls")),
        ("~DURAND PAUL", ("", IdType.LOCAL, "", "DURAND PAUL", "", "")),
    ],
)
def test_prescribers(field: str, expected: tuple[str, IdType, str, str, str, str]) -> None:
    found = one(H, P, OBR.replace("D001~DURAND PAUL~L", field), OBX, L).prescriber
    assert found is not None
    assert (found.id, found.id_type, found.title, found.family, found.given, found.organisation) == expected


def test_prescriber_falls_back_to_the_patient_s_doctor_and_copies_are_read() -> None:
    obr = OBR.replace("D001~DURAND PAUL~L", "") + "|||D002~PETIT SOPHIE~L^E001~EHPAD~L"
    found = one(H, P, obr, OBX, L)
    assert found.prescriber is not None
    assert (found.prescriber.id, found.prescriber.given) == ("D009", "Anne")
    assert [copy.id for copy in found.copies] == ["D002", "E001"]


def test_ins_of_version_2_5() -> None:
    p = (
        "P|1|PT42|||LE BIHAN~Hélène|MOREAU~Hélène~Hélène Marie Zoé|19790312|F||||".replace(
            "||||", "|||279035121518989~INS-NIR~20240115~~~1.2.250.1.213.1.4.10" + "|" * 23
        )
        + "REIMS~51454~FRA~51100||||VALI"
    )
    found = one(H.replace("H2.1", "H2.5"), p, OBR, OBX, L).patient
    assert found.ins is not None
    assert (found.ins.oid, found.ins.qualified) == ("1.2.250.1.213.1.4.10", True)
    assert (found.birth_name, found.used_name, found.given_names) == ("MOREAU", "LE BIHAN", ("Hélène", "Marie", "Zoé"))
    assert found.birth_place == "51454"


@pytest.mark.parametrize(
    ("p11", "oid", "nss"),
    [
        ("279035121518989~INS-NIA", "1.2.250.1.213.1.4.9", ""),
        ("2790351215189~89~~~~1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.8", ""),
        ("279035121518989", None, "279035121518989"),
        ("0123456789012345678901~INS-C~20120101", None, ""),
    ],
)
def test_ins_of_older_versions(p11: str, oid: str | None, nss: str) -> None:
    found = one(H, P.replace("QUIMPER~~29000|", f"QUIMPER~~29000|{p11}"), OBR, OBX, L).patient
    assert ((found.ins.oid if found.ins else None), found.nss) == (oid, nss)
    assert not (found.ins and found.ins.qualified)


def test_chapters_make_batteries() -> None:
    found = one(
        H,
        P,
        OBR.replace("GLYJ~Glycemie a jeun~L", "GLYJ~Glycemie~L^NFS~Numération~L"),
        "C|1|L|note de la demande",
        "OBX|1|NM|GLYJ~Glycemie~L||1|g/l|||||F||||BIOCH~10~GLYJ",
        "OBX|2|NM|GB~Leucocytes~L||5|G/l|||||F||||HEMATO~10~NFS",
        "OBX|3|NM|HB~Hémoglobine~L||13|g/dl|||||F||||HEMATO~20~NFS",
        L,
    )
    assert [(b.chapter, b.title, len(b.observations), b.comments) for b in found.batteries] == [
        ("BIOCH", "Glycemie", 1, ("note de la demande",)),
        ("HEMATO", "Numération", 2, ()),
    ]


def test_an_error_report_is_no_result() -> None:
    result = read(H.replace("ORU", "ERR"), "ERR|1|A.HPR|2024|P|7|OBX~3|10.12|SECRET|20|texte", L)
    assert (result.reports, errors(result)) == ((), ["hprim-error-report"])
    assert "ligne 7 OBX champ 10.12" in result.problems[0].message
    assert "SECRET" not in result.problems[0].message


def test_other_contexts() -> None:
    assert errors(read(H.replace("ORU", "ADM"), P, L)) == ["unsupported-message"]
    order = read(H.replace("ORU", "ORM"), P, OBR, OBX, L)  # an order may tell weight or fasting in OBX: no results
    assert errors(order) == ["unsupported-message"] and order.reports == ()
    odd = read(H.replace("ORU", "RES"), P, OBR, OBX, L)
    assert [p.code for p in odd.problems] == ["unexpected-context"] and len(odd.reports) == 1
    assert len(odd.reports) == 1


def test_no_results_yet() -> None:
    pending = one(H, P, OBR[:-1] + "I", L)
    assert (pending.status, [p.severity for p in pending.problems]) == (Status.PARTIAL, [Severity.WARNING])


def test_text_around_messages_is_told() -> None:
    result = read("De: labo", "", H, P, OBR, OBX, L, "signature")
    assert [p.code for p in result.problems] == ["text-outside-message"]
    assert len(result.reports) == 1


def test_insurance_segments_are_counted_as_unused() -> None:
    result = read(H, P, "AP|1|x", "AC|1|y", OBR, OBX, L)
    assert [p.code for p in result.problems] == ["unused-segments"]


def test_lines_keep_their_number() -> None:
    message = cut("\n\n".join([H, P, OBR, OBX, L])).messages[0]
    assert [(segment.name, segment.line) for segment in message.segments] == [
        ("H", 1),
        ("P", 3),
        ("OBR", 5),
        ("OBX", 7),
        ("L", 9),
    ]


def test_sniffing() -> None:
    reader = HprimSanteReader()
    assert reader.sniff(H.encode()) > 0.9
    assert reader.sniff(b"\xef\xbb\xbf \r\n" + H.encode()) > 0.9
    assert reader.sniff(b"MSH|^~\\&|x") == 0
    assert reader.sniff(b"HELENE\nDURAND\n") == 0


@pytest.mark.parametrize(
    ("flag", "comparator", "flags"),
    [("<", "<", ("<",)), (">", ">", (">",)), ("L^<", "<", ("L", "<")), ("L", "", ("L",))],
)
def test_off_scale_flags_stand_before_the_number(flag: str, comparator: str, flags: tuple[str, ...]) -> None:
    [found] = one(H, P, OBR, OBX.replace("|H|||F", f"|{flag}|||F"), L).observations
    assert (found.comparator, found.value, found.flags) == (comparator, "1.32", flags)


def test_four_delimiters_still_escape() -> None:
    lines = [line.replace("~", "^") for line in (H.replace("|~^\\&|", "|^~&|"), P, OBR, OBX, L)]
    comment = "C|1|L|A \\T\\ B"
    report = one(lines[0].replace("|^^&|", "|^~&|"), *lines[1:4], comment, lines[4])
    assert report.observations[0].comments == ("A & B",)


@pytest.mark.parametrize(
    ("order", "result", "status", "codes"),
    [
        ("D", "D", Status.CANCELLED, set()),
        ("X", "X", Status.CANCELLED, set()),
        ("X", "D", Status.CANCELLED, set()),
        ("D", "F", Status.FINAL, {"mixed-status"}),
        ("X", "F", Status.FINAL, {"mixed-status"}),
        ("F", "U", Status.FINAL, set()),
        ("C", "F", Status.CORRECTED, set()),
        ("F", "R", Status.PARTIAL, {"mixed-status"}),
        ("I", "I", Status.PARTIAL, set()),
        ("M", "F", Status.PARTIAL, {"unknown-status"}),
    ],
)
def test_status_letters(order: str, result: str, status: Status, codes: set[str]) -> None:
    report = one(H, P, f"{OBR[:-1]}{order}", OBX.replace("|F|", f"|{result}|"), L)
    assert report.status is status
    assert {p.code for p in report.problems} == codes


def test_a_comment_without_its_source_and_a_postcode_one_field_early() -> None:
    report = one(H, P.replace("~~QUIMPER~~29000", "~~QUIMPER~29000"), OBR, OBX, "C|1|A controler sous traitement", L)
    assert report.observations[0].comments == ("A controler sous traitement",)
    assert report.patient.address is not None and report.patient.address.postcode == "29000"


def test_one_letter_types_of_numbers() -> None:
    report = one(H, P, OBR.replace("D001~DURAND PAUL~L", "10000000009~DURAND&PAUL~R"), OBX, L)
    assert report.prescriber is not None and report.prescriber.id_type is IdType.RPPS
    local = one(H, P, OBR.replace("D001~DURAND PAUL~L", "D001~DURAND&PAUL~R"), OBX, L)
    assert local.prescriber is not None and local.prescriber.id_type is IdType.LOCAL


def test_a_segment_name_in_lower_case_is_read_and_an_unknown_one_held() -> None:
    parts = cut("\r".join((H, P, OBR, OBX, OBX.replace("OBX|1", "obx|2"), L)))
    assert [one.name for one in parts.messages[0].segments].count("OBX") == 2
    assert [one.code for one in parts.problems] == ["segment-name-form"]
    parts = cut("\r".join((H, P, OBR, OBX, OBX.replace("OBX|1", "OBY|2"), L)))
    assert [(one.code, one.severity) for one in parts.problems] == [("glued-segment", Severity.ERROR)]


def test_a_status_that_goes_on_below_is_an_error() -> None:
    report = one(H, P, OBR, "OBX|1|NM|GLYJ~Glycemie~L||1.32|g/l||H|||F\rK : 7,9 mmol/l", L)
    assert "broken-status" in [each.code for each in report.problems if each.severity is Severity.ERROR]


def test_a_second_unit_called_soit() -> None:
    second = "OBX|2|NM|GLYJ~soit~L||7.33|mmol/l|3.89 - 6.11||||F|||202403111010|BIOCH~20"
    [found] = one(H, P, OBR, OBX, second, L).observations
    assert found.alt is not None and (found.alt.value, found.alt.unit, found.alt.high) == ("7.33", "mmol/l", "6.11")
    [below] = one(H, P, OBR, OBX, second.replace("7.33", "< 7.33").replace("|NM|", "|ST|"), L).observations
    assert below.alt is not None and (below.alt.comparator, below.alt.value) == ("<", "7.33")
    apart = one(H, P, OBR, OBX, second.replace("GLYJ", "AUTRE"), L).observations
    assert len(apart) == 2 and apart[0].alt is None


def test_a_withdrawn_second_unit_is_not_joined_to_a_valid_result() -> None:
    """Found by the fuzz of dialects: it would have left as the second value of a final result."""
    second = "OBX|2|NM|GLYJ~soit~L||7.33|mmol/l|3.89 - 6.11||||D|||202403111010|BIOCH~20"
    found = one(H, P, OBR, OBX, second, L).observations
    assert [(result.status, result.value, result.alt) for result in found] == [("F", "1.32", None), ("D", "7.33", None)]


@pytest.mark.parametrize(
    ("span", "low", "high", "text"),
    [
        ("<10^3", "", "1000", "<10^3"),
        ("0 - 10^3", "0", "1000", "0 - 10^3"),
        ("10^3 - 10^5", "1000", "100000", "10^3 - 10^5"),
        ("0.70-1.10^3.89-6.11", "", "", "0.70-1.10 ; 3.89-6.11"),
    ],
)
def test_a_power_in_a_range_is_no_repetition(span: str, low: str, high: str, text: str) -> None:
    (result,) = one(H, P, OBR, OBX.replace("0.70 - 1.10", span), L).observations
    assert (result.low, result.high, result.range_text) == (low, high, text)


def test_a_result_repeated_in_two_units_is_a_value_and_its_second() -> None:
    line = OBX.replace("1.32|g/l|0.70 - 1.10", "1.05^5.83|g/L^mmol/L|0.70-1.10^3.9-6.1")
    (result,) = one(H, P, OBR, line, L).observations
    assert (result.value, result.unit, result.low, result.high) == ("1.05", "g/L", "0.70", "1.10")
    assert result.alt is not None
    assert (result.alt.value, result.alt.unit, result.alt.low, result.alt.high) == ("5.83", "mmol/L", "3.9", "6.1")
