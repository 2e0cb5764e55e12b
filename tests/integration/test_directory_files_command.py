"""``dispatcher directory import`` and ``status`` as a person calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.directory.snapshots.tables import row_of
from dispatcher.directory.snapshots.writing import Origin, writing
from dispatcher.directory.syncing.lock import only_one
from dispatcher.keyring.master import MasterKey
from dispatcher.resources import sample
from dispatcher.routing.candidates import Entry

ROOT = Path(__file__).resolve().parents[2]
PAIRS = "N° ADELI;N° RPPS\n990010001;99700000013\n12;SECRET\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = sample("config", "dispatcher.toml").read_text(encoding="utf-8")
    (tmp_path / "dispatcher.toml").write_text(text, encoding="utf-8")
    (tmp_path / "keys").mkdir()
    (tmp_path / "state").mkdir()
    MasterKey.create(tmp_path / "keys" / "master.key")
    name = "Extraction_Correspondance_MSSante_202611200600.txt"
    (tmp_path / name).write_bytes(sample("directory", name).read_bytes())
    (tmp_path / "adeli.csv").write_text(PAIRS, encoding="latin-1", newline="\r\n")
    return tmp_path


def run(folder: Path, *arguments: str, within: str = "directory") -> subprocess.CompletedProcess[str]:
    words = [within, *arguments] if within else list(arguments)
    command = [sys.executable, "-m", "dispatcher", "--config", str(folder / "dispatcher.toml"), *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=100)


def test_several_files_are_taken_at_once_and_a_bad_one_does_not_stop_the_rest(folder: Path) -> None:
    (folder / "notes.txt").write_text("rien\n", encoding="utf-8")
    done = run(folder, "import", "notes.txt", "Extraction_Correspondance_MSSante_202611200600.txt", "adeli.csv")
    assert done.returncode == 1
    assert "37 lignes importées, 36 adresses." in done.stdout
    assert "1 correspondance importée." in done.stdout
    assert "ligne 3 : numéro ADELI qui n'a pas 9 caractères" in done.stderr
    assert "notes.txt : la première ligne n'est l'en-tête d'aucun annuaire" in done.stderr
    assert "SECRET" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "" not in (done.stdout.splitlines() + done.stderr.splitlines()), "no empty line"
    again = run(folder, "import", "Extraction_Correspondance_MSSante_202611200600.txt", "--json")
    (report,) = json.loads(again.stdout)
    assert (report["ok"], report["kind"], report["added"], report["removed"]) == (True, "mssante", 0, 0)


def test_an_import_waits_for_no_synchronisation_and_none_for_it(folder: Path) -> None:
    name = "Extraction_Correspondance_MSSante_202611200600.txt"
    target = folder / "state" / "directory" / "mssante.sqlite3"
    with only_one(target, "essai"):
        done = run(folder, "import", name)
    assert done.returncode == 1
    assert "une synchronisation ou un import est déjà en cours" in done.stderr
    assert not target.exists()
    assert run(folder, "import", name).returncode == 0


def test_status_tells_what_is_there_how_old_and_why_the_rest_matters(folder: Path) -> None:
    empty = run(folder, "status")
    assert empty.returncode == 1
    assert "aucune source de boîtes" in empty.stderr
    assert run(folder, "import", "Extraction_Correspondance_MSSante_202611200600.txt").returncode == 0
    old = time.time() - 90 * 86_400
    (folder / "boxes.txt").write_bytes(next(folder.glob("Extraction_*")).read_bytes() + b"\n")  # other bytes
    os.utime(folder / "boxes.txt", (old, old))
    assert "plus anciennes que celles en service" in run(folder, "import", "boxes.txt").stderr
    assert run(folder, "import", "--force", "boxes.txt").returncode == 0
    stale = run(folder, "status", "--json")
    found = {one["name"]: one for one in json.loads(stale.stdout)}
    assert stale.returncode == 1
    assert set(found) == {"mssante", "people", "structures", "adeli"}
    assert found["mssante"]["rows"] == 37
    assert round(found["mssante"]["age_days"]) == 90
    assert "données vieilles de 90 jours (limite 15)" in found["mssante"]["problem"]
    assert "données vieilles de 90 jours" in run(folder, "status", within="").stderr
    assert not found["adeli"]["present"]
    assert found["adeli"]["max_age_days"] is None
    assert "ancien numéro ADELI" in found["adeli"]["missing"]
    held = folder / "state" / "directory" / "mssante.sqlite3"
    whole = held.read_bytes()
    held.write_bytes(whole[: len(whole) // 2])
    cut = run(folder, "status")
    assert cut.returncode == 1
    assert "mssante.sqlite3 est illisible (fichier abîmé)" in cut.stderr
    held.write_bytes(b"damaged" * 999)
    damaged = run(folder, "status")
    assert damaged.returncode == 1
    assert "mssante.sqlite3 est illisible" in damaged.stderr
    assert "Traceback" not in damaged.stderr


def test_a_source_that_left_the_settings_answers_nothing_and_is_told(folder: Path) -> None:
    """A box the region closed long ago would be found for ever."""
    target, now = folder / "state" / "directory" / "ldap-centre.sqlite3", datetime.now(UTC)
    with writing(target, now=now) as snapshot:
        snapshot.add([row_of(Entry(address="partie@dest.test", family="PARTIE", structure_id="990004012"))])
        snapshot.publish(Origin(source="essai", as_of=now))
    asked = ("search", "partie@dest.test", "--json")
    assert json.loads(run(folder, *asked).stdout)["entries"] == []
    told = run(folder, "status")
    assert "configuration ne nomme plus cette source : elles ne servent pas" in " ".join(told.stderr.split())
    (one,) = [one for one in json.loads(run(folder, "status", "--json").stdout) if one["unused"]]
    assert (one["name"], one["present"]) == ("ldap-centre", False)
    assert "ldap-centre.sqlite3" in one["hint"]
    config = folder / "dispatcher.toml"
    server = (
        '[directory.ldap.centre]\nurl = "ldaps://annuaire.test"\nbase = "dc=test"\nattributes = { address = "mail" }\n'
    )
    config.write_text(f"{config.read_text(encoding='utf-8')}\n{server}", encoding="utf-8")
    assert [one["address"] for one in json.loads(run(folder, *asked).stdout)["entries"]] == ["partie@dest.test"]
