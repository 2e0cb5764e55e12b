"""Updates of the FHIR source: what is asked for again, when everything is, and that both give the same answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.clock import FrozenClock
from dispatcher.directory.fhir.sync import FhirSync
from dispatcher.directory.snapshots.tables import FIELDS
from dispatcher.directory.syncing.base import SyncReport, SyncStopped
from dispatcher.errors import DirectoryError
from dispatcher.settings.syncing import FhirSettings
from tests import fhir_people as people
from tests.fhir_people import Json, mailbox
from tests.servers.fhir import KEY, Fault, FhirServer

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer(people.directory(30)) as running:
        running.now = NOW
        yield running


def source(server: FhirServer, folder: Path, clock: FrozenClock, **more: Any) -> FhirSync:
    (folder / "key").write_text(KEY, encoding="ascii")
    wanted = FhirSettings(**{"url": server.url, "key_file": folder / "key", "page_size": 10, **more})
    return FhirSync(wanted, folder, clock)


def rows(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "fhir.sqlite3")) as database:
        return sorted(database.execute(f"SELECT {', '.join(FIELDS)} FROM entry"), key=repr)


def asked_since(server: FhirServer, action: Any) -> tuple[SyncReport, set[str]]:
    """What the run says, and the moments it asked from."""
    server.arrivals.clear()
    report = action()
    found = {path.partition("_lastUpdated=ge")[2].partition("&")[0] for path in server.asked("_lastUpdated")}
    return report, found


def test_an_update_asks_from_the_server_s_own_clock_with_an_overlap(server: FhirServer, tmp_path: Path) -> None:
    """Its clock is ten minutes behind ours; a record becomes visible hours after its stamp."""
    clock = FrozenClock(NOW + timedelta(minutes=10))
    sync = source(server, tmp_path, clock, overlap_hours=6)
    report, since = asked_since(server, sync.run)
    assert (report.full, since, report.as_of) == (True, set(), NOW)
    late = people.practitioner(77, mailbox("late@medecin.test"), updated=NOW - timedelta(hours=5))
    server.records["Practitioner"].append(late)
    server.now = NOW + timedelta(days=1)
    clock.advance(86_400)
    report, since = asked_since(server, sync.run)
    assert (report.full, since, report.fetched) == (False, {"2026-11-20T03:00:00Z"}, 1)
    _, since = asked_since(server, sync.run)
    assert since == {"2026-11-21T03:00:00Z"}


def test_a_clock_far_ahead_makes_no_update_skip_anything(server: FhirServer, tmp_path: Path) -> None:
    server.now = NOW + timedelta(days=4000)
    clock = FrozenClock(NOW)
    sync = source(server, tmp_path, clock, overlap_hours=1)
    assert sync.run().as_of <= clock.now()
    _, since = asked_since(server, sync.run)
    assert max(since) <= "2026-11-20T09:00:00Z"


def test_a_server_that_does_not_tell_the_time(server: FhirServer, tmp_path: Path) -> None:
    server.now, server.tell_clock = None, False
    clock = FrozenClock(NOW)
    source(server, tmp_path, clock).run()
    _, since = asked_since(server, source(server, tmp_path, clock).run)
    assert max(since) <= "2026-11-19T09:01:00Z"


@pytest.mark.parametrize(
    ("days", "more", "full"),
    [
        (1, {}, False),
        (6.9, {}, False),
        (7, {}, True),
        (20, {"full_every_days": 29}, False),
        (28.6, {"full_every_days": 29}, True),  # with its overlap, past what the server keeps
        (29, {"full_every_days": 29}, True),
        (45, {"full_every_days": 29}, True),
    ],
)
def test_everything_is_fetched_again_in_time(
    server: FhirServer, tmp_path: Path, days: float, more: dict[str, Any], full: bool
) -> None:
    clock = FrozenClock(NOW)
    source(server, tmp_path, clock, **more).run()
    clock.advance(days * 86_400)
    server.now = clock.now()
    assert source(server, tmp_path, clock, **more).run().full is full


@pytest.mark.parametrize("change", [{"resources": ["Practitioner", "PractitionerRole", "Organization"]}, {"url": "2"}])
def test_other_settings_ask_for_everything(server: FhirServer, tmp_path: Path, change: dict[str, Any]) -> None:
    clock = FrozenClock(NOW)
    source(server, tmp_path, clock).run()
    if "url" in change:
        change = {"url": server.url.replace("localhost", "127.0.0.1")}
        with pytest.raises(DirectoryError, match="autre serveur"):  # its pages still name the other one
            source(server, tmp_path, clock, **change).run()
        return
    assert source(server, tmp_path, clock, **change).run().full


def test_a_damaged_snapshot_asks_for_everything(server: FhirServer, tmp_path: Path) -> None:
    clock = FrozenClock(NOW)
    source(server, tmp_path, clock).run()
    before = rows(tmp_path)
    (tmp_path / "fhir.sqlite3").write_bytes(b"damaged")
    with pytest.raises(DirectoryError, match="Impossible de savoir"):
        source(server, tmp_path, clock).run()
    assert source(server, tmp_path, clock).run(force=True).full
    assert rows(tmp_path) == before


def test_an_update_from_damaged_records_fetches_everything(server: FhirServer, tmp_path: Path) -> None:
    """What says where it comes from can be read, the records cannot: no update would ever get through again."""
    clock = FrozenClock(NOW)
    server.records = people.directory(300)
    source(server, tmp_path, clock, page_size=500).run()
    before = rows(tmp_path)
    target = tmp_path / "fhir.sqlite3"
    with closing(sqlite3.connect(target)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'fhir_record'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    content = target.read_bytes()
    target.write_bytes(content[: (page - 1) * size] + b"\xa5" * size + content[page * size :])
    report = source(server, tmp_path, clock, page_size=500).run()
    assert report.full
    assert report.rows == len(before)
    assert rows(tmp_path) == before
    assert not source(server, tmp_path, clock, page_size=500).run().full


def test_one_record_that_is_no_record_fetches_everything(server: FhirServer, tmp_path: Path) -> None:
    clock = FrozenClock(NOW)
    source(server, tmp_path, clock).run()
    for content in ("[1, 2", "[]", "{}", "7"):
        with closing(sqlite3.connect(tmp_path / "fhir.sqlite3")) as database, database:
            database.execute(
                "UPDATE fhir_record SET content = ? WHERE id IN (SELECT id FROM fhir_record WHERE kind = 1 LIMIT 1)",
                (content,),
            )
        assert source(server, tmp_path, clock).run().full, content


def test_the_count_may_be_missing(server: FhirServer, tmp_path: Path) -> None:
    server.totals = False
    assert source(server, tmp_path, FrozenClock(NOW)).run().rows == 33


def test_a_wrong_count_can_be_overruled_by_a_person(server: FhirServer, tmp_path: Path) -> None:
    bundle = b'{"resourceType":"Bundle","type":"searchset","total":5000}'
    server.always = Fault(body=bundle, only="HealthcareService")
    sync = source(server, tmp_path, FrozenClock(NOW))
    with pytest.raises(DirectoryError, match="0 services reçus sur 5000 annoncés"):
        sync.run()
    assert not (tmp_path / "fhir.sqlite3").exists()
    assert sync.run(force=True).rows == 33


def test_odd_records_are_counted_for_a_person(server: FhirServer, tmp_path: Path) -> None:
    nobody = people.practitioner(50) | {"identifier": []}
    server.records["Practitioner"] += [nobody, people.practitioner(51, mailbox("a@b.test", "XYZ"))]
    report = source(server, tmp_path, FrozenClock(NOW)).run()
    assert set(report.notes) >= {
        "1 × professionnel sans RPPS ni ADELI : laissé.",
        "1 × type de boîte inconnu (attendu PER, ORG, APP ou CAB) : boîte laissée.",
    }


def test_progress_is_told_and_can_stop_the_run(server: FhirServer, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    sync = source(server, tmp_path, FrozenClock(NOW))
    sync.run(progress=lambda *what: told.append(what))
    assert ("professionnels", 20, 30) in told
    assert ("activités", 30, 30) in told
    before = rows(tmp_path)

    def stop(what: str, done: int, total: int | None) -> None:
        if what == "activités":
            raise SyncStopped

    with pytest.raises(SyncStopped):
        sync.run(full=True, progress=stop)
    assert rows(tmp_path) == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["fhir.sqlite3", "key"]


# ---------------------------------------------------------------------------------------------- the same answers

DAY = st.integers(0, 9)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("rename"), DAY),
        st.tuples(st.just("close person"), DAY),
        st.tuples(st.just("close role"), DAY),
        st.tuples(st.just("close place"), st.just(0)),
        st.tuples(st.just("move"), DAY),
        st.tuples(st.just("box"), DAY),
        st.tuples(st.just("new"), DAY),
        st.tuples(st.just("lose identity"), DAY),
    ),
    max_size=12,
)


def _change(records: dict[str, list[Json]], what: str, number: int, at: datetime) -> None:
    people_, roles, places = records["Practitioner"], records["PractitionerRole"], records["Organization"]
    few = {"active": False, "meta": {"lastUpdated": at.isoformat()}}
    match what:
        case "rename":
            people_[number] = people.practitioner(number, family="AUTRE", updated=at)
        case "lose identity":
            people_[number] = people.practitioner(number, updated=at) | {"identifier": []}
        case "close person":
            people_[number] = {"resourceType": "Practitioner", "id": people_[number]["id"], **few}
        case "close role":
            roles[number] = {"resourceType": "PractitionerRole", "id": roles[number]["id"], **few}
        case "close place":
            places[0] = {"resourceType": "Organization", "id": places[0]["id"], **few}
        case "move":
            roles[number] = people.role(number, number, 0, mailbox(f"p{number}@medecin.test"), updated=at)
        case "box":
            roles[number] = people.role(number, number, 1, mailbox(f"neuf{number}@medecin.test"), updated=at)
        case "new":
            people_.append(people.practitioner(1000 + len(people_), mailbox(f"n{len(people_)}@a.test"), updated=at))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_updates_give_what_a_full_load_gives(tmp_path_factory: pytest.TempPathFactory, days: list[list[Any]]) -> None:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    clock = FrozenClock(NOW)
    with FhirServer(people.directory(20)) as server:
        server.now = clock.now()
        source(server, one, clock).run()
        for changes in days:
            clock.advance(86_400)
            server.now = clock.now()
            for what, number in changes:
                _change(server.records, what, number, clock.now())
            assert not source(server, one, clock).run(force=True).full
        source(server, other, clock).run(force=True)
    assert rows(one) == rows(other)
