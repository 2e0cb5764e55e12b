"""``dispatcher check`` looks into the mailbox of notices: a folder that is not there is told, not called good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app


def told(config: Path) -> dict[str, object]:
    result = CliRunner().invoke(app, ["--config", str(config), "check", "--json"])
    findings = json.loads(result.stdout)
    rows = findings["findings"] if isinstance(findings, dict) else findings
    (found,) = [one for one in rows if "boîte des avis" in one["subject"]]
    return dict(found)


@pytest.mark.parametrize("there", [True, False])
def test_a_mailbox_that_is_not_there_is_told(tmp_path: Path, there: bool) -> None:
    labo = tmp_path / "labo"
    assert CliRunner().invoke(app, ["init", str(labo)]).exit_code == 0
    mailbox = labo / "bac-a-sable" / "mailbox"
    assert (mailbox / "new").is_dir(), "init makes it, before the sandbox ever ran"
    if not there:
        shutil.rmtree(mailbox)
    found = told(labo / "dispatcher.toml")
    assert (found["severity"] == "error") is not there
    assert ("introuvable" in str(found["text"])) is not there


@pytest.mark.parametrize("there", [True, False])
def test_a_sent_folder_that_is_not_there_is_told(tmp_path: Path, there: bool) -> None:
    labo = tmp_path / "labo"
    assert CliRunner().invoke(app, ["init", str(labo)]).exit_code == 0
    config = labo / "dispatcher.toml"
    text = config.read_text(encoding="utf-8")
    place = 'path = "bac-a-sable/mailbox"'
    assert place in text
    config.write_text(text.replace(place, place + '\nsent = "Envoyes"'), encoding="utf-8")
    if there:
        (labo / "bac-a-sable" / "mailbox" / ".Envoyes" / "cur").mkdir(parents=True)
    assert (told(config)["severity"] == "error") is not there
