"""What does not take the place of a good snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.snapshots.tables import row_of
from dispatcher.directory.snapshots.writing import ImportReport, Origin, writing
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def publish(target: Path, boxes: int, people: int = 0, *, as_of: datetime = NOW, force: bool = False) -> ImportReport:
    """A snapshot of so many boxes, and of people without one."""
    rows = [
        row_of(
            Entry(
                address=f"u{number}@dest.test" if number < boxes else "",
                id_type=IdType.RPPS,
                identifier=f"{number:011d}",
            )
        )
        for number in range(boxes + people)
    ]
    with writing(target, now=NOW) as snapshot:
        snapshot.add(rows)
        return snapshot.publish(Origin(source="essai", as_of=as_of), force=force)


def test_people_who_lose_their_boxes_are_refused_like_lost_rows(tmp_path: Path) -> None:
    """An ACL hides the attribute, a telecom changes its code: every row is there, no address is."""
    target = tmp_path / "ldap-centre.sqlite3"
    publish(target, 50)
    with pytest.raises(DirectoryError, match="0 adresses de messagerie au lieu de 50, soit 100,0 % de moins"):
        publish(target, 0, 50)
    with pytest.raises(DirectoryError, match="40 adresses"):
        publish(target, 40, 10)
    found = Snapshot(target).info()
    assert found is not None
    assert found.addresses == 50
    assert publish(target, 48, 2).addresses == 48
    assert publish(target, 0, 50, force=True).addresses == 0
