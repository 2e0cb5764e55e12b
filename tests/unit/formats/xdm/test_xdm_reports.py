"""An archive read as a file of reports."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.xdm import codes
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
    (report,) = read(packed(changed("DOC00001.XML", b"A7X01", b"A7X02"))).reports
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


@pytest.mark.parametrize(
    ("code", "field", "found"),
    [
        ("R", "confidentiality", "R"),
        ("V", "confidentiality", "V"),
        ("MASQUE_PS", "hidden_from_professionals", True),
        ("INVISIBLE_PATIENT", "hidden_from_patient", True),
        ("INVISIBLE_REPRESENTANTS_LEGAUX", "hidden_from_guardians", True),
    ],
)
def test_who_may_see_it_is_taken_from_the_metadata(code: str, field: str, found: object) -> None:
    (usual,) = read(WHOLE).reports
    assert getattr(usual.handling, field) in ("", None)
    files = {
        name: re.sub(
            rb'(classificationScheme="%s"[^>]*nodeRepresentation=)"N"' % codes.CONFIDENTIALITY.encode(),
            b'\\1"%s"' % code.encode(),
            content,
        )
        for name, content in members().items()
    }
    assert files != members()
    (report,) = read(packed(files)).reports
    assert getattr(report.handling, field) == found


def test_what_is_no_cda_is_told() -> None:
    result = read(packed(changed("DOC00001.XML", sample("cda", "bilan_n3.xml").read_bytes(), b"%PDF-1.4\n%%EOF")))
    assert [p.code for p in result.problems] == ["xdm-not-a-cda"]
    assert not result.readable


def test_a_bad_archive_and_another_zip() -> None:
    cut = XdmReader().read(WHOLE[:500], ReadContext())
    assert [(p.code, p.severity) for p in cut.problems] == [("xdm-bad-zip", Severity.ERROR)]
    assert read(packed({"lettre.docx": b"x"})).format == "unknown"
    assert [p.code for p in read(packed({"IHE_XDM/": b""})).problems] == ["xdm-no-metadata", "xdm-no-document"]


CDA = sample("cda", "bilan_n3.xml").read_bytes()
FOLDER = "IHE_XDM/SUBSET01/"


def file_problems(files: dict[str, bytes]) -> list[tuple[str, Severity, str]]:
    return [(p.code, p.severity, p.where) for p in read(packed(files)).problems]


@pytest.mark.parametrize(
    ("name", "content", "code", "severity"),
    [
        ("DOC00009.XML", CDA, "xdm-unnamed-document", Severity.ERROR),
        ("AUTRE.XML", b"<autre/>", "xdm-unnamed-file", Severity.WARNING),
        ("RAPPORT.PDF", b"%PDF-1.4 x", "xdm-unnamed-file", Severity.WARNING),
    ],
)
def test_what_the_metadata_do_not_name_is_told(name: str, content: bytes, code: str, severity: Severity) -> None:
    assert file_problems(members() | {FOLDER + name: content}) == [(code, severity, FOLDER + name)]


def test_a_pdf_its_cda_points_at_is_not_left_alone() -> None:
    level_1 = sample("cda", "pdf_n1.xml").read_text("utf-8")
    text = re.sub(
        r"(<nonXMLBody>\s*)<text.*?</text>", r'\1<text><reference value="CR.PDF"/></text>', level_1, flags=re.S
    )
    files = {FOLDER + "DOC00001.XML": text.encode(), FOLDER + "CR.PDF": b"%PDF-1.4\n%%EOF"}
    assert [code for code, *_ in file_problems(files)] == ["xdm-no-metadata"]


def test_another_document_in_place_of_the_named_one_is_an_error() -> None:
    files = {name.replace("DOC00001", "DOC00009"): content for name, content in members().items()}
    result = read(packed(files))
    assert ("xdm-missing-document", Severity.ERROR) in [(p.code, p.severity) for p in result.problems]
    assert not result.readable


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PID-5|MOREAU^HÉLÈNE^^^^^L", "PID-5|ZZZZ^ZOE^^^^^L"),
        ("PID-5|MOREAU^HÉLÈNE^^^^^L", "PID-5|MOREAU^INÈS^^^^^L"),
        ("PID-7|19790312", "PID-7|19790313"),
        ("PID-8|F", "PID-8|M"),
        ("279035121518989^^^", "279035121518800^^^"),
        ("P004217^^^", "P004218^^^"),
    ],
)
def test_metadata_of_another_patient_hold_the_document(old: str, new: str) -> None:
    (report,) = read(packed(changed("METADATA.XML", old.encode(), new.encode()))).reports
    assert [(p.code, p.severity) for p in report.problems] == [("xdm-other-patient", Severity.ERROR)]
    assert "MOREAU" not in report.problems[0].message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PID-5|MOREAU^HÉLÈNE^^^^^L", "PID-5|Moreau^Helene^^^^^L"),
        ("PID-5|LE BIHAN^HÉLÈNE^^^^^D", "PID-5|LE-BIHAN^^^^^^D"),
        ("PID-8|F", "PID-8|U"),
        ("PID-7|19790312", "PID-7|1979"),
        ("279035121518989^^^", "2790351215189^^^"),
        ("&amp;1.2.250.1.999.1.1&amp;", "&amp;1.2.250.1.999.77&amp;"),
    ],
)
def test_the_same_patient_in_another_spelling_is_the_same(old: str, new: str) -> None:
    (report,) = read(packed(changed("METADATA.XML", old.encode(), new.encode()))).reports
    assert report.problems == ()


def test_another_unique_id_is_told() -> None:
    metadata = next(content for name, content in members().items() if name.endswith("METADATA.XML"))
    found = re.search(rb'value="([^"]*)">\s*<rim:Name>\s*<rim:LocalizedString[^>]*XDSDocumentEntry.uniqueId', metadata)
    assert found is not None
    (report,) = read(packed(changed("METADATA.XML", b'value="' + found[1], b'value="1.2.3.4'))).reports
    assert [(p.code, p.severity) for p in report.problems] == [("xdm-unique-id", Severity.WARNING)]
