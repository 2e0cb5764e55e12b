"""Is it PDF/A? The own check against deliberate faults, an outside validator, documents received from a laboratory."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf.pdfa import validate_written

from dispatcher.formats.base import ReadContext
from dispatcher.formats.pdf import received
from dispatcher.formats.pdf.reader import PdfReader
from dispatcher.formats.pdf.selfcheck import check
from dispatcher.report.model import Kind, Severity
from tests.unit.formats.pdf.pdf_reports import REPORT, context, rows, writer

GOOD = writer().write(REPORT, context()).content


def saved(**options: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(GOOD)) as pdf, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pdf.save(out, **options)
    return out.getvalue()


def test_an_outside_validator_finds_nothing_but_the_extension_schema(tmp_path: Path) -> None:
    """pikepdf knows level B only and does not know XMP extension schemas, which typst writes and ISO 19005-1 allows."""
    for name, report in (("full", REPORT), ("long", rows(120)), ("empty", rows(0))):
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(writer("a-1b").write(report, context()).content)
        found = {finding.rule for finding in validate_written(str(path), "1b").findings}
        assert found <= {"ISO_19005_1:6.7.9-2"}, name


def test_the_good_file_passes() -> None:
    assert check(GOOD, "a-1a").faults == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"%PDF-1.4", b"%PDF-1.7", "header"),
        (b"%%EOF", b"%%E0F", "end"),
        (b"/GTS_PDFA1", b"/GTS_PDFX1", "output-intent"),
        (b"/FontFile2", b"/FontFake2", "font-not-embedded"),
        (b"pdfaid:part>1", b"pdfaid:part>2", "pdfa-part"),
        (b"pdfaid:conformance>A", b"pdfaid:conformance>B", "pdfa-conformance"),
        (b"/Type/Catalog", b"/OpenAction 9", "forbidden /OpenAction"),
    ],
)
def test_a_deliberate_fault_is_seen(old: bytes, new: bytes, fault: str) -> None:
    bad = GOOD
    for pattern in {old, old.replace(b"/Type/", b"/Type /")}:
        bad = bad.replace(pattern, new.ljust(len(pattern)))
    assert bad != GOOD
    assert fault in check(bad, "a-1a").faults


# ------------------------------------------------------------------------------------------------ ten deliberate faults

SMALL = writer("a-1b").write(REPORT, context()).content
PIKEPDF_ONLY = {"widths"}
"""What only a validator that reads fonts can see."""


def _font(pdf: pikepdf.Pdf) -> pikepdf.Object:
    fonts = (one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/Font")
    return next(font for font in fonts if "/DescendantFonts" in font).DescendantFonts[0]


def _no_output_intent(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.OutputIntents


def _no_font_file(pdf: pikepdf.Pdf) -> None:
    descriptor = _font(pdf).FontDescriptor
    for name in ("/FontFile2", "/FontFile3"):
        if name in descriptor:
            del descriptor[name]


def _no_xmp(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.Metadata


def _script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def _transparency(pdf: pikepdf.Pdf) -> None:
    state = pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=0.5)
    resources = pdf.pages[0].obj.Resources
    resources.ExtGState = pikepdf.Dictionary(GS0=pdf.make_indirect(state))


def _widths(pdf: pikepdf.Pdf) -> None:
    font = _font(pdf)
    font.W = pikepdf.Array([0, pikepdf.Array([17] * 300)])


def _title(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Title"] = "Autre titre"


def _helvetica(pdf: pikepdf.Pdf) -> None:
    bare = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page = pdf.pages[0]
    page.obj.Resources.Font["/F99"] = pdf.make_indirect(bare)
    page.contents_add(b"BT /F99 9 Tf (x) Tj ET")


FAULTS = {
    "output-intent": (_no_output_intent, {}),
    "font-not-embedded": (_no_font_file, {}),
    "pdfa-part": (_no_xmp, {}),
    "forbidden /OpenAction": (_script, {}),
    "transparency": (_transparency, {}),
    "widths": (_widths, {}),
    "title": (_title, {}),
    "font-not-embedded ": (_helvetica, {}),
    "forbidden /Encrypt": (
        lambda pdf: None,
        {"encryption": pikepdf.Encryption(owner="o", user="", R=3, aes=False, metadata=False)},
    ),
    "no-xref-table": (lambda pdf: None, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}),
}
"""Own fault, what is done to the file, how it is saved."""
KNOWN = {"ISO_19005_1:6.7.9-2"}
"""What pikepdf finds in every file of typst: it knows no XMP extension schema."""


def damaged(fault: str) -> bytes:
    change, options = FAULTS[fault]
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(SMALL)) as pdf, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        change(pdf)
        pdf.save(out, **{"object_stream_mode": pikepdf.ObjectStreamMode.disable, **options})
    return out.getvalue()


def test_a_file_saved_again_without_a_fault_passes(tmp_path: Path) -> None:
    FAULTS["none"] = (lambda pdf: None, {})
    data = damaged("none")
    del FAULTS["none"]
    assert check(data, "a-1b").faults == ()
    (tmp_path / "good.pdf").write_bytes(data)
    assert {finding.rule for finding in validate_written(str(tmp_path / "good.pdf"), "1b").findings} <= KNOWN


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in PIKEPDF_ONLY])
def test_our_own_check_refuses_the_fault(fault: str) -> None:
    assert fault.strip() in check(damaged(fault), "a-1b").faults


@pytest.mark.parametrize("fault", FAULTS)
def test_the_outside_validator_refuses_the_fault(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.pdf"
    path.write_bytes(damaged(fault))
    try:
        found = {finding.rule for finding in validate_written(str(path), "1b").findings}
    except pikepdf.PdfError:
        return
    assert found - KNOWN, fault


def test_a_moved_object_a_cut_end_and_a_lost_page_are_seen() -> None:
    shifted = GOOD.replace(b"endobj\n", b"endobj \n", 1).replace(b"startxref\n", b"startxref\n0000", 1)
    assert check(shifted, "a-1a").faults
    wrong_count = re.sub(rb"/Count \d+", b"/Count 9", GOOD, count=1)
    assert "page-tree" in check(wrong_count, "a-1a").faults
    assert check(GOOD[:-200], "a-1a").faults
    assert check(b"", "a-1a").faults
    assert "no-xref-table" in check(saved(object_stream_mode=pikepdf.ObjectStreamMode.generate), "a-1a").faults
    locked = saved(encryption=pikepdf.Encryption(owner="o", user="", R=3, aes=False, metadata=False))
    assert check(locked, "a-1a").faults


@pytest.mark.parametrize("revision", [2, 3, 4])
@pytest.mark.parametrize(("user", "needed"), [("", False), ("secret", True)])
def test_tells_a_locked_document_from_a_restricted_one(revision: int, user: str, needed: bool) -> None:
    new = revision >= 4
    data = saved(encryption=pikepdf.Encryption(owner="own", user=user, R=revision, aes=new, metadata=new))
    facts = received.inspect(data)
    assert (facts.encrypted, facts.password) == (True, needed)
    codes = {problem.code: problem.severity for problem in received.check(data)}
    assert codes.get("pdf-password") == (Severity.ERROR if needed else None)
    assert ("pdf-encrypted" in codes) is not needed


def test_newer_encryption_is_left_to_a_person() -> None:
    data = saved(encryption=pikepdf.Encryption(owner="own", user="secret", R=6))
    assert received.inspect(data).password is None
    assert "pdf-encrypted" in {problem.code for problem in received.check(data)}


def test_pages_and_claim_are_seen_through_object_streams() -> None:
    packed = saved(object_stream_mode=pikepdf.ObjectStreamMode.generate)
    for data in (GOOD, packed):
        facts = received.inspect(data)
        assert (facts.pages, facts.claim, facts.whole) == (1, "PDF/A-1a", True)
        assert received.check(data) == ()


def test_a_plain_pdf_leaves_with_a_warning() -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.add_blank_page()
        out = io.BytesIO()
        pdf.save(out)
    facts = received.inspect(out.getvalue())
    assert facts.pages == 2
    problems = received.check(out.getvalue(), "OBX[3]-5")
    assert [(problem.code, problem.severity, problem.where) for problem in problems] == [
        ("pdf-not-pdfa", Severity.WARNING, "OBX[3]-5")
    ]


def test_scripts_are_told() -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        out = io.BytesIO()
        pdf.save(out)
    assert "pdf-active" in {problem.code for problem in received.check(out.getvalue())}


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "pdf-unreadable"), (b"MSH|^~\\&|", "pdf-unreadable"), (GOOD[: len(GOOD) // 2], "pdf-truncated")],
)
def test_what_cannot_be_opened_is_an_error(data: bytes, code: str) -> None:
    assert code in {problem.code for problem in received.check(data) if problem.severity is Severity.ERROR}


def test_a_bare_pdf_is_read_as_a_document() -> None:
    reader = PdfReader()
    assert reader.sniff(GOOD[:4096]) == 1.0
    assert reader.sniff(b"H|~^\\&|") == 0.0
    result = reader.read(GOOD, ReadContext())
    assert result.readable
    (report,) = result.reports
    assert report.kind is Kind.DOCUMENT
    assert report.own_pdf is not None
    assert report.own_pdf.content == GOOD
    assert not reader.read(GOOD[:3000], ReadContext()).readable


@settings(max_examples=60)
@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.binary(max_size=40))
def test_a_damaged_document_never_makes_the_checks_raise(start: int, length: int, junk: bytes) -> None:
    damaged = GOOD[:start] + junk + GOOD[start + length :]
    received.check(damaged)
    check(damaged, "a-1a")


@given(st.binary(max_size=400))
def test_anything_at_all_gets_an_answer(data: bytes) -> None:
    received.check(b"%PDF-1.4" + data)
    received.check(b"%PDF-1.4/Filter /Standard /R 3 /O (" + data + b") /U <" + data + b"> /P -4 /ID [(" + data)
