"""``dispatcher directory drift`` on an installation, and its number in ``status`` and ``check``."""

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
from dispatcher.daemon import steps
from dispatcher.outbox.states import State
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from dispatcher.routing.trace import as_json
from tests.contract.store_kit import Seed
from tests.integration.laboratory import Installation, install
from tests.integration.test_trust_commands import CHANNEL
from tests.pki import pki
from tests.unit.directory.list_builder import good

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def labo(tmp_path: Path) -> Iterator[Installation]:
    installation = install(tmp_path, pki(), channel=CHANNEL, local="D1;;;;table@dest.test;Dr TABLE;;;;;\n")
    yield installation
    installation.office.close()


def run(labo: Installation, *words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--config", str(labo.config), *words])
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(labo: Installation, *words: str, rc: int = 0) -> Any:
    return json.loads(run(labo, *words, "--json", rc=rc).stdout)


def status(labo: Installation) -> Any:
    """Code 1: the mail waits, and no service runs."""
    return told(labo, "status", rc=1)


def mailed(labo: Installation, address: str, *, line: int = 0, used: tuple[Entry, ...] = ()) -> None:
    wanted = Wanted(role=RecipientRole.PRESCRIBER, id="D1" if line else "", label="Dr")
    Seed(labo.office.store, FrozenClock(NOW)).dispatch(  # type: ignore[arg-type]
        State.SENT,
        address=address,
        domain=address.rpartition("@")[2],
        decision=as_json(Decision(wanted=wanted, line=line, used=used)),
        created_at=NOW - timedelta(days=3),
    )


def test_all_is_well(labo: Installation) -> None:
    mailed(labo, "table@dest.test", line=2)
    assert "1 destinataire" in run(labo, "directory", "drift").stdout
    seen = status(labo)
    assert (seen["drifting"], bool(seen["drifting_at"])) == (0, True)
    assert any(
        one["subject"] == "destinataires" and one["severity"] == "info" for one in told(labo, "check", "--offline")
    )


def test_what_changed_is_told_with_source_and_remedy_and_counted(labo: Installation) -> None:
    mailed(labo, "table@dest.test", line=2)
    listed = labo.folder / "liste.xml"
    listed.write_bytes(good(["ailleurs.test"], generated=NOW - timedelta(minutes=5)))
    run(labo, "trust", "import", str(listed))
    report = told(labo, "directory", "drift")
    (line,) = report["lines"]
    assert (line["change"], line["source"], line["mails"]) == ("domain", "allowed-domains", 1)
    text = run(labo, "directory", "drift").stdout
    assert "« dest.test » n'est plus dans la liste des domaines autorisés" in text
    assert "→ Demander au destinataire une adresse dans l'espace de confiance." in text
    assert status(labo)["drifting"] == 1
    assert "1 destinataire changé" in run(labo, "status", rc=1).stdout
    check = told(labo, "check", "--offline")
    assert any(one["subject"] == "destinataires" and "1 sur 1" in one["text"] for one in check)


def test_a_directory_that_is_not_there_makes_nobody_vanish(labo: Installation) -> None:
    box = Entry(address="a@dest.test", id_type=IdType.RPPS, identifier="10000000017", source="mssante", version="v1")
    mailed(labo, "a@dest.test", used=(box,))
    report = told(labo, "directory", "drift")
    assert (report["lines"], report["not_comparable"]) == ([], 1)
    assert "n'ont pas pu être comparés" in run(labo, "directory", "drift").stdout


def test_the_service_counts_when_a_source_changed_and_tells_once(
    labo: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.directory.trust.in_force.LOOK_AGAIN", -1.0)
    assert told(labo, "status")["drifting"] is None, "never counted"
    mailed(labo, "table@dest.test", line=2)
    assert steps.count_drift(labo.office) == 0
    assert steps.count_drift(labo.office) is None, "nothing changed since"
    table = labo.folder / "tables/destinataires.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("D1;", "D2;"), encoding="utf-8")
    logged: list[str] = []
    monkeypatch.setattr(steps.log, "warning", lambda text, *_: logged.append(text))
    assert steps.count_drift(labo.office) == 1
    assert ["no longer what they were" in line for line in logged] == [True]
    assert status(labo)["drifting"] == 1
    (labo.office.settings.directory.folder / "drift.json").write_text("{", encoding="utf-8")
    assert status(labo)["drifting"] is None, "a spoilt file counts as none"
