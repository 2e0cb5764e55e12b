"""``alarms list|ack|test`` and what a service tells by itself, through a real mail server; nobody's name in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.daemon import alarming as ticks
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import FileState, State
from dispatcher.service import alarming
from dispatcher.wiring import standing as everything_standing
from tests.contract.store_kit import Seed
from tests.contract.test_alarm_ways import Hooks, Post, free_port, smtp
from tests.integration.laboratory import Installation, install
from tests.integration.test_alarm_status import EAGER
from tests.integration.test_untaken_status import CHANNEL
from tests.pki import pki
from tests.rights import file_rights_count


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    one = Post()
    with smtp(one) as port:
        yield one, port


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    one = Hooks()
    yield one
    one.close()


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post: tuple[Post, int], hooks: Hooks) -> Installation:
    ways = f"""
[alarms.mail]
host = "127.0.0.1"
port = {post[1]}
tls = "none"
sender = "alarmes@labo.test"
to = ["it@labo.test"]

[alarms.webhook]
url = "http://127.0.0.1:{free_port()}/"

[alarms.heartbeat]
url = "{hooks.url}"
"""
    installation = install(tmp_path, pki(), channel=CHANNEL + EAGER + ways, local="")
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    return installation


def run(*arguments: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == rc, result.output
    return result


def mails(post: tuple[Post, int]) -> list[Any]:
    return [message_from_bytes(mail, policy=policy.default) for mail in post[0].mails]


def test_a_test_goes_by_every_way_and_tells_which_works(labo: Installation, post: tuple[Post, int]) -> None:
    told = run("alarms", "test", rc=1).output
    assert "mail : essai envoyé." in told and "webhook : Adresse web injoignable" in told
    (mail,) = mails(post)
    assert mail["Subject"].startswith("[Essai] essai des alarmes") and "Il n'y a rien à faire" in mail.get_content()
    found = json.loads(run("alarms", "test", "--json", rc=1).stdout)
    assert [(one["way"], bool(one["fault"])) for one in found] == [("mail", False), ("webhook", True)]


def test_what_a_service_tells_names_nobody(
    labo: Installation, post: tuple[Post, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.alarms.incident.SETTLES", timedelta())
    store = labo.office.store
    seed = Seed(store, labo.office.clock)  # type: ignore[arg-type]
    seed.file(name="DUPONT_Zoe.hl7", state=FileState.QUARANTINED)
    for state in (State.HELD, State.FAILED, State.PAPER):
        seed.dispatch(state=state, channel="pro", label="Mme DUPONT Zoé", reason="refus pour DUPONT", lane=Lane.URGENT)
    (labo.inbox / "DUPONT_Zoe_2.hl7").write_text("MSH|")
    service = ticks.Alarming(labo.office)
    service.work()
    service.work()
    sent = "\n".join(f"{mail['Subject']}\n{mail.get_content()}" for mail in mails(post)).replace("\r", "")
    for code in ("held", "failed", "quarantine", "paper"):
        assert f"Clé : {code}\n" in sent
    assert "DUPONT" not in sent.upper() and "ZOE" not in sent.upper() and "ZOÉ" not in sent.upper()
    listed = {one["key"] for one in json.loads(run("alarms", "list", "--json").stdout)}
    assert {"held", "failed", "alarm-way:webhook"} <= listed, "the way that fails is one too"
    assert "Code 1" not in run("status", rc=1).output


def test_a_person_sees_to_it(labo: Installation) -> None:
    Seed(labo.office.store, labo.office.clock).dispatch(state=State.HELD, channel="pro")  # type: ignore[arg-type]
    ticks.Alarming(labo.office).look()
    run("alarms", "ack", "held", rc=2)
    run("alarms", "ack", "inconnue", "--why", "x", rc=1)
    assert "est prise en charge par" in run("alarms", "ack", "held", "--why", "j'appelle").output
    (held,) = [one for one in alarming.listed(labo.office.store) if one.key == "held"]
    assert held.ack_why == "j'appelle" and "prise en charge" in run("alarms", "list").output


def test_the_heartbeat_beats_while_all_is_well(labo: Installation, hooks: Hooks) -> None:
    service = ticks.Alarming(labo.office)
    assert not service.beat(well=False) and hooks.seen == []
    assert service.beat(well=True) and len(hooks.seen) == 1


def test_a_folder_that_hangs_keeps_no_alarm_back(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hang(self: FolderSpool) -> tuple[float, ...]:
        gate.wait(60)
        return ()

    monkeypatch.setattr(FolderSpool, "lying", hang)
    monkeypatch.setattr(ticks, "FOLDER_SECONDS", 0.05)
    service = ticks.Alarming(labo.office)
    service.look()
    service.look()
    keys = {one.key for one in alarming.listed(labo.office.store)}
    gate.set()
    assert "source-unreadable:sil" in keys


def test_a_folder_that_may_not_be_read_hides_no_other_alarm(
    labo: Installation, hooks: Hooks, post: tuple[Post, int]
) -> None:
    service = ticks.Alarming(labo.office)
    Seed(labo.office.store, labo.office.clock).dispatch(state=State.HELD, channel="pro")  # type: ignore[arg-type]
    folder = labo.office.settings.keys.folder
    folder.chmod(0)
    try:
        with file_rights_count():
            service.work()
    finally:
        folder.chmod(0o700)
    keys = {one.key for one in alarming.listed(labo.office.store)}
    assert "held" in keys and mails(post)


def test_a_part_that_cannot_be_judged_is_an_alarm_itself(
    labo: Installation, post: tuple[Post, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Seed(labo.office.store, labo.office.clock).dispatch(state=State.HELD, channel="pro")  # type: ignore[arg-type]

    def broken(parts: Any) -> Any:
        raise PermissionError(13, "DUPONT Zoe")

    monkeypatch.setattr(everything_standing, "_directories", broken)
    ticks.Alarming(labo.office).look()
    found = {one.key for one in alarming.listed(labo.office.store)}
    assert {"held", "tick:alarms:annuaires"} <= found


def test_who_cannot_see_does_not_say_that_all_is_well(
    labo: Installation, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ticks.Alarming(labo.office)
    monkeypatch.setattr(ticks, "everything", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        service.work()
    assert not service.beat(well=True) and hooks.seen == []
