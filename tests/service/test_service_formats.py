"""Every format a recipient may want, from the file of the LIS to the mail: carried where it can be, held where not."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, Rendition
from dispatcher.formats.hprim_sante.check import check
from dispatcher.outbox.states import State
from dispatcher.report.model import Severity
from tests.pki import BOB
from tests.service.bench import Bench, local
from tests.service.samples import PDF, hprim_with_document, oru

BOX = "sante@dest.test"


def bring(bench: Bench, format_: str, channel: str, *contents: bytes, address: str = BOX) -> None:
    """``D001`` of the file wants this format by this channel."""
    bench.directory.lines = [local("D001", address, format=format_, channel=channel)]
    bench.bring(*(contents or (oru(),)))


def mail_of(bench: Bench) -> EmailMessage:
    dispatch = bench.one(states=(State.READY,))
    content = bench.payload(dispatch.id, "sealed")
    assert content is not None
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def parts(mail: EmailMessage) -> dict[str, bytes]:
    return {part.get_filename() or "": part.get_payload(decode=True) for part in mail.iter_attachments()}  # type: ignore[misc]


def hprim_of(mail: EmailMessage) -> bytes:
    (content,) = (content for name, content in parts(mail).items() if name.endswith(".HPR"))
    return content


def test_hprim_sante_is_attached_and_reads_back_as_the_same_report(bench: Bench) -> None:
    bring(bench, "hprim-sante", "mss")
    dispatch = bench.one()
    assert (dispatch.state, dispatch.format, dispatch.reason) == (State.READY, "hprim-sante", "")
    mail = mail_of(bench)
    content = hprim_of(mail)
    assert content == bench.payload(dispatch.id, "rendition:hprim-sante")
    assert [p for p in check(content) if p.severity is Severity.ERROR] == []
    again = registry.read(content, ReadContext(file_name="R.HPR"))
    (report,) = again.reports
    assert again.format == "hprim-sante"
    (sent,) = registry.read(oru(), ReadContext()).reports
    assert [o.value for o in report.observations] == [o.value for o in sent.observations]
    assert "XDM" not in mail["Subject"] and mail["X-MSS-CODECDA"] is None
    bench.batch("mss")
    bench.send("mss")
    assert [handed.mail.recipient for handed in bench.transport.accepted] == [BOX]


def test_the_files_it_names_go_along_once(bench: Bench) -> None:
    bench.directory.lines = [local("D001", BOX, format="hprim-sante", channel="mss")]
    bench.drop("TRACE01.PDF", PDF)
    bench.drop("a.hpr", hprim_with_document())
    bench.take()
    bench.clock.advance(61)
    bench.take()
    bench.prepare()
    mail = mail_of(bench)
    files = {name: content for name, content in parts(mail).items() if not name.endswith(".HPR")}
    assert list(files.values()) == [PDF]
    (name,) = files
    assert name.encode() in hprim_of(mail), "under the name its FIC result gives"


def test_on_a_text_channel_it_is_the_body(bench: Bench) -> None:
    bring(bench, "hprim-sante", "pro")
    mail = mail_of(bench)
    assert not mail.is_multipart()
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    written = bench.payload(bench.one().id, "rendition:hprim-sante")
    assert written is not None
    assert body.rstrip() == written.rstrip()
    assert body.startswith(b"H|")


def test_a_text_channel_carries_no_files_so_it_waits(bench: Bench) -> None:
    bench.directory.lines = [local("D001", BOX, format="hprim-sante", channel="pro")]
    bench.drop("TRACE01.PDF", PDF)
    bench.drop("a.hpr", hprim_with_document())
    bench.take()
    bench.clock.advance(61)
    bench.take()
    bench.prepare()
    held = bench.one()
    assert (held.state, held.hold_code) == (State.HELD, "companions-not-carried")
    assert "1 fichier" in held.reason and "hprim-medecins" in held.reason


def test_enveloped_for_a_certificate_it_shows_nothing_outside(bench: Bench) -> None:
    bring(bench, "hprim-sante", "smime", address=BOB)
    content = bench.payload(bench.one(states=(State.READY,)).id, "sealed")
    assert content is not None
    assert b"OBX|" not in content and b".HPR" not in content


class Broken:
    """A writer whose message a receiver would refuse: no OBR, no L."""

    name = "hprim-sante"

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def write(self, report: object, context: object) -> Rendition:
        made: Rendition = self._inner.write(report, context)  # type: ignore[attr-defined]
        lines = [line for line in made.content.split(b"\r\n") if not line.startswith((b"OBR", b"L|"))]
        return replace(made, content=b"\r\n".join(lines))


def test_what_a_receiver_would_refuse_is_held(bench: Bench) -> None:
    bench.with_writer("hprim-sante", Broken(bench.desk.writers["hprim-sante"]))  # type: ignore[arg-type]
    bring(bench, "hprim-sante", "mss")
    held = bench.one()
    assert (held.state, held.hold_code) == (State.HELD, "conformance")
    assert "HPRIM Santé" in held.reason


def test_a_pdf_alone(bench: Bench) -> None:
    bring(bench, "pdf", "mss")
    mail = mail_of(bench)
    ((name, content),) = parts(mail).items()
    assert name.endswith(".pdf") and content.startswith(b"%PDF-")
    assert mail["X-MSS-CODECDA"] is None


def test_a_cda_of_level_one_goes_in_its_archive_beside_the_pdf(bench: Bench) -> None:
    bring(bench, "cda-n1", "mss")
    dispatch = bench.one()
    assert dispatch.state is State.READY, dispatch.reason
    made = bench.payload(dispatch.id, "rendition:cda-n1")
    assert made is not None
    assert b"nonXMLBody" in made
    assert set(parts(mail_of(bench))) > {"IHE_XDM.zip"}


@pytest.mark.parametrize("format_", ["cda", "cda-n1", "pdf"])
def test_a_text_channel_carries_text_only(bench: Bench, format_: str) -> None:
    bring(bench, format_, "pro")
    held = bench.one()
    assert (held.state, held.hold_code) == (State.HELD, "format-not-carried")
