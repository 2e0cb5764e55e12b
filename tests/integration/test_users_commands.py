"""``dispatcher users`` on an installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyotp
import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.errors import ConfigError
from dispatcher.service.accounts import Session, sign_in
from dispatcher.settings import load
from dispatcher.wiring import build, console_secrets
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import CHANNEL
from tests.pki import pki

LOCAL = "A;;;;a@sandbox.mssante.test;Dr A;;;;;\n"
PASSWORD = "cheval correct pile agrafe"
TYPED = f"{PASSWORD}\n{PASSWORD}\n"


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    installation = install(tmp_path, pki(), channel=CHANNEL, local=LOCAL)
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("LOGNAME", "eve")
    return installation


def run(*words: str, rc: int = 0, typed: str = "") -> Result:
    result = CliRunner().invoke(app, ["users", *words], input=typed)
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def wrong_call(*words: str, typed: str = "") -> str:
    """What the person is told; the entry point ends with 2 then."""
    result = CliRunner().invoke(app, ["users", *words], input=typed)
    return str(result.exception) if isinstance(result.exception, ConfigError) else ""


def listed() -> list[dict[str, Any]]:
    return json.loads(run("list", "--json").stdout)


def enters(labo: Installation, name: str, password: str, code: str = "") -> bool:
    office = build(load(labo.config))
    try:
        parts = (office.store, office.clock, office.desk.cipher)
        found = sign_in(*parts, name, password, code, address="127.0.0.1", secrets=console_secrets())
    finally:
        office.close()
    return isinstance(found, Session)


def test_the_first_account_is_made_on_the_machine_with_a_password_that_is_typed(labo: Installation) -> None:
    assert listed() == []
    assert "dispatcher users add" in run("list").output
    said = run("add", "Marie", "--role", "administrator", typed=TYPED)
    assert PASSWORD not in said.output
    (found,) = listed()
    assert (found["name"], found["roles"], found["created_by"]) == ("marie", ["administrator"], "operator:eve")
    assert not found["must_change"]
    assert enters(labo, "marie", PASSWORD)
    assert "administrateur" in run("list").output


def test_nothing_is_made_without_a_password(labo: Installation) -> None:
    add = ("add", "marie", "--role", "administrator")
    run(*add, typed="", rc=1)
    assert "diffèrent" in wrong_call(*add, typed=f"{PASSWORD}\nautre chose\n")
    assert "ne convient pas" in wrong_call(*add, "--password-stdin", typed="")
    assert "ne convient pas" in wrong_call(*add, "--password-stdin", typed="court\n")
    assert "ensemble" in wrong_call(*add, "--password-stdin", "--one-time", typed=TYPED)
    run("add", "marie", typed=TYPED, rc=2)
    run("add", "marie", "--role", "roi", typed=TYPED, rc=2)
    assert listed() == []


def test_a_password_is_read_from_a_pipe_or_made_and_shown_once(labo: Installation) -> None:
    run("add", "marie", "--role", "operator", "--password-stdin", typed=f"{PASSWORD}\r\n")
    assert enters(labo, "marie", PASSWORD)
    shown = run("add", "paul", "--role", "operator", "--one-time").output.split()[-1]
    assert enters(labo, "paul", shown)
    assert [one["must_change"] for one in listed()] == [False, True]
    again = run("password", "marie", "--one-time").output.split()[-1]
    assert not enters(labo, "marie", PASSWORD)
    assert enters(labo, "marie", again)


def test_roles_are_replaced_and_accounts_closed_and_opened(labo: Installation) -> None:
    run("add", "eve", "--role", "administrator", typed=TYPED)
    run("add", "marie", "--role", "operator", typed=TYPED)
    assert "auditeur, biologiste" in run("role", "marie", "--role", "biologist", "--role", "auditor").output
    assert listed()[1]["roles"] == ["auditor", "biologist"]
    run("disable", "marie")
    assert not enters(labo, "marie", PASSWORD)
    assert "fermé" in run("list").output
    run("enable", "marie")
    run("unlock", "marie")
    assert enters(labo, "marie", PASSWORD)
    assert "dernier administrateur" in wrong_call("disable", "eve")
    assert "Aucun compte" in wrong_call("unlock", "paul")


def test_a_second_factor_is_shown_confirmed_and_taken_off(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "marie", "--role", "operator", typed=TYPED)
    secret = pyotp.random_base32()
    monkeypatch.setattr(pyotp, "random_base32", lambda: secret)
    run("totp", "marie", typed="000000\n", rc=1)
    run("totp", "marie", typed="", rc=1)
    assert not listed()[0]["totp"]
    said = run("totp", "marie", typed=pyotp.TOTP(secret).now() + "\n").output
    assert secret in said
    codes = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert (len(codes), listed()[0]["recovery_codes"]) == (10, 10)
    assert not enters(labo, "marie", PASSWORD)
    assert enters(labo, "marie", PASSWORD, codes[3])
    assert "9 codes de secours" in " ".join(run("list").output.split())
    run("totp", "marie", "--off")
    assert enters(labo, "marie", PASSWORD)
