"""One search over several sources: people with their boxes, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatcher.directory.directories import Directories
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.snapshots import reading
from dispatcher.directory.snapshots.tables import row_of
from dispatcher.directory.snapshots.writing import Origin, writing
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def hold(folder: Path, name: str, *entries: Entry, days_old: float = 0) -> None:
    with writing(folder / f"{name}.sqlite3", now=NOW) as snapshot:
        for entry in entries:
            kind = {9: IdType.FINESS, 14: IdType.SIRET}.get(len(entry.structure_id), "")
            snapshot.add([row_of(entry, structure_type=kind)])
        snapshot.publish(Origin(source=name, as_of=NOW - timedelta(days=days_old)))


def durand(address: str = "", **values: object) -> Entry:
    who = {"id_type": IdType.RPPS, "identifier": "99700000013", "family": "DURAND", "given": "Paul"}
    return Entry(address=address, **{**who, **values})  # type: ignore[arg-type]


def door(folder: Path) -> Directories:
    return Directories(folder, LocalTable(folder / "none.csv"))


QUIMPER = {"structure_id": "990004012", "structure_name": "CABINET DU PORT", "postcode": "29000", "town": "QUIMPER"}
RENNES = {"structure_id": "990004020", "structure_name": "CLINIQUE", "postcode": "35000", "town": "RENNES"}
BOX = "paul.durand@dest.test"


def test_a_person_found_by_his_place_is_shown_with_his_boxes_once(tmp_path: Path) -> None:
    hold(tmp_path, "people", durand(**QUIMPER, profession="Médecin"), durand(**RENNES), durand(**QUIMPER))
    hold(tmp_path, "mssante", durand(BOX))
    for text in ("durand quimper", "quimper DURAND", "durand quim", "Dùrand", "99700000013", "cabinet du port"):
        (found,) = door(tmp_path).search(text)
        assert (found.address, found.source) == (BOX, "mssante"), text
    (found,) = door(tmp_path).search("durand quimper")
    assert (found.town, found.structure_name, found.profession) == ("QUIMPER", "CABINET DU PORT", "Médecin")
    assert door(tmp_path).search("durand nantes") == ()


def test_an_apostrophe_may_be_typed_or_not(tmp_path: Path) -> None:
    hold(tmp_path, "people", durand(family="N'DIAYE"), durand(family="D’ALMEIDA SOUZA", identifier="99700000021"))
    for text in ("ndiaye", "n'diaye", "NDIAYE paul", "ndia"):
        assert [entry.family for entry in door(tmp_path).search(text)] == ["N'DIAYE"], text
    for text in ("dalmeida", "almeida souza", "dalmeida souza", "d'almeida"):
        assert [entry.family for entry in door(tmp_path).search(text)] == ["D’ALMEIDA SOUZA"], text


def test_a_person_without_a_box_is_shown_by_his_activities(tmp_path: Path) -> None:
    hold(tmp_path, "people", durand(**QUIMPER), durand(**RENNES), durand(**QUIMPER, profession="Médecin"))
    assert [entry.town for entry in door(tmp_path).search("durand paul")] == ["QUIMPER", "RENNES"]


def test_a_structure_is_shown_with_its_own_boxes_not_those_of_its_people(tmp_path: Path) -> None:
    place = Entry(address="", box_type="ORG", **QUIMPER)  # type: ignore[arg-type]
    hold(tmp_path, "structures", place)
    assert [entry.address for entry in door(tmp_path).search("port quimper")] == [""]
    own = Entry(address="port@dest.test", box_type="ORG", structure_id="990004012")
    hold(tmp_path, "mssante", own, durand(BOX, structure_id="990004012"))
    assert [entry.address for entry in door(tmp_path).search("cabinet du port")] == ["port@dest.test"]


def test_identifiers_are_found_as_people_write_them_and_by_the_old_number(tmp_path: Path) -> None:
    hold(tmp_path, "people", durand(**QUIMPER))
    with writing(tmp_path / "adeli.sqlite3", now=NOW) as snapshot:
        snapshot.pair([("ADELI", "290010001", "RPPS", "99700000013")])
        snapshot.publish(Origin(source="adeli", as_of=NOW))
    for text in (
        "RPPS 99700000013",
        "rpps n° 997 0000 0013",
        "899700000013",
        "290010001",
        "0290010001",
        "ADELI:290010001",
    ):
        assert [entry.family for entry in door(tmp_path).search(text)] == ["DURAND"], text
    assert door(tmp_path).search("290010002") == ()


def test_a_word_in_very_many_rows_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "COMMON", 1)
    hold(tmp_path, "people", durand(**QUIMPER), durand(**RENNES, identifier="99700000021"))
    for text, count in (("durand", 2), ("durand quimper", 1), ("quimper durand", 1), ("durand quim", 1), ("dura", 2)):
        assert len(door(tmp_path).search(text)) == count, text


def test_a_family_name_is_found_behind_any_number_of_given_names(tmp_path: Path) -> None:
    others = [durand(given="Martin", identifier=f"998{number:08d}") for number in range(reading.POOL + 5)]
    hold(tmp_path, "people", *others, durand(family="MARTIN"))
    assert door(tmp_path).search("martin")[0].family == "MARTIN"
    assert door(tmp_path).search("mart")[0].family == "MARTIN"


def test_each_box_counts_once_and_the_newest_data_wins(tmp_path: Path) -> None:
    hold(tmp_path, "mssante", durand(BOX, paperless=False, given="Paul-Marie"), durand("old@dest.test"), days_old=3)
    hold(tmp_path, "fhir", durand(BOX, rank=1), durand("new@dest.test"))
    held = door(tmp_path)
    found = held.by_identifier(IdType.RPPS, "99700000013")
    assert [(entry.address, entry.source) for entry in found] == [
        ("new@dest.test", "fhir"),
        (BOX, "fhir"),
        ("old@dest.test", "mssante"),
    ]
    assert (found[1].given, found[1].rank, found[1].paperless) == ("Paul", 1, False), (
        "what only the older one tells stays"
    )
    assert len(held.by_address(BOX.upper())) == 1
    assert len(held.people(IdType.RPPS, "99700000013")) == 4
    assert set(held.versions()) == {"fhir", "mssante", "local"}


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_rows_of_one_box_both_wishes_stay(tmp_path: Path, turn: int) -> None:
    rows = [durand(BOX, given="Paul", paperless=True), durand(BOX, given="P.", paperless=False, red_list=True)][::turn]
    hold(tmp_path, "fhir", *rows, durand("other@dest.test"))
    found = {entry.address: entry for entry in door(tmp_path).by_identifier(IdType.RPPS, "99700000013")}
    assert (found[BOX].given, found[BOX].paperless, found[BOX].red_list) == (rows[0].given, False, True)
    assert not found["other@dest.test"].red_list


def test_a_box_red_listed_at_one_place_is_so_wherever_it_is_found(tmp_path: Path) -> None:
    hold(tmp_path, "mssante", durand(BOX, **QUIMPER))
    hold(tmp_path, "fhir", durand(BOX, red_list=True, **RENNES), durand("other@dest.test"))
    found = door(tmp_path).search("durand")
    assert {(entry.address, entry.red_list) for entry in found} == {(BOX, True), ("other@dest.test", False)}
    team = Entry(address="team@dest.test", box_type="ORG", structure_name="ACCUEIL DU PORT")
    hold(tmp_path, "mssante", team)
    hold(tmp_path, "ldap-own", replace(team, red_list=True), days_old=1)
    assert [entry.red_list for entry in door(tmp_path).search("accueil du port")] == [True]


def test_a_damaged_source_is_told_and_not_left_out(tmp_path: Path) -> None:
    hold(tmp_path, "mssante", durand(BOX))
    (tmp_path / "fhir.sqlite3").write_bytes(b"nothing" * 1000)
    with pytest.raises(DirectoryError, match=r"fhir\.sqlite3 est illisible"):
        door(tmp_path).by_identifier(IdType.RPPS, "99700000013")


def test_a_load_that_fails_leaves_nothing_and_the_held_one_answers(tmp_path: Path) -> None:
    hold(tmp_path, "mssante", durand(BOX))

    def broken() -> object:
        yield row_of(durand("other@dest.test"))
        raise RuntimeError("line lost")

    held = door(tmp_path)
    with (
        pytest.raises(RuntimeError),
        writing(tmp_path / "mssante.sqlite3", now=NOW) as snapshot,
    ):
        snapshot.add(broken())  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["mssante.sqlite3"]
    assert [entry.address for entry in held.by_identifier(IdType.RPPS, "99700000013")] == [BOX]
    hold(tmp_path, "mssante", durand("new@dest.test"))
    assert [entry.address for entry in held.by_identifier(IdType.RPPS, "99700000013")] == ["new@dest.test"]
