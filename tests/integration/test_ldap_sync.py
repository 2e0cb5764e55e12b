"""An LDAP directory copied from a real OpenLDAP by ``dispatcher directory sync``: whole, or the old copy stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.clock import SystemClock
from dispatcher.directory.snapshots import tables
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.base import SyncReport, SyncStopped
from dispatcher.directory.syncing.configured import syncs
from dispatcher.errors import DirectoryError
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from dispatcher.sealing.authority import Authority
from dispatcher.settings import load
from tests.pki import LIFETIME, START, pki
from tests.servers.openldap import BASE, PASSWORD, READER, OpenLdap, openldap, person

PEOPLE = 10_000

LDAP = """
[directory.ldap.centre]
url = "{url}"
ca_file = "ca.pem"
base = "{base}"
filter = "(objectClass=inetOrgPerson)"
bind_dn = "{reader}"
password_file = "password"
page_size = 500
timeout_seconds = 5

[directory.ldap.centre.attributes]
address = "mail"
identifier = "employeeNumber"
family = "sn"
given = "givenName"
finess = "departmentNumber"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[OpenLdap]:
    people = [
        person(
            f"p{n}",
            "DURAND" if n % 2 else "LEFÈVRE",
            "Paul",
            mail=[f"p{n}@sandbox.mssante.test"],
            employeeNumber=[f"8{99700000000 + n}"],
            departmentNumber=["990003014"],
        )
        for n in range(PEOPLE)
    ]
    with openldap(pki(), [*people, person("sans", "SANS", "Rien")]) as running:
        yield running


@pytest.fixture
def home(server: OpenLdap, tmp_path: Path) -> Path:
    (tmp_path / "ca.pem").write_bytes((server.folder / "ca.pem").read_bytes())
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    configure(tmp_path, server)
    return tmp_path


def configure(home: Path, server: OpenLdap, **other: str) -> None:
    text = sample("config", "dispatcher.toml").read_text(encoding="utf-8")
    values = {"url": server.url, "base": BASE, "reader": READER, **other}
    (home / "dispatcher.toml").write_text(text + LDAP.format(**values), encoding="utf-8")


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "dispatcher", "--config", str(home / "dispatcher.toml"), "directory", *words]


def dispatcher(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(home, *words), capture_output=True, text=True, timeout=60)


def target(home: Path) -> Path:
    return home / "state" / "directory" / "ldap-centre.sqlite3"


def held(home: Path) -> dict[str, str]:
    return tables.read_meta(target(home)) or {}


def test_ten_thousand_people_are_copied_and_found(home: Path) -> None:
    done = dispatcher(home, "sync", "ldap-centre", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert (report["name"], report["rows"], report["fetched"], report["ok"]) == (
        "ldap-centre",
        PEOPLE,
        PEOPLE + 1,
        True,
    )
    assert report["notes"] == ["1 fiche(s) laissée(s) : ni adresse, ni identifiant (1)."]
    (entry,) = Snapshot(target(home)).about(IdType.RPPS, "99700000007")
    assert (entry.address, entry.family, entry.source) == ("p7@sandbox.mssante.test", "DURAND", "ldap-centre")
    assert entry.version == report["version"]
    assert len(Snapshot(target(home)).search("lefevre", 5)) == 5


def sync_here(home: Path, *, force: bool = False) -> SyncReport:
    """In this process: a command takes a second to start on a busy machine."""
    (sync,) = syncs(load(home / "dispatcher.toml"), SystemClock())
    return runner.run(sync, SystemClock(), force=force)


def refused(home: Path) -> str:
    before = target(home).read_bytes()
    with pytest.raises(DirectoryError) as caught:
        sync_here(home)
    assert target(home).read_bytes() == before, "the old copy stays, byte for byte"
    assert not [one for one in target(home).parent.iterdir() if one.name.endswith(".importing")]
    return str(caught.value)


@pytest.fixture
def synced(home: Path) -> Path:
    sync_here(home)
    return home


def test_a_size_limit_never_makes_a_smaller_directory(synced: Path, server: OpenLdap) -> None:
    text = (synced / "dispatcher.toml").read_text(encoding="utf-8")
    anonymous = [line for line in text.splitlines() if not line.startswith(("bind_dn", "password_file"))]
    (synced / "dispatcher.toml").write_text("\n".join(anonymous), encoding="utf-8")
    assert "limite de taille après 500 entrée(s) ; la suite manque, rien n'est gardé" in refused(synced)
    target(synced).unlink()
    done = dispatcher(synced, "sync", "ldap-centre", "--force")
    assert done.returncode == 1
    assert "limite de taille" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not target(synced).exists(), "the first copy is whole or not there at all"


def test_each_fault_has_its_sentence_and_the_old_data_stays(synced: Path, server: OpenLdap) -> None:
    (synced / "password").write_text("faux", encoding="utf-8")
    assert "(identifiant ou mot de passe faux)" in refused(synced)
    (synced / "password").write_text(PASSWORD, encoding="utf-8")
    (synced / "ca.pem").write_bytes(Authority.create(START, LIFETIME, "AUTRE").trust_pem())
    assert "n'est pas signé par une autorité de « ca_file »" in refused(synced)
    (synced / "ca.pem").write_bytes((server.folder / "ca.pem").read_bytes())
    configure(synced, server, base="ou=absente,dc=test")
    assert "la base « ou=absente,dc=test » n'y existe pas" in refused(synced)
    configure(synced, server)
    server.stop()
    try:
        assert "injoignable (connexion refusée)" in refused(synced)
    finally:
        server.start()
    assert sync_here(synced).rows == PEOPLE


def test_far_fewer_entries_are_refused_unless_a_person_insists(synced: Path) -> None:
    text = (synced / "dispatcher.toml").read_text(encoding="utf-8")
    (synced / "dispatcher.toml").write_text(text.replace("(objectClass=inetOrgPerson)", "(sn=DURAND)"), "utf-8")
    assert "5000 lignes au lieu de 10000" in refused(synced)
    assert sync_here(synced, force=True).rows == 5_000
    assert held(synced)["rows"] == "5000"


@pytest.mark.slow
def test_a_sync_killed_in_the_middle_leaves_the_old_data(synced: Path) -> None:
    """kill -9 at several moments while the new file is being written; then a good one."""
    before, caught = target(synced).read_bytes(), 0
    for moment in range(5):
        process = subprocess.Popen(command(synced, "sync", "ldap-centre"), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not list(target(synced).parent.glob(".*.importing")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(0.06 * moment)
        os.kill(process.pid, signal.SIGKILL) if process.poll() is None else None
        if process.wait(10) == -signal.SIGKILL and target(synced).read_bytes() == before:
            caught += 1
            assert len(Snapshot(target(synced)).by_address("p9999@sandbox.mssante.test")) == 1
        else:  # it had published the same entries of a later moment
            assert held(synced)["rows"] == str(PEOPLE)
            before = target(synced).read_bytes()
        for left in target(synced).parent.glob(".*.importing"):
            left.unlink()
    assert caught >= 1, "no run was killed in its middle: the test shows nothing"
    assert sync_here(synced).rows == PEOPLE


def test_a_stop_in_the_middle_publishes_nothing(server: OpenLdap, synced: Path) -> None:
    before = target(synced).read_bytes()
    settings = load(synced / "dispatcher.toml")
    (sync,) = syncs(settings, SystemClock())
    told: list[int] = []

    def stop(_what: str, done: int, _total: int | None) -> None:
        told.append(done)
        if done >= 3_000:
            raise SyncStopped

    with pytest.raises(SyncStopped):
        sync.run(progress=stop)
    assert told[-1] == 3_000
    assert target(synced).read_bytes() == before
    assert not list(target(synced).parent.glob(".*.importing"))
