"""The table as a file that several hands change: nothing is lost, nothing is written over unseen, all is kept."""

from __future__ import annotations

import multiprocessing
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.directory.local import locking
from dispatcher.directory.local.book import CHANGED, TableBook
from dispatcher.directory.local.history import BY_HAND, OUTSIDE, History
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.local.writing import Edit
from dispatcher.errors import DirectoryError
from dispatcher.routing.candidates import LocalEntry

FIRST = b"code;adresse\n0012;a@b.test\nB;b@b.test\n"


def line(code: str, address: str = "n@b.test") -> Edit:
    return Edit(entry=LocalEntry(code=code, address=address))


@pytest.fixture
def book(tmp_path: Path) -> TableBook:
    (tmp_path / "t.csv").write_bytes(FIRST)
    return TableBook(tmp_path / "t.csv", FrozenClock(), keep=3)


def later(path: Path, content: bytes) -> None:
    """A spreadsheet saves; the change is seen however coarse the file system's clock."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def codes(book: TableBook) -> list[str]:
    return [entry.code for entry in book.look().table.entries]


def test_a_change_is_kept_with_the_version_before_it(book: TableBook) -> None:
    now = book.write([line("C")], version=book.look().version, by="eve", what="ajout")
    assert codes(book) == ["0012", "B", "C"]
    before, after = book.history.versions()
    assert (before.by, before.what, after.by, after.what) == (OUTSIDE, BY_HAND, "eve", "ajout")
    assert (after.digest, after.before) == (now.version, before.digest)
    assert book.history.content(before.digest) == FIRST


def test_a_table_changed_since_it_was_looked_at_is_not_written(book: TableBook) -> None:
    seen = book.look().version
    later(book.path, FIRST + b"X;x@b.test\n")
    with pytest.raises(DirectoryError) as caught:
        book.write([line("C")], version=seen, by="eve", what="ajout")
    assert caught.value.code == CHANGED
    assert book.path.read_bytes() == FIRST + b"X;x@b.test\n"


def test_a_faulty_line_is_not_written(book: TableBook) -> None:
    with pytest.raises(DirectoryError, match="adresse mal formée"):
        book.write([line("C", "oups")], version=book.look().version, by="eve", what="ajout")
    assert book.path.read_bytes() == FIRST


def test_a_faulty_table_can_be_mended_line_by_line(book: TableBook) -> None:
    later(book.path, FIRST + b"X;oups\nY;oups\n")
    book.write([Edit(line=4)], version=book.look().version, by="eve", what="retrait")
    assert [fault.line for fault in book.look().table.faults] == [4]


def test_a_table_open_in_libreoffice_is_left_alone(book: TableBook) -> None:
    mark = book.path.parent / ".~lock.t.csv#"
    mark.write_text(",max,poste7,22.11.2026 07:00,file:///home/max/;")
    with pytest.raises(DirectoryError, match="LibreOffice par max"):
        book.write([line("C")], version=book.look().version, by="eve", what="ajout")
    assert book.path.read_bytes() == FIRST
    mark.unlink()
    book.write([line("C")], version=book.look().version, by="eve", what="ajout")


def add_ten(path: Path, name: str) -> None:
    book = TableBook(path, FrozenClock())
    for number in range(10):
        while True:
            try:
                book.write([line(f"{name}{number}")], version=book.look().version, by=name, what="ajout")
                break
            except DirectoryError as error:
                assert error.code == CHANGED


def test_two_commands_at_once_lose_no_line(book: TableBook) -> None:
    context = multiprocessing.get_context("spawn")
    hands = [context.Process(target=add_ten, args=(book.path, name)) for name in "PQ"]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
        assert hand.exitcode == 0
    assert set(codes(book)) == {"0012", "B", *(f"{name}{number}" for name in "PQ" for number in range(10))}
    by = {kept.what: kept.by for kept in book.history.versions()}
    assert set(by.values()) <= {"P", "Q", OUTSIDE}


def test_another_command_at_work_is_waited_for_and_told(book: TableBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "PATIENCE", 0.1)
    with locking.locked(book.path), pytest.raises(DirectoryError, match="autre commande"):
        book.write([line("C")], version=book.look().version, by="eve", what="ajout")


# ------------------------------------------------------------------------------------------------ versions


def test_undo_goes_back_step_by_step_and_never_forward(book: TableBook) -> None:
    for code in "CD":
        book.write([line(code)], version=book.look().version, by="eve", what=f"ajout {code}")
    for left in (["0012", "B", "C"], ["0012", "B"]):
        look = book.look()
        kept = book.previous(look.version)
        assert kept is not None
        book.undo(version=look.version, to=kept, by="max")
        assert codes(book) == left
    assert book.previous(book.look().version) is None
    book.write([line("E")], version=book.look().version, by="eve", what="ajout E")
    kept = book.previous(book.look().version)
    assert kept is not None
    book.undo(version=book.look().version, to=kept, by="max")
    assert codes(book) == ["0012", "B"]


def test_undo_of_what_a_spreadsheet_saved_keeps_that_too(book: TableBook) -> None:
    book.write([line("C")], version=book.look().version, by="eve", what="ajout")
    later(book.path, FIRST)
    later(book.path, b"code;adresse\nZ;z@b.test\n")
    saved = book.look()
    kept = book.previous(saved.version)
    assert kept is not None
    book.undo(version=saved.version, to=kept, by="eve")
    assert codes(book) == ["0012", "B", "C"]
    assert book.history.content(saved.version) == saved.content


def test_the_oldest_copies_go_and_their_lines_stay(book: TableBook) -> None:
    for code in "CDEF":
        book.write([line(code)], version=book.look().version, by="eve", what=f"ajout {code}")
    kept = book.history.versions()
    assert len(kept) == 5
    assert [one.there for one in kept] == [False, False, True, True, True]
    with pytest.raises(DirectoryError, match="plus gardée"):
        book.undo(version=book.look().version, to=kept[0], by="eve")


def test_a_ledger_torn_by_a_stop_is_read_to_its_last_whole_line(book: TableBook) -> None:
    book.write([line("C")], version=book.look().version, by="eve", what="ajout")
    whole = book.history.versions()
    with book.history.ledger.open("ab") as file:
        file.write(b'{"at": "2026-03-')
    assert book.history.versions() == whole
    book.write([line("D")], version=book.look().version, by="eve", what="ajout D")
    assert [one.what for one in book.history.versions()] == [BY_HAND, "ajout", "ajout D"]


def test_a_stop_between_the_table_and_its_ledger_loses_nothing(
    book: TableBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*args: object, **more: object) -> None:
        raise Killed

    book.write([line("C")], version=book.look().version, by="eve", what="ajout")
    with monkeypatch.context() as patch:
        patch.setattr(book.history, "note", die)
        with pytest.raises(Killed):
            book.write([line("D")], version=book.look().version, by="eve", what="ajout D")
    assert codes(book) == ["0012", "B", "C", "D"]
    book.write([line("E")], version=book.look().version, by="eve", what="ajout E")
    assert [one.what for one in book.history.versions()] == [BY_HAND, "ajout", BY_HAND, "ajout E"]


# ------------------------------------------------------------------------------------------------ in service


def in_service(book: TableBook) -> LocalTable:
    return LocalTable(book.path, history=History(book.path))


def test_after_a_restart_the_last_good_table_stays_in_force(book: TableBook) -> None:
    assert in_service(book).lines("sil", "B")[0].address == "b@b.test"
    later(book.path, b"code;adresse\nB;oups\n")
    table = in_service(book)
    assert table.lines("sil", "B")[0].address == "b@b.test"
    assert "ligne 2" in str(table.problem)
    later(book.path, b"code;adresse\nB;juste@b.test\n")
    assert table.lines("sil", "B")[0].address == "juste@b.test"
    assert table.problem is None


def test_after_a_restart_without_the_file_the_last_one_stays_in_force(book: TableBook) -> None:
    assert in_service(book).lines("sil", "B")
    book.path.unlink()
    table = in_service(book)
    assert table.lines("sil", "B")[0].address == "b@b.test"
    assert "disparu" in str(table.problem)


def test_a_table_whose_codes_lost_their_zeros_is_not_taken_until_a_person_accepts_it(book: TableBook) -> None:
    table = in_service(book)
    assert table.lines("sil", "0012")
    later(book.path, b"code;adresse\n12;a@b.test\nB;b@b.test\n")
    for again in (table, in_service(book)):
        assert again.lines("sil", "12") == (), "12 may be somebody else's code"
        assert again.lines("sil", "0012")[0].address == "a@b.test"
        assert "ligne 2, colonne « code »" in str(again.problem)
    book.accept(version=book.look().version, by="eve")
    assert table.lines("sil", "12")[0].address == "a@b.test"
    assert table.problem is None
    assert book.history.versions()[-1].by == "eve"


def test_what_a_spreadsheet_saves_is_kept_once_with_its_moment(book: TableBook) -> None:
    for _ in range(3):
        in_service(book).table()
    (kept,) = book.history.versions()
    assert kept.by == OUTSIDE
    assert datetime.now(UTC) - kept.at < timedelta(minutes=5)


def test_who_may_only_read_still_reads(book: TableBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path, content: bytes) -> None:
        raise PermissionError

    monkeypatch.setattr("dispatcher.directory.local.history.put", forbidden)
    assert in_service(book).lines("sil", "B")


# ------------------------------------------------------------------------------------------------ saved half-way

WHOLE = b"code;adresse;libelle;au\n" + b"".join(b"C%d;c%d@b.test;Nom %d;\n" % (n, n, n) for n in range(8))


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (WHOLE[:-1], True),  # every separator is there: spreadsheets write them all
        (WHOLE[:-2], False),
        (WHOLE[:-2].replace(b"\n", b"\r\n"), False),
        (WHOLE[:-2] + b"\n", True),  # by hand, and ended
        (WHOLE + b"# fin", True),
        (b"code;adresse\nB;b@b.test", True),
        (b"code;adresse;libelle\nB;b@b.test", False),
    ],
)
def test_a_last_line_without_its_end_is_taken_only_when_it_is_whole(
    book: TableBook, content: bytes, taken: bool
) -> None:
    table = book.judged(content, "t.csv")
    assert bool(table.faults) is not taken
    if not taken:
        assert "coupé" in str(table.faults[0])


def test_a_table_that_lost_most_of_its_lines_is_not_taken_until_a_person_accepts_it(book: TableBook) -> None:
    book.path.write_bytes(WHOLE)
    table = in_service(book)
    assert table.lines("sil", "C7")
    later(book.path, b"".join(WHOLE.splitlines(keepends=True)[:4]))
    for again in (table, in_service(book)):
        assert again.lines("sil", "C7"), "the last good table answers"
        assert "5 lignes de moins sur 8" in str(again.problem)
        assert "local accept" in (again.problem.hint if again.problem else "")
    look = book.look()
    assert not look.serves
    with pytest.raises(DirectoryError, match="5 lignes de moins"):
        book.write([line("N")], version=look.version, by="eve", what="w")
    book.accept(version=look.version, by="eve")
    assert book.look().serves
    assert not table.lines("sil", "C7")
    assert table.problem is None


@pytest.mark.parametrize(("left", "taken"), [(5, True), (4, True), (3, False), (0, False)])
def test_more_than_half_of_the_lines_gone_at_once_is_too_many(book: TableBook, left: int, taken: bool) -> None:
    book.path.write_bytes(WHOLE)
    table = in_service(book)
    assert table.problem is None
    later(book.path, b"".join(WHOLE.splitlines(keepends=True)[: 1 + left]))
    assert (table.problem is None) is taken
    assert book.look().serves is taken


def test_a_table_whose_file_is_gone_is_not_begun_anew(book: TableBook) -> None:
    in_service(book).table()
    book.path.unlink()
    assert book.look().gone
    assert not book.look().serves
