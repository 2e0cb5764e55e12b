"""The ANS document volet through the whole preparation: the laboratory's own CDA leaves byte for byte, as it asks."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from dispatcher.formats.cda.check import check as check_cda
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.reader import EntryData, read_metadata
from dispatcher.outbox.states import FileState, State
from dispatcher.report.checks import overrides
from dispatcher.service.explain import explain
from dispatcher.service.release import release
from tests.service.bench import Bench, channel_settings
from tests.service.samples import LEO, ZOE, Person, hprim_with_document, oru

EVE = "operator:eve"
BOX = "cabinet@dest.test"


@pytest.fixture(name="cda", scope="module")
def a_cda(tools: object, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real CDA of ZOE, as a LIS would make it."""
    folder = tmp_path_factory.mktemp("lis")
    lis = Bench(tools=tools, folder=folder)  # type: ignore[arg-type]
    try:
        lis.bring(oru(to="M001^CABINET"))
        made = lis.payload(lis.one().id, "rendition:cda")
    finally:
        lis.close()
    assert made is not None
    return made


def volet(cda: bytes, *flags: str, who: Person = ZOE, orc: str = "NW", status: str = "F", more: str = "") -> bytes:
    ins = f"{who.ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    data = base64.b64encode(cda).decode()
    lines = [
        "MSH|^~\\&|SIL|LABO|DISP|DISP|20260311084500||ORU^R01^ORU_R01|V1|P|2.5|||||FRA|UNICODE UTF-8"
        "|||2.1^CISIS_CDA_HL7_V2",
        f"PID|1||{ins}||{who.family}^{who.given}^^^^^L||{who.born}|{who.sex}" + "|" * 24 + "VALI",
        "PV1|1|O",
        f"ORC|{orc}|D1|V1001",
        "OBR|1|D1|V1001|11502-2^CR d'examens biologiques^LN||||||||||||||||||202603110830|||F",
        f"OBX|1|ED|11502-2^CR d'examens biologiques^LN||^TEXT^XML^Base64^{data}||||||{status}",
        f"PRT||UC||RCT^^participation||||CABINET MSS{'|' * 7}^^X.400^{BOX}",
        *([more] if more else []),
        *(f"OBX|9|CE|{flag[:-2]}^X^MetaDMPMSS||{flag[-1]}^^expandedYes-NoIndicator||||||F" for flag in flags),
    ]
    return "\r".join(lines).encode() + b"\r"


@pytest.fixture(name="mss")
def mss_bench(bench: Bench) -> Bench:
    bench.set_channel("pro", channel_settings("mssante", reply_to="accueil@labo.test"))
    bench.restart()
    return bench


def mail_of(bench: Bench) -> EmailMessage:
    dispatch = bench.one(states=(State.READY,))
    content = bench.payload(dispatch.id, "sealed")
    assert content is not None
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def attachments(mail: EmailMessage) -> dict[str, bytes]:
    return {part.get_content_type(): part.get_payload(decode=True) for part in mail.iter_attachments()}  # type: ignore[misc]


def packed(mail: EmailMessage) -> bytes:
    with zipfile.ZipFile(io.BytesIO(attachments(mail)["application/zip"])) as archive:
        return archive.read("IHE_XDM/SUBSET01/DOC00001.XML")


def metadata(mail: EmailMessage) -> str:
    with zipfile.ZipFile(io.BytesIO(attachments(mail)["application/zip"])) as archive:
        return archive.read("IHE_XDM/SUBSET01/METADATA.XML").decode()


def entry_of(mail: EmailMessage) -> EntryData:
    (entry,) = read_metadata(metadata(mail).encode()).entries
    return entry


def test_the_laboratory_s_cda_travels_byte_for_byte_with_the_pdf_inside_it(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "DESTMSSANTEPS=Y"))
    mail = mail_of(mss)
    assert packed(mail) == cda
    assert attachments(mail)["application/pdf"].startswith(b"%PDF-")
    assert base64.b64encode(attachments(mail)["application/pdf"]) in cda
    assert mail["X-MSS-CODECDA"] == "11502-2"
    assert mail["X-MSS-INS"] == "O"
    assert mail["Reply-To"] == "accueil@labo.test"
    assert "MASQUE" not in metadata(mail)
    assert not list(check_cda(packed(mail)))


def test_what_the_laboratory_hides_stands_in_the_metadata(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "INVISIBLE_PATIENT=Y", "INVISIBLE_REP_LEGAUX=Y", "DESTMSSANTEPS=Y"))
    assert set(entry_of(mail_of(mss)).codes(codes.CONFIDENTIALITY)) >= {
        "N",
        "INVISIBLE_PATIENT",
        "INVISIBLE_REPRESENTANTS_LEGAUX",
    }


def test_nobody_gets_what_is_not_for_professionals_and_it_is_said(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "DESTMSSANTEPS=N", "DESTDMP=Y"))
    held = mss.one()
    assert (held.state, held.hold_code) == (State.HELD, "not-for-professionals")
    assert "DESTMSSANTEPS" in held.reason
    told = explain(mss.real, mss.channels, held.id)
    assert told is not None
    assert any("à ne pas envoyer aux professionnels" in line for line in told.lines)
    assert not release(mss.desk, held.id, reason="essai", actor=EVE).released
    assert release(mss.desk, held.id, reason="vu avec le biologiste", actor=EVE, despite=True).released


def test_a_document_masked_to_professionals_waits_and_leaves_masked(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "MASQUE_PS=Y", "DESTMSSANTEPS=Y"))
    held = mss.one()
    assert (held.state, held.hold_code) == (State.HELD, "report-check")
    assert release(mss.desk, held.id, reason="vu", actor=EVE, despite=True).released
    assert 'nodeRepresentation="MASQUE_PS"' in metadata(mail_of(mss))


def test_a_laboratory_may_follow_the_volet_to_the_letter(mss: Bench, cda: bytes) -> None:
    mss.desk = replace(mss.desk, severities=overrides({"handling-usage": "error"}))
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", "DESTMSSANTEPAT=N"))
    assert mss.one().hold_code == "report-check"


def test_the_patient_is_a_recipient_who_waits_and_is_named_nowhere(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y"))
    found = {dispatch.hold_code: dispatch for dispatch in mss.dispatches()}
    assert set(found) == {"", "patient-recipient"}
    assert found["patient-recipient"].label == "boîte d'un patient"
    assert "279035121518989" not in str(found["patient-recipient"])


def test_a_patient_named_by_prt_keeps_his_number_out_of_the_index(mss: Bench, cda: bytes) -> None:
    person = f"{ZOE.ins}^{ZOE.family}^{ZOE.given}^^^^^^1.2.250.1.213.1.4.10^L^^^INS"
    prt = f"PRT||UC||RCT^^participation|{person}{'|' * 10}^^X.400^{ZOE.ins}@patient.mssante.fr"
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", more=prt))
    held = mss.one(states=(State.HELD,))
    assert (held.hold_code, held.recipient_id, held.label) == ("patient-recipient", "", "boîte d'un patient")


def test_words_and_reply_address_of_the_laboratory(mss: Bench, cda: bytes) -> None:
    text = base64.b64encode("Cher confrère, appelez-moi.".encode()).decode()
    words = f"OBX|20|ED|CORPSMAIL_PS^Corps^MetaDMPMSS||^TEXT^^Base64^{text}||||||F"
    reply = f"PRT||UC||REPLY^^participation{'|' * 11}^^X.400^biologiste@dest.test"
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", more=f"{reply}\r{words}"))
    mail = mail_of(mss)
    body = mail.get_body()
    assert body is not None
    assert "Cher confrère, appelez-moi." in body.get_content()
    assert mail["Reply-To"] == "biologiste@dest.test"


def test_a_reply_address_outside_the_trust_space_is_not_taken(mss: Bench, cda: bytes) -> None:
    reply = f"PRT||UC||REPLY^^participation{'|' * 11}^^X.400^quelquun@dehors.test"
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", more=reply))
    assert mail_of(mss)["Reply-To"] == "accueil@labo.test"


def test_a_cda_of_another_patient_never_leaves_by_itself(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", who=LEO))
    held = mss.one()
    assert (held.state, held.hold_code) == (State.HELD, "report-check")
    assert "n’est pas sûrement celui du patient" in held.reason


def test_a_cda_our_checks_refuse_is_held_by_conformance(mss: Bench, cda: bytes) -> None:
    broken = cda.replace(b'<realmCode code="FR"/>', b'<realmCode code="XX"/>')
    assert broken != cda
    mss.bring(volet(broken, "DESTMSSANTEPS=Y"))
    assert mss.one().hold_code == "conformance"


def test_a_deleted_document_asks_to_be_dropped(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "DESTMSSANTEPS=Y"))
    mss.batch()
    mss.send()
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", orc="CA", status="D"))
    assert mss.states() == [State.SENT, State.READY]
    mail = mail_of(mss)
    assert packed(mail) == cda
    assert "[Annulation]" in mail["Subject"]
    assert entry_of(mail).slot(codes.ACTION_SLOT) == ("D",)


def test_a_recipient_of_hprim_text_gets_the_results_of_the_cda(bench: Bench, cda: bytes) -> None:
    bench.bring(volet(cda, "DESTMSSANTEPS=Y"))
    mail = mail_of(bench)
    body = mail.get_body()
    text = (body or mail).get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "4815,16" in text.decode("iso-8859-1") or "4815.16" in text.decode("iso-8859-1")


def test_a_cda_without_a_copy_goes_with_a_pdf_made_from_it(mss: Bench, cda: bytes) -> None:
    start = cda.index(b"<observationMedia")
    end = cda.index(b"</observationMedia>", start)
    bare = cda[:start] + cda[start:end].replace(b"application/pdf", b"image/png") + cda[end:]
    mss.set_channel("pro", channel_settings("mssante", conformance="off"))
    mss.restart()
    mss.bring(volet(bare, "DESTMSSANTEPS=Y"))
    mail = mail_of(mss)
    assert packed(mail) == bare
    pdf = attachments(mail)["application/pdf"]
    assert pdf.startswith(b"%PDF-")
    assert base64.b64encode(pdf) not in cda


# ------------------------------------------------------------------------------------------------ somebody else's


def test_the_cda_of_somebody_else_never_leaves_even_released(mss: Bench, cda: bytes) -> None:
    mss.bring(volet(cda, "DESTMSSANTEPS=Y", who=LEO))
    for held in mss.dispatches():
        release(mss.desk, held.id, reason="essai", actor=EVE, despite=True)
    mss.prepare()
    assert [one.state for one in mss.dispatches()] == [State.HELD]
    assert mss.payload(mss.one().id, "sealed") is None
    assert mss.payload(mss.one().id, "rendition:cda") is None


@pytest.mark.parametrize("who", [LEO, ZOE], ids=["somebody else's", "her own"])
def test_a_cda_beside_an_hprim_file_leaves_for_its_own_patient_only(mss: Bench, cda: bytes, who: Person) -> None:
    message = hprim_with_document("CR.XML", who=who).replace(b"~CR.XML~PDF", b"~CR.XML~XML")
    message = b"\r".join(line for line in message.split(b"\r") if b"|NM|" not in line)
    message = message.replace(b"|D001~DR DURAND Pierre~L|", b"|M001~CABINET~L|").replace(b"L|1||1|5", b"L|1||1|4")
    mss.drop("a.hpr", message)
    mss.take()
    mss.clock.advance(61)
    mss.take()
    with mss.real.transaction() as uow:  # intake gives no CDA to a message: should one be given all the same
        (file,) = mss.files(FileState.RECEIVED)
        uow.payloads.put(file.id, "sibling:CR.XML", cda)
    mss.prepare()
    if who is ZOE:
        assert packed(mail_of(mss)) == cda
        return
    assert (mss.one().state, mss.one().hold_code) == (State.HELD, "report-check")
    release(mss.desk, mss.one().id, reason="essai", actor=EVE, despite=True)
    mss.prepare()
    assert mss.states() == [State.HELD]
    assert [mss.payload(mss.one().id, kind) for kind in ("sealed", "rendition:cda")] == [None, None]
