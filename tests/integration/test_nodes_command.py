"""``dispatcher nodes`` on an installation, and its alarms in ``status``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.clock import FrozenClock
from dispatcher.daemon.membership import Membership
from dispatcher.service import nodes
from dispatcher.wiring import Office
from tests.integration.laboratory import Installation, install
from tests.integration.test_trust_commands import CHANNEL
from tests.pki import pki


@pytest.fixture
def labo(tmp_path: Path) -> Iterator[Installation]:
    installation = install(tmp_path, pki(), channel=CHANNEL, local="D1;;;;table@dest.test;Dr TABLE;;;;;\n")
    text = installation.config.read_text(encoding="utf-8")
    installation.config.write_text(text.replace("[service]", '[service]\nnode = "nord"'), encoding="utf-8")
    installation.office.close()
    installation.open()
    yield installation
    installation.office.close()


def run(labo: Installation, *words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--config", str(labo.config), *words])
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def silent(office: Office) -> None:
    """The node was last seen an hour ago, on another machine."""
    with office.store.reading() as uow:
        (row,) = uow.nodes.list()
    office.store._clock = FrozenClock(row.seen_at - nodes.SILENT * 180)  # type: ignore[attr-defined]
    nodes.join(office.store, replace(row, id="N0", process=""))


def test_the_life_of_a_node_on_the_command_line(labo: Installation) -> None:
    assert "Aucun service" in run(labo, "nodes", "list").output
    assert "sud" in run(labo, "nodes", "drain", "sud", rc=1).output
    member = Membership(labo.office, workers=2)
    member.join()
    member.take("source:sil")
    listed = json.loads(run(labo, "nodes", "list", "--json").stdout)
    (one,) = listed["nodes"]
    assert (one["name"], one["workers"], one["owns"], one["draining"], one["silent"]) == (
        *("nord", 2, ["source:sil"]),
        *(False, False),
    )
    assert one["digests"] == {"local": labo.office.directory.versions()["local"]} and listed["alarms"] == []
    assert "au travail" in run(labo, "nodes", "list").output
    assert "Aucun autre poste au travail" in run(labo, "nodes", "drain", "nord", rc=1).output
    assert not member.beat()
    assert "plus rien n'est relevé ni envoyé" in run(labo, "nodes", "drain", "nord", "--force").output
    assert member.beat()
    shown = run(labo, "nodes", "list").output
    assert "en vidange" in shown and "source:sil" not in shown
    assert "Tous les postes en marche sont en vidange (nord)" in run(labo, "status", rc=1).stderr
    run(labo, "nodes", "resume", "nord")
    assert not member.beat()
    assert "signe de vie" in run(labo, "nodes", "forget", "nord", rc=1).output
    run(labo, "nodes", "forget", "nord", "--force")
    assert json.loads(run(labo, "nodes", "list", "--json").stdout)["nodes"] == []
    assert "Aucun poste" in run(labo, "nodes", "forget", "nord", rc=1).output


def test_status_tells_of_a_node_that_fell_silent(labo: Installation) -> None:
    Membership(labo.office).join()
    assert json.loads(run(labo, "status", "--json").stdout)["nodes"] == []
    silent(labo.office)
    assert "« nord » ne donne plus signe de vie" in run(labo, "status", rc=1).stderr
    seen = json.loads(run(labo, "status", "--json", rc=1).stdout)
    (told,), (alarm,) = seen["nodes"], seen["alarms"]
    assert "nodes forget nord" in told
    assert (alarm["code"], alarm["text"]) == ("node-silent", f"Postes : {told}") and alarm["since"]
    assert "muet" in run(labo, "nodes", "list").output
    run(labo, "nodes", "forget", "nord")
    assert json.loads(run(labo, "status", "--json").stdout)["nodes"] == []


def test_once_leaves_the_folder_to_the_living_service(labo: Installation) -> None:
    (labo.inbox / "x.hl7").write_bytes(b"MSH|^~\\&|SIL|LABO|D|D|20261120||ORU^R01|1|P|2.5\rPID|1||9^^^L^PI||E^Z\r")
    service = Membership(labo.office)
    service.owner = "nord:1:another process"
    service.join()
    service.take("source:sil")
    text = run(labo, "run", "--once", rc=1).stderr
    assert "« sil »" in text and "nodes list" in text
    assert list(labo.inbox.iterdir())
