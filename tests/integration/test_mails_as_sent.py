"""The two mails that leave, made of real renditions and read back from their bytes, rule by rule.

MSSanté: subject and X-MSS fields of the convention, IHE_XDM.zip and the PDF beside it (one PDF for one CDA). APICRYPT
style: the HPRIM text is the body, plain text in ISO-8859-1, never HTML, never a PDF alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from dispatcher import wiring
from dispatcher.errors import SealError
from dispatcher.formats import registry
from dispatcher.formats.base import DocumentIds, ReadContext, Rendition, WriteContext, Writer
from dispatcher.formats.hprim_medecins.check import MIN_SCORE, score
from dispatcher.formats.hprim_medecins.check import check as check_hprim
from dispatcher.formats.xdm.check import check as check_xdm
from dispatcher.formats.xdm.reader import read_archive
from dispatcher.formats.xdm.writer import XdmDocument, XdmWriter, context_of
from dispatcher.report.model import Attachment, IdType, Practitioner, Report
from dispatcher.routing.route import Envelope
from dispatcher.sealing.composition import Addressing, Contents, Letterhead, compose
from dispatcher.sealing.seal import seal

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "hl7" / "bilan_25_resultats.hl7"
AT = datetime(2026, 4, 2, 14, 0, tzinfo=UTC)
DURAND = Practitioner(id="99700000013", id_type=IdType.RPPS, family="DURAND", given="Paul", title="DR")
HEAD = Letterhead(family="mssante", sender="labo@dest.test", sender_label="Laboratoire", nil="NIL-1", laboratory="Labo")
TO = Addressing(recipient="paul.durand@dest.test", label="Dr DURAND", message_id="<D1@dest.test>", date=AT)


@pytest.fixture(name="writers", scope="module")
def all_writers() -> dict[str, Writer]:
    from contextlib import ExitStack

    with ExitStack() as closing:
        return wiring.writers(closing)


@pytest.fixture(name="report", scope="module")
def sample_report() -> Report:
    result = registry.read(SAMPLE.read_bytes(), ReadContext(file_name=SAMPLE.name))
    coded, _missing = wiring.terminology().code(result.reports[0])
    return coded


@pytest.fixture(name="context", scope="module")
def write_context() -> WriteContext:
    return WriteContext(
        laboratory=wiring.neutral_laboratory(),
        ids=DocumentIds(document="0A0B0C0D-0000-4000-8000-000000000001", set_id="0A0B0C0D-0000-4000-8000-000000000002"),
        created_at=AT,
        terminology=wiring.terminology(),
        recipient=DURAND,
        recipient_address="paul.durand@dest.test",
        sender_address="labo@dest.test",
    )


@pytest.fixture(name="contents", scope="module")
def both_documents(writers: dict[str, Writer], report: Report, context: WriteContext) -> Contents:
    drawn = writers["pdf"].write(report, context)
    pdf = Attachment(media_type=drawn.media_type, content=drawn.content)
    cda = writers["cda"].write(report, replace(context, pdf=pdf))
    xdm = XdmWriter().pack([XdmDocument(content=cda.content)], context_of(context))
    return Contents(xdm=xdm, cda=cda, pdf=pdf)


def sent(report: Report, contents: Contents, family: str, envelope: Envelope) -> tuple[bytes, EmailMessage]:
    mail = compose(report, contents, head=replace(HEAD, family=family), to=TO, envelope=envelope)
    content = seal(mail, envelope, signer=None, at=AT).content
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return content, parsed


# ------------------------------------------------------------------------------------------------ MSSanté


def test_the_mssante_mail_holds_to_every_rule(report: Report, contents: Contents) -> None:
    content, mail = sent(report, contents, "mssante", Envelope.MUTUAL_TLS)
    assert mail["Subject"] == "XDM/1.0/DDM+CR d'examens biologiques BIHAN Claire 04/07/1961"
    assert (mail["X-MSS-CODECDA"], mail["X-MSS-INS"], mail["X-MSS-NIL"]) == ("11502-2", "O", "NIL-1")
    assert mail["X-MSS-MES"] is None, "only for patients"
    assert mail["To"].addresses[0].addr_spec == "paul.durand@dest.test" and len(mail["To"].addresses) == 1
    assert mail["From"].addresses[0].display_name == "Laboratoire" and mail["Message-ID"] == "<D1@dest.test>"
    assert mail.get_content_type() == "multipart/mixed"
    body, archive, pdf = list(mail.iter_parts())
    assert body.get_content_type() == "text/plain" and body.get_content_charset() == "utf-8"
    assert archive.get_filename() == "IHE_XDM.zip" and archive.get_content_type() == "application/zip"
    assert pdf.get_filename() == "20260402_CR d'examens biologiques_BIHAN_Claire_260402-0117-1.pdf"
    assert all(len(line) <= 998 for line in content.split(b"\r\n")) and b"\n" not in content.replace(b"\r\n", b"")


def test_the_pdf_stands_beside_the_archive_and_is_the_copy_inside_the_cda(report: Report, contents: Contents) -> None:
    _content, mail = sent(report, contents, "mssante", Envelope.MUTUAL_TLS)
    archive, pdf = (part.get_content() for part in mail.iter_attachments())
    assert check_xdm(archive) == []
    opened = read_archive(archive)
    assert not any(member.name.upper().endswith(".PDF") for member in opened.members)
    assert opened.metadata is not None
    digest = hashlib.sha1(opened.documents[0].content, usedforsecurity=False).hexdigest()
    assert opened.metadata.entries[0].slot("hash") == (digest,)
    assert pdf.startswith(b"%PDF-") and b"pdfaid:part" in pdf


def test_an_archive_never_goes_without_its_pdf(report: Report, contents: Contents) -> None:
    with pytest.raises(SealError) as caught:
        sent(report, replace(contents, pdf=None), "mssante", Envelope.MUTUAL_TLS)
    assert caught.value.code == "missing-pdf"


# ------------------------------------------------------------------------------------------------ APICRYPT style


@pytest.fixture(name="hprim", scope="module")
def hprim_rendition(writers: dict[str, Writer], report: Report, context: WriteContext) -> Rendition:
    return writers["hprim-medecins"].write(report, context)


def test_the_hprim_text_is_the_whole_body(report: Report, contents: Contents, hprim: Rendition) -> None:
    _content, mail = sent(report, Contents(hprim=hprim, pdf=contents.pdf), "apicrypt", Envelope.PROXY)
    assert mail.get_content_type() == "text/plain" and mail.get_content_charset() == "iso-8859-1"
    assert not mail.is_multipart() and list(mail.iter_attachments()) == []
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.rstrip(b"\r\n") == hprim.content.rstrip(b"\r\n"), "byte for byte what was written"
    lines = body.decode("iso-8859-1").split("\r\n")
    assert lines[0] == "P005531" and lines[6] == "04/07/1961" and "****FIN****" in lines
    assert [line for line in lines if line][-1] == "****FINFICHIER****"
    assert "<" not in lines[0] and not body.lstrip().lower().startswith(b"<html")
    assert score(lines) >= MIN_SCORE and [p for p in check_hprim(body) if p.severity == "error"] == []


def test_the_clear_subject_names_nobody_and_no_field_of_mssante_is_set(report: Report, hprim: Rendition) -> None:
    _content, mail = sent(report, Contents(hprim=hprim), "apicrypt", Envelope.PROXY)
    assert mail["Subject"] == "Résultats d'examens biologiques"
    assert not [name for name in mail if name.upper().startswith("X-MSS")]
    assert len(mail["To"].addresses) == 1 and mail["Cc"] is None and mail["Bcc"] is None


def test_a_pdf_alone_never_leaves_by_this_way(report: Report, contents: Contents) -> None:
    with pytest.raises(SealError) as caught:
        sent(report, Contents(pdf=contents.pdf), "apicrypt", Envelope.PROXY)
    assert caught.value.code == "missing-document"
