"""``dispatcher trust`` on an installation: kept lists, what changes from one to the next, and going back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.clock import FrozenClock
from dispatcher.outbox.states import State
from tests.contract.store_kit import Seed
from tests.integration.laboratory import Installation, install
from tests.pki import pki
from tests.unit.directory.list_builder import good

CHANNEL = """
[channels.mss]
family = "mssante"
sender = "resultats@labo.test"
transport = "folder"
folder = "sortie"
client_cert = "labo.pem"
client_key = "labo.key"
"""
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def dated_by_the_test() -> None:
    """A long run comes here much later than it was collected: lists made then would be older than the one installed."""
    globals()["NOW"] = datetime.now(UTC).replace(microsecond=0)


FIRST = ("dest.test", "labo.test")
"""The list of the installation, an hour old."""


@pytest.fixture
def labo(tmp_path: Path) -> Iterator[Installation]:
    installation = install(tmp_path, pki(), channel=CHANNEL, local="")
    yield installation
    installation.office.close()


def run(labo: Installation, *words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--config", str(labo.config), "trust", *words])
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(labo: Installation, *words: str, rc: int = 0) -> Any:
    return json.loads(run(labo, *words, "--json", rc=rc).stdout)


def a_list(labo: Installation, *domains: str, minutes: int) -> str:
    """A file with a list, generated so many minutes before now."""
    path = labo.folder / f"liste-{minutes}.xml"
    path.write_bytes(good(domains, generated=NOW - timedelta(minutes=minutes)))
    return str(path)


def test_an_older_list_is_refused_whether_judged_or_imported(labo: Installation) -> None:
    older = a_list(labo, "dest.test", minutes=600)
    for command in ("verify", "import"):
        answer = told(labo, command, older, rc=1)
        assert (answer["digest"], answer["signature"], answer["chain"], answer["accepted"]) == (True, True, True, False)
        (reason,) = answer["reasons"]
        assert "est plus ancienne que celle en service" in reason
    assert told(labo, "show")["domains"] == 2


def test_import_says_what_changes_and_whom_it_concerns(labo: Installation) -> None:
    seed = Seed(labo.office.store, FrozenClock(NOW))  # type: ignore[arg-type]
    seed.dispatch(State.SENT)
    seed.dispatch(State.HELD, address="b@dest.test")
    result = run(labo, "import", a_list(labo, "neuf.test", "labo.test", "autre.test", minutes=30))
    assert "2 domaines ajoutés, 1 retiré." in result.stdout
    assert "« dest.test » sert : 2 envois ces 90 derniers jours vers 2 adresses" in result.stderr
    assert "1 en attente de départ" in result.stderr
    answer = told(labo, "diff")
    assert (answer["added"], answer["removed"], answer["operators"]) == (["autre.test", "neuf.test"], ["dest.test"], [])
    (concerned,) = answer["concerned"]
    assert (concerned["domain"], concerned["mails"], concerned["waiting"]) == ("dest.test", 2, 1)


def test_every_accepted_list_is_kept_with_who_and_when(labo: Installation) -> None:
    run(labo, "import", a_list(labo, "dest.test", minutes=20))
    newest, first = told(labo, "list")
    assert (newest["in_force"], first["in_force"]) == (True, False)
    assert newest["by"].startswith("operator:")
    assert first["by"] == "sync"
    assert len(newest["sha256"]) == 64
    shown = told(labo, "show", "--version", first["version"], "--domain", "labo.test")
    assert (shown["domains"], shown["allowed"], shown["in_force"]) == (2, True, False)
    run(labo, "show", "--domain", "labo.test", rc=1)


def test_going_back_needs_a_reason_and_is_journalled(labo: Installation) -> None:
    (first,) = told(labo, "list")
    run(labo, "import", a_list(labo, "neuf.test", minutes=20))
    run(labo, "restore", first["version"], rc=2)
    for blank in ("", "  "):
        assert "motif" in str(run(labo, "restore", first["version"], "--reason", blank, rc=1).exception)
    back = told(labo, "restore", first["version"][:19], "--reason", "domaines perdus, vu avec l'ANS")
    assert (back["added"], back["removed"]) == (["dest.test", "labo.test"], ["neuf.test"])
    newest = told(labo, "list")[0]
    assert (newest["version"], newest["event"]) == (first["version"], "reference.restored")
    assert newest["reason"] == "domaines perdus, vu avec l'ANS"
    assert told(labo, "show", "--domain", "dest.test")["allowed"] is True
    with labo.office.store.reading() as uow:
        assert uow.journal.verify()[1] == ""


def test_an_unknown_version_is_told(labo: Installation) -> None:
    for words in (("show", "--version", "1999"), ("diff", "1999", "2000"), ("restore", "1999", "--reason", "x")):
        assert "aucune liste gardée" in str(run(labo, *words, rc=1).exception)
