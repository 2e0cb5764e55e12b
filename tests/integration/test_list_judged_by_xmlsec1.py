"""``dispatcher trust verify --json`` on every list of the corpus, beside ``xmlsec1 --verify`` on the same bytes.

xmlsec1 is the outside judge of signature and chain. It runs under the same root, at the same moment, and exits with 0
for what it accepts; what it prints does not count (servers.md says why). Where the two differ on purpose, the case says
why; where they differ otherwise, one of them is wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatcher.cli import cmd_trust
from dispatcher.cli.main import app
from dispatcher.clock import FrozenClock
from tests.needs import needs_program
from tests.pki import pki
from tests.unit.directory.list_builder import GENERATED, NOW, good
from tests.unit.directory.list_corpus import CASES, Case


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "root.pem").write_bytes(pki().authority.root.certificate_pem())
    (tmp_path / "int.pem").write_bytes(pki().authority.intermediate.certificate_pem())
    (tmp_path / "pinned.pem").write_bytes(pki().authority.trust_pem())
    monkeypatch.setattr(cmd_trust, "SystemClock", lambda: FrozenClock(NOW))
    return tmp_path


def told(folder: Path, content: bytes) -> tuple[int, dict[str, object]]:
    """Exit code and JSON of our command."""
    (folder / "liste.xml").write_bytes(content)
    wanted = ["trust", "verify", str(folder / "liste.xml"), "--roots", str(folder / "pinned.pem"), "--json"]
    result = CliRunner().invoke(app, wanted)
    return result.exit_code, json.loads(result.stdout)


def xmlsec(folder: Path, content: bytes, *options: str) -> bool:
    """xmlsec1 accepts signature and chain."""
    (folder / "liste.xml").write_bytes(content)
    command = [needs_program("xmlsec1", "xmlsec1"), "--verify", "--enabled-key-data", "x509"]
    command += ["--trusted-pem", str(folder / "root.pem"), "--untrusted-pem", str(folder / "int.pem")]
    command += ["--verification-time", f"{NOW:%Y-%m-%d %H:%M:%S}", *options, str(folder / "liste.xml")]
    done = subprocess.run(command, capture_output=True, timeout=60, env={**os.environ, "TZ": "UTC"})
    return done.returncode == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_answer_is_exact_and_xmlsec1_agrees(case: Case, folder: Path) -> None:
    code, answer = told(folder, case.content())
    assert answer == case.json
    assert code == (1 if case.reasons else 0)
    holds = (answer["digest"], answer["signature"], answer["chain"]) == (True, True, True)
    theirs = xmlsec(folder, case.content(), *case.xmlsec_options)
    if case.differs:
        assert (holds, theirs) == (False, True), f"differs on purpose: {case.differs}"
    else:
        assert holds == theirs


def test_xmlsec1_would_tell(folder: Path) -> None:
    """The judge is awake: the same call tells a true list from one with a byte changed."""
    assert xmlsec(folder, good())
    assert not xmlsec(folder, good().replace(b"sandbox", b"sandbax"))


def test_an_older_list_is_in_order_for_xmlsec1_which_knows_of_no_other(folder: Path) -> None:
    older = good(generated=GENERATED - timedelta(days=1))
    assert xmlsec(folder, older)
    assert told(folder, older)[1]["accepted"] is True, "without a configuration there is no list to be older than"
