"""Spreadsheets in, the book of codes out: nothing confirmed is lost, nothing faulty enters."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import DispatcherError
from dispatcher.resources import mapping_text
from dispatcher.terminology.codebook import FIELDS, Change, CodeBook, CodeLine, new_book, parse_book
from dispatcher.terminology.columns import CODE_LIST, Understood, understand
from dispatcher.terminology.csv_text import written
from dispatcher.terminology.merging import Confirmation, Outcome, Plan, from_record, guarded, merge
from dispatcher.terminology.own import day
from dispatcher.terminology.sheets import SheetError, read_sheet
from dispatcher.terminology.tables import Terminology, TerminologyTexts, load

TODAY = date(2026, 11, 22)
SHIPPED = load(TerminologyTexts.collect(lambda name: mapping_text("terminology", name)))
BOOK = (
    "# Liste du laboratoire\r\n"
    "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\r\n"
    ';NA;"Sodium; sang";mmol/L;sérum;2951-2;Dr A;2026-01-05;\r\n'
    "\r\n"
    ";GLY;Glycémie;g/L;;;;;\r\n"
    ";K;Potassium;mmol/L;;2823-3;;;"
)


def terms(**own: str) -> Terminology:
    return load(
        TerminologyTexts.collect(
            lambda name: mapping_text("terminology", name), lambda name: own.get(name.removesuffix(".csv"))
        )
    )


def understood(content: bytes | str) -> Understood:
    return understand(read_sheet(content.encode() if isinstance(content, str) else content), CODE_LIST, "code")


def imported(content: bytes | str, book: CodeBook | None = None, *, by: str = "", overwrite: bool = False) -> Plan:
    confirmation = Confirmation(by=by, on=TODAY)
    lines = [from_record(record, confirmation) for record in understood(content).records]
    return merge(book or new_book(), lines, SHIPPED.known(), today=TODAY, overwrite=overwrite)


# ----------------------------------------------------------------------------------------------------- sheets


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_any_csv_gives_the_same_rows(separator: str, charset: str, newline: str) -> None:
    rows = [["Code", "Libellé", "Unité"], ["GLY", "Glycémie", "g/L"], ["É1", f"a{separator}b", "µmol/L"]]
    read = read_sheet(written(rows, separator, newline).encode(charset))
    assert [list(cells) for _, cells in read.rows] == rows
    assert [line for line, _ in read.rows] == [1, 2, 3]


def workbook(sheet: str, *, strings: str = "", styles: str = "", name: str = "Codes", props: str = "") -> bytes:
    """The smallest XLSX with one leaf."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{links}">{props}<sheets><sheet name="{name}" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", '<R><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></R>'
        )
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>")
        if strings:
            archive.writestr("xl/sharedStrings.xml", f"<sst {main}>{strings}</sst>")
        if styles:
            archive.writestr("xl/styles.xml", f"<styleSheet {main}>{styles}</styleSheet>")
    return content.getvalue()


STYLES = (
    '<numFmts><numFmt numFmtId="170" formatCode="jj/mm/aaaa"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs>'
)


def test_a_workbook_is_read_with_its_dates_and_gaps() -> None:
    book = workbook(
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><t>confirme_le</t></is></c></row>'
        '<row r="3"><c r="A3"><v>12.0</v></c><c r="C3" s="1"><v>46348</v></c></row>'
        '<row r="4"><c r="A4" t="str"><v>007</v></c><c r="C4" s="2"><v>46348</v></c></row>'
        '<row r="5"><c r="A5" t="b"><v>1</v></c><c r="C5"><v>46348</v></c></row>',
        strings="<si><r><t>Co</t></r><r><t>de</t></r><rPh><t>x</t></rPh></si>",
        styles=STYLES,
    )
    read = read_sheet(book)
    assert read.kind == "XLSX, feuille « Codes »"
    assert read.rows == (
        (2, ("Code", "", "confirme_le")),
        (3, ("12", "", "2026-11-22")),
        (4, ("007", "", "2026-11-22")),
        (5, ("1", "", "46348")),
    )
    old = workbook('<row><c s="1"><v>44886</v></c></row>', styles=STYLES, props='<workbookPr date1904="1"/>')
    assert read_sheet(old).rows == ((1, ("2026-11-22",)),)


def test_hostile_or_other_files_are_refused_in_words() -> None:
    bomb = workbook("<row><c><v>" + "1" * 61_000_000 + "</v></c></row>")
    for content in (bomb, b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0old", workbook("")):
        with pytest.raises(SheetError):
            read_sheet(content)
    with pytest.raises(SheetError, match="Pas de feuille"):
        read_sheet(workbook("<row><c><v>1</v></c></row>"), "Autre")
    doctype = io.BytesIO()
    with zipfile.ZipFile(doctype, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>')
    with pytest.raises(SheetError):
        read_sheet(doctype.getvalue())


def test_a_code_may_begin_with_the_sign_of_our_remarks() -> None:
    read = read_sheet(b"code;libelle\n#NEU;Neutrophiles\n# an old line\n")
    assert [cells[0] for _, cells in read.rows] == ["code", "#NEU"]


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda data: b"PK" + data))
def test_any_bytes_give_rows_or_the_declared_error(content: bytes) -> None:
    try:
        read_sheet(content)
    except SheetError:
        return


# ---------------------------------------------------------------------------------------------------- columns


def test_columns_are_known_by_their_headings_under_a_title() -> None:
    sheet = (
        "Catalogue 2026;;;\n;;;\nCODE_ANALYSE;Intitulé;Unités;Nature du prélèvement;Secteur\nGLY;Glycémie;g/L;Sang;B\n"
    )
    found = understood(sheet)
    assert (found.heading_line, found.ignored) == (3, ("Secteur",))
    assert dict(found.records[0].cells) == {"code": "GLY", "libelle": "Glycémie", "unite": "g/L", "specimen": "Sang"}


def test_columns_can_be_named_by_title_letter_or_number() -> None:
    sheet = read_sheet(b"Ref;Texte\nGLY;Glyc\n")
    for given_name in ("ref", "A", "1"):
        found = understand(sheet, CODE_LIST, "code", {"code": given_name, "libelle": "Texte"})
        assert dict(found.records[0].cells) == {"code": "GLY", "libelle": "Glyc"}
    left_out = understand(read_sheet(b"Code;Milieu\nGLY;Sang\n"), CODE_LIST, "code", {"specimen": "-"})
    assert (dict(left_out.records[0].cells), left_out.ignored) == ({"code": "GLY"}, ("Milieu",))
    with pytest.raises(SheetError, match="introuvable"):
        understand(sheet, CODE_LIST, "code")
    with pytest.raises(SheetError, match="inconnue"):
        understand(sheet, CODE_LIST, "code", {"nom": "A"})


# ------------------------------------------------------------------------------------------------------- book

CELL = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\x85"), max_size=12).map(
    lambda text: " ".join(text.split()).replace("# ", "#")
)
LINE = st.builds(
    CodeLine,
    **{of: CELL for of in FIELDS.values() if of not in ("code", "loinc", "confirmed_by", "confirmed_on")},
    code=CELL.filter(bool),
    loinc=st.sampled_from(["", "-", "2345-7", "2951-2"]),
    confirmed_by=st.just(""),
    confirmed_on=st.just(""),
)


def test_what_is_not_changed_stays_byte_for_byte() -> None:
    book = parse_book(BOOK)
    assert book.text() == BOOK
    assert [(line.code, line.line) for line in book.lines] == [("NA", 3), ("GLY", 5), ("K", 6)]
    gly = book.lines[1]
    changed = book.edited((CodeLine(code="TSH"),), {gly.key: Change(replace(gly, loinc="2345-7"), "essai")})
    assert (
        changed.text()
        == BOOK.replace(
            ";GLY;Glycémie;g/L;;;;;\r\n", "# essai : ;GLY;Glycémie;g/L;;;;;\r\n;GLY;Glycémie;g/L;;2345-7;;;\r\n"
        )
        + "\r\n;TSH;;;;;;;\r\n"
    )


def test_a_method_gets_its_column() -> None:
    book = parse_book(BOOK).edited((CodeLine(code="TSH", method="ECLIA"),))
    again = parse_book(book.text())
    assert again.columns[-1] == "methode"
    assert [line.method for line in again.lines] == ["", "", "", "ECLIA"]
    assert terms(codes=book.text()).notes


@given(st.lists(LINE, max_size=8))
def test_lines_written_are_read_again(lines: list[CodeLine]) -> None:
    book = new_book().edited(tuple(lines))
    again = parse_book(book.text())
    assert list(again.lines) == lines
    assert again.text() == book.text()


@given(st.lists(LINE, max_size=8, unique_by=lambda line: line.key), st.sampled_from([";", ",", "\t"]))
def test_import_export_import_is_equal(lines: list[CodeLine], separator: str) -> None:
    confirmed = [replace(one, confirmed_by="Dr A", confirmed_on="2026-01-05") if one.loinc else one for one in lines]

    def exported(some: Iterable[CodeLine]) -> bytes:
        rows = [list(FIELDS), *([guarded(cell) for cell in one.cells().values()] for one in some)]
        return written(rows, separator, "\r\n").encode("utf-8-sig")

    first = imported(exported(confirmed))
    refused = {step.after.key for step in first.of(Outcome.REFUSED)}
    assert list(first.book.lines) == [one for one in confirmed if one.key not in refused]
    second = imported(exported(first.book.lines), first.book)
    assert not second.writes
    assert second.book.text() == first.book.text()


@given(st.text(max_size=200))
def test_any_text_is_a_book_or_the_declared_error(text: str) -> None:
    try:
        book = parse_book(text)
    except DispatcherError:
        return
    assert book.text().startswith(text)
    assert parse_book(book.edited((CodeLine(code="GLY"),)).text()).lines[-1].code == "GLY"


# ------------------------------------------------------------------------------------------------------ merge

HEADER = "code;libelle;unite;specimen;loinc;confirme_par;confirme_le\n"


def outcomes(plan: Plan) -> list[str]:
    return [step.outcome.value for step in plan.steps]


def test_new_lines_are_added_and_wait_for_a_person() -> None:
    plan = imported(HEADER + "GLY;Glycémie;g/L;;2345-7;;\nNA;Sodium;;;;;\n")
    assert outcomes(plan) == ["added", "added"]
    assert not any(line.confirmed for line in plan.book.lines)


def test_a_code_with_a_name_is_confirmed_today_when_no_day_is_given() -> None:
    plan = imported(HEADER + "GLY;;g/L;;2345-7;Dr A;\nNA;;;;2951-2;Dr B;05/01/2026\nK;;;;-;Dr B;\n")
    told = [(line.loinc, line.confirmed_by, line.confirmed_on) for line in plan.book.lines]
    assert told == [("2345-7", "Dr A", "2026-11-22"), ("2951-2", "Dr B", "2026-01-05"), ("-", "Dr B", "2026-11-22")]
    assert all(line.confirmed for line in plan.book.lines)


def test_a_name_beside_an_empty_cell_confirms_nothing() -> None:
    line = imported(HEADER + "GLY;;g/L;;;Dr A;2026-01-05\n", by="Dr B").book.lines[0]
    assert (line.loinc, line.confirmed_by, line.confirmed) == ("", "", False)


def test_one_biologist_may_answer_for_a_whole_list() -> None:
    assert [line.confirmed_by for line in imported(HEADER + "GLY;;;;2345-7;;\nNA;;;;;;\n", by="Dr C").book.lines] == [
        "Dr C",
        "",
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("GLY;;g/L;;2345-8;Dr A;", "clé juste"),
        ("GLY;;;;20-août;Dr A;", "format Texte"),
        ("GLY;;mmol/L;;2345-7;Dr A;", "convienne"),
        (";Glycémie;;;2345-7;Dr A;", "code"),
        ("GLY;;;;2345-7;Dr A;un jour", "date"),
    ],
)
def test_a_faulty_line_never_enters_the_book(line: str, why: str) -> None:
    plan = imported(HEADER + line + "\nNA;;;;2951-2;Dr A;\n")
    assert outcomes(plan) == ["refused", "added"]
    assert why in plan.steps[0].why
    assert [one.code for one in plan.book.lines] == ["NA"]
    terms(codes=plan.book.text())


def test_a_file_that_contradicts_itself_gives_nothing_for_that_code() -> None:
    plan = imported(HEADER + "GLY;;g/L;;2345-7;Dr A;\nGLY;;g/L;;53049-3;Dr A;\nGLY;;mmol/L;;14749-6;Dr A;\n")
    assert outcomes(plan) == ["refused", "refused", "added"]
    assert "2 et 3" in plan.steps[0].why


def test_a_confirmed_line_is_kept_whatever_comes() -> None:
    book = parse_book(BOOK)
    same = HEADER + "NA;Natrémie;mmol/L;sérum;2951-2;Dr Z;2026-11-01\n"
    assert outcomes(imported(same, book)) == ["same"]
    other = HEADER + "NA;;mmol/L;sérum;2947-0;Dr Z;2026-11-01\n"
    unsigned = HEADER + "NA;;mmol/L;sérum;2947-0;;\n"
    for content, overwrite in ((other, False), (unsigned, False), (unsigned, True)):
        plan = imported(content, book, overwrite=overwrite)
        assert outcomes(plan) == ["kept"]
        assert plan.book.text() == BOOK


def test_a_replaced_line_stays_as_a_remark() -> None:
    plan = imported(HEADER + "NA;;mmol/L;sérum;2947-0;Dr Z;2026-11-01\n", parse_book(BOOK), overwrite=True)
    assert outcomes(plan) == ["replaced"]
    text = plan.book.text()
    assert '# remplacée le 2026-11-22 : ;NA;"Sodium; sang";mmol/L;sérum;2951-2;Dr A;2026-01-05;' in text
    coded = terms(codes=text)
    assert [entry.loinc for entry in coded.own.codes["NA"]] == ["2947-0"]


def test_what_the_biologist_fills_in_confirms_what_waited() -> None:
    plan = imported(HEADER + "GLY;;g/L;;2345-7;Dr A;\nK;;mmol/L;;2823-3;Dr A;\nNA;;mmol/L;sérum;;;\n", parse_book(BOOK))
    assert outcomes(plan) == ["confirmed", "confirmed", "same"]
    assert "\r\n\r\n;GLY;Glycémie;g/L;;2345-7;Dr A;2026-11-22;\r\n" in plan.book.text()


@given(st.lists(LINE, max_size=6), st.lists(LINE, max_size=6), st.booleans())
def test_no_merge_loses_a_confirmation(old: list[CodeLine], new: list[CodeLine], overwrite: bool) -> None:
    signed = [replace(one, confirmed_by="Dr A", confirmed_on="2026-01-05") for one in old if one.loinc]
    book = new_book().edited(tuple(signed))
    plan = merge(book, new, SHIPPED.known(), today=TODAY, overwrite=overwrite)
    kept = plan.book.text()
    for line in book.text().splitlines()[1:]:
        assert " ".join(line.split()) in " ".join(kept.split())
    assert all(day(line.confirmed_on) for line in plan.book.lines if line.confirmed_by)
