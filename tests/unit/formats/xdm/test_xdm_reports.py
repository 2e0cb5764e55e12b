"""An archive read as a file of reports."""

from __future__ import annotations

import io
import zipfile

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.xdm.reports import XdmReader
from dispatcher.report.model import Severity, Status
from dispatcher.resources import sample

WHOLE = sample("cda", "archive_xdm.zip").read_bytes()


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def read(data: bytes) -> ReadResult:
    return registry.read(data, ReadContext(file_name="IHE_XDM.ZIP"))


def changed(end: str, old: bytes, new: bytes) -> dict[str, bytes]:
    found = {name: content.replace(old, new) if name.endswith(end) else content for name, content in members().items()}
    assert found != members()
    return found


def test_its_documents_are_the_reports() -> None:
    result = read(WHOLE)
    assert (result.format, result.encoding, result.problems, result.readable) == ("cda", "utf-8", (), True)
    assert [r.order.filler for r in result.reports] == ["260311-0042"]
    assert registry.is_message(WHOLE)
    assert registry.is_complete(WHOLE, "x.zip").complete
    assert not registry.is_complete(WHOLE[:-30], "x.zip").complete


def test_two_documents() -> None:
    files = members()
    other = {"IHE_XDM/SUBSET01/DOC00002.XML": sample("cda", "partiel.xml").read_bytes()}
    without = {name: content for name, content in files.items() if not name.endswith("METADATA.XML")}
    result = read(packed(without | other))
    assert [r.order.filler for r in result.reports] == ["260311-0042", "260312-0050"]
    assert [p.code for p in result.problems] == ["xdm-no-metadata"]


def test_a_document_that_is_not_what_the_metadata_say_is_held() -> None:
    (report,) = read(packed(changed("DOC00001.XML", b"6.12", b"9.12"))).reports
    assert [(p.code, p.severity) for p in report.problems] == [("xdm-hash", Severity.ERROR)]


def test_action_d_withdraws_the_document() -> None:
    slot = b'<Slot name="action"><ValueList><Value>D</Value></ValueList></Slot>'
    files = members()
    name = next(name for name in files if name.endswith("METADATA.XML"))
    head, mark, rest = files[name].partition(b"<ExtrinsicObject")
    if not mark:
        head, mark, rest = files[name].partition(b"<rim:ExtrinsicObject")
        slot = slot.replace(b"<", b"<rim:").replace(b"<rim:/", b"</rim:")
    opening, close, rest = rest.partition(b">")
    (report,) = read(packed(files | {name: head + mark + opening + close + slot + rest})).reports
    assert report.status is Status.CANCELLED


def test_what_is_no_cda_is_told() -> None:
    result = read(packed(changed("DOC00001.XML", sample("cda", "bilan_n3.xml").read_bytes(), b"%PDF-1.4\n%%EOF")))
    assert [p.code for p in result.problems] == ["xdm-not-a-cda"]
    assert not result.readable


def test_a_bad_archive_and_another_zip() -> None:
    cut = XdmReader().read(WHOLE[:500], ReadContext())
    assert [(p.code, p.severity) for p in cut.problems] == [("xdm-bad-zip", Severity.ERROR)]
    assert read(packed({"lettre.docx": b"x"})).format == "unknown"
    assert [p.code for p in read(packed({"IHE_XDM/": b""})).problems] == ["xdm-no-metadata", "xdm-no-document"]
