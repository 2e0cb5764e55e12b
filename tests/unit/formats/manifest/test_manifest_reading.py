"""Manifests as people save them: every shape gives the same lines, every fault is told with its place, none raises."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from dispatcher.formats.manifest.grid import MAX_ROWS
from dispatcher.formats.manifest.names import patterns_of, said_by
from dispatcher.formats.manifest.reader import Manifest, Target, read_manifest
from dispatcher.formats.text import decode
from dispatcher.resources import sample

RPPS, OTHER = "99700000013", "99700000021"
HEAD = ("fichier", "rpps", "nom_naissance", "prenom", "date_naissance")


def table(*rows: tuple[str, ...], mark: str = ";", end: str = "\r\n") -> bytes:
    return end.join(mark.join(row) for row in rows).encode() + end.encode()


def workbook(*rows: tuple[Any, ...], hidden: tuple[int, ...] = (), formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for number in hidden:
        sheet.row_dimensions[number].hidden = True
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def told(manifest: Manifest) -> list[str]:
    return [str(fault) for fault in manifest.faults]


# ---------------------------------------------------------------------------------------------------- what is read

_text = st.text("abzÀÉéèêçŒœ€'’-_=;,	#@ .0123/|()", max_size=8)
_name = _text.map(lambda text: f"d{text}.pdf")
_row = st.tuples(_name, st.sampled_from([RPPS, OTHER]), _text.map(lambda text: f"N{text}"), _text, _text)


def _written(rows: list[tuple[str, ...]], mark: str, encoding: str, end: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark, lineterminator=end)
    writer.writerow(HEAD)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


@given(
    rows=st.lists(_row, min_size=1, max_size=6),
    mark=st.sampled_from(";,\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    end=st.sampled_from(["\r\n", "\n"]),
)
def test_any_table_is_read_as_it_was_meant(rows: list[tuple[str, ...]], mark: str, encoding: str, end: str) -> None:
    """Texts that look like a formula are told, all others are the texts that were written."""
    manifest = read_manifest(_written(rows, mark, encoding, end))
    if any(cell.split()[:1] and cell.split()[0].startswith("=") for row in rows for cell in row):
        assert any("formule" in fault for fault in told(manifest))
        return
    assert told(manifest) == []
    found = [
        (line.file, line.target.text if line.target else "", *(dict_of(line).get(f, "") for f in FIELDS))
        for line in manifest.lines
    ]
    assert found == [tuple(" ".join(cell.split()) for cell in row) for row in rows]


FIELDS = ("birth_name", "first_given", "birth_date")


def dict_of(line: Any) -> dict[str, str]:
    return {fact.field: fact.text for fact in line.facts}


@given(st.binary(max_size=400))
def test_no_bytes_raise(content: bytes) -> None:
    manifest = read_manifest(content)
    assert manifest.faults or manifest.lines
    assert all(str(fault) for fault in manifest.faults)


@given(st.lists(st.lists(st.text(max_size=6), max_size=6), max_size=6).map(lambda rows: [["fichier", "rpps"], *rows]))
def test_a_line_is_read_or_told(rows: list[list[str]]) -> None:
    """No line that says something vanishes: it is a line of the manifest, or stands in a fault."""
    content = "\r\n".join(";".join(cell.replace(";", "").replace('"', "") for cell in row) for row in rows).encode()
    manifest = read_manifest(content)
    numbers = {line.number for line in manifest.lines} | {fault.line for fault in manifest.faults}
    texts = re.split(r"\r\n|\r|\n", decode(content).text.replace("\0", ""))
    says = {at for at, line in enumerate(texts, 1) if line.replace(";", "").replace("\ufeff", "").strip()}
    assert says - {1} <= numbers or 0 in numbers


def test_windows_1252_semicolons_and_accents() -> None:
    text = "Nom du fichier;N° RPPS;Nom de naissance;Prénom;Né(e) le\r\nrésumé.pdf;99700000013;CŒUR;Zoé;3/2/1940\r\n"
    (line,) = read_manifest(text.encode("cp1252")).lines
    assert (line.file, line.target) == ("résumé.pdf", Target(kind="rpps", text=RPPS))
    assert dict_of(line) == {"birth_name": "CŒUR", "first_given": "Zoé", "birth_date": "3/2/1940"}


def test_english_headings_and_excels_announcement() -> None:
    text = 'sep=,\r\nFile name,Recipient address,Last name,First name,DOB\r\na.pdf,"=""x@a.fr""",A,B,1940-02-03\r\n'
    (line,) = read_manifest(text.encode()).lines
    assert line.target == Target(kind="address", text="x@a.fr")
    assert line.number == 3


def test_a_workbook_keeps_numbers_days_and_zeros() -> None:
    content = workbook(
        ("Fichier", "FINESS", "Nom de naissance", "Prénom", "Date de naissance"),
        ("a.pdf", 10000024, "A", "B", date(1940, 2, 3)),
        formats={"B2": "000000000"},
    )
    (line,) = read_manifest(content).lines
    assert line.target == Target(kind="finess", text="010000024")
    assert dict_of(line)["birth_date"] == "1940-02-03"


def test_the_sheet_with_the_headings_is_the_manifest() -> None:
    book = Workbook()
    first, second = book.active, book.create_sheet("Envoi")
    assert first is not None
    first.append(["Mode d'emploi"])
    second.append(list(HEAD))
    second.append(["a.pdf", RPPS, "A", "B", "1940-02-03"])
    out = io.BytesIO()
    book.save(out)
    manifest = read_manifest(out.getvalue())
    assert (manifest.kind, len(manifest.lines)) == ("XLSX, feuille « Envoi »", 1)


@pytest.mark.parametrize("name", ["bordereau.csv", "modele/bordereau.xlsx"])
def test_the_shipped_samples_are_clean(name: str) -> None:
    manifest = read_manifest(sample("send", *name.split("/")).read_bytes())
    assert told(manifest) == []
    assert [line.file for line in manifest.lines] == ["resume_1.pdf", "resume_1.pdf", "resume_2.pdf"]


# ------------------------------------------------------------------------------------------------------- faults

FAULTS = {
    "name instead of a number": ("a.pdf;Dr Durand;A;B;1940-02-03", "un nom ne suffit jamais"),
    "damaged by the spreadsheet": ("a.pdf;9,97E+10;A;B;1940-02-03", "nombre abîmé par le tableur"),
    "too short": ("a.pdf;9970000001;A;B;1940-02-03", "RPPS de 10 caractères, 11 chiffres attendus"),
    "no file": (";99700000013;A;B;1940-02-03", "nom de fichier vide"),
    "no recipient": ("a.pdf;;A;B;1940-02-03", "destinataire vide"),
    "formula": ('a.pdf;99700000013;"=A1";B;1940-02-03', "formule de tableur"),
    "cell too many": ("a.pdf;99700000013;A;B;1940-02-03;x", "6 champs, 5 attendus"),
    "cell lacking": ("a.pdf;99700000013;A", "3 champs, 5 attendus"),
    "open quote": ('a.pdf;"99700000013;A;B;1940-02-03', "guillemet mal fermé"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_with_its_line(case: str) -> None:
    row, expected = FAULTS[case]
    good = "b.pdf;99700000013;A;B;1940-02-03"
    manifest = read_manifest("\r\n".join((";".join(HEAD), good, row, "", good, "")).encode())
    (fault,) = [text for text in told(manifest) if expected in text]
    assert fault.startswith("ligne 3")


def test_all_faults_are_told_at_once() -> None:
    rows = [row for row, _ in FAULTS.values()]
    manifest = read_manifest("\r\n".join((";".join(HEAD), *rows, "")).encode())
    assert {fault.line for fault in manifest.faults} == set(range(2, 2 + len(rows)))


def test_headings_nobody_knows_are_told_and_two_of_one_are_refused() -> None:
    manifest = read_manifest(table(("fichier", "rpps", "numéro rpps", "chambre"), ("a.pdf", RPPS, OTHER, "12")))
    assert [str(one) for one in manifest.remarks] == ["ligne 1, colonne « chambre » : colonne non lue."]
    assert any("même chose que la colonne « rpps »" in text for text in told(manifest))


def test_without_a_file_column_the_model_is_shown() -> None:
    assert "fichier;rpps;nom_naissance" in told(read_manifest(table(("destinataire", "nom"), (RPPS, "A"))))[0]


def test_hidden_lines_formulas_and_error_values_of_a_workbook() -> None:
    content = workbook(
        HEAD, ("a.pdf", RPPS, "A", "B", "1"), ("b.pdf", RPPS, '=C2&"x"', "B", "1"), ("c.pdf", RPPS, "#N/A", "B", "1"),
        hidden=(2,),
    )  # fmt: skip
    texts = told(read_manifest(content))
    assert [text.partition(" : ")[0] for text in texts] == [
        "ligne 2",
        "ligne 3, colonne « C »",
        "ligne 4, colonne « C »",
    ]
    assert "masquée" in texts[0] and "formule" in texts[1] and "erreur du tableur" in texts[2]


def test_what_is_no_workbook_and_too_many_lines() -> None:
    assert "pas un classeur lisible" in told(read_manifest(b"PK\x03\x04rien"))[0]
    assert ".xls" in told(read_manifest(b"\xd0\xcf\x11\xe0\xa1\xb1"))[0]
    many = table(("fichier", "rpps"), *[("a.pdf", RPPS)] * (MAX_ROWS + 1))
    assert "plus de" in told(read_manifest(many))[0]


def test_nine_characters_are_a_code_and_that_is_said() -> None:
    manifest = read_manifest(table(("fichier", "destinataire"), ("a.pdf", "290000012"), ("b.pdf", "finess:290000017")))
    assert [line.target.kind for line in manifest.lines if line.target] == ["code", "finess"]
    assert "pris pour un code du laboratoire" in str(manifest.remarks[0])


# --------------------------------------------------------------------------------------------------- file names


@pytest.mark.parametrize(
    ("pattern", "name", "kind", "text"),
    [
        ("{rpps}_{reste}.pdf", f"{RPPS}_bilan de mai.PDF", "rpps", RPPS),
        ("{finess}-{anything}", "290000017-x.pdf", "finess", "290000017"),
        ("{code} {reste}", "D001 x.pdf", "code", "D001"),
        ("{liste}_{reste}.pdf", "glycines_x.pdf", "list", "glycines"),
    ],
)
def test_a_file_name_names_the_recipient(pattern: str, name: str, kind: str, text: str) -> None:
    said, wrong = said_by(name, patterns_of([pattern]))
    assert said is not None and said.target == Target(kind=kind, text=text)
    assert wrong == ""


def test_a_file_name_says_whose_it_is() -> None:
    patterns = patterns_of(["{rpps}_{nom_naissance}_{prenom}_{date_naissance:%d%m%Y}.pdf"])
    said, _ = said_by(f"{RPPS}_ÉPREUVE_Zoé_03021940.pdf", patterns)
    assert said is not None
    assert {fact.field: fact.text for fact in said.facts} == {
        "birth_name": "ÉPREUVE", "first_given": "Zoé", "birth_date": "1940-02-03"
    }  # fmt: skip
    assert said_by("autre.pdf", patterns) == (None, "")


def test_two_patterns_that_disagree_are_no_answer() -> None:
    patterns = patterns_of(["{code}_{reste}.pdf", "{reste}_{code}.pdf"])
    said, wrong = said_by("A_B.pdf", patterns)
    assert said is None and "plusieurs modèles" in wrong


@pytest.mark.parametrize("encoding", ["cp850", "mac-roman"])
def test_accents_of_old_machines_are_told_not_sent(encoding: str) -> None:
    text = f"{';'.join(HEAD)}\r\na.pdf;{RPPS};Benoît;Zébuline;14/03/1939\r\n"
    (fault,) = told(read_manifest(text.encode(encoding)))
    assert "Les accents ne sont ni en UTF-8 ni en Windows-1252" in fault and "CSV UTF-8" in fault
    assert told(read_manifest(text.encode("cp1252"))) == []


def _saved(book: Workbook) -> Manifest:
    out = io.BytesIO()
    book.save(out)
    return read_manifest(out.getvalue())


def test_two_sheets_that_are_manifests_are_refused() -> None:
    book = Workbook()
    for number, name in enumerate(("Avril", "Mai")):
        sheet = book.create_sheet(name)
        for row in (("fichier", "rpps"), (f"{number}.pdf", RPPS)):
            sheet.append(row)
    (fault,) = told(_saved(book))
    assert "« Avril », « Mai »" in fault
    book["Mai"].sheet_state = "hidden"
    assert [line.file for line in _saved(book).lines] == ["0.pdf"]


@pytest.mark.parametrize("form", ["0000;-0000", "0000_ ", '"00"00', "00 00", "# ##0"])
@pytest.mark.parametrize("heading", ["code", "finess", "numéro patient"])
def test_a_code_that_is_shown_otherwise_than_it_is_kept_is_told(form: str, heading: str) -> None:
    rows = (("fichier", heading, "commentaire"), ("a.pdf", 42, 42))
    assert any("mis en forme" in text for text in told(read_manifest(workbook(*rows, formats={"B2": form}))))
    for plain in ("General", "@", "0", "000000000"):
        fine = read_manifest(workbook(*rows, formats={"B2": plain, "C2": form}))
        assert not any("mis en forme" in text for text in told(fine))


def test_hidden_columns_and_lines_of_no_height_are_told() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("fichier", "commentaire", "adresse", "rpps"), ("a.pdf", "", "x@y.fr", RPPS)):
        sheet.append(row)
    sheet.column_dimensions.group("B", "C", hidden=True)
    (fault,) = told(_saved(book))
    assert "colonne « adresse » : colonne masquée" in fault
    sheet.column_dimensions["B"].hidden = False
    sheet.row_dimensions[2].height = 0.5  # the library writes no 0
    (fault,) = told(_saved(book))
    assert "ligne 2 : ligne masquée" in fault


@pytest.mark.parametrize("heading", ["identifiant", "ID"])
def test_an_identifier_of_nobody_knows_whom_is_refused(heading: str) -> None:
    (fault,) = told(read_manifest(table(("fichier", heading, "nom_naissance"), ("a.pdf", "4521", "X"))))
    assert "« rpps », « finess » ou « code destinataire »" in fault
