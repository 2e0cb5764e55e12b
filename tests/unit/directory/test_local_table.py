"""The laboratory's own table of recipients: what is read, and every fault at once with its place."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.directory.local.edit import ChangeKind, diff, merge
from dispatcher.directory.local.table import LocalTable, load, parse
from dispatcher.directory.local.writing import Edit, edited, render
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from dispatcher.routing.candidates import LocalEntry

HEADER = "code;source;type_identifiant;identifiant;adresse;libelle;format;canal;mode;du;au"
LINE = "D001;lis1;RPPS;99700000013;Paul.Durand@dest.test;Dr GARÇON;HPRIM Médecins;mss;mail;01/02/2026;2026-12-31"
FULL = f"{HEADER}\n{LINE}\n"
ENGLISH = "code;source;id_type;identifier;address;label;format;channel;delivery;valid_from;valid_to"
CAPITALS = FULL.upper().replace("DR GARÇON", "Dr GARÇON").replace("LIS1", "lis1").replace(";MSS;", ";mss;")
ENTRY = LocalEntry(
    code="D001",
    source="lis1",
    id_type=IdType.RPPS,
    identifier="99700000013",
    address="paul.durand@dest.test",
    label="Dr GARÇON",
    format="hprim-medecins",
    channel="mss",
    delivery="mail",
    valid_from=date(2026, 2, 1),
    valid_to=date(2026, 12, 31),
    line=2,
)


@pytest.mark.parametrize(
    "content",
    [
        FULL.encode(),
        FULL.encode("utf-8-sig"),
        FULL.encode("cp1252"),
        FULL.encode("utf-16"),
        FULL.replace("\n", "\r\n").encode(),
        FULL.replace(";", "\t").encode(),
        FULL.replace(";", ",").encode(),
        CAPITALS.encode(),
        FULL.replace(HEADER, ENGLISH).encode(),
        FULL.replace("99700000013", "899700000013").encode(),
        FULL.replace("99700000013", "997 0000 0013").encode(),
        FULL.replace("RPPS", "").encode(),
        FULL.replace("RPPS", "8").encode(),
        FULL.replace("Dr GARÇON", '"Dr GARÇON"').encode(),
    ],
    ids=[
        "utf-8", "bom", "cp1252", "utf-16", "crlf", "tab", "comma", "capitals", "english", "national", "blanks",
        "type-guessed", "type-digit", "quoted",
    ],
)  # fmt: skip
def test_reads_what_spreadsheets_write(content: bytes) -> None:
    table = parse(content)
    assert table.faults == ()
    assert table.entries == (ENTRY,)


def test_remarks_blank_lines_and_comments_are_left_alone() -> None:
    table = parse(b'# notre table\ncode;adresse;commentaire\n\n;;\nA;a@b.test;"deux\nlignes"\nB;b@b.test;x\n')
    assert table.faults == ()
    assert [(entry.code, entry.line) for entry in table.entries] == [("A", 5), ("B", 7)]


def test_all_faults_at_once_with_line_and_column() -> None:
    text = (
        "code;type_identifiant;identifiant;adresse;format;canal;mode;du;au\n"
        "A;RPPS;123;;;;;;\n"
        ";;;a@b.test;;;;;\n"
        "C;;990001018;;;;;;\n"
        "D;;;a b@c;docx;fax;pigeon;31/02/2026;\n"
        "E;;;a@b.test;;;;2026-02-01;2026-01-01\n"
        "F;;;;;;;;\n"
        "G;;;x@patient.mssante.fr;;;;;\n"
        "H;;8,99E+10;;;;;;\n"
        "I;SIREN;123;;;;;;\n"
        "J;;;a@b.test;;;;;;;trop\n"
    )
    table = parse(text.encode(), channels=["mss"])
    places = {(fault.line, fault.column) for fault in table.faults}
    assert places == {
        (2, "identifiant"), (3, "code"), (4, "type_identifiant"), (5, "adresse"), (5, "format"), (5, "canal"),
        (5, "mode"), (5, "du"), (6, "au"), (7, "adresse"), (8, "adresse"), (9, "identifiant"),
        (10, "type_identifiant"), (11, ""),
    }  # fmt: skip
    texts = "\n".join(map(str, table.faults))
    assert "11 chiffres attendus" in texts
    assert "connus : mss" in texts
    assert "abîmé par le tableur" in texts


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("code;adrese", "colonne inconnue"),
        ("adresse;identifiant", "en-tête attendu"),
        ("code;code;adresse", "deux fois"),
        ("code;libelle", "ne dit pas où envoyer"),
        ("", "en-tête absent"),
    ],
)
def test_header_faults(header: str, part: str) -> None:
    assert any(part in fault.text for fault in parse(f"{header}\nA;B;C\n".encode() if header else b"\n").faults)


def test_a_doubtful_key_and_a_repeated_code_are_warnings() -> None:
    table = parse(
        b"code;type_identifiant;identifiant;du;au\nA;RPPS;99700000014;;\nA;RPPS;99700000013;;\nB;FINESS;2A0000000;;\n"
    )
    assert table.faults == ()
    assert [(warning.line, warning.column) for warning in table.warnings] == [(2, "identifiant"), (3, "code")]


def test_lines_that_follow_each_other_are_no_repetition() -> None:
    table = parse(b"code;adresse;du;au\nA;a@b.test;;2026-06-30\nA;c@b.test;2026-07-01;\n")
    assert table.warnings == ()


def test_a_table_with_faults_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("code;adresse\nA;a@b.test\nB;pas une adresse\nC;\n")
    with pytest.raises(DirectoryError) as caught:
        load(path)
    assert "t.csv, ligne 3, colonne « adresse »" in str(caught.value)
    assert "t.csv, ligne 4, colonne « adresse »" in str(caught.value)


def touch(path: Path, text: str) -> None:
    """Write and make sure the change is seen, however coarse the file system's clock."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_is_read_again_when_it_changed_and_keeps_the_last_good_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table = LocalTable(path)
    assert table.lines("lis", "A") == ()
    touch(path, "code;adresse\nA;a@b.test\n")
    assert table.lines("lis", " A ")[0].address == "a@b.test"
    touch(path, "code;adresse\nA;c@b.test\n")
    assert table.lines("lis", "A")[0].address == "c@b.test"
    assert table.problem is None
    version = table.table().version
    touch(path, "code;adresse\nA;oups\n")
    assert table.lines("lis", "A")[0].address == "c@b.test"
    assert table.table().version == version
    assert "ligne 2" in str(table.problem)
    path.unlink()
    assert table.lines("lis", "A")[0].address == "c@b.test"
    assert "disparu" in str(table.problem)
    touch(path, "code;adresse\nA;d@b.test\n")
    assert table.lines("lis", "A")[0].address == "d@b.test"
    assert table.problem is None


def test_a_first_table_with_faults_answers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("code;adresse\nA;oups\n")
    table = LocalTable(path)
    for _ in range(2):
        with pytest.raises(DirectoryError):
            table.lines("lis", "A")
    touch(path, "code;adresse\nA;a@b.test\n")
    assert table.lines("lis", "A")


def test_lines_of_a_source_and_of_all(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("code;source;adresse\nA;lis1;un@b.test\nA;;tous@b.test\nA;lis2;deux@b.test\n")
    table = LocalTable(path)
    assert [entry.address for entry in table.lines("lis1", "A")] == ["un@b.test", "tous@b.test"]
    assert [entry.address for entry in table.lines("lis3", "A")] == ["tous@b.test"]
    assert table.lines("lis1", "a") == (), "codes are compared letter by letter"


entries = st.builds(
    LocalEntry,
    code=st.text("ABC019 -_/é\"';", min_size=1, max_size=6).map(lambda text: f"X{text.strip()}"),
    source=st.sampled_from(["", "lis1"]),
    id_type=st.just(None),
    address=st.sampled_from(["a@b.test", "e.c@xn--t-9fab.test"]),
    label=st.text("abc éÉœ;\"'-", max_size=12).map(lambda text: " ".join(text.split())),
    format=st.sampled_from(["", "cda", "hprim-medecins"]),
    delivery=st.sampled_from(["mail", "paper", "none"]),
    valid_from=st.dates(date(2020, 1, 1), date(2022, 1, 1)) | st.none(),
    valid_to=st.dates(date(2023, 1, 1), date(2024, 1, 1)) | st.none(),
)


@given(st.lists(entries, max_size=5))
def test_what_is_written_is_read_back(lines: list[LocalEntry]) -> None:
    clean = [entry for entry in lines if " ".join(entry.code.split()) == entry.code]
    table = parse(render(clean))
    assert table.faults == ()
    assert diff(clean, table.entries) == ()


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    for table in (parse(content), parse(HEADER.encode() + b"\n" + content)):
        assert all(fault.text for fault in table.faults)
        assert all(entry.code for entry in table.entries)


def test_merge_and_diff() -> None:
    one = LocalEntry(code="A", address="a@b.test", line=2)
    two = LocalEntry(code="B", address="b@b.test", line=3)
    changed = LocalEntry(code="A", address="new@b.test", line=9)
    new = LocalEntry(code="C", address="c@b.test", line=10)
    assert [change.kind for change in merge([one, two], [changed, new])] == [ChangeKind.CHANGED, ChangeKind.ADDED]
    kinds = [change.kind for change in merge([one, two], [changed, new], whole=True)]
    assert kinds == [ChangeKind.CHANGED, ChangeKind.ADDED, ChangeKind.REMOVED]
    assert [change.kind for change in diff([one, two], [two])] == [ChangeKind.REMOVED]
    assert diff([one], [LocalEntry(code="A", address="a@b.test", line=7, added_by="eve")]) == ()


def test_a_file_that_says_two_things_of_one_line_is_not_laid_over() -> None:
    with pytest.raises(DirectoryError, match="lignes 2 et 5"):
        merge([], [LocalEntry(code="A", address="a@b.test", line=2), LocalEntry(code="A", address="b@b.test", line=5)])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_adding_a_line_leaves_the_others_as_they_were(encoding: str) -> None:
    before = "adresse;code;libelle;commentaire\r\na@b.test;A;Dr GARÇON;garder".encode(encoding)
    new = LocalEntry(code="B", address="b@b.test", label="Dr LEFÈVRE; Éloïse")
    content = edited(before, "t.csv", [Edit(entry=new)])
    assert content.startswith(before)
    assert [entry.label for entry in parse(content).entries] == ["Dr GARÇON", "Dr LEFÈVRE; Éloïse"]


def test_adding_what_windows_cannot_write_turns_the_table_to_utf8() -> None:
    before = "code;adresse;libelle\nA;a@b.test;Dr GARÇON\n".encode("cp1252")
    content = edited(before, "t.csv", [Edit(entry=LocalEntry(code="B", address="b@b.test", label="Dr ŁUKASZ"))])
    assert [entry.label for entry in parse(content).entries] == ["Dr GARÇON", "Dr ŁUKASZ"]


def test_the_shipped_sample_is_in_order() -> None:
    table = parse(sample("directory", "destinataires.csv").read_bytes())
    assert table.faults == ()
    assert table.warnings == ()
    assert len(table.entries) == 15
    assert diff(table.entries, parse(render(table.entries)).entries) == ()


def test_a_table_without_heading_has_one_fault() -> None:
    table = parse(b"D001;;RPPS;99700000013;a@dest.test;Dr A;;;;;;;;\nD002;;;;b@dest.test;;;;;;;;;\n")
    (fault,) = table.faults
    assert str(fault).startswith(
        "destinataires.csv, ligne 1 : pas de ligne d'en-tête ; la mettre en première ligne : code;"
    )
    assert table.entries == ()
