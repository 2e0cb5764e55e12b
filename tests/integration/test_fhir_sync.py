"""The FHIR source by the installed command, against the local stand-in: load, update, kill -9, refusals, alarms."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.configured import syncs
from dispatcher.report.model import IdType
from tests import fhir_people as people
from tests.fhir_people import mailbox
from tests.integration.laboratory import Installation, install
from tests.pki import pki
from tests.servers.fhir import KEY, Fault, FhirServer, replaced

CONFIG = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
transport = "folder"
folder = "sortie"

[directory.fhir]
url = "{url}"
key_file = "keys/esante.key"
ca_file = "ca.pem"
page_size = 10
timeout_seconds = 5
retry_minutes = {retry}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FhirServer]:
    pem = tmp_path / "api.pem"
    pem.write_bytes(pki().server.chain_pem() + pki().server.key_pem())
    with FhirServer(people.directory(30), tls=pem) as running:
        yield running


@pytest.fixture
def labo(tmp_path: Path, server: FhirServer) -> Iterator[Installation]:
    config = CONFIG.format(url=server.url, retry="1")
    installation = install(tmp_path / "labo", pki(), channel=config, local="")
    (installation.folder / "keys/esante.key").write_text(KEY, encoding="ascii")
    yield installation
    installation.office.close()


def command(labo: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "dispatcher", "-v", "--config", str(labo.config), *words],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert KEY not in done.stdout + done.stderr
    return done


def renew(labo: Installation) -> None:
    """A good full load, in this process."""
    (source,) = syncs(labo.office.settings, labo.office.clock)
    runner.run(source, labo.office.clock, full=True)


def sync(labo: Installation, *words: str) -> tuple[int, dict[str, Any]]:
    done = command(labo, "directory", "sync", "fhir", "--json", *words)
    (answer,) = json.loads(done.stdout)
    return done.returncode, answer


def shown_by_status(labo: Installation) -> dict[str, Any]:
    """What ``status --json`` says of this source."""
    found = json.loads(command(labo, "status", "--json").stdout)["directories"]
    return next(one for one in found if one["name"] == "fhir")


def snapshot(labo: Installation) -> Snapshot:
    return Snapshot(labo.folder / "state/directory/fhir.sqlite3")


def boxes(labo: Installation, number: int) -> list[tuple[str, str, str]]:
    found = snapshot(labo).about(IdType.RPPS, people.rpps(number))
    return sorted((entry.address, entry.family, entry.structure_id) for entry in found)


def state(labo: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((labo.folder / "state/directory/fhir.sync.json").read_text(encoding="utf-8"))
    return found


def test_a_load_then_an_update(labo: Installation, server: FhirServer) -> None:
    code, answer = sync(labo)
    assert (code, answer["ok"], answer["full"]) == (0, True, True)
    assert (answer["fetched"], answer["rows"]) == (63, 33)
    assert set(server.keys) == {KEY}
    assert not server.asked("_lastUpdated")
    assert boxes(labo, 4) == [("p4@medecin.test", "ESSAI4", people.finess(1))]

    now = datetime.now(UTC)
    before = len(server.arrivals)
    server.records["Practitioner"] = [
        *replaced(server.records["Practitioner"], people.practitioner(4, family="NOUVEAU-NOM", updated=now)),
        people.practitioner(99, updated=now),
    ]
    server.records["PractitionerRole"] = [
        *replaced(
            server.records["PractitionerRole"],
            {
                "resourceType": "PractitionerRole",
                "id": "005-5",
                "active": False,
                "meta": {"lastUpdated": now.isoformat()},
            },
        ),
        people.role(99, 99, 2, mailbox("p99@medecin.test"), updated=now),
    ]
    code, answer = sync(labo)
    assert (code, answer["full"], answer["fetched"], answer["gone"]) == (0, False, 4, 1)
    assert all("_lastUpdated=ge" in path for _, path in server.arrivals[before:])
    assert boxes(labo, 4) == [("p4@medecin.test", "NOUVEAU-NOM", people.finess(1))], "a new name reaches the activity"
    assert boxes(labo, 5) == [("", "ESSAI5", "")], "the person is known, the closed activity's box is gone"
    assert boxes(labo, 99) == [("p99@medecin.test", "ESSAI99", people.finess(2))]
    assert boxes(labo, 6) == [("p6@medecin.test", "ESSAI6", people.finess(0))], "the rest stays"


def test_what_was_erased_without_a_trace_goes_with_the_next_full_load(labo: Installation, server: FhirServer) -> None:
    sync(labo)
    server.records["PractitionerRole"] = [
        record for record in server.records["PractitionerRole"] if record["id"] != "005-7"
    ]
    assert sync(labo)[1]["full"] is False
    assert boxes(labo, 7)[0][0] == "p7@medecin.test"
    assert sync(labo, "--full")[1]["full"] is True
    assert boxes(labo, 7) == [("", "ESSAI7", "")]


@pytest.mark.slow
@pytest.mark.parametrize("page", [1, 3, 7])
def test_a_sync_killed_in_mid_load_leaves_the_old_data(labo: Installation, server: FhirServer, page: int) -> None:
    sync(labo)
    before, kept = snapshot(labo).version(), boxes(labo, 4)
    reached, go_on = threading.Event(), threading.Event()
    first = server.pages

    def stop_there(number: int) -> None:
        if number == first + page:
            reached.set()
            go_on.wait(600)

    server.on_page = stop_there
    server.records = people.directory(60)
    process = subprocess.Popen(
        [sys.executable, "-m", "dispatcher", "--config", str(labo.config), "directory", "sync", "fhir", "--full"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert reached.wait(30)
    second = command(labo, "directory", "sync", "fhir")
    assert second.returncode == 1
    assert "une synchronisation ou un import est déjà en cours" in " ".join(second.stderr.split())
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    go_on.set()
    assert (snapshot(labo).version(), boxes(labo, 4)) == (before, kept)
    found = json.loads(command(labo, "directory", "search", "ESSAI4", "--json").stdout)
    assert [entry["address"] for entry in found["entries"]] == ["p4@medecin.test"], "look-ups go on from the old copy"
    code, answer = sync(labo, "--full")
    assert (code, answer["rows"]) == (0, 66)
    assert boxes(labo, 59) == [("p59@medecin.test", "ESSAI59", people.finess(5))]


@pytest.mark.slow
def test_kill_nine_at_any_moment(labo: Installation, server: FhirServer) -> None:
    """Between the first byte and the swap: whatever the moment, the old data or the new, whole."""
    sync(labo)
    for number in range(8):
        size = 40 + 10 * (number % 2)
        server.records = people.directory(size)
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "dispatcher",
                "--config",
                str(labo.config),
                *("directory", "sync", "--full", "--force"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.5 + 0.35 * number)
        process.kill()
        process.wait(10)
        info = snapshot(labo).info()
        assert info is not None
        assert info.rows in {33, 44, 55}
        assert boxes(labo, 29) == [("p29@medecin.test", "ESSAI29", people.finess(29 % (info.rows // 11)))]
    assert sync(labo, "--full", "--force")[0] == 0


REFUSALS: dict[str, tuple[Callable[[FhirServer], None], str]] = {}


def refusal(name: str, word: str) -> Callable[[Callable[[FhirServer], None]], Callable[[FhirServer], None]]:
    def keep(change: Callable[[FhirServer], None]) -> Callable[[FhirServer], None]:
        REFUSALS[name] = (change, word)
        return change

    return keep


@refusal("key refused", "L'API Annuaire Santé refuse la clé (401).")
def _key(server: FhirServer) -> None:
    server.key = "another"


@refusal("error 500 all along", "a eu une erreur interne (500 Internal Server Error)")
def _down(server: FhirServer) -> None:
    server.always = Fault(status=500, headers={"Retry-After": "0"})


@refusal("refused on the third page", "ne comprend pas la recherche (400 Bad Request)")
def _half_way(server: FhirServer) -> None:
    server.always = Fault(status=400, only="_page")


@refusal("another server", "une page suivante sur un autre serveur")
def _away(server: FhirServer) -> None:
    server.next_url = "https://autre.test/fhir/v2/_page?id=1"


@refusal("in a circle", "tourne en rond")
def _circle(server: FhirServer) -> None:
    server.circle = True


@refusal("not JSON", "pas du JSON")
def _portal(server: FhirServer) -> None:
    server.always = Fault(body=b"<html>", only="PractitionerRole")


@refusal("stops early", "10 professionnels reçus sur 30 annoncés")
def _early(server: FhirServer) -> None:
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 30}
    entries = [{"resource": people.practitioner(n)} for n in range(10)]
    server.always = Fault(body=json.dumps({**bundle, "entry": entries}).encode())


@refusal("nothing", "aucune fiche « activités »")
def _nothing(server: FhirServer) -> None:
    server.records = {**server.records, "PractitionerRole": []}


@refusal("far fewer", "% de moins (5 % permis)")
def _fewer(server: FhirServer) -> None:
    server.records = people.directory(20)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_failed_sync_keeps_the_data_and_says_why(labo: Installation, server: FhirServer, name: str) -> None:
    renew(labo)
    before = snapshot(labo).version()
    change, word = REFUSALS[name]
    change(server)
    done = command(labo, "directory", "sync", "fhir", "--full")
    said = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert word in said
    assert "→" in said
    assert "restent en service (limite 15 jours)" in said
    assert said.count("ALARM begins") == 1
    assert snapshot(labo).version() == before
    assert boxes(labo, 4) == [("p4@medecin.test", "ESSAI4", people.finess(1))]


def test_an_alarm_is_told_once_at_its_start_and_once_at_its_end(labo: Installation, server: FhirServer) -> None:
    renew(labo)
    server.key = "another"
    assert [command(labo, "directory", "sync").stderr.count("ALARM begins") for _ in range(3)] == [1, 0, 0]
    assert state(labo)["failures"] == 3

    said = " ".join(command(labo, "status").stderr.split())
    assert "ALARME, API Annuaire Santé : synchronisation en échec depuis le" in said
    assert "(3 fois)" in said
    assert "moins d'un jour (limite 15 jours)" in said
    shown = shown_by_status(labo)
    assert shown["alarm"]
    assert shown["age_days"] < 1
    status = command(labo, "directory", "status")
    assert (status.returncode, "ALARME, API Annuaire Santé" in " ".join(status.stderr.split())) == (1, True)
    answers = json.loads(command(labo, "directory", "status", "--json").stdout)
    assert {one["name"]: one["sync"] and one["sync"]["failures"] for one in answers}["fhir"] == 3
    check = command(labo, "check", "--offline")
    assert check.returncode == 1
    assert "annuaire fhir : synchronisation en échec" in " ".join(check.stderr.split())

    server.key = KEY
    assert [command(labo, "directory", "sync").stderr.count("ALARM over") for _ in range(2)] == [1, 0]
    assert (state(labo)["failures"], state(labo)["alarm_since"]) == (0, None)
    assert shown_by_status(labo)["alarm"] == ""


def test_a_refused_key_says_where_it_is_and_what_to_do(labo: Installation, server: FhirServer) -> None:
    server.key = "another"
    said = " ".join(command(labo, "directory", "sync").stderr.split())
    assert str(labo.folder / "keys/esante.key") in said
    assert "portal.api.esante.gouv.fr" in said
    (labo.folder / "keys/esante.key").unlink()
    said = " ".join(command(labo, "directory", "sync").stderr.split())
    assert "Clé d'API introuvable" in said
    check = " ".join(command(labo, "check", "--offline").stderr.split())
    assert "annuaire fhir, clé : Clé d'API introuvable" in check


def test_nothing_configured_and_an_unknown_name_are_wrong_calls(labo: Installation) -> None:
    done = command(labo, "directory", "sync", "ailleurs")
    assert done.returncode == 2
    assert "Source inconnue" in done.stderr
    text = labo.config.read_text(encoding="utf-8")
    labo.config.write_text(text[: text.index("[directory.fhir]")], encoding="utf-8")
    done = command(labo, "directory", "sync")
    assert done.returncode == 2
    assert "Aucun annuaire en ligne" in done.stderr


def service(labo: Installation) -> subprocess.Popen[bytes]:
    with (labo.folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dispatcher", "-v", "--config", str(labo.config), "run"], stdout=log, stderr=log
        )


def log_of(labo: Installation) -> str:
    return (labo.folder / "log").read_text(errors="replace")


def waited(labo: Installation, word: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while word not in log_of(labo):
        assert time.monotonic() < deadline, log_of(labo)
        time.sleep(0.1)


@pytest.mark.slow
def test_the_service_syncs_alarms_once_and_recovers(labo: Installation, server: FhirServer) -> None:
    text = labo.config.read_text(encoding="utf-8")
    labo.config.write_text(text.replace("retry_minutes = 1", "retry_minutes = 0.02"), encoding="utf-8")
    sync(labo)
    kept = state(labo)
    yesterday = (datetime.now(UTC) - timedelta(days=1, hours=1)).isoformat()
    (labo.folder / "state/directory/fhir.sync.json").write_text(
        json.dumps({**kept, "tried_at": yesterday, "succeeded_at": yesterday}), encoding="utf-8"
    )
    server.key = "another"
    process = service(labo)
    try:
        waited(labo, "ALARM begins")
        waited(labo, "2 in a row")
        assert log_of(labo).count("ALARM begins") == 1
        server.key = KEY
        waited(labo, "ALARM over")
        assert log_of(labo).count("ALARM over") == 1
        assert KEY not in log_of(labo)
    finally:
        process.terminate()
        assert process.wait(30) == 0, log_of(labo)


@pytest.mark.slow
def test_a_stop_does_not_wait_for_a_long_sync(labo: Installation, server: FhirServer) -> None:
    server.always = Fault(status=503, headers={"Retry-After": "200"})
    process = service(labo)
    deadline = time.monotonic() + 30
    while not server.arrivals:
        assert time.monotonic() < deadline, log_of(labo)
        time.sleep(0.05)
    time.sleep(0.5)
    started = time.monotonic()
    process.terminate()
    assert process.wait(30) == 0, log_of(labo)
    assert time.monotonic() - started < 10
    assert state(labo)["failures"] == 0, "a stop is no failure"
    assert not (labo.folder / "state/directory/fhir.sqlite3").exists()
