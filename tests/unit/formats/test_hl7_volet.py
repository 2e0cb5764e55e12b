"""The French document volet: flags, action, carried CDA, recipients."""

from __future__ import annotations

import base64

import pytest

from dispatcher.formats.base import ReadContext
from dispatcher.formats.hl7.reader import Hl7Reader
from dispatcher.report.model import Kind, Report, Severity, SourceDocument, Status

MSH = (
    "MSH|^~\\&|SIL|LABO^990004012|||202603111000||ORU^R01^ORU_R01|M1|P|2.5|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"
)
INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
PID = f"PID|1||{INS}||MOREAU^Hélène^Hélène Zoé^^^^L||19790312|F" + "|" * 23 + "|VALI"
OBR = "OBR|1||F1|11502-2^CR d'examens biologiques^LN" + "|" * 21 + "F"
PDF = b"%PDF-1.4 essai\n%%EOF\n"


def cda(
    *,
    ins: str = "279035121518989",
    family: str = "MOREAU",
    given: str = "Hélène",
    born: str = "19790312",
    number: str = "1.2.3.1",
    parent: str = "",
    structured: bool = True,
) -> bytes:
    body = (
        "<structuredBody><component><section><entry><observationMedia><value mediaType='application/pdf'>"
        f"{base64.b64encode(PDF).decode()}</value></observationMedia></entry></section></component></structuredBody>"
        if structured
        else f"<nonXMLBody><text mediaType='application/pdf'>{base64.b64encode(PDF).decode()}</text></nonXMLBody>"
    )
    related = (
        f"<relatedDocument typeCode='RPLC'><parentDocument><id root='{parent}'/></parentDocument></relatedDocument>"
        if parent
        else ""
    )
    return (
        f"<ClinicalDocument xmlns='urn:hl7-org:v3'><id root='{number}'/><setId root='1.2.3.0'/>"
        "<versionNumber value='2'/>"
        f"<recordTarget><patientRole><id root='1.2.250.1.213.1.4.10' extension='{ins}'/>"
        f"<patient><name><given>{given}</given><family qualifier='BR'>{family}</family></name>"
        f"<birthTime value='{born}'/></patient></patientRole></recordTarget>"
        f"{related}<component>{body}</component></ClinicalDocument>"
    ).encode()


def document(content: bytes = b"", rank: int = 1, status: str = "F") -> str:
    data = base64.b64encode(content or cda()).decode()
    return f"OBX|{rank}|ED|11502-2^CR d'examens biologiques^LN||^TEXT^XML^Base64^{data}||||||{status}"


def flag(name: str, answer: str, system: str = "MetaDMPMSS") -> str:
    value = f"{answer}^^expandedYes-NoIndicator" if system else answer
    return f"OBX|9|CE|{name}^Libellé{'^' + system if system else ''}||{value}||||||F"


def read(*segments: str, orc: str = "NW", msh: str = MSH) -> Report:
    text = "\r".join([msh, PID, "PV1|1|O", f"ORC|{orc}", OBR, *segments]) + "\r"
    (report,) = Hl7Reader().read(text.encode(), ReadContext()).reports
    return report


def told(report: Report) -> list[tuple[str, str]]:
    return [(p.code, p.severity.value) for p in report.problems]


# ------------------------------------------------------------------------------------------------ flags


def test_every_flag_is_read_and_none_is_a_result() -> None:
    mail = base64.b64encode("Cher confrère,\r\nvoici le résultat.".encode()).decode()
    found = read(
        document(),
        flag("MASQUE_PS", "N"),
        flag("INVISIBLE_PATIENT", "N"),
        flag("INVISIBLE_REP_LEGAUX", "N"),
        flag("CONNEXION_SECRETE", "Y"),
        flag("MODIF_CONF_CODE", "N"),
        flag("DESTDMP", "Y"),
        flag("DESTMSSANTEPS", "Y"),
        flag("DESTMSSANTEPAT", "Y"),
        "NTE|1|||FIN",
        flag("ACK_RECEPTION", "Y"),
        flag("ACK_LECTURE_MSS", "N"),
        f"OBX|20|ED|CORPSMAIL_PS^Corps^MetaDMPMSS||^TEXT^^Base64^{mail}||||||F",
        f"OBX|21|ED|CORPSMAIL_PATIENT^Corps^MetaDMPMSS||^TEXT^^Base64^{mail}||||||F",
    )
    asked = found.handling
    assert (asked.hidden_from_professionals, asked.hidden_from_patient, asked.hidden_from_guardians) == (False,) * 3
    assert (asked.secret_connection, asked.change_only, asked.to_dmp) == (True, False, True)
    assert (asked.to_professionals, asked.to_patient, asked.last_message) == (True, True, True)
    assert (asked.delivery_notice, asked.read_notice) == (True, False)
    assert asked.mail_text == asked.patient_mail_text == "Cher confrère,\nvoici le résultat."
    assert (len(found.observations), found.kind, found.comments) == (1, Kind.DOCUMENT, ())
    assert told(found) == []


@pytest.mark.parametrize(
    ("orc", "level"), [("R", "R"), ("V^Very restricted^HL70177", "V"), ("U", ""), ("VIP", ""), ("", "")]
)
def test_the_confidentiality_of_the_order_is_kept(orc: str, level: str) -> None:
    found = read(document(), flag("DESTMSSANTEPS", "Y"), orc="NW" + "|" * 27 + orc)
    assert found.handling.confidentiality == level
    assert found.handling.to_professionals is True


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("INVISIBLE_REPRESENTANTS_LEGAUX", "hidden_from_guardians"),
        ("MODIF_CONFIDENTIALITYCODE", "change_only"),
        ("ACK_LECTURE", "read_notice"),
    ],
)
def test_older_names_without_a_coding_system(name: str, field: str) -> None:
    found = read(document(), flag(name, "Y", system=""))
    assert getattr(found.handling, field) is True
    assert len(found.observations) == 1


def test_a_result_of_the_laboratory_is_never_taken_for_a_flag() -> None:
    found = read("OBX|1|CE|DESTDMP^Analyse^L||Y||||||F", "OBX|2|NM|GLU^Glucose^L||1||||||F")
    assert [one.code.code for one in found.observations] == ["DESTDMP", "GLU"]
    assert found.handling.to_dmp is None


@pytest.mark.parametrize("lines", [[flag("MASQUE_PS", "?")], [flag("DESTMSSANTEPS", "Y"), flag("DESTMSSANTEPS", "N")]])
def test_a_flag_nobody_can_be_sure_of_holds(lines: list[str]) -> None:
    assert ("unreadable-wish", "error") in told(read(document(), *lines))


def test_an_unreadable_mail_text_leaves_the_document_alone() -> None:
    found = read(document(), "OBX|2|ED|CORPSMAIL_PS^Corps^MetaDMPMSS||^TEXT^^Base64^A||||||F")
    assert told(found) == [("unreadable-mail-text", "warning")]
    assert found.handling.mail_text == ""


def combination(ps: str, patient: str, guardians: str, dmp: str, to_ps: str, to_patient: str) -> list[tuple[str, str]]:
    names = ("MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX", "DESTDMP", "DESTMSSANTEPS", "DESTMSSANTEPAT")
    answers = (ps, patient, guardians, dmp, to_ps, to_patient)
    return told(read(document(), *(flag(name, answer) for name, answer in zip(names, answers, strict=True))))


def test_combinations_of_the_volet_and_others() -> None:
    assert combination("N", "N", "N", "Y", "Y", "Y") == []
    assert combination("N", "Y", "N", "N", "Y", "N") == []
    assert combination("Y", "N", "Y", "N", "N", "Y") == []
    assert combination("N", "N", "N", "Y", "N", "N") == []  # no mail at all: not in question
    assert combination("N", "N", "N", "Y", "Y", "N") == [("handling-usage", "info")]
    assert combination("N", "N", "Y", "Y", "Y", "Y") == [("handling-combination", "warning")]
    assert combination("Y", "N", "N", "N", "Y", "N") == [
        ("handling-masked", "error"),
        ("handling-combination", "warning"),
    ]


def test_a_change_of_visibility_goes_as_a_replacement() -> None:
    found = read(document(cda(parent="1.2.3.9"), status="C"), flag("MODIF_CONF_CODE", "Y"), orc="RO")
    assert (found.status, told(found)) == (Status.CORRECTED, [("handling-change-only", "info")])


# ------------------------------------------------------------------------------------------------ action


@pytest.mark.parametrize(
    ("orc", "letter", "status"),
    [("NW", "F", Status.FINAL), ("RO", "C", Status.CORRECTED), ("CA", "D", Status.CANCELLED)],
)
def test_order_and_result_say_what_is_asked(orc: str, letter: str, status: Status) -> None:
    found = read(document(cda(parent="1.2.3.9"), status=letter), orc=orc)
    assert (found.status, told(found)) == (status, [])


@pytest.mark.parametrize(
    ("orc", "letter", "code", "severity"),
    [
        ("CA", "F", "document-action", "error"),
        ("NW", "D", "document-action", "error"),
        ("NW", "C", "handling-action", "warning"),
        ("RO", "F", "handling-action", "warning"),
    ],
)
def test_what_disagrees_is_told_and_a_doubtful_deletion_holds(orc: str, letter: str, code: str, severity: str) -> None:
    found = read(document(cda(parent="1.2.3.9"), status=letter), orc=orc)
    assert told(found) == [(code, severity)]
    assert (found.status is Status.CORRECTED) is (code == "handling-action")


RESULT = "OBX|3|NM|GLU^Glucose^L||1|g/L||||"


@pytest.mark.parametrize(
    ("orc", "letters", "more"),
    [
        ("NW", "DF", ()),
        ("NW", "FD", ()),
        ("CA", "FD", ()),
        ("CA", "DF", ()),
        ("RO", "DC", ()),
        ("", "DF", ()),
        ("CA", "DP", ()),
        ("CA", "D", (RESULT + "|F",)),
        ("CA", "", (RESULT + "|F",)),
    ],
)
def test_one_line_that_is_not_deleted_holds_the_deletion(orc: str, letters: str, more: tuple[str, ...]) -> None:
    levels = [cda(structured=False, number="1.2.3.5", parent="1.2.3.9"), cda(parent="1.2.3.9")]
    documents = [document(levels[n], n + 1, letter) for n, letter in enumerate(letters)]
    flags = () if documents else (flag("DESTDMP", "Y"),)
    found = read(*documents, *more, *flags, orc=orc)
    assert ("document-action", "error") in told(found)
    assert found.status is not Status.CANCELLED


@pytest.mark.parametrize("more", [(), (RESULT + "|D",), (RESULT + "||X",)])
def test_levels_and_results_deleted_together_are_deleted(more: tuple[str, ...]) -> None:
    flat, full = cda(structured=False, number="1.2.3.5"), cda()
    found = read(document(flat, 1, "D"), document(full, 2, "D"), *more, orc="CA")
    assert (found.status, told(found)) == (Status.CANCELLED, [])


def test_levels_of_one_replacement_that_disagree_are_told() -> None:
    flat, full = cda(structured=False, number="1.2.3.5"), cda(parent="1.2.3.9")
    found = read(document(flat, 1, "C"), document(full, 2, "F"), orc="RO")
    assert (found.status, told(found)) == (Status.CORRECTED, [("handling-action", "warning")])
    assert "OBX-11 : première transmission et remplacement" in found.problems[0].message


def mdm(event: str, orc: str, letter: str, txa13: str = "", content: bytes = b"") -> Report:
    txa = f"TXA|1|11502-2|TEXT|202603110900||||||||DOC2^^1.2.250.9^ISO|{txa13}||||AU"
    msh = MSH.replace("ORU^R01^ORU_R01", f"MDM^{event}^MDM_T02").replace("|2.5|", "|2.6|")
    text = "\r".join([msh, "EVN||2026", PID, "PV1|1|O", f"ORC|{orc}", "OBR|1|||11502-2^CR^LN", txa])
    text += "\r" + document(content or b"<autre/>", status=letter) + "\r"
    (report,) = Hl7Reader().read(text.encode(), ReadContext()).reports
    return report


@pytest.mark.parametrize(
    ("event", "orc", "letter", "status"),
    [
        ("T02", "NW", "F", Status.FINAL),
        ("T10", "RO", "C", Status.CORRECTED),
        ("T04", "CA", "D", Status.CANCELLED),
    ],
)
def test_events_of_document_messages(event: str, orc: str, letter: str, status: Status) -> None:
    found = mdm(event, orc, letter, txa13="DOC1^^1.2.250.9^ISO")
    assert (found.status, told(found)) == (status, [])
    assert found.source_document == SourceDocument(id="1.2.250.9^DOC2", replaces="1.2.250.9^DOC1")
    assert found.order.filler == "DOC1"  # the version it replaces went by that number


def test_a_deletion_event_over_a_final_result_holds() -> None:
    assert ("document-action", "error") in told(mdm("T04", "NW", "F"))


def test_a_status_change_outside_the_volet_deletes_nothing() -> None:
    msh = "MSH|^~\\&|A|B|||2026||MDM^T04|1|P|2.5"
    text = f"{msh}\r{PID}\rTXA|1|CR|TEXT|2026||||||||D1|||||AU||AV\rOBX|1|TX|CR^CR^L||Texte||||||F\r"
    (report,) = Hl7Reader().read(text.encode(), ReadContext()).reports
    assert report.status is Status.FINAL
    (report,) = Hl7Reader().read(text.replace("|AV", "|CA").encode(), ReadContext()).reports
    assert report.status is Status.CANCELLED


# ------------------------------------------------------------------------------------------------ carried CDA


def test_the_carried_cda_says_which_document_it_is() -> None:
    found = read(document(cda(number="1.2.3.2", parent="1.2.3.1"), status="C"), orc="RO")
    assert found.source_document == SourceDocument(id="1.2.3.2", set_id="1.2.3.0", version=2, replaces="1.2.3.1")
    assert told(found) == []
    assert found.own_cdas[0].content == cda(number="1.2.3.2", parent="1.2.3.1")


def test_level_3_goes_before_level_1() -> None:
    flat, full = cda(structured=False, number="1.2.3.5"), cda()
    found = read(document(flat), document(full, 2))
    assert [one.content for one in found.own_cdas] == [full]
    assert found.source_document is not None
    assert found.source_document.id == "1.2.3.1"
    assert told(found) == []


def test_two_documents_in_one_message_hold() -> None:
    assert told(read(document(), document(cda(number="1.2.3.8"), 2))) == [("several-documents", "error")]


@pytest.mark.parametrize(
    "other",
    [
        {"ins": "146026322000196"},
        {"born": "19790313"},
        {"family": "MARTINEAU"},
        {"given": "Jeanne"},
    ],
)
def test_a_cda_of_somebody_else_holds(other: dict[str, str]) -> None:
    found = read(document(cda(**other)))
    assert told(found) == [("carried-cda-patient", "error")]
    text = found.problems[0].message
    assert not any(secret in text for secret in ("MOREAU", "MARTINEAU", "Jeanne", "1979", "279035", "146026"))


@pytest.mark.parametrize("same", [{"family": "Moreau", "given": "HELENE"}, {"given": "Hélène Zoé"}, {"ins": ""}])
def test_the_same_person_written_otherwise(same: dict[str, str]) -> None:
    assert told(read(document(cda(**same)))) == []


def test_nothing_in_common_is_not_agreement() -> None:
    assert told(read(document(cda(ins="", born="")))) == [("carried-cda-patient", "error")]


@pytest.mark.parametrize(
    "content",
    [
        b"<ClinicalDocument xmlns='urn:hl7-org:v3'>",
        b"Document medical au format CDA niveau 1",
        b"<!DOCTYPE a><ClinicalDocument/>",
    ],
)
def test_a_cda_that_does_not_open_holds(content: bytes) -> None:
    assert told(read(document(content))) == [("carried-cda-unreadable", "error")]


def test_a_replacement_that_names_no_parent_is_told() -> None:
    assert told(read(document(status="C"), orc="RO")) == [("carried-without-parent", "warning")]


# ------------------------------------------------------------------------------------------------ people


def test_sender_patient_and_reply_address() -> None:
    patient = "279035121518989^MOREAU^Hélène^^^^^^1.2.250.1.213.1.4.10^L^^^INS"
    found = read(
        document(),
        "PRT||UC||SB^^participation||||LABO^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^1990004012",
        f"PRT||UC||RCT^^participation|{patient}{'|' * 10}^^X.400^279035121518989@patient.mssante.fr",
        f"PRT||UC||REPLY^^participation{'|' * 11}^^X.400^secretariat@labo.mssante.test",
    )
    assert [(one.address, one.practitioner) for one in found.recipients] == [
        ("279035121518989@patient.mssante.fr", None)
    ]
    assert found.handling.reply_to == "secretariat@labo.mssante.test"
    assert found.laboratory.finess == "990004012"
    assert not [p for p in found.problems if p.severity is not Severity.INFO]
