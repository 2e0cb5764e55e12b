"""Saved lists of recipients: found by name or FINESS, never by guess; every version kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.directory.saved_lists import ListBook
from dispatcher.errors import DirectoryError
from dispatcher.formats.manifest.reader import Target
from dispatcher.routing.saved_lists import SavedList, read_lists, written

FINESS = "290000017"
DOCTOR = Target(kind="rpps", text="99700000013", label="Dr DURAND Paul")
PHARMACY = Target(kind="finess", text="290000025", label="Pharmacie du Port")
NURSES = SavedList(name="Glycines soins", organisation="EHPAD", purpose="biologie", finess=FINESS, members=(DOCTOR,))
DRUGS = SavedList(
    name="Glycines pharmacie", organisation="EHPAD", purpose="pharmacie", finess=FINESS, members=(DOCTOR, PHARMACY)
)


def test_what_is_written_is_read_again() -> None:
    look = read_lists(written([NURSES, DRUGS]))
    assert (look.lists, look.faults) == ((NURSES, DRUGS), ())


def test_found_by_name_by_finess_and_by_finess_with_its_purpose() -> None:
    one, both = read_lists(written([NURSES])), read_lists(written([NURSES, DRUGS]))
    assert one.find("GLYCINES SOINS")[0] == NURSES
    assert one.find(FINESS)[0] == NURSES
    assert both.find(f"{FINESS}/Pharmacie")[0] == DRUGS
    found, why = both.find(FINESS)
    assert found is None and "plusieurs listes" in why and "« Glycines pharmacie » (pharmacie)" in why
    assert both.find("autre") == (None, "aucune liste « autre » ; « dispatcher recipients list » les montre")


def test_a_name_is_no_recipient_and_all_faults_are_told() -> None:
    text = "liste;destinataire\r\nA;Dr Durand Paul\r\n;99700000013\r\nA;9,97E+10\r\nA;\r\n"
    look = read_lists(text.encode("cp1252"))
    assert [fault.line for fault in look.faults] == [2, 3, 4, 5]
    assert "un nom ne suffit jamais" in str(look.faults[0])
    assert look.find("A")[0] is None


def test_a_facility_told_in_two_ways_is_a_fault() -> None:
    text = "liste;finess_etablissement;destinataire\r\nA;290000017;D001\r\nA;290000025;D002\r\n"
    assert "dit autre chose plus haut" in str(read_lists(text.encode()).faults[0])


def test_every_version_is_kept(tmp_path: Path) -> None:
    book = ListBook(tmp_path / "listes.csv", FrozenClock())
    assert book.look().lists == ()
    book.save(NURSES, by="eve")
    book.save(DRUGS, by="eve")
    book.save(SavedList(name="glycines SOINS", members=(PHARMACY,)), by="adam")
    assert [(one.name, one.members) for one in book.look().lists] == [
        ("Glycines pharmacie", DRUGS.members),
        ("glycines SOINS", (PHARMACY,)),
    ]
    book.remove("Glycines pharmacie", by="adam")
    assert [(kept.by, kept.there) for kept in book.history.versions()] == [
        ("eve", True), ("eve", True), ("adam", True), ("adam", True)
    ]  # fmt: skip
    with pytest.raises(DirectoryError, match="Aucune liste"):
        book.remove("Glycines pharmacie", by="adam")


def test_a_faulty_table_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "listes.csv"
    path.write_bytes(b"liste;destinataire\r\nA;Dr Durand Paul\r\n")
    with pytest.raises(DirectoryError, match="fautes"):
        ListBook(path, FrozenClock()).save(NURSES, by="eve")
    assert path.read_bytes().endswith(b"Dr Durand Paul\r\n")
