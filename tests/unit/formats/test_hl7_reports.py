"""Whole messages: orders into reports, people, comments, dates, files as a whole."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dispatcher.clock import PARIS
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.er7.messages import cut
from dispatcher.formats.hl7.completeness import unfinished
from dispatcher.formats.hl7.groups import group
from dispatcher.formats.hl7.reader import Hl7Reader, declared_charset
from dispatcher.report.model import IdType, Kind, Report, Severity, Status

MSH = "MSH|^~\\&|SIL|LABO^990004012|||202603111000||ORU^R01|M1|P|2.5"
PID = "PID|1||P1||MARTIN^Anne||19790312|F"
RPPS = "&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
DURAND = f"99700000013^DURAND^Paul^^^DR^^^ASIP-SANTE-PS{RPPS}"


def obr(rank: int = 1, placer: str = "D1", filler: str = "F1", **fields: str) -> str:
    cells = ["", str(rank), placer, filler, "BIO^Biochimie^L", *[""] * 32]
    cells[25] = "F"
    for name, value in fields.items():
        cells[int(name[1:])] = value
    return "OBR" + "|".join(cells)


OBX = "OBX|1|NM|GLU^Glucose^L||1.07|g/L|0.70 - 1.10||||F"


def read(*segments: str, end: str = "\r") -> ReadResult:
    return Hl7Reader().read(("\r".join(segments) + end).encode(), ReadContext())


def one(*segments: str) -> Report:
    result = read(*segments)
    assert len(result.reports) == 1, [p.message for p in result.problems]
    return result.reports[0]


def error_codes(result: ReadResult) -> list[str]:
    return [problem.code for problem in result.problems if problem.severity is Severity.ERROR]


# ------------------------------------------------------------------------------------------------ reports


def test_several_obr_of_one_request_are_one_report_with_batteries() -> None:
    found = one(MSH, PID, obr(1, "D1", "F1-1", f24="HM"), OBX, obr(2, "D1", "F1-2", f24="CH"), OBX)
    assert [(battery.title, battery.chapter) for battery in found.batteries] == [
        ("Biochimie", "HM"),
        ("Biochimie", "CH"),
    ]
    assert (found.order.placer, found.order.filler) == ("D1", "F1-1")


def test_two_prescribers_are_two_reports() -> None:
    result = read(MSH, PID, obr(1, "D1", "F1", f16="A1^UN"), OBX, obr(2, "D2", "F2", f16="B2^DEUX"), OBX)
    assert [report.order.filler for report in result.reports] == ["F1", "F2"]
    assert [report.prescriber and report.prescriber.id for report in result.reports] == ["A1", "B2"]


def test_one_order_number_under_two_prescribers_is_held() -> None:
    found = one(MSH, PID, obr(1, "D1", "F1", f16="A1^UN"), OBX, obr(2, "D1", "F1", f16="B2^DEUX"), OBX)
    assert [(p.code, p.severity) for p in found.problems] == [("several-prescribers", Severity.ERROR)]


def test_a_patient_repeated_before_each_order_is_one_patient() -> None:
    assert len(one(MSH, PID, obr(1), OBX, PID.replace("PID|1", "PID|2"), obr(2, "D1", "F2"), OBX).batteries) == 2


def test_two_patients_are_two_reports() -> None:
    other = "PID|2||P2||LE GOFF^Jean||19500101|M"
    names = [report.patient.birth_name for report in read(MSH, PID, obr(), OBX, other, obr(), OBX).reports]
    assert names == ["MARTIN", "LE GOFF"]


def test_segments_before_the_patient_make_no_report_of_their_own() -> None:
    found = one(MSH, "SFT|X", "NTE|1||Remarque générale", PID, obr(), OBX)
    assert found.comments == ("Remarque générale",)


def test_a_visit_before_its_patient_and_an_order_without_result_make_no_report() -> None:
    found = one(MSH, "PV1|1|O||||||D004^GARCON", PID, obr(), OBX, "ORC|RE|D2|F2")
    assert found.patient.birth_name == "MARTIN"
    assert len(found.batteries) == 1


def test_results_without_patient_or_order_are_read_and_told() -> None:
    found = one(MSH, OBX)
    assert {p.code: p.severity for p in found.problems} == {
        "missing-patient": Severity.ERROR,
        "missing-order": Severity.WARNING,
    }
    assert len(found.observations) == 1


def test_numbers_come_from_orc_when_obr_has_none() -> None:
    found = one(MSH, PID, "ORC|RE|D9^X|F9^Y|||||||||D001^DURAND", obr(1, "", ""), OBX)
    assert (found.order.placer, found.order.filler) == ("D9", "F9")
    assert found.prescriber is not None
    assert found.prescriber.id == "D001"


def test_no_result_at_all_is_an_error_unless_cancelled_or_pending() -> None:
    assert [p.code for p in one(MSH, PID, obr()).problems if p.severity is Severity.ERROR] == ["no-result"]
    cancelled = one(MSH, PID, obr(f25="X"))
    assert (cancelled.status, [p.severity for p in cancelled.problems]) == (Status.CANCELLED, [Severity.WARNING])
    assert one(MSH, PID, obr(f25="I")).status is Status.PARTIAL


def test_dates_of_a_report() -> None:
    found = one(
        MSH,
        PID,
        obr(1, "D1", "F1", f6="20260310", f7="202603110745", f14="202603110800", f22="202603111500"),
        OBX,
        obr(2, "D1", "F2", f7="202603110730+0100", f22="202603111600"),
        OBX,
    )
    assert found.ordered_at == date(2026, 3, 10)
    assert found.collected_at == datetime.fromisoformat("2026-03-11T07:30:00+01:00")
    assert found.received_at == datetime(2026, 3, 11, 8, tzinfo=PARIS)
    assert found.reported_at == datetime(2026, 3, 11, 16, tzinfo=PARIS)
    assert one(MSH, PID, obr(), OBX).reported_at == datetime(2026, 3, 11, 10, tzinfo=PARIS), (
        "MSH-7 when OBR-22 is empty"
    )


def test_impossible_dates_are_told_and_never_raised() -> None:
    found = one(MSH, PID, obr(f7="00000000", f22="20261399"), OBX)
    assert found.collected_at is None
    assert [p.code for p in found.problems] == ["unreadable-date"]
    assert "2 fois" in found.problems[0].message


@pytest.mark.parametrize(
    ("fields", "timing", "urgent"),
    [
        ({}, "", False),
        ({"f5": "S"}, "", True),
        ({"f27": "^^^^^S"}, "", True),
        ({}, "TQ1|1||||||||S", True),
        ({}, "TQ1|1||||||||R", False),
    ],
)
def test_urgency(fields: dict[str, str], timing: str, urgent: bool) -> None:
    assert one(*[line for line in (MSH, PID, obr(**fields), timing, OBX) if line]).urgent is urgent


def test_comments_go_to_what_stands_above_them() -> None:
    found = one(
        MSH,
        PID,
        "NTE|1||du patient",
        obr(),
        "NTE|1||de la batterie~sur deux lignes",
        OBX,
        "NTE|1||du résultat",
        "NTE|2||",
        "SPM|1|||SER^Sérum^HL70487|||||||||||||202603110745|202603110800",
        "NTE|1||du prélèvement",
    )
    assert found.comments == ("du patient",)
    assert found.batteries[0].comments == ("de la batterie\nsur deux lignes", "du prélèvement")
    assert found.observations[0].comments == ("du résultat",)
    specimen = found.batteries[0].specimen
    assert specimen is not None
    assert (specimen.text, specimen.code) == ("Sérum", "SER")
    assert found.collected_at == datetime(2026, 3, 11, 7, 45, tzinfo=PARIS)


@pytest.mark.parametrize("source", ["SER&Sérum&HL70487", "SER^Sérum", "Sérum", "^^Sérum"])
def test_specimen_of_older_versions(source: str) -> None:
    specimen = one(MSH, PID, obr(f15=source), OBX).batteries[0].specimen
    assert specimen is not None
    assert specimen.text == "Sérum"


# ------------------------------------------------------------------------------------------------ people


def test_prescriber_copies_and_validator() -> None:
    found = one(
        MSH,
        PID,
        "ORC|RE" + "|" * 20 + "CABINET DU PORT^^^^^FINESS&1.2.250.1.71.4.2.2&ISO^FINEG^^^990004012",
        obr(
            f16=f"{DURAND}~D001^DURAND^Paul",
            f17="0298000001",
            f28=f"D002^PETIT^Sophie~{DURAND}~990004012^EHPAD LES TILLEULS^^^^^^^&1.2.250.1.71.4.2.2&ISO^^^^FINEG",
            f32=f"10000000009&ESSAI&Camille&&&DR{'&' * 3}ASIP-SANTE-PS&1.2.250.1.71.4.2.1&RPPS",
        ),
        OBX,
    )
    assert found.prescriber is not None
    assert (found.prescriber.id, found.prescriber.id_type, found.prescriber.label) == (
        "99700000013",
        IdType.RPPS,
        "DR DURAND Paul",
    )
    assert (found.prescriber.organisation, found.prescriber.organisation_id) == ("CABINET DU PORT", "990004012")
    assert found.prescriber.phone == "0298000001"
    assert [(c.id, c.id_type, c.family, c.organisation) for c in found.copies] == [
        ("D002", IdType.LOCAL, "PETIT", ""),
        ("990004012", IdType.FINESS, "", "EHPAD LES TILLEULS"),
    ], "the prescriber himself is no copy"
    assert [(v.id, v.id_type, v.family) for v in found.validators] == [("10000000009", IdType.RPPS, "ESSAI")]


def test_prescriber_falls_back_to_the_referring_doctor() -> None:
    found = one(MSH, PID, "PV1|1|O||||||D004^GARCON^François", obr(), OBX)
    assert found.prescriber is not None
    assert found.prescriber.id == "D004"


def test_a_name_alone_gets_no_number() -> None:
    found = one(MSH, PID, obr(f16="Dr MARTIN Jean"), OBX)
    assert found.prescriber is not None
    assert (found.prescriber.id, found.prescriber.title, found.prescriber.family) == ("", "Dr", "MARTIN Jean")


def test_a_doubtful_rpps_is_told_without_the_name() -> None:
    found = one(MSH, PID, obr(f16=f"99700000014^SECRET^Paul^^^^^^X{RPPS}"), OBX)
    assert [p.code for p in found.problems] == ["doubtful-identifier"]
    assert "SECRET" not in found.problems[0].message


def test_recipients_of_prt() -> None:
    found = one(
        MSH,
        PID,
        obr(),
        "OBX|1|ED|11502-2^CR^LN||^TEXT^XML^Base64^PENsaW5pY2FsRG9jdW1lbnQvPg==||||||F",
        f"PRT||UC||SB^Send by^participation|{DURAND}",
        f"PRT||UC||rct^^participation|{DURAND}{'|' * 10}^^X.400^Paul.Durand@sandbox.mssante.test",
        f"PRT||UC||RCT{'|' * 11}^^X.400^boite@sandbox.mssante.test",
        f"PRT||UC||REPLY{'|' * 11}^^X.400^labo@sandbox.mssante.test",
    )
    assert found.kind is Kind.DOCUMENT
    assert [(r.address, r.practitioner and r.practitioner.id) for r in found.recipients] == [
        ("paul.durand@sandbox.mssante.test", "99700000013"),
        ("boite@sandbox.mssante.test", None),
    ]


# ------------------------------------------------------------------------------------------------ files


def test_laboratory_and_control_id() -> None:
    found = one(MSH, PID, obr(), OBX)
    assert (found.laboratory.name, found.laboratory.finess, found.sender_file_id) == ("LABO", "990004012", "M1")


def test_a_test_message_is_told() -> None:
    assert [p.code for p in one(MSH.replace("|P|", "|T|"), PID, obr(), OBX).problems] == ["test-message"]


@pytest.mark.parametrize("kind", ["ORU", "ORU_R01", "ORU^R01", "ORU^R03", "ORU^R30^ORU_R30", "ORU^R32", "ORF^R04", ""])
def test_every_kind_of_result_message_is_read(kind: str) -> None:
    result = read(MSH.replace("ORU^R01", kind), PID, obr(), OBX)
    assert (result.format, len(result.reports)) == ("hl7v2-oru", 1)


def test_another_message_is_refused_by_name() -> None:
    result = read(MSH.replace("ORU^R01", "ADT^A04"), PID)
    assert error_codes(result) == ["unsupported-message"]
    assert "ADT^A04" in result.problems[0].message
    assert not result.readable


@pytest.mark.parametrize(
    ("event", "completion", "status"),
    [
        ("T02", "AU", Status.FINAL),
        ("T02", "DI", Status.PARTIAL),
        ("T10", "AU", Status.CORRECTED),
        ("T11", "AU", Status.CANCELLED),
    ],
)
def test_a_document_message(event: str, completion: str, status: Status) -> None:
    txa = f"TXA|1|11502-2|TEXT|202603110900|{DURAND}|||||||DOC1^^1.2.3^ISO|||||{completion}|R"
    result = read(
        MSH.replace("ORU^R01", f"MDM^{event}^MDM_T02"),
        "EVN||20260311",
        PID,
        "PV1|1|O",
        txa,
        "OBX|1|ED|11502-2^CR^LN||^TEXT^XML^Base64^PGRvY3VtZW50Lz4=",
    )
    assert result.format == "hl7v2-mdm"
    found = result.reports[0]
    assert (found.kind, found.status, found.order.filler) == (Kind.DOCUMENT, status, "DOC1")
    assert found.handling.confidentiality == "R"
    assert found.prescriber is not None
    assert found.prescriber.id == "99700000013"
    assert found.problems == ()


def test_deleting_a_document_is_a_cancellation() -> None:
    result = read(MSH.replace("ORU^R01", "MDM^T04"), PID, "TXA|1", "OBX|1|ED|X^CR^L||^TEXT^XML^Base64^PGE+||||||D")
    assert result.reports[0].status is Status.CANCELLED


def test_unused_segments_are_counted() -> None:
    result = read(MSH, "SFT|X", PID, "NK1|1", "ZBE|1", obr(), OBX, "ZBE|2")
    assert [(p.code, p.severity) for p in result.problems] == [("unused-segments", Severity.INFO)]
    assert "NK1 (1), ZBE (2)" in result.problems[0].message


def test_every_segment_is_used_or_counted() -> None:
    text = "\r".join(
        [MSH, "SFT|X", "NTE|1||a", PID, "PD1|1", "NK1|1", "NTE|1||b", "PV1|1|O", "PV2|", "ORC|RE", obr(), "TQ1|1",
         "NTE|1||c", OBX, "NTE|1||d", "ZZZ|1", "OBX|2|TX|T^T^L||x||||||F", "OBX|3|TX|T^T^L||y||||||F", "CTI|1",
         "SPM|1|||SER^Sérum", "PRT||UC||RCT", "ORC|RE", obr(2, "D2", "F2"), "DSC|1"]
    )  # fmt: skip
    message = cut(text).messages[0]
    grouped = group(message)
    patient = grouped.patients[0]
    kept = 1 + len(grouped.comments) + len(patient.comments) + len(patient.participants) + bool(patient.pid)
    kept += bool(patient.pv1) + sum(grouped.unused.values())
    for order in patient.orders:
        kept += bool(order.orc) + bool(order.obr) + len(order.comments) + len(order.specimens) + len(order.timing)
        kept += len(order.participants)
        kept += sum(1 + len(line.more) + len(line.comments) for line in order.lines)
    silent = sum(segment.name in ("SFT", "DSC") for segment in message.segments)
    assert kept + silent == len(message.segments)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("\r".join([MSH, PID, obr(), OBX]) + "\r", True),
        ("\r".join([MSH, PID, obr(), OBX]), True),
        ("\r".join([MSH, PID, obr(), OBX]) + "\x1c\r", True),
        ("\r".join([MSH, PID, obr(), OBX, "NTE|1||fin"]), True),
        ("\r".join([MSH, PID, obr(), "OBX|1|NM|GLU^Glucose^L||1.0"]), False),
        ("\r".join([MSH, PID, obr(), OBX, "OB"]), False),
        ("\r".join([MSH, PID, obr()[:30]]), False),
        ("\r".join([MSH, PID]) + "\r", False),
        ("\r".join(["FHS|^~\\&|L", MSH, PID, obr(), OBX]) + "\r", False),
        ("\r".join(["FHS|^~\\&|L", MSH, PID, obr(), OBX, "FTS|1"]), True),
        ("\r".join([MSH.replace("ORU^R01", "ADT^A04"), PID]) + "\r", True),
        ("PID|1\r", False),
    ],
)
def test_whole_or_cut(text: str, whole: bool) -> None:
    assert (unfinished(cut(text)) == "") is whole


def test_a_cut_file_is_not_readable() -> None:
    result = read(MSH, PID, obr(), OBX, "OBX|2|NM|K^Potassium^L||4", end="")
    assert error_codes(result) == ["truncated"]
    assert not result.readable


def test_a_wrong_envelope_is_not_readable() -> None:
    result = read("BHS|^~\\&|L", MSH, PID, obr(), OBX, "BTS|2")
    assert error_codes(result) == ["envelope-count"]


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("", "cp1252"),
        ("ASCII", "latin-1"),
    ],
)
def test_accents_by_declared_character_set(declared: str, codec: str) -> None:
    text = "\r".join([f"{MSH}||||||{declared}", PID.replace("MARTIN", "GUÉGUEN"), obr(), OBX]) + "\r"
    result = Hl7Reader().read(text.encode(codec), ReadContext())
    assert result.reports[0].patient.birth_name == "GUÉGUEN"
    assert result.problems == ()


def test_the_operator_s_choice_wins() -> None:
    text = "\r".join([f"{MSH}||||||8859/1", PID.replace("MARTIN", "GUÉGUEN"), obr(), OBX]) + "\r"
    result = Hl7Reader().read(text.encode("cp850"), ReadContext(encoding="cp850"))
    assert (result.reports[0].patient.birth_name, result.encoding) == ("GUÉGUEN", "cp850")


def test_the_declaration_is_found_whatever_the_separators() -> None:
    assert declared_charset(b"MSH#@~$%#A#B#C#D#2026##ORU@R01#1#P#2.5######8859/15~UNICODE UTF-8\r") == "8859/15"
    assert declared_charset(b"FHS|^~\\&|A\rMSH|^~\\&|A\r") is None


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_wide_and_marked_files(codec: str) -> None:
    text = "\r\n".join([MSH, PID.replace("MARTIN", "GUÉGUEN"), obr(), OBX]) + "\r\n"
    assert Hl7Reader().sniff(text.encode(codec)[:4096]) == 1.0
    assert Hl7Reader().read(text.encode(codec), ReadContext()).reports[0].patient.birth_name == "GUÉGUEN"


@pytest.mark.parametrize(("second", "told"), [("A2", True), ("A1", False), ("", False)])
def test_order_numbers_joined_into_one_report_are_counted(second: str, told: bool) -> None:
    lines = (
        "MSH|^~\\&|LIS|LABO|||20261110120000||ORU^R01|OO|P|2.3",
        "PID|1||1||UN^Alice||19700101|F",
        "OBR|1|P1|A1|NFS^NFS|||202611091000|||||||||D001^DURAND||||||202611101100|||F",
        "OBX|1|NM|HB^Hb||13.0|g/dL|12-16||||F",
        f"OBR|2|P1|{second}|HBA^HbA1c|||202611091000|||||||||D001^DURAND||||||202611101100|||F",
        "OBX|1|NM|HBA1C^HbA1c||6.1|%|4-6|H|||F",
    )
    (report,) = Hl7Reader().read("\r".join([*lines, ""]).encode(), ReadContext()).reports
    found = [p for p in report.problems if p.code == "orders-joined"]
    assert len(report.batteries) == 2
    assert bool(found) is told
    assert all(p.severity is Severity.INFO and p.message.startswith("2 numéros") for p in found)
    assert all("A2" not in p.message for p in found)
