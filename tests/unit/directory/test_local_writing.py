"""The table as spreadsheets damage it, and as the program writes into it without disturbing the rest."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.directory.local.edit import Stamp, diff, edits, merge
from dispatcher.directory.local.table import parse
from dispatcher.directory.local.writing import Edit, edited, for_spreadsheet
from dispatcher.directory.local.zeros import lost_since
from dispatcher.errors import DirectoryError
from dispatcher.routing.candidates import LocalEntry

TABLE = (
    "# table du laboratoire\r\ncode;adresse;commentaire;libelle\r\n"
    '0012;a@b.test;"deux\r\nlignes";Dr A\r\n\r\nB;b@b.test;à rappeler;"Dr B; remplaçante"\r\n0044;c@b.test\r\n'
)
NEW = LocalEntry(code="B", address="new@b.test", label="Dr B")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_one_line_is_written_over_and_the_rest_stays(encoding: str) -> None:
    before = parse(TABLE.encode(encoding))
    line = next(entry.line for entry in before.entries if entry.code == "B")
    text = edited(TABLE.encode(encoding), "t.csv", [Edit(line=line, entry=NEW)]).decode(encoding)
    assert text == TABLE.replace('b@b.test;à rappeler;"Dr B; remplaçante"', "new@b.test;à rappeler;Dr B")


def test_a_line_of_several_is_taken_out_whole() -> None:
    text = edited(TABLE.encode(), "t.csv", [Edit(line=3)]).decode()
    assert text == TABLE.replace('0012;a@b.test;"deux\r\nlignes";Dr A\r\n', "")


def test_who_when_and_why_get_their_columns() -> None:
    stamp = Stamp(by="eve", on=date(2026, 3, 11), reason="dit au téléphone")
    added = LocalEntry(code="C9", address="c@b.test", format="cda")
    content = edited(TABLE.encode(), "t.csv", edits(merge(parse(TABLE.encode()).entries, [added]), stamp))
    rows = list(csv.reader(io.StringIO(content.decode()), delimiter=";"))
    assert rows[1] == ["code", "adresse", "commentaire", "libelle", "format", "ajoute_par", "le", "motif"]
    assert rows[-1] == ["C9", "c@b.test", "", "", "cda", "eve", "2026-03-11", "dit au téléphone"]
    entry = parse(content).entries[-1]
    assert (entry.added_by, entry.added_on, entry.reason) == ("eve", date(2026, 3, 11), "dit au téléphone")
    assert content.decode().splitlines()[2:7] == TABLE.splitlines()[2:7]


def test_a_new_table_begins_with_its_header() -> None:
    content = edited(None, "t.csv", [Edit(entry=NEW)])
    assert content.startswith(b"\xef\xbb\xbfcode;source;")
    assert parse(content).entries[0].address == "new@b.test"


def test_no_line_is_written_into_a_workbook() -> None:
    with pytest.raises(DirectoryError, match="classeur"):
        edited(workbook([["code", "adresse"], ["A", "a@b.test"]]), "t.xlsx", [Edit(entry=NEW)])


# ------------------------------------------------------------------------------------------------ spreadsheets


def as_excel_saves(content: bytes) -> bytes:
    """Excel opens a CSV, keeps ``="0012"`` as text, takes the rest for numbers and days, and saves in Windows-1252."""
    rows = []
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"):
        rows.append([excel_cell(cell) for cell in row])
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("cp1252", "replace")


def excel_cell(cell: str) -> str:
    if cell.startswith('="'):
        return cell[2:-1].replace('""', '"')
    if cell.isdigit():
        return f"{float(cell):.2E}".replace(".", ",") if len(cell) > 11 or len(cell) == 11 else str(int(cell))
    if len(cell) == 10 and cell[4:5] == "-" and cell[7:8] == "-":
        year, month, day = cell.split("-")
        return f"{day}/{month}/{year}"
    return cell


FULL = (
    "code;type_identifiant;identifiant;adresse;libelle;du;commentaire\n"
    "0012;RPPS;99700000013;;Dr GARÇON;2026-02-01;=1+1\n"
    "1-2;ADELI;001234567;;Cabinet +33;;007\n"
    "SEPT2;;;a@b.test;;01/02/2026;\n"
)


def test_what_is_exported_comes_back_from_excel_as_it_was() -> None:
    before = parse(FULL.encode())
    assert before.faults == ()
    sheet = for_spreadsheet(FULL.encode(), "t.csv")
    assert sheet.startswith(b"\xef\xbb\xbf")
    assert sheet.count(b"\r\n") == sheet.count(b"\n") == 4
    assert b'"=""0012""";' in sheet
    assert diff(before.entries, parse(sheet).entries) == ()
    assert diff(before.entries, parse(as_excel_saves(sheet)).entries) == ()


def test_what_excel_damages_is_told_with_its_place_and_never_mended() -> None:
    table = parse(as_excel_saves(FULL.encode()))
    places = {(fault.line, fault.column) for fault in table.faults}
    assert places == {(2, "identifiant"), (3, "identifiant")}
    texts = "\n".join(map(str, table.faults))
    assert "9,97E+10" in texts
    assert "zéros de tête perdus" in texts


@pytest.mark.parametrize("code", ["1,0E+10", "1E+10", "9,97E+10", "01-févr", "sept-26", "01/02/2026", "1-jan-2026"])
def test_a_code_that_a_spreadsheet_changed_is_a_fault(code: str) -> None:
    (fault,) = parse(f"code;adresse\n{code};a@b.test\n".encode()).faults
    assert (fault.line, fault.column) == (2, "code")
    assert "par le tableur" in fault.text


@pytest.mark.parametrize("code", ["2E10", "MARS", "1-2", "D001", "12.5", "A/B", "SEPT2"])
def test_a_code_of_the_lis_is_none(code: str) -> None:
    assert parse(f"code;adresse\n{code};a@b.test\n".encode()).faults == ()


@pytest.mark.parametrize("text", ["01/02/26", "1-2-26"])
def test_a_year_of_two_digits_is_not_guessed(text: str) -> None:
    (fault,) = parse(f"code;adresse;du\nA;a@b.test;{text}\n".encode()).faults
    assert (fault.line, fault.column) == (2, "du")
    assert "année sur deux chiffres" in fault.text


def test_zeros_lost_since_the_last_table() -> None:
    before = [LocalEntry(code="0012", address="a@b.test"), LocalEntry(code="0044", address="b@b.test")]
    after = [LocalEntry(code="12", address="a@b.test", line=2), LocalEntry(code="0044", address="b@b.test", line=3)]
    (fault,) = lost_since(before, after, "t.csv")
    assert (fault.line, fault.column) == (2, "code")
    assert "« 0012 »" in fault.text
    both = [*before, LocalEntry(code="12", address="c@b.test", line=9)]
    assert lost_since(before, both, "t.csv") == (), "a code of its own beside the other"
    assert lost_since(both, after, "t.csv") == (), "12 was there before"


def test_a_short_number_among_numbers_with_zeros_is_remarked() -> None:
    table = parse(b"code;adresse\n0012;a@b.test\n0345;b@b.test\n77;c@b.test\nX;d@b.test\n")
    assert [(one.line, one.column) for one in table.warnings] == [(4, "code")]
    assert parse(b"code;adresse\n12;a@b.test\n7;b@b.test\n").warnings == ()


def workbook(rows: list[list[str]]) -> bytes:
    """A small XLSX with its texts as texts."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    body = "".join(
        f'<row r="{number}">' + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for number, row in enumerate(rows, 1)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="T" r:id="a"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="x"><Relationship Id="a" Target="worksheets/one.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/one.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
    return out.getvalue()


def test_a_workbook_is_read_with_its_lines() -> None:
    table = parse(
        workbook([["Code", "Adresse", "Du"], ["0012", "A@b.test", "01/02/2026"], ["", "", ""], ["B", "oups"]])
    )
    assert [(one.line, one.column) for one in table.faults] == [(4, "adresse")]
    assert [(one.code, one.address, one.line) for one in table.entries] == [("0012", "a@b.test", 2)]
    assert parse(b"PK\x03\x04 nothing").faults


def test_the_line_above_the_header_that_names_the_separator_is_no_header() -> None:
    assert [one.line for one in parse(b"sep=;\r\ncode;adresse\r\nA;a@b.test\r\n").entries] == [3]


codes = (
    st.text("AB01 -", min_size=1, max_size=5).map(lambda text: f"X{text.strip()}").map(lambda t: " ".join(t.split()))
)
remarks = st.text("ab;\"'\né", max_size=8)


@given(st.lists(st.tuples(codes, remarks), unique_by=lambda pair: pair[0], max_size=6), st.data())
def test_edits_touch_only_their_own_lines(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(["code", "adresse", "commentaire"])
    writer.writerows((code, "a@b.test", remark) for code, remark in lines)
    content = text.getvalue().encode()
    before = parse(content).entries
    gone = data.draw(st.sets(st.sampled_from(before))) if before else set()
    moved = data.draw(st.sets(st.sampled_from(before))) - gone if before else set()
    wanted = [Edit(line=one.line) for one in gone]
    wanted += [Edit(line=one.line, entry=LocalEntry(code=one.code, address="n@b.test")) for one in moved]
    wanted.append(Edit(entry=LocalEntry(code="NEUF", address="x@b.test")))
    after = parse(edited(content, "t.csv", wanted))
    assert after.faults == ()
    addresses = {one.code: one.address for one in after.entries}
    kept = {one.code: "n@b.test" if one in moved else "a@b.test" for one in before if one not in gone}
    assert addresses == kept | {"NEUF": "x@b.test"}
    rows = list(csv.reader(io.StringIO(edited(content, "t.csv", wanted).decode(), newline=""), delimiter=";"))
    gone_codes = {one.code for one in gone}
    assert [row[2] for row in rows[1:-1] if row] == [remark for code, remark in lines if code not in gone_codes]
