"""What a mail says, by family and envelope, and that it never says more than it may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dispatcher.errors import SealError
from dispatcher.formats.base import Rendition
from dispatcher.report.model import (
    Attachment,
    Battery,
    Code,
    Ins,
    Observation,
    Order,
    Patient,
    Report,
    Sex,
    Status,
    ValueType,
)
from dispatcher.routing.route import Envelope
from dispatcher.sealing import wording
from dispatcher.sealing.composition import Addressing, Contents, Letterhead, check_charter, compose
from dispatcher.sealing.message import OutgoingMail, inner_entity

PATIENT = Patient(
    birth_name="L’Hélias-Œuvré",
    used_name="Bihan",
    given_names=("Françoise", "Marie"),
    birth_date=date(1961, 7, 4),
    sex=Sex.FEMALE,
    ins=Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.10", qualified=True),
)
RESULT = Observation(code=Code(code="GLYJ", text="Glycémie"), type=ValueType.NUMERIC, value="1.32", unit="g/l")
REPORT = Report(
    patient=PATIENT,
    order=Order(filler="B2403110007"),
    collected_at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC),
    batteries=(Battery(title="BIOCHIMIE", observations=(RESULT,)),),
)
XDM = Rendition(format="xdm", media_type="application/zip", file_name="IHE_XDM.ZIP", content=b"PK..")
HPRIM = Rendition(
    format="hprim-medecins",
    media_type="text/plain; charset=iso-8859-1",
    file_name="B2403110007.hpr",
    content="42\r\nLHELIAS\r\nGlycémie\r\n****FIN****\r\n****FINFICHIER****\r\n".encode("iso-8859-1"),
)
PDF = Attachment(media_type="application/pdf", content=b"%PDF-1.7")
HEAD = Letterhead(
    family="mssante",
    sender="resultats@labo.test",
    sender_label="Laboratoire  des Érables\t",
    nil="PROD-123",
    laboratory="Laboratoire des Érables",
    phone="02 98 00 00 00",
)
TO = Addressing(
    recipient="paul.durand@dest.test",
    label="Dr DURAND Paul",
    message_id="<D-1@labo.test>",
    date=datetime(2026, 3, 11, 9, 0, tzinfo=UTC),
)


def made(
    family: str, envelope: Envelope, contents: Contents, report: Report = REPORT, to: Addressing = TO
) -> OutgoingMail:
    head = replace(HEAD, family=family)
    return compose(report, contents, head=head, to=to, envelope=envelope)


XDM_CONTENTS = Contents(xdm=XDM, pdf=PDF)
FULL = "XDM/1.0/DDM+CR d'examens biologiques L'HELIAS-OEUVRE Francoise 04/07/1961"


def test_mssante_mail_follows_the_convention() -> None:
    mail = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS)
    assert mail.subject == FULL
    assert [(a.name, a.media_type, a.content) for a in mail.attachments] == [
        ("IHE_XDM.zip", "application/zip", XDM.content),
        # Collected at 00:30 on the 11th in France.
        ("20260311_CR d'examens biologiques_L'HELIAS-OEUVRE_Francoise_B2403110007.pdf", "application/pdf", PDF.content),
    ]
    assert mail.headers == (("X-MSS-CODECDA", "11502-2"), ("X-MSS-INS", "O"), ("X-MSS-NIL", "PROD-123"))
    assert mail.charset == "utf-8"
    assert mail.disposition_notification_to == HEAD.sender
    assert mail.sender_label == "Laboratoire des Érables"


def test_the_body_names_the_patient_and_no_result() -> None:
    text = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS).text
    assert "L’HÉLIAS-ŒUVRÉ (nom utilisé : BIHAN) Françoise, née le 04/07/1961" in text
    assert "IHE_XDM.zip" in text
    assert "Téléphone : 02 98 00 00 00" in text
    assert "1.32" not in text and "1,32" not in text and "Glyc" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"ins": None},
        {"ins": replace(PATIENT.ins, qualified=False)},  # type: ignore[type-var]
        {"sex": Sex.UNKNOWN},
        {"birth_date": None, "birth_date_raw": "1961"},
        {"birth_name": ""},
    ],
)
def test_x_mss_ins_says_no_unless_the_identity_is_whole_and_qualified(changes: dict[str, object]) -> None:
    report = replace(REPORT, patient=replace(PATIENT, **changes))  # type: ignore[arg-type]
    assert ("X-MSS-INS", "N") in made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, report).headers


def test_without_a_cda_only_the_product_number_is_told() -> None:
    mail = made("mssante", Envelope.MUTUAL_TLS, Contents(hprim=HPRIM, pdf=PDF))
    assert mail.headers == (("X-MSS-NIL", "PROD-123"),)
    assert mail.subject == "Résultats d'examens biologiques"
    assert mail.attachments[0].name == "B2403110007.hpr"


def test_a_birth_date_that_is_no_date_is_left_out_of_the_subject() -> None:
    report = replace(REPORT, patient=replace(PATIENT, birth_date=None, birth_date_raw="00/00/1961"))
    mail = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, report)
    assert mail.subject == "XDM/1.0/DDM+CR d'examens biologiques L'HELIAS-OEUVRE Francoise"
    assert "née le 00/00/1961" in mail.text


def test_a_later_version_is_marked_behind_the_marker_and_tied_to_the_first() -> None:
    to = replace(TO, replaces=("<D-A@labo.test>", "<D-B@labo.test>"))
    mail = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, replace(REPORT, status=Status.CORRECTED), to)
    assert mail.subject == FULL.replace("DDM+", "DDM+[Annule et remplace] ")
    assert mail.in_reply_to == "<D-B@labo.test>"
    assert mail.references == ("<D-A@labo.test>", "<D-B@labo.test>")
    assert "annule et remplace" in mail.text


def test_partial_and_cancelled_reports_say_so() -> None:
    partial = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, replace(REPORT, status=Status.PARTIAL))
    assert "partiel" in partial.text
    cancelled = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, replace(REPORT, status=Status.CANCELLED))
    assert cancelled.subject.startswith("XDM/1.0/DDM+[Annulation] ")
    assert "ne plus tenir compte" in cancelled.text


def test_a_long_label_is_cut_at_forty_characters() -> None:
    contents = replace(XDM_CONTENTS, label="Compte rendu d'examens de biologie médicale spécialisée")
    subject = made("mssante", Envelope.MUTUAL_TLS, contents).subject
    label = subject.removeprefix("XDM/1.0/DDM+").partition(" L'HELIAS")[0]
    assert label == "Compte rendu d'examens de biologie médic"


IDENTITY = ("HELIAS", "Hélias", "HÉLIAS", "Bihan", "Fran", "1961", "279035121518989", "B2403110007")


@pytest.mark.parametrize("family", ["mssante", "smime", "apicrypt"])
def test_enveloped_mail_shows_no_identity_outside_and_all_of_it_inside(family: str) -> None:
    contents = Contents(hprim=HPRIM, pdf=PDF) if family == "apicrypt" else XDM_CONTENTS
    mail = made(family, Envelope.SMIME, contents)
    assert not any(part in mail.outer_subject for part in IDENTITY)
    assert "L'HELIAS-OEUVRE Francoise 04/07/1961" in mail.subject
    assert mail.outer_subject.startswith("XDM/1.0/DDM+") == (family == "mssante")


@pytest.mark.parametrize("family", ["apicrypt", "smime"])
@pytest.mark.parametrize("envelope", [Envelope.PROXY, Envelope.MUTUAL_TLS])
def test_outside_mssante_a_clear_subject_never_names_anybody(family: str, envelope: Envelope) -> None:
    contents = Contents(hprim=HPRIM, pdf=PDF)
    assert made(family, envelope, contents).subject == "Résultats d'examens biologiques"


def test_apicrypt_mail_is_the_hprim_text_and_nothing_else() -> None:
    mail = made("apicrypt", Envelope.PROXY, Contents(hprim=HPRIM, pdf=PDF))
    assert mail.text.encode("iso-8859-1") == HPRIM.content
    assert mail.charset == "iso-8859-1"
    assert mail.attachments == ()
    assert mail.headers == ()


def test_apicrypt_attaches_the_pdf_only_when_asked_and_under_a_neutral_name() -> None:
    head = replace(HEAD, family="apicrypt", attach_pdf=True)
    mail = compose(REPORT, Contents(hprim=HPRIM, pdf=PDF), head=head, to=TO, envelope=Envelope.PROXY)
    assert [a.name for a in mail.attachments] == ["document.pdf"]


@pytest.mark.parametrize(
    ("codec", "text", "charset"),
    [
        ("iso-8859-1", "Glycémie", "iso-8859-1"),
        ("cp1252", "Glycémie", "iso-8859-1"),
        ("cp1252", "10 €", "windows-1252"),
        ("utf-8", "Glycémie", "utf-8"),
        ("mac-roman", "≥ 10", "utf-8"),
    ],
)
def test_the_body_keeps_the_text_whatever_the_rendition_is_written_in(codec: str, text: str, charset: str) -> None:
    rendition = replace(HPRIM, media_type=f"text/plain; charset={codec}", content=text.encode(codec))
    mail = made("apicrypt", Envelope.PROXY, Contents(hprim=rendition))
    assert (mail.text, mail.charset) == (text, charset)
    inner_entity(mail)


def test_a_rendition_that_lies_about_its_charset_is_refused() -> None:
    rendition = replace(HPRIM, media_type="text/plain; charset=utf-8")
    with pytest.raises(SealError) as caught:
        made("apicrypt", Envelope.PROXY, Contents(hprim=rendition))
    assert caught.value.code == "charset"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"birth_name": "", "used_name": ""}, "nom"),
        ({"given_names": ()}, "prénom"),
        ({"birth_date": None}, "date de naissance"),
    ],
)
@pytest.mark.parametrize("family", ["mssante", "smime", "apicrypt"])
def test_no_mail_about_somebody_unidentified(family: str, changes: dict[str, object], word: str) -> None:
    report = replace(REPORT, patient=replace(PATIENT, **changes))  # type: ignore[arg-type]
    with pytest.raises(SealError) as caught:
        made(family, Envelope.SMIME, replace(XDM_CONTENTS, hprim=HPRIM), report)
    assert caught.value.code == "unidentified-patient"
    assert word in caught.value.message
    assert not any(part in str(caught.value) for part in IDENTITY)


def test_no_mail_without_medical_content() -> None:
    with pytest.raises(SealError) as caught:
        check_charter(replace(REPORT, batteries=()))
    assert caught.value.code == "no-medical-content"
    check_charter(replace(REPORT, batteries=(), text="Frottis : RAS"))
    check_charter(replace(REPORT, batteries=(), documents=(PDF,)))


def test_what_a_family_must_carry_is_asked_for() -> None:
    for family, contents, code in (
        ("mssante", Contents(xdm=XDM), "missing-pdf"),
        ("mssante", Contents(), "missing-document"),
        ("smime", Contents(), "missing-document"),
        ("apicrypt", Contents(pdf=PDF), "missing-document"),
    ):
        with pytest.raises(SealError) as caught:
            made(family, Envelope.SMIME, contents)
        assert caught.value.code == code, family


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("Éloïse", "Eloise"),
        ("Œuvré", "OEuvre"),
        ("D’Ørsted–Łukasz", "D'Orsted-Lukasz"),
        (" Anne \t Marie ", "Anne Marie"),
        ("Straße", "Strasse"),
        ("日本", ""),
    ],
)
def test_names_are_written_without_accents(text: str, flat: str) -> None:
    assert wording.without_accents(text) == flat


def test_file_names_survive_hostile_identities() -> None:
    patient = replace(PATIENT, birth_name='A/../B\\C:*?"<>|_D', given_names=("E\r\nF",))
    report = replace(REPORT, patient=patient, order=Order(filler="12/34_5"), collected_at=date(2026, 1, 2))
    name = wording.pdf_name(report, "CR d'examens", datetime(2026, 3, 11, tzinfo=UTC))
    assert name == "20260102_CR d'examens_A .. B C D_E F_12 34 5.pdf"
    mail = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, report)
    inner_entity(mail)


def test_labels_with_stray_control_characters_are_cleaned() -> None:
    to = replace(TO, label="Dr\tDURAND\r\nBcc: x\x00")
    mail = made("mssante", Envelope.MUTUAL_TLS, XDM_CONTENTS, to=to)
    assert mail.recipient_label == "Dr DURAND Bcc: x"
