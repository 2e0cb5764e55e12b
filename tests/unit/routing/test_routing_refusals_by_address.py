"""A refusal of electronic mail and the red list are the box's: one row that tells them counts for all rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.directory.directories import Directories
from dispatcher.directory.flags import accepts
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.snapshots.tables import row_of
from dispatcher.directory.snapshots.writing import Origin, writing
from dispatcher.report.model import IdType
from tests.unit.routing.routing_desk import FINESS, IN, RPPS, decided, doctor, per, wanted

BOX = f"a@{IN}"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("told", "code"), [({"red_list": True}, "red-list"), ({"paperless": False}, "paper")])
def test_one_row_of_a_box_speaks_for_the_others(told: dict[str, Any], code: str, turned: bool) -> None:
    rows = [per(BOX, **told), per(BOX, structure_id=FINESS)]
    made = decided(doctor(), *(reversed(rows) if turned else rows))
    assert made.route is None
    assert (made.hold.code if made.hold else "paper") == code


def test_a_refusal_holds_for_an_address_the_file_gives() -> None:
    made = decided(wanted(address=BOX), per(BOX, paperless=False), per(BOX, structure_id=FINESS))
    assert made.route is None


@pytest.mark.parametrize("told", [{"red_list": True}, {"paperless": False}])
def test_the_door_tells_it_on_every_row_of_every_source(tmp_path: Path, told: dict[str, Any]) -> None:
    for name, age, more in (("fhir", 1, told), ("mssante", 0, {"structure_id": FINESS})):
        with writing(tmp_path / f"{name}.sqlite3", now=NOW) as snapshot:
            snapshot.add([row_of(per(BOX, **more))])
            snapshot.publish(Origin(source=name, as_of=NOW - timedelta(days=age)))
    door = Directories(tmp_path, LocalTable(tmp_path / "none.csv"))
    for found in (door.by_identifier(IdType.RPPS, RPPS), door.by_address(BOX)):
        assert len(found) == 2
        assert all({name: getattr(one, name) for name in told} == told for one in found)


@pytest.mark.parametrize("text", ["NON.", "Non souhaitee", "f", "N O", "refus", "N", "0"])
def test_what_cannot_be_read_is_a_refusal(text: str) -> None:
    assert accepts(text) is False


def test_nothing_said_is_no_refusal() -> None:
    assert accepts(" ") is None
    assert accepts("Oui") is True
